//! linkwright makes a software supply chain checkable.
//!
//! Each step of a build leaves a *link*: a signed statement of what went in (materials), what was
//! run, and what came out (products). A *layout*, signed by the owner of the product, says which
//! steps there must be, whose keys may perform them, and which artifacts may flow where.
//! [`verify::verify`] decides from a layout and links whether the product may be released. The
//! formats are those of [in-toto](https://in-toto.io), so links and layouts can be exchanged with
//! its other implementations.
//!
//! What a pass means, and what it does not, is told in [`manual::proof`]; how the formats look in
//! [`manual::formats`]; each code of a finding in [`manual::codes`]; what the command of an inspection can do, in
//! [`manual::inspections`]; what is said of a layout before it is signed, in [`manual::lint`].
//!
//! # Architecture
//!
//! The modules in reading order:
//!
//! - [`encoding`]: bytes to values and back. Knows nothing of in-toto.
//! - [`keys`]: one key, one signature.
//! - [`model`]: the vocabulary, parsed and immutable, without input and output.
//! - [`report`]: what a verification found. Data only.
//! - [`verify`]: the decision. Pure: no files, no processes, no clock.
//! - [`author`]: making layouts. Pure, too.
//! - [`event`]: what the slow parts say while they work.
//! - [`record`]: the disk as it is.
//! - [`exec`]: one child process.
//! - [`inspect`]: the one effect of a verification, running the commands of inspections.
//! - [`store`]: metadata files on disk.
//! - [`ci`]: which continuous integration this is.
//! - [`render`]: a report as bytes.
//! - [`cli`]: arguments to one library call, its result to one renderer, the verdict to an exit
//!   status.
//!
//! Invariants:
//!
//! - Everything from outside is refused unless it is understood. No evidence, an unreadable file
//!   and an unknown word never end in a pass.
//! - No command of a layout can be run before its signatures were checked and every step rule of
//!   the whole tree of layouts has passed: [`verify::Inspector`] takes a [`verify::Checked`]
//!   inspection, and only the engine can make one.
//! - Signatures are checked over the bytes that were received.
//! - One counter counts signers, by key material.
//! - The same inputs give the same report.

pub mod author;
pub mod ci;
pub mod cli;
pub mod encoding;
pub mod event;
pub mod exec;
pub mod inspect;
pub mod keys;
pub mod manual;
pub mod model;
pub mod record;
pub mod render;
pub mod report;
pub mod store;
pub mod verify;
