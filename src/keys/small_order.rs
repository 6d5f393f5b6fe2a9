//! Ed25519 public keys under which anybody can sign.
//!
//! Eight points of the curve have an order that divides the cofactor (RFC 8032, section 5.1). Under
//! such a public key, signatures can be made without a private one. The backend takes them.

/// The y coordinates of these points in all their encodings, least significant byte first, without
/// the sign of x: 0, 1, the two of order 8, and p - 1, p, p + 1.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    near_p_or_zero(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    near_p_or_zero(0xec, 0xff, 0x7f),
    near_p_or_zero(0xed, 0xff, 0x7f),
    near_p_or_zero(0xee, 0xff, 0x7f),
];

/// First byte, thirty equal ones, last byte.
const fn near_p_or_zero(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let m = middle;
    [
        first, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m,
        m, m, last,
    ]
}

/// Whether a public key, or the one at the end of a `SubjectPublicKeyInfo`, is one of them.
pub(super) fn is_small_order(public: &[u8]) -> bool {
    let Some(mut y) = public.last_chunk::<32>().copied() else {
        return false;
    };
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyError, PublicKey};

    #[test]
    fn a_key_under_which_anybody_can_sign_is_refused() {
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut public = y;
                public[31] |= sign;
                assert!(is_small_order(&public));
                let hex: String = public.iter().map(|byte| format!("{byte:02x}")).collect();
                let object = format!(
                    r#"{{"keytype":"ed25519","scheme":"ed25519","keyval":{{"public":"{hex}"}}}}"#
                );
                let refused = PublicKey::from_file_bytes(object.as_bytes()).unwrap_err();
                assert!(
                    matches!(refused, KeyError::Malformed { .. }),
                    "{hex}: {refused}"
                );
                let mut spki = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
                spki.extend(public);
                let pem = crate::keys::pem::encode("PUBLIC KEY", &spki);
                let refused = PublicKey::from_pem(pem.as_bytes()).unwrap_err();
                assert!(matches!(refused, KeyError::SmallOrder), "{hex}: {refused}");
            }
        }
    }
}
