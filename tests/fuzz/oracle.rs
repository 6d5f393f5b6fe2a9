//! Slow second opinions, written from other descriptions than the product's code: canonical JSON
//! from `serde_json`'s values, patterns from the regular expression that Python's
//! `fnmatch.translate` (3.11) makes, the bytes under a signature from the DSSE protocol.

use serde_json::Value;

/// Canonical JSON of a value without fractions and beyond-64-bit numbers.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<(Vec<u32>, String)> = members
                .iter()
                .map(|(key, item)| {
                    (
                        code_points(key),
                        format!("{}:{}", quote(key), canonical(item)),
                    )
                })
                .collect();
            members.sort();
            let members: Vec<String> = members.into_iter().map(|(_, text)| text).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn code_points(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}

/// The bytes that a DSSE signature covers.
pub(crate) fn pae(kind: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} ", kind.len()).into_bytes();
    message.extend(kind);
    message.extend(format!(" {} ", payload.len()).into_bytes());
    message.extend(payload);
    message
}

/// `fnmatch.fnmatchcase(name, pattern)`.
pub(crate) fn fnmatch(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let pieces = translate(&pattern);
    let mut known = vec![None; (pieces.len() + 1) * (name.len() + 1)];
    full_match(&pieces, &name, 0, 0, &mut known)
}

enum Piece {
    Star,
    Dot,
    Literal(char),
    /// What stands between the brackets of the regular expression.
    Set(Vec<char>),
    Never,
}

fn full_match(
    pieces: &[Piece],
    name: &[char],
    piece: usize,
    at: usize,
    known: &mut [Option<bool>],
) -> bool {
    let slot = piece * (name.len() + 1) + at;
    if let Some(answer) = known[slot] {
        return answer;
    }
    let one = |takes: bool, known: &mut [Option<bool>]| {
        takes && full_match(pieces, name, piece + 1, at + 1, known)
    };
    let answer = match (pieces.get(piece), name.get(at)) {
        (None, next) => next.is_none(),
        (Some(Piece::Star), next) => {
            full_match(pieces, name, piece + 1, at, known)
                || (next.is_some() && full_match(pieces, name, piece, at + 1, known))
        }
        (Some(_), None) | (Some(Piece::Never), _) => false,
        (Some(Piece::Dot), Some(_)) => one(true, known),
        (Some(Piece::Literal(literal)), Some(next)) => one(literal == next, known),
        (Some(Piece::Set(set)), Some(next)) => one(in_set(set, *next), known),
    };
    known[slot] = Some(answer);
    answer
}

/// Python's `translate`, name by name.
fn translate(pat: &[char]) -> Vec<Piece> {
    let (mut i, n) = (0, pat.len());
    let mut res = Vec::new();
    while i < n {
        let c = pat[i];
        i += 1;
        match c {
            '*' => res.push(Piece::Star),
            '?' => res.push(Piece::Dot),
            '[' => {
                let mut j = i;
                if j < n && pat[j] == '!' {
                    j += 1;
                }
                if j < n && pat[j] == ']' {
                    j += 1;
                }
                while j < n && pat[j] != ']' {
                    j += 1;
                }
                if j >= n {
                    res.push(Piece::Literal('['));
                } else {
                    res.push(set_piece(stuff(pat, i, j)));
                    i = j + 1;
                }
            }
            _ => res.push(Piece::Literal(c)),
        }
    }
    res
}

fn stuff(pat: &[char], mut i: usize, j: usize) -> String {
    let text = |from: usize, to: usize| pat[from..to].iter().collect::<String>();
    let whole = text(i, j);
    let escaped = if whole.contains('-') {
        let mut chunks: Vec<String> = Vec::new();
        let mut k = if pat[i] == '!' { i + 2 } else { i + 1 };
        while let Some(found) = (k..j).find(|at| pat[*at] == '-') {
            chunks.push(text(i, found));
            i = found + 1;
            k = found + 3;
        }
        let chunk = text(i, j);
        if chunk.is_empty() {
            chunks.last_mut().unwrap().push('-');
        } else {
            chunks.push(chunk);
        }
        for k in (1..chunks.len()).rev() {
            let (left, right) = (chunks[k - 1].clone(), chunks[k].clone());
            let (low, high) = (left.chars().last().unwrap(), right.chars().next().unwrap());
            if low > high {
                let left = left.strip_suffix(low).unwrap();
                let right = right.strip_prefix(high).unwrap();
                chunks[k - 1] = format!("{left}{right}");
                chunks.remove(k);
            }
        }
        let chunks: Vec<String> = chunks
            .iter()
            .map(|chunk| chunk.replace('\\', "\\\\").replace('-', "\\-"))
            .collect();
        chunks.join("-")
    } else {
        whole.replace('\\', "\\\\")
    };
    let operators = escaped.replace('&', "\\&").replace('~', "\\~");
    operators.replace('|', "\\|")
}

fn set_piece(stuff: String) -> Piece {
    match stuff.as_str() {
        "" => Piece::Never,
        "!" => Piece::Dot,
        _ => {
            let set = match stuff.strip_prefix('!') {
                Some(rest) => format!("^{rest}"),
                None if stuff.starts_with(['^', '[']) => format!("\\{stuff}"),
                None => stuff,
            };
            Piece::Set(set.chars().collect())
        }
    }
}

/// Whether a character is in a set, as Python's `re` reads the inside of `[…]`.
fn in_set(set: &[char], character: char) -> bool {
    let (negated, mut rest) = match set {
        ['^', rest @ ..] => (true, rest),
        _ => (false, set),
    };
    let mut inside = false;
    while let Some((low, behind)) = member(rest) {
        rest = behind;
        let mut high = low;
        if let ['-', behind @ ..] = rest
            && let Some((end, behind)) = member(behind)
        {
            high = end;
            rest = behind;
        }
        inside |= low <= character && character <= high;
    }
    inside != negated
}

fn member(set: &[char]) -> Option<(char, &[char])> {
    match set {
        ['\\', escaped, rest @ ..] => Some((*escaped, rest)),
        [plain, rest @ ..] => Some((*plain, rest)),
        [] => None,
    }
}
