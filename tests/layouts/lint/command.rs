//! The command: what it prints, in which form, with which status; and links of a run beside the layout.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{NOW, demo, id, sound};
use crate::support::{Ended, Folder, public};

fn lint(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut all = vec!["layout", "lint", "--now", NOW];
    all.extend(arguments);
    folder.linkwright(&all)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn metablock(layout: &Value, keyid: &str) -> Value {
    json!({"signatures": [{"keyid": keyid, "sig": "00"}], "signed": layout})
}

fn dsse(layout: &Value) -> Value {
    json!({
        "payload": STANDARD.encode(layout.to_string()),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": id("owner"), "sig": "AA=="}],
    })
}

/// A sound layout but for one wrong name in a MATCH, and a list that is not closed.
fn flawed() -> Value {
    let mut layout = sound();
    layout["steps"][1]["expected_materials"][0][5] = json!("writes");
    layout["steps"][0]["expected_materials"] = json!([]);
    layout
}

/// Codes and places in the JSON answer.
fn found(ended: &Ended) -> Vec<String> {
    let answer: Value = serde_json::from_slice(&ended.out).unwrap();
    assert_eq!(answer["schema"], "linkwright/lint/v1");
    let of = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all = Vec::new();
    for layout in answer["layouts"].as_array().unwrap() {
        for one in layout["findings"].as_array().unwrap() {
            let (code, pointer) = (of(&one["code"]), of(&one["place"]["pointer"]));
            all.push(format!("{} {code} {pointer}", of(&one["severity"])));
        }
    }
    all
}

#[test]
fn the_line_is_underlined_in_every_form() {
    let folder = Folder::new();
    folder.write("bare", pretty(&flawed()));
    folder.write("metablock", pretty(&metablock(&flawed(), &id("owner"))));
    folder.write("dsse", dsse(&flawed()).to_string());
    for name in ["bare", "metablock", "dsse"] {
        let ended = lint(&folder, &[name]);
        assert_eq!(ended.status, Some(1), "{}", ended.err);
        let said = ended.out();
        assert!(
            said.starts_with(&format!("layout `{name}`, expires 2031-01-01T00:00:00Z\n")),
            "{said}"
        );
        assert!(
            said.contains("error[match-from-unknown]: step `pack`: it compares with `writes`"),
            "{said}"
        );
        assert!(said.contains("help: perhaps `write` is meant"), "{said}");
        assert!(
            said.contains("\"expected_materials\": []") && said.contains("^^"),
            "{said}"
        );
        assert!(said.ends_with("1 error, 1 warning\n"), "{said}");
    }
}

#[test]
fn the_weights_decide_the_status() {
    let folder = Folder::new();
    folder.write("sound", sound().to_string());
    let mut open = sound();
    open["steps"][0]["expected_materials"] = json!([]);
    open["inspect"][0]["run"] = json!(["unzip", "app.zip"]);
    folder.write("open", open.to_string());
    folder.write("flawed", flawed().to_string());
    let said = lint(&folder, &["sound"]);
    assert_eq!(
        (said.status, said.out().ends_with("nothing found\n")),
        (Some(0), true)
    );
    for (arguments, status) in [
        (&["open"][..], 0),
        (&["open", "--deny", "warnings"], 1),
        (&["open", "--deny", "warnings", "--allow", "list-empty"], 0),
        (&["open", "--deny", "list-empty"], 1),
        (&["open", "--deny", "inspection-tool-uncommon"], 1),
        (&["open", "--deny", "list-open"], 0),
        (&["flawed"], 1),
        (&["sound", "flawed"], 1),
        (&["flawed", "--allow", "match-from-unknown"], 0),
        (&["open", "--deny", "no-such-code"], 2),
        (&["open", "--deny", "list-open", "--allow", "list-open"], 2),
        (&[], 2),
        (&["missing"], 3),
        (&["open", "missing", "flawed"], 3),
        (&["open", "--key", "missing"], 3),
    ] {
        let ended = lint(&folder, arguments);
        assert_eq!(ended.status, Some(status), "{arguments:?}: {}", ended.err);
    }
    let allowed = lint(&folder, &["flawed", "--allow", "match-from-unknown"]);
    assert!(
        allowed.out().contains("note[match-from-unknown]"),
        "allowed, and told all the same"
    );
    let mistyped = lint(&folder, &["open", "--deny", "list-opens"]);
    assert!(
        mistyped.err.contains("did you mean `list-open`?"),
        "{}",
        mistyped.err
    );
}

#[test]
fn what_is_no_layout_is_unreadable() {
    let folder = Folder::new();
    folder.write("bytes", b"\xff\xfe");
    folder.write("link", json!({"_type": "link", "name": "a"}).to_string());
    folder.write("twice", "{\"_type\":\"layout\",\"steps\":[],\"steps\":[]}");
    for name in ["bytes", "link", "twice", "."] {
        let ended = lint(&folder, &[name, "--format", "json"]);
        assert_eq!(ended.status, Some(3), "{name}: {}", ended.err);
        assert_eq!(found(&ended), [""; 0]);
        assert!(ended.err.contains(&format!("`{name}`")), "{}", ended.err);
        let answer: Value = serde_json::from_slice(&ended.out).unwrap();
        let unreadable = answer["unreadable"].as_array().unwrap();
        assert_eq!(unreadable.len(), 1, "{answer}");
        assert_eq!(unreadable[0]["path"], name);
        let why = unreadable[0]["why"].as_str().unwrap();
        assert!(ended.err.contains(why), "{why}: {}", ended.err);
    }
}

#[test]
fn whose_key_signs_is_in_the_signatures_or_given() {
    let folder = Folder::new();
    folder.write("bare", sound().to_string());
    folder.write("bobs", metablock(&sound(), &id("bob")).to_string());
    let json = ["--format", "json"];
    assert_eq!(
        found(&lint(&folder, &[&["bare"], &json[..]].concat())),
        [""; 0]
    );
    let expected = ["warning owner-is-functionary /steps"];
    assert_eq!(
        found(&lint(&folder, &[&["bobs"], &json[..]].concat())),
        expected
    );
    let (bob, carol) = (public("bob"), public("carol"));
    let given = |key: &str| found(&lint(&folder, &["bare", "--key", key, "--format", "json"]));
    assert_eq!(given(&bob), expected);
    assert_eq!(given(&carol), [""; 0]);
}

#[test]
fn sarif_keeps_to_the_schema_of_oasis_and_names_lines() {
    let folder = Folder::new();
    folder.write("a b.layout", pretty(&metablock(&flawed(), &id("owner"))));
    folder.write("dsse", dsse(&flawed()).to_string());
    let ended = lint(&folder, &["a b.layout", "dsse", "--format", "sarif"]);
    assert_eq!(ended.status, Some(1));
    let answer: Value = serde_json::from_slice(&ended.out).unwrap();
    let mut schema: Value =
        serde_json::from_str(include_str!("../../schemas/sarif-2.1.0.json")).unwrap();
    // As in the tests of `verify`'s: this pattern has a bracket too much.
    for part in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][part]["properties"]["language"];
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    let schema = jsonschema::draft7::new(&schema).unwrap();
    assert!(
        schema.is_valid(&answer),
        "{:?}",
        schema.iter_errors(&answer).next()
    );
    let run = &answer["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    for (at, result) in results.iter().enumerate() {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let has_lines = place["region"]["startLine"].is_u64();
        assert_eq!(
            has_lines,
            at < 2,
            "the payload of DSSE has no lines in its file"
        );
    }
    assert_eq!(
        results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "a%20b.layout"
    );
}

#[test]
fn in_sarif_a_run_that_could_not_read_a_layout_is_no_success() {
    let folder = Folder::new();
    folder.write("sound", sound().to_string());
    let sarif = |paths: &[&str]| -> Value {
        let ended = lint(&folder, &[paths, &["--format", "sarif"]].concat());
        let answer: Value = serde_json::from_slice(&ended.out).unwrap();
        let run = answer["runs"][0]["invocations"][0].clone();
        assert_eq!(run["exitCode"], ended.status.unwrap(), "{run}");
        run
    };
    let good = sarif(&["sound"]);
    assert_eq!(good["executionSuccessful"], true);
    assert_eq!(good["toolExecutionNotifications"], json!([]));
    let bad = sarif(&["sound", "missing"]);
    assert_eq!(bad["executionSuccessful"], false);
    let told = bad["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{bad}");
    let place = &told[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "missing");
}

#[test]
fn links_that_may_have_been_missed_leave_it_undecided() {
    let folder = Folder::new();
    folder.write("root.layout", sound().to_string());
    folder.write("torn.tar.gz", b"\x1f\x8b\x08\x00torn");
    let links = ["-d", "torn.tar.gz"];
    let ended = lint(&folder, &[&["root.layout"], &links[..]].concat());
    assert_eq!(ended.status, Some(3), "{}", ended.err);
    assert!(ended.err.contains("`torn.tar.gz`"), "{}", ended.err);
    for command in ["keys", "simulate"] {
        let words = [&["layout", command, "root.layout"], &links[..]].concat();
        let ended = folder.linkwright(&words);
        assert_eq!(ended.status, Some(3), "{command}: {}", ended.err);
    }
    let words = ["layout", "diff", "root.layout", "root.layout"];
    let ended = folder.linkwright(&[&words, &links[..]].concat());
    assert_eq!(ended.status, Some(3), "{}", ended.err);
}

/// A link as a step of the sound layout leaves it.
fn link(name: &str, command: &[&str], materials: &[(&str, u8)], products: &[(&str, u8)]) -> Value {
    let side = |artifacts: &[(&str, u8)]| -> Value {
        let one = |(name, byte): &(&str, u8)| {
            let digest = json!({"sha256": format!("{byte:02x}").repeat(32)});
            ((*name).to_owned(), digest)
        };
        Value::Object(artifacts.iter().map(one).collect())
    };
    json!({
        "_type": "link", "name": name, "command": command, "materials": side(materials),
        "products": side(products), "byproducts": {}, "environment": {},
    })
}

#[test]
fn a_good_run_of_a_sound_layout_has_nothing_to_tell() {
    let folder = Folder::new();
    folder.write("root.layout", sound().to_string());
    run(&folder);
    let ended = lint(
        &folder,
        &["root.layout", "--links", ".", "--format", "json"],
    );
    assert_eq!(
        (found(&ended), ended.status),
        (Vec::new(), Some(0)),
        "{}",
        ended.err
    );
}

/// Links of a good run.
fn run(folder: &Folder) {
    let sources = [("src/main.c", 1), ("src/util.c", 2)];
    let write = link("write", &[], &[], &sources);
    let tar = ["tar", "cf", "app.tar", "src"];
    let pack = link(
        "pack",
        &tar,
        &sources,
        &[sources[0], sources[1], ("app.tar", 3)],
    );
    put(folder, &write, "alice");
    put(folder, &pack, "bob");
}

fn put(folder: &Folder, link: &Value, by: &str) {
    let name = format!("{}.{}.link", link["name"].as_str().unwrap(), &id(by)[..8]);
    folder.write(&name, metablock(link, &id(by)).to_string());
}

#[test]
fn evidence_tells_what_a_layout_does_not_hold() {
    let mut layout = sound();
    layout["keys"][id("carol")] = super::object("carol");
    layout["steps"][0]["pubkeys"] = json!([id("alice"), id("carol")]);
    layout["steps"][0]["expected_products"] = json!([
        ["REQUIRE", "src/README"],
        ["CREATE", "src/*.c"],
        ["CREATE", "src/*.h"],
        ["DISALLOW", "*.tmp"],
    ]);
    layout["steps"][1]["expected_materials"] = json!([
        ["MATCH", "src/main.c", "WITH", "PRODUCTS", "FROM", "write"],
        ["ALLOW", "src/*"],
        ["DISALLOW", "*"],
    ]);
    layout["steps"].as_array_mut().unwrap().push(json!({
        "name": "ship", "pubkeys": [id("carol")], "expected_command": [],
        "expected_materials": [["MATCH", "app.tar", "WITH", "PRODUCTS", "FROM", "pack"], ["DISALLOW", "*"]],
        "expected_products": [["DISALLOW", "*"]],
    }));
    let folder = Folder::new();
    folder.write("root.layout", layout.to_string());
    run(&folder);
    let write = link(
        "write",
        &[],
        &[],
        &[
            ("src/main.c", 1),
            ("src/util.c", 2),
            ("x.tmp", 4),
            ("notes", 5),
        ],
    );
    put(&folder, &write, "alice");
    let sources = [("src/main.c", 1), ("src/util.c", 2)];
    let pack = link(
        "pack",
        &["make"],
        &sources,
        &[sources[0], sources[1], ("app.tar", 3)],
    );
    put(&folder, &pack, "bob");
    let plain = found(&lint(&folder, &["root.layout", "--format", "json"]));
    let mut all = found(&lint(
        &folder,
        &["root.layout", "--links", ".", "--format", "json"],
    ));
    all.retain(|one| !plain.contains(one));
    assert_eq!(
        all,
        [
            "warning artifact-unchecked /steps/0/expected_products",
            "warning artifact-refused /steps/0/expected_products/0",
            "note rule-took-nothing /steps/0/expected_products/2",
            "warning artifact-refused /steps/0/expected_products/3",
            "note key-never-signed /steps/0/pubkeys/1",
            "warning command-differs /steps/1/expected_command",
            "note artifact-only-allowed /steps/1/expected_materials/1",
            "warning evidence-missing /steps/2",
        ]
    );
    let ended = lint(&folder, &["root.layout", "--links", "nowhere"]);
    assert_eq!(ended.status, Some(3), "{}", ended.err);
}

#[test]
fn nothing_from_a_layout_reaches_the_terminal_unescaped() {
    let mut layout = demo::reference();
    layout["steps"][0]["name"] = json!("a\u{1b}[2Jb");
    layout["steps"][1]["expected_materials"][0][1] = json!("^\u{1b}]0;x\u{7}");
    layout["keys"]["\u{1b}c"] = json!({"keytype": "\u{9b}31m"});
    layout["inspect"][0]["run"] = json!(["\u{1b}[31m/x"]);
    let folder = Folder::new();
    folder.write("l", pretty(&layout));
    folder.write("d", dsse(&layout).to_string());
    for (name, format) in [
        ("l", "human"),
        ("d", "human"),
        ("l", "json"),
        ("l", "sarif"),
    ] {
        let ended = lint(&folder, &[name, "--format", format, "--color", "never"]);
        let bad = |c: char| c.is_control() && c != '\n';
        assert!(
            !ended.out().contains(bad),
            "{name} {format}: {:?}",
            ended.out()
        );
    }
}
