//! `layout from-links`: what it writes accepts what it was written from, and refuses what a tight layout
//! refuses, by the engine that verifies.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use linkwright::author::from_links::{
    Breadth, Recorded, Signer, Wishes, Written, refusals, signer, write,
};
use linkwright::author::text::{Context, compile, decompile};
use linkwright::encoding::Value;
use linkwright::keys::{AnyKey, FileKey, KeyIdStyle, Signer as _};
use linkwright::model::{
    ArtifactPath, Artifacts, DigestSet, Envelope, Evidence, Form, FoundBy, ItemName, Link,
    LinkFile, Moment,
};

use crate::support::{Folder, key, public};

static ALICE: LazyLock<FileKey> = LazyLock::new(|| {
    let pem = std::fs::read(key("alice")).unwrap();
    FileKey::from_pem(&pem, None).unwrap()
});

/// Names and what is in the files.
type Tree = BTreeMap<String, u32>;

/// One step as it was recorded.
#[derive(Clone, Debug)]
struct Done {
    name: String,
    materials: Tree,
    products: Tree,
}

#[derive(Clone, Debug)]
enum Act {
    Create(usize),
    Modify(usize),
    Delete(usize),
    Copy(usize, usize),
    Move(usize, usize),
}

const NAMES: [&str; 12] = [
    "Makefile",
    "src/a.c",
    "src/b.c",
    "src/x/y.h",
    "hello",
    "hello-1.2.3.tar.gz",
    "lib/0a1b2c3d4e.so",
    "[!x]",
    "*",
    "a?b",
    "é {V}",
    "IN",
];

const FOLDERS: [&str; 4] = ["", "dist", "out/[1]", "src"];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (name, folder) = (0..NAMES.len(), 0..FOLDERS.len());
    let act = prop_oneof![
        3 => name.clone().prop_map(Act::Create),
        2 => name.clone().prop_map(Act::Modify),
        1 => name.clone().prop_map(Act::Delete),
        1 => (name.clone(), folder.clone()).prop_map(|(name, folder)| Act::Copy(name, folder)),
        1 => (name, folder).prop_map(|(name, folder)| Act::Move(name, folder)),
    ];
    prop::collection::vec(act, 0..5)
}

/// The steps of a chain in one folder, each with all files that were there before and after. Every
/// content is made once.
fn chain() -> impl Strategy<Value = Vec<Done>> {
    let order = Just(vec!["a", "b", "c", "d"]).prop_shuffle();
    let first = prop::collection::btree_set(0..NAMES.len(), 1..8);
    let rest = prop::collection::vec(acts(), 1..4);
    (order, first, rest).prop_map(|(order, first, rest)| {
        let mut content = 0;
        let mut new = || {
            content += 1;
            content
        };
        let created = first.iter().map(|at| (NAMES[*at].to_owned(), new()));
        let mut tree: Tree = created.collect();
        let mut steps = vec![Done {
            name: order[0].to_owned(),
            materials: Tree::new(),
            products: tree.clone(),
        }];
        for (acts, name) in rest.iter().zip(&order[1..]) {
            let before = tree.clone();
            acts.iter()
                .for_each(|act| perform(act, &mut tree, &mut new));
            steps.push(Done {
                name: (*name).to_owned(),
                materials: before,
                products: tree.clone(),
            });
        }
        steps
    })
}

fn perform(act: &Act, tree: &mut Tree, new: &mut impl FnMut() -> u32) {
    let below = |name: usize, folder: usize| match FOLDERS[folder] {
        "" => NAMES[name].to_owned(),
        folder => format!("{folder}/{}", NAMES[name]),
    };
    match *act {
        Act::Create(name) => {
            tree.entry(NAMES[name].to_owned()).or_insert_with(new);
        }
        Act::Modify(name) => {
            if let Some(content) = tree.get_mut(NAMES[name]) {
                *content = new();
            }
        }
        Act::Delete(name) => {
            tree.remove(NAMES[name]);
        }
        Act::Copy(name, folder) => {
            if let Some(content) = tree.get(NAMES[name]).copied() {
                tree.insert(below(name, folder), content);
            }
        }
        Act::Move(name, folder) => {
            if let Some(content) = tree.remove(NAMES[name]) {
                tree.insert(below(name, folder), content);
            }
        }
    }
}

fn artifacts(tree: &Tree) -> Artifacts {
    let one = |(name, content): (&String, &u32)| {
        let mut digest = [7; 32];
        digest[..4].copy_from_slice(&content.to_be_bytes());
        (ArtifactPath::claimed(name), DigestSet::of_sha256(digest))
    };
    tree.iter().map(one).collect()
}

fn link(done: &Done) -> Link {
    Link {
        name: done.name.clone(),
        materials: artifacts(&done.materials),
        products: artifacts(&done.products),
        command: vec!["make".to_owned()],
        ..Link::default()
    }
}

fn now() -> Moment {
    Moment::parse("2030-01-01T00:00:00Z").unwrap()
}

fn envelope(done: &Done, form: Form) -> Envelope {
    let mut envelope = Envelope::unsigned(link(done).to_value(), form).unwrap();
    let signature = ALICE.sign(envelope.message()).unwrap();
    envelope.add_signature(&ALICE.public().id(KeyIdStyle::Current), &signature);
    envelope
}

fn alice(done: &Done) -> Signer {
    let keys = [AnyKey::from(ALICE.public().clone())];
    signer(&envelope(done, Form::Metablock), "", &keys, now()).unwrap()
}

fn layout(steps: &[Done], breadth: Breadth) -> Value {
    written(steps, breadth).value
}

fn written(steps: &[Done], breadth: Breadth) -> Written {
    let recorded = |done: &Done| Recorded {
        path: format!("{}.link", done.name),
        link: link(done),
        signer: alice(done),
    };
    let links: Vec<Recorded> = steps.iter().map(recorded).collect();
    let wishes = Wishes {
        breadth,
        expires: "2050-01-01T00:00:00Z".to_owned(),
        readme: String::new(),
    };
    write(&links, &wishes).unwrap()
}

/// What the engine says against these links.
fn refused(layout: &Value, steps: &[Done]) -> Vec<String> {
    let mut evidence = Evidence::default();
    for done in steps {
        let signer = alice(done);
        let file = LinkFile {
            path: format!("{}.link", done.name),
            named: signer.signed_as.short().to_owned(),
            found: FoundBy::Name,
            content: Ok(envelope(done, Form::Metablock)),
            below: Evidence::default(),
        };
        evidence.insert(ItemName::new(&done.name).unwrap(), file);
    }
    refusals(layout, &evidence, now()).unwrap()
}

/// Every way in which one entry of one side differs, with whether a tight layout can know.
fn tamperings(steps: &[Done]) -> Vec<(String, Vec<Done>, bool)> {
    let mut all = Vec::new();
    for (at, done) in steps.iter().enumerate() {
        let is_last = at + 1 == steps.len();
        for materials in [true, false] {
            let side = if materials {
                &done.materials
            } else {
                &done.products
            };
            let mut with = |what: String, tree: Tree, known: bool| {
                let mut steps = steps.to_vec();
                let slot = &mut steps[at];
                *(if materials {
                    &mut slot.materials
                } else {
                    &mut slot.products
                }) = tree;
                let side = if materials { "materials" } else { "products" };
                all.push((
                    format!("{what} in the {side} of {}", done.name),
                    steps,
                    known,
                ));
            };
            for (name, content) in side {
                let mut tree = side.clone();
                tree.insert(name.clone(), 9_000);
                // Nobody sees the last products but who made them.
                let made = !materials && done.materials.get(name) != Some(content);
                with(format!("{name} changed"), tree, !(is_last && made));
                let mut tree = side.clone();
                tree.remove(name);
                with(format!("{name} removed"), tree.clone(), true);
                tree.insert(format!("{name}~"), *content);
                with(format!("{name} renamed"), tree, true);
            }
            for new in ["evil", "src/evil.c", "dist/evil"] {
                let mut tree = side.clone();
                tree.insert(new.to_owned(), 9_001);
                with(format!("{new} added"), tree, true);
            }
        }
    }
    all
}

fn some_of() -> impl Strategy<Value = Vec<Done>> {
    let keep = prop::collection::vec(any::<u8>(), 8);
    (chain(), keep).prop_map(|(mut steps, keep)| {
        // A step need not record everything on both sides.
        for (done, keep) in steps.iter_mut().zip(keep.chunks(2)) {
            let some = |tree: &mut Tree, mask: u8| {
                let mut at = 0;
                tree.retain(|_, _| {
                    at += 1;
                    mask & 1 == 0 || mask >> (at % 8) & 1 == 1
                });
            };
            some(&mut done.materials, keep[0]);
            some(&mut done.products, keep[1]);
        }
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_accepts_what_it_was_written_from(steps in some_of()) {
        for breadth in [Breadth::Tight, Breadth::General] {
            let written = written(&steps, breadth);
            let layout = &written.value;
            prop_assert_eq!(refused(layout, &steps), Vec::<String>::new(), "{:?}", layout);
            let text = decompile(layout, &written.comments);
            let no_files = |path: &str| Err(path.to_owned());
            let compiled = compile(&text.unwrap(), &Context::new(now(), &no_files)).unwrap();
            prop_assert_eq!(&compiled.value, layout);
        }
    }

}

proptest! {
    // Each chain is tampered with in some hundred ways.
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn it_refuses_what_a_tight_layout_refuses(steps in chain()) {
        let layout = layout(&steps, Breadth::Tight);
        prop_assert_eq!(refused(&layout, &steps), Vec::<String>::new(), "{:?}", layout);
        for (what, tampered, known) in tamperings(&steps) {
            if known {
                prop_assert!(!refused(&layout, &tampered).is_empty(), "{} passes: {:?}", what, layout);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_file_added_before_and_after_a_step_is_refused(steps in some_of(), skipped in 0_usize..3) {
        // Without the first steps, nothing explains what the next one has.
        let steps = steps.get(skipped.min(steps.len() - 1)..).unwrap();
        let layout = layout(steps, Breadth::Tight);
        prop_assert_eq!(refused(&layout, steps), Vec::<String>::new(), "{:?}", layout);
        for at in 0..steps.len() {
            for new in ["evil", "src/evil.c", "dist/evil", "src/x/evil.h"] {
                let mut steps = steps.to_vec();
                let step = &mut steps[at];
                for side in [&mut step.materials, &mut step.products] {
                    side.insert(new.to_owned(), 9_001);
                }
                prop_assert!(!refused(&layout, &steps).is_empty(), "{} passes: {:?}", new, layout);
            }
        }
    }
}

#[test]
fn files_that_only_the_step_vouches_for_let_no_other_in() {
    let sources = ["src/a.c", "src/b.c", "src/x/c.h"].map(|name| (name.to_owned(), 1));
    let materials = Tree::from(sources);
    let mut products = materials.clone();
    products.insert("hello".to_owned(), 2);
    let mut steps = [Done {
        name: "build".to_owned(),
        materials,
        products,
    }];
    let layout = layout(&steps, Breadth::Tight);
    assert_eq!(refused(&layout, &steps), Vec::<String>::new());
    steps[0].materials.insert("src/evil.c".to_owned(), 9);
    steps[0].products.insert("src/evil.c".to_owned(), 9);
    assert!(!refused(&layout, &steps).is_empty());
}

/// A folder `run` in which two steps were done, the links in `run/links`.
fn recorded_run() -> Folder {
    let folder = Folder::new();
    folder.write("run/links/.keep", "");
    folder.write("run/main.c", "int main(void) { return 0; }\n");
    step(&folder, "write", "alice", &[], &["main.c"], &["true"]);
    step(
        &folder,
        "build",
        "ecdsa",
        &["main.c"],
        &["main.c", "hello"],
        &["cp", "main.c", "hello"],
    );
    folder
}

fn step(
    folder: &Folder,
    name: &str,
    by: &str,
    materials: &[&str],
    products: &[&str],
    command: &[&str],
) {
    let by = key(by);
    let mut words = vec!["run", "-n", name, "--signing-key", &by, "-d", "links"];
    // Both wrappings have to be read.
    if name == "build" {
        words.push("--use-dsse");
    }
    for (option, paths) in [("-m", materials), ("-p", products)] {
        if !paths.is_empty() {
            words.push(option);
            words.extend(paths);
        }
    }
    words.push("--");
    words.extend(command);
    let mut run = folder.command(&words);
    run.current_dir(folder.at("run"));
    let ended = crate::support::finish(run.spawn().unwrap());
    assert_eq!(ended.status, Some(0), "{}", ended.err);
}

/// Signs the JSON that was written and verifies with it.
fn verified(folder: &Folder, json: &str, links: &str) -> Option<i32> {
    folder.write(
        "root.layout",
        format!("{{\"signed\": {json}, \"signatures\": []}}"),
    );
    let owner = (key("owner"), public("owner"));
    let signed = folder.linkwright(&["sign", "-f", "root.layout", "--signing-key", &owner.0]);
    assert_eq!(signed.status, Some(0), "{}", signed.err);
    let verify = [
        "verify",
        "-l",
        "root.layout",
        "--key",
        &owner.1,
        "-d",
        links,
    ];
    folder.linkwright(&verify).status
}

#[test]
fn a_recorded_run_is_accepted_and_a_tampered_one_is_not() {
    let folder = recorded_run();
    let (alice, ecdsa) = (public("alice"), public("ecdsa"));
    for breadth in ["--tight", "--general"] {
        let words = [
            "layout",
            "from-links",
            "run/links",
            breadth,
            "--format",
            "json",
        ];
        let words = [&words[..], &["--key", &alice, &ecdsa]].concat();
        let written = folder.linkwright(&words);
        assert_eq!(written.status, Some(0), "{}", written.err);
        assert_eq!(verified(&folder, written.out(), "run/links"), Some(0));
    }
    let words = [
        "layout",
        "from-links",
        "run/links",
        "--format",
        "json",
        "--key",
        &alice,
        &ecdsa,
    ];
    let written = folder.linkwright(&words);
    folder.write("run/main.c", "int main(void) { return 1; }\n");
    step(
        &folder,
        "build",
        "ecdsa",
        &["main.c"],
        &["main.c", "hello"],
        &["cp", "main.c", "hello"],
    );
    assert_eq!(verified(&folder, written.out(), "run/links"), Some(1));
}

#[test]
fn the_text_form_says_the_same_and_what_was_guessed() {
    let folder = recorded_run();
    let (alice, ecdsa) = (public("alice"), public("ecdsa"));
    let words = [
        "layout",
        "from-links",
        "run/links",
        "--expires",
        "2050-01-01",
        "--key",
        &alice,
        &ecdsa,
    ];
    let json = folder.linkwright(&[&words[..], &["--format", "json"]].concat());
    let output = ["--output", "release.layout.toml"];
    let written = folder.linkwright(&[&words[..], &output].concat());
    assert_eq!(written.status, Some(0), "{}", written.err);
    let text = String::from_utf8(folder.read("release.layout.toml")).unwrap();
    for line in [
        "# Written from 2 links of 2 steps, as tight as they allow.",
        "keys = [\"test-only-alice\"]",
        "expires = \"2050-01-01T23:59:59Z\"",
        "MATCH main.c WITH PRODUCTS FROM write",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let compiled = folder.linkwright(&["layout", "compile", "release.layout.toml"]);
    let compiled: serde_json::Value = serde_json::from_slice(&compiled.out).unwrap();
    let plain: serde_json::Value = serde_json::from_slice(&json.out).unwrap();
    assert_eq!(compiled["signed"], plain);
    let (private, owner) = (key("owner"), public("owner"));
    let sign = [
        "layout",
        "sign",
        "release.layout.toml",
        "--signing-key",
        &private,
    ];
    let signed = folder.linkwright(&sign);
    assert_eq!(signed.status, Some(0), "{}", signed.err);
    let verify = [
        "verify",
        "-l",
        "release.layout",
        "--key",
        &owner,
        "-d",
        "run/links",
    ];
    assert_eq!(folder.linkwright(&verify).status, Some(0));
}

#[test]
fn a_signer_whose_key_was_not_given_is_named_and_refused_or_left_out() {
    let folder = recorded_run();
    let alice = public("alice");
    let words = [
        "layout",
        "from-links",
        "run/links",
        "--format",
        "json",
        "--key",
        &alice,
    ];
    let refused = folder.linkwright(&words);
    assert_eq!(refused.status, Some(1));
    assert!(refused.out.is_empty());
    let id = folder.linkwright(&["key", "id", &public("ecdsa")]);
    let id = id.out().trim();
    assert!(
        refused
            .err
            .contains(&format!("signed by `{id}`, whose key was not given")),
        "{}",
        refused.err
    );
    let left = folder.linkwright(&[&words[..], &["--leave-out-unknown"]].concat());
    assert_eq!(left.status, Some(0), "{}", left.err);
    assert!(
        left.err.contains("left out: ") && left.err.contains(id),
        "{}",
        left.err
    );
    assert!(left.out().contains("write") && !left.out().contains("build"));
    let none = public("bob");
    let words = [
        "layout",
        "from-links",
        "run/links",
        "--leave-out-unknown",
        "--key",
        &none,
    ];
    assert_eq!(folder.linkwright(&words).status, Some(1));
}

#[test]
fn a_wrong_signature_is_refused_whatever_is_left_out() {
    let folder = recorded_run();
    let name = folder_names(&folder, "run/links", "write.");
    let text = String::from_utf8(folder.read(&name)).unwrap();
    folder.write(&name, text.replace("main.c", "main.d"));
    let (alice, ecdsa) = (public("alice"), public("ecdsa"));
    let words = [
        "layout",
        "from-links",
        "run/links",
        "--leave-out-unknown",
        "--key",
        &alice,
        &ecdsa,
    ];
    let refused = folder.linkwright(&words);
    assert_eq!(refused.status, Some(1));
    assert!(refused.err.contains("is wrong"), "{}", refused.err);
}

fn folder_names(folder: &Folder, below: &str, start: &str) -> String {
    let entries = std::fs::read_dir(folder.at(below)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.into_iter().find(|name| name.starts_with(start));
    format!("{below}/{}", name.unwrap())
}

#[test]
fn links_signed_by_gpg_are_taken() {
    let folder = Folder::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/commands/gpg.in");
    for name in ["write.4a1cb17d.link", "owner.asc"] {
        folder.write(
            &format!("links/{name}"),
            std::fs::read(format!("{data}/{name}")).unwrap(),
        );
    }
    let words = [
        "layout",
        "from-links",
        "links",
        "--format",
        "json",
        "--key",
        "links/owner.asc",
    ];
    let written = folder.linkwright(&words);
    assert_eq!(written.status, Some(0), "{}", written.err);
    assert_eq!(verified(&folder, written.out(), "links"), Some(0));
}

#[test]
fn what_is_there_is_not_replaced_and_an_expiry_lies_ahead() {
    let folder = recorded_run();
    folder.write("mine.layout", "by hand");
    let (alice, ecdsa) = (public("alice"), public("ecdsa"));
    let words = ["layout", "from-links", "run/links", "--key", &alice, &ecdsa];
    let refused = folder.linkwright(&[&words[..], &["--output", "mine.layout"]].concat());
    assert_eq!(refused.status, Some(1));
    assert_eq!(folder.read("mine.layout"), b"by hand");
    for expires in ["0d", "-1d", "2020-01-01T00:00:00Z", "soon"] {
        let option = format!("--expires={expires}");
        let refused = folder.linkwright(&[&words[..], &[&option]].concat());
        assert_eq!(refused.status, Some(2), "{expires}: {}", refused.err);
    }
}
