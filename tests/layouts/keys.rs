//! `layout keys`.

use std::fs;

use serde_json::Value;

use crate::support::{Folder, public};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.layout");
const WRITER: &str = "971a92eda12f573be141f77969481406b378429d9d815c286685a9b26860f878";
const PACKER: &str = "54c624b137746f215413d8de9d887f8224d08f1085b262dfe816eb6e4d86f32b";

#[test]
fn each_key_is_shown_with_what_it_can_do_and_what_it_signed() {
    let folder = Folder::new();
    let shown = folder.linkwright(&["layout", "keys", DEMO]);
    assert_eq!(shown.status, Some(0), "{}", shown.err);
    assert_eq!(
        shown.out(),
        format!("{WRITER} ed25519\n  alone: `write`\n{PACKER} ed25519\n  alone: `pack`\n")
    );
    let shown = folder.linkwright(&["layout", "keys", DEMO, "--links", DATA]);
    let signed = format!("  signed: `{DATA}/write.971a92ed.link`\n");
    assert!(shown.out().contains(&signed), "{}", shown.out());
    let nowhere = folder.linkwright(&["layout", "keys", DEMO, "--links", "nowhere"]);
    assert_eq!(nowhere.status, Some(3));
}

#[test]
fn a_link_that_was_changed_is_signed_by_nobody() {
    let folder = Folder::new();
    let link = fs::read_to_string(format!("{DATA}/write.971a92ed.link")).unwrap();
    folder.write(
        "write.971a92ed.link",
        link.replace("src/main.c", "src/evil.c"),
    );
    let shown = folder.linkwright(&["layout", "keys", DEMO, "--links", "."]);
    assert_eq!(
        shown.out().matches("signed: nothing").count(),
        2,
        "{}",
        shown.out()
    );
    let stranger = "links that no key of the layout has signed: `./write.971a92ed.link`";
    assert!(shown.out().contains(stranger), "{}", shown.out());
}

#[test]
fn a_key_takes_the_place_of_another_everywhere_and_signatures_go() {
    let folder = Folder::new();
    let new = public("carol");
    let rotated = folder.linkwright(&["layout", "keys", DEMO, "--rotate", "971a92ed", &new]);
    assert_eq!(rotated.status, Some(0), "{}", rotated.err);
    assert!(!rotated.out().contains(WRITER), "{}", rotated.out());
    let json: Value = serde_json::from_str(rotated.out()).unwrap();
    assert_eq!(json["signatures"], Value::Array(Vec::new()));
    let id = json["signed"]["steps"][0]["pubkeys"][0].as_str().unwrap();
    assert!(json["signed"]["keys"][id]["keyval"]["public"].is_string());
    let was: Value = serde_json::from_slice(&fs::read(DEMO).unwrap()).unwrap();
    assert_eq!(json["signed"]["steps"][1], was["signed"]["steps"][1]);
    // By the old key's own file, into a file that must not be there yet.
    let words = [
        "layout",
        "keys",
        DEMO,
        "--rotate",
        &public("alice"),
        &new,
        "--output",
        "new.layout",
    ];
    for status in [0, 1] {
        let again = folder.linkwright(&words);
        assert_eq!(again.status, Some(status), "{}", again.err);
    }
}

#[test]
fn a_key_that_is_not_there_cannot_go_and_one_that_is_cannot_come() {
    let folder = Folder::new();
    let carol = public("carol");
    let bob = public("bob");
    let alice = public("alice");
    for (old, new) in [
        ("0123", carol.as_str()),
        (carol.as_str(), carol.as_str()),
        ("971a92ed", bob.as_str()),
        ("971a92ed", alice.as_str()),
        ("", carol.as_str()),
        ("971a92ed", DEMO),
    ] {
        let refused = folder.linkwright(&["layout", "keys", DEMO, "--rotate", old, new]);
        assert_eq!(refused.status, Some(1), "{old} {new}: {}", refused.out());
        assert_eq!(refused.out(), "");
    }
}

#[test]
fn of_a_text_form_the_line_of_the_key_is_changed_and_comments_stay() {
    let folder = Folder::new();
    for name in ["alice", "bob", "carol"] {
        folder.write(&format!("keys/{name}.pub"), fs::read(public(name)).unwrap());
    }
    let text = "\
# how it is made
expires = \"2030-01-01\"
[keys]
alice = \"keys/alice.pub\"  # writes
bob = \"keys/bob.pub\"

[[step]]
name = \"write\"
keys = [\"alice\", \"bob\"]
materials = []
products = [\"CREATE src/*\", \"DISALLOW *\"]
";
    folder.write("release.layout.toml", text);
    let rotate = |old: &str, new: &str| {
        folder.linkwright(&[
            "layout",
            "keys",
            "release.layout.toml",
            "--rotate",
            old,
            new,
        ])
    };
    let expected = text.replace("keys/alice.pub", "keys/carol.pub");
    for old in ["alice", "keys/alice.pub"] {
        let rotated = rotate(old, "keys/carol.pub");
        assert_eq!(rotated.status, Some(0), "{}", rotated.err);
        assert_eq!(rotated.out(), expected);
    }
    for (old, new) in [("carol", "keys/carol.pub"), ("alice", "keys/bob.pub")] {
        let refused = rotate(old, new);
        assert_eq!(refused.status, Some(1), "{}", refused.out());
    }
    // Its keys would not be found from there.
    folder.write("elsewhere/README", "");
    let moved = folder.linkwright(&[
        "layout",
        "keys",
        "release.layout.toml",
        "--rotate",
        "alice",
        "keys/carol.pub",
        "--output",
        "elsewhere/new.layout.toml",
    ]);
    assert_eq!(moved.status, Some(1), "{moved:?}");
    assert!(moved.err.contains("relative"), "{}", moved.err);
    assert!(!folder.has("elsewhere/new.layout.toml"));
    assert!(
        rotate("alic", "keys/carol.pub")
            .err
            .contains("did you mean `alice`?")
    );
    let shown = folder.linkwright(&["layout", "keys", "release.layout.toml"]);
    assert!(shown.out().contains("alice: "), "{}", shown.out());
    // Another key with the name of the old one: both texts mean what they say.
    let differ = {
        folder.write("new.layout.toml", &expected);
        folder.linkwright(&["layout", "diff", "release.layout.toml", "new.layout.toml"])
    };
    assert_eq!(differ.status, Some(1), "{}", differ.err);
    assert!(
        differ.out().contains("may no longer sign"),
        "{}",
        differ.out()
    );
}
