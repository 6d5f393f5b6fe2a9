//! The life of an artifact, as the report tells it.

use serde_json::{Value, json};

use linkwright::encoding::{self, parse};
use linkwright::keys::KeyIdStyle;
use linkwright::model::{Envelope, Evidence, Form, FoundBy, ItemName, LinkFile, Moment};
use linkwright::render;
use linkwright::verify::{Owner, Request, verify};

use super::bodies::chain::{Chain, Person, Unpack, decide};

fn stages(report: &Value, at: usize) -> Vec<String> {
    let word = |stage: &Value, name: &str| stage[name].as_str().unwrap().to_owned();
    let stages = report["explanations"][at]["stages"].as_array().unwrap();
    let line = |stage: &Value| {
        ["item", "side", "path", "outcome"]
            .map(|name| word(stage, name))
            .join(" ")
    };
    stages.iter().map(line).collect()
}

#[test]
fn the_life_of_an_artifact_goes_through_sublayouts_and_ends_where_it_ends() {
    let said = decide(&Chain::new().files).said;
    let report: Value = serde_json::from_str(&said).unwrap();
    let bob = format!("build.{}", Person::Bob.id().short());
    assert_eq!(
        stages(&report, 0),
        [
            "fetch product src/main.c taken".to_owned(),
            "build material src/main.c taken".to_owned(),
            "build product src/main.c taken".to_owned(),
            format!("{bob}/compile material src/main.c taken"),
            format!("{bob}/compile product src/main.c taken"),
            format!("{bob}/link material src/main.c taken"),
            format!("{bob}/link product src/main.c taken"),
        ]
    );
    let origin = &report["explanations"][0]["stages"][0];
    let people = [Person::Alice, Person::Bob].map(|person| json!(person.id().as_str()));
    assert_eq!(origin["signed_by"], json!(people));
    assert_eq!(report["explanations"][1]["similar"], json!(["out/app"]));
}

/// A chain of two steps, whose artifacts go from one folder to another.
fn moved(digest: &str) -> Value {
    let (alice, bob) = (Person::Alice, Person::Bob);
    let sha256 = |byte: &str| json!({"sha256": byte.repeat(32)});
    let object = |person: Person| {
        let value = person.public().to_value(KeyIdStyle::Current);
        serde_json::from_str::<Value>(&encoding::compact(&value)).unwrap()
    };
    let step = |name: &str, by: Person, materials: Value, products: Value| {
        json!({"_type": "step", "name": name, "pubkeys": [by.id().as_str()], "threshold": 1,
            "expected_command": [], "expected_materials": materials, "expected_products": products})
    };
    let link = |name: &str, materials: Value, products: Value| {
        json!({"_type": "link", "name": name, "materials": materials, "products": products,
            "command": [], "byproducts": {}, "environment": {}})
    };
    let moving = "MATCH * IN dist WITH PRODUCTS IN out FROM make";
    let moving: Vec<&str> = moving.split(' ').collect();
    let layout = json!({"_type": "layout", "expires": "2040-01-01T00:00:00Z", "readme": "",
        "keys": {alice.id().as_str(): object(alice), bob.id().as_str(): object(bob)},
        "steps": [
            step("make", alice, json!([]), json!([["CREATE", "out/*"]])),
            step("ship", bob, json!([moving, ["DISALLOW", "*"]]), json!([])),
        ], "inspect": []});
    let sign = |payload: Value, by: Person| {
        let payload = parse(payload.to_string().as_bytes()).unwrap();
        let mut envelope = Envelope::unsigned(payload, Form::Metablock).unwrap();
        by.sign(&mut envelope);
        envelope
    };
    let layout = sign(layout, Person::Olga);
    let mut evidence = Evidence::default();
    let links = [
        ("make", alice, json!({}), json!({"out/a": sha256("11")})),
        (
            "ship",
            bob,
            json!({"dist/a": sha256(digest)}),
            json!({"dist/a": sha256(digest)}),
        ),
    ];
    for (name, by, materials, products) in links {
        let file = LinkFile {
            path: by.link(name),
            named: by.id().short().to_owned(),
            found: FoundBy::Name,
            content: Ok(sign(link(name, materials, products), by)),
            below: Evidence::default(),
        };
        evidence.insert(ItemName::new(name).unwrap(), file);
    }
    let owner = Owner {
        authority: Person::Olga.public(),
        ids: vec![Person::Olga.id()],
    };
    let owners = [owner];
    let request = Request {
        document: "root.layout",
        explain: &["out/a".to_owned(), "dist/a".to_owned()],
        ..Request::new(
            &layout,
            &evidence,
            &owners,
            Moment::parse("2030-01-01T00:00:00Z").unwrap(),
        )
    };
    let mut report = Vec::new();
    let outcome = verify(&request, &mut Unpack::default());
    render::json(&outcome.report, &mut report).unwrap();
    serde_json::from_slice(&report).unwrap()
}

#[test]
fn an_artifact_is_followed_under_its_other_names() {
    let report = moved("11");
    let life = [
        "make product out/a taken",
        "ship material dist/a taken",
        "ship product dist/a left",
    ];
    assert_eq!(stages(&report, 0), life);
    assert_eq!(stages(&report, 1), life);
    let same_as = &report["explanations"][0]["stages"][1]["same_as"];
    assert_eq!(
        *same_as,
        json!({"item": "make", "side": "product", "path": "out/a"})
    );
}

#[test]
fn where_an_artifact_was_refused_its_life_says_so() {
    let report = moved("22");
    assert_eq!(stages(&report, 0), ["make product out/a taken"]);
    let life = ["ship material dist/a refused", "ship product dist/a left"];
    assert_eq!(stages(&report, 1), life);
}
