//! Cases through the library and the binary, in one program: linking is slow.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod cases;
mod commands;
mod formats;
#[cfg(target_os = "linux")]
mod inspections;
mod layering;
mod layouts;
mod peers;
mod properties;
mod refusals;
mod support;
mod transparency;
