//! Which paths are left out: patterns with the meaning that the reference gives them, which is that
//! of `.gitignore` lines (pathspec's `GitIgnoreSpec`, "gitwildmatch").
//!
//! Each line becomes at most two globs. One matches the path itself, the other what lies below it.
//! The last line that matches the path itself decides; only if there is none, the last line that
//! matches a folder above it. So `build` followed by `!build/keep` records `build/keep`, if the walk
//! gets there: a folder that is left out is not entered.
//!
//! What `.gitignore` skips in silence is refused here: a bracket that is not closed, a range that
//! runs backwards, a lone `!`, a `\` with nothing behind it. So are ranges with an end outside ASCII,
//! which the reference accepts.
//!
//! Measured against pathspec 1.1.1 the answers differ only for
//! - names with a line feed in them: there it ends what `**` spans, and a last one is not seen by
//!   the end of a pattern; here it is a character like any other,
//! - names that begin with two slashes: patterns without a leading slash miss their first part there,
//! - `/` itself, which is never left out, and paths that end in `..` (only roots do), which some
//!   patterns miss.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::LazyLock;

use globset::{Candidate, Glob, GlobBuilder, GlobSet};
use memchr::memmem::Finder;

use super::glob::{ANY, Line};

/// Texts that are looked for one by one before the globs are tried. With more patterns than this the
/// globs, which are tried all at once, are not slower.
const MAX_LITERALS: usize = 16;

/// What the reference leaves out unless it is told otherwise.
const REFERENCE_DEFAULTS: [&str; 4] = ["*.link*", ".git", "*.pyc", "*~"];

/// Which paths are left out.
#[derive(Clone, Debug, Default)]
pub struct Excludes(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Nothing,
    /// Compiled when the first path is held against them, which costs as much as starting a command.
    ReferenceDefaults,
    Patterns(Box<Compiled>),
}

/// Compiled exclude patterns.
#[derive(Clone, Debug)]
struct Compiled {
    itself: Globs,
    below: Globs,
    /// The characters outside ASCII that the patterns spell out. Globs match bytes; so that `?` and
    /// brackets match characters, those not in here are replaced by [`ANY`] before a path is matched.
    known: BTreeSet<char>,
    /// A path that has none of these in it is matched by no glob. Most paths have none, and to see
    /// that takes a fifth of the time. `None` if there are too many, or a glob that needs none.
    literals: Option<Vec<Finder<'static>>>,
}

/// Globs, and of each whether it leaves out or (`!`) takes back in.
#[derive(Clone, Debug)]
struct Globs {
    set: GlobSet,
    leave_out: Vec<bool>,
}

/// Why an exclude pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExcludeError {
    /// Nothing is left after the `!`.
    #[error("exclude pattern `{pattern}` names nothing", pattern = pattern.escape_debug())]
    Empty {
        /// The pattern.
        pattern: String,
    },
    /// A `\` has no character after it in its part of the path.
    #[error(
        "exclude pattern `{pattern}` has a `\\` with nothing to escape behind it",
        pattern = pattern.escape_debug()
    )]
    DanglingEscape {
        /// The pattern.
        pattern: String,
    },
    /// A `[` has no `]` in its part of the path.
    #[error(
        "exclude pattern `{pattern}` has a `[` without its `]`; write `\\[` for the character",
        pattern = pattern.escape_debug()
    )]
    UnclosedBracket {
        /// The pattern.
        pattern: String,
    },
    /// A range such as `z-a`, or one with an end outside ASCII.
    #[error(
        "exclude pattern `{pattern}` has the range `{first}-{last}`, expected ASCII characters in ascending order",
        pattern = pattern.escape_debug(), first = first.escape_debug(), last = last.escape_debug()
    )]
    Range {
        /// The pattern.
        pattern: String,
        /// The first character of the range.
        first: char,
        /// The last character of the range.
        last: char,
    },
    /// The glob library refuses the patterns, in practice because they are too large together.
    #[error("the exclude patterns cannot be compiled: {source}")]
    Compile {
        /// What it says.
        #[from]
        source: globset::Error,
    },
}

impl Excludes {
    /// Nothing is left out.
    pub fn none() -> Self {
        Self::default()
    }

    /// The patterns that the reference uses unless it is told otherwise: `*.link*`, `.git`, `*.pyc`
    /// and `*~`.
    pub fn reference_defaults() -> Self {
        Self(Kind::ReferenceDefaults)
    }

    /// Compiles patterns, one line each, as they stand on a command line or in a file. Blank lines
    /// and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// See [`ExcludeError`].
    pub fn compile(patterns: &[String]) -> Result<Self, ExcludeError> {
        Compiled::of(patterns).map(|compiled| Self(Kind::Patterns(Box::new(compiled))))
    }

    /// Whether this path, normalised, is left out. One leading slash does not count.
    pub fn matches(&self, path: &Path) -> bool {
        self.compiled()
            .is_some_and(|compiled| compiled.matches(path))
    }

    fn compiled(&self) -> Option<&Compiled> {
        match &self.0 {
            Kind::Nothing => None,
            Kind::ReferenceDefaults => Some(&DEFAULTS),
            Kind::Patterns(compiled) => Some(compiled),
        }
    }
}

static DEFAULTS: LazyLock<Compiled> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "four constant patterns, and a test")]
    Compiled::of(&REFERENCE_DEFAULTS.map(str::to_owned)).expect("constant patterns compile")
});

impl Compiled {
    fn of(patterns: &[String]) -> Result<Self, ExcludeError> {
        let known = patterns
            .iter()
            .flat_map(|pattern| pattern.chars())
            .filter(|character| !character.is_ascii())
            .collect();
        let mut itself = (Vec::new(), Vec::new());
        let mut below = (Vec::new(), Vec::new());
        let mut literals = BTreeSet::new();
        for pattern in patterns {
            let Some(line) = Line::parse(pattern, &known)? else {
                continue;
            };
            for (text, globs) in [(line.itself, &mut itself), (line.below, &mut below)] {
                if let Some(text) = text {
                    globs.0.push(glob(&text)?);
                    globs.1.push(line.leave_out);
                }
            }
            literals.insert(line.literal);
        }
        let are_usable = !literals.contains("") && literals.len() <= MAX_LITERALS;
        let finder = |literal: &String| Finder::new(literal).into_owned();
        Ok(Self {
            itself: Globs::compile(itself.0, itself.1)?,
            below: Globs::compile(below.0, below.1)?,
            known,
            literals: are_usable.then(|| literals.iter().map(finder).collect()),
        })
    }

    fn matches(&self, path: &Path) -> bool {
        if self.itself.leave_out.is_empty() && self.below.leave_out.is_empty() {
            return false;
        }
        let bytes = path.as_os_str().as_bytes();
        let has = |literal: &Finder<'_>| literal.find(bytes).is_some();
        if matches!(&self.literals, Some(literals) if !literals.iter().any(has)) {
            return false;
        }
        self.globs_match(bytes)
    }

    fn globs_match(&self, bytes: &[u8]) -> bool {
        let path = self.folded(bytes.strip_prefix(b"/").unwrap_or(bytes));
        if path.is_empty() {
            return false;
        }
        let candidate = Candidate::from_bytes(&path);
        self.itself
            .verdict(&candidate)
            .or_else(|| self.below.verdict(&candidate))
            .unwrap_or(false)
    }

    fn folded<'p>(&self, path: &'p [u8]) -> Cow<'p, [u8]> {
        if path.is_ascii() {
            return Cow::Borrowed(path);
        }
        let mut folded = String::with_capacity(path.len());
        for chunk in path.utf8_chunks() {
            let fold = |character: char| {
                let keep = character.is_ascii() || self.known.contains(&character);
                if keep { character } else { ANY }
            };
            folded.extend(chunk.valid().chars().map(fold));
            folded.extend(chunk.invalid().iter().map(|_| ANY));
        }
        Cow::Owned(folded.into_bytes())
    }
}

impl Globs {
    fn compile(globs: Vec<Glob>, leave_out: Vec<bool>) -> Result<Self, globset::Error> {
        let set = GlobSet::new(globs)?;
        Ok(Self { set, leave_out })
    }

    /// What the last glob that matches says.
    fn verdict(&self, candidate: &Candidate<'_>) -> Option<bool> {
        let mut matches = Vec::new();
        self.set.matches_candidate_into(candidate, &mut matches);
        matches
            .last()
            .and_then(|&last| self.leave_out.get(last).copied())
    }
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Patterns; which paths pathspec 1.1.1 says are left out, `null` if it refuses the patterns;
    /// which are not.
    type Row = (Vec<String>, Option<Vec<String>>, Vec<String>);

    fn excludes(patterns: &[&str]) -> Result<Excludes, ExcludeError> {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Excludes::compile(&patterns)
    }

    #[test]
    fn patterns_mean_what_pathspec_says() {
        let mut pairs = 0;
        for line in include_str!("testdata/excludes.jsonl").lines() {
            let (patterns, left_out, kept): Row = serde_json::from_str(line).unwrap();
            let (excludes, left_out) = match (Excludes::compile(&patterns), left_out) {
                (Ok(excludes), Some(left_out)) => (excludes, left_out),
                (Ok(_), None) => panic!("{line}"),
                // What pathspec drops in silence, or ranges outside ASCII.
                (Err(error), Some(_)) => {
                    let deliberate = matches!(
                        error,
                        ExcludeError::UnclosedBracket { .. } | ExcludeError::Range { .. }
                    );
                    assert!(deliberate, "{line}");
                    continue;
                }
                (Err(_), None) => continue,
            };
            for (paths, expected) in [(left_out, true), (kept, false)] {
                for path in paths {
                    let found = excludes.matches(Path::new(&path));
                    assert_eq!(found, expected, "{patterns:?} {path}");
                    pairs += 1;
                }
            }
        }
        assert!(pairs > 2000, "{pairs}");
    }

    #[test]
    fn patterns_that_cannot_be_meant_are_refused_by_name() {
        for (pattern, expected) in [
            ("!", "exclude pattern `!` names nothing"),
            (
                "a\\",
                "exclude pattern `a\\\\` has a `\\` with nothing to escape behind it",
            ),
            (
                "[a",
                "exclude pattern `[a` has a `[` without its `]`; write `\\[` for the character",
            ),
            (
                "[a/]",
                "exclude pattern `[a/]` has a `[` without its `]`; write `\\[` for the character",
            ),
            (
                "[z-a]",
                "exclude pattern `[z-a]` has the range `z-a`, expected ASCII characters in ascending order",
            ),
            (
                "[a-é]",
                "exclude pattern `[a-é]` has the range `a-é`, expected ASCII characters in ascending order",
            ),
        ] {
            let error = excludes(&["ok", pattern]).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn the_reference_defaults_leave_out_what_they_say() {
        let excludes = Excludes::reference_defaults();
        for path in [".git", "a/.git/config", "x.pyc", "x~", "s.0123abcd.link"] {
            assert!(excludes.matches(Path::new(path)), "{path}");
        }
        assert!(!excludes.matches(Path::new("src/lib.rs")));
        assert!(!Excludes::none().matches(Path::new(".git")));
    }

    #[test]
    fn each_path_that_is_left_out_has_a_literal_of_its_pattern() {
        let known = BTreeSet::from(['é']);
        for (pattern, literal) in [
            ("*.link*", ".link"),
            (".git", ".git"),
            ("*~", "~"),
            ("!/build/keep", "build"),
            ("a?bcd[e]fg/", "bcd"),
            ("a\\*b", "a*b"),
            ("ab/**/cd*", "ab"),
            ("naïve", "na"),
            ("aé\0b", "a"),
            ("*", ""),
            ("[ab]", ""),
            ("é?", ""),
            ("**", ""),
        ] {
            let line = Line::parse(pattern, &known).unwrap().unwrap();
            assert_eq!(line.literal, literal, "{pattern}");
        }
    }

    /// Patterns of few characters, so that they often match; also those with a character outside ASCII.
    fn pattern() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            4 => "[a-cé.~]{1,3}",
            1 => Just("*".to_owned()),
            1 => Just("?".to_owned()),
            1 => Just("**".to_owned()),
            1 => prop_oneof!["\\[[!]?[a-cé]{1,2}\\]", "\\[a-c\\]"],
            1 => "\\\\[a-c*?\\[]",
            2 => Just("/".to_owned()),
        ];
        let parts = prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat());
        ("!?", parts).prop_map(|(sign, parts)| sign + &parts)
    }

    proptest! {
        #[test]
        fn a_path_without_any_literal_is_matched_by_no_glob(
            patterns in prop::collection::vec(pattern(), 1..5),
            paths in prop::collection::vec("/?[a-cé.~*?\\[x]{1,3}(/[a-cé.~*x]{1,3}){0,3}", 1..20),
        ) {
            let Ok(excludes) = Excludes::compile(&patterns) else {
                return Ok(());
            };
            for path in paths {
                let found = excludes.matches(Path::new(&path));
                prop_assert_eq!(found, excludes.compiled().unwrap().globs_match(path.as_bytes()), "{:?} {}", patterns, path);
            }
        }
    }

    #[test]
    fn many_patterns_mean_the_same() {
        let patterns: Vec<String> = (0..=MAX_LITERALS).map(|one| format!("{one}.x")).collect();
        let excludes = Excludes::compile(&patterns).unwrap();
        assert!(excludes.compiled().unwrap().literals.is_none());
        assert!(excludes.matches(Path::new("a/16.x/b")));
        assert!(!excludes.matches(Path::new("a/17.x/b")));
    }

    #[test]
    fn names_that_are_no_text_can_be_left_out() {
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
        for pattern in ["*.txt", "caf?.txt", "caf[!a].txt"] {
            assert!(excludes(&[pattern]).unwrap().matches(Path::new(name)));
        }
        assert!(!excludes(&["café.txt"]).unwrap().matches(Path::new(name)));
    }
}
