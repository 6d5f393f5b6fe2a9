//! Properties: where there is an inverse or a second opinion, generated input is held against it.
//!
//! What Python says comes from tables that `scripts/oracles.py` makes. What the fuzz targets of
//! `tests/fuzz` do is run here over their corpus.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod canonical;
mod corpus;
mod digests;
mod envelopes;
mod explanations;
mod json;
mod layouts;
mod patterns;
mod permutations;
mod rules;
mod verification;

#[path = "fuzz/bodies.rs"]
pub(crate) mod bodies;
