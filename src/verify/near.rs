//! Why no rule took an artifact that is not allowed: every rule before that was nearly about it. This
//! decides nothing; it runs only where something was refused, for a few of what was refused.

use std::borrow::Cow;

use crate::model::{
    Agreement, Artifacts, DigestSet, Link, MatchRule, Pattern, Prefix, Rule, Side, similar,
};
use crate::report::{DigestPair, Miss, NearMiss, Other};

use super::params::unfilled;
use super::rules::{LinkOf, agreement, counterpart};

/// How many rules are named for one artifact.
const RULES_AT_MOST: usize = 8;

/// How many names there are looked at for some that are like the wanted one: those that stand around
/// its place in their order.
const NAMES_AT_MOST: usize = 500;

/// How many names that are like the wanted one are kept.
const SIMILAR_AT_MOST: usize = 3;

/// How many parameters of one pattern are thought to be filled in.
const PARAMETERS_AT_MOST: usize = 8;

/// The rules that came before, and what they were applied to.
pub(super) struct Near<'a, 'l> {
    pub(super) side: Side,
    pub(super) own: &'a Artifacts,
    /// The other side of the same link.
    pub(super) other: &'a Artifacts,
    pub(super) link_of: &'a LinkOf<'l>,
}

/// One artifact.
struct Artifact<'a> {
    name: &'a str,
    digests: &'a DigestSet,
    /// Whether to search for it among all names and digests of other steps.
    search: bool,
}

impl Near<'_, '_> {
    /// The rules that nearly took the artifact at that place.
    pub(super) fn misses(&self, rules: &[Rule], at: usize, search: bool) -> Vec<NearMiss> {
        let (Some(name), Some(digests)) = (self.own.name(at), self.own.digests(at)) else {
            return Vec::new();
        };
        let artifact = Artifact {
            name,
            digests,
            search,
        };
        let miss = |rule: &Rule| {
            let why = self.miss(rule, &artifact)?;
            let rule = rule.to_string();
            Some(NearMiss { rule, why })
        };
        rules.iter().filter_map(miss).take(RULES_AT_MOST).collect()
    }

    fn miss(&self, rule: &Rule, artifact: &Artifact<'_>) -> Option<Miss> {
        let why = match rule {
            Rule::Create(pattern) if pattern.matches(artifact.name) => {
                return self.on_both_sides(Side::Products, artifact);
            }
            Rule::Delete(pattern) if pattern.matches(artifact.name) => {
                return self.on_both_sides(Side::Materials, artifact);
            }
            Rule::Modify(pattern) if pattern.matches(artifact.name) => {
                return self.not_modified(artifact);
            }
            Rule::Match(rule) => {
                let unfilled = || nearly_filled(&rule.pattern, artifact.name);
                return self.not_matched(rule, artifact).or_else(unfilled);
            }
            Rule::Allow(pattern)
            | Rule::Create(pattern)
            | Rule::Delete(pattern)
            | Rule::Modify(pattern) => {
                if let Some(miss) = nearly_filled(pattern, artifact.name) {
                    return Some(miss);
                }
                nearly_matches(pattern, artifact.name)?
            }
            // One that was refused before is not refused again.
            Rule::Disallow(_) | Rule::Require(_) => return None,
        };
        Some(match why {
            Nearly::Pattern(pattern) => Miss::Pattern {
                would: with_pattern(rule, &pattern)?.to_string(),
            },
            Nearly::Case => Miss::Case,
            Nearly::Name => Miss::SimilarName,
        })
    }

    fn other_side(&self) -> Side {
        match self.side {
            Side::Materials => Side::Products,
            Side::Products => Side::Materials,
        }
    }

    /// CREATE and DELETE, which take what only one side has.
    fn on_both_sides(&self, about: Side, artifact: &Artifact<'_>) -> Option<Miss> {
        if about != self.side {
            return Some(Miss::WrongSide { about });
        }
        let digests = self.other.get(artifact.name)?;
        Some(Miss::OnBothSides {
            other: self.other_side(),
            same: artifact.digests.agreement(digests) == Agreement::Same,
        })
    }

    fn not_modified(&self, artifact: &Artifact<'_>) -> Option<Miss> {
        let other = self.other_side();
        let Some(digests) = self.other.get(artifact.name) else {
            return Some(Miss::OnOneSide { other });
        };
        match artifact.digests.agreement(digests) {
            Agreement::Same => Some(Miss::Unchanged),
            // Too weak is a finding of its own.
            Agreement::Different | Agreement::TooWeak | Agreement::NothingShared => None,
        }
    }

    fn not_matched(&self, rule: &MatchRule, artifact: &Artifact<'_>) -> Option<Miss> {
        let link: &Link = (self.link_of)(&rule.from)?;
        let there = link.side(rule.side);
        let other = |path: &str| Other {
            from: rule.from.clone(),
            side: rule.side,
            path: path.to_owned(),
        };
        let looked_for = counterpart(rule, artifact.name);
        if let Some(path) = &looked_for
            && let Some(digests) = there.get(path)
        {
            let there = other(path);
            return match artifact.digests.agreement(digests) {
                Agreement::Different => {
                    let before = self.other.get(artifact.name);
                    let same = |before: &DigestSet| before.agreement(digests) == Agreement::Same;
                    let changed_here = self.side == Side::Products && before.is_some_and(same);
                    let digests = DigestPair::differing(artifact.digests, digests)?;
                    Some(Miss::OtherDigest {
                        there,
                        digests,
                        changed_here,
                    })
                }
                Agreement::NothingShared => Some(Miss::NothingShared { there }),
                Agreement::Same | Agreement::TooWeak => None,
            };
        }
        if artifact.search
            && let Some(path) = same_content(artifact, there)
        {
            let would = other_prefixes(rule, artifact, path, there);
            let matches = looked_for.is_some();
            // A rule for one other name is about something else.
            if matches || would.is_some() || !is_literal(rule.pattern.as_str()) {
                let there = other(path);
                return Some(Miss::Elsewhere {
                    there,
                    matches,
                    would,
                });
            }
        }
        let path = looked_for?;
        let names = around(there, &path).filter(|_| artifact.search);
        let similar = similar(&path, names, SIMILAR_AT_MOST);
        Some(Miss::NotThere {
            there: other(&path),
            similar: similar.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// The artifact with the same content whose name ends most like this one.
fn same_content<'a>(artifact: &Artifact<'_>, there: &'a Artifacts) -> Option<&'a str> {
    let same =
        |(_, digests): &(&str, &DigestSet)| artifact.digests.agreement(digests) == Agreement::Same;
    let names = there.iter().filter(same).map(|(name, _)| name);
    let mut best: Option<(usize, &str)> = None;
    for name in names {
        let shared = shared_tail(artifact.name, name);
        if best.is_none_or(|(most, _)| shared > most) {
            best = Some((shared, name));
        }
    }
    best.map(|(_, name)| name)
}

/// How many whole components two names have in common at their end.
fn shared_tail(one: &str, two: &str) -> usize {
    let components = one.rsplit('/').zip(two.rsplit('/'));
    components.take_while(|(one, two)| one == two).count()
}

/// The rule with the prefixes under which it takes the artifact, if it then does.
fn other_prefixes(
    rule: &MatchRule,
    artifact: &Artifact<'_>,
    path: &str,
    there: &Artifacts,
) -> Option<String> {
    let shared = shared_tail(artifact.name, path);
    let mut parts: Vec<&str> = artifact.name.rsplitn(shared + 1, '/').collect();
    if shared == 0 {
        return None;
    }
    let folder = if parts.len() > shared {
        parts.pop()
    } else {
        None
    };
    let destination = path.rsplitn(shared + 1, '/').nth(shared);
    let own = rule.pattern.as_str();
    let below = folder.and_then(|folder| own.strip_prefix(folder)?.strip_prefix('/'));
    let patterns = [Some(own), below].into_iter().flatten();
    let mut rules = patterns.map(|pattern| MatchRule {
        pattern: Pattern::new(pattern),
        source: folder.and_then(Prefix::new),
        side: rule.side,
        destination: destination.and_then(Prefix::new),
        from: rule.from.clone(),
    });
    let takes = |rule: &MatchRule| {
        agreement(rule, artifact.name, artifact.digests, there) == Some(Agreement::Same)
    };
    rules.find(takes).map(|rule| Rule::Match(rule).to_string())
}

/// The names around the place that a name would have in their order.
pub(super) fn around<'a>(there: &'a Artifacts, name: &str) -> impl Iterator<Item = &'a str> {
    // Names that begin alike stand together.
    let start = name.char_indices().nth(1).map_or(0, |(at, _)| at);
    let alike = there.starting_with(name.get(..start).unwrap_or_default());
    let place = there.starting_with(name).start;
    let from = place.saturating_sub(NAMES_AT_MOST / 2).max(alike.start);
    (from..alike.end)
        .take(NAMES_AT_MOST)
        .filter_map(|at| there.name(at))
}

/// Whether a pattern would match if what looks like a parameter in it were filled in.
fn nearly_filled(pattern: &Pattern, name: &str) -> Option<Miss> {
    let mut text = pattern.as_str().to_owned();
    let (_, parameter, _) = unfilled(pattern.as_str())?;
    for _ in 0..PARAMETERS_AT_MOST {
        if let Some((before, _, behind)) = unfilled(&text) {
            text = format!("{before}*{behind}");
        }
    }
    Pattern::new(&text).matches(name).then(|| Miss::Unfilled {
        parameter: parameter.to_owned(),
    })
}

/// How a pattern misses a name.
enum Nearly {
    Pattern(String),
    Case,
    Name,
}

fn nearly_matches(pattern: &Pattern, name: &str) -> Option<Nearly> {
    let text = pattern.as_str();
    let takes = |text: &Cow<'_, str>| Pattern::new(text).matches(name);
    let without_dot = text.strip_prefix("./");
    let variants = [
        name.starts_with("./")
            .then(|| Cow::from(format!("./{text}"))),
        without_dot.map(Cow::from),
        text.strip_suffix('/')
            .map(|folder| Cow::from(format!("{folder}/*"))),
        Some(Cow::from(format!("{text}/*"))),
        text.contains("**/")
            .then(|| Cow::from(text.replace("**/", ""))),
        text.contains('\\')
            .then(|| Cow::from(text.replace('\\', "/"))),
    ];
    if let Some(text) = variants.into_iter().flatten().find(takes) {
        return Some(Nearly::Pattern(text.into_owned()));
    }
    if Pattern::new(&text.to_lowercase()).matches(&name.to_lowercase()) {
        return Some(Nearly::Case);
    }
    (is_literal(text) && !similar(text, [name], 1).is_empty()).then_some(Nearly::Name)
}

/// Whether a pattern is one name.
fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '['])
}

/// The same rule with another pattern.
fn with_pattern(rule: &Rule, pattern: &str) -> Option<Rule> {
    let pattern = Pattern::new(pattern);
    Some(match rule {
        Rule::Allow(_) => Rule::Allow(pattern),
        Rule::Create(_) => Rule::Create(pattern),
        Rule::Delete(_) => Rule::Delete(pattern),
        Rule::Modify(_) => Rule::Modify(pattern),
        Rule::Disallow(_) | Rule::Match(_) | Rule::Require(_) => return None,
    })
}
