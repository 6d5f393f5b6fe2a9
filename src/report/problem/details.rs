//! A problem's message in parts: the headline, and what explains it further.

use super::super::difference::differing;
use super::super::words::behind;
use super::Problem;

impl Problem {
    /// The message without what explains it further.
    pub fn headline(&self) -> String {
        let message = self.to_string();
        let details = behind(&self.details());
        message
            .strip_suffix(&details)
            .unwrap_or(&message)
            .to_owned()
    }

    /// What explains the message further, and stands at its end: a line each.
    pub fn details(&self) -> Vec<String> {
        if let Self::ArtifactDisallowed { near, .. } = self {
            near.iter().map(ToString::to_string).collect()
        } else if let Self::LinksDisagree {
            first,
            other,
            differences,
            more,
            vouched,
        } = self
        {
            differing((first, other), differences, *more, vouched.as_ref())
        } else if let Self::ThresholdNotMet { instead, .. } = self {
            instead.iter().map(ToString::to_string).collect()
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Side;
    use crate::report::{Miss, NearMiss};

    #[test]
    fn untrusted_text_in_a_message_is_escaped() {
        let problem = Problem::ArtifactDisallowed {
            side: Side::Products,
            path: "\u{1b}[31mx".to_owned(),
            rule: "DISALLOW *".to_owned(),
            near: vec![NearMiss {
                rule: "ALLOW \u{7}".to_owned(),
                why: Miss::Case,
            }],
            again: None,
        };
        let headline =
            "the product `\\u{1b}[31mx` is not allowed: no rule before `DISALLOW *` takes it";
        let why =
            "`ALLOW \\u{7}` does not: its pattern differs from the name in upper and lower case";
        assert_eq!(problem.to_string(), format!("{headline}; {why}"));
        assert_eq!(problem.headline(), headline);
        assert_eq!(problem.details(), [why]);
    }
}
