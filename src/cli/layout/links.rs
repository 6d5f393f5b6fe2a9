//! Links beside a layout that is looked at: gathered with everything said that was passed over.

use std::path::PathBuf;

use crate::model::{Envelope, Evidence, quoted};
use crate::store::{self, Remark};

use super::super::failure::{Failure, Kind, complain};

/// The links that a layout asks for, from some places. What was passed over is told.
///
/// # Errors
/// Links may have been missed. What is said about the others would be said as if they were all.
pub(super) fn gather(layout: &Envelope, places: &[PathBuf]) -> Result<Evidence, Failure> {
    if let Some(place) = places.iter().find(|place| !place.exists()) {
        let place = place.to_string_lossy();
        return Err(undecided(format!(
            "there is no folder or bundle {} of links",
            quoted(&place)
        )));
    }
    let gathered = store::gather_evidence(layout, places, false);
    let shown = |Remark { path, why, .. }: &Remark| format!("{}: {why}", quoted(path));
    let (gaps, others): (Vec<&Remark>, Vec<&Remark>) =
        gathered.remarks.iter().partition(|remark| remark.is_gap);
    for remark in others {
        complain(&format!("note: passed over {}", shown(remark)));
    }
    if gaps.is_empty() {
        return Ok(gathered.evidence);
    }
    let gaps: Vec<String> = gaps.into_iter().map(shown).collect();
    Err(undecided(format!(
        "links cannot be read: {}",
        gaps.join("; ")
    )))
}

fn undecided(message: String) -> Failure {
    Failure::failed(message).meaning(Kind::Undecided)
}
