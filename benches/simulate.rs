//! How many tamperings are judged in a second, on a chain of 5 steps with 1,000 artifacts each.
//!
//!     simulate [STEPS ARTIFACTS]
//!
//! `cargo bench --bench simulate` measures. Each step hands the sources on and makes a file of its own.

use std::process::ExitCode;
use std::time::Instant;

use linkwright::author::simulate::{Plan, Resigned, TRIED_AT_MOST, simulate};
use linkwright::encoding::{Value, compact, parse};
use linkwright::keys::{
    AnyKey, Authority as _, FileKey, KeyIdStyle, KeyKind, Signer as _, generate,
};
use linkwright::model::{
    ArtifactPath, Artifacts, DigestSet, Envelope, Evidence, Form, FoundBy, ItemName, Link,
    LinkFile, Moment,
};
use linkwright::report::Means;
use linkwright::verify::{Baseline, Owner, Request};

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "its answer")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let (steps, artifacts) = match numbers[..] {
        [steps, artifacts] => (steps, artifacts),
        _ => (5, 1_000),
    };
    match measure(steps, artifacts) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn key() -> Result<FileKey, Failure> {
    let made = generate(KeyKind::Ed25519)?;
    Ok(FileKey::from_pem(made.pkcs8_pem.as_bytes(), None)?)
}

fn sign(payload: Value, key: &FileKey) -> Result<Envelope, Failure> {
    let mut envelope = Envelope::unsigned(payload, Form::Metablock)?;
    let signature = key.sign(envelope.message())?;
    envelope.add_signature(&key.public().id(KeyIdStyle::Current), &signature);
    Ok(Envelope::from_bytes(envelope.to_text().as_bytes())?)
}

fn sources(count: usize) -> Vec<(ArtifactPath, DigestSet)> {
    let one = |number: usize| {
        let mut digest = [7; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        let name = format!("src/part{:02}/file{number:05}.c", number % 20);
        (ArtifactPath::claimed(&name), DigestSet::of_sha256(digest))
    };
    (0..count).map(one).collect()
}

/// A step that hands on what the one before had, and makes a file.
fn step(number: usize, id: &str) -> String {
    let from = number.wrapping_sub(1);
    let materials = match number {
        0 => String::new(),
        _ => format!(r#"["MATCH","*","WITH","PRODUCTS","FROM","step{from}"],"#),
    };
    let sources = match number {
        0 => r#"["CREATE","src/*"]"#.to_owned(),
        _ => format!(r#"["MATCH","*","WITH","MATERIALS","FROM","step{number}"]"#),
    };
    format!(
        r#"{{"_type":"step","name":"step{number}","pubkeys":["{id}"],"threshold":1,"expected_command":[],
            "expected_materials":[{materials}["DISALLOW","*"]],
            "expected_products":[{sources},["CREATE","made/*"],["DISALLOW","*"]]}}"#
    )
}

/// The layout as it is signed.
fn payload(keys: &[FileKey]) -> Result<Value, Failure> {
    let ids = keys.iter().map(|key| key.public().id(KeyIdStyle::Current));
    let (mut objects, mut steps) = (Vec::new(), Vec::new());
    for (number, (key, id)) in keys.iter().zip(ids).enumerate() {
        let object = key.public().to_value(KeyIdStyle::Current);
        objects.push(format!("\"{id}\":{}", compact(&object)));
        steps.push(step(number, id.as_str()));
    }
    let text = format!(
        r#"{{"_type":"layout","expires":"2040-01-01T00:00:00Z","readme":"","keys":{{{}}},"steps":[{}],"inspect":[]}}"#,
        objects.join(","),
        steps.join(",")
    );
    Ok(parse(text.as_bytes())?)
}

/// The links of all steps.
fn links(keys: &[FileKey], artifacts: usize) -> Result<Evidence, Failure> {
    let mut evidence = Evidence::default();
    let mut there = Artifacts::new();
    for (number, key) in keys.iter().enumerate() {
        let name = format!("step{number}");
        let mut after = match number {
            0 => sources(artifacts).into_iter().collect(),
            _ => there.clone(),
        };
        let made = ArtifactPath::claimed(&format!("made/{name}"));
        after.insert(made, DigestSet::of_sha256([u8::try_from(number)?; 32]));
        let link = Link {
            name: name.clone(),
            materials: std::mem::replace(&mut there, after.clone()),
            products: after,
            ..Link::default()
        };
        let file = LinkFile {
            path: format!("{name}.link"),
            named: key.public().id(KeyIdStyle::Current).short().to_owned(),
            found: FoundBy::Name,
            content: Ok(sign(link.to_value(), key)?),
            below: Evidence::default(),
        };
        evidence.insert(ItemName::new(&name)?, file);
    }
    Ok(evidence)
}

fn measure(steps: usize, artifacts: usize) -> Result<String, Failure> {
    let owner = key()?;
    let keys: Vec<FileKey> = (0..steps).map(|_| key()).collect::<Result<_, _>>()?;
    let payload = payload(&keys)?;
    let (layout, evidence) = (sign(payload.clone(), &owner)?, links(&keys, artifacts)?);
    let owner = AnyKey::from(owner.public().clone());
    let owners = [Owner {
        ids: owner.ids(),
        authority: &owner,
    }];
    let request = Request {
        document: "layout",
        sublayout_inspections: true,
        ..Request::new(
            &layout,
            &evidence,
            &owners,
            Moment::parse("2030-01-01T00:00:00Z").ok_or("no moment")?,
        )
    };
    let begin = Instant::now();
    let baseline = Baseline::of(&request).map_err(|report| format!("{:?}", report.findings))?;
    let resigned = Resigned::new(&payload, Form::Metablock, &baseline)?;
    let plan = Plan {
        document: "layout",
        signed: true,
        now: request.now,
        tried_at_most: TRIED_AT_MOST.get(),
    };
    let simulation = simulate(&baseline, &resigned, &plan)?.simulation;
    let seconds = begin.elapsed().as_secs_f64();
    let tried = Means::ALL
        .iter()
        .map(|means| simulation.tally(*means).tried);
    let tried: usize = tried.sum();
    let rate = f64::from(u32::try_from(tried)?) / seconds;
    Ok(format!(
        "{steps} steps, {artifacts} artifacts: {tried} tamperings in {seconds:.2} s, {rate:.0} per second, \
         all included; {} refused without a key",
        simulation.overall().share()
    ))
}
