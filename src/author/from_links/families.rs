//! Few patterns for many names: folders, endings, likenesses, and names themselves.
//!
//! The patterns match every name that is wanted, and none that is to be avoided as long as that can be
//! had with few of them. Names are taken in their order, where all that lie in one folder stand
//! together; a folder is divided into what is in it until nothing to be avoided is left in it, and
//! then as far as the manner asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::model::Pattern;

use super::names::{Likeness, ending, likeness, literal};

/// How many files of one ending in a folder are taken together.
const TOGETHER: usize = 3;

/// How many patterns a list of names is divided into because of names to be avoided.
const APART_AT_MOST: usize = 100;

/// How many endings stand for names wherever they are, when folders do not tell them apart.
const ENDINGS_AT_MOST: usize = 24;

/// How patterns are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) extent: Extent,
    /// Whether versions and hashes are left open.
    pub(super) open: bool,
}

/// How much one pattern takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// As little as this many patterns allow.
    Narrow(usize),
    /// Each folder as a whole, but not the folder of all, if that is this many patterns at most.
    Wide(usize),
    /// As few patterns as there can be.
    Few,
}

/// Patterns for names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Families {
    /// In their order, each once.
    pub(super) list: Vec<Family>,
    /// How many of the names that were to be avoided match all the same.
    pub(super) beyond: usize,
}

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Family {
    pub(super) pattern: String,
    pub(super) kind: Kind,
    /// How many names it was made for.
    pub(super) names: usize,
}

/// What a pattern is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Name,
    Likeness,
    Ending,
    Folder,
}

/// Patterns for `names` that do not match `avoid`. Both are in ascending order and have no name in
/// common.
pub(super) fn families(names: &[&str], avoid: &[&str], manner: Manner) -> Families {
    let cover = Cover {
        names,
        avoid,
        manner,
    };
    if names.is_empty() {
        return Families {
            list: Vec::new(),
            beyond: 0,
        };
    }
    let (nodes, clean) = cover.nodes();
    let mut list: BTreeMap<String, Family> = BTreeMap::new();
    for node in nodes {
        let family = cover.family(&node);
        list.entry(family.pattern.clone())
            .and_modify(|known| known.names += family.names)
            .or_insert(family);
    }
    let list: Vec<Family> = list.into_values().collect();
    let beyond = match clean {
        true => 0,
        false => count(&list, avoid),
    };
    Families { list, beyond }
}

fn count(list: &[Family], names: &[&str]) -> usize {
    let patterns: Vec<Pattern> = list.iter().map(|one| Pattern::new(&one.pattern)).collect();
    let matched = |name: &&&str| patterns.iter().any(|pattern| pattern.matches(name));
    names.iter().filter(matched).count()
}

/// Names that become one pattern.
#[derive(Clone, Debug)]
enum Node<'a> {
    /// Those in this range, which all begin so: with nothing, or with the path of a folder.
    Folder(&'a str, Range<usize>),
    /// Those of a folder that end so.
    Ending(&'a str, &'a str, Vec<usize>),
    /// Those with versions or hashes in the same places.
    Likeness(Likeness, Vec<usize>),
    /// This one.
    Name(usize),
}

struct Cover<'a> {
    names: &'a [&'a str],
    avoid: &'a [&'a str],
    manner: Manner,
}

impl<'a> Cover<'a> {
    fn root(&self) -> Node<'a> {
        Node::Folder("", 0..self.names.len())
    }

    fn name(&self, at: usize) -> &'a str {
        self.names.get(at).copied().unwrap_or_default()
    }

    /// The names in nodes, and whether nothing in these is to be avoided.
    fn nodes(&self) -> (Vec<Node<'a>>, bool) {
        let apart = self.apart();
        match apart {
            Some(nodes) if nodes.len() <= ENDINGS_AT_MOST => return (self.divide(nodes), true),
            Some(_) | None => {}
        }
        let by_ending = self.by_ending();
        let clean = |nodes: &Vec<Node<'_>>| nodes.iter().all(|node| self.is_clean(node));
        match (by_ending, apart) {
            (Some(nodes), _) if clean(&nodes) => (nodes, true),
            (_, Some(nodes)) => (self.divide(nodes), true),
            (Some(nodes), None) => (nodes, false),
            (None, None) => (self.divide(vec![self.root()]), false),
        }
    }

    /// All names by their endings, wherever they are; `None` when there are many, or names without.
    fn by_ending(&self) -> Option<Vec<Node<'a>>> {
        let folder = match self.closer(self.root()) {
            Node::Folder(folder, _) => folder,
            Node::Ending(..) | Node::Likeness(..) | Node::Name(_) => return None,
        };
        let mut endings: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, name) in self.names.iter().enumerate() {
            let end = ending(name);
            endings.entry(end).or_default().push(at);
            if end.is_empty() || endings.len() > ENDINGS_AT_MOST {
                return None;
            }
        }
        let node = |(end, members)| Node::Ending(folder, end, members);
        Some(endings.into_iter().map(node).collect())
    }

    /// The fewest nodes with nothing in them that is to be avoided; `None` when these are many.
    fn apart(&self) -> Option<Vec<Node<'a>>> {
        let (mut clean, mut open) = (Vec::new(), vec![self.root()]);
        while let Some(node) = open.pop() {
            if self.is_clean(&node) {
                clean.push(node);
            } else {
                open.extend(self.parts(&node));
            }
            if clean.len() + open.len() > APART_AT_MOST {
                return None;
            }
        }
        Some(clean)
    }

    fn is_clean(&self, node: &Node<'_>) -> bool {
        match node {
            Node::Name(_) => true,
            Node::Folder(folder, _) => match self.open(folder) {
                None => self.avoided(folder).is_empty(),
                Some(like) => {
                    let pattern = format!("{}*", like.pattern);
                    self.avoids(folder.get(..like.fixed).unwrap_or_default(), &pattern)
                }
            },
            Node::Ending(folder, end, _) => match self.open(folder) {
                None => !self.avoided(folder).iter().any(|name| name.ends_with(end)),
                Some(like) => {
                    let pattern = format!("{}*{}", like.pattern, literal(end));
                    self.avoids(folder.get(..like.fixed).unwrap_or_default(), &pattern)
                }
            },
            Node::Likeness(like, members) => {
                let name = members.first().map_or("", |at| self.name(*at));
                self.avoids(name.get(..like.fixed).unwrap_or_default(), &like.pattern)
            }
        }
    }

    /// Whether nothing that is to be avoided matches a pattern that begins with this text.
    fn avoids(&self, start: &str, pattern: &str) -> bool {
        let pattern = Pattern::new(pattern);
        !self.avoided(start).iter().any(|name| pattern.matches(name))
    }

    /// What is to be avoided and begins so.
    fn avoided(&self, start: &str) -> &[&'a str] {
        let from = self.avoid.partition_point(|name| *name < start);
        let rest = self.avoid.get(from..).unwrap_or_default();
        let length = rest.partition_point(|name| name.starts_with(start));
        rest.get(..length).unwrap_or_default()
    }

    fn open(&self, text: &str) -> Option<Likeness> {
        self.manner.open.then(|| likeness(text))?
    }

    /// What a node is made of; never nothing, and of a single name only for a name.
    fn parts(&self, node: &Node<'a>) -> Vec<Node<'a>> {
        match node {
            Node::Name(at) => vec![Node::Name(*at)],
            Node::Likeness(_, members) => members.iter().map(|at| Node::Name(*at)).collect(),
            Node::Ending(_, _, members) => self.alike(members),
            Node::Folder(folder, range) => {
                let mut parts = Vec::new();
                let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
                let mut at = range.start;
                while at < range.end {
                    let name = self.name(at);
                    let inside = name.get(folder.len()..).unwrap_or_default();
                    let Some(slash) = inside.find('/') else {
                        files.entry(ending(name)).or_default().push(at);
                        at += 1;
                        continue;
                    };
                    let below = name.get(..=folder.len() + slash).unwrap_or_default();
                    let rest = self.names.get(at..range.end).unwrap_or_default();
                    let length = rest.partition_point(|name| name.starts_with(below)).max(1);
                    parts.push(Node::Folder(below, at..at + length));
                    at += length;
                }
                for (end, members) in files {
                    if !end.is_empty() && members.len() >= TOGETHER {
                        parts.push(Node::Ending(folder, end, members));
                    } else {
                        parts.extend(self.alike(&members));
                    }
                }
                parts
            }
        }
    }

    /// Names one by one, or those together that are alike.
    fn alike(&self, members: &[usize]) -> Vec<Node<'a>> {
        let mut nodes = Vec::new();
        let mut alike: BTreeMap<String, (Likeness, Vec<usize>)> = BTreeMap::new();
        for at in members {
            match self.open(self.name(*at)) {
                None => nodes.push(Node::Name(*at)),
                Some(like) => {
                    let entry = alike.entry(like.pattern.clone());
                    entry.or_insert_with(|| (like, Vec::new())).1.push(*at);
                }
            }
        }
        let together = alike.into_values();
        nodes.extend(together.map(|(like, members)| Node::Likeness(like, members)));
        nodes
    }

    fn divide(&self, nodes: Vec<Node<'a>>) -> Vec<Node<'a>> {
        match self.manner.extent {
            Extent::Narrow(at_most) => self.narrow(nodes, at_most),
            Extent::Wide(at_most) => nodes
                .into_iter()
                .map(|node| self.closer(node))
                .flat_map(|node| self.below_all(node, at_most))
                .collect(),
            Extent::Few => nodes.into_iter().map(|node| self.closer(node)).collect(),
        }
    }

    /// What is in the folder of all, if that is not too much.
    fn below_all(&self, node: Node<'a>, at_most: usize) -> Vec<Node<'a>> {
        let Node::Folder("", _) = node else {
            return vec![node];
        };
        let parts = self.parts(&node);
        if parts.len() > at_most {
            return vec![node];
        }
        parts.into_iter().map(|part| self.closer(part)).collect()
    }

    /// The folder that all names of a folder are in, or its only name.
    fn closer(&self, mut node: Node<'a>) -> Node<'a> {
        while let Node::Folder(..) | Node::Ending(..) = node {
            let mut parts = self.parts(&node).into_iter();
            match (parts.next(), parts.next()) {
                (Some(only), None) => node = only,
                _ => return node,
            }
        }
        node
    }

    /// Divides what is cheapest to divide, again and again.
    fn narrow(&self, nodes: Vec<Node<'a>>, at_most: usize) -> Vec<Node<'a>> {
        let mut total = nodes.len();
        let mut done = Vec::new();
        let mut open: BTreeMap<(usize, usize), (Node<'a>, Vec<Node<'a>>)> = BTreeMap::new();
        let (mut waiting, mut number) = (nodes, 0);
        loop {
            for node in waiting.drain(..) {
                if let Node::Name(_) = node {
                    done.push(node);
                    continue;
                }
                let parts = self.parts(&node);
                number += 1;
                open.insert((parts.len().saturating_sub(1), number), (node, parts));
            }
            let Some(((cost, _), (node, parts))) = open.pop_first() else {
                return done;
            };
            if total + cost <= at_most {
                total += cost;
                waiting = parts;
            } else {
                done.push(node);
            }
        }
    }

    fn family(&self, node: &Node<'_>) -> Family {
        let folder = |folder: &str| match self.open(folder) {
            Some(like) => like.pattern,
            None => literal(folder),
        };
        let (pattern, kind, names) = match node {
            Node::Name(at) => (literal(self.name(*at)), Kind::Name, 1),
            Node::Likeness(like, all) => (like.pattern.clone(), Kind::Likeness, all.len()),
            Node::Ending(of, end, all) => {
                let pattern = format!("{}*{}", folder(of), literal(end));
                (pattern, Kind::Ending, all.len())
            }
            Node::Folder(of, range) => (format!("{}*", folder(of)), Kind::Folder, range.len()),
        };
        Family {
            pattern,
            kind,
            names,
        }
    }
}

/// Those of `all` that are not among `taken`; both ascending.
pub(super) fn others<'a>(all: impl Iterator<Item = &'a str>, taken: &[&str]) -> Vec<&'a str> {
    let taken: BTreeSet<&str> = taken.iter().copied().collect();
    all.filter(|name| !taken.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIGHT: Manner = Manner {
        extent: Extent::Narrow(4),
        open: false,
    };
    const GENERAL: Manner = Manner {
        extent: Extent::Wide(4),
        open: true,
    };
    const FEW: Manner = Manner {
        extent: Extent::Few,
        open: false,
    };

    fn patterns(names: &[&str], avoid: &[&str], manner: Manner) -> Vec<String> {
        let found = families(names, avoid, manner);
        assert_eq!(found.beyond, 0);
        found
            .list
            .into_iter()
            .map(|family| family.pattern)
            .collect()
    }

    #[test]
    fn few_names_stay_names_and_many_become_folders_and_endings() {
        let none: [&str; 0] = [];
        assert_eq!(patterns(&[], &[], TIGHT), none);
        assert_eq!(patterns(&["a", "src/b.c"], &[], TIGHT), ["a", "src/b.c"]);
        let many = [
            "Makefile", "src/a.c", "src/b.c", "src/c.c", "src/d.h", "x/y/z",
        ];
        assert_eq!(
            patterns(&many, &[], TIGHT),
            ["Makefile", "src/*.c", "src/d.h", "x/y/z"]
        );
        assert_eq!(
            patterns(&many, &[], GENERAL),
            ["Makefile", "src/*", "x/y/z"]
        );
        assert_eq!(patterns(&many, &[], FEW), ["*"]);
        assert_eq!(patterns(&["src/a/b", "src/a/c"], &[], FEW), ["src/a/*"]);
    }

    #[test]
    fn what_is_to_be_avoided_divides() {
        let names = ["a", "src/a.c", "src/b.c", "src/c.c", "x/1"];
        assert_eq!(patterns(&names, &["src/z.h"], FEW), ["a", "src/*.c", "x/1"]);
        assert_eq!(
            patterns(&names, &["src/0.c"], FEW),
            ["a", "src/a.c", "src/b.c", "src/c.c", "x/1"]
        );
        let open = ["hello-1.2/a", "hello-1.2/b"];
        assert_eq!(patterns(&open, &[], GENERAL), ["hello-*/*"]);
        assert_eq!(
            patterns(&open, &["hello-1.1/a"], GENERAL),
            ["hello-*/b", "hello-1.2/a"]
        );
    }

    #[test]
    fn endings_tell_apart_what_folders_do_not() {
        let all: Vec<String> = (0..300)
            .map(|n| format!("d/{n:03}/x.{}", ["c", "o"][n % 2]))
            .collect();
        let (names, avoid): (Vec<&str>, Vec<&str>) = all
            .iter()
            .map(String::as_str)
            .partition(|name| name.ends_with(".o"));
        for manner in [TIGHT, GENERAL, FEW] {
            assert_eq!(patterns(&names, &avoid, manner), ["d/*.o"]);
        }
    }

    #[test]
    fn what_cannot_be_kept_apart_is_counted() {
        let all: Vec<String> = (0..400).map(|n| format!("d/{n:03}")).collect();
        let names: Vec<&str> = all.iter().step_by(2).map(String::as_str).collect();
        let avoid: Vec<&str> = all.iter().skip(1).step_by(2).map(String::as_str).collect();
        let found = families(&names, &avoid, TIGHT);
        assert_eq!(found.beyond, 200);
        assert_eq!(found.list.len(), 1);
    }

    proptest! {
        #[test]
        fn every_name_matches_and_nothing_that_is_to_be_avoided(
            all in prop::collection::btree_map("[ab1.*/-]{0,8}", any::<bool>(), 1..30),
            manner in prop::sample::select(vec![TIGHT, GENERAL, FEW]),
        ) {
            let of = |kind: bool| -> Vec<&str> {
                let some = all.iter().filter(|(_, wanted)| **wanted == kind);
                some.map(|(name, _)| name.as_str()).collect()
            };
            let (names, avoid) = (of(true), of(false));
            let found = families(&names, &avoid, manner);
            for name in &names {
                let mut patterns = found.list.iter().map(|family| Pattern::new(&family.pattern));
                prop_assert!(patterns.any(|pattern| pattern.matches(name)), "{}", name);
            }
            prop_assert_eq!(found.beyond, 0);
            prop_assert_eq!(count(&found.list, &avoid), 0);
        }
    }
}
