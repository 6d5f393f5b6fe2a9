//! Which continuous integration this is, by what it says of itself in the environment.

use std::ffi::OsString;
use std::path::PathBuf;

/// A continuous integration that shows more than plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ci {
    /// GitHub Actions.
    GitHub {
        /// The file to which a step appends its summary.
        summary: Option<PathBuf>,
    },
    /// GitLab CI.
    GitLab,
}

impl Ci {
    /// Looks at the environment, which `variable` gives. A variable that is empty or `false` says
    /// nothing.
    pub fn detect(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is = |name: &str| said(name).is_some_and(|value| value != "false");
        if is("GITHUB_ACTIONS") {
            let summary = said("GITHUB_STEP_SUMMARY").map(PathBuf::from);
            return Some(Self::GitHub { summary });
        }
        is("GITLAB_CI").then_some(Self::GitLab)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(variables: &[(&str, &str)]) -> Option<Ci> {
        Ci::detect(|name| {
            let mut variables = variables.iter();
            let found = variables.find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn each_is_known_by_its_own_variable() {
        assert_eq!(detected(&[("CI", "true")]), None);
        assert_eq!(detected(&[("GITHUB_ACTIONS", "")]), None);
        assert_eq!(detected(&[("GITHUB_ACTIONS", "false")]), None);
        assert_eq!(
            detected(&[("GITHUB_ACTIONS", "true")]),
            Some(Ci::GitHub { summary: None })
        );
        let summary = Some(PathBuf::from("/s"));
        let found = detected(&[("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "/s")]);
        assert_eq!(found, Some(Ci::GitHub { summary }));
        assert_eq!(detected(&[("GITLAB_CI", "true")]), Some(Ci::GitLab));
    }
}
