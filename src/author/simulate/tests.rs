//! The quick verdicts against those of the whole procedure, for random chains and random mutants; and
//! what is found in chains whose holes are known.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::encoding::parse;
use crate::keys::{AnyKey, Authority as _, FileKey, KeyIdStyle, Signer as _};
use crate::model::{
    Algorithm, ArtifactPath, DigestSet, Envelope, Evidence, Form, FoundBy, Link, LinkFile, Side,
};
use crate::report::{Act, Report};
use crate::verify::{Edit, Mutant, Owner, Request, Slot, Stand};

const NOW: &str = "2030-01-01T00:00:00Z";

/// A step as the tests write it.
#[derive(Clone, Debug)]
struct Asked {
    name: &'static str,
    people: Vec<usize>,
    threshold: usize,
    materials: Vec<String>,
    products: Vec<String>,
    /// Who performed it, and what they recorded.
    links: Vec<(usize, Link)>,
}

fn keys() -> Vec<FileKey> {
    let key = |seed: u8| {
        let head = [
            0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
        ];
        let der = [&head[..], &[seed; 32]].concat();
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        FileKey::from_pem(pem.as_bytes(), None).unwrap()
    };
    (1..=4).map(key).collect()
}

fn words(lines: &[String]) -> String {
    let rule = |line: &String| {
        let words: Vec<String> = line.split(' ').map(|word| format!("{word:?}")).collect();
        format!("[{}]", words.join(","))
    };
    lines.iter().map(rule).collect::<Vec<_>>().join(",")
}

fn payload(steps: &[Asked], keys: &[FileKey], inspect: &str) -> crate::encoding::Value {
    let id = |index: &usize| keys[*index].public().id(KeyIdStyle::Current);
    let objects: Vec<String> = keys
        .iter()
        .take(3)
        .map(|key| {
            let object = key.public().to_value(KeyIdStyle::Current);
            let id = key.public().id(KeyIdStyle::Current);
            format!("\"{id}\":{}", crate::encoding::compact(&object))
        })
        .collect();
    let steps: Vec<String> = steps
        .iter()
        .map(|step| {
            let ids: Vec<String> = step.people.iter().map(|it| format!("\"{}\"", id(it))).collect();
            format!(
                r#"{{"_type":"step","name":"{}","pubkeys":[{}],"threshold":{},"expected_command":[],"expected_materials":[{}],"expected_products":[{}]}}"#,
                step.name,
                ids.join(","),
                step.threshold,
                words(&step.materials),
                words(&step.products)
            )
        })
        .collect();
    let text = format!(
        r#"{{"_type":"layout","expires":"2040-01-01T00:00:00Z","readme":"","keys":{{{}}},"steps":[{}],"inspect":[{inspect}]}}"#,
        objects.join(","),
        steps.join(",")
    );
    parse(text.as_bytes()).unwrap()
}

fn sign(payload: crate::encoding::Value, key: &FileKey) -> Envelope {
    let mut envelope = Envelope::unsigned(payload, Form::Metablock).unwrap();
    let signature = key.sign(envelope.message()).unwrap();
    envelope.add_signature(&key.public().id(KeyIdStyle::Current), &signature);
    envelope
}

/// The chain taken apart, and its copy; or why it does not pass.
fn chain(steps: &[Asked], inspect: &str) -> Result<(Baseline, Resigned), Box<Report>> {
    let keys = keys();
    let payload = payload(steps, &keys, inspect);
    let layout = sign(payload.clone(), &keys[3]);
    let mut evidence = Evidence::default();
    for step in steps {
        for (by, link) in &step.links {
            let mut link = link.clone();
            step.name.clone_into(&mut link.name);
            let short = keys[*by]
                .public()
                .id(KeyIdStyle::Current)
                .short()
                .to_owned();
            let file = LinkFile {
                path: format!("{}.{short}.link", step.name),
                named: short,
                found: FoundBy::Name,
                content: Ok(sign(link.to_value(), &keys[*by])),
                below: Evidence::default(),
            };
            evidence.insert(crate::model::ItemName::new(step.name).unwrap(), file);
        }
    }
    let owner = AnyKey::from(keys[3].public().clone());
    let owners = [Owner {
        ids: owner.ids(),
        authority: &owner,
    }];
    let request = Request {
        document: "layout",
        sublayout_inspections: true,
        ..Request::new(&layout, &evidence, &owners, Moment::parse(NOW).unwrap())
    };
    let baseline = Baseline::of(&request)?;
    let resigned = Resigned::new(&payload, Form::Dsse, &baseline).unwrap();
    Ok((baseline, resigned))
}

fn plan() -> Plan<'static> {
    Plan {
        document: "layout",
        signed: true,
        now: Moment::parse(NOW).unwrap(),
        tried_at_most: 10_000,
    }
}

/// Names whose prefixes, separators and endings the rules of the tests speak of.
const NAMES: [&str; 9] = [
    "a", "b", "d/a", "d/b", "e/a", "d\\a", "e/d/a", "d//a", "tool.sh",
];

fn digests() -> impl Strategy<Value = DigestSet> {
    let of = |byte: u8, algorithms: &[&str]| {
        let mut set = DigestSet::default();
        for algorithm in algorithms {
            let length = if *algorithm == "sha512" { 64 } else { 32 };
            set.insert(Algorithm::from_name(algorithm), &vec![byte; length]);
        }
        set
    };
    prop_oneof![
        8 => (1_u8..3).prop_map(move |byte| of(byte, &["sha256"])),
        2 => (1_u8..3).prop_map(move |byte| of(byte, &["sha256", "sha512"])),
        1 => (1_u8..3).prop_map(move |byte| of(byte, &["sha512"])),
        1 => Just(DigestSet::default()),
    ]
}

fn artifacts() -> impl Strategy<Value = Artifacts> {
    let one = (prop::sample::select(&NAMES[..]), digests());
    prop::collection::vec(one, 0..6).prop_map(|list| {
        let one = |(name, digests): (&str, DigestSet)| (ArtifactPath::claimed(name), digests);
        list.into_iter().map(one).collect()
    })
}

fn rule(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    let pattern = prop::sample::select(vec!["*", "a", "d/*", "e/*", "*a", "?", "d?a", "b", "*/a"]);
    let word = prop::sample::select(vec!["ALLOW", "CREATE", "DELETE", "MODIFY"]);
    let prefix = prop::sample::select(vec!["", "", "d", "e/", "e/d"]);
    let side = prop::sample::select(vec!["MATERIALS", "PRODUCTS"]);
    let matching = (
        pattern.clone(),
        prefix.clone(),
        side,
        prefix,
        prop::sample::select(from),
    );
    let matching = matching.prop_map(|(pattern, source, side, destination, from)| {
        let inside = |prefix: &str| match prefix {
            "" => String::new(),
            prefix => format!(" IN {prefix}"),
        };
        format!(
            "MATCH {pattern}{} WITH {side}{} FROM {from}",
            inside(source),
            inside(destination)
        )
    });
    prop_oneof![
        3 => (word, pattern.clone()).prop_map(|(word, pattern)| format!("{word} {pattern}")),
        4 => matching,
        1 => pattern.prop_map(|pattern| format!("DISALLOW {pattern}")),
        1 => prop::sample::select(&NAMES[..]).prop_map(|name| format!("REQUIRE {name}")),
    ]
}

const STEPS: [&str; 3] = ["one", "two", "three"];

fn asked(name: &'static str) -> impl Strategy<Value = Asked> {
    let list = || prop::collection::vec(rule(&STEPS), 0..5);
    let ends = any::<bool>();
    let link = (artifacts(), artifacts());
    (list(), list(), link, 1..3_usize, 1..4_usize, ends).prop_map(
        move |(mut materials, mut products, (before, after), threshold, links, ends)| {
            if ends {
                materials.push("DISALLOW *".to_owned());
                products.push("DISALLOW *".to_owned());
            }
            let link = Link {
                materials: before,
                products: after,
                ..Link::default()
            };
            Asked {
                name,
                people: vec![0, 1, 2],
                threshold,
                materials,
                products,
                links: (0..links.max(threshold))
                    .map(|by| (by, link.clone()))
                    .collect(),
            }
        },
    )
}

/// A chain that passes: where rules refuse, something is allowed before, or they are left out.
fn passing(mut steps: Vec<Asked>) -> Option<(Baseline, Resigned)> {
    for attempt in 0..4 {
        match chain(&steps, "") {
            Ok(chain) => return Some(chain),
            Err(report) => {
                for (step, item) in steps.iter_mut().zip(&report.items) {
                    if !item.has_errors() {
                        continue;
                    }
                    for list in [&mut step.materials, &mut step.products] {
                        if attempt < 2 {
                            let end = list.len().saturating_sub(1);
                            list.insert(end, "ALLOW *".to_owned());
                            list.retain(|rule| attempt == 0 || !rule.starts_with("REQUIRE"));
                        } else {
                            list.clear();
                        }
                    }
                }
            }
        }
    }
    None
}

type Change = (usize, bool, Index, Option<DigestSet>, Option<usize>);

fn change() -> impl Strategy<Value = Change> {
    let only = prop_oneof![4 => Just(None), 1 => (0..3_usize).prop_map(Some)];
    let to = prop_oneof![1 => Just(None), 3 => digests().prop_map(Some)];
    (0..3_usize, any::<bool>(), any::<Index>(), to, only)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    /// What is judged quickly is judged as the whole procedure does.
    #[test]
    fn the_quick_verdict_is_that_of_the_whole_procedure(
        one in asked("one"), two in asked("two"), three in asked("three"),
        mutants in prop::collection::vec(
            (
                prop::collection::vec(change(), 0..4),
                prop::collection::vec((0..3_usize, prop::collection::btree_set(0..3_usize, 0..4)), 0..3),
            ),
            12,
        ),
    ) {
        let Some((baseline, resigned)) = passing(vec![one, two, three]) else {
            return Ok(());
        };
        let rehearsal = simulate(&baseline, &resigned, &plan());
        prop_assert!(rehearsal.is_ok(), "{:?}", rehearsal.err());
        let rehearsal = rehearsal.unwrap();
        for (changes, others) in mutants {
            let stands: Vec<Stand> = others
                .into_iter()
                .enumerate()
                .filter(|(at, (step, _))| at == step)
                .map(|(_, (step, people))| {
                    let counted = baseline.steps()[step].counted.len();
                    let slot = |by: usize| Slot { by, like: by % counted };
                    let slots = people.into_iter().filter(|by| baseline.people().len() > *by);
                    baseline.stand(step, slots.map(slot).collect())
                })
                .collect();
            let edit = |(step, side, name, to, only): Change| Edit {
                step,
                side: if side { Side::Materials } else { Side::Products },
                name: (*name.get(&NAMES)).to_owned(),
                to,
                only,
            };
            let edits = changes.into_iter().map(edit).collect();
            let mutant = Mutant::new(stands.iter().collect(), edits);
            let quick = baseline.judge(&mutant);
            let whole = rehearsal.judged_wholly(&mutant, &plan()).unwrap();
            prop_assert_eq!(quick != Effect::Refused, whole, "{:?}: {:#?}", quick, mutant);
        }
    }
}

fn link(materials: &[(&str, u8)], products: &[(&str, u8)]) -> Link {
    let artifacts = |list: &[(&str, u8)]| {
        let one = |(name, byte): &(&str, u8)| {
            let digests = DigestSet::of_sha256([*byte; 32]);
            (ArtifactPath::claimed(name), digests)
        };
        list.iter().map(one).collect()
    };
    Link {
        materials: artifacts(materials),
        products: artifacts(products),
        ..Link::default()
    }
}

fn step(
    name: &'static str,
    people: &[usize],
    threshold: usize,
    rules: [&[&str]; 2],
    link: &Link,
) -> Asked {
    let lines = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
    Asked {
        name,
        people: people.to_vec(),
        threshold,
        materials: lines(rules[0]),
        products: lines(rules[1]),
        links: people.iter().map(|by| (*by, link.clone())).collect(),
    }
}

/// What passes: attacker, step, act and artifact.
fn holes(steps: &[Asked]) -> Vec<String> {
    let (baseline, resigned) = chain(steps, "").unwrap();
    let rehearsal = simulate(&baseline, &resigned, &plan()).unwrap();
    let simulation = &rehearsal.simulation;
    let one = |attempt: &Attempt| {
        format!(
            "{:?} {} {} {}",
            attempt.attacker,
            simulation.step(attempt.step),
            attempt.act.name(),
            attempt.to
        )
    };
    simulation.holes().map(one).collect()
}

fn keyless(steps: &[Asked]) -> Vec<String> {
    let mut holes = holes(steps);
    holes.retain(|hole| hole.starts_with("Between") || hole.starts_with("Within"));
    holes
}

#[test]
fn a_tight_chain_lets_through_only_what_its_steps_make() {
    let fetch = step(
        "fetch",
        &[0],
        1,
        [&["DISALLOW *"], &["CREATE main.c", "DISALLOW *"]],
        &link(&[], &[("main.c", 1)]),
    );
    let build = step(
        "build",
        &[1],
        1,
        [
            &[
                "MATCH main.c WITH PRODUCTS FROM fetch",
                "REQUIRE main.c",
                "DISALLOW *",
            ],
            &[
                "CREATE app",
                "MATCH main.c WITH PRODUCTS FROM fetch",
                "DISALLOW *",
            ],
        ],
        &link(&[("main.c", 1)], &[("app", 2), ("main.c", 1)]),
    );
    // REQUIRE behind MATCH refuses: the artifact is gone from the queue.
    let mut build = build;
    build.materials.remove(1);
    assert_eq!(
        keyless(&[fetch, build]),
        [
            "Between build remove main.c",
            "Within fetch change main.c",
            "Within fetch remove main.c",
            "Within build change app",
            "Within build remove app",
            "Within build remove main.c",
        ]
    );
}

#[test]
fn what_no_rule_pins_is_unprotected_between_the_steps() {
    let fetch = step("fetch", &[0], 1, [&[], &[]], &link(&[], &[("main.c", 1)]));
    let build = step(
        "build",
        &[1],
        1,
        [&["ALLOW *.c", "DISALLOW *"], &["DISALLOW *"]],
        &link(&[("main.c", 1)], &[]),
    );
    let found = keyless(&[fetch, build]);
    for act in [
        "change main.c",
        "remove main.c",
        "rename main.c",
        "add tampered.c",
    ] {
        let hole = format!("Between build {act}");
        assert!(found.contains(&hole), "{hole}: {found:?}");
    }
    assert!(!found.iter().any(|hole| hole == "Within build add tampered"));
}

#[test]
fn where_two_must_agree_one_key_is_not_enough_and_two_are() {
    let made = link(&[], &[("app", 1)]);
    let rules: [&[&str]; 2] = [&["DISALLOW *"], &["CREATE app", "DISALLOW *"]];
    let found = holes(&[step("build", &[0, 1], 2, rules, &made)]);
    assert!(
        !found.iter().any(|hole| hole.starts_with("Key(")),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|hole| hole.starts_with("Within")),
        "{found:?}"
    );
    assert!(
        found.contains(&"Keys(0, 1) build change app".to_owned()),
        "{found:?}"
    );
}

#[test]
fn what_is_built_twice_takes_both_keys() {
    let made = link(&[], &[("app", 1)]);
    let build = step(
        "build",
        &[0],
        1,
        [&[], &["CREATE app", "DISALLOW *"]],
        &made,
    );
    let again = ["MATCH app WITH PRODUCTS FROM build", "DISALLOW *"];
    let rebuild = step("rebuild", &[1], 1, [&[], &again], &made);
    let found = holes(&[build, rebuild]);
    // The second build records what it made, wherever the first one's file is.
    assert!(
        found.contains(&"Keys(0, 1) rebuild change app".to_owned()),
        "{found:?}"
    );
    assert!(
        !found.contains(&"Key(1) rebuild change app".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_withheld_link_that_nobody_needs_changes_nothing() {
    let made = link(&[], &[("app", 1)]);
    let rules: [&[&str]; 2] = [&[], &["CREATE app", "DISALLOW *"]];
    let (baseline, resigned) = chain(&[step("build", &[0, 1], 1, rules, &made)], "").unwrap();
    let rehearsal = simulate(&baseline, &resigned, &plan()).unwrap();
    let uncounted = rehearsal.simulation.uncounted[&Means::Links];
    assert!(uncounted.same > 0);
    let mut attempts = rehearsal.simulation.attempts.iter();
    assert!(!attempts.any(|it| it.act == Act::Withhold));
}

#[test]
fn what_is_looked_at_by_an_inspection_is_said() {
    let made = link(&[], &[("app", 1), ("doc", 2)]);
    let inspect = r#"{"_type":"inspection","name":"look","run":["true"],"expected_materials":[["MATCH","app","WITH","PRODUCTS","FROM","build"],["DISALLOW","*"]],"expected_products":[["MATCH","*","WITH","PRODUCTS","FROM","build"],["ALLOW","*"]]}"#;
    let steps = [step(
        "build",
        &[0],
        1,
        [&[], &["CREATE app", "CREATE doc", "DISALLOW *"]],
        &made,
    )];
    let (baseline, resigned) = chain(&steps, inspect).unwrap();
    let rehearsal = simulate(&baseline, &resigned, &plan()).unwrap();
    let simulation = &rehearsal.simulation;
    let lookers = |name: &str| {
        let change = |it: &&Attempt| it.act == Act::Change && it.to == name;
        let hole = simulation.holes().find(change).unwrap();
        simulation.lookers(hole).collect::<Vec<_>>()
    };
    assert_eq!(lookers("app"), ["look"]);
    assert!(lookers("doc").is_empty(), "no list can refuse it");
    let by_links = |simulation: &Simulation| -> Vec<Vec<String>> {
        let holes = simulation.holes();
        let holes = holes.filter(|it| matches!(it.attacker, Attacker::Links));
        let lookers = holes.map(|hole| simulation.lookers(hole).map(ToString::to_string).collect());
        lookers.collect()
    };
    let found = by_links(simulation);
    assert!(!found.is_empty() && found.iter().all(|names| names == &["look"]));
    let lenient = inspect.replace(r#",["DISALLOW","*"]"#, "");
    let (baseline, resigned) = chain(&steps, &lenient).unwrap();
    let rehearsal = simulate(&baseline, &resigned, &plan()).unwrap();
    let found = by_links(&rehearsal.simulation);
    assert!(!found.is_empty() && found.iter().all(Vec::is_empty));
}

#[test]
fn links_may_agree_once_what_they_disagree_about_is_gone() {
    let mut made = link(&[], &[("app", 1)]);
    let weak = ArtifactPath::claimed("weak");
    made.products.insert(weak, DigestSet::default());
    let mut build = step("build", &[0, 1], 1, [&[], &[]], &made);
    build.links.truncate(1);
    let (baseline, resigned) = chain(&[build], "").unwrap();
    let rehearsal = simulate(&baseline, &resigned, &plan()).unwrap();
    let both = baseline.stand(0, [0, 1].map(|by| Slot { by, like: 0 }).to_vec());
    let removed = Edit {
        step: 0,
        side: Side::Products,
        name: "weak".to_owned(),
        to: None,
        only: None,
    };
    for (edits, effect) in [(vec![], Effect::Refused), (vec![removed], Effect::Passes)] {
        let mutant = Mutant::new(vec![&both], edits);
        assert_eq!(baseline.judge(&mutant), effect);
        let whole = rehearsal.judged_wholly(&mutant, &plan()).unwrap();
        assert_eq!(whole, effect == Effect::Passes);
    }
}

#[test]
fn evidence_that_does_not_pass_is_no_baseline() {
    let made = link(&[], &[("app", 1)]);
    let steps = [step("build", &[0], 1, [&[], &["DISALLOW *"]], &made)];
    let report = chain(&steps, "").unwrap_err();
    assert!(report.has_errors());
}

#[test]
fn samples_are_even_and_what_is_left_out_is_counted() {
    assert_eq!(sampled((0..10).collect(), 5), [1, 3, 5, 7, 9]);
    assert_eq!(sampled(vec![1, 2], 5), [1, 2]);
    let many: Vec<(String, u8)> = (0..50).map(|n| (format!("f{n:02}.c"), 1)).collect();
    let many: Vec<(&str, u8)> = many
        .iter()
        .map(|(name, byte)| (name.as_str(), *byte))
        .collect();
    let steps = [step("fetch", &[0], 1, [&[], &[]], &link(&[], &many))];
    let (baseline, resigned) = chain(&steps, "").unwrap();
    let few = Plan {
        tried_at_most: 10,
        ..plan()
    };
    let rehearsal = simulate(&baseline, &resigned, &few).unwrap();
    let simulation = &rehearsal.simulation;
    assert_eq!(simulation.tally(Means::Within).tried, 10);
    assert_eq!(simulation.uncounted[&Means::Within].left_out, 150 + 1 - 10);
}

#[test]
fn an_attempt_that_is_not_there_is_lost_and_not_confirmed() {
    let fetch = step("fetch", &[0], 1, [&[], &[]], &link(&[], &[("main.c", 1)]));
    let (baseline, resigned) = chain(&[fetch], "").unwrap();
    let rehearsal = simulate(&baseline, &resigned, &plan()).unwrap();
    let lost = rehearsal.files(rehearsal.simulation.attempts.len());
    assert!(matches!(lost, Err(ResignError::Lost(_))), "{lost:?}");
    let lost = resigned.signed(&Link::default(), baseline.people().len());
    assert!(matches!(lost, Err(ResignError::Lost(_))), "{lost:?}");
}

#[test]
fn a_pattern_for_which_no_name_is_found_counts_as_left_out() {
    let rules: [&[&str]; 2] = [&[], &["ALLOW [!!]b", "ALLOW main.c", "DISALLOW *"]];
    let fetch = step("fetch", &[0], 1, rules, &link(&[], &[("main.c", 1)]));
    let (baseline, resigned) = chain(&[fetch], "").unwrap();
    let rehearsal = simulate(&baseline, &resigned, &plan()).unwrap();
    let uncounted = rehearsal.simulation.uncounted[&Means::Within];
    assert_eq!(uncounted.left_out, 1);
}
