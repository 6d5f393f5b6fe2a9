//! How long the layout is good for.

use crate::model::Moment;
use crate::report::LintCode;

use super::findings::Findings;
use super::reading::{Reading, member};

/// How many days before its end a layout is said to expire soon, as `verify` says it.
const SOON_DAYS: i32 = 30;

/// How many days ahead is far: two years. Keys are lost and people leave within less.
const FAR_DAYS: i32 = 2 * 366;

const PLACE: &str = "/expires";

pub(super) fn look(reading: &Reading<'_>, now: Moment, found: &mut Findings) {
    let Some(layout) = &reading.layout else {
        return;
    };
    let Some(expires) = layout.expires else {
        let unreadable = reading.complaints.iter().any(|one| one.pointer == PLACE);
        if !unreadable {
            let at = member(reading.value, "expires").map_or("", |_| PLACE);
            let message = "the layout has no expiry, and nothing passes without one";
            let help = "add `expires`, such as 90 days from now";
            found.error(LintCode::ExpiryMissing, at, message.to_owned(), help);
        }
        return;
    };
    if expires <= now {
        let message = format!("the layout expired at {expires}: nothing passes any more");
        let help = "give it a new expiry and sign it again";
        found.error(LintCode::ExpiryPast, PLACE, message, help);
    } else if expires < now.after_days(SOON_DAYS) {
        let message = format!("the layout expires at {expires}, in less than {SOON_DAYS} days");
        let help = "give it a new expiry and sign it again in good time";
        found.warn(LintCode::ExpirySoon, PLACE, message, help);
    } else if expires > now.after_days(FAR_DAYS) {
        let message = format!(
            "the layout is valid until {expires}: a layout cannot be called back, so whoever gets one of its keys in all that time can use it"
        );
        let help = "let it expire within a year, and sign it again when it is still right";
        found.warn(LintCode::ExpiryFar, PLACE, message, help);
    }
}
