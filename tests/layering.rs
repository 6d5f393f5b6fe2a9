//! The house of `architecture.md`, enforced over `src`: which module may use which, and which may
//! touch the world. A module in no row fails. Change the plan and this table in one commit.
//!
//! Rows that say more than the plan's first table: `store` names files after `keys::KeyId`,
//! `inspect` builds by-products as `encoding::Object`, `render` prints key ids, and `exec` looks
//! for programs in PATH and opens the terminal. Test code (`#[cfg(test)] mod`, `tests.rs`, `tests/`) is not looked at.

use std::{collections::BTreeSet, fs, path::Path};

/// Module: what it may use of the crate / what it may touch of the world.
const TABLE: &str = "
encoding:
keys: encoding
model: encoding keys
report: model keys
verify: report model keys encoding
author: report model keys encoding verify
render: report model keys encoding author
event: model
record: model event / files
exec: event / processes clock environment files
store: model encoding keys / files
ci: model / environment
trust: model keys encoding event / files network
inspect: verify report record exec model event encoding / files
cli: encoding keys model report verify author render event record exec store ci trust inspect / files processes environment clock
main: cli / processes environment";

/// What touches the world: paths, and whole crates.
const WORLD: &str = "
files: std::fs unix::fs rustix::fs tempfile::*
processes: std::process unix::process rustix::process rustix::termios duct::* nix::* rpassword::* landlock::* seccompiler::*
network: std::net rustix::net
environment: std::env
clock: time::SystemTime time::Instant Timestamp::now Zoned::now";

/// What follows `root::`, the heads of a group `root::{a, b::c}` one by one.
fn heads(text: &str, root: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, matched) in text.match_indices(&format!("{root}::")) {
        let (before, rest) = (&text[..at], &text[at + matched.len()..]);
        if before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
            || before.ends_with("super::")
        {
            continue;
        }
        let mut depth = 0;
        for (index, byte) in rest.bytes().enumerate() {
            depth += i32::from(byte == b'{') - i32::from(byte == b'}');
            if index == 0 || (depth == 1 && matches!(byte, b'{' | b',')) {
                let item = rest[index..]
                    .trim_start_matches(|c: char| "{,".contains(c) || c.is_whitespace());
                let end = item.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
                found.insert(item[..end.unwrap_or(item.len())].to_owned());
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

fn row<'a>(table: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let mut rows = table.lines().filter_map(|line| line.split_once(':'));
    rows.find(|row| row.0 == name)
        .map(|row| row.1.split_whitespace().collect())
}

/// What a file of a module, `depth` modules below the crate's root, does that its row forbids.
fn violations(module: &str, depth: usize, text: &str) -> Vec<String> {
    let Some(allowed) = row(TABLE, module) else {
        return vec![format!("the module `{module}` is in no row")];
    };
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.map(|line| format!("{line}\n")).collect();
    let mut used = heads(&code.replace("crate as ", "crate::*"), "crate");
    let above = heads(&code, &vec!["super"; depth].join("::"));
    let above = above.into_iter().chain(heads(&code, "linkwright"));
    used.extend(above.filter(|name| row(TABLE, name).is_some()));
    used.retain(|name| name != module && !allowed.contains(&name.as_str()));
    let mut wrong: Vec<String> = used.iter().map(|name| format!("uses {name}")).collect();
    for (kind, paths) in WORLD.lines().filter_map(|line| line.split_once(": ")) {
        for (path, (root, head)) in paths
            .split(' ')
            .map(|path| (path, path.split_once("::").unwrap()))
        {
            let named = heads(&code, root);
            if !allowed.contains(&kind)
                && (named.contains(head) || head == "*" && !named.is_empty())
            {
                wrong.push(format!("touches {kind}: {path}"));
            }
        }
    }
    wrong
}

fn walk(folder: &Path, module: Option<&str>, depth: usize, wrong: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let module = module.unwrap_or(stem);
        if stem == "tests" || stem == "lib" || stem == "manual" {
        } else if path.is_dir() {
            walk(&path, Some(module), depth + 1, wrong);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let depth = if stem == "mod" { depth } else { depth + 1 };
            let found = violations(module, depth, &fs::read_to_string(&path).unwrap());
            wrong.extend(
                found
                    .iter()
                    .map(|what| format!("{}: {what}", path.display())),
            );
        }
    }
}

#[test]
fn every_module_keeps_to_its_row() {
    let mut wrong = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        None,
        0,
        &mut wrong,
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_breaks_the_table_is_caught() {
    let samples = "
        model 2 use crate::verify::Report; => uses verify
        keys 1 use crate::{encoding::{self, Value}, store}; => uses store
        model 2 use super::super::record::walk; => uses record
        model 2 use crate::*; => uses *
        render 1 fn f() { crate::cli::main() } => uses cli
        verify 2 use std::{io, fs::File}; => touches files: std::fs
        verify 1 use std::time::{Duration, Instant}; => touches clock: time::Instant
        verify 1 let now = jiff::Timestamp::now(); => touches clock: Timestamp::now
        keys 1 std::env::var(name) => touches environment: std::env
        author 1 duct::cmd(x) => touches processes: duct::*
        store 1 use std::net::TcpStream; => touches network: std::net
        helpers 1 fn f() {} => the module `helpers` is in no row
        model 2 use super::{Envelope, record}; => ";
    for (sample, expected) in samples.lines().filter_map(|line| line.split_once(" => ")) {
        let words: Vec<&str> = sample.trim().splitn(3, ' ').collect();
        let found = violations(words[0], words[1].parse().unwrap(), words[2]);
        assert_eq!(found.join(", "), expected, "{sample}");
    }
}
