//! A [`Report`](crate::report::Report) as bytes, into any writer. No decisions are made here.

mod human;
mod json;
mod sources;

pub use human::{Dress, human, human_with};
pub use json::{SCHEMA, json};
pub use sources::Sources;
