//! The `souk` program.
fn main() {}
