//! The manual: what the tool means, page by page.

#[doc = include_str!("proof.md")]
pub mod proof {}

#[doc = include_str!("formats.md")]
pub mod formats {}

#[doc = include_str!("layouts.md")]
pub mod layouts {}

#[doc = include_str!("rules.md")]
pub mod rules {}

#[doc = include_str!("certificates.md")]
pub mod certificates {}

#[doc = include_str!("inspections.md")]
pub mod inspections {}

#[doc = include_str!("answers.md")]
pub mod answers {}

#[doc = include_str!("codes.md")]
pub mod codes {}

#[doc = include_str!("lint.md")]
pub mod lint {}

#[doc = include_str!("products.md")]
pub mod products {}

#[doc = include_str!("from_links.md")]
pub mod from_links {}

#[doc = include_str!("comparing_layouts.md")]
pub mod comparing_layouts {}

#[doc = include_str!("simulation.md")]
pub mod simulation {}

#[doc = include_str!("exit_statuses.md")]
pub mod exit_statuses {}

#[doc = include_str!("performance.md")]
#[doc = "\n# The last run with AVX-512\n"]
#[doc = include_str!("performance_tables.md")]
#[doc = "\n# The last run without AVX-512\n"]
#[doc = include_str!("performance_tables_sha_ni.md")]
pub mod performance {}
