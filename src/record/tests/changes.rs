//! Files that change between two recordings of which the second takes digests over.

use std::fs::{File, FileTimes};
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::Duration;

use super::*;

/// How long the files are at rest before they are remembered: longer than `SETTLED`.
const REST: Duration = Duration::from_millis(60);

fn remembered(tree: &Tree) -> (Artifacts, Memory) {
    thread::sleep(REST);
    record_remembering(&strings(&["."]), &tree.options(), &Silent).unwrap()
}

fn reused(tree: &Tree, memory: &Memory) -> Artifacts {
    record_reusing(&strings(&["."]), &tree.options(), &Silent, memory).unwrap()
}

fn digest(content: impl AsRef<[u8]>) -> DigestSet {
    DigestSet::of_sha256(sha2::Sha256::digest(content).into())
}

/// Whether digests are taken over here: on ext4, XFS and Btrfs, since Linux 6.8.
#[expect(clippy::print_stderr, reason = "what was not tried is for people")]
fn are_taken_over(tree: &Tree) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    let mut number = || numbers.next().unwrap().parse::<u32>().unwrap();
    let magic = rustix::fs::statfs(tree.0.path()).unwrap().f_type;
    let magic = u64::try_from(magic).unwrap();
    let are = (number(), number()) >= (6, 8) && [0xef53, 0x5846_5342, 0x9123_683e].contains(&magic);
    if !are {
        eprintln!("skipped: on {magic:x}, Linux {release}, no digests are taken over");
    }
    are
}

/// A digest that no file has, in the place of every one that is remembered: so it shows which are
/// taken over.
fn marked(memory: &mut Memory) {
    memory.replace_digests(&digest("taken over"));
}

#[test]
fn the_digests_of_files_at_rest_are_taken_over() {
    let tree = Tree::on_disk(&["a", "d/b"]);
    tree.file("large", vec![b'x'; 300_000]);
    let (artifacts, mut memory) = remembered(&tree);
    assert_eq!(reused(&tree, &memory), artifacts);
    let count = if are_taken_over(&tree) { 3 } else { 0 };
    assert_eq!(memory.len(), count);
    if count > 0 {
        marked(&mut memory);
        let found = reused(&tree, &memory);
        assert!(
            found
                .iter()
                .all(|(_, found)| *found == digest("taken over"))
        );
    }
}

#[test]
fn the_observer_hears_which_digests_are_taken_over() {
    let tree = Tree::on_disk(&["a", "b"]);
    let (_, memory) = remembered(&tree);
    tree.file("b", "changed");
    let ear = Ear::default();
    record_reusing(&strings(&["."]), &tree.options(), &ear, &memory).unwrap();
    let read = ear.found_and_read();
    let mut heard = ear.0.into_inner().unwrap();
    heard.sort();
    if are_taken_over(&tree) {
        assert_eq!(heard, ["hashed b 7", "reused a 1", "walked"]);
        assert_eq!(read, (7, 7));
    } else {
        assert_eq!(heard, ["hashed a 1", "hashed b 7", "walked"]);
    }
}

#[test]
fn what_was_touched_rewritten_or_replaced_is_hashed_again() {
    let names = [
        "rewritten",
        "same-times",
        "replaced",
        "touched",
        "grown",
        "mode",
        "new-link",
    ];
    let tree = Tree::on_disk(&names);
    let (_, mut memory) = remembered(&tree);
    let count = if are_taken_over(&tree) {
        names.len()
    } else {
        0
    };
    assert_eq!(memory.len(), count);
    marked(&mut memory);
    let path = |name: &str| tree.0.path().join(name);
    fs::write(path("rewritten"), "REWRITTEN").unwrap();
    // The same size, and the time of the last write set back: the change shows in ctime.
    let before = fs::metadata(path("same-times"))
        .unwrap()
        .modified()
        .unwrap();
    fs::write(path("same-times"), "SAME-TIMES").unwrap();
    let file = File::options()
        .write(true)
        .open(path("same-times"))
        .unwrap();
    file.set_times(FileTimes::new().set_modified(before))
        .unwrap();
    fs::write(path("other"), "REPLACED").unwrap();
    fs::rename(path("other"), path("replaced")).unwrap();
    let file = File::options().write(true).open(path("touched")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    fs::write(path("grown"), "grown by some").unwrap();
    fs::set_permissions(
        path("mode"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    fs::hard_link(path("new-link"), path("link")).unwrap();
    let found = reused(&tree, &memory);
    assert_eq!(*found.get("rewritten").unwrap(), digest("REWRITTEN"));
    assert_eq!(*found.get("same-times").unwrap(), digest("SAME-TIMES"));
    assert_eq!(*found.get("replaced").unwrap(), digest("REPLACED"));
    assert_eq!(*found.get("touched").unwrap(), digest("touched"));
    assert_eq!(*found.get("grown").unwrap(), digest("grown by some"));
    assert_eq!(*found.get("mode").unwrap(), digest("mode"));
    assert_eq!(*found.get("new-link").unwrap(), digest("new-link"));
}

#[test]
fn what_changed_just_before_it_was_recorded_is_not_remembered() {
    let tree = Tree::on_disk(&["old"]);
    thread::sleep(REST);
    tree.file("new", "new");
    let (_, memory) = record_remembering(&strings(&["."]), &tree.options(), &Silent).unwrap();
    assert_eq!(memory.len(), usize::from(are_taken_over(&tree)));
}

#[test]
fn digests_are_not_taken_over_for_other_algorithms_or_line_endings() {
    let tree = Tree::on_disk(&["a"]);
    let (_, mut memory) = remembered(&tree);
    marked(&mut memory);
    let lines = Options {
        normalize_line_endings: true,
        ..tree.options()
    };
    let more = Options {
        algorithms: BTreeSet::from([Algorithm::Sha256, Algorithm::Blake3]),
        ..tree.options()
    };
    for options in [lines, more] {
        let found = record_reusing(&strings(&["."]), &options, &Silent, &memory).unwrap();
        assert_eq!(found.get("a").unwrap().sha256(), digest("a").sha256());
    }
}

#[test]
fn files_of_all_sizes_have_the_same_digests_whatever_hashes_them() {
    let tree = Tree::new(&[]);
    let sizes = [
        0,
        1,
        63,
        64,
        65_535,
        65_536,
        65_537,
        131_072,
        200_000,
        1 << 20,
        3_000_001,
    ];
    for (index, size) in sizes.into_iter().enumerate() {
        let content: Vec<u8> = (0..size)
            .map(|at| ((at * 7 + at / 251 + index) % 256).try_into().unwrap_or(0))
            .collect();
        tree.file(format!("d{}/{size}", index % 3), content);
    }
    let all = BTreeSet::from([Algorithm::Sha256, Algorithm::Sha512, Algorithm::Blake3]);
    let mut found = Vec::new();
    for backend in [Backend::Fastest, Backend::Portable] {
        for jobs in [1, 2, 5] {
            let options = Options {
                algorithms: all.clone(),
                jobs: NonZeroUsize::new(jobs),
                backend,
                ..tree.options()
            };
            found.push(record(&strings(&["."]), &options, &Silent).unwrap());
        }
    }
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    for (name, digests) in found[0].iter() {
        let content = fs::read(tree.0.path().join(name)).unwrap();
        let mut expected = digest(&content);
        expected.insert(Algorithm::Sha512, &sha2::Sha512::digest(&content));
        expected.insert(Algorithm::Blake3, blake3::hash(&content).as_bytes());
        assert_eq!(*digests, expected, "{name}");
    }
}

#[test]
fn a_folder_with_very_many_files_is_in_order() {
    let tree = Tree::new(&[]);
    for index in 0..1500 {
        tree.file(format!("f{index}"), format!("{index}"));
    }
    tree.file("f1-/x", "x");
    tree.file("f1.d/x", "x");
    let found = record(&strings(&["."]), &tree.options(), &Silent).unwrap();
    assert_eq!(found.len(), 1502);
    for index in 0..1500 {
        assert_eq!(
            *found.get(&format!("f{index}")).unwrap(),
            digest(format!("{index}"))
        );
    }
}

/// An observer that has enough after a while.
struct Fed(AtomicUsize);

impl Observer for Fed {
    fn event(&self, _: Event<'_>) {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) < 700, "enough");
    }
}

#[test]
fn a_panic_in_one_thread_ends_all_of_them() {
    let tree = Tree::new(&[]);
    for index in 0..1200 {
        tree.file(format!("d{}/f{index}", index % 40), "x");
    }
    let caught = std::panic::catch_unwind(|| {
        record(&strings(&["."]), &tree.options(), &Fed(AtomicUsize::new(0)))
    });
    assert!(caught.is_err());
}
