//! Digests of artifacts, and when two sets of them speak of the same content
//! (in-toto specification 4.2.1; how far to trust which algorithm is our decision).

use std::fmt;

use crate::encoding::{Object, Value};

use super::quoted;

/// The name of a hash algorithm as metadata files write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// `sha256`, which every link of ours has.
    Sha256,
    /// `sha512`
    Sha512,
    /// `blake3`
    Blake3,
    /// Any other name. It can be compared, but not computed here.
    Other(String),
}

/// Algorithms whose agreement shows that two artifacts are the same. Everything else (`md5`,
/// `sha1`, names nobody knows) shows nothing.
const STRONG: [&str; 14] = [
    "blake2b",
    "blake2b-256",
    "blake2s",
    "blake3",
    "sha224",
    "sha256",
    "sha384",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "sha512",
    "sha512_224",
    "sha512_256",
];

impl Algorithm {
    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            "blake3" => Self::Blake3,
            _ => Self::Other(name.to_owned()),
        }
    }

    /// The name in metadata files.
    pub fn name(&self) -> &str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
            Self::Other(name) => name,
        }
    }

    /// Whether equal digests show that the content is equal.
    pub fn is_strong(&self) -> bool {
        STRONG.contains(&self.name())
    }

    /// Digest length in bytes, where it is known here.
    fn length(&self) -> Option<usize> {
        match self {
            Self::Sha256 | Self::Blake3 => Some(32),
            Self::Sha512 => Some(64),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why a digest in a metadata file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Digests stand in an object, algorithm to hexadecimal text.
    #[error("expected an object of digests, found {found}")]
    NotAnObject {
        /// What stands there.
        found: &'static str,
    },
    /// The value of an algorithm is not hexadecimal.
    #[error("the digest {} is not hexadecimal text", quoted(algorithm))]
    NotHex {
        /// The algorithm's name.
        algorithm: String,
    },
    /// The digest has not the length that the algorithm gives.
    #[error("the {algorithm} digest has {found} hexadecimal digits, expected {expected}")]
    WrongLength {
        /// The algorithm's name.
        algorithm: String,
        /// How many digits the algorithm gives.
        expected: usize,
        /// How many digits there are.
        found: usize,
    },
}

/// The digests of one artifact, at most one of each algorithm. May be empty, as other tools can
/// write such links; then it agrees with nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestSet {
    sha256: Option<[u8; 32]>,
    /// Sorted by algorithm; lower-case hexadecimal text.
    others: Vec<(Algorithm, Box<str>)>,
}

/// What the comparison of two digest sets says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// A strong algorithm is shared, and every shared algorithm agrees.
    Same,
    /// A shared algorithm disagrees.
    Different,
    /// No algorithm is shared, although both sets have digests.
    NothingShared,
    /// Only weak algorithms are shared and agree, or a set is empty: this shows nothing.
    TooWeak,
}

impl DigestSet {
    /// A set of one SHA-256 digest.
    pub fn of_sha256(digest: [u8; 32]) -> Self {
        Self {
            sha256: Some(digest),
            others: Vec::new(),
        }
    }

    /// Adds or replaces the digest of an algorithm, given as bytes.
    pub fn insert(&mut self, algorithm: Algorithm, digest: &[u8]) {
        match (&algorithm, <[u8; 32]>::try_from(digest)) {
            (Algorithm::Sha256, Ok(digest)) => self.sha256 = Some(digest),
            _ => self.insert_text(algorithm, hex(digest).into_boxed_str()),
        }
    }

    fn insert_text(&mut self, algorithm: Algorithm, text: Box<str>) {
        match self
            .others
            .binary_search_by(|(known, _)| known.cmp(&algorithm))
        {
            Ok(at) => {
                if let Some(entry) = self.others.get_mut(at) {
                    entry.1 = text;
                }
            }
            Err(at) => self.others.insert(at, (algorithm, text)),
        }
    }

    /// Reads the object that links carry: `{"sha256": "…", …}`, hexadecimal digits of either case.
    ///
    /// # Errors
    /// See [`DigestError`].
    pub fn from_value(value: &Value) -> Result<Self, DigestError> {
        let object = value.as_object().ok_or(DigestError::NotAnObject {
            found: value.kind(),
        })?;
        let mut set = Self::default();
        for (name, text) in object.iter() {
            let algorithm = Algorithm::from_name(name);
            let text = text
                .as_str()
                .filter(|text| {
                    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
                })
                .ok_or_else(|| DigestError::NotHex {
                    algorithm: name.to_owned(),
                })?;
            if let Some(length) = algorithm.length()
                && text.len() != 2 * length
            {
                return Err(DigestError::WrongLength {
                    algorithm: name.to_owned(),
                    expected: 2 * length,
                    found: text.len(),
                });
            }
            match (&algorithm, sha256_bytes(text)) {
                (Algorithm::Sha256, Some(digest)) => set.sha256 = Some(digest),
                _ => set.insert_text(algorithm, text.to_ascii_lowercase().into_boxed_str()),
            }
        }
        Ok(set)
    }

    /// The object that links carry.
    pub fn to_value(&self) -> Value {
        let members = self
            .iter()
            .map(|(algorithm, text)| (algorithm.name().to_owned(), Value::String(text)));
        Value::Object(members.collect::<Object>())
    }

    /// The digests as lower-case hexadecimal text.
    pub fn iter(&self) -> impl Iterator<Item = (Algorithm, String)> {
        let sha256 = self.sha256.map(|digest| (Algorithm::Sha256, hex(&digest)));
        let others = self.others.iter().cloned();
        sha256
            .into_iter()
            .chain(others.map(|(algorithm, text)| (algorithm, text.into_string())))
    }

    /// The SHA-256 digest, if there is one.
    pub fn sha256(&self) -> Option<&[u8; 32]> {
        self.sha256.as_ref()
    }

    /// Compares two sets.
    pub fn agreement(&self, other: &Self) -> Agreement {
        let sha256 = match (&self.sha256, &other.sha256) {
            (Some(left), Some(right)) if left != right => return Agreement::Different,
            (Some(_), Some(_)) => true,
            _ => false,
        };
        let mut strong = sha256;
        let mut shared = sha256;
        for (algorithm, text) in &self.others {
            let Ok(at) = other
                .others
                .binary_search_by(|(known, _)| known.cmp(algorithm))
            else {
                continue;
            };
            if other.others.get(at).is_none_or(|(_, there)| there != text) {
                return Agreement::Different;
            }
            shared = true;
            strong |= algorithm.is_strong();
        }
        match (strong, shared) {
            (true, _) => Agreement::Same,
            (false, false) if !self.is_empty() && !other.is_empty() => Agreement::NothingShared,
            (false, _) => Agreement::TooWeak,
        }
    }

    /// Leaves only the digests of algorithms that the other set has too.
    pub fn keep_common(&mut self, other: &Self) {
        if other.sha256.is_none() {
            self.sha256 = None;
        }
        let known = |algorithm: &Algorithm| {
            let mut there = other.others.iter();
            there.any(|(shared, _)| shared == algorithm)
        };
        self.others.retain(|(algorithm, _)| known(algorithm));
    }

    /// Whether there is a digest of a strong algorithm.
    pub fn has_strong(&self) -> bool {
        self.sha256.is_some()
            || self
                .others
                .iter()
                .any(|(algorithm, _)| algorithm.is_strong())
    }

    /// Whether there is no digest at all.
    pub fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.others.is_empty()
    }
}

/// Lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(DIGITS.get(usize::from(nibble)));
        }
    }
    text
}

fn sha256_bytes(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(digest)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;

    fn set(json: &str) -> DigestSet {
        DigestSet::from_value(&parse(json.as_bytes()).unwrap()).unwrap()
    }

    fn agreement(left: &str, right: &str) -> Agreement {
        let (left, right) = (set(left), set(right));
        assert_eq!(left.agreement(&right), right.agreement(&left));
        left.agreement(&right)
    }

    fn sha256(digit: char) -> String {
        format!("\"sha256\":\"{}\"", digit.to_string().repeat(64))
    }

    fn sha512(digit: char) -> String {
        format!("\"sha512\":\"{}\"", digit.to_string().repeat(128))
    }

    #[test]
    fn a_strong_shared_algorithm_decides() {
        let a = format!("{{{}}}", sha256('a'));
        assert_eq!(
            agreement(&a, &a.replace('a', "A").replace("shA", "sha")),
            Agreement::Same
        );
        assert_eq!(
            agreement(&a, &format!("{{{},{}}}", sha256('a'), sha512('1'))),
            Agreement::Same
        );
        assert_eq!(
            agreement(&a, &format!("{{{}}}", sha256('b'))),
            Agreement::Different
        );
    }

    #[test]
    fn one_disagreeing_algorithm_is_enough() {
        let left = format!("{{{},{}}}", sha256('a'), sha512('1'));
        let right = format!("{{{},{}}}", sha256('a'), sha512('2'));
        assert_eq!(agreement(&left, &right), Agreement::Different);
        assert_eq!(
            agreement(
                &format!("{{{},\"md5\":\"aa\"}}", sha256('a')),
                &format!("{{{},\"md5\":\"ab\"}}", sha256('a'))
            ),
            Agreement::Different
        );
    }

    #[test]
    fn weak_or_absent_digests_show_nothing() {
        assert_eq!(agreement("{}", "{}"), Agreement::TooWeak);
        assert_eq!(
            agreement("{}", &format!("{{{}}}", sha256('a'))),
            Agreement::TooWeak
        );
        for weak in ["md5", "sha1", "unheard-of"] {
            let one = format!("{{\"{weak}\":\"aa\"}}");
            assert_eq!(agreement(&one, &one), Agreement::TooWeak);
        }
        let left = format!("{{{}}}", sha256('a'));
        assert_eq!(
            agreement(&left, &format!("{{{}}}", sha512('a'))),
            Agreement::NothingShared
        );
    }

    #[test]
    fn malformed_digests_are_refused() {
        for json in [
            "[]",
            r#"{"sha256":1}"#,
            r#"{"md5":""}"#,
            r#"{"md5":"xy"}"#,
            r#"{"sha256":"ab"}"#,
            r#"{"md5":"٣٣"}"#,
        ] {
            assert!(
                DigestSet::from_value(&parse(json.as_bytes()).unwrap()).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn reading_and_writing_are_inverse() {
        let json = format!(
            "{{\"blake3\":\"{0}\",{1},\"zz\":\"abc\"}}",
            "0f".repeat(32),
            sha256('a')
        );
        assert_eq!(set(&json).to_value(), parse(json.as_bytes()).unwrap());
    }
}
