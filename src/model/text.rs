//! Text from outside, made fit to be shown: to a terminal, and to a CI that reads what is printed.
//!
//! Those obey some texts, too: GitHub Actions a line that begins with `::` behind spaces, and, as other
//! CIs do, `##[`, `##vso[` and `##teamcity[` anywhere in it. So no `##` comes through, and
//! no line that begins with `::`.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

/// Shows a text between backticks. Control characters, invisible and direction-changing ones come
/// out as escapes, `\` doubled, so that no two texts look the same and a terminal obeys none.
pub fn quoted(text: &str) -> impl fmt::Display {
    Quoted(text)
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", escaped(self.0))
    }
}

/// The same without the backticks.
pub fn escaped(text: &str) -> impl fmt::Display {
    Escaped(text)
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = Before::default();
        let mut characters = self.0.chars().peekable();
        while let Some(character) = characters.next() {
            if before.makes_a_command(character, &mut characters) {
                write!(formatter, "{}", character.escape_unicode())?;
                continue;
            }
            match character {
                '\'' | '"' => write!(formatter, "{character}")?,
                // Or a name could end its own quotation.
                '`' => formatter.write_str("\\u{60}")?,
                _ => write!(formatter, "{}", character.escape_debug())?,
            }
        }
        Ok(())
    }
}

/// The last barrier before a terminal: a finished message in which nothing that a terminal obeys is
/// left. Unlike [`escaped`] it leaves `\` alone, for parts of the message are escaped already, and it
/// keeps line ends.
pub fn printable(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    let mut before = Before::default();
    let mut characters = message.chars().peekable();
    while let Some(character) = characters.next() {
        if before.makes_a_command(character, &mut characters) {
            shown.extend(character.escape_unicode());
            continue;
        }
        match character {
            '\n' | '\\' | '\'' | '"' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// What stands before a character: enough to see a command to a CI begin.
#[derive(Default)]
struct Before {
    /// Something that is no space, in this line.
    something: bool,
    hash: bool,
}

impl Before {
    fn makes_a_command(&mut self, character: char, rest: &mut Peekable<Chars<'_>>) -> bool {
        let begins = !self.something && character == ':' && rest.peek() == Some(&':');
        let makes = begins || self.hash && character == '#';
        self.something = character != '\n' && (self.something || !character.is_whitespace());
        self.hash = character == '#' && !makes;
        makes
    }
}

/// Several texts as [`quoted`], comma between them; of more than `most` the rest is counted.
pub fn quoted_list<S: AsRef<str>>(texts: &[S], most: usize) -> String {
    let mut list: Vec<String> = texts
        .iter()
        .take(most)
        .map(|text| quoted(text.as_ref()).to_string())
        .collect();
    if texts.len() > most {
        list.push(format!("and {} more", texts.len() - most));
    }
    list.join(", ")
}

/// A number and its noun: `1 product`, `2 products`.
pub fn counted<N: Copy + fmt::Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let s = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// A command as one line that a shell would read as the same words. It holds no backtick, or it could
/// end the quotation around it.
pub fn command_line<S: AsRef<str>>(words: &[S]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    let word = |word: &str| match word {
        "" => "''".to_owned(),
        _ if word.chars().all(plain) => word.to_owned(),
        _ if word.chars().any(is_coded) || word.contains("##") => ansi_quoted(word),
        _ => format!("'{}'", word.replace('\'', "'\\''")),
    };
    let words: Vec<String> = words.iter().map(|text| word(text.as_ref())).collect();
    words.join(" ")
}

fn is_coded(character: char) -> bool {
    character == '`' || is_unprintable(character)
}

/// In the quotes that bash has for what cannot be shown.
fn ansi_quoted(word: &str) -> String {
    let mut quoted = String::from("$'");
    for character in word.chars() {
        if is_coded(character) || character == '#' {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                quoted.push_str(&format!("\\x{byte:02x}"));
            }
        } else {
            if matches!(character, '\'' | '\\') {
                quoted.push('\\');
            }
            quoted.push(character);
        }
    }
    quoted.push('\'');
    quoted
}

/// Whether a terminal would obey the character, or show nothing for it.
pub fn is_unprintable(character: char) -> bool {
    !matches!(character, '\\' | '\'' | '"') && character.escape_debug().len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_obeys_comes_through() {
        let shown = quoted("a\u{1b}[2Jb\r\n\u{202e}c\u{200b}\u{7f}\\'").to_string();
        assert_eq!(shown, "`a\\u{1b}[2Jb\\r\\n\\u{202e}c\\u{200b}\\u{7f}\\\\'`");
    }

    #[test]
    fn the_last_barrier_leaves_what_is_escaped_already() {
        assert_eq!(
            printable("`a\\u{1b}`\u{1b}[0m\r\n'é'"),
            "`a\\u{1b}`\\u{1b}[0m\\r\n'é'"
        );
    }

    #[test]
    fn nothing_a_ci_obeys_comes_through() {
        for text in ["::error::x", "  ::error::x", "\t::add-mask::x"] {
            assert!(!escaped(text).to_string().contains("::e"), "{text}");
            assert!(!printable(text).trim_start().starts_with("::"), "{text}");
        }
        let shown = "said\n ::stop-commands::x\na::b";
        assert_eq!(printable(shown), "said\n \\u{3a}:stop-commands::x\na::b");
        assert_eq!(escaped("a::b:: #c#").to_string(), "a::b:: #c#");
        for text in ["##[add-mask]x", "a ##vso[task.setvariable]x", "###[x]"] {
            assert!(!escaped(text).to_string().contains("##"), "{text}");
            assert!(!printable(text).contains("##"), "{text}");
            assert!(!command_line(&[text]).contains("##"), "{text}");
        }
        let twice = printable(&quoted("##[x]").to_string());
        assert_eq!(twice, "`#\\u{23}[x]`");
    }

    #[test]
    fn a_command_can_be_copied() {
        let words = ["sh", "-c", "echo 'a b' > x", "", "é"];
        assert_eq!(command_line(&words), r"sh -c 'echo '\''a b'\'' > x' '' 'é'");
        assert_eq!(command_line(&["a\u{1b}'\\\n"]), r"$'a\x1b\'\\\x0a'");
        assert_eq!(command_line(&["`<img>`"]), r"$'\x60<img>\x60'");
    }
}
