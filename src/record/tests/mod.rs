//! Recording trees that are made for the case, and what the reference records of the same ones.

mod changes;
mod giants;
mod links;
mod renames;
mod stress;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::Digest;

use super::*;
use crate::event::Silent;
use crate::model::{DigestSet, hex};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[&str]) -> Self {
        Self::in_folder(&std::env::temp_dir(), files)
    }

    /// Beside the tests themselves: temporary files are often on a file system of which no digests are
    /// taken over.
    fn on_disk(files: &[&str]) -> Self {
        let tests = std::env::current_exe().unwrap();
        Self::in_folder(tests.parent().unwrap(), files)
    }

    fn in_folder(folder: &Path, files: &[&str]) -> Self {
        let tree = Self(tempfile::tempdir_in(folder).unwrap());
        for file in files {
            tree.file(file, file);
        }
        tree
    }

    fn file(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn link(&self, target: impl AsRef<Path>, path: &str) {
        symlink(target, self.0.path().join(path)).unwrap();
    }

    fn pipe(&self, path: &str) {
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, self.0.path().join(path), mode).unwrap();
    }

    fn options(&self) -> Options {
        Options {
            excludes: Excludes::none(),
            base_path: Some(self.0.path().to_owned()),
            ..Options::default()
        }
    }

    fn names(&self, roots: &[&str], options: &Options) -> Vec<String> {
        names(&record(&strings(roots), options, &Silent).unwrap())
    }

    /// The only error.
    fn error(&self, roots: &[&str], options: &Options) -> RecordError {
        let errors = record(&strings(roots), options, &Silent).unwrap_err();
        assert_eq!(errors.iter().count(), 1, "{errors}");
        errors.errors.into_iter().next().unwrap()
    }

    fn message(&self, roots: &[&str]) -> String {
        let error = self.error(roots, &self.options()).to_string();
        error.replace(self.0.path().to_str().unwrap(), "T")
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn names(artifacts: &Artifacts) -> Vec<String> {
    artifacts.keys().map(ToString::to_string).collect()
}

/// Keeps what it hears, and the bytes that were found and read.
#[derive(Default)]
struct Ear(Mutex<Vec<String>>, AtomicU64, AtomicU64);

impl Observer for Ear {
    fn event(&self, event: Event<'_>) {
        let line = match event {
            Event::Hashed { path, bytes } => format!("hashed {path} {bytes}"),
            Event::Reused { path, bytes } => format!("reused {path} {bytes}"),
            Event::Found { bytes } => return self.count(bytes, 0),
            Event::Read { bytes } => return self.count(0, bytes),
            Event::Walked => "walked".to_owned(),
            Event::Excluded { path } => format!("excluded {}", base_name(path)),
            Event::Skipped { path, why } => format!("skipped {} {why}", base_name(path)),
            Event::Recording { .. }
            | Event::Recorded
            | Event::Started { .. }
            | Event::Forwarded { .. } => panic!("{event:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Ear {
    fn count(&self, found: u64, read: u64) {
        let is_walked = || self.0.lock().unwrap().iter().any(|line| line == "walked");
        assert!(found == 0 || !is_walked(), "{found} bytes found too late");
        self.1.fetch_add(found, Ordering::Relaxed);
        self.2.fetch_add(read, Ordering::Relaxed);
    }

    fn found_and_read(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.1), count(&self.2))
    }
}

fn base_name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The tree that `testdata/recorded.jsonl` was measured on.
fn reference_tree() -> Tree {
    let tree = Tree::new(&[]);
    let files: BTreeMap<String, String> =
        serde_json::from_str(include_str!("../testdata/files.json")).unwrap();
    for (path, content) in files {
        tree.file(path, content);
    }
    fs::create_dir_all(tree.0.path().join("empty/also")).unwrap();
    tree.link("a", "link");
    tree.link("../a", "d/up");
    tree.link("sub", "d/sublink");
    tree.link("nowhere", "broken");
    tree.pipe("pipe");
    let rest = "0".repeat(62);
    tree.file("refs/heads/main", format!("ab{rest}\n"));
    tree.file(format!("objects/ab/{rest}.commit"), "commit");
    tree
}

/// A list of texts among the settings.
fn texts(settings: &serde_json::Value, name: &str) -> Option<Vec<String>> {
    serde_json::from_value(settings.get(name)?.clone()).unwrap()
}

/// Each row: roots, settings, and name to the first 16 digits of its SHA-256, or the error's name, of
/// `record_artifacts_as_dict` of in-toto 3.1.0, or what we refuse on purpose. `d/up` leads out of the
/// root `d`, which is allowed here so that the results can be compared.
#[test]
fn trees_are_recorded_as_the_reference_does() {
    let tree = reference_tree();
    for line in include_str!("../testdata/recorded.jsonl").lines() {
        let (roots, told, expected): (Vec<String>, serde_json::Value, serde_json::Value) =
            serde_json::from_str(line).unwrap();
        let within = |path: &str| tree.0.path().join(path);
        let roots: Vec<String> = roots
            .iter()
            .map(|root| match root.strip_prefix("dir:") {
                Some(path) => format!("dir:{}", within(path).display()),
                None => root.clone(),
            })
            .collect();
        let options = Options {
            excludes: texts(&told, "exclude_patterns")
                .map_or_else(Excludes::reference_defaults, |patterns| {
                    Excludes::compile(&patterns).unwrap()
                }),
            base_path: Some(within(told["base_path"].as_str().unwrap_or_default())),
            lstrip: texts(&told, "lstrip_paths").unwrap_or_default(),
            normalize_line_endings: told["normalize_line_endings"] == true,
            follow_symlink_dirs: told["follow_symlink_dirs"] == true,
            allow_outside_links: true,
            ..Options::default()
        };
        let recorded = record(&roots, &options, &Silent);
        if expected.is_string() {
            assert!(recorded.is_err(), "{line}");
            continue;
        }
        let prefix = format!("dir:{}/", tree.0.path().display());
        let recorded: BTreeMap<String, String> = recorded
            .unwrap_or_else(|errors| panic!("{line}: {errors}"))
            .iter()
            .map(|(name, digests)| {
                let digest = hex(digests.sha256().unwrap());
                // `dir:` does not heed the base path, and no test may change the working directory.
                (
                    name.replace(&prefix, "dir:"),
                    digest.chars().take(16).collect(),
                )
            })
            .collect();
        let expected: BTreeMap<String, String> = serde_json::from_value(expected).unwrap();
        assert_eq!(recorded, expected, "{line}");
    }
}

#[test]
fn every_effort_goes_over_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    for (name, size) in [("a", 0), ("b", 100), ("c", 70_000), ("d", 300_000)] {
        let inner = folder.path().join(name);
        fs::create_dir(&inner).unwrap();
        (0..300).for_each(|one| fs::write(inner.join(format!("{one}.pyc")), "").unwrap());
        (0..3).for_each(|one| fs::write(inner.join(one.to_string()), vec![7; size]).unwrap());
    }
    let giant = fs::File::create(folder.path().join("giant")).unwrap();
    giant.set_len(hash::GIANT).unwrap();
    // At first they are too new for a batch.
    for at_rest in [false, true] {
        if at_rest {
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
        for effort in [Effort::Find, Effort::Read, Effort::Hash] {
            let options = Options {
                algorithms: BTreeSet::from([Algorithm::Sha512, Algorithm::Blake3]),
                // The others are not optimised in tests.
                backend: Backend::Portable,
                ..Options::default()
            };
            let found = gone_over(folder.path(), &options, effort);
            assert!(found.errors.is_empty());
            let hashed = found.files.iter().filter(|file| file.digests.is_some());
            let expected = if effort == Effort::Hash { 13 } else { 0 };
            assert_eq!((found.files.len(), hashed.count()), (13, expected));
        }
    }
}

#[test]
fn what_is_wrong_is_told_at_every_effort() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(OsStr::from_bytes(b"\xe9")), "").unwrap();
    for effort in [Effort::Find, Effort::Read, Effort::Hash] {
        go_over(folder.path(), &Options::default(), effort).unwrap_err();
    }
}

#[test]
fn a_folder_as_one_artifact_is_counted_once() {
    let tree = Tree::new(&["d/b", "d/a/c"]);
    let root = format!("dir:{}/d", tree.0.path().display());
    for roots in [&[root.as_str()][..], &[root.as_str(), "d"]] {
        let ear = Ear::default();
        record(&strings(roots), &tree.options(), &ear).unwrap();
        let mut heard = ear.0.into_inner().unwrap();
        heard.sort();
        let whole = format!("hashed {root} 8");
        let expected: &[&str] = match roots.len() {
            1 => &[&whole, "walked"],
            _ => &["hashed d/a/c 5", "hashed d/b 3", &whole, "walked"],
        };
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(heard, expected);
    }
}

#[test]
fn what_is_not_there_is_refused() {
    let tree = Tree::new(&["a"]);
    tree.link("nowhere", "broken");
    assert_eq!(tree.message(&["a", "b/c"]), "`T/b/c` does not exist");
    assert_eq!(tree.message(&["a/b"]), "`T/a/b` does not exist");
    assert_eq!(tree.message(&["broken"]), "`T/broken` does not exist");
    assert_eq!(
        tree.message(&["x\0y"]),
        "`x\\0y` cannot be recorded: the name holds a NUL character"
    );
    let missing = Options {
        base_path: Some(tree.0.path().join("nowhere")),
        ..Options::default()
    };
    let error = tree.error(&["."], &missing);
    assert!(matches!(error, RecordError::NotAFolder { .. }));
}

#[test]
fn all_errors_are_reported_in_order_up_to_a_limit() {
    let tree = Tree::new(&[]);
    let roots: Vec<String> = (0..MAX_ERRORS + 5)
        .rev()
        .map(|n| format!("f{n:03}"))
        .collect();
    let errors = record(&roots, &tree.options(), &Silent).unwrap_err();
    assert_eq!(errors.iter().count(), MAX_ERRORS);
    assert_eq!(errors.omitted(), 5);
    let text = errors.to_string();
    assert!(text.lines().next().unwrap().contains("/f000`"), "{text}");
    assert!(text.ends_with("\nand 5 more"), "{text}");
}

#[test]
fn what_cannot_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new(&["closed/a", "open/b"]);
    for path in ["closed", "open/b"] {
        let nothing = fs::Permissions::from_mode(0o0);
        fs::set_permissions(tree.0.path().join(path), nothing).unwrap();
    }
    // The superuser may read everything.
    let bound = fs::read_dir(tree.0.path().join("closed")).is_err();
    let recorded = record(&strings(&["."]), &tree.options(), &Silent);
    let folder = fs::Permissions::from_mode(0o700);
    fs::set_permissions(tree.0.path().join("closed"), folder).unwrap();
    if bound {
        let errors = recorded.unwrap_err();
        let found: Vec<_> = errors.iter().collect();
        assert!(matches!(
            found.as_slice(),
            [RecordError::ReadFolder { .. }, RecordError::Read { .. }]
        ));
    }
    // A name that is too long binds the superuser too.
    let long = "n".repeat(300);
    let error = tree.error(&[&long], &tree.options());
    assert!(matches!(error, RecordError::Read { .. }), "{error}");
}

#[test]
fn names_that_are_no_text_are_refused_and_shown() {
    let tree = Tree::new(&["a"]);
    let name = OsStr::from_bytes(b"caf\xe9\n");
    tree.file(name, "x");
    assert_eq!(
        tree.message(&["."]),
        "the name `caf\\xe9\\n` is not valid UTF-8"
    );
    let options = Options {
        excludes: Excludes::compile(&strings(&["caf*"])).unwrap(),
        ..tree.options()
    };
    assert_eq!(tree.names(&["."], &options), ["a"]);
}

#[test]
fn two_files_under_one_name_are_refused() {
    let tree = Tree::new(&["a\\b", "a/b", "d/b", "file:x", "x"]);
    assert_eq!(
        tree.message(&["a", "a\\b"]),
        "`a/b` and `a\\\\b` would both be recorded as `a/b`"
    );
    let lstrip = Options {
        lstrip: strings(&["a/", "d/"]),
        ..tree.options()
    };
    let error = tree.error(&["a", "d"], &lstrip);
    assert!(matches!(error, RecordError::Collision { .. }), "{error}");
    let error = tree.error(&["file:x", "./file:x"], &tree.options());
    assert!(matches!(error, RecordError::Collision { .. }), "{error}");
    let folder = format!("dir:{}", tree.0.path().display());
    let error = tree.error(&[&folder], &tree.options());
    assert!(matches!(error, RecordError::Collision { .. }), "{error}");
}

#[test]
fn one_file_named_twice_is_recorded_once() {
    let tree = Tree::new(&["a", "d/b"]);
    let lstrip = Options {
        lstrip: strings(&["d/"]),
        ..tree.options()
    };
    for options in [tree.options(), lstrip] {
        let names = tree.names(&["a", ".", "./a", "d/../a"], &options);
        assert_eq!(names.len(), 2, "{names:?}");
    }
}

#[test]
fn prefixes_that_begin_alike_are_refused() {
    let tree = Tree::new(&["a"]);
    let options = Options {
        lstrip: strings(&["src/a", "b", "src/"]),
        ..tree.options()
    };
    let error = tree.error(&["a"], &options);
    assert_eq!(
        error.to_string(),
        "the prefixes to strip `src/a` and `src/` begin alike"
    );
}

#[test]
fn exact_excludes_hide_one_file_and_nothing_like_it() {
    let tree = Tree::new(&["a", "d/a", "d/b"]);
    tree.link("b", "d/to-b");
    let mut options = tree.options();
    options.exact_excludes = BTreeSet::from([
        tree.0.path().join("d/../d/b"),
        tree.0.path().join("a"),
        tree.0.path().join("nowhere/x"),
    ]);
    assert_eq!(tree.names(&["."], &options), ["d/a", "d/to-b"]);
    assert_eq!(tree.names(&["a", "d/b", "d/a"], &options), ["d/a"]);
}

#[test]
fn a_folder_is_one_artifact_with_the_digest_of_its_listing() {
    let tree = Tree::new(&["d/b", "d/a/c", "d/a.x"]);
    let root = format!("dir:{}/d", tree.0.path().display());
    let artifacts = record(&strings(&[&root]), &tree.options(), &Silent).unwrap();
    // find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum
    let listing: String = ["a.x", "a/c", "b"]
        .iter()
        .map(|name| {
            let digest = sha2::Sha256::digest(format!("d/{name}"));
            format!("{}  {name}\n", hex(&digest))
        })
        .collect();
    let expected = DigestSet::of_sha256(sha2::Sha256::digest(listing).into());
    assert_eq!(artifacts.get(root.as_str()), Some(&expected));
    let file = format!("{root}/b");
    let error = tree.error(&[&file], &tree.options());
    assert!(matches!(error, RecordError::NotAFolder { .. }));
}

#[test]
fn a_line_feed_in_a_name_inside_dir_is_refused() {
    let tree = Tree::new(&["a\nb"]);
    let root = format!("dir:{}", tree.0.path().display());
    let error = tree.error(&[&root], &tree.options());
    assert!(matches!(error, RecordError::LineFeed { .. }));
    assert_eq!(tree.names(&["."], &tree.options()), ["a\nb"]);
}

#[test]
fn a_ref_that_holds_no_commit_is_refused() {
    let tree = Tree::new(&[]);
    for content in ["", "../../etc/passwd", &"g".repeat(64), &"a".repeat(65)] {
        tree.file("refs/heads/main", content);
        let error = tree.error(&["ostree:main"], &tree.options());
        assert!(matches!(error, RecordError::Reference { .. }), "{error}");
    }
}

#[test]
fn every_algorithm_asked_for_is_recorded_and_unknown_ones_are_refused() {
    let tree = Tree::new(&["a"]);
    let mut options = tree.options();
    options.algorithms = BTreeSet::from([Algorithm::Blake3]);
    let artifacts = record(&strings(&["a"]), &options, &Silent).unwrap();
    let algorithms: Vec<_> = artifacts
        .get("a")
        .unwrap()
        .iter()
        .map(|(algorithm, _)| algorithm)
        .collect();
    assert_eq!(algorithms, [Algorithm::Sha256, Algorithm::Blake3]);
    options.algorithms = BTreeSet::from([Algorithm::from_name("md5")]);
    let error = tree.error(&["a"], &options);
    assert!(matches!(error, RecordError::Algorithm { .. }));
}

#[test]
fn very_deep_trees_are_recorded_without_recursion() {
    let tree = Tree::new(&[&format!("{}f", "d/".repeat(500))]);
    assert_eq!(tree.names(&["."], &tree.options()).len(), 1);
}

/// Bytes that were found and read in a tree of files of these sizes.
fn found_and_read(sizes: &[usize], jobs: usize, normalize_line_endings: bool) -> (u64, u64) {
    let tree = Tree::new(&[]);
    for size in sizes {
        tree.file(format!("{}/{size}", size % 3), vec![b'x'; *size]);
    }
    let options = Options {
        jobs: NonZeroUsize::new(jobs),
        normalize_line_endings,
        ..tree.options()
    };
    let ear = Ear::default();
    record(&strings(&["."]), &options, &ear).unwrap();
    let counted = ear.found_and_read();
    let heard = ear.0.into_inner().unwrap();
    let walked = heard.iter().filter(|line| *line == "walked").count();
    assert_eq!((heard.len(), walked), (sizes.len() + 1, 1));
    counted
}

#[test]
fn what_is_found_is_what_is_read() {
    const SIZES: [usize; 8] = [0, 1, 63, 65_535, 65_536, 65_537, 200_001, 1_000_000];
    let total = SIZES.iter().map(|size| *size as u64).sum::<u64>();
    for jobs in [1, 4] {
        for lines in [false, true] {
            assert_eq!(found_and_read(&SIZES, jobs, lines), (total, total));
        }
    }
    let giant = hash::GIANT + 1;
    let found = found_and_read(&[usize::try_from(giant).unwrap()], 4, false);
    assert_eq!(found, (giant, giant));
}

/// Gives up when it has been asked so often.
struct Impatient(AtomicU64);

impl Observer for Impatient {
    fn event(&self, _event: Event<'_>) {}

    fn gives_up(&self) -> bool {
        let left = |left: u64| Some(left.saturating_sub(1));
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .unwrap()
            == 0
    }
}

#[test]
fn what_is_given_up_at_any_moment_is_an_error_and_never_a_part() {
    let tree = Tree::new(&["a", "b/c", "b/d/e", "f"]);
    tree.file("large", vec![b'x'; 300_000]);
    let whole = tree.names(&["."], &tree.options());
    let mut given_up = 0;
    for patience in 0..200 {
        for jobs in [1, 3] {
            let options = Options {
                jobs: NonZeroUsize::new(jobs),
                ..tree.options()
            };
            match record(&strings(&["."]), &options, &Impatient(patience.into())) {
                Ok(artifacts) => assert_eq!(names(&artifacts), whole, "{patience}"),
                Err(errors) => {
                    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
                    assert_eq!(found, ["the recording was given up before its end"]);
                    given_up += 1;
                }
            }
        }
    }
    assert!((10..390).contains(&given_up), "{given_up}");
}
