//! A layout from the links of one good run: the tightest that accepts them, or one that leaves open
//! what is likely to change.
//!
//! What the links show is taken as what shall be: the order of steps from the flow of artifacts, their
//! functionaries and thresholds from who signed links that agree, commands as they were run, and for
//! each artifact the strongest rule that holds. Every list ends with `DISALLOW *`. What had to be guessed
//! is said in comments, by the place in the layout that it is about. The same links give the same layout.
//!
//! Refused are links of one step that disagree, artifacts without a strong digest, and links of which
//! nobody knows who signed them: a layout made from these would vouch for what nobody did.

mod check;
mod explain;
mod families;
mod names;
mod order;
mod performed;
mod rules;
mod signers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::encoding::{Object, Value};
use crate::model::{ItemNameError, Link, Side, quoted};

use order::Ordered;
use performed::Performed;

pub use check::refusals;
pub use signers::{Signer, SignerError, signer};

/// A link of the good run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where it comes from, for people.
    pub path: String,
    /// The link.
    pub link: Link,
    /// Who signed it.
    pub signer: Signer,
}

/// How much a layout leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Breadth {
    /// Names as they were, as far as they are few.
    #[default]
    Tight,
    /// Folders as a whole, versions and hashes in names whatever they are.
    General,
}

/// What the links do not say.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// How much is left open.
    pub breadth: Breadth,
    /// `YYYY-MM-DDTHH:MM:SSZ`.
    pub expires: String,
    /// Free text.
    pub readme: String,
}

/// A layout, and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What is to be signed.
    pub value: Value,
    /// Lines by the RFC 6901 pointer of what they are about; the empty one is for the whole.
    pub comments: BTreeMap<String, Vec<String>>,
}

/// Why there is no layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FromLinksError {
    /// Nothing was given.
    #[error("there are no links")]
    NoLinks,
    /// A link is of a step that cannot have that name.
    #[error("{}: {source}", quoted(path))]
    StepName {
        /// The link.
        path: String,
        /// What is wrong with it.
        source: ItemNameError,
    },
    /// Two links of one step tell different things.
    #[error(
        "the links {} and {} of step {} disagree about the {} {}",
        quoted(first), quoted(other), quoted(step), side.noun(), quoted(artifact)
    )]
    Disagree {
        /// The step.
        step: String,
        /// One link.
        first: String,
        /// The other.
        other: String,
        /// On which side.
        side: Side,
        /// The first artifact about which they do.
        artifact: String,
    },
    /// An artifact that nothing can hold.
    #[error(
        "the {} {} of {} has no strong digest, so no rule could hold it",
        side.noun(), quoted(artifact), quoted(path)
    )]
    Weak {
        /// The link.
        path: String,
        /// On which side.
        side: Side,
        /// The artifact.
        artifact: String,
    },
}

/// Writes the layout.
///
/// # Errors
/// Everything that stands in the way, see [`FromLinksError`].
pub fn write(links: &[Recorded], wishes: &Wishes) -> Result<Written, Vec<FromLinksError>> {
    let Ordered { steps, notes } = order::order(performed::steps(links)?);
    let mut comments = BTreeMap::new();
    comments.insert(
        String::new(),
        head(links.len(), steps.len(), wishes.breadth),
    );
    let (mut items, mut keys) = (Vec::new(), Object::new());
    for (at, step) in steps.iter().enumerate() {
        for (keyid, object) in &step.keys {
            keys.set(keyid.as_str(), object.clone());
        }
        let pointer = format!("/steps/{at}");
        let mut about = notes.get(&at).cloned().unwrap_or_default();
        about.extend(about_step(step, at + 1 == steps.len()));
        if !about.is_empty() {
            comments.insert(pointer.clone(), about);
        }
        items.push(item(
            &steps,
            at,
            step,
            wishes.breadth,
            &pointer,
            &mut comments,
        ));
    }
    let mut layout = Object::new();
    layout.set("_type", "layout");
    layout.set("expires", wishes.expires.as_str());
    layout.set("readme", wishes.readme.as_str());
    layout.set("keys", keys);
    layout.set("steps", items);
    layout.set("inspect", Vec::<Value>::new());
    Ok(Written {
        value: Value::Object(layout),
        comments,
    })
}

fn item(
    steps: &[Performed],
    at: usize,
    step: &Performed,
    breadth: Breadth,
    pointer: &str,
    comments: &mut BTreeMap<String, Vec<String>>,
) -> Value {
    let mut object = Object::new();
    object.set("_type", "step");
    object.set("name", step.name.as_str());
    object.set("expected_command", step.command.clone().unwrap_or_default());
    let ids: Vec<&str> = step.keys.keys().map(crate::keys::KeyId::as_str).collect();
    object.set("pubkeys", ids);
    object.set("threshold", i64::try_from(step.people).unwrap_or(i64::MAX));
    for side in [Side::Materials, Side::Products] {
        let lines = rules::rules(steps, at, side, breadth);
        let field = side.rules_field();
        for (index, line) in lines.iter().enumerate() {
            if !line.comments.is_empty() {
                comments.insert(format!("{pointer}/{field}/{index}"), line.comments.clone());
            }
        }
        let lines = lines.into_iter().map(|line| Value::from(line.words));
        object.set(field, lines.collect::<Vec<Value>>());
    }
    Value::Object(object)
}

fn head(links: usize, steps: usize, breadth: Breadth) -> Vec<String> {
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let how = match breadth {
        Breadth::Tight => "as tight as they allow",
        Breadth::General => "with folders, versions and hashes left open",
    };
    vec![
        format!(
            "Written from {links} link{} of {steps} step{}, {how}.",
            s(links),
            s(steps)
        ),
        "What was guessed is said above the line that it is about. Read it before you sign."
            .to_owned(),
    ]
}

fn about_step(step: &Performed, last: bool) -> Vec<String> {
    let mut about = Vec::new();
    if step.people > 1 {
        about.push(format!(
            "{} people did this step and agree, so all of them are needed",
            step.people
        ));
    }
    if step.command.is_none() {
        about.push("the links tell of different commands, so none is expected".to_owned());
    }
    if let Some(ended) = &step.ended {
        about.push(format!(
            "its command ended with {ended}: was this a good run?"
        ));
    }
    if last && !step.link.products.is_empty() {
        about.push(
            "what is released are its products: hold them against it with `verify --product`"
                .to_owned(),
        );
    }
    about
}
