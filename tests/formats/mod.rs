//! The forms of `verify`'s answer, over all cases of the conformance set of our own, in which every
//! code occurs: each form has every finding, keeps to its schema, and says the verdict that the exit
//! status says.

mod arbitrary;
mod hostile;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::cases::{Chain, all};
use crate::support::Folder;

/// Reports in all forms, as files beside the answer on stdout.
const OUTPUTS: [&str; 6] = [
    "r.json",
    "r.sarif",
    "r.xml",
    "r.md",
    "r.html",
    "r.code-quality.json",
];

/// What one case came to.
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) status: Option<i32>,
    pub(super) json: Value,
    pub(super) sarif: Value,
    pub(super) junit: String,
    pub(super) markdown: String,
    pub(super) html: String,
    pub(super) human: String,
    pub(super) quality: Value,
}

impl Answers {
    pub(super) fn of(name: &str, changes: &str, spare: &Folder) -> Self {
        Self::after(name, &Chain::of(changes), |_| (), spare)
    }

    /// After something was done to the files of a chain.
    pub(super) fn after(
        name: &str,
        chain: &Chain,
        done: impl FnOnce(&Folder),
        spare: &Folder,
    ) -> Self {
        let folder = Folder::new();
        chain.write(&folder);
        done(&folder);
        let mut arguments = chain.arguments();
        let format = arguments.iter().position(|word| word == "json").unwrap();
        arguments[format] = "human".to_owned();
        for output in OUTPUTS {
            arguments.push("--output".to_owned());
            arguments.push(spare.at(output).to_str().unwrap().to_owned());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = folder.linkwright(&arguments);
        let text = |file: &str| String::from_utf8(spare.read(file)).unwrap();
        Self {
            name: name.to_owned(),
            status: ended.status,
            json: spare.json("r.json"),
            sarif: spare.json("r.sarif"),
            junit: text("r.xml"),
            markdown: text("r.md"),
            html: text("r.html"),
            human: ended.out().to_owned(),
            quality: spare.json("r.code-quality.json"),
        }
    }

    /// All findings: the item's kind and name, code, severity, message.
    pub(super) fn findings(&self) -> Vec<[String; 5]> {
        let whole = json!({"kind": "", "name": "", "findings": self.json["findings"]});
        let items = self.json["items"].as_array().unwrap().iter();
        let mut found = Vec::new();
        for item in [&whole].into_iter().chain(items) {
            for finding in item["findings"].as_array().unwrap() {
                let of = |value: &Value| value.as_str().unwrap().to_owned();
                found.push([
                    of(&item["kind"]),
                    of(&item["name"]),
                    of(&finding["code"]),
                    of(&finding["severity"]),
                    of(&finding["message"]),
                ]);
            }
        }
        found
    }
}

/// All cases, each run once.
fn answers() -> &'static [Answers] {
    static ANSWERS: OnceLock<Vec<Answers>> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        let spare = Folder::new();
        let answer = |(name, changes): (String, String)| Answers::of(&name, &changes, &spare);
        all().into_iter().map(answer).collect()
    })
}

fn check(what: impl Fn(&Answers) -> Vec<String>) {
    let wrong = answers().iter().flat_map(|answers| {
        let wrong = what(answers).into_iter();
        wrong.map(|wrong| format!("{}: {wrong}", answers.name))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every object that a schema describes has the fields it names and no others.
fn closed(schema: &Value) -> Value {
    let mut schema = schema.clone();
    match &mut schema {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                if key != "required" && key != "enum" {
                    *value = closed(value);
                }
            }
            if object.get("type") == Some(&json!("object")) {
                let others = object.entry("additionalProperties");
                others.or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = closed(item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

fn complaints(schema: &Validator, document: &Value) -> Vec<String> {
    let errors = schema.iter_errors(document);
    errors
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect()
}

#[test]
fn the_json_answer_keeps_to_its_schema_and_the_schema_names_all_of_it() {
    let text = include_str!("../../src/manual/verify.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let printed = Folder::new().linkwright(&["man", "verify", "--schema"]);
    assert_eq!(printed.out(), text);
    let schema = jsonschema::draft202012::new(&closed(&schema)).unwrap();
    check(|answers| complaints(&schema, &answers.json));
    let mut wrong = answers()[0].json.clone();
    wrong["verdict"] = json!("maybe");
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn sarif_keeps_to_the_schema_of_oasis() {
    let text = include_str!("../schemas/sarif-2.1.0.json");
    let mut schema: Value = serde_json::from_str(text).unwrap();
    // This pattern has a bracket too much, which the validator refuses; we write no `language`.
    for part in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][part]["properties"]["language"];
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    let schema = jsonschema::draft7::new(&schema).unwrap();
    check(|answers| complaints(&schema, &answers.sarif));
    let mut wrong = answers()[0].sarif.clone();
    wrong["runs"][0]["results"] = json!([{"message": "a text"}]);
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn sarif_has_every_finding() {
    check(|answers| {
        let run = &answers.sarif["runs"][0];
        let results = run["results"].as_array().unwrap();
        let found: Vec<[String; 3]> = results
            .iter()
            .map(|result| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                [
                    text(&result["ruleId"]),
                    text(&result["level"]),
                    text(&result["message"]["text"]),
                ]
            })
            .collect();
        let mut wrong = Vec::new();
        let findings = answers.findings();
        let expected: Vec<[String; 3]> = findings
            .into_iter()
            .map(|[_, _, code, severity, message]| [code, severity, message])
            .collect();
        if found != expected {
            wrong.push(format!("{found:?}"));
        }
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            let rule = &run["tool"]["driver"]["rules"][index];
            let described = rule["shortDescription"]["text"] != rule["id"];
            if rule["id"] != result["ruleId"] || !described {
                wrong.push(format!("{rule}"));
            }
        }
        let mut prints = BTreeSet::new();
        for result in results {
            if !prints.insert(result["partialFingerprints"]["linkwright/v1"].to_string()) {
                wrong.push(format!("a fingerprint twice: {result}"));
            }
        }
        wrong
    });
}

#[test]
fn sarif_points_at_the_lines_of_a_layout() {
    let spare = Folder::new();
    let missing = "drop $LINK_A\n";
    let region = |changes: &str| {
        let answers = Answers::of("", changes, &spare);
        let results = answers.sarif["runs"][0]["results"].clone();
        let results = results.as_array().unwrap().clone();
        let short = results
            .iter()
            .find(|result| result["ruleId"] == "threshold-not-met");
        short.unwrap()["locations"][0].clone()
    };
    let found = region(missing);
    let physical = &found["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "root.layout");
    // Envelopes of the cases stand on one line.
    assert_eq!(physical["region"]["startLine"], 1);
    assert!(physical["region"]["startColumn"].as_u64().unwrap() > 10);
    assert_eq!(
        found["logicalLocations"][1]["fullyQualifiedName"],
        "/signed/steps/0"
    );
    let found = region(&format!("{missing}dsse root.layout\n"));
    assert_eq!(found["physicalLocation"]["region"], Value::Null);
    assert_eq!(
        found["logicalLocations"][1]["fullyQualifiedName"],
        "/steps/0"
    );
}

#[test]
fn fingerprints_do_not_depend_on_the_clock() {
    let spare = Folder::new();
    let prints = |now: &str| {
        let answers = Answers::of("", &format!("args --now {now}\n"), &spare);
        let results = answers.sarif["runs"][0]["results"].clone();
        let print = |result: &Value| result["partialFingerprints"]["linkwright/v1"].to_string();
        results
            .as_array()
            .unwrap()
            .iter()
            .map(print)
            .collect::<Vec<_>>()
    };
    let (one, other) = (
        prints("2070-01-01T00:00:00Z"),
        prints("2071-02-03T04:05:06Z"),
    );
    assert!(!one.is_empty());
    assert_eq!(one, other);
}

#[test]
fn code_quality_has_every_finding() {
    check(|answers| {
        let entries = answers.quality.as_array().unwrap();
        let mut wrong = Vec::new();
        let mut prints = BTreeSet::new();
        for entry in entries {
            let line = entry["location"]["lines"]["begin"].as_u64();
            let fields = entry.as_object().unwrap().len();
            if fields != 5 || line.is_none_or(|line| line == 0) {
                wrong.push(format!("{entry}"));
            }
            if !prints.insert(entry["fingerprint"].to_string()) {
                wrong.push(format!("a fingerprint twice: {entry}"));
            }
        }
        let found = entries
            .iter()
            .filter(|entry| entry["check_name"] != "verdict");
        let severity = |severity: &str| match severity {
            "error" => "blocker",
            "warning" => "minor",
            _ => "info",
        };
        let findings = answers.findings();
        let fits = |(entry, [_, _, code, weight, message]): (&Value, &[String; 5])| {
            let description = entry["description"].as_str().unwrap();
            entry["check_name"] == code.as_str()
                && entry["severity"] == severity(weight)
                && description.ends_with(message.as_str())
        };
        if found.clone().count() != findings.len() || !found.zip(&findings).all(fits) {
            wrong.push(format!("{entries:?}"));
        }
        wrong
    });
}

#[test]
fn junit_has_every_finding_and_counts_right() {
    check(|answers| {
        let document = roxmltree::Document::parse(&answers.junit).unwrap();
        let root = document.root_element();
        let mut wrong = Vec::new();
        let text: String = root.descendants().filter_map(|node| node.text()).collect();
        for [kind, name, code, severity, message] in answers.findings() {
            let line = format!("{severity}[{code}]: {message}\n");
            if !text.contains(&line) {
                wrong.push(format!("{kind} {name}: no {line}"));
            }
        }
        let suites = root
            .children()
            .filter(|node| node.has_tag_name("testsuite"));
        let suites: Vec<_> = suites.collect();
        // One for the layout, one for each item, and one for a verdict that no case shows.
        let alone = suites
            .iter()
            .any(|suite| suite.attribute("name") == Some("verdict"));
        let items = answers.json["items"].as_array().unwrap().len();
        if suites.len() != items + 1 + usize::from(alone) {
            wrong.push(format!("{} suites", suites.len()));
        }
        for node in suites.iter().copied().chain([root]) {
            for (attribute, element) in [
                ("failures", "failure"),
                ("errors", "error"),
                ("tests", "testcase"),
            ] {
                let count = node
                    .descendants()
                    .filter(|node| node.has_tag_name(element))
                    .count();
                if node.attribute(attribute) != Some(count.to_string().as_str()) {
                    wrong.push(format!("{attribute} of {:?}", node.attribute("name")));
                }
            }
        }
        for suite in suites {
            let mut names = BTreeSet::new();
            let cases = suite
                .children()
                .filter(|node| node.has_tag_name("testcase"));
            let mut cases = cases.map(|case| case.attribute("name").unwrap());
            if cases.clone().count() == 0 || !cases.all(|name| names.insert(name)) {
                wrong.push(format!("the cases of {:?}", suite.attribute("name")));
            }
        }
        wrong
    });
}

/// Without what only sets a text off.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '`')
        .collect::<String>()
        .replace("\\u{60}", "")
}

#[test]
fn markdown_has_every_finding() {
    check(|answers| {
        let text = bare(&answers.markdown);
        let findings = answers.findings().into_iter();
        findings
            .filter(|[.., code, _, message]| {
                !text.contains(&format!("**{code}**:{}", bare(message)))
            })
            .map(|finding| format!("{finding:?}"))
            .collect()
    });
}

/// The text of a page, its entities as what they stand for.
fn text_of(html: &str) -> String {
    let mut text = html.replace("<code>", "").replace("</code>", "");
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#10;", "\n"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

#[test]
fn the_page_has_every_finding() {
    check(|answers| {
        let text = bare(&text_of(&answers.html));
        let findings = answers.findings().into_iter();
        findings
            .filter(|[.., code, severity, message]| {
                let head = text.contains(&format!(">{severity}:{code}<"));
                !head || !text.contains(&format!("<li>{}</li>", bare(message)))
            })
            .map(|finding| format!("{finding:?}"))
            .collect()
    });
}

#[test]
fn the_page_allows_nothing_but_its_own_style_and_script() {
    check(|answers| {
        let html = &answers.html;
        let part = |start: &str, end: &str| {
            let (_, rest) = html.split_once(start).unwrap();
            rest.split_once(end).unwrap().0.to_owned()
        };
        let digest = |text: &str| {
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
            format!("'sha256-{}'", STANDARD.encode(hash))
        };
        let script = digest(&part("\n<script>", "</script>"));
        let style = digest(&part("<style>", "</style>"));
        let policy = format!(
            "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'"
        );
        let mut wrong = Vec::new();
        if part("Content-Security-Policy\" content=\"", "\"") != policy {
            wrong.push(policy);
        }
        if html.matches("<script").count() != 2
            || html.contains(" style=")
            || html.contains("http") && html.contains("src=\"http")
        {
            wrong.push("something foreign".to_owned());
        }
        wrong
    });
}

#[test]
fn the_page_draws_what_flows_and_where_it_broke() {
    let spare = Folder::new();
    let page = |changes: &str| Answers::of("", changes, &spare).html;
    let sound = page("");
    assert!(sound.contains(">1 material</text>"), "{sound}");
    assert_eq!(sound.matches("<g class=\"flow\">").count(), 1);
    assert!(!sound.contains("<g class=\"broken"));
    let changed = page("set $LINK_B /materials/a/sha256 \"$Z\"\n");
    assert!(changed.contains("<g class=\"broken\">") && changed.contains(">1 changed</text>"));
    let missing = page("drop $LINK_A\n");
    assert!(missing.contains("<g class=\"broken none\">") && missing.contains(">nothing</text>"));
}

#[test]
fn people_are_told_every_finding() {
    check(|answers| {
        let text = bare(&answers.human);
        let findings = answers.findings().into_iter();
        findings
            .filter(|[.., code, severity, message]| {
                // What follows a semicolon stands on a line of its own; of a very long part, the
                // beginning has to be there.
                let begun = |part: &str| bare(part).chars().take(60).collect::<String>();
                let mut parts = message.split("; ").map(begun);
                let head = parts.next().unwrap();
                !text.contains(&format!("{severity}[{code}]:{head}"))
                    || !parts.all(|part| text.contains(&part))
            })
            .map(|finding| format!("{finding:?}"))
            .collect()
    });
}

/// How many statements about the verdict are looked at.
const FORMS: usize = 9;

/// Every form that does not say what the exit status says.
fn contradictions(answers: &Answers) -> Vec<String> {
    let (verdict, code, heading) = match answers.status {
        Some(0) => ("pass", 0, "Passed"),
        Some(1) => ("refuse", 1, "Refused"),
        Some(3) => ("undecided", 3, "Undecided"),
        other => return vec![format!("the exit status is {other:?}")],
    };
    let run = &answers.sarif["runs"][0];
    let junit = roxmltree::Document::parse(&answers.junit).unwrap();
    let clean =
        ["failures", "errors"].map(|name| junit.root_element().attribute(name).unwrap().to_owned());
    let first = answers.markdown.lines().next().unwrap();
    let last = answers.human.lines().last().unwrap();
    let body = format!("<body class=\"{verdict}\">");
    let title = format!("<h1>{heading}</h1>");
    let blocked = answers.quality.to_string().contains("\"blocker\"");
    let said: [(&str, bool); FORMS] = [
        ("json", answers.json["verdict"] == verdict),
        ("sarif", run["properties"]["verdict"] == verdict),
        (
            "sarif's exit code",
            run["invocations"][0]["exitCode"] == code,
        ),
        ("junit", (clean == ["0", "0"]) == (code == 0)),
        ("code quality", blocked == (code != 0)),
        ("html", answers.html.contains(&body)),
        ("html's title", answers.html.contains(&title)),
        ("markdown", first.contains(heading)),
        ("human", last.starts_with(&heading.to_uppercase())),
    ];
    let wrong = said.iter().filter(|(_, same)| !same);
    wrong.map(|(form, _)| (*form).to_owned()).collect()
}

#[test]
fn every_form_says_what_the_exit_status_says() {
    check(contradictions);
}

#[test]
fn every_form_has_the_conditions_of_the_answer() {
    let changes = "keys @owner @bob\nargs --layout-threshold 1\nargs --now 2050-01-01T00:00:00Z\n";
    let answers = Answers::of("", changes, &Folder::new());
    assert_eq!(answers.status, Some(0), "{}", answers.human);
    let conditions = answers.json["layout"]["conditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 2);
    let run = &answers.sarif["runs"][0]["properties"];
    assert_eq!(run["conditions"], answers.json["layout"]["conditions"]);
    for condition in conditions {
        let condition = condition.as_str().unwrap();
        for text in [
            &answers.human,
            &answers.markdown,
            &text_of(&answers.html),
            &answers.junit,
        ] {
            assert!(
                bare(text).contains(&bare(condition)),
                "{condition} in {text}"
            );
        }
    }
    assert!(answers.human.contains("1 of the 2 given keys"));
}

/// GitLab reads nothing of a case that passes, and every viewer shows it as any other.
#[test]
fn no_warning_stands_in_a_case_that_passes() {
    check(|answers| {
        let document = roxmltree::Document::parse(&answers.junit).unwrap();
        let cases = document.descendants();
        let mut wrong = Vec::new();
        for case in cases.filter(|node| node.has_tag_name("testcase")) {
            let inside: Vec<_> = case
                .children()
                .filter(roxmltree::Node::is_element)
                .collect();
            let told = match inside.as_slice() {
                [] => true,
                [one] => {
                    let known = ["failure", "error", "skipped"];
                    known.contains(&one.tag_name().name())
                        && one.text().is_some_and(|text| !text.is_empty())
                }
                _ => false,
            };
            if !told {
                wrong.push(format!("{case:?}"));
            }
        }
        wrong
    });
}
