//! Layouts (in-toto specification 4.3).
//!
//! Refused, each with its place: fields of the wrong type, names that are no names or stand twice,
//! thresholds below one, key ids that are not hexadecimal, rules that are no rules, a MATCH that
//! refers to nothing, an expiry not written `YYYY-MM-DDTHH:MM:SSZ`. A missing expiry is not refused
//! here, for it is a reason of its own. Unknown fields are left alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::{Object, Value};
use crate::keys::{AnyKey, Authorities, Constraint, KeyError, KeyId};

use super::certificates::{authorities, constraints};
use super::field::{At, Complaint, Complaints, pointer_token};
use super::{ItemName, Moment, Rule, Side, quoted, quoted_list, similar};

/// A layout: what must have happened, by whom.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// The inspections in their order.
    pub inspections: Vec<Inspection>,
    /// The functionaries under the ids by which steps refer to them.
    pub functionaries: BTreeMap<KeyId, Functionary>,
    /// Who may issue certificates to functionaries.
    pub authorities: Authorities,
    /// `None` when the field is absent, null or empty.
    pub expires: Option<Moment>,
    /// Free text.
    pub readme: String,
}

/// Someone whom the layout knows by a key.
#[derive(Clone, Debug)]
pub struct Functionary {
    /// The id that the key object itself states, under which signatures are made. Mostly the one
    /// under which the layout lists the key.
    pub keyid: KeyId,
    /// The key, or why it cannot be used; that matters only when a step needs it.
    pub key: Result<AnyKey, KeyError>,
}

/// A step of a layout.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, which its links carry too.
    pub name: ItemName,
    /// The command that its functionaries should run. A difference is only worth a warning.
    pub expected_command: Vec<String>,
    /// Who may perform the step, each id once, in the layout's order.
    pub pubkeys: Vec<KeyId>,
    /// What the certificate of a functionary must say; one of them is enough.
    pub constraints: Vec<Constraint>,
    /// How many of them must have performed it, at least one.
    pub threshold: u64,
    /// Its rules.
    pub rules: Rules,
    /// Where it stands in the layout.
    pub pointer: String,
}

/// An inspection of a layout: a command for the verifier to run.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its name.
    pub name: ItemName,
    /// The command. May be empty, which fails when it is run.
    pub run: Vec<String>,
    /// Its rules.
    pub rules: Rules,
    /// Where it stands in the layout.
    pub pointer: String,
}

/// The two rule lists of a step or inspection.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Rules for the materials.
    pub materials: Vec<Rule>,
    /// Rules for the products.
    pub products: Vec<Rule>,
}

impl Rules {
    /// The list of one side.
    pub fn of(&self, side: Side) -> &[Rule] {
        match side {
            Side::Materials => &self.materials,
            Side::Products => &self.products,
        }
    }
}

impl Layout {
    /// Reads the payload of an envelope.
    ///
    /// # Errors
    /// Everything that has not the form it must have.
    pub fn from_value(payload: &Value) -> Result<Self, Vec<Complaint>> {
        let mut complaints = Complaints::default();
        let layout = read(payload, &mut complaints);
        match layout {
            Some(layout) if complaints.0.is_empty() => Ok(layout),
            _ => Err(complaints.0),
        }
    }

    /// As much as can be read of a payload that may be malformed, and everything that has not the form
    /// it must have. For whoever tells people about a layout; nothing is ever verified with it.
    pub fn sketch(payload: &Value) -> (Option<Self>, Vec<Complaint>) {
        let mut complaints = Complaints::default();
        let layout = read(payload, &mut complaints);
        (layout, complaints.0)
    }
}

/// The link files that the layout in a payload asks for: the names of its steps, each with the key
/// ids of its functionaries and of their OpenPGP subkeys, everything once. Reads as much as it can of a layout that may be malformed,
/// and trusts nothing.
pub fn wanted_links(payload: &Value) -> Vec<(ItemName, Vec<KeyId>)> {
    let mut ignored = Complaints::default();
    let steps = payload.as_object().and_then(|layout| layout.get("steps"));
    let mut wanted: Vec<(ItemName, Vec<KeyId>)> = Vec::new();
    let mut places = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for step in steps.and_then(Value::as_array).unwrap_or_default() {
        let Some(object) = step.as_object() else {
            continue;
        };
        let name = object.get("name").and_then(Value::as_str);
        let Some(Ok(name)) = name.map(ItemName::new) else {
            continue;
        };
        let place = *places.entry(name.clone()).or_insert(wanted.len());
        if place == wanted.len() {
            wanted.push((name, Vec::new()));
        }
        let at = At::root(step);
        let ids = pubkeys(&at, object, &mut ignored).into_iter();
        for keyid in ids.flat_map(|keyid| with_subkeys(payload, keyid)) {
            if seen.insert((place, keyid.clone()))
                && let Some((_, keyids)) = wanted.get_mut(place)
            {
                keyids.push(keyid);
            }
        }
    }
    wanted
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.get(name)
}

/// A key id, and those of the subkeys that stand in the key's object.
fn with_subkeys(payload: &Value, keyid: KeyId) -> Vec<KeyId> {
    let keys = member(payload, "keys");
    let key = keys.and_then(|keys| member(keys, keyid.as_str()));
    let subkeys = key.and_then(|key| member(key, "subkeys"));
    let mut ids = vec![keyid];
    if let Some(Value::Object(subkeys)) = subkeys {
        let is_id = |name: &str| name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let names = subkeys.iter().map(|(name, _)| name);
        ids.extend(names.filter(|name| is_id(name)).map(KeyId::new));
    }
    ids
}

fn read(payload: &Value, complaints: &mut Complaints) -> Option<Layout> {
    let at = At::root(payload);
    let object = complaints.object(&at)?;
    let steps: Vec<Step> = required_list(&at, object, "steps", complaints)
        .iter()
        .filter_map(|step| read_step(step, complaints))
        .collect();
    let inspections: Vec<Inspection> = required_list(&at, object, "inspect", complaints)
        .iter()
        .filter_map(|inspection| read_inspection(inspection, complaints))
        .collect();
    check_names(&steps, &inspections, complaints);
    let readme = at
        .field(object, "readme")
        .and_then(|readme| complaints.text(&readme))
        .unwrap_or_default()
        .to_owned();
    Some(Layout {
        functionaries: functionaries(&at, object, complaints),
        authorities: authorities(&at, object, complaints),
        expires: expires(&at, object, complaints),
        steps,
        inspections,
        readme,
    })
}

fn required_list<'a>(
    at: &At<'a>,
    object: &'a Object,
    name: &str,
    complaints: &mut Complaints,
) -> Vec<At<'a>> {
    match at.field(object, name) {
        Some(list) => complaints.list(&list),
        None => {
            complaints.add(&at.pointer, format!("the field `{name}` is missing"));
            Vec::new()
        }
    }
}

fn read_step(at: &At<'_>, complaints: &mut Complaints) -> Option<Step> {
    let object = complaints.object(at)?;
    let name = item_name(at, object, complaints);
    let expected_command = match at.field(object, "expected_command") {
        Some(command) => complaints.texts(&command),
        None => Vec::new(),
    };
    let pubkeys = pubkeys(at, object, complaints);
    let constraints = constraints(at, object, complaints);
    let threshold = threshold(at, object, complaints);
    let rules = rules(at, object, complaints);
    Some(Step {
        name: name?,
        expected_command,
        pubkeys,
        constraints,
        threshold: threshold?,
        rules,
        pointer: at.pointer.clone(),
    })
}

fn read_inspection(at: &At<'_>, complaints: &mut Complaints) -> Option<Inspection> {
    let object = complaints.object(at)?;
    let name = item_name(at, object, complaints);
    let run = match at.field(object, "run") {
        Some(command) => complaints.texts(&command),
        None => Vec::new(),
    };
    let rules = rules(at, object, complaints);
    Some(Inspection {
        name: name?,
        run,
        rules,
        pointer: at.pointer.clone(),
    })
}

fn item_name(at: &At<'_>, object: &Object, complaints: &mut Complaints) -> Option<ItemName> {
    let Some(name) = at.field(object, "name") else {
        complaints.add(&at.pointer, "the field `name` is missing");
        return None;
    };
    match ItemName::new(complaints.text(&name)?) {
        Ok(name) => Some(name),
        Err(error) => {
            complaints.add(&name.pointer, error.to_string());
            None
        }
    }
}

fn pubkeys(at: &At<'_>, object: &Object, complaints: &mut Complaints) -> Vec<KeyId> {
    let mut ids: Vec<KeyId> = Vec::new();
    let Some(list) = at.field(object, "pubkeys") else {
        return ids;
    };
    for item in complaints.list(&list) {
        let Some(text) = complaints.text(&item) else {
            continue;
        };
        let id = KeyId::new(text);
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = format!("the key id {} is not hexadecimal", quoted(text));
            complaints.add(&item.pointer, message);
        } else if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn threshold(at: &At<'_>, object: &Object, complaints: &mut Complaints) -> Option<u64> {
    let Some(threshold) = at.field(object, "threshold") else {
        return Some(1);
    };
    let number = match threshold.value {
        Value::Number(number) => number.as_text().parse().ok(),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    if number.is_none_or(|number: u64| number == 0) {
        let message = "a threshold is a whole number of at least 1";
        complaints.add(&threshold.pointer, message);
        return None;
    }
    number
}

fn rules(at: &At<'_>, object: &Object, complaints: &mut Complaints) -> Rules {
    let mut of = |side: Side| match at.field(object, side.rules_field()) {
        Some(list) => {
            let items = complaints.list(&list);
            items
                .iter()
                .filter_map(|rule| read_rule(rule, complaints))
                .collect()
        }
        None => Vec::new(),
    };
    Rules {
        materials: of(Side::Materials),
        products: of(Side::Products),
    }
}

fn read_rule(at: &At<'_>, complaints: &mut Complaints) -> Option<Rule> {
    let before = complaints.0.len();
    let words = complaints.texts(at);
    if complaints.0.len() > before {
        return None;
    }
    match Rule::from_words(&words) {
        Ok(rule) => Some(rule),
        Err(error) => {
            complaints.add(&at.pointer, error.to_string());
            None
        }
    }
}

/// Names stand once, and every MATCH refers to one: a step's to a step, an inspection's to either.
fn check_names(steps: &[Step], inspections: &[Inspection], complaints: &mut Complaints) {
    let mut steps_seen = BTreeSet::new();
    let mut all = BTreeSet::new();
    let items = steps.iter().map(|step| (&step.name, &step.pointer));
    let looked = inspections.iter().map(|look| (&look.name, &look.pointer));
    for (name, pointer) in items.clone().chain(looked) {
        if !all.insert(name) {
            let message = format!(
                "the name {} stands for more than one step or inspection",
                quoted(name.as_str())
            );
            complaints.add(&format!("{pointer}/name"), message);
        }
    }
    steps_seen.extend(items.map(|(name, _)| name));
    for step in steps {
        check_sources(
            (&step.name, &step.pointer),
            &step.rules,
            &steps_seen,
            "step",
            complaints,
        );
    }
    for look in inspections {
        check_sources(
            (&look.name, &look.pointer),
            &look.rules,
            &all,
            "step or inspection",
            complaints,
        );
    }
}

fn check_sources(
    (own, pointer): (&ItemName, &str),
    rules: &Rules,
    known: &BTreeSet<&ItemName>,
    what: &str,
    complaints: &mut Complaints,
) {
    for side in [Side::Materials, Side::Products] {
        for (index, rule) in rules.of(side).iter().enumerate() {
            if let Rule::Match(rule) = rule
                && !known.contains(&rule.from)
            {
                let names = known.iter().map(|name| name.as_str());
                let meant = match similar(rule.from.as_str(), names, 1).as_slice() {
                    [] => String::new(),
                    names => format!(", did you mean {}?", quoted_list(names, 1)),
                };
                let message = format!(
                    "in {} MATCH refers to {}, but there is no such {what}{meant}",
                    quoted(own.as_str()),
                    quoted(rule.from.as_str())
                );
                complaints.add(
                    &format!("{pointer}/{}/{index}", side.rules_field()),
                    message,
                );
            }
        }
    }
}

fn functionaries(
    at: &At<'_>,
    object: &Object,
    complaints: &mut Complaints,
) -> BTreeMap<KeyId, Functionary> {
    let mut functionaries = BTreeMap::new();
    let Some(keys) = at.field(object, "keys") else {
        return functionaries;
    };
    let Some(object) = complaints.object(&keys) else {
        return functionaries;
    };
    for (listed, value) in object.iter() {
        let stated = value.as_object().and_then(|key| key.get("keyid"));
        let keyid = match stated {
            None => listed,
            Some(Value::String(keyid)) => keyid,
            Some(_) => {
                let pointer = format!("{}/{}/keyid", keys.pointer, pointer_token(listed));
                complaints.add(&pointer, "a key id is a string");
                continue;
            }
        };
        let functionary = Functionary {
            keyid: KeyId::new(keyid),
            key: AnyKey::from_value(value),
        };
        functionaries.insert(KeyId::new(listed), functionary);
    }
    functionaries
}

fn expires(at: &At<'_>, object: &Object, complaints: &mut Complaints) -> Option<Moment> {
    let expires = at.field(object, "expires")?;
    if matches!(expires.value, Value::Null) {
        return None;
    }
    let text = complaints.text(&expires)?;
    if text.is_empty() {
        return None;
    }
    let parsed = Moment::parse(text);
    if parsed.is_none() {
        let message = format!(
            "{} is no expiry, expected a date and time in UTC written like `2030-12-31T23:59:59Z`",
            quoted(text)
        );
        complaints.add(&expires.pointer, message);
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;

    fn complaints(json: &str) -> Vec<String> {
        let value = parse(json.as_bytes()).unwrap();
        match Layout::from_value(&value) {
            Ok(_) => Vec::new(),
            Err(complaints) => complaints.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let found = complaints(
            r#"{"steps":[{"name":"a/b"},{"name":"s","threshold":0,"pubkeys":["xyz"],
                "expected_materials":[["ALLOW"],"ALLOW *",["MATCH","*","WITH","PRODUCTS","FROM","t"]]},
                {"name":"s"},{"name":"s"}],"inspect":{},"expires":"soon","keys":[]}"#,
        );
        for pointer in [
            "/steps/0/name",
            "/steps/1/threshold",
            "/steps/1/pubkeys/0",
            "/steps/1/expected_materials/0",
            "/steps/1/expected_materials/1",
            "/inspect",
            "/expires",
            "/keys",
            "/steps/3/name",
        ] {
            assert!(
                found
                    .iter()
                    .any(|text| text.contains(&format!("`{pointer}`"))),
                "{pointer}: {found:#?}"
            );
        }
    }

    #[test]
    fn a_match_must_refer_to_something() {
        let layout = |from: &str| {
            complaints(&format!(
                r#"{{"steps":[{{"name":"s","expected_products":[["MATCH","*","WITH","PRODUCTS","FROM","{from}"]]}}],"inspect":[{{"name":"i"}}]}}"#
            ))
        };
        assert_eq!(layout("s"), Vec::<String>::new());
        assert_eq!(layout("t").len(), 1);
        assert_eq!(layout("i").len(), 1, "steps do not see inspections");
    }

    #[test]
    fn an_absent_threshold_is_one_and_an_absent_expiry_is_none() {
        let value = parse(br#"{"steps":[{"name":"s"}],"inspect":[]}"#).unwrap();
        let layout = Layout::from_value(&value).unwrap();
        assert_eq!(layout.steps[0].threshold, 1);
        assert_eq!(layout.expires, None);
    }

    #[test]
    fn wanted_links_skip_names_that_lead_elsewhere() {
        let value = parse(
            br#"{"steps":[{"name":"../a","pubkeys":["aa"]},{"name":"b","pubkeys":["aa","aa","bb"]},7]}"#,
        )
        .unwrap();
        let wanted: Vec<String> = wanted_links(&value)
            .iter()
            .map(|(name, ids)| format!("{name} {}", ids.len()))
            .collect();
        assert_eq!(wanted, ["b 2"]);
    }
}
