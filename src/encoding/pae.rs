//! DSSE pre-authentication encoding (DSSE protocol v1.0, "Signature Definition").

/// The bytes that a DSSE signature covers: `DSSEv1 LEN(type) type LEN(payload) payload`, lengths
/// in bytes, as ASCII decimals.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = pae_header(payload_type, payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

/// What stands before the payload, for those who have that in one buffer with it already.
pub fn pae_header(payload_type: &str, payload_length: usize) -> String {
    format!(
        "DSSEv1 {} {payload_type} {payload_length} ",
        payload_type.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocols_own_example() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn lengths_are_bytes_not_characters() {
        assert_eq!(pae("é", b""), "DSSEv1 2 é 0 ".as_bytes());
    }
}
