//! Symbolic links, and what is neither file nor folder.

use std::os::unix::net::UnixListener;

use super::*;

#[test]
fn special_files_are_skipped_inside_a_tree_and_refused_as_roots() {
    let tree = Tree::new(&["a"]);
    tree.pipe("pipe");
    tree.link("pipe", "to-pipe");
    tree.link("self", "self");
    tree.link("a/b", "through-a-file");
    let _socket = UnixListener::bind(tree.0.path().join("socket")).unwrap();
    fs::create_dir(tree.0.path().join("folder")).unwrap();
    tree.link("folder", "to-folder");
    let ear = Ear::default();
    let artifacts = record(&strings(&["."]), &tree.options(), &ear).unwrap();
    assert_eq!(names(&artifacts), ["a"]);
    let heard = ear.0.into_inner().unwrap();
    assert_eq!(
        heard,
        [
            "skipped pipe neither a file nor a folder",
            "skipped self a symbolic link that points nowhere",
            "skipped socket neither a file nor a folder",
            "skipped through-a-file a symbolic link that points nowhere",
            "skipped to-folder a symbolic link to a folder, entered only with --follow-symlink-dirs",
            "skipped to-pipe neither a file nor a folder",
            "walked",
            "hashed a 1",
        ]
    );
    for root in ["pipe", "to-pipe", "socket"] {
        let expected = format!("`T/{root}` is neither a file nor a folder");
        assert_eq!(tree.message(&[root]), expected);
    }
}

#[test]
fn links_that_leave_their_root_are_refused_unless_allowed() {
    let tree = Tree::new(&["root/a", "outside/b", "root-two/c"]);
    tree.link("../outside/b", "root/file");
    assert_eq!(
        tree.message(&["root"]).split(", outside").next(),
        Some("the link `T/root/file` leads to `T/outside/b`")
    );
    fs::remove_file(tree.0.path().join("root/file")).unwrap();
    // Not inside only because its name begins alike.
    tree.link("../root-two", "root/folder");
    let mut options = tree.options();
    assert_eq!(tree.names(&["root"], &options), ["root/a"]);
    options.follow_symlink_dirs = true;
    let error = tree.error(&["root"], &options);
    assert!(matches!(error, RecordError::Outside { .. }), "{error}");
    options.allow_outside_links = true;
    assert_eq!(tree.names(&["root"], &options), ["root/a", "root/folder/c"]);
    // A wider root has all of it inside.
    options.allow_outside_links = false;
    assert_eq!(tree.names(&["."], &options).len(), 4);
}

#[test]
fn a_named_root_is_read_through() {
    let tree = Tree::new(&["real/a"]);
    tree.link("real", "folder");
    tree.link("real/a", "file");
    let options = tree.options();
    assert_eq!(
        tree.names(&["folder", "file"], &options),
        ["file", "folder/a"]
    );
}

#[test]
fn loops_are_refused_and_name_both_ends() {
    let tree = Tree::new(&["r/a/f"]);
    tree.link("../../r", "r/a/up");
    let options = Options {
        follow_symlink_dirs: true,
        ..tree.options()
    };
    let shown = |error: RecordError| {
        error
            .to_string()
            .replace(tree.0.path().to_str().unwrap(), "T")
    };
    assert_eq!(
        shown(tree.error(&["r"], &options)),
        "`T/r/a/up` is the folder `T/r` above it once more"
    );
    // Around a corner: the link leads above the root, and the root comes again as a folder.
    fs::remove_file(tree.0.path().join("r/a/up")).unwrap();
    tree.link("../..", "r/a/out");
    let options = Options {
        allow_outside_links: true,
        ..options
    };
    assert_eq!(
        shown(tree.error(&["r"], &options)),
        "`T/r/a/out/r` is the folder `T/r` above it once more"
    );
}

#[test]
fn the_same_folder_twice_is_no_loop() {
    let tree = Tree::new(&["a/f"]);
    tree.link("a", "b");
    let options = Options {
        follow_symlink_dirs: true,
        ..tree.options()
    };
    assert_eq!(tree.names(&["."], &options), ["a/f", "b/f"]);
}
