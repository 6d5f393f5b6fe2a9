//! Files and folders that move within the tree while it is recorded.

use super::*;

/// Longer than `SETTLED`.
const REST: std::time::Duration = std::time::Duration::from_millis(60);

/// Does something once, when it hears of an entry that is left out.
struct Then<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send> Observer for Then<F> {
    fn event(&self, event: Event<'_>) {
        if let Event::Excluded { .. } = event
            && let Some(act) = self.0.lock().unwrap().take()
        {
            act();
        }
    }
}

/// What is recorded of a tree by one thread, folder by folder in the order of the names, when `act` is done
/// as soon as the entry `out` is met.
fn recorded(tree: &Tree, act: impl FnOnce() + Send) -> Result<Vec<String>, String> {
    let options = Options {
        excludes: Excludes::compile(&strings(&["out"])).unwrap(),
        jobs: NonZeroUsize::new(1),
        ..tree.options()
    };
    // What is younger is read once more at the end, by its path.
    std::thread::sleep(REST);
    let observer = Then(Mutex::new(Some(act)));
    let recorded = record(&strings(&["."]), &options, &observer);
    assert!(observer.0.into_inner().unwrap().is_none(), "it was not met");
    let root = tree.0.path().to_str().unwrap();
    recorded
        .map(|artifacts| names(&artifacts))
        .map_err(|errors| errors.to_string().replace(root, "T"))
}

const CHANGED: &str = "the entries of `T/a` change while it is recorded";

#[test]
fn what_moves_within_the_tree_is_neither_missed_nor_met_twice() {
    for (files, from, to) in [
        // To where nobody looks any more, and to where somebody will.
        (&["a/out", "z/moved"][..], "z/moved", "a/moved"),
        (&["a/moved", "a/out", "z/other"], "a/moved", "z/moved"),
        (&["a/out", "z/moved/file"], "z/moved", "a/moved"),
    ] {
        let tree = Tree::new(files);
        let path = |name: &str| tree.0.path().join(name);
        let found = recorded(&tree, || fs::rename(path(from), path(to)).unwrap_or(()));
        assert_eq!(found, Err(CHANGED.to_owned()), "{files:?}");
        assert!(path(to).exists());
    }
}

#[test]
fn a_folder_in_the_place_of_another_is_noticed() {
    let tree = Tree::new(&["a/out", "other/file"]);
    let path = |name: &str| tree.0.path().join(name);
    let found = recorded(&tree, || {
        fs::rename(path("a"), path("other/a")).unwrap();
        fs::create_dir(path("a")).unwrap();
    });
    assert_eq!(found, Err(CHANGED.to_owned()));
}

#[test]
fn what_is_left_out_may_come_and_go() {
    let tree = Tree::new(&["a/file", "a/out"]);
    let path = |name: &str| tree.0.path().join(name);
    let found = recorded(&tree, || {
        fs::remove_file(path("a/out")).unwrap();
        fs::create_dir(path("out")).unwrap();
    });
    assert_eq!(found, Ok(strings(&["a/file"])));
}

#[test]
fn another_file_may_take_the_place_of_one() {
    let tree = Tree::new(&["a/file", "a/out"]);
    let outside = Tree::new(&["new"]);
    let found = recorded(&tree, || {
        fs::rename(outside.0.path().join("new"), tree.0.path().join("a/file")).unwrap();
    });
    assert_eq!(found, Ok(strings(&["a/file"])));
}
