//! The `linkwright` command.
fn main() {}
