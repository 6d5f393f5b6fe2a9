//! Files from 64 MiB on, which one thread reads and another hashes. They are sparse, so nothing of
//! that size is on the disk.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;
use crate::record::hash::GIANT;

/// A file of zeros, but for some bytes: the first and the last, and those around the ends of pieces.
fn sparse(path: &Path, size: u64) -> Vec<u8> {
    const PIECE: u64 = 1 << 20;
    let mut content = vec![0; usize::try_from(size).unwrap()];
    let file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    let places = [
        0,
        PIECE - 1,
        PIECE,
        5 * PIECE,
        GIANT / 2 + 1,
        GIANT - 2,
        size - 1,
    ];
    for (byte, place) in (1..).zip(places) {
        file.write_all_at(&[byte], place).unwrap();
        content[usize::try_from(place).unwrap()] = byte;
    }
    content
}

#[test]
fn files_around_the_limit_have_the_digests_that_the_crates_give() {
    let tree = Tree::new(&[]);
    let algorithms = BTreeSet::from([Algorithm::Sha256, Algorithm::Sha512, Algorithm::Blake3]);
    let sizes = [GIANT - 1, GIANT, GIANT + 1];
    let mut expected = BTreeMap::new();
    for size in sizes {
        let name = format!("{size}");
        let content = sparse(&tree.0.path().join(&name), size);
        let mut digests = DigestSet::of_sha256(sha2::Sha256::digest(&content).into());
        digests.insert(Algorithm::Sha512, &sha2::Sha512::digest(&content));
        let blake3 = blake3::Hasher::new().update_rayon(&content).finalize();
        digests.insert(Algorithm::Blake3, blake3.as_bytes());
        expected.insert(name, digests);
    }
    // With one job there is no thread for a giant alone, and it goes into a lane.
    for jobs in [1, 2] {
        let options = Options {
            algorithms: algorithms.clone(),
            jobs: NonZeroUsize::new(jobs),
            // The others are not optimised in tests.
            backend: Backend::Portable,
            ..tree.options()
        };
        let found = record(&strings(&["."]), &options, &Silent).unwrap();
        assert_eq!(found.len(), sizes.len());
        for (name, digests) in found.iter() {
            assert_eq!(digests, &expected[&name.to_string()], "{name}, {jobs} jobs");
        }
    }
}

/// Recording the file `giant` while it is made longer or shorter all the time: an error that names it.
/// Whoever changes it may be kept from doing so, then the file is recorded as it was and it is tried
/// again; `kept` says how much of it may be left, with zeros behind that.
fn is_refused_while(change: impl Fn(&File) + Sync, kept: &[u64]) {
    let tree = Tree::new(&[]);
    let path = tree.0.path().join("giant");
    let content = sparse(&path, 2 * GIANT);
    let options = Options {
        jobs: NonZeroUsize::new(2),
        backend: Backend::Portable,
        ..tree.options()
    };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let file = File::options().write(true).open(&path).unwrap();
            while !done.load(Ordering::Relaxed) {
                change(&file);
            }
        });
        let mut recorded = Vec::new();
        let refused = (0..50).find_map(|_| {
            let ear = Ear::default();
            let artifacts = record(&strings(&["giant"]), &options, &ear);
            recorded.extend(artifacts.as_ref().ok().map(|found| (found.clone(), ear)));
            artifacts.err()
        });
        done.store(true, Ordering::Relaxed);
        for (artifacts, ear) in recorded {
            is_of(
                &content,
                kept,
                artifacts.get("giant").unwrap(),
                &ear.0.into_inner().unwrap(),
            );
        }
        let errors = refused.expect("it changed all the time");
        let is_named = |error: &RecordError| matches!(error, RecordError::Changed { path: found } if *found == path);
        assert!(
            errors.iter().count() == 1 && errors.iter().all(is_named),
            "{errors}"
        );
    });
}

/// Whether these are the digests of a beginning of the content, with zeros behind it: of the file as it
/// was with the size that was told. What was cut off does not come back.
fn is_of(content: &[u8], kept: &[u64], digests: &DigestSet, heard: &[String]) {
    let size = heard
        .iter()
        .find_map(|line| line.strip_prefix("hashed giant "));
    let size: usize = size.unwrap().parse().unwrap();
    let is_legal = kept.iter().any(|kept| {
        let kept = usize::try_from(*kept).unwrap().min(size);
        let mut legal = content[..kept].to_vec();
        legal.resize(size, 0);
        *digests == DigestSet::of_sha256(sha2::Sha256::digest(legal).into())
    });
    assert!(is_legal, "{size} bytes");
}

#[test]
fn a_giant_that_is_truncated_while_it_is_read_is_refused_by_name() {
    let change = |file: &File| {
        for size in [2 * GIANT, GIANT + 1] {
            file.set_len(size).unwrap();
            thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    is_refused_while(change, &[2 * GIANT, GIANT + 1]);
}

#[test]
fn a_giant_that_grows_while_it_is_read_is_refused_by_name() {
    let change = |file: &File| {
        let size = file.metadata().unwrap().len();
        file.set_len(size + 4096).unwrap();
        thread::sleep(std::time::Duration::from_millis(1));
    };
    is_refused_while(change, &[2 * GIANT]);
}
