//! Arbitrary chains, and arbitrary damage to their files: in every form the answer says what the exit
//! status says. The forms are read here as their readers do, not as they were written.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::cases::{Chain, all};
use crate::support::Folder;

use super::{Answers, contradictions};

/// Ways in which a chain may differ from a sound one. Any of them may come together.
const CHANGES: [&str; 34] = [
    "sign root.layout carol",
    "sign root.layout owner carol",
    "dsse root.layout",
    "set root.layout /expires \"2020-01-01T00:00:00Z\"",
    "set root.layout /expires \"soon\"",
    "set root.layout /steps/0/threshold 2",
    "set root.layout /steps/0/threshold 0",
    "set root.layout /steps/0/pubkeys [\"$alice\",\"$alice.legacy\"]",
    "set root.layout /steps/1/pubkeys []",
    "set root.layout /steps/0/expected_products [[\"REQUIRE\",\"q\"]]",
    "set root.layout /steps/0/expected_products [[\"FROB\",\"x\"]]",
    "set root.layout /steps/1/expected_materials []",
    "set root.layout /steps/1/expected_command [\"make\",\"{X}\"]",
    "set root.layout /keys/$carol $carol.key",
    "set root.layout /inspect/- {\"_type\":\"inspection\",\"name\":\"i\",\"run\":[\"true\"],\"expected_materials\":[],\"expected_products\":[]}",
    "set $LINK_A /name \"x\"",
    "set $LINK_A /byproducts/return-value 3",
    "set $LINK_A /products/a/sha256 \"$Z\"",
    "set $LINK_A /products/c {\"md5\":\"00\"}",
    "set $LINK_B /materials/a/sha256 \"$Z\"",
    "set $LINK_B /products/a/sha256 \"$Z\"",
    "set $LINK_B /products/<b>&\"' {\"sha256\":\"$Z\"}",
    "sign $LINK_A carol",
    "sign $LINK_A alice alice@legacy",
    "sign $LINK_B nobody",
    "dsse $LINK_B",
    "copy $LINK_A links/write.$carol8.link",
    "args --strict",
    "args --deny command-failed",
    "args --expected-command enforce",
    "args --explain a",
    "args --product root.layout",
    "args --param X=y",
    "args --layout-threshold 1",
];

const INSPECTING: [&str; 3] = ["run", "list", "deny"];

/// What is done to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Put(Index, Vec<u8>),
    Remove,
    Swap(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), vec(any::<u8>(), 0..6)).prop_map(|(at, put)| Damage::Put(at, put)),
        Just(Damage::Remove),
        any::<Index>().prop_map(Damage::Swap),
    ]
}

/// A chain of the kind above, or one of the cases.
fn chain() -> impl Strategy<Value = String> {
    let cases: Vec<String> = all().into_iter().map(|(_, changes)| changes).collect();
    let made = subsequence(CHANGES.to_vec(), 0..5);
    let made = (made, select(INSPECTING.to_vec())).prop_map(|(mut lines, inspecting)| {
        let inspecting = format!("args --inspections {inspecting}");
        lines.push(&inspecting);
        lines.join("\n")
    });
    prop_oneof![2 => made, 1 => select(cases)]
}

/// All plain files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found
}

fn apply(folder: &Folder, damages: &[(Index, Damage)]) {
    for (file, damage) in damages {
        let files = files(folder.path());
        if files.is_empty() {
            return;
        }
        let path = file.get(&files);
        let mut bytes = fs::read(path).unwrap();
        match damage {
            Damage::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Damage::Flip(..) => {}
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Damage::Put(at, put) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, put.iter().copied());
            }
            Damage::Remove => {
                fs::remove_file(path).unwrap();
                continue;
            }
            Damage::Swap(with) => {
                let other = with.get(&files);
                let there = fs::read(other).unwrap();
                fs::write(other, &bytes).unwrap();
                bytes = there;
            }
        }
        fs::write(path, bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 100, ..ProptestConfig::with_cases(80) })]

    #[test]
    fn every_form_says_what_the_exit_status_says_whatever_came_in(
        changes in chain(),
        damages in prop_oneof![2 => Just(Vec::new()), 3 => vec((any::<Index>(), damage()), 1..4)],
    ) {
        let spare = Folder::new();
        let chain = Chain::of(&changes);
        let answers = Answers::after("", &chain, |folder| apply(folder, &damages), &spare);
        let wrong = contradictions(&answers);
        prop_assert!(wrong.is_empty(), "{:?}: {:?}", answers.status, wrong);
    }
}

/// Each of the three answers, taken for each of the others, is contradicted by every form.
#[test]
fn a_form_that_says_something_else_is_found() {
    let spare = Folder::new();
    for (changes, status) in [("", 0), ("drop $LINK_A\n", 1), ("raw root.layout {", 3)] {
        let mut answers = Answers::of("", changes, &spare);
        assert_eq!(answers.status, Some(status));
        assert_eq!(contradictions(&answers), Vec::<String>::new());
        for other in [0, 1, 3].into_iter().filter(|other| *other != status) {
            answers.status = Some(other);
            // Test reports and code quality tell a pass from what is none, and no more.
            let silent = if status != 0 && other != 0 { 2 } else { 0 };
            assert_eq!(contradictions(&answers).len(), super::FORMS - silent);
        }
    }
}
