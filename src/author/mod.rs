//! Making layouts, and knowing what they mean before anybody signs them. Pure: no files, no clock.
//!
//! All parts work on two forms of a layout: the value that is signed (an [`encoding::Value`]) and
//! the [`model::Layout`] read from it. A place in a layout is an RFC 6901 pointer into the signed
//! value; the text form knows where each pointer stands in it.
//!
//! [`encoding::Value`]: crate::encoding::Value
//! [`model::Layout`]: crate::model::Layout

mod diff;
pub mod from_links;
mod graph;
mod keys;
pub mod lint;
mod owner;
pub mod simulate;
mod template;
pub mod text;

pub use diff::{Change, Effect, Fate, Shift, Shifts, Trial, Verdicts, Version, diff, try_on};
pub use graph::{Arrow, Compared, Graph, Node, Signers};
pub use keys::{KeyTable, KeyUse, Old, Power, RotateError, rotated, rotated_ids};
pub use owner::{AsIfSigned, UnsignableError};
pub use template::{
    Answers, Blank, Filled, KeyFile, Performance, TEMPLATES, Template, TemplateError,
    check_parameter,
};
