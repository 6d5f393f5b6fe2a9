//! Bytes as hexadecimal text. A link of a million artifacts has 64 million digits of it, so what
//! is here has no branches that depend on a digit: nobody could predict them.

/// Lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let [high, low] = hex_digits(*byte);
        text.push(char::from(high));
        text.push(char::from(low));
    }
    text
}

/// The two lower-case hexadecimal digits of a byte.
pub(super) fn hex_digits(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

/// The bytes of a SHA-256 digest in hexadecimal text of either case.
pub(super) fn sha256_bytes(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    // All are read before they are judged.
    let mut seen = 0;
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        let (high, low) = (nibble(*high), nibble(*low));
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen != NO_DIGIT).then_some(digest)
}

const NO_DIGIT: u8 = 0xff;

fn nibble(digit: u8) -> u8 {
    let (decimal, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
    match (decimal < 10, letter < 6) {
        (true, _) => decimal,
        (false, true) => letter + 10,
        (false, false) => NO_DIGIT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_either_case_and_no_others() {
        for byte in 0..=u8::MAX {
            let expected = char::from(byte)
                .to_digit(16)
                .and_then(|n| u8::try_from(n).ok());
            assert_eq!(nibble(byte), expected.unwrap_or(NO_DIGIT), "{byte}");
            let text = format!("{byte:02x}");
            assert_eq!(hex(&[byte]), text);
            assert_eq!(sha256_bytes(&text.repeat(32)), Some([byte; 32]));
            assert_eq!(
                sha256_bytes(&text.to_uppercase().repeat(32)),
                Some([byte; 32])
            );
        }
        assert_eq!(sha256_bytes(&"0".repeat(63)), None);
        assert_eq!(sha256_bytes(&format!("{}g", "0".repeat(63))), None);
    }
}
