//! JUnit XML, as GitLab and Jenkins read it: a suite for the layout and for each item, in it a case
//! for each rule and for each thing that was found.
//!
//! Only elements and attributes that both know are used. Errors are failures, what leaves the answer
//! open is an error. Warnings, notes and the conditions of the answer are skipped cases with their text:
//! GitLab drops the output of a case that passes, and what has a warning must not look like any pass.
//! Characters that XML cannot hold come out as visible escapes.

use std::io::{self, Write};

use crate::report::{Finding, Item, Report, Severity, Status, Verdict};

use super::words::{self, markup};

/// Writes the report.
///
/// # Errors
/// The writer's.
pub fn junit(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = vec![layout_suite(report)];
    let items = report.items.iter().enumerate();
    suites.extend(items.map(|(index, item)| item_suite(report, index, item)));
    let verdict = verdict_suite(report, &suites);
    suites.extend(verdict);
    let sum = |count: fn(&Case) -> bool| {
        let cases = suites.iter().flat_map(|suite| &suite.cases);
        cases.filter(|case| count(case)).count()
    };
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="linkwright verify" tests="{}" failures="{}" errors="{}">"#,
        sum(|_| true),
        sum(|case| case.outcome == Outcome::Failure),
        sum(|case| case.outcome == Outcome::Error),
    )?;
    for suite in &suites {
        suite.write(out)?;
    }
    writeln!(out, "</testsuites>")
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    outcome: Outcome,
    /// One line.
    message: String,
    /// All of it.
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failure,
    Error,
    Skipped,
}

fn layout_suite(report: &Report) -> Suite {
    let name = format!("layout {}", report.layout.path);
    let mut cases: Vec<Case> = words::groups(&report.findings).map(Case::of).collect();
    if cases.is_empty() {
        cases.push(Case::passed("signatures and validity".to_owned()));
    }
    let conditions = report.layout.conditions();
    cases.extend(conditions.iter().map(|text| Case::condition(text)));
    Suite::new(name, cases)
}

/// What is no pass must not look like one, even where nothing failed: commands of inspections may only
/// have been listed.
fn verdict_suite(report: &Report, suites: &[Suite]) -> Option<Suite> {
    let mut cases = suites.iter().flat_map(|suite| &suite.cases);
    let shown = cases.any(Case::refuses);
    let is_pass = report.verdict() == Verdict::Pass;
    (!is_pass && !shown).then(|| {
        let case = Case {
            outcome: Outcome::Failure,
            message: "not everything was checked".to_owned(),
            ..Case::passed("verdict".to_owned())
        };
        Suite::new("verdict".to_owned(), vec![case])
    })
}

fn item_suite(report: &Report, index: usize, item: &Item) -> Suite {
    let name = format!("{} {}", words::kind(item.kind), item.name);
    let mut cases: Vec<Case> = words::groups(&item.findings).map(Case::of).collect();
    let link = report.chain.as_ref().and_then(|chain| chain.link(index));
    let found = words::pointers(item.findings.iter());
    for rule in link.iter().flat_map(|link| &link.rules) {
        if !found.contains(rule.pointer.as_str()) {
            let name = format!("{} {}: {}", rule.side.noun(), rule.pointer, rule.text);
            cases.push(match item.status {
                Status::NotReached => Case::skipped(name),
                Status::Passed | Status::Failed => Case::passed(name),
            });
        }
    }
    let refused = cases.iter().any(Case::refuses);
    match item.status {
        Status::Passed => cases.push(Case::passed("all checks".to_owned())),
        Status::NotReached if !refused => cases.push(Case::skipped("all checks".to_owned())),
        // Such as a sublayout that fails by its own items: it must not look as if it had passed.
        Status::Failed if !refused => cases.push(Case {
            outcome: Outcome::Failure,
            message: "failed".to_owned(),
            ..Case::passed("all checks".to_owned())
        }),
        Status::NotReached | Status::Failed => {}
    }
    Suite::new(name, cases)
}

impl Suite {
    /// Readers tell cases apart by their names: equal ones get a number.
    fn new(name: String, mut cases: Vec<Case>) -> Self {
        let mut seen = std::collections::BTreeMap::new();
        for case in &mut cases {
            let count: &mut usize = seen.entry(case.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                case.name = format!("{} ({count})", case.name);
            }
        }
        Self { name, cases }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let count = |outcome| {
            let cases = self.cases.iter();
            cases.filter(|case| case.outcome == outcome).count()
        };
        writeln!(
            out,
            r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
            markup(&self.name),
            self.cases.len(),
            count(Outcome::Failure),
            count(Outcome::Error),
            count(Outcome::Skipped),
        )?;
        for case in &self.cases {
            case.write(&self.name, out)?;
        }
        writeln!(out, "  </testsuite>")
    }
}

impl Case {
    fn passed(name: String) -> Self {
        Self {
            name,
            outcome: Outcome::Passed,
            message: String::new(),
            text: String::new(),
        }
    }

    fn skipped(name: String) -> Self {
        Self {
            outcome: Outcome::Skipped,
            message: "not reached".to_owned(),
            ..Self::passed(name)
        }
    }

    fn refuses(&self) -> bool {
        matches!(self.outcome, Outcome::Failure | Outcome::Error)
    }

    /// On what the answer depends.
    fn condition(text: &str) -> Self {
        Self {
            outcome: Outcome::Skipped,
            message: format!("note: {text}"),
            text: text.to_owned(),
            ..Self::passed(format!("condition: {text}"))
        }
    }

    /// Findings that are alike.
    fn of(group: &[Finding]) -> Self {
        let Some(first) = group.first() else {
            return Self::passed(String::new());
        };
        let mut name = first.problem.code().to_owned();
        let mut text = String::new();
        for finding in group {
            text.push_str(&format!(
                "{}[{}]: {}\n",
                words::severity(finding.severity),
                finding.problem.code(),
                finding.problem
            ));
            let help = finding.problem.help();
            if !help.is_empty() && (group.len() == 1 || help != first.problem.help()) {
                text.push_str(&format!("  help: {help}\n"));
            }
        }
        if let Some(place) = &first.place {
            name = format!("{name} at {}", place.pointer);
            text.push_str(&format!("at: {} {}\n", place.document, place.pointer));
        }
        let help = first.problem.help();
        if group.len() > 1 && !help.is_empty() {
            text.push_str(&format!("help: {help}\n"));
        }
        let weight = match first.severity {
            Severity::Warning => "warning: ",
            Severity::Error | Severity::Note => "",
        };
        let message = match group.len() {
            1 => format!("{weight}{}", first.problem),
            count => format!(
                "{weight}{} (and {} more like this)",
                first.problem,
                count - 1
            ),
        };
        let outcome = match first.severity {
            Severity::Error if first.problem.leaves_undecided() => Outcome::Error,
            Severity::Error => Outcome::Failure,
            Severity::Warning | Severity::Note => Outcome::Skipped,
        };
        Self {
            name,
            outcome,
            message,
            text,
        }
    }

    fn write(&self, class: &str, out: &mut dyn Write) -> io::Result<()> {
        write!(
            out,
            r#"    <testcase name="{}" classname="{}""#,
            markup(&self.name),
            markup(class)
        )?;
        let element = match self.outcome {
            Outcome::Passed => return writeln!(out, "/>"),
            Outcome::Failure => "failure",
            Outcome::Error => "error",
            Outcome::Skipped => "skipped",
        };
        // GitLab shows the text, and the message only in its absence.
        let text = match self.text.as_str() {
            "" => &self.message,
            text => text,
        };
        let (message, text) = (markup(&self.message), markup(text));
        writeln!(
            out,
            r#"><{element} message="{message}">{text}</{element}></testcase>"#
        )
    }
}
