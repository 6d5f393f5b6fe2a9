//! The corpus of the fuzz targets, run through the same functions on stable Rust.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use linkwright::report::Verdict;

use super::bodies::chain::{self, Chain};
use super::bodies::{TARGETS, bundle, unbundle};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

#[test]
fn every_target_holds_for_its_corpus() {
    for (name, body) in TARGETS {
        let mut files = 0;
        for entry in fs::read_dir(corpus().join(name)).unwrap() {
            let path = entry.unwrap().path();
            let held = catch_unwind(|| body(&fs::read(&path).unwrap()));
            assert!(held.is_ok(), "{}", path.display());
            files += 1;
        }
        assert!(files > 0, "{name} has no corpus");
    }
}

#[test]
fn every_corpus_and_every_target_file_has_its_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let in_folder = |folder: PathBuf| -> BTreeSet<String> {
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let stems = entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
        stems.collect()
    };
    assert_eq!(in_folder(corpus()), names);
    assert_eq!(in_folder(corpus().with_file_name("targets")), names);
}

/// The seed of `verify` is the chain of the properties; `scripts` make no other. When the chain is
/// changed, this says where to put the new one.
#[test]
fn the_seed_of_verify_is_the_chain_and_passes() {
    let chain = Chain::new();
    let path = corpus().join("verify/chain");
    let made = bundle(&chain.files);
    if fs::read(&path).unwrap_or_default() != made {
        let found = std::env::temp_dir().join("linkwright-corpus-verify-chain");
        fs::write(&found, made).unwrap();
        panic!(
            "{} is not the chain; {} is",
            path.display(),
            found.display()
        );
    }
    let files = unbundle(&made);
    assert!(chain.stands_in(&files));
    assert_eq!(chain::decide(&files).verdict, Verdict::Pass);
}
