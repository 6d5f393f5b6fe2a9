//! Which of several names someone may have meant.

/// How many edits a name may be away from another and still be taken for it.
const EDITS_AT_MOST: usize = 4;

/// How many characters may lie between the beginning and the end that two names share. Comparing
/// takes the square of it.
const COMPARED_AT_MOST: usize = 32;

/// The names that are most like the wanted one, at most `most`, the nearest first. A name that has
/// nothing to do with it is not among them.
pub fn similar<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> = Vec::new();
    for name in names {
        let Some(edits) = edits(wanted, name) else {
            continue;
        };
        let at = near.partition_point(|known| *known <= (edits, name));
        if at < most {
            near.insert(at, (edits, name));
            near.truncate(most);
        }
    }
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many edits lie between two names; `None` when these are too many for a slip.
fn edits(wanted: &str, name: &str) -> Option<usize> {
    let same = |(one, two): &(char, char)| one == two;
    let length = |pairs: usize, text: &str| {
        text.char_indices()
            .nth(pairs)
            .map_or(text.len(), |(at, _)| at)
    };
    let front = wanted.chars().zip(name.chars()).take_while(same).count();
    let wanted_rest = wanted.get(length(front, wanted)..)?;
    let name_rest = name.get(length(front, name)..)?;
    let backwards = wanted_rest.chars().rev().zip(name_rest.chars().rev());
    let back = backwards.take_while(same).count();
    let middle = |text: &str| -> Option<Vec<char>> {
        let kept = text.chars().count().checked_sub(back)?;
        (kept <= COMPARED_AT_MOST).then(|| text.chars().take(kept).collect())
    };
    let (left, right) = (middle(wanted_rest)?, middle(name_rest)?);
    let between = strsim::generic_damerau_levenshtein(&left, &right);
    // Of a short name, less than half may differ.
    let allowed = EDITS_AT_MOST.min(wanted.chars().count().saturating_sub(1) / 2);
    (between <= allowed).then_some(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_the_nearest_first() {
        let names = ["src/main.c", "src/mian.c", "src/main.cc", "doc/manual", "x"];
        assert_eq!(similar("src/man.c", names, 2), ["src/main.c", "src/mian.c"]);
        assert_eq!(similar("src/main.c", names, 1), ["src/main.c"]);
        assert_eq!(similar("ä", ["ö", "b"], 3), [""; 0]);
        assert_eq!(similar("grün", ["grun"], 3), ["grun"]);
    }

    #[test]
    fn long_names_cost_little() {
        let (long, other) = ("a".repeat(100_000), "b".repeat(100_000));
        assert_eq!(similar(&long, [other.as_str()], 3), [""; 0]);
        let with = format!("{long}x");
        assert_eq!(similar(&long, [with.as_str()], 3), [with.as_str()]);
    }
}
