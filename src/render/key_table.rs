//! The keys of a layout, for people.

use std::io::{self, Write};

use crate::author::{KeyTable, KeyUse, Power};
use crate::keys::KeyId;
use crate::model::{counted, escaped, quoted, quoted_list};

/// How many links of a key are named before they are only counted.
const LINKS: usize = 8;

/// What each key can do. `names` are those that a text form has for keys; `with_links` says whether links
/// were looked at.
///
/// # Errors
/// Those of the writer.
pub fn key_table(
    table: &KeyTable,
    names: &[(KeyId, String)],
    with_links: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    if table.keys.is_empty() {
        writeln!(out, "no keys")?;
    }
    for key in &table.keys {
        for (_, name) in names.iter().filter(|(id, _)| key.ids.contains(id)) {
            write!(out, "{}: ", escaped(name))?;
        }
        one(key, with_links, out)?;
    }
    if !table.strangers.is_empty() {
        writeln!(
            out,
            "links that no key of the layout has signed: {}",
            quoted_list(&table.strangers, LINKS)
        )?;
    }
    Ok(())
}

fn one(key: &KeyUse, with_links: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut ids = key.ids.iter();
    let first = ids.next().map_or("", |id| id.as_str());
    match &key.kind {
        Ok(kind) => writeln!(out, "{} {}", escaped(first), escaped(kind))?,
        Err(why) => writeln!(out, "{}: cannot be used: {}", escaped(first), escaped(why))?,
    }
    for id in ids {
        writeln!(out, "  the same signer under {}", escaped(id.as_str()))?;
    }
    if key.kind.is_err() && !key.powers.is_empty() {
        let named: Vec<&str> = key.powers.iter().map(|power| power.step.as_str()).collect();
        return writeln!(
            out,
            "  named in {}, where it counts for nothing",
            quoted_list(&named, named.len())
        );
    }
    powers(key, out)?;
    match key.signed.as_slice() {
        [] if with_links => writeln!(out, "  signed: nothing"),
        [] => Ok(()),
        signed => writeln!(out, "  signed: {}", quoted_list(signed, LINKS)),
    }
}

fn powers(key: &KeyUse, out: &mut dyn Write) -> io::Result<()> {
    let alone: Vec<&str> = key
        .powers
        .iter()
        .filter(|power| power.is_alone())
        .map(|power| power.step.as_str())
        .collect();
    if !alone.is_empty() {
        writeln!(out, "  alone: {}", quoted_list(&alone, alone.len()))?;
    }
    for power in key.powers.iter().filter(|power| !power.is_alone()) {
        let (step, with) = (quoted(power.step.as_str()), with(power));
        writeln!(out, "  {with}: {step}")?;
    }
    if key.powers.is_empty() {
        writeln!(out, "  unused: no step authorises it")?;
    }
    Ok(())
}

fn with(power: &Power) -> String {
    let others = power.others;
    match (power.is_possible(), power.certificates) {
        (false, _) => format!(
            "never enough: {others} more must sign, and only {} could",
            counted(power.could, "other")
        ),
        (true, true) => format!("only with {others} more, by key or certificate"),
        (true, false) => format!("only with {others} of {}", counted(power.could, "other")),
    }
}
