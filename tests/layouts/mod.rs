//! The commands about layouts, a file each.

mod new;
mod templates;
