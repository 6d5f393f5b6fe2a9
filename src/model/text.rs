//! Text from outside, made fit to be shown.

use std::fmt;

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
        for character in self.0.chars() {
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
    for character in message.chars() {
        match character {
            '\n' | '\\' | '\'' | '"' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
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

/// A command as one line that a shell would read as the same words.
pub fn command_line<S: AsRef<str>>(words: &[S]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    let word = |word: &str| match word {
        "" => "''".to_owned(),
        _ if word.chars().all(plain) => word.to_owned(),
        _ if word.chars().any(is_unprintable) => ansi_quoted(word),
        _ => format!("'{}'", word.replace('\'', "'\\''")),
    };
    let words: Vec<String> = words.iter().map(|text| word(text.as_ref())).collect();
    words.join(" ")
}

/// In the quotes that bash has for what cannot be shown.
fn ansi_quoted(word: &str) -> String {
    let mut quoted = String::from("$'");
    for character in word.chars() {
        if is_unprintable(character) {
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
    fn a_command_can_be_copied() {
        let words = ["sh", "-c", "echo 'a b' > x", "", "é"];
        assert_eq!(command_line(&words), r"sh -c 'echo '\''a b'\'' > x' '' 'é'");
        assert_eq!(command_line(&["a\u{1b}'\\\n"]), r"$'a\x1b\'\\\x0a'");
    }
}
