//! The commands about layouts, a file each.

mod diff;
mod from_links;
mod graph;
mod keys;
mod lint;
mod new;
mod show;
mod simulate;
mod templates;
mod text;
mod weaker;
