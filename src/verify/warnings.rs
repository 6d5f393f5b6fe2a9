//! What refuses nothing and should be looked at all the same, unless the
//! [`Policy`](crate::report::Policy) says that it does refuse.

use std::collections::BTreeMap;

use crate::encoding::Value;
use crate::keys::{Authority, Fingerprint, KeyId};
use crate::model::{Link, Side, Step};
use crate::report::{Finding, Place, Problem};

use super::params::asked_for;
use super::{Engine, Node};

/// How many days before its end a layout is said to expire soon.
const SOON_DAYS: i32 = 30;

/// How many of the artifacts without a strong digest are named.
const WEAK_AT_MOST: usize = 100;

impl Engine<'_> {
    /// About the layout itself.
    pub(super) fn layout_warnings(&mut self, node: &Node, item: Option<usize>) {
        let now = self.request.now;
        if let Some(expires) = node.layout.expires
            && expires > now
            && expires < now.after_days(SOON_DAYS)
        {
            let days = SOON_DAYS;
            let problem = Problem::LayoutExpiresSoon { expires, days };
            self.warn(item, problem, node.place("/expires"));
        }
        if item.is_none() && self.request.parameters.is_empty() {
            for (name, pointer) in asked_for(self.request.layout.payload()) {
                let place = node.place(&pointer);
                self.warn(item, Problem::ParameterUnfilled { name }, place);
            }
        }
        for keyids in one_key_each(node) {
            let place = node.place("/keys");
            self.warn(item, Problem::KeyListedTwice { keyids }, place);
        }
        let layout = node.layout.clone();
        if layout.steps.is_empty() && layout.inspections.is_empty() {
            // It uses nothing, which is said in other words.
            return;
        }
        for (keyid, functionary) in &layout.functionaries {
            // An OpenPGP key may be listed for its subkeys.
            let mut ids = functionary
                .key
                .as_ref()
                .map_or_else(|_| Vec::new(), Authority::ids);
            ids.push(keyid.clone());
            let used = |step: &Step| step.pubkeys.iter().any(|id| ids.contains(id));
            if !layout.steps.iter().any(used) {
                let keyid = keyid.clone();
                self.warn(item, Problem::KeyUnused { keyid }, node.place("/keys"));
            }
        }
    }

    pub(super) fn warn(&mut self, item: Option<usize>, problem: Problem, place: Option<Place>) {
        let finding = Finding::warning(problem, place);
        match item.and_then(|item| self.report.items.get_mut(item)) {
            Some(item) => item.findings.push(finding),
            None => self.report.findings.push(finding),
        }
    }
}

/// The keys of a layout that stand in it under several ids, each with these.
fn one_key_each(node: &Node) -> Vec<Vec<KeyId>> {
    let mut people: BTreeMap<Fingerprint, Vec<KeyId>> = BTreeMap::new();
    for (keyid, functionary) in &node.layout.functionaries {
        if let Ok(key) = &functionary.key {
            let person = node.people.person(key.fingerprint());
            people.entry(person).or_default().push(keyid.clone());
        }
    }
    let mut several: Vec<Vec<KeyId>> = people.into_values().collect();
    several.retain(|keyids| keyids.len() > 1);
    // By their ids, which people see.
    several.sort();
    several
}

/// About one link that counts.
pub(super) fn link_warnings(path: &str, link: &Link) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(Value::Number(number)) = link.byproducts.get("return-value")
        && let Some(status) = number.as_i64()
        && status != 0
    {
        let link = path.to_owned();
        problems.push(Problem::CommandFailed { link, status });
    }
    problems
}

/// About the link that stands for a step.
pub(super) fn record_warnings(link: &Link) -> Vec<Problem> {
    let weak = |side: Side| {
        let artifacts = link.side(side).iter();
        let mut weak = artifacts
            .filter(|(_, digests)| !digests.has_strong())
            .map(|(name, _)| name);
        let named = weak.by_ref().take(WEAK_AT_MOST);
        let paths: Vec<String> = named.map(str::to_owned).collect();
        (!paths.is_empty()).then(|| Problem::WeakRecord {
            side,
            count: paths.len() + weak.count(),
            paths,
        })
    };
    let sides = [Side::Materials, Side::Products].into_iter();
    sides.filter_map(weak).collect()
}
