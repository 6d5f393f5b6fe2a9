//! A [`Report`](crate::report::Report), and what is known of a layout, as bytes into any writer. No
//! decisions are made here.

mod annotations;
mod causes;
mod changes;
mod graph;
mod html;
mod human;
mod json;
mod junit;
mod key_table;
mod lint;
mod markdown;
mod places;
mod quality;
mod sarif;
mod simulation;
mod sources;
mod words;

pub use annotations::{annotations, section_end, section_start};
pub use changes::{Comparison, DIFF_SCHEMA, diff_human, diff_json};
pub use graph::{dot, mermaid, svg, terminal};
pub use html::{html, simulation_html};
pub use human::{Dress, human, human_with};
pub use json::{SCHEMA, json};
pub use junit::junit;
pub use key_table::key_table;
pub use lint::{LINT_SCHEMA, Linted, Unreadable, lint_human, lint_json, lint_sarif};
pub use markdown::{markdown, markdown_within};
pub use places::Places;
pub use quality::code_quality;
pub use sarif::sarif;
pub use simulation::{SIMULATION_SCHEMA, simulation_human, simulation_json, tampering};
pub use sources::{Sources, underlined};
