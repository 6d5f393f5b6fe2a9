//! Constraints on certificates (ITE-7): whether any certificate can meet them, and whether they ask for
//! anything.

use jiff::Timestamp;

use crate::keys::{Constraint, Wanted};
use crate::model::{Layout, Moment, quoted, quoted_list};
use crate::report::LintCode;

use super::findings::Findings;
use super::reading::{Reading, token};

/// How many ids of roots a message names.
const NAMED_AT_MOST: usize = 3;

pub(super) fn look(reading: &Reading<'_>, now: Moment, found: &mut Findings) {
    let Some(layout) = &reading.layout else {
        return;
    };
    let now = Timestamp::from(now);
    for (keyid, root) in &layout.authorities.roots {
        if root.not_after() < now || now < root.not_before() {
            let message = format!(
                "the certificate authority {} is valid from {} to {}, and not now",
                quoted(root.subject()),
                root.not_before(),
                root.not_after()
            );
            let at = format!("/rootcas/{}", token(keyid.as_str()));
            let help = "put the authority's new certificate there";
            found.warn(LintCode::RootExpired, &at, message, help);
        }
    }
    let readable = reading.complaints.is_empty();
    for step in &layout.steps {
        for (index, constraint) in step.constraints.iter().enumerate() {
            // Those that cannot be read are missing, so that the index may be another.
            let at = match readable {
                true => format!("{}/cert_constraints/{index}", step.pointer),
                false => format!("{}/cert_constraints", step.pointer),
            };
            judge(&at, constraint, layout, now, readable, found);
        }
    }
    let mut steps = layout.steps.iter();
    if readable
        && !layout.authorities.roots.is_empty()
        && steps.all(|step| step.constraints.is_empty())
    {
        let message = "no step has `cert_constraints`, so no certificate of these authorities counts for anything";
        let help = "say in `cert_constraints` of a step which certificates may perform it";
        found.warn(LintCode::RootUnused, "/rootcas", message.to_owned(), help);
    }
}

fn judge(
    at: &str,
    constraint: &Constraint,
    layout: &Layout,
    now: Timestamp,
    readable: bool,
    found: &mut Findings,
) {
    let roots = &layout.authorities.roots;
    let wanted = |id: &str| constraint.roots.takes_any_of([id]);
    let named = roots.iter().filter(|(id, _)| wanted(id.as_str()));
    let valid = named
        .clone()
        .any(|(_, root)| root.not_before() <= now && now <= root.not_after());
    let why = match (&constraint.roots, roots.is_empty()) {
        // A root that cannot be read may be the one that is meant.
        _ if !readable => None,
        (_, true) => Some("the layout has no `rootcas`".to_owned()),
        (Wanted::Exactly(ids), _) if ids.is_empty() => Some("it names no `roots`".to_owned()),
        (Wanted::Exactly(ids), _) if named.clone().next().is_none() => Some(format!(
            "its `roots` are {}, and the layout has none of these among its `rootcas`",
            quoted_list(ids, NAMED_AT_MOST)
        )),
        _ if !valid => Some("none of the authorities that it names is valid now".to_owned()),
        _ => None,
    };
    if let Some(why) = why {
        let message = format!("no certificate can meet this constraint: {why}");
        let help = "name ids of `rootcas` in `roots`, or write [\"*\"] there for any of them";
        found.error(LintCode::ConstraintUnsatisfiable, at, message, help);
        return;
    }
    let attributes = constraint.attributes();
    let mut names = attributes.iter().filter(|(field, _)| *field != "roots");
    if names.all(|(_, wanted)| **wanted == Wanted::Anything) {
        let message = "the constraint asks for nothing: whoever gets any certificate of these authorities, for whatever, may perform the step";
        let help = "ask for what only the functionary has, such as an e-mail address or a URI";
        found.warn(
            LintCode::ConstraintTakesAnyone,
            at,
            message.to_owned(),
            help,
        );
    }
    for (field, wanted) in attributes {
        patterns(at, field, wanted, found);
    }
}

/// DNS names may have an asterisk of their own.
fn patterns(at: &str, field: &str, wanted: &Wanted, found: &mut Findings) {
    let Wanted::Exactly(values) = wanted else {
        return;
    };
    if field == "dns_names" {
        return;
    }
    for value in values.iter().filter(|value| value.contains('*')) {
        let message = format!(
            "{} in `{field}` is no pattern: it asks for a certificate with exactly these characters",
            quoted(value)
        );
        let help = "write out the values, or `*` alone for anything";
        found.warn(LintCode::ConstraintLooksLikePattern, at, message, help);
    }
}
