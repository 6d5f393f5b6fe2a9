//! PEM text: finding the first block, and writing one.
//!
//! As lenient as OpenSSL where a file may have been through editors and mail (text around the
//! block, CRLF, lines of any width), and no further: the base64 must be canonical, and the end
//! line must name what the first line named.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// How many characters a line of base64 has in what is written.
const LINE_WIDTH: usize = 64;

/// How long a label may be; the longest in use, `ENCRYPTED PRIVATE KEY`, has 21 characters.
const LONGEST_LABEL: usize = 40;

/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Why a text has no PEM block that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// There is no `-----BEGIN …-----` line.
    #[error("there is no PEM block, which begins and ends with lines of its own")]
    Missing,
    /// The block is not closed.
    #[error("the PEM block `{label}` has no end line", label = label.escape_debug())]
    Unclosed {
        /// What stands in its first line.
        label: String,
    },
    /// What stands between the lines is not base64.
    #[error("the PEM block `{label}` is not base64", label = label.escape_debug())]
    NotBase64 {
        /// What stands in its first line.
        label: String,
    },
}

/// One PEM block.
pub(super) struct Block {
    /// What stands in its first line, such as `PUBLIC KEY`.
    pub(super) label: String,
    /// Whether its header lines say that it is encrypted in the way that predates PKCS#8.
    pub(super) encrypted_by_header: bool,
    /// What it holds; empty for an encrypted one, of which nothing is read.
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Where the lines stand that begin a block.
pub(super) fn block_starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        if boundary(line.trim_ascii(), BEGIN).is_some() {
            starts.push(at);
        }
        at += line.len();
    }
    starts
}

/// The first block, but for blocks of the label `skipped`.
pub(super) fn first_block(bytes: &[u8], skipped: Option<&str>) -> Result<Block, PemError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut lines = bytes
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .map(<[u8]>::trim_ascii);
    loop {
        let label = lines
            .by_ref()
            .find_map(|line| boundary(line, BEGIN))
            .ok_or(PemError::Missing)?;
        let block = read_block(label, bytes.len(), &mut lines)?;
        if skipped != Some(label) {
            return block.decode();
        }
    }
}

struct Body {
    label: String,
    encrypted: bool,
    base64: Zeroizing<String>,
}

fn read_block<'a>(
    label: &str,
    longest: usize,
    lines: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Body, PemError> {
    let mut body = Body {
        label: label.to_owned(),
        encrypted: false,
        // Reserved in one go, so that no copy of a secret is left behind by growing.
        base64: Zeroizing::new(String::with_capacity(longest)),
    };
    for line in lines {
        if boundary(line, END) == Some(label) {
            return Ok(body);
        }
        let Ok(text) = str::from_utf8(line) else {
            return Err(PemError::NotBase64 { label: body.label });
        };
        if text.starts_with(DASHES) {
            break;
        }
        if let Some((name, value)) = text.split_once(':') {
            body.encrypted |= name == "DEK-Info" || value.contains("ENCRYPTED");
        } else {
            body.base64.extend(text.split_ascii_whitespace());
        }
    }
    Err(PemError::Unclosed { label: body.label })
}

impl Body {
    fn decode(self) -> Result<Block, PemError> {
        let der = if self.encrypted {
            Vec::new()
        } else {
            Base64::decode_vec(&self.base64).map_err(|_error| PemError::NotBase64 {
                label: self.label.clone(),
            })?
        };
        Ok(Block {
            label: self.label,
            encrypted_by_header: self.encrypted,
            der: Zeroizing::new(der),
        })
    }
}

/// The label of a first or last line. What is no label is not one: where the lines of a file were
/// joined, the key itself would stand there, and go into messages.
fn boundary<'a>(line: &'a [u8], start: &str) -> Option<&'a str> {
    let label = line
        .strip_prefix(start.as_bytes())?
        .strip_suffix(DASHES.as_bytes())?;
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    if label.len() > LONGEST_LABEL || !label.iter().all(plain) {
        return None;
    }
    str::from_utf8(label).ok()
}

/// A block as OpenSSL writes it: 64 columns, LF, a newline at the end.
pub(super) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(Base64::encode_string(der));
    let lines = base64.len() + base64.len() / LINE_WIDTH;
    let mut text = Zeroizing::new(String::with_capacity(lines + 2 * label.len() + 64));
    text.extend([BEGIN, label, DASHES, "\n"]);
    for (at, character) in base64.chars().enumerate() {
        if at > 0 && at % LINE_WIDTH == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.extend(["\n", END, label, DASHES, "\n"]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(text: &[u8]) -> Result<Vec<u8>, PemError> {
        first_block(text, None).map(|block| block.der.to_vec())
    }

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 47, 48, 49, 96, 200] {
            let bytes = vec![7; length];
            assert_eq!(der(encode("TEST", &bytes).as_bytes()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_key_whose_lines_were_joined_is_not_quoted() {
        let joined = b"-----BEGIN PRIVATE KEY----- MC4CAQAw -----END PRIVATE KEY-----";
        assert_eq!(der(joined), Err(PemError::Missing));
    }

    #[test]
    fn lines_have_64_columns_and_no_line_is_empty() {
        let text = encode("TEST", &[0; 96]);
        let widths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(widths, [20, 64, 64, 18]);
        assert!(text.ends_with("-----END TEST-----\n"));
    }

    #[test]
    fn text_around_the_block_and_other_line_ends_are_let_through() {
        for text in [
            &b"junk \xff\r\n-----BEGIN A-----\r\nAQ\r\nI=\r\n-----END A-----\r\nmore"[..],
            b"-----BEGIN A-----\rAQI=\r-----END A-----",
            b"  -----BEGIN A-----  \n A Q I = \n\n-----END A-----",
            b"-----BEGIN A-----\nComment: none\n\nAQI=\n-----END A-----",
        ] {
            assert_eq!(der(text).unwrap(), [1, 2]);
        }
    }

    #[test]
    fn only_the_first_block_counts() {
        let two =
            b"-----BEGIN A-----\nAQ==\n-----END A-----\n-----BEGIN B-----\nAg==\n-----END B-----";
        assert_eq!(der(two).unwrap(), [1]);
        let second = first_block(two, Some("A")).unwrap();
        assert_eq!((second.label.as_str(), second.der[0]), ("B", 2));
    }

    #[test]
    fn a_block_that_is_not_closed_by_its_own_label_is_refused() {
        for text in [
            &b"-----BEGIN A-----\nAQ==\n"[..],
            b"-----BEGIN A-----\nAQ==\n-----END B-----",
            b"-----BEGIN A-----\nAQ==\n-----BEGIN A-----\nAQ==\n-----END A-----",
        ] {
            let label = "A".to_owned();
            assert_eq!(der(text), Err(PemError::Unclosed { label }));
        }
    }

    #[test]
    fn what_is_not_canonical_base64_is_refused() {
        for body in ["AQ", "AR==", "A*==", "AQ==AQ==", "\u{e9}"] {
            let text = format!("-----BEGIN A-----\n{body}\n-----END A-----");
            let label = "A".to_owned();
            assert_eq!(
                der(text.as_bytes()),
                Err(PemError::NotBase64 { label }),
                "{body}"
            );
        }
    }
}
