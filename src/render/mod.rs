//! A [`Report`](crate::report::Report) as bytes, into any writer. No decisions are made here.

mod human;
mod json;

pub use human::{Dress, human};
pub use json::{SCHEMA, json};
