//! One case or more for each code: what is altered in a sound layout, and what is said of it then.
//! Exactly that is said, and nothing else.

use std::collections::BTreeSet;

use linkwright::keys::{AnyKey, KeyId};
use linkwright::report::{LintCode, LintPolicy};
use serde_json::{Value, json};

use super::{Beside, id, key, linted, object, shown, sound};

/// A subkey of the OpenPGP key `rsa` of the tests.
const RSA_SUBKEY: &str = "03cdb652e7cc3dd006d32149fd7abae2aa30c2e4";
const ROOT: &str = include_str!("../../certificates/root.pem");
const EXPIRED_ROOT: &str = include_str!("../../certificates/expired-root.pem");
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDELyMoo8+cUEujHuE0/tUVUFFa\nWcY4iMkN9Ned1Vusue/DbGBsZiCgNMJY1X6ebbcaE4iJjnGszdY0XvZl7FpHVHgw\nh4mer1JLr3rRaWvphJiomHvMdCpQF/ap0J9QtsmKSwcZY/vrXOO02JglZUuaur7r\nLVtGlLCUB53CGLShSwIDAQAB\n-----END PUBLIC KEY-----";
const RSA_2048: &str = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqelXNU60UXbF+jmfQLX1\nwRjdsYhc/ohkLr1L6W9j0wQOqpZaXHde9u0VdoGGDuB/NO1GZvlmoNW8QqQ83GYM\nwgSDa4cmAnogb9xQl4eXqfphvJZL+P5makpdNcNbyw66azHu3dVIcAu9Tx+DKSwP\nWWInCWUYtBCAYl+L1RJg0QV9DgOOp0IvvzD/Wk8Hu9bhQB7R2Xe1fxmiNo9Lysm+\nx4iu9k9YifmvD/WFU4PWGMiXuYTeWUJlYPVeSeuKQWTFyOtbL0rbUP7UN4G0kUS8\nFIkn5denS1RrsscOzu0DUU9X+cbLwlBhI7P7lozGs45mT9/YO3odZ6RDAe9yLfV7\nsQIDAQAB\n-----END PUBLIC KEY-----";

/// Changes: `POINTER = JSON`, one a line; `remove POINTER`. Then what is found, one a line.
const CASES: &[(&str, &str)] = &[
    // Form.
    (
        "/steps/1/threshold = 0",
        "error layout-invalid /steps/1/threshold",
    ),
    (
        "/steps/1/expected_products/1 = [\"MAKE\", \"app.tar\"]",
        "error layout-invalid /steps/1/expected_products/1",
    ),
    (
        "/steps/1/expected_product = []\nremove /steps/1/expected_products",
        "warning list-empty /steps/1\nerror field-misspelt /steps/1/expected_product",
    ),
    (
        "/steps/0/materials = []",
        "error field-misspelt /steps/0/materials",
    ),
    (
        "/inspect/0/comment = \"\"",
        "warning field-unknown /inspect/0/comment",
    ),
    ("/expiry = \"\"", "error field-misspelt /expiry"),
    (
        "/steps = []\n/inspect = []\n/keys = {}",
        "error layout-empty ",
    ),
    (
        "/steps = []\n/keys = {}\n/inspect/0/expected_materials = [[\"DISALLOW\",\"*\"]]\n/inspect/0/expected_products = [[\"DISALLOW\",\"*\"]]",
        "warning layout-without-steps /steps",
    ),
    (
        "/inspect/0/name = \"un/tar\"",
        "error name-invalid /inspect/0/name",
    ),
    (
        "/inspect/0/name = \"\"",
        "error name-invalid /inspect/0/name",
    ),
    (
        "/inspect/0/name = \"un tar\"",
        "note name-awkward /inspect/0/name",
    ),
    (
        "/inspect/0/name = \"pack\"",
        "error name-twice /inspect/0/name",
    ),
    // Expiry.
    ("remove /expires", "error expiry-missing "),
    ("/expires = \"\"", "error expiry-missing /expires"),
    ("/expires = \"soon\"", "error layout-invalid /expires"),
    (
        "/expires = \"2030-09-01T12:00:00Z\"",
        "error expiry-past /expires",
    ),
    (
        "/expires = \"2030-09-20T00:00:00Z\"",
        "warning expiry-soon /expires",
    ),
    (
        "/expires = \"2033-01-01T00:00:00Z\"",
        "warning expiry-far /expires",
    ),
    // Keys.
    (
        "/keys/$carol = $carol.key",
        "warning key-unused /keys/$carol",
    ),
    (
        "/keys/$bob/keyval/public = \"00\"",
        "error key-unusable /keys/$bob\nerror threshold-unreachable /steps/1/threshold",
    ),
    (
        "/keys/c0ffee = {}",
        "warning key-unusable /keys/c0ffee\nwarning key-unused /keys/c0ffee",
    ),
    (
        "/keys/c0ffee = $alice.key\n/steps/0/pubkeys/1 = \"c0ffee\"",
        "warning key-twice /keys/c0ffee",
    ),
    (
        "/steps/0/pubkeys/1 = \"c0ffee\"",
        "error key-missing /steps/0/pubkeys/1",
    ),
    // People.
    (
        "/steps/0/pubkeys = []\nremove /keys/$alice",
        "error step-without-functionary /steps/0/pubkeys",
    ),
    (
        "/steps/0/threshold = 2",
        "error threshold-unreachable /steps/0/threshold",
    ),
    (
        "/keys/c0ffee = $alice.key\n/steps/0/pubkeys/1 = \"c0ffee\"\n/steps/0/threshold = 2",
        "warning key-twice /keys/c0ffee\nerror threshold-unreachable /steps/0/threshold",
    ),
    (
        "/steps/1/pubkeys/1 = \"$alice\"",
        "warning key-alone-everywhere /steps",
    ),
    (
        "/steps/1/pubkeys/1 = \"$alice\"\n/steps/1/threshold = 2",
        "",
    ),
    // Certificates.
    (
        "/steps/0/cert_constraints = [{\"common_name\":\"x\",\"roots\":[\"*\"]}]",
        "error constraint-unsatisfiable /steps/0/cert_constraints/0",
    ),
    (
        "/rootcas/aa = $root\n/steps/0/cert_constraints = [{\"common_name\":\"x\",\"roots\":[\"bb\"]}]",
        "error constraint-unsatisfiable /steps/0/cert_constraints/0",
    ),
    (
        "/rootcas/aa = $root\n/steps/0/cert_constraints = [{\"common_name\":\"x\"}]",
        "error constraint-unsatisfiable /steps/0/cert_constraints/0",
    ),
    (
        "/rootcas/aa = $root\n/steps/0/cert_constraints = [{\"common_name\":\"x\",\"roots\":[\"*\"]}]\n/steps/0/threshold = 5",
        "",
    ),
    (
        "/rootcas/aa = $expired\n/steps/0/cert_constraints = [{\"common_name\":\"x\",\"roots\":[\"*\"]}]",
        "warning root-expired /rootcas/aa\nerror constraint-unsatisfiable /steps/0/cert_constraints/0",
    ),
    ("/rootcas/aa = $root", "warning root-unused /rootcas"),
    (
        "/rootcas/aa = $root\n/steps/0/cert_constraints = [{\"common_name\":\"*\",\"dns_names\":[\"*\"],\"emails\":[\"*\"],\"organizations\":[\"*\"],\"uris\":[\"*\"],\"roots\":[\"aa\"]}]",
        "warning constraint-takes-anyone /steps/0/cert_constraints/0",
    ),
    (
        "/rootcas/aa = $root\n/steps/0/cert_constraints = [{\"dns_names\":[\"*.x\"],\"uris\":[\"spiffe://x/*\"],\"roots\":[\"*\"]}]",
        "warning constraint-looks-like-pattern /steps/0/cert_constraints/0",
    ),
    // Lists.
    (
        "/steps/0/expected_materials = []",
        "warning list-empty /steps/0/expected_materials",
    ),
    (
        "remove /inspect/0/expected_materials",
        "note list-empty /inspect/0",
    ),
    (
        "/steps/0/expected_materials = [[\"DELETE\", \"x\"], [\"REQUIRE\", \"y\"]]",
        "warning list-open /steps/0/expected_materials",
    ),
    (
        "/steps/1/expected_materials/1 = [\"DISALLOW\", \"src/*\"]",
        "note list-open /steps/1/expected_materials/1",
    ),
    (
        "remove /steps/1/expected_materials/1",
        "warning list-refuses-nothing /steps/1/expected_materials",
    ),
    (
        "/steps/1/expected_materials/2 = [\"REQUIRE\", \"src/main.c\"]",
        "error require-after-taken /steps/1/expected_materials/2",
    ),
    (
        "/steps/0/expected_materials = [[\"ALLOW\", \"*\"], [\"REQUIRE\", \"x\"]]",
        "warning list-open /steps/0/expected_materials\nwarning allow-everything /steps/0/expected_materials/0\nerror require-after-taken /steps/0/expected_materials/1",
    ),
    // Rules.
    (
        "/steps/0/expected_products/1 = [\"ALLOW\", \"**\"]",
        "warning allow-everything /steps/0/expected_products/1\nnote pattern-looks-foreign /steps/0/expected_products/1\nerror disallow-without-effect /steps/0/expected_products/2",
    ),
    (
        "/steps/0/expected_products = [[\"CREATE\", \"src/*\"], [\"CREATE\", \"src/main.*\"], [\"DISALLOW\", \"*\"]]",
        "warning rule-shadowed /steps/0/expected_products/1",
    ),
    (
        "/steps/0/expected_products = [[\"DISALLOW\", \"*.o\"], [\"CREATE\", \"src/*.o\"], [\"CREATE\", \"src/*\"], [\"DISALLOW\", \"*\"]]",
        "warning rule-shadowed /steps/0/expected_products/1",
    ),
    (
        "/steps/0/expected_products/3 = [\"DISALLOW\", \"x\"]",
        "note rule-shadowed /steps/0/expected_products/3",
    ),
    (
        "/steps/1/expected_materials = [[\"ALLOW\", \"src/*\"], [\"MATCH\", \"src/*\", \"WITH\", \"PRODUCTS\", \"FROM\", \"write\"], [\"DISALLOW\", \"*\"]]",
        "note materials-unexplained /steps/1/expected_materials/0\nwarning rule-shadowed /steps/1/expected_materials/1",
    ),
    (
        "/steps/1/expected_materials = [[\"MATCH\", \"src/*\", \"WITH\", \"PRODUCTS\", \"FROM\", \"write\"], [\"ALLOW\", \"*\"]]",
        "warning list-refuses-nothing /steps/1/expected_materials\nwarning rule-without-effect /steps/1/expected_materials/0\nwarning allow-everything /steps/1/expected_materials/1",
    ),
    (
        "/steps/0/expected_products = [[\"CREATE\", \"src/*\"], [\"DISALLOW\", \"src/*\"], [\"ALLOW\", \"s*\"], [\"DISALLOW\", \"*\"]]",
        "",
    ),
    (
        "/steps/0/expected_products = [[\"CREATE\", \"src/*\"], [\"REQUIRE\", \"src/main.c\"], [\"DISALLOW\", \"*\"]]",
        "warning require-after-taken /steps/0/expected_products/1",
    ),
    (
        "/steps/0/expected_products = [[\"CREATE\", \"src/*\"], [\"DELETE\", \"x\"], [\"DISALLOW\", \"*\"]]",
        "warning rule-on-wrong-side /steps/0/expected_products/1",
    ),
    (
        "/steps/0/expected_materials = [[\"CREATE\", \"x\"], [\"DISALLOW\", \"*\"]]",
        "warning rule-on-wrong-side /steps/0/expected_materials/0",
    ),
    // Patterns.
    (
        "/steps/0/expected_products/1 = [\"CREATE\", \"^src/.*$\"]",
        "warning pattern-looks-foreign /steps/0/expected_products/1\nwarning match-without-counterpart /steps/1/expected_materials/0\nwarning match-without-counterpart /inspect/0/expected_products/1\nnote products-unprotected /steps/0/expected_products/1\nerror require-then-disallowed /steps/0/expected_products/0",
    ),
    (
        "/steps/0/expected_products/3 = [\"CREATE\", \"[z-a]\"]",
        "error pattern-matches-nothing /steps/0/expected_products/3\nwarning rule-shadowed /steps/0/expected_products/3\nnote products-unprotected /steps/0/expected_products/3",
    ),
    (
        "/steps/0/expected_products/0 = [\"REQUIRE\", \"src/*.c\"]",
        "warning require-looks-like-pattern /steps/0/expected_products/0",
    ),
    (
        "/steps/1/expected_materials/0 = [\"MATCH\", \"src/*\", \"IN\", \"src\", \"WITH\", \"PRODUCTS\", \"IN\", \"src\", \"FROM\", \"write\"]",
        "warning pattern-repeats-prefix /steps/1/expected_materials/0",
    ),
    (
        "/steps/1/expected_materials/0 = [\"MATCH\", \"*\", \"IN\", \"s*\", \"WITH\", \"PRODUCTS\", \"IN\", \"src\", \"FROM\", \"write\"]",
        "warning prefix-looks-like-pattern /steps/1/expected_materials/0\nwarning match-without-counterpart /steps/1/expected_products/0",
    ),
    (
        "/steps/1/expected_materials/0 = [\"MATCH\", \"*\", \"IN\", \"./src\", \"WITH\", \"PRODUCTS\", \"IN\", \"src\", \"FROM\", \"write\"]",
        "warning pattern-looks-foreign /steps/1/expected_materials/0\nwarning match-without-counterpart /steps/1/expected_products/0",
    ),
    // What MATCH compares with.
    (
        "/steps/1/expected_materials/0/5 = \"writes\"",
        "error match-from-unknown /steps/1/expected_materials/0",
    ),
    (
        "/steps/1/expected_materials/0/5 = \"untar\"",
        "error match-from-unknown /steps/1/expected_materials/0",
    ),
    (
        "/steps/0/expected_materials = [[\"MATCH\", \"src/*\", \"WITH\", \"PRODUCTS\", \"FROM\", \"pack\"], [\"DISALLOW\", \"*\"]]",
        "warning match-from-later /steps/0/expected_materials/0",
    ),
    (
        "/steps/1/expected_products/0/3 = \"PRODUCTS\"",
        "warning match-with-itself /steps/1/expected_products/0",
    ),
    (
        "/steps/1/expected_materials/0/1 = \"source/*\"",
        "warning match-without-counterpart /steps/1/expected_materials/0\nwarning match-without-counterpart /steps/1/expected_products/0",
    ),
    (
        "/inspect/0/expected_materials/0/1 = \"ap.tar\"",
        "warning match-without-counterpart /inspect/0/expected_materials/0",
    ),
    (
        "/inspect/0/expected_materials/0/1 = \"{NAME}.tar\"",
        "note parameter-open /inspect/0/expected_materials/0/1",
    ),
    (
        "/steps/1/expected_products = [[\"REQUIRE\",\"app.tar\"],[\"DISALLOW\",\"*\"]]",
        "error require-then-disallowed /steps/1/expected_products/0\nwarning match-without-counterpart /inspect/0/expected_materials/0\nwarning match-without-counterpart /inspect/0/expected_products/0",
    ),
    (
        "/steps/1/expected_command = [\"{{NAME}}\", \"${HOME}\"]",
        "",
    ),
    // Flow.
    (
        "/steps/1/expected_materials/0 = [\"ALLOW\", \"src/*\"]",
        "warning materials-unexplained /steps/1/expected_materials/0",
    ),
    (
        "/steps/1/expected_materials/2 = [\"DISALLOW\", \"*\"]\n/steps/1/expected_materials/1 = [\"ALLOW\", \"Makefile\"]",
        "note materials-unexplained /steps/1/expected_materials/1",
    ),
    (
        "/steps/1/expected_materials/2 = [\"DISALLOW\", \"*\"]\n/steps/1/expected_materials/1 = [\"MODIFY\", \"src/version\"]",
        "warning materials-unexplained /steps/1/expected_materials/1",
    ),
    (
        "/steps/1/expected_materials = [[\"DISALLOW\", \"*\"]]\n/inspect/0/expected_products/1 = [\"ALLOW\", \"src/*\"]",
        "warning products-unprotected /steps/0/expected_products\nwarning match-without-counterpart /steps/1/expected_products/0",
    ),
    (
        "/steps/0/expected_products/3 = [\"DISALLOW\", \"*\"]\n/steps/0/expected_products/2 = [\"CREATE\", \"log\"]",
        "note products-unprotected /steps/0/expected_products/2",
    ),
    (
        "/inspect = []",
        "note products-unprotected /steps/1/expected_products",
    ),
    // Inspections.
    (
        "/inspect/0/run = []",
        "error inspection-empty-run /inspect/0/run",
    ),
    (
        "remove /inspect/0/run",
        "error inspection-empty-run /inspect/0",
    ),
    (
        "/inspect/0/run = [\"sh\", \"-c\", \"tar xf *\"]",
        "warning inspection-runs-shell /inspect/0/run",
    ),
    (
        "/inspect/0/run = [\"env\", \"bash\", \"-ec\", \"ls; curl x\"]",
        "warning inspection-runs-shell /inspect/0/run\nwarning inspection-uses-network /inspect/0/run",
    ),
    (
        "/inspect/0/run = [\"git\", \"clone\", \"x\"]",
        "note inspection-tool-uncommon /inspect/0/run\nwarning inspection-uses-network /inspect/0/run",
    ),
    (
        "/inspect/0/run = [\"./check\"]",
        "warning inspection-runs-product /inspect/0/run",
    ),
    (
        "/inspect/0/run = [\"sh\", \"check.sh\"]",
        "warning inspection-runs-product /inspect/0/run",
    ),
    (
        "/inspect/0/run = [\"make\", \"check\"]",
        "warning inspection-runs-product /inspect/0/run\nnote inspection-tool-uncommon /inspect/0/run",
    ),
    (
        "/inspect/0/run = [\"python3\", \"/opt/check.py\"]",
        "note inspection-tool-uncommon /inspect/0/run",
    ),
];

fn words(text: &str) -> String {
    let certificate = |pem: &str| json!({"keyval": {"certificate": pem, "public": ""}}).to_string();
    let mut text = text
        .replace("$root", &certificate(ROOT))
        .replace("$expired", &certificate(EXPIRED_ROOT));
    for name in ["alice", "bob", "carol"] {
        text = text
            .replace(&format!("${name}.key"), &object(name).to_string())
            .replace(&format!("${name}"), &id(name));
    }
    text
}

fn parent<'v>(layout: &'v mut Value, pointer: &str) -> (&'v mut Value, String) {
    let (above, last) = pointer.rsplit_once('/').unwrap();
    if layout.pointer(above).is_none() {
        layout[&above[1..]] = json!({});
    }
    (layout.pointer_mut(above).unwrap(), last.to_owned())
}

fn altered(changes: &str) -> Value {
    let mut layout = sound();
    for change in changes.lines() {
        if let Some(pointer) = change.strip_prefix("remove ") {
            let (above, last) = parent(&mut layout, pointer);
            if let Some(list) = above.as_array_mut() {
                list.remove(last.parse().unwrap());
            } else {
                above.as_object_mut().unwrap().remove(&last).unwrap();
            }
            continue;
        }
        let (pointer, json) = change.split_once(" = ").unwrap();
        let value: Value = serde_json::from_str(json).unwrap();
        let (above, last) = parent(&mut layout, pointer);
        if let Some(list) = above.as_array_mut() {
            let at: usize = last.parse().unwrap();
            if at == list.len() {
                list.push(value);
            } else {
                list[at] = value;
            }
        } else {
            above[&last] = value;
        }
    }
    layout
}

#[test]
fn of_a_sound_layout_nothing_is_said() {
    let found = linted(&sound(), &Beside::default());
    assert_eq!(shown(&found.findings), [""; 0]);
    assert_eq!(found.expires.unwrap().to_string(), "2031-01-01T00:00:00Z");
}

#[test]
fn each_alteration_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for (changes, expected) in CASES {
        let (changes, expected) = (words(changes), words(expected));
        let found = linted(&altered(&changes), &Beside::default());
        let mut found = shown(&found.findings);
        let mut expected: Vec<String> = expected.lines().map(str::to_owned).collect();
        found.sort();
        expected.sort();
        if found != expected {
            wrong.push(format!(
                "{changes}\n  expected {expected:#?}\n  found {found:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_case() {
    let cases = CASES.iter().flat_map(|(_, expected)| expected.lines());
    let mut seen: BTreeSet<String> = cases
        .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
        .collect();
    // In tests of their own, here and in `command`.
    seen.extend(
        [
            "artifact-only-allowed",
            "artifact-refused",
            "artifact-unchecked",
            "command-differs",
            "evidence-missing",
            "key-expired",
            "key-never-signed",
            "key-weak",
            "lint-incomplete",
            "owner-is-functionary",
            "rule-took-nothing",
        ]
        .map(str::to_owned),
    );
    for code in LintCode::ALL {
        assert!(seen.contains(code.name()), "{code}");
    }
}

#[test]
fn a_list_that_is_too_long_to_be_read_over_whole_is_told() {
    let with = |rules: usize| {
        let rules = (0..rules).map(|at| json!(["CREATE", format!("src/{at}")]));
        let mut layout = sound();
        layout["steps"][1]["expected_products"] = rules.chain([json!(["DISALLOW", "*"])]).collect();
        let found = linted(&layout, &Beside::default()).findings;
        let incomplete = |line: &String| line.contains("lint-incomplete");
        shown(&found)
            .into_iter()
            .filter(incomplete)
            .collect::<Vec<_>>()
    };
    assert_eq!(with(499), Vec::<String>::new());
    assert_eq!(
        with(500),
        ["warning lint-incomplete /steps/1/expected_products"]
    );
    // The inspection compares with it on both sides.
    assert_eq!(
        with(1000),
        [
            "warning lint-incomplete /steps/1/expected_products",
            "warning lint-incomplete /inspect/0/expected_materials/0",
            "warning lint-incomplete /inspect/0/expected_products/0",
        ]
    );
}

#[test]
fn what_keeps_a_layout_from_being_one_cannot_be_allowed() {
    let mut layout = sound();
    layout["steps"][1]["threshold"] = json!(0);
    let mut found = linted(&layout, &Beside::default());
    found.enforce(&LintPolicy {
        allowed: LintCode::ALL.iter().copied().collect(),
        ..LintPolicy::default()
    });
    assert_eq!(
        shown(&found.findings),
        ["error layout-invalid /steps/1/threshold"]
    );
}

#[test]
fn whoever_signs_the_layout_should_not_perform_a_step() {
    let expected = ["warning owner-is-functionary /steps"];
    let signed = Beside {
        signed_by: vec![KeyId::new(id("bob"))],
        ..Beside::default()
    };
    assert_eq!(shown(&linted(&sound(), &signed).findings), expected);
    let given = Beside {
        owners: vec![AnyKey::from(key("bob"))],
        ..Beside::default()
    };
    let found = linted(&sound(), &given);
    assert_eq!(shown(&found.findings), expected);
    assert!(found.findings[0].message.contains("`pack`"), "{found:?}");
    let other = Beside {
        signed_by: vec![KeyId::new(id("owner"))],
        owners: vec![AnyKey::from(key("carol"))],
        ..Beside::default()
    };
    assert_eq!(shown(&linted(&sound(), &other).findings), [""; 0]);
}

fn openpgp(name: &str) -> (String, Value) {
    let text = include_str!("../../../src/keys/testdata/openpgp/signatures.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let object = all[name]["object"].clone();
    (object["keyid"].as_str().unwrap().to_owned(), object)
}

/// What is said of a layout whose first step is alice's with another key.
fn with_key(keyid: &str, key: Value) -> Vec<String> {
    let mut layout = sound();
    layout["keys"].as_object_mut().unwrap().remove(&id("alice"));
    layout["keys"][keyid] = key;
    layout["steps"][0]["pubkeys"] = json!([keyid]);
    let found = shown(&linted(&layout, &Beside::default()).findings);
    found
        .iter()
        .map(|line| line.replace(keyid, "KEY"))
        .collect()
}

#[test]
fn weak_and_expired_keys_are_told() {
    let rsa = |public: &str, scheme: &str| {
        let key = json!({"keytype": "rsa", "scheme": scheme, "keyval": {"public": public}});
        with_key("aa", key)
    };
    let unreachable = "error threshold-unreachable /steps/0/threshold";
    assert_eq!(
        rsa(RSA_1024, "rsassa-pss-sha256"),
        ["error key-weak /keys/KEY", unreachable]
    );
    assert_eq!(
        rsa(RSA_2048, "rsassa-pss-sha256"),
        ["note key-weak /keys/KEY"]
    );
    assert_eq!(
        rsa(RSA_2048, "rsassa-pss-sha1"),
        ["error key-unusable /keys/KEY", unreachable]
    );
    for (name, expected) in [
        ("ed25519", &[][..]),
        ("dsa", &["warning key-weak /keys/KEY"][..]),
        ("rsa1024", &["error key-weak /keys/KEY", unreachable][..]),
    ] {
        let (keyid, key) = openpgp(name);
        assert_eq!(with_key(&keyid, key), expected, "{name}");
    }
    let (keyid, mut key) = openpgp("ed25519");
    key["creation_time"] = json!(1_500_000_000);
    key["validity_period"] = json!(86_400);
    key.as_object_mut().unwrap().remove("subkeys");
    assert_eq!(with_key(&keyid, key), ["error key-expired /keys/KEY"]);
}

#[test]
fn an_openpgp_key_and_its_subkey_are_one_signer() {
    let (keyid, key) = openpgp("rsa");
    let mut layout = sound();
    layout["keys"][&keyid] = key;
    layout["keys"].as_object_mut().unwrap().remove(&id("alice"));
    let found = |layout: &Value| shown(&linted(layout, &Beside::default()).findings);
    layout["steps"][0]["pubkeys"] = json!([keyid, RSA_SUBKEY]);
    let alone = found(&layout);
    layout["steps"][0]["threshold"] = json!(2);
    let mut expected = alone.clone();
    expected.push("error threshold-unreachable /steps/0/threshold".to_owned());
    expected.sort();
    let mut both = found(&layout);
    both.sort();
    assert_eq!(both, expected);
    assert!(
        !alone.iter().any(|one| one.contains("key-missing")),
        "{alone:?}"
    );
}

#[test]
fn a_layout_that_is_none_is_told_all_the_same() {
    for layout in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"steps": 7, "inspect": {}}),
    ] {
        let found = linted(&layout, &Beside::default()).findings;
        assert!(
            found.iter().any(|one| one.code == LintCode::LayoutInvalid),
            "{layout}: {found:?}"
        );
    }
    // What can be read is looked at, whatever else cannot.
    let found = linted(
        &altered("/steps/0 = 7\n/inspect/0/run = []"),
        &Beside::default(),
    );
    let found = shown(&found.findings);
    assert!(
        found.contains(&"error layout-invalid /steps/0".to_owned()),
        "{found:?}"
    );
    assert!(
        found.contains(&"error inspection-empty-run /inspect/0/run".to_owned()),
        "{found:?}"
    );
}
