//! The layout held against links of a good run: what of it was of use, and what was let through unchecked.
//!
//! Signatures are not checked here; that is for `verify`.

use std::collections::{BTreeMap, BTreeSet};

use crate::keys::{AnyKey, KeyId};
use crate::model::{
    Envelope, Evidence, ItemName, Link, LinkFile, PayloadKind, Rule, command_line, quoted,
    quoted_list,
};
use crate::report::LintCode;
use crate::verify::{Fate, fate};

use super::findings::Findings;
use super::reading::{Item, List, Placed, Reading};

/// How many names a message has.
const NAMED_AT_MOST: usize = 5;

pub(super) fn look(reading: &Reading<'_>, evidence: &Evidence, found: &mut Findings) {
    let mut links: BTreeMap<ItemName, Link> = BTreeMap::new();
    for item in reading.steps() {
        let Some(name) = item.name.and_then(|name| ItemName::new(name).ok()) else {
            continue;
        };
        let files = evidence.of(&name);
        if files.is_empty() {
            let message = "there is no link of this step among the evidence".to_owned();
            let help = "give the folder with the links of a whole run";
            found.warn(LintCode::EvidenceMissing, &item.pointer, message, help);
        } else {
            signers(reading, item, files, found);
        }
        if let Some(link) = files.iter().find_map(|file| usable(file, &name)) {
            links.insert(name, link);
        }
    }
    // These were told of already.
    let idle = found.places(&[
        LintCode::MatchWithoutCounterpart,
        LintCode::PatternMatchesNothing,
        LintCode::RuleOnWrongSide,
        LintCode::RuleShadowed,
    ]);
    for item in reading.steps() {
        let name = item.name.and_then(|name| ItemName::new(name).ok());
        if let Some(link) = name.and_then(|name| links.get(&name)) {
            command(item, link, found);
            for list in item.lists() {
                rules(list, link, &links, &idle, found);
            }
        }
    }
}

/// The link in a file, if it is one of the step. A layout in its place is not looked into.
fn usable(file: &LinkFile, step: &ItemName) -> Option<Link> {
    let envelope = file.content.as_ref().ok()?;
    if envelope.kind() != PayloadKind::Link {
        return None;
    }
    let link = envelope.link().ok()?;
    (link.name == step.as_str()).then_some(link)
}

/// Functionaries under whose ids no file is signed.
fn signers(reading: &Reading<'_>, item: &Item<'_>, files: &[LinkFile], found: &mut Findings) {
    let signed: BTreeSet<&KeyId> = files
        .iter()
        .filter_map(|file| file.content.as_ref().ok())
        .flat_map(Envelope::signatures)
        .filter_map(|signature| signature.keyid.as_ref())
        .collect();
    for (index, text) in item.texts("pubkeys") {
        let keyid = KeyId::new(text);
        let layout = reading.layout.as_ref();
        let functionary = layout.and_then(|layout| layout.functionaries.get(&keyid));
        let mut ids = vec![keyid.clone()];
        if let Some(functionary) = functionary {
            ids.push(functionary.keyid.clone());
            if let Ok(AnyKey::OpenPgp(key)) = &functionary.key {
                ids.extend(key.ids());
            }
        }
        if !ids.iter().any(|id| signed.contains(id)) {
            let message = format!(
                "no link of this step in the evidence is signed by {}",
                quoted(keyid.short())
            );
            let help = "take the key out if its owner does not perform the step any more";
            let at = format!("{}/pubkeys/{index}", item.pointer);
            found.note(LintCode::KeyNeverSigned, &at, message, help);
        }
    }
}

fn command(item: &Item<'_>, link: &Link, found: &mut Findings) {
    let expected: Vec<&str> = item
        .texts("expected_command")
        .into_iter()
        .map(|(_, word)| word)
        .collect();
    if expected.is_empty() || link.command == expected {
        return;
    }
    let shown = command_line(&link.command);
    let message = format!(
        "the step expects {}, and its link says {}",
        quoted(&command_line(&expected)),
        quoted(&shown)
    );
    let help = "write the command that is run, word by word as the link has it";
    let at = format!("{}/expected_command", item.pointer);
    found.warn(LintCode::CommandDiffers, &at, message, help);
}

fn rules(
    list: &List,
    link: &Link,
    links: &BTreeMap<ItemName, Link>,
    idle: &BTreeSet<String>,
    found: &mut Findings,
) {
    // With parameters that are not filled in nothing can be said.
    if !list.is_whole || list.rules.iter().any(|placed| placed.is_open) {
        return;
    }
    let rules: Vec<Rule> = list
        .rules
        .iter()
        .map(|placed| placed.rule.clone())
        .collect();
    let link_of = |name: &ItemName| links.get(name);
    let mut of_rule: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let mut left: Vec<&str> = Vec::new();
    for name in link.side(list.side).keys() {
        match fate(&rules, list.side, link, name, &link_of) {
            Fate::Taken(index) | Fate::Refused(index) => {
                of_rule.entry(index).or_default().push(name);
            }
            Fate::Left => left.push(name),
        }
    }
    if !left.is_empty() && !rules.is_empty() {
        let message = format!(
            "in this evidence no rule is about {}: any content would pass",
            several(list, &left)
        );
        let help = "add a rule for them, and end the list with `DISALLOW *`";
        found.warn(LintCode::ArtifactUnchecked, &list.pointer, message, help);
    }
    for (index, placed) in list.rules.iter().enumerate() {
        let names = of_rule.get(&index).map(Vec::as_slice).unwrap_or_default();
        did(list, placed, names, link, idle, found);
    }
}

/// What one rule did, to the artifacts of these names.
fn did(
    list: &List,
    placed: &Placed,
    names: &[&str],
    link: &Link,
    idle: &BTreeSet<String>,
    found: &mut Findings,
) {
    let at = &placed.pointer;
    match &placed.rule {
        Rule::Disallow(_) if !names.is_empty() => {
            let message = format!("in this evidence it refuses {}", several(list, names));
            let help = "if the run was good, add a rule before it that takes them";
            found.warn(LintCode::ArtifactRefused, at, message, help);
        }
        Rule::Require(path) if !link.side(list.side).contains_key(path.as_str()) => {
            let (noun, name) = (list.side.noun(), quoted(path.as_str()));
            let message = format!("in this evidence there is no {noun} {name}");
            let help = "compare the name with those in the link";
            found.warn(LintCode::ArtifactRefused, at, message, help);
        }
        Rule::Disallow(_) | Rule::Require(_) => {}
        // That a rule takes nothing may have been said already.
        _ if names.is_empty() && idle.contains(at) => {}
        _ if names.is_empty() => {
            let message = "in this evidence it took nothing".to_owned();
            let help = "take the rule out if it is not needed, or compare its pattern with the names in the link";
            found.note(LintCode::RuleTookNothing, at, message, help);
        }
        Rule::Allow(_) => {
            let message = format!(
                "in this evidence it alone lets {} through, whatever is in them",
                several(list, names)
            );
            let help = "MATCH them with the step that they come from, or say with CREATE or MODIFY what the step does";
            found.note(LintCode::ArtifactOnlyAllowed, at, message, help);
        }
        Rule::Create(_) | Rule::Delete(_) | Rule::Match(_) | Rule::Modify(_) => {}
    }
}

fn several(list: &List, names: &[&str]) -> String {
    let s = if names.len() == 1 { "" } else { "s" };
    format!(
        "{} {}{s} ({})",
        names.len(),
        list.side.noun(),
        quoted_list(names, NAMED_AT_MOST)
    )
}
