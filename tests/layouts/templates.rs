//! The templates: what they compile to, and one of them with real commands (git, make, tar). All of
//! them with their real tools, and with the reference: `scripts/templates`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use linkwright::author::{TEMPLATES, Template};
use serde_json::Value;

use crate::support::{Folder, LINKWRIGHT, finish};

/// A folder with keys, an upstream project, and the layout of a template, signed.
struct Project {
    folder: Folder,
    /// What `layout new` printed.
    steps: String,
}

impl Project {
    fn new(template: &Template) -> Self {
        let folder = Folder::new();
        fs::create_dir(folder.at("keys")).unwrap();
        let mut arguments = vec![
            "layout".to_owned(),
            "new".to_owned(),
            "--template".to_owned(),
        ];
        arguments.push(template.name.to_owned());
        good(&folder, &["key", "generate", "keys/owner"]);
        for blank in template.keys() {
            good(
                &folder,
                &["key", "generate", &format!("keys/{}", blank.name)],
            );
            arguments.push(format!("--key={}=keys/{}.pub", blank.name, blank.name));
        }
        for blank in template.parameters() {
            let value = match blank.name {
                "REPOSITORY" => "upstream",
                _ => blank.example,
            };
            arguments.push(format!("--param={}={value}", blank.name));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let steps = good(&folder, &arguments);
        let layout = format!("{}.layout.toml", template.name);
        let sign = [
            "layout",
            "sign",
            &layout,
            "--signing-key",
            "keys/owner",
            "--output",
            "root.layout",
        ];
        good(&folder, &sign);
        Self { folder, steps }
    }

    fn layout(&self) -> Value {
        self.folder.json("root.layout")["signed"].clone()
    }

    /// The printed commands, each in one line.
    fn commands(&self) -> Vec<String> {
        let joined = self.steps.replace("\\\n", " ");
        let lines = joined
            .lines()
            .filter(|line| line.starts_with("linkwright run"));
        lines.map(str::to_owned).collect()
    }
}

fn good(folder: &Folder, arguments: &[&str]) -> String {
    let ended = folder.linkwright(arguments);
    assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.err);
    ended.out().to_owned()
}

fn words(values: &Value) -> Vec<&str> {
    values
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect()
}

#[test]
fn the_files_are_the_templates() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts");
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.collect();
    let expected = TEMPLATES
        .iter()
        .map(|template| format!("{}.layout.toml", template.name));
    assert_eq!(files, expected.collect());
    for template in &TEMPLATES {
        let file = folder.join(format!("{}.layout.toml", template.name));
        assert_eq!(fs::read_to_string(file).unwrap(), template.text);
    }
}

#[test]
fn every_template_is_tight() {
    for template in &TEMPLATES {
        let layout = Project::new(template).layout();
        let mut before: Vec<&str> = Vec::new();
        let steps = layout["steps"].as_array().unwrap();
        let inspections = layout["inspect"].as_array().unwrap();
        assert_eq!(inspections.len(), 1, "{}", template.name);
        for item in steps.iter().chain(inspections) {
            let name = item["name"].as_str().unwrap();
            let told = format!("{}: {name}", template.name);
            for list in ["expected_materials", "expected_products"] {
                let rules = item[list].as_array().unwrap();
                assert_eq!(words(rules.last().unwrap()), ["DISALLOW", "*"], "{told}");
                for rule in rules.iter().map(words) {
                    let of_products = list == "expected_products";
                    match rule[0] {
                        "MATCH" => {
                            assert!(before.contains(rule.last().unwrap()), "{told}: {rule:?}");
                        }
                        "CREATE" => assert!(of_products, "{told}: {rule:?}"),
                        "REQUIRE" => {}
                        _ => assert_eq!(rule, ["DISALLOW", "*"], "{told}"),
                    }
                }
            }
            before.push(name);
        }
        let run: Vec<&str> = words(&inspections[0]["run"]);
        assert!(
            matches!(run[0], "tar" | "test" | "unzip"),
            "{}: {run:?}",
            template.name
        );
    }
}

#[test]
fn what_is_printed_performs_the_steps() {
    for template in &TEMPLATES {
        let project = Project::new(template);
        let layout = project.layout();
        let mut performed = Vec::new();
        for command in project.commands() {
            let words: Vec<&str> = command.split_whitespace().collect();
            assert_eq!(words[2], "--step-name");
            let step = layout["steps"]
                .as_array()
                .unwrap()
                .iter()
                .find(|step| step["name"] == words[3]);
            let expected = self::words(&step.unwrap()["expected_command"]);
            let dashes = words.iter().position(|word| *word == "--");
            match dashes {
                Some(at) => assert_eq!(words[at + 1..], expected, "{}", template.name),
                None => assert!(expected.is_empty() && words.contains(&"--no-command")),
            }
            performed.push(words[3].to_owned());
        }
        let steps = layout["steps"].as_array().unwrap().iter();
        let expected: Vec<String> = steps
            .flat_map(|step| {
                let threshold = usize::try_from(step["threshold"].as_u64().unwrap()).unwrap();
                std::iter::repeat_n(step["name"].as_str().unwrap().to_owned(), threshold)
            })
            .collect();
        assert_eq!(performed, expected, "{}", template.name);
    }
}

/// A line of shell in the project's folder, with the binary in PATH.
fn shell(folder: &Folder, line: &str) {
    let binaries = Path::new(LINKWRIGHT).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let child = Command::new("sh")
        .args(["-ec", line])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", binaries.display()))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let ended = finish(child.unwrap());
    assert_eq!(
        ended.status,
        Some(0),
        "{line}: {} {}",
        ended.out(),
        ended.err
    );
}

/// The chain of `make`, with a line of shell before the step at a place.
fn make_chain(manipulation: Option<(usize, &str)>) -> Project {
    let project = Project::new(Template::find("make").unwrap());
    let folder = &project.folder;
    let hello = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello");
    shell(folder, &format!("cp -R '{}' upstream", hello.display()));
    shell(
        folder,
        "cd upstream && git init --quiet && git add . && \
         git -c user.name=u -c user.email=u@example.org commit --quiet --message greet",
    );
    fs::create_dir(folder.at("links")).unwrap();
    for (at, command) in project.commands().iter().enumerate() {
        match manipulation {
            Some((before, line)) if before == at => shell(folder, line),
            _ => {}
        }
        shell(folder, command);
    }
    shell(folder, "mkdir delivery && cp hello.tar.gz delivery");
    project
}

/// The exit status of the customer's verification.
fn verified(project: &Project) -> Option<i32> {
    let mut command = project.folder.command(&[
        "verify",
        "--layout",
        "../root.layout",
        "--key",
        "../keys/owner.pub",
        "--link-dir",
        "../links",
    ]);
    command.current_dir(project.folder.at("delivery"));
    finish(command.spawn().unwrap()).status
}

#[test]
fn make_accepts_the_honest_chain_and_no_other_delivery() {
    let _inspecting = crate::support::INSPECTING.read().unwrap();
    let project = make_chain(None);
    assert_eq!(verified(&project), Some(0));
    let folder = &project.folder;
    let (there, back) = (
        "cp -R delivery links saved",
        "rm -rf delivery links && cp -R saved/* .",
    );
    shell(folder, "mkdir saved");
    shell(folder, there);
    let mut manipulations = vec![
        "echo >>delivery/hello.tar.gz".to_owned(),
        "rm delivery/hello.tar.gz".to_owned(),
        "echo extra >delivery/extra".to_owned(),
        "cd hello && echo evil >evil && tar -czf ../delivery/hello.tar.gz hello evil".to_owned(),
    ];
    for entry in fs::read_dir(folder.at("links")).unwrap() {
        let link = entry.unwrap().file_name().into_string().unwrap();
        manipulations.push(format!("rm links/{link}"));
    }
    assert_eq!(manipulations.len(), 7);
    for manipulation in manipulations {
        shell(folder, &manipulation);
        assert_eq!(verified(&project), Some(1), "{manipulation}");
        shell(folder, back);
        assert_eq!(verified(&project), Some(0));
    }
}

#[test]
fn make_refuses_what_changed_between_two_steps() {
    let _inspecting = crate::support::INSPECTING.read().unwrap();
    for manipulation in [
        (1, "echo >>hello/greeting.c"),
        (1, "echo 'int x;' >hello/extra.c"),
        (
            1,
            "rm hello/Makefile && echo 'hello:; touch hello' >hello/makefile",
        ),
        (2, "echo >>hello/hello"),
        (2, "cp /bin/sh hello/hello"),
    ] {
        let project = make_chain(Some(manipulation));
        assert_eq!(verified(&project), Some(1), "{manipulation:?}");
    }
}
