//! Parameters that are only filled in when the layout is verified.

use crate::report::LintCode;
use crate::verify::asked_for;

use super::findings::Findings;
use super::reading::Reading;

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    for (name, at) in asked_for(reading.value) {
        let message = format!(
            "`{{{name}}}` is filled in only when it is given; who verifies without any parameter has it stand for itself"
        );
        let help = "verify with --param NAME=VALUE, and with --deny parameter-unfilled, so that it cannot be forgotten; double the braces if they are meant";
        found.note(LintCode::ParameterOpen, &at, message, help);
    }
}
