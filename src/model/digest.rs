//! Digests of artifacts, and when two sets of them speak of the same content
//! (in-toto specification 4.2.1; how far to trust which algorithm is our decision).

use crate::encoding::{Object, Value};

use super::hex::sha256_bytes;
use super::{Algorithm, hex, quoted};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestSet(Digests);

/// Nearly every artifact has SHA-256 and nothing else, and there may be millions of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Digests {
    Sha256([u8; 32]),
    /// Any other set.
    Several(Box<Several>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Several {
    sha256: Option<[u8; 32]>,
    /// Sorted by algorithm; lower-case hexadecimal text.
    others: Vec<(Algorithm, Box<str>)>,
}

impl Default for DigestSet {
    fn default() -> Self {
        Several::default().into()
    }
}

/// A set has one form only, so that equal sets are equal.
impl From<Several> for DigestSet {
    fn from(several: Several) -> Self {
        Self(match several.sha256 {
            Some(digest) if several.others.is_empty() => Digests::Sha256(digest),
            _ => Digests::Several(Box::new(several)),
        })
    }
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
        Self(Digests::Sha256(digest))
    }

    /// Adds or replaces the digest of an algorithm, given as bytes.
    pub fn insert(&mut self, algorithm: Algorithm, digest: &[u8]) {
        let mut several = self.several();
        match (&algorithm, <[u8; 32]>::try_from(digest)) {
            (Algorithm::Sha256, Ok(digest)) => several.sha256 = Some(digest),
            _ => several.insert_text(algorithm, hex(digest).into_boxed_str()),
        }
        *self = several.into();
    }

    /// Adds or replaces the digest of an algorithm, given as hexadecimal text.
    ///
    /// # Errors
    /// See [`DigestError`].
    pub fn add_text(&mut self, algorithm: &str, text: &str) -> Result<(), DigestError> {
        let mut several = self.several();
        let read = several.read(algorithm, Some(text));
        *self = several.into();
        read
    }

    fn several(&mut self) -> Several {
        match &mut self.0 {
            Digests::Sha256(digest) => Several {
                sha256: Some(*digest),
                others: Vec::new(),
            },
            Digests::Several(several) => std::mem::take(several),
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
        let members = object.iter().map(|(name, text)| (name, text.as_str()));
        Self::from_texts(members)
    }

    /// Reads the members of that object, each algorithm once; `None` stands for what is no text.
    pub(super) fn from_texts<'a>(
        members: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, DigestError> {
        let mut several = Several::default();
        for (name, text) in members {
            several.read(name, text)?;
        }
        Ok(several.into())
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
        let sha256 = self.sha256().map(|digest| (Algorithm::Sha256, hex(digest)));
        let others = self.others().iter().cloned();
        sha256
            .into_iter()
            .chain(others.map(|(algorithm, text)| (algorithm, text.into_string())))
    }

    /// The SHA-256 digest, if there is one.
    pub fn sha256(&self) -> Option<&[u8; 32]> {
        match &self.0 {
            Digests::Sha256(digest) => Some(digest),
            Digests::Several(several) => several.sha256.as_ref(),
        }
    }

    /// The SHA-256 digest, if there is one and nothing else.
    pub(super) fn only_sha256(&self) -> Option<&[u8; 32]> {
        match &self.0 {
            Digests::Sha256(digest) => Some(digest),
            Digests::Several(_) => None,
        }
    }

    fn others(&self) -> &[(Algorithm, Box<str>)] {
        match &self.0 {
            Digests::Sha256(_) => &[],
            Digests::Several(several) => &several.others,
        }
    }

    /// Compares two sets.
    pub fn agreement(&self, other: &Self) -> Agreement {
        match (&self.0, &other.0) {
            (Digests::Sha256(left), Digests::Sha256(right)) if left == right => Agreement::Same,
            (Digests::Sha256(_), Digests::Sha256(_)) => Agreement::Different,
            _ => self.agreement_of_several(other),
        }
    }

    fn agreement_of_several(&self, other: &Self) -> Agreement {
        let sha256 = match (self.sha256(), other.sha256()) {
            (Some(left), Some(right)) if left != right => return Agreement::Different,
            (Some(_), Some(_)) => true,
            _ => false,
        };
        let mut strong = sha256;
        let mut shared = sha256;
        let there = other.others();
        for (algorithm, text) in self.others() {
            let Ok(at) = there.binary_search_by(|(known, _)| known.cmp(algorithm)) else {
                continue;
            };
            if there.get(at).is_none_or(|(_, there)| there != text) {
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

    /// The digests of algorithms that the other set has too; `None` when these are all.
    pub fn common(&self, other: &Self) -> Option<Self> {
        let there = other.others();
        let known = |algorithm: &Algorithm| there.iter().any(|(shared, _)| shared == algorithm);
        let sha256 = self.sha256().filter(|_| other.sha256().is_some());
        let all = sha256.is_some() == self.sha256().is_some()
            && self.others().iter().all(|(algorithm, _)| known(algorithm));
        let others = self
            .others()
            .iter()
            .filter(|(algorithm, _)| known(algorithm));
        (!all).then(|| {
            let several = Several {
                sha256: sha256.copied(),
                others: others.cloned().collect(),
            };
            several.into()
        })
    }

    /// Whether there is a digest of a strong algorithm.
    pub fn has_strong(&self) -> bool {
        let mut others = self.others().iter();
        self.sha256().is_some() || others.any(|(algorithm, _)| algorithm.is_strong())
    }

    /// Whether there is no digest at all.
    pub fn is_empty(&self) -> bool {
        self.sha256().is_none() && self.others().is_empty()
    }
}

impl Several {
    fn read(&mut self, name: &str, text: Option<&str>) -> Result<(), DigestError> {
        let algorithm = Algorithm::from_name(name);
        let text = text
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
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
            (Algorithm::Sha256, Some(digest)) => self.sha256 = Some(digest),
            _ => self.insert_text(algorithm, text.to_ascii_lowercase().into_boxed_str()),
        }
        Ok(())
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
