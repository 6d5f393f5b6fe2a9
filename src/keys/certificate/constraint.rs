//! What a layout asks of the certificates of a step's functionaries (ITE-7, as in-toto-golang has it).
//!
//! For each attribute: `["*"]` alone takes anything, an empty list or `[""]` asks that the certificate has none,
//! and any other list asks for exactly these values, each once. There are no patterns. `roots` is about where
//! the chain ends: in any one of those named.

use super::{Certificate, Names};

/// What alone takes anything.
const ANYTHING: &str = "*";

/// What must hold entirely of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// The common name of the subject.
    pub common_name: Wanted,
    /// The DNS names.
    pub dns_names: Wanted,
    /// The e-mail addresses.
    pub emails: Wanted,
    /// The organizations of the subject.
    pub organizations: Wanted,
    /// The ids of the roots in which the chain may end.
    pub roots: Wanted,
    /// The URIs.
    pub uris: Wanted,
}

/// What is asked of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Anything,
    /// Exactly these values, sorted and each once; none of them: the attribute must be absent.
    Exactly(Vec<String>),
}

/// An attribute that is not as a constraint asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Its field in the constraint.
    pub attribute: &'static str,
    /// What the constraint asks for.
    pub expected: Vec<String>,
    /// What the certificate has.
    pub found: Vec<String>,
}

impl Constraint {
    /// All attributes under their names in a layout.
    pub fn attributes(&self) -> [(&'static str, &Wanted); 6] {
        [
            ("common_name", &self.common_name),
            ("dns_names", &self.dns_names),
            ("emails", &self.emails),
            ("organizations", &self.organizations),
            ("roots", &self.roots),
            ("uris", &self.uris),
        ]
    }

    /// Everything about a certificate's names that is not as this asks. Where its chain ends is for
    /// [`Authorities`](super::Authorities) to judge.
    pub fn mismatches(&self, certificate: &Certificate) -> Vec<Mismatch> {
        let Names {
            common_names,
            organizations,
            dns_names,
            emails,
            uris,
        } = certificate.names();
        [
            ("common_name", &self.common_name, common_names),
            ("dns_names", &self.dns_names, dns_names),
            ("emails", &self.emails, emails),
            ("organizations", &self.organizations, organizations),
            ("uris", &self.uris, uris),
        ]
        .into_iter()
        .filter_map(|(attribute, wanted, found)| wanted.mismatch(attribute, found))
        .collect()
    }
}

impl Wanted {
    /// From the values of a list in a layout.
    pub fn new(mut values: Vec<String>) -> Self {
        if matches!(values.as_slice(), [only] if only == ANYTHING) {
            return Self::Anything;
        }
        if is_nothing(&values) {
            values.clear();
        }
        values.sort();
        values.dedup();
        Self::Exactly(values)
    }

    /// Whether a root under one of these ids is among those asked for.
    pub fn takes_any_of<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> bool {
        match self {
            Self::Anything => true,
            Self::Exactly(wanted) => ids
                .into_iter()
                .any(|id| wanted.iter().any(|wanted| wanted == id)),
        }
    }

    fn mismatch(&self, attribute: &'static str, found: &[String]) -> Option<Mismatch> {
        let Self::Exactly(expected) = self else {
            return None;
        };
        let mut sorted: Vec<String> = found.to_vec();
        if is_nothing(&sorted) {
            sorted.clear();
        }
        sorted.sort();
        // A value that stands twice is one too many: the lists are compared one to one.
        (sorted != *expected).then(|| Mismatch {
            attribute,
            expected: expected.clone(),
            found: found.to_vec(),
        })
    }
}

/// One empty value is none.
fn is_nothing(values: &[String]) -> bool {
    matches!(values, [only] if only.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(wanted: &[&str], found: &[&str]) -> bool {
        let list = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        Wanted::new(list(wanted))
            .mismatch("uris", &list(found))
            .is_none()
    }

    #[test]
    fn an_asterisk_alone_takes_anything() {
        for found in [&[][..], &["a"], &["a", "b"], &["a", "a"], &[""]] {
            assert!(holds(&["*"], found), "{found:?}");
        }
        assert!(!holds(&["*", "a"], &["a"]));
        assert!(!holds(&["*", "*"], &["a"]), "twice is not alone");
    }

    #[test]
    fn nothing_asked_for_must_be_absent() {
        for wanted in [&[][..], &[""]] {
            assert!(holds(wanted, &[]));
            assert!(holds(wanted, &[""]));
            assert!(!holds(wanted, &["a"]));
        }
    }

    #[test]
    fn values_are_compared_one_to_one_and_never_as_patterns() {
        assert!(holds(&["a", "b"], &["b", "a"]));
        assert!(holds(&["a", "a"], &["a"]));
        for (wanted, found) in [
            (&["a"][..], &[][..]),
            (&["a"], &["b"]),
            (&["a"], &["a", "b"]),
            (&["a", "b"], &["a"]),
            (&["a"], &["a", "a"]),
            (&["a"], &["A"]),
            (&["spiffe://x/*"], &["spiffe://x/y"]),
            (&["a", ""], &["a"]),
        ] {
            assert!(!holds(wanted, found), "{wanted:?} {found:?}");
        }
    }
}
