//! Envelopes: written and read again they say the same; damaged they are read or refused.

use proptest::collection::vec;
use proptest::prelude::*;

use linkwright::encoding::{Object, Value, pae};
use linkwright::keys::KeyId;
use linkwright::model::{Envelope, EnvelopeError, Form};

use super::bodies::chain::Chain;
use super::bodies::{self, oracle};
use super::json;

fn payload() -> impl Strategy<Value = Value> {
    let members = proptest::collection::btree_map(json::text(), json::value(), 0..4);
    members.prop_map(|members| Value::Object(members.into_iter().collect::<Object>()))
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Metablock), Just(Form::Dsse)]
}

fn signatures() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    vec((json::text(), vec(any::<u8>(), 0..8)), 0..5)
}

/// A payload type or payload that looks like the joints of the encoding.
fn joint() -> impl Strategy<Value = String> {
    "(DSSEv1|[0-9]{1,2}| |a|é){0,6}"
}

proptest! {
    #[test]
    fn an_envelope_and_its_text_are_inverse(
        payload in payload(), form in form(), signatures in signatures(),
    ) {
        let mut envelope = Envelope::unsigned(payload, form).unwrap();
        for (keyid, bytes) in &signatures {
            envelope.add_signature(&KeyId::new(keyid.as_str()), bytes);
        }
        let again = Envelope::from_bytes(envelope.to_text().as_bytes()).unwrap();
        prop_assert_eq!(again.form(), form);
        prop_assert_eq!(again.payload(), envelope.payload());
        prop_assert_eq!(again.message(), envelope.message());
        prop_assert_eq!(again.signatures(), envelope.signatures());
        prop_assert_eq!(again.to_text(), envelope.to_text());
    }

    #[test]
    fn each_key_id_signs_once_and_the_last_signature_counts(
        payload in payload(), form in form(), signatures in signatures(),
    ) {
        let mut envelope = Envelope::unsigned(payload, form).unwrap();
        let message = envelope.message().to_vec();
        for (keyid, bytes) in &signatures {
            envelope.add_signature(&KeyId::new(keyid.as_str()), bytes);
        }
        let last: std::collections::BTreeMap<_, _> = signatures.into_iter().collect();
        prop_assert_eq!(envelope.signatures().len(), last.len());
        for signature in envelope.signatures() {
            let keyid = signature.keyid.as_ref().unwrap();
            prop_assert_eq!(signature.bytes.as_ref(), last.get(keyid.as_str()));
        }
        prop_assert_eq!(envelope.message(), message);
        envelope.clear_signatures();
        prop_assert!(envelope.signatures().is_empty());
    }

    #[test]
    fn the_message_of_dsse_is_the_protocols(kind in joint(), payload in joint()) {
        let message = pae(&kind, payload.as_bytes());
        prop_assert_eq!(message, oracle::pae(kind.as_bytes(), payload.as_bytes()));
    }

    #[test]
    fn different_types_or_payloads_have_different_messages(
        one in (joint(), joint()), two in (joint(), joint()),
    ) {
        let message = |(kind, payload): &(String, String)| pae(kind, payload.as_bytes());
        prop_assert_eq!(message(&one) == message(&two), one == two);
    }

    #[test]
    fn any_bytes_are_an_envelope_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        bodies::envelope(&bytes);
    }

    #[test]
    fn a_damaged_envelope_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..40,
        put in prop_oneof![vec(any::<u8>(), 0..3), Just(b"[]".to_vec()), Just(b"null".to_vec())],
    ) {
        let files: Vec<Vec<u8>> = Chain::new().files.into_values().collect();
        let mut bytes = which.get(&files).clone();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put);
        bodies::envelope(&bytes);
    }
}

/// Two ways to cut one run of bytes into type and payload must not lead to one message.
#[test]
fn a_space_cannot_move_from_the_payload_into_the_type() {
    assert_ne!(pae("a", b"1 b"), pae("a 1", b"b"));
    assert_ne!(pae("", b" 0 "), pae(" 0 ", b""));
}

#[test]
fn a_payload_of_another_type_is_refused_by_its_name() {
    let text = r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+jsom","signatures":[]}"#;
    let refused = Envelope::from_bytes(text.as_bytes());
    assert!(
        matches!(refused, Err(EnvelopeError::PayloadType { found }) if found.ends_with("jsom"))
    );
}
