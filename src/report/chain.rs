//! The chain itself, for who wants to show it: made only when asked for, for it holds every artifact.

use crate::model::{Artifacts, Side};

/// What each step and inspection had and made, and what went from one to another.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The links in the order of the report's items. Sublayouts are items without a link here.
    pub links: Vec<ChainLink>,
    /// Along which MATCH rules artifacts went.
    pub flows: Vec<Flow>,
}

impl Chain {
    /// What stands for an item of the report.
    pub fn link(&self, item: usize) -> Option<&ChainLink> {
        let at = self.links.binary_search_by_key(&item, |link| link.item);
        at.ok().and_then(|at| self.links.get(at))
    }
}

/// What stands for one step or inspection.
#[derive(Clone, Debug)]
pub struct ChainLink {
    /// Its place among the report's items.
    pub item: usize,
    /// Whether there is a link; without one the rest is empty, but for the rules.
    pub performed: bool,
    /// The command that was run.
    pub command: Vec<String>,
    /// What was there before.
    pub materials: Artifacts,
    /// What was there after.
    pub products: Artifacts,
    /// What the layout demands of them.
    pub rules: Vec<ChainRule>,
}

/// A rule of the layout.
#[derive(Clone, Debug)]
pub struct ChainRule {
    /// Materials or products.
    pub side: Side,
    /// RFC 6901 pointer from the document's root, as in places.
    pub pointer: String,
    /// As it stands in the layout.
    pub text: String,
}

/// What MATCH rules of one item compare with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The item whose artifacts are looked for.
    pub from: usize,
    /// Of its materials or products.
    pub from_side: Side,
    /// The item that has the rules.
    pub to: usize,
    /// About its materials or products.
    pub to_side: Side,
    /// How many artifacts are the same on both sides; none where one of the two has no link.
    pub same: usize,
    /// How many are there on both sides and differ.
    pub different: usize,
}
