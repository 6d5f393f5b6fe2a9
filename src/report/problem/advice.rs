//! What to do next where that depends on what exactly was found: artifacts that no rule took, and
//! links that are too few.

use crate::model::{command_line, quoted, quoted_list};

use super::super::words::NAMED_AT_MOST;
use super::super::{Again, Instead, Miss, NearMiss, Otherwise};

/// How many steps are named in their order.
const STEPS_AT_MOST: usize = 20;

/// About an artifact that no rule took: what follows from the rule that came nearest.
pub(super) fn disallowed(path: &str, near: &[NearMiss], again: Option<&Again>) -> String {
    let nearest = near
        .iter()
        .map(|near| &near.why)
        .min_by_key(|why| rank(why));
    nearest.map_or_else(
        || {
            format!(
                "no rule is about it: find out how it came there, {}; only if it belongs there, the layout's owner adds a rule that takes it, and signs again",
                take_away(again)
            )
        },
        |why| because(path, why, again),
    )
}

/// What a step has recorded stays in its link, whatever becomes of the file.
fn take_away(again: Option<&Again>) -> String {
    match again {
        Some(again) => {
            format!("take it away, and have the step performed again without it: {again}")
        }
        None => "and take it away".to_owned(),
    }
}

/// About steps of which none has a link.
pub(super) fn no_links(similar: &[String], steps: &[String]) -> String {
    let meant = match similar {
        [] => String::new(),
        names => format!("did you mean {}? ", quoted_list(names, NAMED_AT_MOST)),
    };
    let order = match steps {
        [] => String::new(),
        steps => format!(
            "; if there are none yet, have the steps performed in this order: {} (--verbose has their commands)",
            quoted_list(steps, STEPS_AT_MOST)
        ),
    };
    format!("{meant}if the links are elsewhere, give their folder with --link-dir FOLDER{order}")
}

/// The smaller, the more it says about what happened.
fn rank(why: &Miss) -> u8 {
    match why {
        Miss::OtherDigest { .. } => 0,
        Miss::Unfilled { .. } => 1,
        Miss::NothingShared { .. } => 2,
        Miss::Elsewhere { .. } => 3,
        Miss::Unchanged | Miss::OnBothSides { .. } => 4,
        Miss::NotThere { .. } => 5,
        Miss::Pattern { .. } | Miss::Case => 6,
        Miss::OnOneSide { .. } | Miss::WrongSide { .. } => 7,
        Miss::SimilarName => 8,
    }
}

fn because(path: &str, why: &Miss, again: Option<&Again>) -> String {
    match why {
        Miss::OtherDigest {
            there,
            changed_here: true,
            ..
        } => format!(
            "the step must leave it as {} recorded it: mend what the step does, and perform it again; only if it is to change it, the layout's owner writes MODIFY, and signs again",
            quoted(there.from.as_str())
        ),
        Miss::OtherDigest { there, .. } => format!(
            "it is not the file that {} recorded: find out who or what changed it since, and begin again from the file that {0} recorded",
            quoted(there.from.as_str())
        ),
        Miss::NothingShared { .. } => {
            "the two have no kind of digest in common: look which of them lacks sha256, and perform that again with a tool that records it".to_owned()
        }
        Miss::Elsewhere {
            would: Some(rule), ..
        } => format!(
            "the content is right, and the rule looks for it under another name: the layout's owner writes {}, and signs again",
            quoted(rule)
        ),
        Miss::Elsewhere { there, .. } if there.path == path => format!(
            "content and name are as {} recorded them, so it is the rule that does not fit: the layout's owner corrects its pattern, and signs again",
            quoted(there.from.as_str())
        ),
        Miss::Elsewhere { there, .. } => format!(
            "the content is right, and the name is not: perform the step again with the file as {}; only if its name here is right, the layout's owner changes the pattern of the rule, and signs again",
            quoted(&there.path)
        ),
        Miss::NotThere { there, similar } if similar.is_empty() => format!(
            "it does not come from {}: find out how it came there, {}; only if it belongs there, the layout's owner adds a rule that takes it, and signs again",
            quoted(there.from.as_str()),
            take_away(again)
        ),
        Miss::NotThere { .. } | Miss::Case | Miss::SimilarName => {
            "compare the two names: perform the step again under the right one, or the layout's owner corrects the rule, and signs again".to_owned()
        }
        Miss::OnBothSides { .. } => format!(
            "it was there before the step and after it, and CREATE and DELETE take only what is on one side: perform the step again in a clean folder{}; only if it is to be there before, the layout's owner writes MODIFY or ALLOW instead, and signs again",
            again.map(|again| format!(": {again}")).unwrap_or_default()
        ),
        Miss::Unchanged => {
            "MODIFY takes only what the step changes: if it need not change this, the layout's owner writes MATCH or ALLOW instead, and signs again".to_owned()
        }
        Miss::OnOneSide { .. } => {
            "MODIFY takes only what is there before and after: for what the step makes or takes away the layout's owner writes CREATE or DELETE, and signs again".to_owned()
        }
        Miss::WrongSide { .. } => {
            "the layout's owner moves the rule to the other list of the step, and signs again".to_owned()
        }
        Miss::Pattern { would } => format!(
            "if it belongs there, the layout's owner writes {}, and signs again; else {}",
            quoted(would),
            take_away(again).trim_start_matches("and ")
        ),
        Miss::Unfilled { parameter } => parameter_help(parameter),
    }
}

/// About what looks like a parameter.
pub(super) fn parameter_help(parameter: &str) -> String {
    let option = command_line(&[&format!("{parameter}=VALUE")]);
    format!(
        "give the parameter with --param {option}; parameters are filled in in the layout itself, not in sublayouts"
    )
}

/// What is known of a step with too few links.
pub(super) struct Short<'a> {
    pub(super) missing: u64,
    pub(super) able: Option<u64>,
    pub(super) needed: u64,
    pub(super) broken: &'a [String],
    pub(super) looked_for: &'a [String],
    pub(super) instead: &'a [Instead],
    pub(super) again: &'a Again,
}

impl Short<'_> {
    pub(super) fn help(&self) -> String {
        let Self { needed, able, .. } = self;
        if let Some(able) = able.filter(|able| able < needed) {
            return format!(
                "the layout authorises {able} distinct functionaries for the step and needs {needed}: its owner authorises more keys or lowers the threshold, and signs again"
            );
        }
        if let Some(renamed) = self.renamed() {
            return renamed;
        }
        let mend = match self.broken {
            [] => None,
            files => Some(format!(
                "mend what is said above, so that {} can count",
                quoted_list(files, NAMED_AT_MOST)
            )),
        };
        let also = u64::try_from(self.looked_for.len()).is_ok_and(|files| files < self.missing);
        match (mend, self.looked_for) {
            (Some(mend), []) => format!("{mend}; no other functionary is needed"),
            (None, []) => "see what is said above about the step's keys".to_owned(),
            (Some(mend), _) if also => format!("{mend}, and {}", self.perform()),
            (Some(mend), _) => format!("{mend}; or {}", self.perform()),
            (None, _) => self.perform(),
        }
    }

    /// Where a link only has the wrong name, nothing else is to be done.
    fn renamed(&self) -> Option<String> {
        let moved = self.instead.iter().filter_map(|file| {
            let Otherwise::Misnamed { name, .. } = &file.what else {
                return None;
            };
            let folder = file.path.rsplit_once('/').map(|(folder, _)| folder);
            let target = folder.map_or_else(|| name.clone(), |folder| format!("{folder}/{name}"));
            let words = ["mv".to_owned(), file.path.clone(), target];
            Some(format!("`{}`", command_line(&words)))
        });
        let moved: Vec<String> = moved.collect();
        let enough = u64::try_from(moved.len()).is_ok_and(|moved| moved >= self.missing);
        enough.then(|| {
            format!(
                "give the file the name that the link must have: {}; or --discover finds links under any name",
                moved.join(", ")
            )
        })
    }

    /// The command that makes a link.
    fn perform(&self) -> String {
        let run = self.again;
        let stranger = |file: &Instead| {
            matches!(
                file.what,
                Otherwise::Stranger { .. } | Otherwise::OtherFunctionary { .. }
            )
        };
        let other_id = |file: &Instead| matches!(file.what, Otherwise::OtherId { .. });
        if self.instead.iter().any(other_id) {
            format!("sign the link again under the id that the layout has (--keyid-style): {run}")
        } else if self.instead.iter().any(stranger) {
            format!(
                "have a functionary of the step perform it: {run}; only if whoever signed shall be allowed to, the layout's owner adds their key to the step, and signs again"
            )
        } else {
            format!(
                "put the missing links where links are looked for (--link-dir, or else the current folder), or have a functionary perform the step: {run}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemName, Side};
    use crate::report::{DigestPair, Other};

    #[test]
    fn the_rule_that_says_most_is_followed() {
        let near = |why| NearMiss {
            rule: String::new(),
            why,
        };
        let digests = DigestPair {
            algorithm: "sha256".to_owned(),
            first: "1".to_owned(),
            second: "2".to_owned(),
        };
        let there = Other {
            from: ItemName::new("fetch").unwrap(),
            side: Side::Products,
            path: "a".to_owned(),
        };
        let changed = near(Miss::OtherDigest {
            there,
            digests,
            changed_here: false,
        });
        let help = disallowed(
            "a",
            &[near(Miss::SimilarName), changed, near(Miss::Case)],
            None,
        );
        assert!(
            help.contains("not the file that `fetch` recorded"),
            "{help}"
        );
        assert!(disallowed("a", &[], None).starts_with("no rule is about it"));
    }
}
