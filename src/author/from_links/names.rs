//! What a name looks like as a pattern: itself, or itself with what changes from run to run, versions
//! and hashes, left open.

/// How many characters a hash has at least. Git shortens to seven.
const HASH_AT_LEAST: usize = 7;

/// From this length on digits alone are taken for something that changes: a date, a build number.
const NUMBER_AT_LEAST: usize = 8;

/// Words that may follow the numbers of a version.
const PRERELEASES: [&str; 8] = ["alpha", "beta", "dev", "post", "pre", "rc", "a", "b"];

/// The pattern that matches this text and nothing else.
pub(super) fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut pattern, c));
    pattern
}

fn push(pattern: &mut String, character: char) {
    if matches!(character, '*' | '?' | '[') {
        pattern.extend(['[', character, ']']);
    } else {
        pattern.push(character);
    }
}

/// A pattern in which what changes is left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) pattern: String,
    /// How many bytes of the text stand before what is left open.
    pub(super) fixed: usize,
}

/// The pattern for texts that differ from this one only in versions and hashes; `None` when there are
/// none in it.
pub(super) fn likeness(text: &str) -> Option<Likeness> {
    let mut pattern = String::with_capacity(text.len());
    let (mut rest, mut before, mut fixed) = (text, None, None);
    while let Some(next) = rest.chars().next() {
        let starts = !before.is_some_and(char::is_alphanumeric);
        let length = match starts {
            true => version(rest).or_else(|| hash(rest)),
            false => None,
        };
        match length {
            Some(_) => {
                fixed.get_or_insert(text.len() - rest.len());
                pattern.push('*');
                before = Some('0');
            }
            None => {
                push(&mut pattern, next);
                before = Some(next);
            }
        }
        let length = length.unwrap_or(next.len_utf8());
        rest = rest.get(length..).unwrap_or_default();
    }
    fixed.map(|fixed| Likeness { pattern, fixed })
}

/// The length of a version at the start: `1.2`, `v1.2.3-rc1`, `1.0.dev4`.
fn version(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix('v').unwrap_or(text);
    let mut rest = after_digits(numbers)?;
    let mut parts = 1;
    while let Some(behind) = rest.strip_prefix('.').and_then(after_digits) {
        rest = behind;
        parts += 1;
    }
    if parts < 2 {
        return None;
    }
    rest = after_prerelease(rest).unwrap_or(rest);
    ends(rest).then(|| text.len() - rest.len())
}

fn after_digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

/// What comes behind `-rc1`, `.dev4`, `b2`.
fn after_prerelease(text: &str) -> Option<&str> {
    let word = text.strip_prefix(['-', '.', '+', '~']).unwrap_or(text);
    let behind = PRERELEASES
        .iter()
        .find_map(|known| word.strip_prefix(known))?;
    let behind = behind.strip_prefix('.').unwrap_or(behind);
    after_digits(behind).filter(|rest| ends(rest))
}

/// The length of a hash, date or build number at the start.
fn hash(text: &str) -> Option<usize> {
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let rest = text.trim_start_matches(is_hex);
    let run = text.get(..text.len() - rest.len())?;
    let has_digit = run.contains(|c: char| c.is_ascii_digit());
    let has_letter = run.contains(|c: char| c.is_ascii_alphabetic());
    let long = match has_letter {
        true => run.len() >= HASH_AT_LEAST,
        false => run.len() >= NUMBER_AT_LEAST,
    };
    (has_digit && long && ends(rest)).then_some(run.len())
}

fn ends(rest: &str) -> bool {
    !rest.starts_with(char::is_alphanumeric)
}

/// The ending of a file's name, with its dot: `.c`, `.tar.gz`. Empty when there is none.
pub(super) fn ending(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some(dot) = file.rfind('.').filter(|dot| *dot > 0) else {
        return "";
    };
    let stem = file.get(..dot).unwrap_or_default();
    let packed = stem.len() > 4 && stem.ends_with(".tar");
    let length = file.len() - dot + if packed { 4 } else { 0 };
    name.get(name.len() - length..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pattern;

    #[test]
    fn a_literal_matches_itself_alone() {
        for name in [
            "a", "*", "a[b]c", "[", "]", "[!a]", "?x", "a*b?c[", "[[]", "",
        ] {
            let pattern = Pattern::new(&literal(name));
            assert!(pattern.matches(name), "{name}");
            for other in ["b", "a", "abc", "x", "aXbYc[", "!"] {
                assert_eq!(pattern.matches(other), other == name, "{name} {other}");
            }
        }
    }

    #[test]
    fn versions_and_hashes_are_left_open() {
        for (name, expected) in [
            ("hello-1.2.3.tar.gz", "hello-*.tar.gz"),
            (
                "dist/hello-1.0rc1-py3-none-any.whl",
                "dist/hello-*-py3-none-any.whl",
            ),
            ("hello-v0.1/src/main.c", "hello-*/src/main.c"),
            ("hello_1.0.0-beta.2_amd64.deb", "hello_*_amd64.deb"),
            (
                "deps/libserde-0a1b2c3d4e5f6071.rlib",
                "deps/libserde-*.rlib",
            ),
            ("libz.so.1.2.13", "libz.so.*"),
            ("blobs/sha256/0a1b2c3d4e5f", "blobs/sha256/*"),
            ("build-20261128.log", "build-*.log"),
            ("a[1.2]", "a[[]*]"),
        ] {
            let found = likeness(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.pattern, expected);
            assert!(Pattern::new(&found.pattern).matches(name), "{name}");
            assert!(
                expected.starts_with(&literal(name.get(..found.fixed).unwrap())),
                "{name}"
            );
        }
    }

    #[test]
    fn other_names_stay() {
        for name in [
            "src/main.rs",
            "deadbeef",
            "facade",
            "1.html",
            "python3.11/x",
            "lib64",
            "x86_64",
            "v2",
            "2026-11-28",
            "1.2abc",
            "",
        ] {
            assert_eq!(likeness(name), None, "{name}");
        }
    }

    #[test]
    fn endings_begin_with_the_last_dot() {
        for (name, expected) in [
            ("a.c", ".c"),
            ("a/b.tar.gz", ".tar.gz"),
            ("a.b/c", ""),
            (".profile", ""),
            ("a/.tar.gz", ".gz"),
            ("x.", "."),
            ("", ""),
        ] {
            assert_eq!(ending(name), expected, "{name}");
        }
    }
}
