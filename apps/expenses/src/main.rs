//! expenses
fn main() {}
