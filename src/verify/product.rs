//! The final product at hand: is it what the link of its step says, by name and digest, nothing less
//! and nothing more? What the link says was judged before; here nothing is read.

use std::collections::BTreeMap;

use crate::model::{Agreement, Artifacts, DigestSet, ItemName, Pairing, Side};
use crate::report::{Finding, Item, ItemKind, Problem, Severity, Status, Unreached};

use super::Engine;

/// The final product as it is at hand.
#[derive(Debug)]
pub struct Product<'a> {
    /// The step of the root layout whose products it must be; without it the last one.
    pub of: Option<&'a str>,
    /// The files, or everything that kept them from being read.
    pub files: Result<Artifacts, Vec<String>>,
    /// Entries that are neither files nor folders.
    pub unseen: Vec<String>,
    /// Where the digests come from, if not from the files.
    pub manifest: Option<String>,
    /// Whether more may be there than the product. It is not vouched for.
    pub allow_extra: bool,
}

impl Engine<'_> {
    /// Compares the product at hand with the link of its step. `root` is the node of the layout, if
    /// it can be trusted.
    pub(super) fn product(&mut self, root: Option<usize>) {
        let Some(product) = self.request.product else {
            return;
        };
        let mut item = Item::new(ItemKind::Product, product.of.unwrap_or_default().to_owned());
        if let Some(node) = root.and_then(|root| self.nodes.get(root)) {
            let steps = &node.layout.steps;
            let step = match product.of {
                Some(name) => steps.iter().find(|step| step.name.as_str() == name),
                None => steps.last(),
            };
            match (step, product.of) {
                (Some(step), _) => {
                    step.name.as_str().clone_into(&mut item.name);
                    match node.links.get(&step.name) {
                        Some(link) => {
                            self.product = judge(product, &step.name, &link.products, &mut item);
                        }
                        None => not_reached(&mut item, Unreached::NoProducts),
                    }
                }
                (None, Some(name)) => {
                    let step = name.to_owned();
                    item.fail(Problem::ProductStepUnknown { step }, node.place("/steps"));
                }
                (None, None) => {
                    let problem = Problem::ProductUndeclared { step: None };
                    item.fail(problem, node.place("/steps"));
                }
            }
        } else {
            not_reached(&mut item, Unreached::LayoutNotTrusted);
        }
        // Whatever else is wrong, somebody will want to know that too.
        for why in product.files.as_ref().err().into_iter().flatten() {
            let why = why.clone();
            item.fail(Problem::ProductUnreadable { why }, None);
        }
        self.report.items.push(item);
    }
}

fn not_reached(item: &mut Item, why: Unreached) {
    item.findings
        .push(Finding::note(Problem::NotReached { why }));
}

/// Gives the names of the files that are products.
fn judge(product: &Product<'_>, step: &ItemName, made: &Artifacts, item: &mut Item) -> Vec<String> {
    if made.is_empty() {
        let step = Some(step.clone());
        item.fail(Problem::ProductUndeclared { step }, None);
        return Vec::new();
    }
    let Ok(files) = &product.files else {
        return Vec::new();
    };
    let compared = Compared::of(step, made, files);
    for problem in compared.problems {
        item.fail(problem, None);
    }
    let extras = compared.extras.iter().copied();
    for path in extras.chain(product.unseen.iter().map(String::as_str)) {
        let problem = Problem::ProductUnexpected {
            step: step.clone(),
            path: path.to_owned(),
        };
        if product.allow_extra {
            item.findings.push(Finding::warning(problem, None));
        } else {
            item.fail(problem, None);
        }
    }
    if let Some(manifest) = product.manifest.clone() {
        item.findings.push(Finding {
            severity: Severity::Note,
            problem: Problem::ProductNotHashed { manifest },
            place: None,
        });
    }
    // Not every link that has products has one that could be compared.
    if !item.has_errors() && !compared.same.is_empty() {
        item.status = Status::Passed;
    }
    compared.same
}

/// What comes of holding the files against the products.
struct Compared<'a> {
    /// First what is missing, then what differs, then what cannot be compared.
    problems: Vec<Problem>,
    extras: Vec<&'a str>,
    same: Vec<String>,
}

impl<'a> Compared<'a> {
    fn of(step: &ItemName, made: &Artifacts, files: &'a Artifacts) -> Self {
        let (mut missing, mut problems) = (Vec::new(), Vec::new());
        let (mut extras, mut same) = (Vec::new(), Vec::new());
        made.pair(files, |pairing| match pairing {
            Pairing::First(at) => missing.push(at),
            Pairing::Second(at) => extras.extend(files.name(at)),
            Pairing::Both(at, there, agreement) => {
                let (Some(path), Some(expected), Some(found)) =
                    (made.name(at), made.digests(at), files.digests(there))
                else {
                    return;
                };
                let path = path.to_owned();
                match agreement {
                    Agreement::Same => same.push(path),
                    Agreement::Different => {
                        let (expected, found) = differing(expected, found);
                        problems.push(Problem::ProductDiffers {
                            step: step.clone(),
                            path,
                            expected,
                            found,
                        });
                    }
                    Agreement::NothingShared | Agreement::TooWeak => {
                        problems.push(Problem::WeakDigest {
                            side: Side::Products,
                            path,
                            with: "the file at hand".to_owned(),
                        });
                    }
                }
            }
        });
        // Codes stand together, so that many of one kind are counted and not listed.
        problems.sort_by_key(|problem| matches!(problem, Problem::WeakDigest { .. }));
        let contents: BTreeMap<&[u8; 32], &str> = extras
            .iter()
            .filter_map(|name| Some((files.get(name)?.sha256()?, *name)))
            .collect();
        let mut all = Vec::with_capacity(missing.len() + problems.len());
        for at in missing {
            let sha256 = made.digests(at).and_then(DigestSet::sha256);
            let elsewhere = sha256.and_then(|digest| contents.get(digest));
            all.push(Problem::ProductMissing {
                step: step.clone(),
                path: made.name(at).unwrap_or_default().to_owned(),
                elsewhere: elsewhere.map(|name| (*name).to_owned()),
            });
        }
        all.append(&mut problems);
        Self {
            problems: all,
            extras,
            same,
        }
    }
}

/// The first shared digest that differs, on both sides.
fn differing(expected: &DigestSet, found: &DigestSet) -> (String, String) {
    let mut pairs = expected.iter().flat_map(|(algorithm, expected)| {
        let found = found.iter().filter(move |(there, _)| *there == algorithm);
        found.map(move |(algorithm, found)| (algorithm, expected.clone(), found))
    });
    let differs = pairs.find(|(_, expected, found)| expected != found);
    differs.map_or_else(Default::default, |(algorithm, expected, found)| {
        (
            format!("{algorithm} {expected}"),
            format!("{algorithm} {found}"),
        )
    })
}
