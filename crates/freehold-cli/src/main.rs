//! freehold-cli
fn main() {}
