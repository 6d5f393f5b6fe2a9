//! What is written from which links. That the engine accepts it, and what it refuses, is held by
//! `tests/layouts/from_links.rs`.

use super::*;
use crate::keys::{KeyId, PublicKey};
use crate::model::{Algorithm, ArtifactPath, Artifacts, DigestSet};

const ALICE: &[u8] = include_bytes!("../../../tests/data/test-only-alice.pem.pub");
const BOB: &[u8] = include_bytes!("../../../tests/data/test-only-bob.pem.pub");

fn artifacts(list: &str) -> Artifacts {
    let one = |word: &str| {
        let (name, content) = word.rsplit_once('=').unwrap();
        let content = content.parse().unwrap();
        (
            ArtifactPath::claimed(name),
            DigestSet::of_sha256([content; 32]),
        )
    };
    list.split_whitespace().map(one).collect()
}

fn signed(by: &[u8], path: &str, name: &str, materials: &str, products: &str) -> Recorded {
    let key = PublicKey::from_pem(by).unwrap();
    let keyid = KeyId::new(if by == ALICE { "aa" } else { "bb" });
    Recorded {
        path: path.to_owned(),
        link: Link {
            name: name.to_owned(),
            materials: artifacts(materials),
            products: artifacts(products),
            command: vec![format!("do-{name}")],
            ..Link::default()
        },
        signer: Signer {
            signed_as: keyid.clone(),
            keyid,
            object: Value::Object(Object::new()),
            fingerprint: key.fingerprint(),
        },
    }
}

fn link(name: &str, materials: &str, products: &str) -> Recorded {
    signed(ALICE, name, name, materials, products)
}

fn written(links: &[Recorded], breadth: Breadth) -> Written {
    let wishes = Wishes {
        breadth,
        expires: "2050-01-01T00:00:00Z".to_owned(),
        readme: String::new(),
    };
    write(links, &wishes).unwrap()
}

fn steps(written: &Written) -> Vec<Object> {
    let layout = written.value.as_object().unwrap();
    let steps = layout.get("steps").unwrap().as_array().unwrap();
    steps
        .iter()
        .map(|step| step.as_object().unwrap().clone())
        .collect()
}

fn names(written: &Written) -> Vec<String> {
    let steps = steps(written);
    let name = |step: &Object| step.get("name").unwrap().as_str().unwrap().to_owned();
    steps.iter().map(name).collect()
}

/// The rules of one side of a step but for REQUIRE and the last, which is always the same.
fn rules_of(written: &Written, step: usize, side: Side) -> Vec<String> {
    let steps = steps(written);
    let list = steps[step].get(side.rules_field()).unwrap();
    let line = |rule: &Value| {
        let words = rule.as_array().unwrap().iter();
        words
            .map(|word| word.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut lines: Vec<String> = list.as_array().unwrap().iter().map(line).collect();
    assert_eq!(lines.pop().unwrap(), "DISALLOW *");
    lines.retain(|line| !line.starts_with("REQUIRE "));
    lines
}

fn required(written: &Written, step: usize, side: Side) -> usize {
    let steps = steps(written);
    let list = steps[step]
        .get(side.rules_field())
        .unwrap()
        .as_array()
        .unwrap();
    let is_require = |rule: &&Value| rule.as_array().unwrap()[0].as_str() == Some("REQUIRE");
    list.iter().filter(is_require).count()
}

use Side::{Materials, Products};

#[test]
fn steps_follow_the_flow_and_digests_are_pinned() {
    let links = [
        link("a-pack", "hello=9", "hello.tgz=20"),
        link(
            "b-build",
            "src/a.c=1 src/b.c=2",
            "src/a.c=1 src/b.c=2 hello=9",
        ),
        link("c-clone", "", "src/a.c=1 src/b.c=2 README=3"),
    ];
    let layout = written(&links, Breadth::Tight);
    assert_eq!(names(&layout), ["c-clone", "b-build", "a-pack"]);
    let none: [&str; 0] = [];
    assert_eq!(rules_of(&layout, 0, Materials), none);
    assert_eq!(
        rules_of(&layout, 0, Products),
        ["CREATE README", "CREATE src/a.c", "CREATE src/b.c"]
    );
    assert_eq!(
        rules_of(&layout, 1, Materials),
        ["MATCH src/* WITH PRODUCTS FROM c-clone"]
    );
    assert_eq!(
        rules_of(&layout, 1, Products),
        ["MATCH src/* WITH MATERIALS FROM b-build", "CREATE hello"]
    );
    assert_eq!(
        rules_of(&layout, 2, Materials),
        ["MATCH hello WITH PRODUCTS FROM b-build"]
    );
    assert_eq!(rules_of(&layout, 2, Products), ["CREATE hello.tgz"]);
    assert_eq!(required(&layout, 1, Products), 3);
}

#[test]
fn the_order_of_the_files_makes_no_difference() {
    let links = [
        link("b", "x=1", "x=2"),
        link("a", "", "x=1"),
        signed(BOB, "bob", "a", "", "x=1"),
    ];
    let backwards: Vec<Recorded> = links.iter().rev().cloned().collect();
    for breadth in [Breadth::Tight, Breadth::General] {
        assert_eq!(written(&links, breadth), written(&backwards, breadth));
    }
}

#[test]
fn as_many_are_needed_as_agree() {
    let links = [
        signed(ALICE, "one", "build", "a=1", "b=2"),
        signed(BOB, "two", "build", "a=1", "b=2"),
        signed(BOB, "again", "build", "a=1", "b=2"),
    ];
    let layout = written(&links, Breadth::Tight);
    let step = &steps(&layout)[0];
    assert_eq!(step.get("threshold"), Some(&Value::from(2)));
    assert_eq!(step.get("pubkeys"), Some(&Value::from(vec!["aa", "bb"])));
    assert_eq!(
        step.get("expected_command"),
        Some(&Value::from(vec!["do-build"]))
    );
}

#[test]
fn links_that_disagree_are_refused_by_name() {
    let links = [
        signed(ALICE, "one", "build", "", "b=2 c=1"),
        signed(BOB, "two", "build", "", "b=3 c=1"),
    ];
    let wishes = Wishes {
        breadth: Breadth::Tight,
        expires: String::new(),
        readme: String::new(),
    };
    assert_eq!(
        write(&links, &wishes).unwrap_err(),
        [FromLinksError::Disagree {
            step: "build".to_owned(),
            first: "one".to_owned(),
            other: "two".to_owned(),
            side: Products,
            artifact: "b".to_owned(),
        }]
    );
    assert_eq!(write(&[], &wishes), Err(vec![FromLinksError::NoLinks]));
    let mut weak = link("build", "", "");
    let mut digests = DigestSet::default();
    digests.insert(Algorithm::from_name("md5"), &[0; 16]);
    weak.link
        .products
        .insert(ArtifactPath::claimed("x"), digests);
    assert!(matches!(
        write(&[weak], &wishes).unwrap_err()[..],
        [FromLinksError::Weak { .. }]
    ));
    let odd = link("../build", "", "");
    assert!(matches!(
        write(&[odd], &wishes).unwrap_err()[..],
        [FromLinksError::StepName { .. }]
    ));
}

#[test]
fn what_changes_goes_and_stays_within_a_step() {
    let links = [link(
        "only",
        "gone=1 kept=2 version=3",
        "kept=2 version=4 new=5",
    )];
    let layout = written(&links, Breadth::Tight);
    assert_eq!(
        rules_of(&layout, 0, Materials),
        [
            "MATCH kept WITH PRODUCTS FROM only",
            "MODIFY version",
            "DELETE gone"
        ]
    );
    assert_eq!(
        rules_of(&layout, 0, Products),
        [
            "MATCH kept WITH MATERIALS FROM only",
            "MODIFY version",
            "CREATE new"
        ]
    );
    assert!(layout.comments["/steps/0/expected_materials/3"][0].starts_with("no earlier step"));
}

#[test]
fn what_only_the_step_itself_vouches_for_is_named() {
    let few = "src/a[1].c=1 src/b.c=2";
    let layout = written(
        &[link("build", few, &format!("{few} hello=3"))],
        Breadth::Tight,
    );
    assert_eq!(
        rules_of(&layout, 0, Materials),
        [
            "MATCH src/a[[]1].c WITH PRODUCTS FROM build",
            "MATCH src/b.c WITH PRODUCTS FROM build"
        ]
    );
    let decides = |layout: &Written| {
        let said = layout.comments.values().flatten();
        said.filter(|line| line.ends_with("whoever can put them there decides what they are"))
            .count()
    };
    assert_eq!(decides(&layout), 1);
    let many: Vec<String> = (0..40).map(|n| format!("src/{n}.c=1")).collect();
    let many = many.join(" ");
    let layout = written(&[link("build", &many, &many)], Breadth::Tight);
    assert_eq!(
        rules_of(&layout, 0, Materials),
        ["MATCH src/*.c WITH PRODUCTS FROM build"]
    );
    assert_eq!(decides(&layout), 1);
    let said: Vec<&String> = layout.comments.values().flatten().collect();
    let open = "taken together: 40 names, so that others can be added";
    assert!(said.iter().any(|line| *line == open), "{said:?}");
}

#[test]
fn a_material_that_nothing_explains_is_only_allowed_and_said() {
    let layout = written(&[link("build", "main.c=1", "hello=2")], Breadth::Tight);
    assert_eq!(rules_of(&layout, 0, Materials), ["ALLOW main.c"]);
    let said = &layout.comments["/steps/0/expected_materials/1"];
    assert!(said[0].starts_with("no step explains"), "{said:?}");
}

#[test]
fn other_folders_are_found_by_content() {
    let links = [
        link(
            "build",
            "",
            "target/release/hello=1 target/release/man/hello.1=2",
        ),
        link(
            "pack",
            "dist/hello=1 dist/man/hello.1=2",
            "stage/opt/hello=1 stage/x=3",
        ),
        link("scan", "hello=1", ""),
    ];
    let layout = written(&links, Breadth::Tight);
    assert_eq!(
        rules_of(&layout, 1, Materials),
        ["MATCH * IN dist WITH PRODUCTS IN target/release FROM build"]
    );
    assert_eq!(
        rules_of(&layout, 1, Products),
        [
            "MATCH hello IN stage/opt WITH MATERIALS IN dist FROM pack",
            "CREATE stage/x"
        ]
    );
    assert_eq!(
        rules_of(&layout, 2, Materials),
        ["MATCH hello WITH PRODUCTS IN stage/opt FROM pack"]
    );
}

#[test]
fn general_says_nothing_of_folders_whose_names_change() {
    let links = [
        link("clone", "", "a.c=1 b.c=2"),
        link("unpack", "", "hello-1.2.3/a.c=1 hello-1.2.3/b.c=2"),
    ];
    let layout = written(&links, Breadth::Tight);
    assert_eq!(
        rules_of(&layout, 1, Products),
        ["MATCH * IN hello-1.2.3 WITH PRODUCTS FROM clone"]
    );
    let layout = written(&links, Breadth::General);
    assert_eq!(rules_of(&layout, 1, Products), ["CREATE hello-*/*"]);
    assert!(layout.comments["/steps/1/expected_products/1"][0].starts_with("2 of these"));
}

#[test]
fn empty_files_are_no_evidence_of_a_move() {
    let mut build = link("build", "", "a/__init__.py=1");
    let mut pack = link("pack", "", "b/__init__.py=1");
    for (one, name) in [(&mut build, "a/__init__.py"), (&mut pack, "b/__init__.py")] {
        let nothing = DigestSet::of_sha256(explain::EMPTY_SHA256);
        one.link
            .products
            .insert(ArtifactPath::claimed(name), nothing);
    }
    let layout = written(&[build, pack], Breadth::Tight);
    assert_eq!(rules_of(&layout, 1, Products), ["CREATE b/__init__.py"]);
}

#[test]
fn awkward_names_are_taken_literally() {
    let links = [link("build", "", "*=1 a[b]?=2 IN=3")];
    let layout = written(&links, Breadth::Tight);
    assert_eq!(
        rules_of(&layout, 0, Products),
        ["CREATE IN", "CREATE [*]", "CREATE a[[]b][?]"]
    );
    let steps = steps(&layout);
    let list = steps[0].get("expected_products").unwrap();
    assert!(
        list.as_array()
            .unwrap()
            .contains(&Value::from(vec!["REQUIRE", "a[b]?"]))
    );
}

#[test]
fn general_leaves_folders_versions_and_hashes_open() {
    let links = [link(
        "build",
        "",
        "src/a.c=1 src/b.c=2 hello-1.2.3.tar.gz=3 Makefile=4 out/lib-0a1b2c3d4e.so=5",
    )];
    let layout = written(&links, Breadth::General);
    assert_eq!(
        rules_of(&layout, 0, Products),
        [
            "CREATE Makefile",
            "CREATE hello-*.tar.gz",
            "CREATE out/lib-*.so",
            "CREATE src/*"
        ]
    );
    assert_eq!(required(&layout, 0, Products), 1);
}

#[test]
fn what_does_not_pin_never_takes_what_was_pinned() {
    // Every second file of a folder changes.
    let before: Vec<String> = (0..40).map(|n| format!("src/{n}.c=1")).collect();
    let after: Vec<String> = (0..40)
        .map(|n| format!("src/{n}.c={}", 1 + n % 2))
        .collect();
    let links = [
        link("clone", "", &before.join(" ")),
        link("patch", &before.join(" "), &after.join(" ")),
    ];
    for breadth in [Breadth::Tight, Breadth::General] {
        let layout = written(&links, breadth);
        let lines = rules_of(&layout, 1, Products);
        let modify = lines
            .iter()
            .filter(|line| line.starts_with("MODIFY "))
            .count();
        assert_eq!(modify, 20, "{lines:?}");
    }
}

#[test]
fn a_circle_and_an_undecided_order_are_said() {
    let links = [
        link("one", "b=1", "a=1"),
        link("two", "a=1", "b=1"),
        link("zero", "", "z=9"),
    ];
    let layout = written(&links, Breadth::Tight);
    assert_eq!(names(&layout), ["zero", "one", "two"]);
    let said: Vec<&String> = layout.comments.values().flatten().collect();
    assert!(
        said.iter().any(|line| line.starts_with("a circle:")),
        "{said:?}"
    );
    let links = [
        link("test", "a=1", ""),
        link("scan", "a=1", ""),
        link("get", "", "a=1"),
    ];
    let layout = written(&links, Breadth::Tight);
    assert_eq!(names(&layout), ["get", "scan", "test"]);
    assert!(layout.comments["/steps/2"][0].contains("`scan`"));
}

#[test]
fn who_read_the_old_version_comes_before_who_changed_it() {
    let links = [
        link("bump", "v=1", "v=2"),
        link("clone", "", "v=1"),
        link("review", "v=1", ""),
    ];
    assert_eq!(
        names(&written(&links, Breadth::Tight)),
        ["clone", "review", "bump"]
    );
}

#[test]
fn a_hundred_thousand_artifacts_become_few_rules() {
    let list = |from: u32| {
        let names = (0..100_000).map(|n| {
            let name = format!(
                "tree/{}/{}/file{n}.{}",
                n % 7,
                n % 501,
                ["c", "h", "o"][n as usize % 3]
            );
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&(n + from).to_be_bytes());
            (ArtifactPath::claimed(&name), DigestSet::of_sha256(digest))
        });
        names.collect::<Artifacts>()
    };
    let (mut clone, mut build) = (link("clone", "", ""), link("build", "", ""));
    clone.link.products = list(1);
    build.link.materials = list(1);
    build.link.products = list(500);
    for breadth in [Breadth::Tight, Breadth::General] {
        let layout = written(&[clone.clone(), build.clone()], breadth);
        for step in 0..2 {
            for side in [Materials, Products] {
                let lines = rules_of(&layout, step, side);
                assert!(lines.len() <= 24, "{lines:?}");
            }
        }
    }
}
