//! The materials or the products of a link, made for millions of them: the names are slices of one
//! text, which can be the text of the link itself, and the digests stand beside them in one list.

use std::fmt;
use std::sync::Arc;

use crate::encoding::Text;

use super::{Agreement, ArtifactPath, DigestSet};

/// Artifact name to digests, in the order of the names' code points. A copy shares what it holds
/// with the original until one of them is changed.
#[derive(Clone, Default)]
pub struct Artifacts {
    text: Arc<String>,
    entries: Arc<Vec<Entry>>,
}

#[derive(Clone)]
struct Entry {
    start: usize,
    length: usize,
    digests: DigestSet,
}

/// What the artifacts of one side are, compared with those of another under the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Only the first has it; its index there.
    First(usize),
    /// Only the second has it; its index there.
    Second(usize),
    /// Both have it: the index in the first and in the second, and what the digests say.
    Both(usize, usize, Agreement),
}

impl Artifacts {
    /// No artifacts.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Names and digests in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &DigestSet)> {
        let entry = |entry: &Entry| (entry.start, entry.length);
        self.entries.iter().map(move |item| {
            let (start, length) = entry(item);
            (self.slice(start, length), &item.digests)
        })
    }

    /// The names in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// The name at an index.
    pub fn name(&self, index: usize) -> Option<&str> {
        let entry = self.entries.get(index)?;
        Some(self.slice(entry.start, entry.length))
    }

    /// The digests at an index.
    pub fn digests(&self, index: usize) -> Option<&DigestSet> {
        self.entries.get(index).map(|entry| &entry.digests)
    }

    /// The digests of an artifact.
    pub fn get(&self, name: &str) -> Option<&DigestSet> {
        self.digests(self.position(name)?)
    }

    /// Whether there is an artifact of that name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// The index of an artifact.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.search(name).ok()
    }

    fn search(&self, name: &str) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|entry| self.slice(entry.start, entry.length).cmp(name))
    }

    /// The indices of all names that start so: in their order these stand together.
    pub fn starting_with(&self, start: &str) -> std::ops::Range<usize> {
        let name = |entry: &Entry| self.slice(entry.start, entry.length);
        let from = self.entries.partition_point(|entry| name(entry) < start);
        let behind = self.entries.get(from..).unwrap_or_default();
        from..from + behind.partition_point(|entry| name(entry).starts_with(start))
    }

    /// Adds an artifact, or replaces its digests. For a few of them: it moves all that come behind.
    #[expect(clippy::needless_pass_by_value, reason = "as a map takes its keys")]
    pub fn insert(&mut self, path: ArtifactPath, digests: DigestSet) -> Option<DigestSet> {
        let at = match self.search(path.as_str()) {
            Ok(at) => {
                let entry = Arc::make_mut(&mut self.entries).get_mut(at)?;
                return Some(std::mem::replace(&mut entry.digests, digests));
            }
            Err(at) => at,
        };
        let text = Arc::make_mut(&mut self.text);
        let entry = Entry {
            start: text.len(),
            length: path.as_str().len(),
            digests,
        };
        text.push_str(path.as_str());
        Arc::make_mut(&mut self.entries).insert(at, entry);
        None
    }

    /// Goes through two lists side by side, in the order of the names.
    pub fn pair(&self, other: &Self, mut each: impl FnMut(Pairing)) {
        let (mut left, mut right) = (self.iter().enumerate(), other.iter().enumerate());
        let (mut one, mut two) = (left.next(), right.next());
        loop {
            let order = match (&one, &two) {
                (Some((_, (mine, _))), Some((_, (theirs, _)))) => mine.cmp(theirs),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => return,
            };
            match (one, two, order) {
                (Some((at, _)), _, std::cmp::Ordering::Less) => {
                    each(Pairing::First(at));
                    one = left.next();
                }
                (_, Some((at, _)), std::cmp::Ordering::Greater) => {
                    each(Pairing::Second(at));
                    two = right.next();
                }
                (Some((at, (_, mine))), Some((there, (_, theirs))), _) => {
                    each(Pairing::Both(at, there, mine.agreement(theirs)));
                    (one, two) = (left.next(), right.next());
                }
                _ => return,
            }
        }
    }

    /// Leaves of every artifact only the digests of algorithms that the other list has for it too.
    pub fn keep_common(&mut self, other: &Self) {
        let mut fewer = Vec::new();
        self.pair(other, |pairing| {
            if let Pairing::Both(at, there, _) = pairing
                && let (Some(mine), Some(theirs)) = (self.digests(at), other.digests(there))
                && let Some(common) = mine.common(theirs)
            {
                fewer.push((at, common));
            }
        });
        if fewer.is_empty() {
            return;
        }
        let entries = Arc::make_mut(&mut self.entries);
        for (at, digests) in fewer {
            if let Some(entry) = entries.get_mut(at) {
                entry.digests = digests;
            }
        }
    }

    /// Whether the two hold the very same list, one being a copy of the other.
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entries, &other.entries) && Arc::ptr_eq(&self.text, &other.text)
    }

    fn slice(&self, start: usize, length: usize) -> &str {
        // Every entry was made together with its slice.
        self.text.get(start..start + length).unwrap_or_default()
    }
}

impl PartialEq for Artifacts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Artifacts {}

impl fmt::Debug for Artifacts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

impl<N: AsRef<str>> FromIterator<(N, DigestSet)> for Artifacts {
    /// The last of several equal names counts, as in a map.
    fn from_iter<I: IntoIterator<Item = (N, DigestSet)>>(artifacts: I) -> Self {
        Self::gather(String::new(), Vec::new(), artifacts)
    }
}

impl Artifacts {
    /// So many artifacts, whose names have so many bytes together: collected without growing.
    pub fn with_room<N: AsRef<str>>(
        artifacts: usize,
        bytes: usize,
        from: impl IntoIterator<Item = (N, DigestSet)>,
    ) -> Self {
        let (text, entries) = (String::with_capacity(bytes), Vec::with_capacity(artifacts));
        Self::gather(text, entries, from)
    }

    fn gather<N: AsRef<str>>(
        mut text: String,
        mut entries: Vec<Entry>,
        artifacts: impl IntoIterator<Item = (N, DigestSet)>,
    ) -> Self {
        entries.extend(artifacts.into_iter().map(|(name, digests)| {
            let (name, start) = (name.as_ref(), text.len());
            text.push_str(name);
            Entry {
                start,
                length: name.len(),
                digests,
            }
        }));
        let name = |entry: &Entry| {
            text.get(entry.start..entry.start + entry.length)
                .unwrap_or_default()
        };
        if !entries.is_sorted_by(|left, right| name(left) < name(right)) {
            // Stable: behind the sort, equal names stand in the order in which they came.
            entries.sort_by(|left, right| name(left).cmp(name(right)));
            entries.reverse();
            entries.dedup_by(|later, kept| name(later) == name(kept));
            entries.reverse();
        }
        Self {
            text: Arc::new(text),
            entries: Arc::new(entries),
        }
    }
}

/// Makes [`Artifacts`] of names that come in ascending order from a text. As long as they stand in
/// that text as they are, none is copied.
#[derive(Debug)]
pub(super) struct Builder {
    text: Arc<String>,
    /// All names so far, once one of them had an escape in it.
    own: Option<String>,
    entries: Vec<Entry>,
    /// Where in the shared text the slice starts that names say their place in.
    base: usize,
}

impl Builder {
    pub(super) fn sharing(text: &Arc<String>, base: usize) -> Self {
        Self {
            text: Arc::clone(text),
            own: None,
            entries: Vec::new(),
            base,
        }
    }

    pub(super) fn push(&mut self, name: Text<'_>, digests: DigestSet) {
        let (start, length) = match (name.verbatim(), &mut self.own) {
            (Some((name, start)), None) => (self.base + start, name.len()),
            _ => self.push_own(&name.decoded()),
        };
        self.entries.push(Entry {
            start,
            length,
            digests,
        });
    }

    fn push_own(&mut self, name: &str) -> (usize, usize) {
        let own = self.own.get_or_insert_with(|| {
            let mut own = String::new();
            for entry in &mut self.entries {
                let name = self.text.get(entry.start..entry.start + entry.length);
                entry.start = own.len();
                own.push_str(name.unwrap_or_default());
            }
            own
        });
        own.push_str(name);
        (own.len() - name.len(), name.len())
    }

    pub(super) fn finish(mut self) -> Artifacts {
        self.entries.shrink_to_fit();
        Artifacts {
            text: self.own.map_or(self.text, Arc::new),
            entries: Arc::new(self.entries),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}+{}", self.start, self.length)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::Algorithm;

    fn named(list: &[(String, u8)]) -> Vec<(ArtifactPath, DigestSet)> {
        let one = |(name, byte): &(String, u8)| {
            let digests = DigestSet::of_sha256([*byte; 32]);
            (ArtifactPath::claimed(name), digests)
        };
        list.iter().map(one).collect()
    }

    fn list() -> impl Strategy<Value = Vec<(String, u8)>> {
        prop::collection::vec(("[ab/é]{0,3}", 0_u8..3), 0..12)
    }

    fn varied() -> impl Strategy<Value = Vec<(ArtifactPath, DigestSet)>> {
        let digests = prop::collection::vec(prop_oneof!["sha256", "sha512", "md5"], 0..3);
        let one = ("[ab]", digests).prop_map(|(name, algorithms)| {
            let mut set = DigestSet::default();
            for algorithm in algorithms {
                set.insert(Algorithm::from_name(&algorithm), &[1; 32]);
            }
            (ArtifactPath::claimed(&name), set)
        });
        prop::collection::vec(one, 0..4)
    }

    proptest! {
        #[test]
        fn it_is_a_map(list in list(), name in "[ab/é]{0,2}") {
            let artifacts: Artifacts = named(&list).into_iter().collect();
            let map: BTreeMap<ArtifactPath, DigestSet> = named(&list).into_iter().collect();
            let flat: Vec<_> = map.iter().map(|(path, digests)| (path.as_str(), digests)).collect();
            prop_assert_eq!(artifacts.iter().collect::<Vec<_>>(), flat);
            prop_assert_eq!(artifacts.get(&name), map.get(name.as_str()));
            let starting: Vec<&str> = artifacts.keys().filter(|key| key.starts_with(&name)).collect();
            let range = artifacts.starting_with(&name);
            let found: Vec<&str> = range.filter_map(|at| artifacts.name(at)).collect();
            prop_assert_eq!(found, starting);
            let mut one_by_one = Artifacts::new();
            for (path, digests) in named(&list) {
                one_by_one.insert(path, digests);
            }
            prop_assert_eq!(one_by_one, artifacts);
        }

        #[test]
        fn pairs_are_those_of_lookups(left in list(), right in list()) {
            let (left, right): (Artifacts, Artifacts) =
                (named(&left).into_iter().collect(), named(&right).into_iter().collect());
            let (mut first, mut second, mut both) = (Vec::new(), Vec::new(), Vec::new());
            left.pair(&right, |pairing| match pairing {
                Pairing::First(at) => first.push(left.name(at).unwrap()),
                Pairing::Second(at) => second.push(right.name(at).unwrap()),
                Pairing::Both(at, _, agreement) => both.push((left.name(at).unwrap(), agreement)),
            });
            let only = |one: &Artifacts, other: &Artifacts| -> Vec<String> {
                one.keys().filter(|key| !other.contains_key(key)).map(str::to_owned).collect()
            };
            prop_assert_eq!(first, only(&left, &right));
            prop_assert_eq!(second, only(&right, &left));
            let expected: Vec<_> = left
                .iter()
                .filter_map(|(name, mine)| Some((name, mine.agreement(right.get(name)?))))
                .collect();
            prop_assert_eq!(both, expected);
        }

        #[test]
        fn what_is_kept_is_common(left in varied(), right in varied()) {
            let (left, right): (Artifacts, Artifacts) =
                (left.into_iter().collect(), right.into_iter().collect());
            let mut kept = left.clone();
            kept.keep_common(&right);
            prop_assert!(kept.keys().eq(left.keys()));
            for (name, digests) in left.iter() {
                let there: Option<Vec<Algorithm>> = right
                    .get(name)
                    .map(|there| there.iter().map(|(algorithm, _)| algorithm).collect());
                let expected: Vec<_> = digests
                    .iter()
                    .filter(|(algorithm, _)| there.as_ref().is_none_or(|there| there.contains(algorithm)))
                    .collect();
                prop_assert_eq!(kept.get(name).unwrap().iter().collect::<Vec<_>>(), expected);
            }
        }
    }
}
