//! Graphs of a chain: one drawing (SVG), used by the page of a verification and for layouts alone,
//! and layouts for the terminal, for Graphviz (DOT) and for Mermaid.
//!
//! Items always stand from top to bottom in their order. What goes from one to the next runs straight
//! down, everything else through lanes beside them.

mod dot;
mod drawing;
mod layout;
mod mermaid;
mod terminal;

pub(super) use drawing::{Drawing, Line, Shape};

pub use dot::dot;
pub use layout::svg;
pub use mermaid::mermaid;
pub use terminal::terminal;

use std::collections::BTreeMap;

use crate::author::{Arrow, Compared, Node};
use crate::model::{Side, command_line, counted};

/// How many key ids of a step are named before they are only counted.
const KEYS_NAMED: usize = 3;

/// The lane of each arrow, given by the items at its ends: `None` when it runs straight down to the
/// next item. The others share a lane with all that come from the same item, the innermost one that is
/// free all along. Short ones come first, so that the longer ones lie around them.
fn lanes(arrows: &[(usize, usize)]) -> Vec<Option<usize>> {
    let is_far = |(from, to): &&(usize, usize)| *to != from + 1;
    let mut spans: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (from, to) in arrows.iter().filter(is_far) {
        let (top, bottom) = spans.entry(*from).or_insert((*from, *from));
        (*top, *bottom) = ((*top).min(*to), (*bottom).max(*to));
    }
    let mut sources: Vec<(usize, (usize, usize))> = spans.into_iter().collect();
    sources.sort_by_key(|(from, (top, bottom))| (bottom - top, *top, *from));
    let mut lanes: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    for (from, (top, bottom)) in sources {
        let free = |spans: &Vec<(usize, usize)>| {
            let apart = |(start, end): &(usize, usize)| bottom < *start || top > *end;
            spans.iter().all(apart)
        };
        let lane = taken.iter().position(free).unwrap_or(taken.len());
        match taken.get_mut(lane) {
            Some(spans) => spans.push((top, bottom)),
            None => taken.push(vec![(top, bottom)]),
        }
        lanes.insert(from, lane);
    }
    let lane = |arrow: &(usize, usize)| is_far(&arrow).then(|| lanes.get(&arrow.0).copied())?;
    arrows.iter().map(lane).collect()
}

/// Who may sign, in a few words.
fn signers(node: &Node) -> String {
    let Some(signers) = &node.signers else {
        return "inspection".to_owned();
    };
    let mut who: Vec<String> = signers
        .keys
        .iter()
        .take(KEYS_NAMED)
        .map(|keyid| keyid.short().to_owned())
        .collect();
    if signers.keys.len() > KEYS_NAMED {
        who.push(format!(
            "{} more",
            counted(signers.keys.len() - KEYS_NAMED, "key")
        ));
    }
    match signers.constraints {
        0 => {}
        1 => who.push("a certificate".to_owned()),
        kinds => who.push(format!("{kinds} kinds of certificates")),
    }
    let keys = u64::try_from(signers.keys.len());
    let all = signers.constraints == 0 && keys.is_ok_and(|keys| keys == signers.threshold);
    let word = if all { "and" } else { "or" };
    match who.as_slice() {
        [] => "nobody may sign".to_owned(),
        [one] => format!("signed by {one}"),
        [first @ .., last] => format!("signed by {} {word} {last}", first.join(", ")),
    }
}

/// How many of how many must sign.
fn threshold(node: &Node) -> String {
    match &node.signers {
        None => "inspection".to_owned(),
        Some(signers) if signers.constraints > 0 => format!("{} must sign", signers.threshold),
        Some(signers) => format!(
            "{} of {}",
            signers.threshold,
            counted(signers.keys.len(), "key")
        ),
    }
}

/// The command, as it would be typed.
fn command(node: &Node) -> Option<String> {
    (!node.command.is_empty()).then(|| command_line(&node.command))
}

/// What the rules of an arrow compare, in a few words.
fn rules(arrow: &Arrow) -> String {
    let words: Vec<String> = arrow.rules.iter().map(rule).collect();
    words.join(", ")
}

/// Products become materials, mostly; what is otherwise is said.
fn rule(rule: &Compared) -> String {
    let below = rule.below.as_ref();
    let below = below.map_or(String::new(), |folder| format!(" in {folder}"));
    match (rule.with, rule.side) {
        (Side::Products, Side::Materials) => format!("{}{below}", rule.names),
        (with, side) => format!(
            "{}{below} ({}s as {}s)",
            rule.names,
            with.noun(),
            side.noun()
        ),
    }
}

/// A text that takes at most so many columns; what is cut off is shown by an ellipsis.
fn cut(text: &str, columns: usize) -> String {
    let all: usize = text.chars().map(columns_of).sum();
    if all <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |character: &char| match left.checked_sub(columns_of(*character)) {
        Some(less) => {
            left = less;
            true
        }
        None => false,
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// From here on are the scripts whose characters are as wide as two others.
const WIDE_FROM: char = '\u{1100}';

/// And these few between them are not: punctuation, arrows, boxes.
const NARROW_AGAIN: std::ops::RangeInclusive<char> = '\u{1e00}'..='\u{2e7f}';

fn columns_of(character: char) -> usize {
    match character < WIDE_FROM || NARROW_AGAIN.contains(&character) {
        true => 1,
        false => 2,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::author::{Graph, Signers};
    use crate::keys::KeyId;

    /// A chain in which each step has the products of the one before, and every fifth those of the
    /// first, too.
    pub(in crate::render) fn chain(steps: usize) -> Graph {
        let items = (0..steps).map(|at| Node {
            name: format!("step-{}", at + 1),
            signers: Some(Signers {
                threshold: 1 + u64::from(at % 7 == 3),
                keys: (0..=at % 3)
                    .map(|key| KeyId::new(format!("{key}{at:07}abcdef")))
                    .collect(),
                constraints: usize::from(at % 11 == 6),
            }),
            command: vec!["make".to_owned(), format!("stage-{}", at + 1)],
        });
        let near = (1..steps).map(|to| (to - 1, to));
        let far = (2..steps)
            .filter(|to| to % 5 == 4)
            .flat_map(|to| [(0, to), (to - 3, to)]);
        let arrow = |(from, to)| Arrow {
            from,
            to,
            rules: vec![compared("src/*")],
        };
        let mut arrows: Vec<Arrow> = near.chain(far).map(arrow).collect();
        arrows.sort_by_key(|arrow| (arrow.from, arrow.to));
        Graph {
            items: items.collect(),
            arrows,
        }
    }

    /// Names that would end quotations, open elements or move a cursor.
    pub(in crate::render) const HOSTILE: [&str; 6] = [
        "\"];a->b;//",
        "</text><script>alert(1)</script>&amp;",
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "]]\"-->\nclick a \"javascript:alert(1)\"",
        "\\\" \\",
        "#quot;`x`\u{202e}\u{0}\u{fffe}",
    ];

    pub(in crate::render) fn hostile() -> Graph {
        let mut graph = chain(HOSTILE.len());
        for (item, name) in graph.items.iter_mut().zip(HOSTILE) {
            item.name = name.to_owned();
            item.command = vec![name.to_owned()];
        }
        for (arrow, name) in graph.arrows.iter_mut().zip(HOSTILE) {
            arrow.rules = vec![compared(name)];
        }
        graph
    }

    fn compared(names: &str) -> Compared {
        Compared {
            side: Side::Materials,
            with: Side::Products,
            names: names.to_owned(),
            below: None,
        }
    }

    proptest! {
        #[test]
        fn no_arrow_lies_over_another(arrows in prop::collection::vec((0_usize..12, 0_usize..12), 0..30)) {
            let lanes = lanes(&arrows);
            for (one, first) in arrows.iter().zip(&lanes) {
                prop_assert_eq!(first.is_none(), one.1 == one.0 + 1);
            }
            for (at, (one, first)) in arrows.iter().zip(&lanes).enumerate() {
                for (other, second) in arrows.iter().zip(&lanes).skip(at + 1) {
                    if first.is_some() && first == second && one.0 != other.0 {
                        let apart = one.0.max(one.1) < other.0.min(other.1)
                            || other.0.max(other.1) < one.0.min(one.1);
                        prop_assert!(apart, "{one:?} and {other:?}");
                    }
                }
            }
        }

        #[test]
        fn what_is_cut_fits(text in "[a中\u{2192}é]{0,12}", columns in 1_usize..12) {
            let width = |text: &str| text.chars().map(columns_of).sum::<usize>();
            let shown = cut(&text, columns);
            prop_assert!(width(&shown) <= columns);
            prop_assert!(shown == text || width(&text) > columns);
        }
    }
}
