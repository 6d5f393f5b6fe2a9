//! Reads envelopes quickly: in one pass over the text, without a tree of the payload, and with no
//! second copy of it.
//!
//! What is found to be unusual, wrong included, is handed back untouched, and
//! [`Envelope::from_bytes`] reads it in the exact way. So nothing here has to explain itself, and a
//! file means the same on both ways; the tests hold them against each other.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::encoding::{Cursor, Object, Value, Writing, compact_in_place, pae_header};

use super::envelope::Received;
use super::{Envelope, EnvelopeError, Form, PAYLOAD_TYPE};

/// Reads an envelope; `Err` hands the bytes back.
pub(super) fn read(bytes: Vec<u8>) -> Result<Result<Envelope, EnvelopeError>, Vec<u8>> {
    let text = String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)?;
    match Outline::of(&text) {
        Some(Outline {
            around,
            place: Place::Signed { range, canonical },
        }) => Ok(metablock(text, around, range, canonical)),
        Some(Outline {
            around,
            place: Place::Payload(range),
        }) => dsse(&text, around, range).ok_or_else(|| text.into_bytes()),
        None => Err(text.into_bytes()),
    }
}

/// A document without its payload, and where that stands.
struct Outline {
    around: Object,
    place: Place,
}

enum Place {
    /// A value, and whether it is written canonically.
    Signed {
        range: Range<usize>,
        canonical: bool,
    },
    /// Base64 text without escapes.
    Payload(Range<usize>),
}

impl Outline {
    fn of(text: &str) -> Option<Self> {
        let mut cursor = Cursor::new(text, Writing::Json);
        let (mut members, mut place) = (Vec::new(), None);
        cursor.space();
        // Other implementations write `signed` before `signatures`.
        cursor.members(|cursor, key| {
            let key = key.decoded();
            let found = match key.as_ref() {
                "signed" if cursor.peek() == Some(b'{') => signed(cursor)?,
                "payload" => payload(cursor)?,
                _ => {
                    members.push((key.into_owned(), cursor.tree()?));
                    return Some(());
                }
            };
            // One of them is the rule. Which counts of two is for the exact way.
            place.replace(found).is_none().then_some(())
        })?;
        cursor.end()?;
        let around = Object::from_members(members).ok()?;
        let place = place.filter(|_| around.get("signed").is_none())?;
        Some(Self { around, place })
    }
}

fn signed(cursor: &mut Cursor<'_>) -> Option<Place> {
    let start = cursor.position();
    cursor.watch();
    cursor.value()?;
    Some(Place::Signed {
        range: start..cursor.position(),
        canonical: cursor.is_canonical(),
    })
}

fn payload(cursor: &mut Cursor<'_>) -> Option<Place> {
    let (text, start) = cursor.string()?.verbatim()?;
    Some(Place::Payload(start..start + text.len()))
}

fn metablock(
    text: String,
    around: Object,
    range: Range<usize>,
    canonical: bool,
) -> Result<Envelope, EnvelopeError> {
    // From here on the text is gone; but it was accepted, so there is nothing to give up for.
    let compacted = compact_in_place(text, range, canonical)
        .ok_or_else(|| EnvelopeError::Form("the payload cannot be read".to_owned()))?;
    let received = Received {
        text: Arc::new(compacted.text),
        message: compacted.range.clone(),
        payload: compacted.range,
        writing: Writing::Canonical,
    };
    Envelope::of_received(Form::Metablock, around, received)
}

fn dsse(
    text: &str,
    around: Object,
    range: Range<usize>,
) -> Option<Result<Envelope, EnvelopeError>> {
    if around.get("payloadType")?.as_str()? != PAYLOAD_TYPE {
        return None;
    }
    let encoded = text.get(range)?;
    let most = base64::decoded_len_estimate(encoded.len());
    // The header says how long the payload is, which padding makes shorter by up to two bytes.
    let padding = encoded
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'=')
        .count();
    let length = most.checked_sub(padding)?;
    let mut message = pae_header(PAYLOAD_TYPE, length).into_bytes();
    let start = message.len();
    message.reserve_exact(most);
    STANDARD.decode_vec(encoded, &mut message).ok()?;
    if message.len() != start + length {
        return None;
    }
    let message = String::from_utf8(message).ok()?;
    let mut cursor = Cursor::new(message.get(start..)?, Writing::Json);
    cursor.space();
    cursor.value()?;
    cursor.end()?;
    let received = Received {
        message: 0..message.len(),
        payload: start..message.len(),
        text: Arc::new(message),
        writing: Writing::Json,
    };
    Some(Envelope::of_received(Form::Dsse, around, received))
}

/// The `_type` of a payload that was accepted.
pub(super) fn type_of(payload: &str, writing: Writing) -> Option<String> {
    let mut cursor = Cursor::new(payload, writing);
    let mut found = None;
    cursor.space();
    // Ends at the field that is looked for, or behind its place: keys ascend.
    cursor.members(|cursor, key| {
        let key = key.decoded();
        if key == "_type" {
            found = cursor.tree();
        }
        (key.as_ref() < "_type").then(|| cursor.value())?
    });
    match found? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::{accepted_value, compact, indented};

    /// Both ways say the same of a file, whatever it is.
    fn judge(bytes: &[u8]) -> Result<(), TestCaseError> {
        let quick = Envelope::from_bytes(bytes);
        let exact = Envelope::from_tree(bytes);
        match (quick, exact) {
            (Ok(quick), Ok(exact)) => {
                prop_assert_eq!(quick.form(), exact.form());
                prop_assert_eq!(quick.kind(), exact.kind());
                prop_assert_eq!(quick.payload(), exact.payload());
                prop_assert_eq!(quick.message(), exact.message());
                prop_assert_eq!(quick.signatures(), exact.signatures());
                prop_assert_eq!(quick.link(), exact.link());
                prop_assert_eq!(quick.to_text(), exact.to_text());
            }
            (Err(quick), Err(exact)) => prop_assert_eq!(quick.to_string(), exact.to_string()),
            (quick, exact) => prop_assert!(false, "{quick:?} {exact:?}"),
        }
        Ok(())
    }

    const DIGEST: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

    /// Text like that of a link, with something wrong or unusual in it now and then.
    fn payloads() -> impl Strategy<Value = String> {
        let name = prop_oneof!["[a-c/]{1,3}", "[a\"\\\\\n\u{e9}]{1,3}"];
        let digests = prop_oneof![
            8 => Just(format!("{{\"sha256\":\"{DIGEST}\"}}")),
            1 => Just(format!("{{\"blake3\":\"{DIGEST}\",\"sha256\":\"{DIGEST}\"}}")),
            1 => Just("{}".to_owned()),
            1 => Just("{\"sha256\":\"ab\"}".to_owned()),
        ];
        let side = prop::collection::btree_map(name, digests, 0..4).prop_map(|side| {
            let one = |(name, digests)| format!("{}:{digests}", compact(&Value::String(name)));
            let all: Vec<String> = side.into_iter().map(one).collect();
            format!("{{{}}}", all.join(","))
        });
        let odd = prop_oneof![
            6 => Just(String::new()),
            1 => Just(",\"a\":1".to_owned()),
            1 => Just(",\"z\":1.5".to_owned()),
            1 => Just(",\"z\":-0".to_owned()),
            1 => Just(",\"z\":12345678901234567890123".to_owned()),
            1 => Just(",\"name\":\"s\"".to_owned()),
            1 => Just(",\"z\":[true,null,{\"\":\"\\u00e9\\n\"}]".to_owned()),
        ];
        let kind = prop_oneof![Just("link"), Just("layout"), Just("x")];
        (side.clone(), side, odd, kind).prop_map(|(materials, products, odd, kind)| {
            format!(
                r#"{{"_type":"{kind}","byproducts":{{"stdout":"a\nb"}},"command":["\t"],"environment":{{}},"materials":{materials},"name":"s","products":{products}{odd}}}"#
            )
        })
    }

    fn signatures() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            4 => Just(r#"[{"keyid":"ab","sig":"00"}]"#),
            1 => Just("[]"),
            1 => Just("{}"),
            1 => Just(r#"[7]"#),
        ]
    }

    fn written(text: &str, wide: bool) -> String {
        match crate::encoding::parse(text.as_bytes()) {
            Ok(value) if wide => indented(&value),
            _ => text.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn both_ways_read_a_metablock_alike(
            payload in payloads(), signatures in signatures(), wide: bool, first: bool,
        ) {
            let text = match first {
                true => format!(r#"{{"signatures":{signatures},"signed":{payload},"x":1}}"#),
                false => format!(r#"{{"signed":{payload} ,"signatures":{signatures}}}"#),
            };
            judge(written(&text, wide).as_bytes())?;
        }

        #[test]
        fn both_ways_read_dsse_alike(
            payload in payloads(), signatures in signatures(), wide: bool, padded in 0_usize..3,
            kind in prop_oneof![4 => Just(PAYLOAD_TYPE), 1 => Just("x")],
        ) {
            let payload = format!("{}{}", " ".repeat(padded), written(&payload, wide));
            let payload = STANDARD.encode(payload);
            judge(format!(
                r#"{{"payload":"{payload}","payloadType":"{kind}","signatures":{signatures}}}"#
            ).as_bytes())?;
        }

        #[test]
        fn both_ways_read_damaged_files_alike(
            payload in payloads(), at in any::<prop::sample::Index>(), byte: u8,
        ) {
            let mut bytes = format!(r#"{{"signatures":[],"signed":{payload}}}"#).into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            judge(&bytes)?;
            judge(&bytes[..at])?;
        }
    }

    #[test]
    fn documents_that_are_not_quite_envelopes() {
        for text in [
            r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[],"signed":{}}"#,
            r#"{"payload":"e30=","payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"payload":"e3-_","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"payload":"e30","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"payload":"e3\u0030=","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"payload":"====","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"signed":{},"signed":{},"signatures":[]}"#,
            r#"{"signed":{},"signatures":[],"signatures":[]}"#,
            r#"{"signed":{},"signatures":[],"x":1,"x":1}"#,
            r#"{"signed":[],"signatures":[]}"#,
            r#"{"signed":{},"signatures":[]} x"#,
            r#"{"signed":{}}"#,
            r#"{"a":1}"#,
            "[]",
            "",
        ] {
            judge(text.as_bytes()).unwrap();
        }
        assert_eq!(accepted_value("{", Writing::Json), Value::Null);
    }

    #[test]
    fn what_the_reference_writes_is_read_quickly() {
        let payload =
            r#"{"_type": "link", "materials": {"a\u00e9": {"sha256": "00"}}, "name": "s"}"#;
        let metablock = format!("{{\n \"signatures\": [],\n \"signed\": {payload}\n}}");
        assert!(read(metablock.into_bytes()).is_ok());
        let dsse = format!(
            r#"{{"payload": "{}", "payloadType": "{PAYLOAD_TYPE}", "signatures": []}}"#,
            STANDARD.encode(payload)
        );
        assert!(read(dsse.into_bytes()).is_ok());
    }
}
