//! `layout new`: what is filled in, what is refused, what is never overwritten.

use std::process::Stdio;

use crate::support::terminal::Terminal;
use crate::support::{Folder, LINKWRIGHT, finish, key, public};

const MAKE: [&str; 14] = [
    "layout",
    "new",
    "--template",
    "make",
    "--key",
    "cloner=keys/cloner.pub",
    "--key",
    "builder=keys/builder.pub",
    "--key",
    "packager=keys/packager.pub",
    "--param",
    "NAME=hello",
    "--param",
    "REPOSITORY=../upstream",
];

fn make<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [MAKE.as_slice(), more].concat()
}

#[test]
fn the_layout_is_written_once() {
    let folder = Folder::new();
    let ended = folder.linkwright(&make(&[]));
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let written = folder.read("make.layout.toml");
    let again = folder.linkwright(&make(&[]));
    assert_eq!(again.status, Some(1));
    assert!(
        again.err.contains("`make.layout.toml` exists already"),
        "{}",
        again.err
    );
    folder.write("make.layout.toml", "mine");
    assert_eq!(folder.linkwright(&make(&[])).status, Some(1));
    assert_eq!(folder.read("make.layout.toml"), b"mine");
    assert_eq!(folder.linkwright(&make(&["--force"])).status, Some(0));
    assert_eq!(folder.read("make.layout.toml"), written);
}

#[test]
fn a_dangling_link_is_not_written_through() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("elsewhere", folder.at("make.layout.toml")).unwrap();
    assert_eq!(folder.linkwright(&make(&[])).status, Some(1));
    assert!(!folder.has("elsewhere"));
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let folder = Folder::new();
    let ended = folder.linkwright(&[
        "layout",
        "new",
        "--template",
        "make",
        "--param",
        "VERSION=1",
    ]);
    assert_eq!(ended.status, Some(2));
    for part in [
        "--key cloner=FILE",
        "--key builder=FILE",
        "--key packager=FILE",
        "--param NAME=VALUE",
        "--param REPOSITORY=VALUE",
        "the template has no parameter `VERSION`",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    assert!(folder.names().is_empty());
}

#[test]
fn a_parameter_cannot_widen_a_rule() {
    let folder = Folder::new();
    let mut arguments = make(&[]);
    arguments[11] = "NAME=*";
    let ended = folder.linkwright(&arguments);
    assert_eq!(ended.status, Some(2));
    assert!(ended.err.contains("`*`"), "{}", ended.err);
    assert!(folder.names().is_empty());
}

#[test]
fn an_expiry_that_is_none_is_refused() {
    let folder = Folder::new();
    let ended = folder.linkwright(&make(&["--expires", "soon"]));
    assert_eq!(ended.status, Some(2));
    assert!(ended.err.contains("`soon` is no expiry"), "{}", ended.err);
    let ended = folder.linkwright(&make(&["--expires", "30d"]));
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let written = String::from_utf8(folder.read("make.layout.toml")).unwrap();
    assert!(written.contains("\nexpires = \"30d\"\n"), "{written}");
}

#[test]
fn a_private_key_is_no_functionary() {
    let folder = Folder::new();
    let private = format!("builder={}", key("alice"));
    let mut arguments = make(&[]);
    arguments[7] = &private;
    let ended = folder.linkwright(&arguments);
    assert_eq!(ended.status, Some(1));
    assert!(ended.err.contains("private key"), "{}", ended.err);
    assert!(folder.names().is_empty());
}

#[test]
fn one_key_for_two_functionaries_is_refused() {
    let folder = Folder::new();
    let [builder, packager] =
        ["builder", "packager"].map(|who| format!("{who}={}", public("alice")));
    let mut arguments = make(&[]);
    arguments[7] = &builder;
    arguments[9] = &packager;
    let ended = folder.linkwright(&arguments);
    assert_eq!(ended.status, Some(1));
    assert!(
        (ended.err).contains("`builder` and `packager` would have the same key"),
        "{}",
        ended.err
    );
    assert!(folder.names().is_empty());
}

#[test]
fn what_is_not_given_is_asked_for_on_a_terminal() {
    let folder = Folder::new();
    let argv = [
        LINKWRIGHT,
        "layout",
        "new",
        "--template",
        "make",
        "--param",
        "NAME=hello",
    ];
    let mut terminal = Terminal::open(folder.path(), &argv);
    terminal.expect("Who fetches the sources (cloner) [keys/cloner.pub]: ");
    terminal.line("");
    terminal.expect("Who builds (builder) [keys/builder.pub]: ");
    terminal.line("keys/bob.pub");
    terminal.expect("Who packs (packager) [keys/packager.pub]: ");
    terminal.line("");
    terminal.expect("(REPOSITORY) [");
    terminal.line("no spaces");
    terminal.expect("`no spaces`");
    terminal.expect("(REPOSITORY) [");
    terminal.line("../upstream");
    terminal.expect("--signing-key keys/bob ");
    let shown = terminal.whole_text();
    let written = String::from_utf8(folder.read("make.layout.toml")).unwrap();
    for line in [
        "cloner = \"keys/cloner.pub\"",
        "builder = \"keys/bob.pub\"",
        "NAME = \"hello\"",
        "REPOSITORY = \"../upstream\"",
    ] {
        assert!(
            written.lines().any(|written| written == line),
            "{line}: {shown}"
        );
    }
}

#[test]
fn without_a_terminal_nothing_is_waited_for() {
    let folder = Folder::new();
    let mut command = folder.command(&["layout", "new", "--template", "make"]);
    let ended = finish(command.stdin(Stdio::piped()).spawn().unwrap());
    assert_eq!(ended.status, Some(2));
}

#[test]
fn keys_are_named_relative_to_the_layout() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.at("a/b")).unwrap();
    let ended = folder.linkwright(&make(&["--output", "a/b/release.layout.toml"]));
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let written = String::from_utf8(folder.read("a/b/release.layout.toml")).unwrap();
    assert!(
        written.contains("\nbuilder = \"../../keys/builder.pub\"\n"),
        "{written}"
    );
    assert!(
        ended.out().contains("--signing-key keys/builder "),
        "{}",
        ended.out()
    );
}

#[test]
fn every_template_is_listed_with_what_it_needs() {
    let folder = Folder::new();
    let ended = folder.linkwright(&["layout", "new", "--list"]);
    assert_eq!(ended.status, Some(0));
    let listed: Vec<&str> = (ended.out().lines())
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_once(": ").map(|(name, _)| name))
        .collect();
    let expected = [
        "cargo",
        "docker",
        "kubectl",
        "make",
        "npm",
        "pipeline",
        "python-wheel",
        "release-tarball",
    ];
    assert_eq!(listed, expected);
    let ended = folder.linkwright(&["layout", "new", "--template", "mace"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.err.contains("make"), "{}", ended.err);
}
