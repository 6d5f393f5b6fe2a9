//! Certificates in layouts (ITE-7), as in-toto-golang writes them: `rootcas`, `intermediatecas` and, in a
//! step, `cert_constraints`.
//!
//! Refused, each with its place: a certificate that is none, one beside a public key that is another's, more
//! than [`MAX_CERTIFICATES`], and a field of a constraint that is not known, for what it asks for would go
//! unchecked.

use crate::encoding::{Object, Value};
use crate::keys::{
    Authorities, Certificate, Constraint, KeyId, MAX_CERTIFICATES, PublicKey, Wanted,
};

use super::field::{At, Complaints, pointer_token};
use super::{quoted, quoted_list};

/// The fields of a constraint.
const ATTRIBUTES: [&str; 6] = [
    "common_name",
    "dns_names",
    "emails",
    "organizations",
    "roots",
    "uris",
];

/// What a constraint asks of a certificate, in words.
pub fn asked_of(constraint: &Constraint) -> String {
    let one = |(name, wanted): (&str, &Wanted)| match wanted {
        Wanted::Anything => None,
        Wanted::Exactly(values) if values.is_empty() => Some(format!("no {name}")),
        Wanted::Exactly(values) => Some(format!("{name} {}", quoted_list(values, values.len()))),
    };
    let asked: Vec<String> = constraint
        .attributes()
        .into_iter()
        .filter_map(one)
        .collect();
    match asked.as_slice() {
        [] => "any certificate of a root".to_owned(),
        asked => format!("a certificate of a root with {}", asked.join("; ")),
    }
}

/// The authorities that a layout lists.
pub(super) fn authorities(
    at: &At<'_>,
    layout: &Object,
    complaints: &mut Complaints,
) -> Authorities {
    let intermediates = certificates(at, layout, "intermediatecas", complaints);
    Authorities {
        roots: certificates(at, layout, "rootcas", complaints),
        intermediates: intermediates.into_iter().map(|(_, it)| it).collect(),
    }
}

fn certificates(
    at: &At<'_>,
    layout: &Object,
    field: &str,
    complaints: &mut Complaints,
) -> Vec<(KeyId, Certificate)> {
    let Some(at) = present(at, layout, field) else {
        return Vec::new();
    };
    let Some(object) = complaints.object(&at) else {
        return Vec::new();
    };
    let count = object.iter().len();
    if count > MAX_CERTIFICATES {
        let message =
            format!("there are {count} certificates, more than the {MAX_CERTIFICATES} that may be");
        complaints.add(&at.pointer, message);
        return Vec::new();
    }
    let mut found = Vec::new();
    for (keyid, value) in object.iter() {
        let pointer = format!("{}/{}", at.pointer, pointer_token(keyid));
        let at = At { value, pointer };
        if let Some(certificate) = certificate(&at, complaints) {
            found.push((KeyId::new(keyid), certificate));
        }
    }
    found
}

/// The certificate in a key object: `{"keyval": {"certificate"}}`.
fn certificate(at: &At<'_>, complaints: &mut Complaints) -> Option<Certificate> {
    let object = complaints.object(at)?;
    let Some(keyval) = at.field(object, "keyval") else {
        complaints.add(&at.pointer, "the field `keyval` is missing");
        return None;
    };
    let values = complaints.object(&keyval)?;
    let Some(field) = keyval.field(values, "certificate") else {
        complaints.add(&keyval.pointer, "the field `certificate` is missing");
        return None;
    };
    let text = complaints.text(&field)?;
    let certificate = match Certificate::from_pem(text.as_bytes()) {
        Ok(certificate) => certificate,
        Err(error) => {
            complaints.add(&field.pointer, error.to_string());
            return None;
        }
    };
    // Who reads the key must not be told of another one than the certificate's.
    if let (Ok(stated), Ok(key)) = (PublicKey::from_value(at.value), certificate.key())
        && stated.fingerprint() != key.fingerprint()
    {
        let message = "the certificate is of another key than the `public` one beside it";
        complaints.add(&field.pointer, message);
        return None;
    }
    Some(certificate)
}

/// The constraints of a step.
pub(super) fn constraints(
    at: &At<'_>,
    step: &Object,
    complaints: &mut Complaints,
) -> Vec<Constraint> {
    let Some(list) = present(at, step, "cert_constraints") else {
        return Vec::new();
    };
    complaints
        .list(&list)
        .iter()
        .filter_map(|item| constraint(item, complaints))
        .collect()
}

fn constraint(at: &At<'_>, complaints: &mut Complaints) -> Option<Constraint> {
    let object = complaints.object(at)?;
    let before = complaints.0.len();
    for (name, _) in object.iter() {
        if !ATTRIBUTES.contains(&name) {
            let pointer = format!("{}/{}", at.pointer, pointer_token(name));
            let message = format!("a constraint has no field {}", quoted(name));
            complaints.add(&pointer, message);
        }
    }
    let mut list = |name: &str| {
        let values = present(at, object, name).map(|list| complaints.texts(&list));
        Wanted::new(values.unwrap_or_default())
    };
    let (dns_names, emails) = (list("dns_names"), list("emails"));
    let (organizations, roots, uris) = (list("organizations"), list("roots"), list("uris"));
    let common_name = present(at, object, "common_name");
    let common_name = common_name.and_then(|name| complaints.text(&name));
    (complaints.0.len() == before).then(|| Constraint {
        common_name: Wanted::new(common_name.into_iter().map(str::to_owned).collect()),
        dns_names,
        emails,
        organizations,
        roots,
        uris,
    })
}

/// A field that is there and not null, as in-toto-golang writes a list without elements.
fn present<'a>(at: &At<'a>, object: &'a Object, name: &str) -> Option<At<'a>> {
    at.field(object, name)
        .filter(|field| !matches!(field.value, Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;
    use crate::model::Layout;

    fn read(json: &str) -> Result<Layout, Vec<String>> {
        let value = parse(json.as_bytes()).unwrap();
        let text = |complaints: Vec<_>| complaints.iter().map(ToString::to_string).collect();
        Layout::from_value(&value).map_err(text)
    }

    fn with_constraint(constraint: &str) -> Result<Layout, Vec<String>> {
        read(&format!(
            r#"{{"steps":[{{"name":"s","cert_constraints":[{constraint}]}}],"inspect":[]}}"#
        ))
    }

    fn with_root(keyval: &str) -> Result<Layout, Vec<String>> {
        read(&format!(
            r#"{{"steps":[],"inspect":[],"rootcas":{{"a/b":{{"keytype":"ed25519","scheme":"ed25519","keyval":{keyval}}}}}}}"#
        ))
    }

    const ALICE: &str = include_str!("../../tests/certificates/alice.pem");

    #[test]
    fn absent_and_null_ask_for_nothing_being_there() {
        for constraint in [
            "{}",
            r#"{"common_name":null,"uris":null}"#,
            r#"{"common_name":"","uris":[""]}"#,
        ] {
            let layout = with_constraint(constraint).unwrap();
            let found = &layout.steps[0].constraints[0];
            assert_eq!(
                found.common_name,
                Wanted::Exactly(Vec::new()),
                "{constraint}"
            );
            assert_eq!(found.uris, Wanted::Exactly(Vec::new()), "{constraint}");
        }
        for steps in [r#"{"name":"s"}"#, r#"{"name":"s","cert_constraints":null}"#] {
            let layout = read(&format!(
                r#"{{"steps":[{steps}],"inspect":[],"rootcas":null,"intermediatecas":null}}"#
            ));
            assert!(layout.unwrap().steps[0].constraints.is_empty());
        }
    }

    #[test]
    fn an_unknown_constraint_is_refused_and_named() {
        let found = with_constraint(r#"{"uris":["*"],"uri":["x"]}"#).unwrap_err();
        assert!(
            found[0].contains("`/steps/0/cert_constraints/0/uri`"),
            "{found:?}"
        );
        for constraint in [
            r#"{"uris":"x"}"#,
            r#"{"common_name":["x"]}"#,
            r#"{"emails":[1]}"#,
            "[]",
        ] {
            assert_eq!(
                with_constraint(constraint).unwrap_err().len(),
                1,
                "{constraint}"
            );
        }
    }

    #[test]
    fn a_root_must_be_a_certificate_of_the_key_beside_it() {
        let text = ALICE.replace('\n', "\\n");
        let public = |hex: &str| format!(r#"{{"public":"{hex}","certificate":"{text}"}}"#);
        let alice =
            "630522781 7dcb12e4fa62b4b0bff5b90419796636 20d0a8cf5fd21ff22b98501".replace(' ', "");
        assert_eq!(
            with_root(&public(&alice)).unwrap().authorities.roots.len(),
            1
        );
        assert_eq!(with_root(&public("")).unwrap().authorities.roots.len(), 1);
        let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        for (keyval, pointer) in [
            (public(other).as_str(), "`/rootcas/a~1b/keyval/certificate`"),
            (
                r#"{"certificate":"x"}"#,
                "`/rootcas/a~1b/keyval/certificate`",
            ),
            (r#"{"certificate":7}"#, "`/rootcas/a~1b/keyval/certificate`"),
            (r#"{}"#, "`/rootcas/a~1b/keyval`"),
            ("[]", "`/rootcas/a~1b/keyval`"),
        ] {
            let found = with_root(keyval).unwrap_err();
            assert!(found[0].contains(pointer), "{found:?}");
        }
    }
}
