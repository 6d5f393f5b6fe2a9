//! The armored form of a key (RFC 9580, 6.2): base64 between two lines, with header lines before it
//! and mostly a checksum after it. What stands around the block does not matter.

use base64ct::{Base64, Encoding};

use super::OpenPgpError;

const BEGIN: &str = "-----BEGIN PGP ";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";
const PUBLIC_KEY: &str = "PUBLIC KEY BLOCK-----";
const PRIVATE_KEY: &str = "PRIVATE KEY BLOCK-----";

/// Whether a file has such a block, of whatever kind.
pub(super) fn is_armored(bytes: &[u8]) -> bool {
    bytes
        .windows(BEGIN.len())
        .any(|window| window == BEGIN.as_bytes())
}

/// The bytes of the one public key block in a file.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<u8>, OpenPgpError> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim_end);
    let first = lines.by_ref().find_map(|line| line.strip_prefix(BEGIN));
    match first {
        Some(PUBLIC_KEY) => {}
        Some(PRIVATE_KEY) => return Err(OpenPgpError::Private),
        Some(_) => return Err(OpenPgpError::OtherBlock),
        // The first bit of every packet is set (RFC 9580, 4.2).
        None if bytes.first().is_some_and(|byte| byte & 0x80 != 0) => {
            return Err(OpenPgpError::NotArmored);
        }
        None => return Err(OpenPgpError::NoBlock),
    }
    let (mut base64, mut checksum, mut in_headers) = (String::new(), None, true);
    for line in lines.by_ref() {
        if line == END {
            let decoded = finish(&base64, checksum)?;
            return match lines.any(|line| line.starts_with(BEGIN)) {
                true => Err(OpenPgpError::SeveralKeys),
                false => Ok(decoded),
            };
        }
        if in_headers && (line.is_empty() || line.contains(": ")) {
            in_headers = !line.is_empty();
            continue;
        }
        in_headers = false;
        match line.strip_prefix('=') {
            _ if checksum.is_some() => return Err(OpenPgpError::NotBase64),
            Some(sum) => checksum = Some(sum),
            None => base64.push_str(line),
        }
    }
    Err(OpenPgpError::Unclosed)
}

fn finish(base64: &str, checksum: Option<&str>) -> Result<Vec<u8>, OpenPgpError> {
    let decode = |text: &str| Base64::decode_vec(text).map_err(|_error| OpenPgpError::NotBase64);
    let bytes = decode(base64)?;
    let expected = crc24(&bytes).to_be_bytes();
    match checksum {
        Some(sum) if !expected.ends_with(&decode(sum)?) || sum.len() != 4 => {
            Err(OpenPgpError::Checksum)
        }
        _ => Ok(bytes),
    }
}

/// RFC 9580, 6.1.1.
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00B7_04CE, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 16, |crc: u32, _| {
            let shifted = crc << 1;
            let carried = shifted & 0x0100_0000 != 0;
            (if carried {
                shifted ^ 0x0186_4CFB
            } else {
                shifted
            }) & 0x00FF_FFFF
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armored(body: &str) -> String {
        format!("{BEGIN}{PUBLIC_KEY}\n{body}{END}\n")
    }

    #[test]
    fn headers_and_text_around_the_block_are_let_through() {
        for text in [
            armored("\nAQID\n"),
            armored("Comment: a key\nVersion: 1\n\nAQID\n"),
            armored("\r\nAQ\r\nID\r\n"),
            format!("from: me\n\n{}\nbye\n", armored("\nAQID\n")),
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap(), [1, 2, 3], "{text}");
        }
    }

    #[test]
    fn the_checksum_counts_where_there_is_one() {
        let sum = |bytes: &[u8]| Base64::encode_string(&crc24(bytes).to_be_bytes()[1..]);
        let good = armored(&format!("\nAQID\n={}\n", sum(&[1, 2, 3])));
        assert_eq!(decode(good.as_bytes()).unwrap(), [1, 2, 3]);
        let bad = armored(&format!("\nAQID\n={}\n", sum(&[1, 2, 4])));
        assert!(matches!(
            decode(bad.as_bytes()),
            Err(OpenPgpError::Checksum)
        ));
        for sum in ["=", "=AA==", "=AAAAAAAA"] {
            let text = armored(&format!("\nAQID\n{sum}\n"));
            assert!(decode(text.as_bytes()).is_err(), "{sum}");
        }
    }

    #[test]
    fn the_checksum_is_the_one_of_the_rfc() {
        // RFC 9580, A.3: the sample Ed25519 key has none; this is the common test vector.
        assert_eq!(crc24(b"123456789"), 0x0021_CF02);
    }

    #[test]
    fn what_is_no_public_key_block_is_refused_by_name() {
        let two = armored("\nAQID\n").repeat(2);
        for (text, expected) in [
            ("", "no armored"),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "private"),
            ("-----BEGIN PGP SIGNATURE-----\n", "PUBLIC KEY BLOCK"),
            ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAQID\n", "end line"),
            (two.as_str(), "several"),
        ] {
            let error = decode(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(matches!(decode(&[0x99, 1]), Err(OpenPgpError::NotArmored)));
    }
}
