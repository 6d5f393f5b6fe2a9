//! Names and messages from outside that try to be something else in a report.

use crate::support::Folder;

use super::Answers;

/// Artifact names, a step's name and a functionary's words, each against one form or several.
const HOSTILE: [&str; 8] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "]]><failure message='x'/>&quot;&#0;",
    "a|b|c ![x](https://e.example/x.png) @everyone #1",
    "`x` **bold** <b>",
    "\u{1b}[31mred\u{0}\u{202e}\u{2028}",
    "::error::x%0A",
    "{{7*7}} ${x} --> <!--",
];

fn changes() -> String {
    let mut changes = String::new();
    for (number, name) in HOSTILE.iter().enumerate() {
        let pointer = name
            .replace('~', "~0")
            .replace('/', "~1")
            .replace(' ', "\u{a0}");
        let pointer: String = pointer.chars().filter(|c| *c != '\n').collect();
        changes.push_str(&format!(
            "set $LINK_B /products/{pointer}{number} {{\"sha256\":\"$Z\"}}\n"
        ));
        changes.push_str(&format!(
            "set root.layout /inspect/- {{\"_type\":\"inspection\",\"name\":{},\"run\":[\"true\"],\"expected_materials\":[],\"expected_products\":[]}}\n",
            serde_json::to_string(&name.replace(['/', '\\', '\u{1b}', '\0'], "_")).unwrap(),
        ));
    }
    changes
}

fn hostile() -> Answers {
    let answers = Answers::of("hostile", &changes(), &Folder::new());
    assert_eq!(answers.status, Some(1), "{}", answers.human);
    assert!(answers.findings().len() >= 2 * HOSTILE.len());
    answers
}

#[test]
fn names_from_outside_stay_names() {
    let answers = hostile();
    let document = roxmltree::Document::parse(&answers.junit).unwrap();
    let known = [
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "skipped",
        "system-out",
    ];
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(known.contains(&node.tag_name().name()), "{node:?}");
    }
    assert!(answers.junit.contains("\\u{1b}[31mred"));
    // Outside of code spans nothing is left that Markdown or GitHub would read as anything else.
    for line in answers.markdown.lines() {
        let outside: String = line.split('`').step_by(2).collect();
        for markup in ["<", "](", "@", "#1", "&", "::", "{{"] {
            let heading = outside.trim_start_matches('#');
            assert!(!heading.contains(markup), "{markup} in {line}");
        }
        if line.starts_with('|') {
            let cells = line.replace("\\|", "").matches('|').count();
            assert_eq!(cells, 5, "{line}");
        }
    }
    for tag in ["<script>alert", "<img", "<failure"] {
        assert!(!answers.html.contains(tag), "{tag}");
    }
    for text in [
        &answers.junit,
        &answers.markdown,
        &answers.human,
        &answers.html,
    ] {
        for character in ['\u{1b}', '\0', '\u{202e}', '\u{2028}'] {
            assert!(!text.contains(character));
        }
    }
}

#[test]
fn annotations_stay_on_their_lines() {
    let folder = Folder::new();
    let chain = crate::cases::Chain::of(&changes());
    chain.write(&folder);
    let arguments = chain.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = folder.command(&arguments);
    command.env("GITHUB_ACTIONS", "true");
    command.env("GITHUB_STEP_SUMMARY", folder.at("summary.md"));
    let ended = crate::support::finish(command.spawn().unwrap());
    assert_eq!(ended.status, Some(1));
    serde_json::from_slice::<serde_json::Value>(&ended.out).unwrap();
    let commands = ended.err.lines().filter(|line| line.starts_with("::"));
    assert!(commands.clone().count() >= 1, "{}", ended.err);
    for line in commands {
        assert!(
            line.starts_with("::error title=artifact-disallowed,file=root.layout,line=1,"),
            "{line}"
        );
    }
    let summary = String::from_utf8(folder.read("summary.md")).unwrap();
    assert!(summary.starts_with("## ❌ Refused"), "{summary}");
}
