//! Patterns that are written in another language: regular expressions, gitignore, shells.
//!
//! Here only `*`, `?` and `[…]` mean something, `*` crosses `/`, and names stand as they were recorded:
//! relative, with `/`, without `./`.

use crate::model::{MatchRule, Prefix, Rule, quoted};
use crate::report::{LintCode, Severity};

use super::findings::Findings;
use super::reading::{Item, Placed, Reading, pattern};

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    let lists = reading.items.iter().flat_map(Item::lists);
    for placed in lists.flat_map(|list| &list.rules) {
        rule(placed, found);
    }
}

fn rule(placed: &Placed, found: &mut Findings) {
    let at = &placed.pointer;
    if let Rule::Require(path) = &placed.rule {
        if path.as_str().contains(['*', '?']) || path.as_str().contains('[') {
            let message = format!(
                "REQUIRE takes a name and no pattern: {} asks for a file with exactly these characters",
                quoted(path.as_str())
            );
            let help = "write the name of the file; for several, several rules";
            found.warn(LintCode::RequireLooksLikePattern, at, message, help);
        }
        return;
    }
    let Some(pattern) = pattern(&placed.rule) else {
        return;
    };
    let text = pattern.as_str();
    if pattern.is_nothing() && !placed.is_open {
        let message = format!("no name of an artifact matches {}", quoted(text));
        let help = "write the pattern that is meant; `*` is any name";
        found.error(LintCode::PatternMatchesNothing, at, message, help);
    } else if let Some((severity, why, help)) = foreign(text) {
        let message = format!("{} is a pattern in which {why}", quoted(text));
        found.add(severity, LintCode::PatternLooksForeign, at, message, help);
    }
    if let Rule::Match(rule) = &placed.rule {
        prefixes(at, rule, found);
    }
}

type Foreign = (Severity, &'static str, &'static str);

/// Wide or mathematical forms of what means something in a pattern.
const LOOK_ALIKE: [char; 11] = [
    '\u{ff0a}', '\u{2217}', '\u{204e}', '\u{fe61}', '\u{ff1f}', '\u{ff3b}', '\u{ff3d}', '\u{ff01}',
    '\u{ff0f}', '\u{2044}', '\u{2215}',
];

/// Controls, spaces other than the usual one, what has no width, and what changes the direction.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || character.is_whitespace() && character != ' '
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What in a pattern is most likely meant otherwise.
fn foreign(text: &str) -> Option<Foreign> {
    let warning = |why, help| Some((Severity::Warning, why, help));
    if text.contains(LOOK_ALIKE) {
        return warning(
            "a character only looks like a wildcard or `/`, and stands for itself",
            "write `*`, `?`, `[`, `]`, `!` or `/` as it is on a keyboard",
        );
    }
    if text.contains(is_unseen) {
        return warning(
            "there is a character that cannot be seen or is no usual space, and it counts",
            "type the pattern again; if names are recorded with the character, let this be",
        );
    }
    if text.starts_with('^') || text.ends_with('$') {
        let help = "leave `^` and `$` out: the whole name is matched anyway";
        return warning(
            "`^` and `$` stand for themselves, as in no regular expression",
            help,
        );
    }
    if text.contains('$') && (text.contains("${") || text.starts_with('$')) {
        let help = "write `{NAME}` for a parameter of the layout";
        return warning("no variable of a shell is filled in", help);
    }
    if text.contains('\\') {
        let help =
            "write `/` between folders, and `[.]` or `[*]` for a character that must be literal";
        return warning(
            "`\\` escapes nothing, and recorded names have none in them",
            help,
        );
    }
    if alternatives(text) {
        let help = "write one rule for each of the alternatives";
        return warning(
            "alternatives in braces or with `|` stand for themselves",
            help,
        );
    }
    if text.contains("[^") {
        return warning(
            "`^` in a class stands for itself",
            "write `[!…]` for what is not in the class",
        );
    }
    if is_unclosed(text) {
        return warning(
            "a `[` is never closed and stands for itself",
            "close the class with `]`",
        );
    }
    if text == ".*" || text.ends_with("/.*") || text.contains(".+") && text.contains(['(', '*']) {
        let help = "write `*` for any name; if names that begin with a dot are meant, let this be";
        return warning(
            "`.` stands for itself: it takes names that begin with a dot",
            help,
        );
    }
    places(text)
}

/// What in a pattern names no place where a recorded artifact is.
fn places(text: &str) -> Option<Foreign> {
    let warning = |why, help| Some((Severity::Warning, why, help));
    if text.contains("**/") {
        let help = "write `src/*.c` for all of them: `*` crosses `/`";
        return warning(
            "`**/` asks for a `/`: `src/**/*.c` does not match `src/a.c`",
            help,
        );
    }
    if text.starts_with("./") || text.contains("/./") {
        return warning(
            "`./` never matches: names are recorded without it",
            "leave `./` out",
        );
    }
    if text.starts_with("~/") {
        return warning(
            "`~` stands for itself",
            "write the name as it is recorded, from the folder where the step ran",
        );
    }
    if text.starts_with('/') {
        let help = "write the name from the folder where the step ran; if absolute names were recorded, let this be";
        return warning(
            "a `/` at the beginning matches only names that were recorded from the root on",
            help,
        );
    }
    if text.ends_with('/') {
        return warning(
            "a `/` at the end never matches: artifacts are files",
            "write `folder/*` for what is in a folder",
        );
    }
    if text.contains("//") && !text.contains("://") {
        return warning(
            "`//` never matches: names are recorded with one `/`",
            "write one `/`",
        );
    }
    if text.starts_with('!') {
        return warning(
            "`!` at the beginning stands for itself",
            "write a DISALLOW before the rule that takes the others",
        );
    }
    if text.trim() != text {
        return warning(
            "there is a space at an end, and it counts",
            "leave the space out",
        );
    }
    if text.contains("**") {
        let why = "`**` means no more than `*`, which crosses `/` too";
        return Some((Severity::Note, why, "write `*`"));
    }
    None
}

/// `{a,b}`, `(a|b)`.
fn alternatives(text: &str) -> bool {
    let between = |open: char, close: char, bar: char| {
        text.split(open).skip(1).any(|rest| {
            rest.split_once(close)
                .is_some_and(|(inner, _)| inner.contains(bar))
        })
    };
    between('{', '}', ',') || between('(', ')', '|')
}

/// Whether the last `[` has no `]` behind its first member.
fn is_unclosed(text: &str) -> bool {
    let behind = text.rsplit_once('[').map(|(_, behind)| behind);
    behind.is_some_and(|behind| !behind.contains(']'))
}

fn prefixes(at: &str, rule: &MatchRule, found: &mut Findings) {
    for prefix in [&rule.source, &rule.destination].into_iter().flatten() {
        if prefix.as_str().contains(['*', '?']) || prefix.as_str().contains('[') {
            let message = format!(
                "the prefix {} is literal: it is a folder of exactly this name",
                quoted(prefix.as_str())
            );
            let help = "write the folder after IN, and wildcards into the pattern";
            found.warn(LintCode::PrefixLooksLikePattern, at, message, help);
        } else if is_dotted(prefix) {
            let message = format!(
                "the prefix {} never matches: names are recorded without `./`",
                quoted(prefix.as_str())
            );
            found.warn(
                LintCode::PatternLooksForeign,
                at,
                message,
                "leave `./` out, or the whole IN",
            );
        }
    }
    if let Some(prefix) = &rule.source {
        let folder = prefix.join("");
        let rest = rule.pattern.as_str().strip_prefix(&folder);
        if rest.is_some_and(|rest| !rest.is_empty()) {
            let message = format!(
                "the pattern is matched with what stands behind the prefix, so this is about {}",
                quoted(&format!("{folder}{}", rule.pattern))
            );
            let help = "leave the prefix out of the pattern, or leave IN out";
            found.warn(LintCode::PatternRepeatsPrefix, at, message, help);
        }
    }
}

fn is_dotted(prefix: &Prefix) -> bool {
    prefix.as_str() == "." || prefix.as_str().starts_with("./")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_languages_are_recognised() {
        for text in [
            "^src/",
            "a$",
            "${OUT}/x",
            r"a\.c",
            "{a,b}.c",
            "(a|b)",
            "[^a]",
            "a[b",
            ".*",
            "src/.*",
            "(.+)",
            "src/**/*.c",
            "./a",
            "~/a",
            "/a",
            "a/",
            "a//b",
            "!a",
            " a",
            "src/\u{ff0a}",
            "src\u{2215}a",
            "s\u{200b}rc/*",
            "a\u{a0}b",
            "\u{202e}c.*",
            "a\tb",
        ] {
            let found = foreign(text);
            assert_eq!(found.map(|one| one.0), Some(Severity::Warning), "{text}");
        }
        assert_eq!(foreign("src/**").map(|one| one.0), Some(Severity::Note));
    }

    #[test]
    fn what_means_what_it_seems_is_left_alone() {
        for text in [
            "*",
            "src/*",
            "a?c",
            "[abc]",
            "[!a]",
            "[]]",
            "*.tar.gz",
            ".gitignore",
            ".git/*",
            "a-{VERSION}.tar",
            "{A}",
            "Foo$1.class",
            "oci:a@b",
            "docker://x",
            "a b",
            "c++",
            "x.+y",
            "a(1).txt",
            "..",
            "../x",
            "a,b",
        ] {
            assert_eq!(foreign(text), None, "{text}");
        }
    }
}
