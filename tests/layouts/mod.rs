//! The commands about layouts, a file each.

mod from_links;
mod new;
mod templates;
mod text;
