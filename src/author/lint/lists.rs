//! Whether a list of rules refuses anything, and what it leaves over.

use crate::model::{Rule, quoted};
use crate::report::{LintCode, Severity};

use super::findings::Findings;
use super::reading::{Item, List, Reading};

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    for item in &reading.items {
        for list in item.lists() {
            if list.is_whole {
                ends(item, list, found);
            }
            everything(item, list, found);
        }
    }
}

/// What an inspection finds lying around is the verifier's own, so that much is only noted.
fn weight(item: &Item<'_>) -> Severity {
    if item.is_step {
        Severity::Warning
    } else {
        Severity::Note
    }
}

fn ends(item: &Item<'_>, list: &List, found: &mut Findings) {
    let noun = list.side.noun();
    let at = &list.pointer;
    let Some(last) = list.rules.last() else {
        let at = match item.object.get(list.side.rules_field()) {
            Some(_) => at,
            None => &item.pointer,
        };
        let message = format!("there are no rules for its {noun}s, so any {noun} is let through");
        let help = "end the list with `DISALLOW *`; alone it says that there is none";
        return found.add(weight(item), LintCode::ListEmpty, at, message, help);
    };
    if list.is_closed() {
        return;
    }
    let refuses = |rule: &Rule| matches!(rule, Rule::Disallow(_) | Rule::Require(_));
    if !list.rules.iter().any(|placed| refuses(&placed.rule)) {
        let message = format!(
            "no rule of the list refuses anything: what they do not take is let through, so any {noun} passes"
        );
        let help = "end the list with `DISALLOW *`";
        return found.warn(LintCode::ListRefusesNothing, at, message, help);
    }
    let help = "end the list with `DISALLOW *`, and ALLOW before it what may be there";
    if let Rule::Disallow(pattern) = &last.rule {
        let message = format!(
            "the list ends with DISALLOW {}: a {noun} of another name that no rule is about is let through",
            quoted(pattern.as_str())
        );
        found.note(LintCode::ListOpen, &last.pointer, message, help);
    } else {
        let message = format!(
            "the list does not end with DISALLOW: a {noun} that no rule takes is let through"
        );
        found.add(weight(item), LintCode::ListOpen, at, message, help);
    }
}

fn everything(item: &Item<'_>, list: &List, found: &mut Findings) {
    for placed in &list.rules {
        if let Rule::Allow(pattern) = &placed.rule
            && pattern.is_everything()
        {
            let message = format!(
                "it lets every {} through that no rule before it took",
                list.side.noun()
            );
            let help = "name what may be there, and end the list with `DISALLOW *`";
            found.add(
                weight(item),
                LintCode::AllowEverything,
                &placed.pointer,
                message,
                help,
            );
        }
    }
}
