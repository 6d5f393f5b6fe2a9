//! Where findings are gathered.

use std::collections::BTreeSet;

use crate::report::{LintCode, LintFinding, Severity};

use super::reading::Reading;

#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<LintFinding>,
}

impl Findings {
    pub(super) fn error(&mut self, code: LintCode, at: &str, message: String, help: &str) {
        self.add(Severity::Error, code, at, message, help);
    }

    pub(super) fn warn(&mut self, code: LintCode, at: &str, message: String, help: &str) {
        self.add(Severity::Warning, code, at, message, help);
    }

    pub(super) fn note(&mut self, code: LintCode, at: &str, message: String, help: &str) {
        self.add(Severity::Note, code, at, message, help);
    }

    /// Something was not looked at, for there is too much of it.
    pub(super) fn incomplete(&mut self, at: &str, why: &str) {
        let help = "divide the list, or write patterns in the place of single names; then it is read over whole";
        self.warn(LintCode::LintIncomplete, at, why.to_owned(), help);
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: LintCode,
        at: &str,
        message: String,
        help: &str,
    ) {
        self.list.push(LintFinding {
            code,
            severity,
            message,
            help: help.to_owned(),
            pointer: at.to_owned(),
            item: None,
        });
    }

    /// The places of what was found of these kinds so far.
    pub(super) fn places(&self, codes: &[LintCode]) -> BTreeSet<String> {
        let found = self.list.iter().filter(|one| codes.contains(&one.code));
        found.map(|one| one.pointer.clone()).collect()
    }

    /// All of them in the order of the document, each with its step or inspection.
    pub(super) fn finish(self, reading: &Reading<'_>) -> Vec<LintFinding> {
        let mut list = self.list;
        for one in &mut list {
            one.item = reading.about(&one.pointer);
        }
        list.sort_by_cached_key(|one| (place(&one.pointer), one.code));
        list
    }
}

/// Tokens of a pointer, numbers in the order of numbers. What is about the whole comes first, and steps before
/// inspections.
fn place(pointer: &str) -> Vec<(usize, String)> {
    let token = |token: &str| match token.parse::<usize>() {
        Ok(number) => (number, String::new()),
        Err(_) if token == "inspect" => (1, token.to_owned()),
        Err(_) => (0, token.to_owned()),
    };
    pointer.split('/').map(token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_the_order_of_the_document() {
        let mut pointers = vec![
            "/inspect/0",
            "/steps/10",
            "/steps/2/name",
            "",
            "/keys",
            "/steps/2",
        ];
        pointers.sort_by_key(|pointer| place(pointer));
        let order = [
            "",
            "/keys",
            "/steps/2",
            "/steps/2/name",
            "/steps/10",
            "/inspect/0",
        ];
        assert_eq!(pointers, order);
    }
}
