//! What is an envelope, what is none, and what signing does to one.

use super::*;

#[test]
fn the_payload_counts_where_both_stand() {
    let text = format!(
        r#"{{"payloadType":"{PAYLOAD_TYPE}","payload":"e30=","signed":{{"_type":"link"}},"signatures":[]}}"#
    );
    let envelope = Envelope::from_bytes(text.as_bytes()).unwrap();
    assert_eq!(envelope.form(), Form::Dsse);
    assert_eq!(envelope.kind(), PayloadKind::Other(None));
    assert_eq!(
        envelope.message(),
        b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
    );
}

#[test]
fn what_is_no_envelope_is_refused() {
    for text in [
        "{}",
        "[]",
        "7",
        r#"{"signed":null,"signatures":[]}"#,
        r#"{"signed":{}}"#,
        r#"{"signed":{},"signatures":{}}"#,
        r#"{"signed":{},"signatures":[7]}"#,
        r#"{"signed":{"a":1.5},"signatures":[]}"#,
        r#"{"payload":"e30=","signatures":[]}"#,
        r#"{"payload":"e30=","payloadType":"x","signatures":[]}"#,
        r#"{"payload":"e3 0=","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
        r#"{"payload":"e30","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
        r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json"}"#,
    ] {
        assert!(Envelope::from_bytes(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_signature_in_the_wrong_writing_has_no_bytes() {
    let text = r#"{"signed":{},"signatures":[{"keyid":"a","sig":"0G"},{"sig":"aBC"},{"keyid":"b","sig":"aB0f"}]}"#;
    let envelope = Envelope::from_bytes(text.as_bytes()).unwrap();
    let bytes: Vec<_> = envelope
        .signatures()
        .iter()
        .map(|s| s.bytes.clone())
        .collect();
    assert_eq!(bytes, [None, None, Some(vec![0xab, 0x0f])]);
}

#[test]
fn signing_keeps_unknown_fields_and_replaces_its_own_signature() {
    let text = r#"{"signed":{"_type":"layout","rootcas":{}},"x":1,"signatures":[{"keyid":"a","sig":"00","cert":"c"},{"keyid":"b","sig":"00"}]}"#;
    let mut envelope = Envelope::from_bytes(text.as_bytes()).unwrap();
    envelope.add_signature(&KeyId::new("b"), &[1]);
    envelope.add_signature(&KeyId::new("c"), &[2]);
    let again = Envelope::from_bytes(envelope.to_text().as_bytes()).unwrap();
    assert_eq!(again.message(), envelope.message());
    assert_eq!(again.signatures(), envelope.signatures());
    assert!(again.to_text().contains("\"cert\": \"c\"") && again.to_text().contains("\"x\": 1"));
    let sigs: Vec<_> = again
        .signatures()
        .iter()
        .map(|s| s.bytes.clone().unwrap())
        .collect();
    assert_eq!(sigs, [vec![0], vec![1], vec![2]]);
}

#[test]
fn a_new_dsse_payload_is_written_as_the_reference_does() {
    let payload = encoding::parse("{\"b\":\"é\",\"a\":[1]}".as_bytes()).unwrap();
    let envelope = Envelope::unsigned(payload, Form::Dsse).unwrap();
    assert_eq!(
        envelope.message(),
        br#"DSSEv1 28 application/vnd.in-toto+json 25 {"a": [1], "b": "\u00e9"}"#
    );
}
