//! linkwright makes a software supply chain checkable.

pub mod cli;
pub mod encoding;
pub mod event;
pub mod exec;
pub mod inspect;
pub mod keys;
pub mod model;
pub mod record;
pub mod render;
pub mod report;
pub mod store;
pub mod verify;
