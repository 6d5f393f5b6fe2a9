//! One page that stands for itself: the verdict, the chain as a drawing, each item to open, and all
//! artifacts to search.
//!
//! Nothing is fetched, and nothing runs but the one script of ours: the policy in the page allows one
//! style and one script by their digests and forbids everything else. What comes from outside stands
//! in text or in a block of JSON, never in the script. Artifacts are drawn only where one looks, so
//! that a hundred thousand of them do not hold a browser up.

mod graph;
mod simulation;

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::{Artifacts, DigestSet, command_line, counted, printable};
use crate::report::{Chain, ChainLink, Finding, Item, Report, Severity, Status, Verdict};

use super::words::{self, markup};
pub use simulation::simulation_html;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How many findings that are alike stand in the page; the rest is shown when it is asked for.
const WRITTEN_AT_MOST: usize = 50;

/// Writes the report.
///
/// # Errors
/// The writer's.
pub fn html(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        more: BTreeMap::new(),
    };
    head(report, out)?;
    header(report, out)?;
    writeln!(out, "<main>")?;
    if !report.findings.is_empty() {
        writeln!(out, "<section><h2>Findings about the whole</h2>")?;
        page.findings(&report.findings, out)?;
        writeln!(out, "</section>")?;
    }
    if let Some(chain) = report.chain.as_ref()
        && !report.items.is_empty()
    {
        writeln!(out, "<section><h2>The chain</h2><figure>")?;
        graph::graph(report, chain, out)?;
        writeln!(
            out,
            "<figcaption>Arrows are MATCH rules, with the artifacts that are the same at both ends. Red is where it broke; dashed is where nothing came through.</figcaption></figure></section>"
        )?;
    }
    if !report.items.is_empty() {
        writeln!(out, "<section><h2>Steps and inspections</h2>")?;
        for (index, item) in report.items.iter().enumerate() {
            page.item(report, index, item, out)?;
        }
        writeln!(out, "</section>")?;
    }
    artifacts(report, out)?;
    writeln!(out, "</main>")?;
    footer(report, out)?;
    page.data(report, out)
}

fn digest(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

fn title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Passed",
        Verdict::Refuse => "Refused",
        Verdict::Undecided => "Undecided",
    }
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = report.verdict();
    write!(
        out,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{}: {}</title>
<style>{STYLE}</style>
</head>
<body class="{}">
"#,
        digest(SCRIPT),
        digest(STYLE),
        title(verdict),
        markup(&report.layout.path),
        words::verdict(verdict)
    )
}

fn header(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let layout = &report.layout;
    writeln!(
        out,
        r#"<header><p class="kicker">Supply chain verification</p><h1>{}</h1><p class="tally">{}</p><dl class="facts"><dt>Layout</dt><dd class="mono">{}</dd>"#,
        title(report.verdict()),
        words::tally(report),
        markup(&layout.path)
    )?;
    for keyid in &layout.signed_by {
        let keyid = markup(keyid.as_str());
        writeln!(out, r#"<dt>Signed by</dt><dd class="mono">{keyid}</dd>"#)?;
    }
    if let Some(expires) = layout.expires {
        writeln!(out, "<dt>Expires</dt><dd>{expires}</dd>")?;
    }
    if let Some(now) = layout.now {
        writeln!(out, "<dt>Verified as of</dt><dd>{now}</dd>")?;
    }
    for condition in layout.conditions() {
        let condition = prose(&condition);
        writeln!(out, "<dt>On condition</dt><dd>{condition}</dd>")?;
    }
    writeln!(out, "</dl></header>")
}

/// What the script fills in.
struct Page {
    more: BTreeMap<String, Vec<String>>,
}

impl Page {
    fn item(
        &mut self,
        report: &Report,
        index: usize,
        item: &Item,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let open = if item.status == Status::Failed {
            " open"
        } else {
            ""
        };
        writeln!(
            out,
            r#"<details class="item {}" id="item-{index}"{open}><summary><span class="title"><span class="kind">{}</span> {}</span><span class="status">{}</span></summary><div class="body">"#,
            words::status(item.status),
            words::kind(item.kind),
            markup(&item.name),
            match item.status {
                Status::Passed => "passed",
                Status::Failed => "failed",
                Status::NotReached => "not reached",
            }
        )?;
        self.findings(&item.findings, out)?;
        links(item, out)?;
        if let Some(link) = report.chain.as_ref().and_then(|chain| chain.link(index)) {
            what_happened(item, link, out)?;
        }
        writeln!(out, "</div></details>")
    }

    fn findings(&mut self, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
        for group in words::groups(findings) {
            let Some(first) = group.first() else {
                continue;
            };
            let severity = words::severity(first.severity);
            let code = first.problem.code();
            writeln!(
                out,
                r#"<div class="group {severity}"><span class="code">{severity}: {code}</span><ul class="findings">"#
            )?;
            let (written, rest) = group.split_at(group.len().min(WRITTEN_AT_MOST));
            for finding in written {
                writeln!(out, "<li>{}</li>", prose(&finding.problem.to_string()))?;
            }
            writeln!(out, "</ul>")?;
            if !rest.is_empty() {
                let key = self.more.len().to_string();
                writeln!(
                    out,
                    r#"<button type="button" class="more" data-more="{key}">and {} more</button>"#,
                    rest.len()
                )?;
                let texts = rest
                    .iter()
                    .map(|finding| printable(&finding.problem.to_string()));
                self.more.insert(key, texts.collect());
            }
            if let Some(place) = &first.place {
                writeln!(
                    out,
                    r#"<p class="where">at <code>{}</code> <code>{}</code></p>"#,
                    markup(&place.document),
                    markup(&place.pointer)
                )?;
            }
            let mut helps: Vec<_> = group.iter().map(|finding| finding.problem.help()).collect();
            helps.dedup();
            let wanted = first.severity != Severity::Note;
            for help in helps.iter().filter(|help| wanted && !help.is_empty()) {
                writeln!(out, r#"<p class="help">{}</p>"#, prose(help))?;
            }
            writeln!(out, "</div>")?;
        }
        Ok(())
    }

    /// The block that the script reads, and the script.
    fn data(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut data = report.chain.as_ref().map_or_else(
            || json!({"paths": [], "digests": [], "items": []}),
            |chain| chain_data(report, chain),
        );
        if let Some(data) = data.as_object_mut() {
            data.insert("more".to_owned(), json!(self.more));
        }
        // In JSON `<` stands in strings only; without it no element can begin or end there.
        let text = serde_json::to_string(&data)?.replace('<', "\\u003c");
        writeln!(
            out,
            "<script type=\"application/json\" id=\"data\">{text}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>"
        )
    }
}

fn links(item: &Item, out: &mut dyn Write) -> io::Result<()> {
    if item.links.is_empty() {
        return Ok(());
    }
    writeln!(out, r#"<h3>Links</h3><ul class="plain">"#)?;
    for link in &item.links {
        let (class, counts) = match &link.why_not {
            None => ("yes", "counts"),
            Some(_) => ("no", "does not count"),
        };
        writeln!(
            out,
            r#"<li><span class="{class}">{counts}</span>: <span class="mono">{}</span>, for the key <span class="mono">{}</span></li>"#,
            markup(&link.path),
            markup(link.keyid.as_str())
        )?;
    }
    writeln!(out, "</ul>")
}

/// The command, the amounts, and each rule with whether it was content.
fn what_happened(item: &Item, link: &ChainLink, out: &mut dyn Write) -> io::Result<()> {
    if link.performed {
        writeln!(out, "<h3>What was run</h3>")?;
        if link.command.is_empty() {
            writeln!(out, r#"<p class="soft">no command is recorded</p>"#)?;
        } else {
            writeln!(
                out,
                "<p><code>{}</code></p>",
                markup(&command_line(&link.command))
            )?;
        }
        writeln!(
            out,
            "<h3>Artifacts</h3><p>{}, {}</p>",
            counted(link.materials.len(), "material"),
            counted(link.products.len(), "product")
        )?;
    }
    if link.rules.is_empty() {
        return Ok(());
    }
    writeln!(out, r#"<h3>Rules</h3><ul class="plain">"#)?;
    let errors = item.findings.iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    let found = words::pointers(errors);
    for rule in &link.rules {
        let refused = found.contains(rule.pointer.as_str());
        let (class, mark) = match (item.status, refused) {
            (_, true) => ("no", "✕"),
            (Status::NotReached, false) => ("soft", "–"),
            (Status::Passed | Status::Failed, false) if !link.performed => ("soft", "–"),
            (Status::Passed | Status::Failed, false) => ("yes", "✓"),
        };
        writeln!(
            out,
            r#"<li><span class="{class}">{mark}</span> <span class="soft">{}</span> <span class="mono">{}</span></li>"#,
            rule.side.noun(),
            markup(&rule.text)
        )?;
    }
    writeln!(out, "</ul>")
}

fn artifacts(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let links = report.chain.iter().flat_map(|chain| &chain.links);
    if links
        .map(|link| link.materials.len() + link.products.len())
        .sum::<usize>()
        == 0
    {
        return Ok(());
    }
    writeln!(
        out,
        r#"<section id="artifacts" class="search"><h2>Artifacts</h2>
<input type="search" id="search" placeholder="Part of a name, or of a digest" aria-label="Search artifacts" autocomplete="off" spellcheck="false">
<label class="check"><input type="checkbox" id="differs"> only those that change</label>
<p class="count" id="count" role="status"></p>
<div class="list" id="list"><div id="rows"></div></div>
<div class="one" id="one" hidden></div>
<noscript><p>Listing and searching the artifacts needs the script in this page.</p></noscript></section>"#
    )
}

fn footer(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let meaning = match report.verdict() {
        Verdict::Pass => {
            "Everything that the layout asks for was shown. What the layout does not ask for was not looked at."
        }
        Verdict::Refuse => "Not everything that the layout asks for was shown.",
        Verdict::Undecided => "What must be judged could not be read, so nothing was decided.",
    };
    writeln!(
        out,
        "<footer>{meaning} This page was made by linkwright {} and is no evidence itself.</footer>",
        env!("CARGO_PKG_VERSION")
    )
}

/// Every artifact of every link; names and digests once each, links refer to them by number.
fn chain_data(report: &Report, chain: &Chain) -> Value {
    let mut paths: BTreeMap<&str, usize> = BTreeMap::new();
    for link in &chain.links {
        for name in link.materials.keys().chain(link.products.keys()) {
            paths.insert(name, 0);
        }
    }
    paths
        .values_mut()
        .zip(0..)
        .for_each(|(number, at)| *number = at);
    let mut digests: BTreeMap<String, usize> = BTreeMap::new();
    let mut side = |artifacts: &Artifacts| {
        let mut pairs = Vec::with_capacity(artifacts.len() * 2);
        for (name, digest) in artifacts.iter() {
            let next = digests.len();
            pairs.push(paths.get(name).copied().unwrap_or_default());
            pairs.push(*digests.entry(digest_text(digest)).or_insert(next));
        }
        pairs
    };
    let items: Vec<Value> = chain
        .links
        .iter()
        .map(|link| {
            let item = report.items.get(link.item);
            json!({
                "at": link.item,
                "name": item.map_or_else(String::new, |item| {
                    printable(&format!("{} {}", words::kind(item.kind), item.name))
                }),
                "materials": side(&link.materials),
                "products": side(&link.products),
            })
        })
        .collect();
    let mut texts: Vec<(usize, String)> = digests
        .into_iter()
        .map(|(text, number)| (number, text))
        .collect();
    texts.sort_unstable();
    json!({
        "paths": paths.keys().map(|name| printable(name)).collect::<Vec<_>>(),
        "digests": texts.into_iter().map(|(_, text)| text).collect::<Vec<_>>(),
        "items": items,
    })
}

fn digest_text(digests: &DigestSet) -> String {
    let one = |(algorithm, digest)| format!("{algorithm}:{digest}");
    digests.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// A message: what it quotes is set off.
fn prose(message: &str) -> String {
    let message = printable(message);
    if message.matches('`').count() % 2 == 1 {
        return markup(&message);
    }
    let parts = message.split('`').enumerate();
    parts
        .map(|(index, part)| match index % 2 {
            1 => format!("<code>{}</code>", markup(part)),
            _ => markup(part),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ItemKind, LayoutSummary, Place, Problem};

    #[test]
    fn beyond_the_first_findings_wait_in_the_data() {
        let mut report = Report::new(LayoutSummary::default());
        let mut item = Item::new(ItemKind::Step, "s".to_owned());
        for number in 0..1000 {
            let problem = Problem::KeyUnreadable {
                key: format!("</script>{number}"),
                why: String::new(),
                absent: false,
            };
            let place = Place {
                document: "d".to_owned(),
                pointer: String::new(),
            };
            item.fail(problem, Some(place));
        }
        report.items.push(item);
        let mut page = Vec::new();
        html(&report, &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert_eq!(page.matches("<li>").count(), WRITTEN_AT_MOST);
        let (_, data) = page.split_once("id=\"data\">").unwrap();
        let (data, _) = data.split_once("</script>").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        let more = data["more"]["0"].as_array().unwrap();
        assert_eq!(more.len(), 1000 - WRITTEN_AT_MOST);
        let last = more.last().and_then(Value::as_str).unwrap();
        assert!(last.contains("</script>999"));
    }
}
