//! One line of exclude patterns as globs. In the globs everything special is meant: what the pattern
//! escapes, and brackets and `?` as the characters they allow, one by one.

use std::collections::BTreeSet;

use super::ExcludeError;

/// Stands for every character outside ASCII that no pattern knows. File names cannot contain it.
pub(super) const ANY: char = '\0';

/// One pattern as globs.
pub(super) struct Line {
    /// Not so for `!`.
    pub(super) leave_out: bool,
    /// ASCII text that every path that one of the globs matches has in it; empty if there is none.
    pub(super) literal: String,
    /// Matches the path itself.
    pub(super) itself: Option<String>,
    /// Matches what is below it.
    pub(super) below: Option<String>,
}

impl Line {
    /// `None` for a line that says nothing.
    pub(super) fn parse(
        pattern: &str,
        known: &BTreeSet<char>,
    ) -> Result<Option<Self>, ExcludeError> {
        let line = if pattern.ends_with("\\ ") {
            pattern
        } else {
            pattern.trim_end_matches(is_space)
        };
        if line.is_empty() || line.starts_with('#') || line == "/" {
            return Ok(None);
        }
        let (leave_out, body) = match line.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, line),
        };
        let parts = parts(body);
        if parts.is_empty() {
            return Err(ExcludeError::Empty {
                pattern: pattern.to_owned(),
            });
        }
        let only_folders = body.ends_with('/');
        let mut literals = Literals::default();
        let (itself, below) = match parts.as_slice() {
            ["**"] | ["**", "*", "**"] if only_folders => (None, Some("*/**".to_owned())),
            ["**"] | ["**", "*"] => (Some("**".to_owned()), None),
            ["**", "*", "**"] => (Some("*/**".to_owned()), None),
            parts => {
                let text = Parts { pattern, known }.translate(parts, &mut literals)?;
                match parts.last() {
                    Some(&"**") if only_folders => (None, Some(text)),
                    Some(&"**") => (Some(text), None),
                    _ => (Some(text.clone()), Some(text + "/**")),
                }
            }
        };
        Ok(Some(Self {
            leave_out,
            literal: literals.longest,
            itself,
            below,
        }))
    }
}

/// The texts that stand in a pattern as they are meant.
#[derive(Default)]
struct Literals {
    longest: String,
    current: String,
}

impl Literals {
    /// What is not ASCII, or stands for other characters, ends a text.
    fn push(&mut self, character: char) {
        if !character.is_ascii() || character == ANY {
            return self.end();
        }
        self.current.push(character);
        if self.current.len() > self.longest.len() {
            self.longest.clone_from(&self.current);
        }
    }

    fn end(&mut self) {
        self.current.clear();
    }
}

/// What the reference strips at the end of a line.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// The parts between the slashes: from the top, so a name alone gets `**` in front, and a slash at
/// the end becomes `**`.
fn parts(body: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = body.split('/').collect();
    match parts.as_slice() {
        ["", ..] => drop(parts.remove(0)),
        [name] | [name, ""] if *name != "**" => parts.insert(0, "**"),
        _ => {}
    }
    if let Some(last) = parts.last_mut()
        && last.is_empty()
    {
        *last = "**";
    }
    parts.dedup_by(|later, earlier| *later == "**" && *earlier == "**");
    parts
}

/// Writes parts of a pattern as a glob in which every special character is meant.
struct Parts<'a> {
    pattern: &'a str,
    known: &'a BTreeSet<char>,
}

impl Parts<'_> {
    fn translate(&self, parts: &[&str], literals: &mut Literals) -> Result<String, ExcludeError> {
        let globs: Result<Vec<String>, _> = parts
            .iter()
            .map(|part| {
                literals.end();
                self.part(part, literals)
            })
            .collect();
        Ok(globs?.join("/"))
    }

    fn part(&self, part: &str, literals: &mut Literals) -> Result<String, ExcludeError> {
        if part == "**" {
            return Ok(part.to_owned());
        }
        let mut glob = String::new();
        let mut star = false;
        let mut rest = part.chars();
        while let Some(character) = rest.next() {
            if character == '*' {
                // Several in a row mean one, and must not become `**`.
                glob.push_str(if star { "" } else { "*" });
                star = true;
                literals.end();
                continue;
            }
            star = false;
            let literal = match character {
                '\\' => rest.next().ok_or_else(|| self.dangling_escape())?,
                '?' => {
                    self.push_one_of(&mut glob, |character| character != '/');
                    literals.end();
                    continue;
                }
                '[' => {
                    rest = self.bracket(&mut glob, rest.as_str())?.chars();
                    literals.end();
                    continue;
                }
                _ => character,
            };
            push_literal(&mut glob, literal);
            literals.push(literal);
        }
        Ok(glob)
    }

    /// Writes the bracket expression whose inside begins here, and gives what follows it. As in
    /// the reference `\` has no meaning inside, and `[^a]` and `[!a]` also match a slash.
    fn bracket<'p>(&self, glob: &mut String, text: &'p str) -> Result<&'p str, ExcludeError> {
        let (negated, inside) = match text.strip_prefix(['!', '^']) {
            Some(inside) => (true, inside),
            None => (false, text),
        };
        // A `]` that comes first is meant.
        let close = inside
            .char_indices()
            .skip(1)
            .find(|(_, character)| *character == ']');
        let (members, rest) = close
            .and_then(|(at, _)| inside.split_at_checked(at))
            .ok_or_else(|| ExcludeError::UnclosedBracket {
                pattern: self.pattern.to_owned(),
            })?;
        let ranges = self.ranges(members)?;
        self.push_one_of(glob, |character| {
            let member = ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&character));
            member != negated
        });
        Ok(rest.strip_prefix(']').unwrap_or(rest))
    }

    /// The members of a bracket expression; a single character is a range of one.
    fn ranges(&self, members: &str) -> Result<Vec<(char, char)>, ExcludeError> {
        let mut ranges = Vec::new();
        let mut rest = members.chars();
        while let Some(first) = rest.next() {
            let mut ahead = rest.clone();
            let (Some('-'), Some(last)) = (ahead.next(), ahead.next()) else {
                ranges.push((first, first));
                continue;
            };
            if last < first || !last.is_ascii() {
                return Err(ExcludeError::Range {
                    pattern: self.pattern.to_owned(),
                    first,
                    last,
                });
            }
            ranges.push((first, last));
            rest = ahead;
        }
        Ok(ranges)
    }

    /// Any one of the characters for which `allowed` holds, spelled out.
    fn push_one_of(&self, glob: &mut String, allowed: impl Fn(char) -> bool) {
        let ascii = (ANY..='\x7f').chain(self.known.iter().copied());
        let mut before = '{';
        for character in ascii.filter(|character| allowed(*character)) {
            glob.push(before);
            push_literal(glob, character);
            before = ',';
        }
        glob.push('}');
    }

    fn dangling_escape(&self) -> ExcludeError {
        ExcludeError::DanglingEscape {
            pattern: self.pattern.to_owned(),
        }
    }
}

fn push_literal(glob: &mut String, character: char) {
    if !character.is_alphanumeric() {
        glob.push('\\');
    }
    glob.push(character);
}
