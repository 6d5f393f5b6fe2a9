//! Which warnings refuse.

use std::collections::BTreeSet;

use super::{Problem, Report, Severity, Status};

/// What is done with warnings. Without anything in it they refuse nothing.
///
/// Warnings about link files and signatures that do not count, because others are enough, never refuse
/// by strictness alone: anybody who can put a file beside the links could stop a release with one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Every warning refuses, but for those that are allowed and those about what does not count.
    pub strict: bool,
    /// Codes whose warnings refuse in any case.
    pub denied: BTreeSet<String>,
    /// Codes whose warnings refuse nothing, strict or not.
    pub allowed: BTreeSet<String>,
}

impl Policy {
    /// No warning refuses; the same as the default.
    pub const LENIENT: &'static Self = &Self {
        strict: false,
        denied: BTreeSet::new(),
        allowed: BTreeSet::new(),
    };

    /// Whether this refuses, as a warning.
    pub fn refuses(&self, problem: &Problem) -> bool {
        let code = problem.code();
        let strict = self.strict && !problem.anybody_could_cause();
        self.denied.contains(code) || strict && !self.allowed.contains(code)
    }
}

impl Report {
    /// Makes errors of the warnings that refuse. An item that has one failed.
    pub fn enforce(&mut self, policy: &Policy) {
        let weigh = |finding: &mut super::Finding| {
            if finding.severity == Severity::Warning && policy.refuses(&finding.problem) {
                finding.severity = Severity::Error;
            }
        };
        self.findings.iter_mut().for_each(weigh);
        for item in &mut self.items {
            item.findings.iter_mut().for_each(weigh);
            if item.has_errors() {
                item.status = Status::Failed;
            }
        }
    }
}

/// The manual's page about codes, one in a line of its table.
const PAGE: &str = include_str!("../manual/codes.md");

/// All codes that a finding can have.
pub fn codes() -> Vec<&'static str> {
    let code = |line: &'static str| line.strip_prefix("| `")?.split('`').next();
    PAGE.lines().filter_map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyId;
    use crate::report::{Finding, Item, ItemKind, LayoutSummary, Verdict};

    fn report() -> Report {
        let mut item = Item::new(ItemKind::Step, "s".to_owned());
        item.status = Status::Passed;
        let problem = Problem::CommandFailed {
            link: "l".to_owned(),
            status: 1,
        };
        item.findings.push(Finding::warning(problem, None));
        let mut report = Report::new(LayoutSummary::default());
        report.items.push(item);
        let keyid = KeyId::new("00");
        let problem = Problem::KeyUnused { keyid };
        report.findings.push(Finding::warning(problem, None));
        report
    }

    fn verdict(strict: bool, denied: &[&str], allowed: &[&str]) -> Verdict {
        let set = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
        let policy = Policy {
            strict,
            denied: set(denied),
            allowed: set(allowed),
        };
        let mut report = report();
        report.enforce(&policy);
        let failed = report.items[0].status == Status::Failed;
        assert_eq!(failed, report.items[0].has_errors());
        report.verdict()
    }

    #[test]
    fn warnings_refuse_only_as_the_policy_says() {
        assert_eq!(verdict(false, &[], &[]), Verdict::Pass);
        assert_eq!(verdict(true, &[], &[]), Verdict::Refuse);
        assert_eq!(verdict(true, &[], &["key-unused"]), Verdict::Refuse);
        let both = &["key-unused", "command-failed"];
        assert_eq!(verdict(true, &[], both), Verdict::Pass);
        assert_eq!(verdict(false, &["key-unused"], &[]), Verdict::Refuse);
        assert_eq!(verdict(false, &["command-failed"], both), Verdict::Refuse);
        assert_eq!(verdict(false, &["command-differs"], &[]), Verdict::Pass);
    }

    #[test]
    fn the_manual_has_all_codes() {
        let source = include_str!("problem/code.rs");
        let behind = source.split("fn code(").nth(1).unwrap();
        let body = behind.split("\n    }").next().unwrap();
        let mut known: Vec<&str> = body.split('"').skip(1).step_by(2).collect();
        known.sort_unstable();
        let mut listed = codes();
        listed.sort_unstable();
        assert_eq!(listed, known);
    }
}
