//! A command that is written as one string: split into words as a POSIX shell would, and nothing else
//! that a shell does. What a shell would expand or obey is refused, for here it would be a word like
//! any other.

/// Why a string is no command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CommandError {
    /// A quote that does not end.
    Unclosed,
    /// Something that only a shell understands.
    Shell(char),
}

/// The words of a command.
pub(super) fn words(text: &str) -> Result<Vec<String>, CommandError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                single_quoted(&mut characters, word)?;
            }
            '"' => {
                let word = word.get_or_insert_default();
                double_quoted(&mut characters, word)?;
            }
            '\\' => match characters.next() {
                Some('\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err(CommandError::Unclosed),
            },
            '#' | '~' if word.is_none() => return Err(CommandError::Shell(character)),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' => {
                return Err(CommandError::Shell(character));
            }
            // `NAME=value command` sets a variable in a shell.
            '=' if words.is_empty() && !word.as_ref().is_some_and(|word| word.contains('/')) => {
                return Err(CommandError::Shell(character));
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Ok(words)
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn single_quoted(rest: &mut Rest<'_>, word: &mut String) -> Result<(), CommandError> {
    loop {
        match rest.next() {
            Some('\'') => return Ok(()),
            Some(character) => word.push(character),
            None => return Err(CommandError::Unclosed),
        }
    }
}

fn double_quoted(rest: &mut Rest<'_>, word: &mut String) -> Result<(), CommandError> {
    loop {
        match rest.next() {
            Some('"') => return Ok(()),
            Some('\\') => match rest.next() {
                Some('\n') => {}
                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
                None => return Err(CommandError::Unclosed),
            },
            Some(character @ ('$' | '`')) => return Err(CommandError::Shell(character)),
            Some(character) => word.push(character),
            None => return Err(CommandError::Unclosed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, expected) in [
            ("make hello", &["make", "hello"][..]),
            ("  a\t b\n", &["a", "b"]),
            (
                r#"sh -c 'echo "$HOME" | x'"#,
                &["sh", "-c", r#"echo "$HOME" | x"#],
            ),
            (
                r#"a "b \"c\" \$ \x" d\ e '' f'g'"h""#,
                &["a", r#"b "c" $ \x"#, "d e", "", "fgh"],
            ),
            (
                "a#b c~ --x=1 {VERSION}",
                &["a#b", "c~", "--x=1", "{VERSION}"],
            ),
            ("a\\\nb 'c\\'", &["ab", "c\\"]),
            ("", &[]),
        ] {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_only_a_shell_understands_is_refused() {
        for text in [
            "a | b", "a && b", "a; b", "a > b", "a < b", "(a)", "$A", "\"$A\"", "`a`", "\"`a`\"",
            "*.c", "a?", "[a]", "~/a", "# a", "A=1 make", "a &",
        ] {
            assert!(matches!(words(text), Err(CommandError::Shell(_))), "{text}");
        }
        for text in ["'a", "\"a", "a\\", "\"a\\"] {
            assert_eq!(words(text), Err(CommandError::Unclosed), "{text}");
        }
    }
}
