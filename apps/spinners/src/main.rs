//! spinners
fn main() {}
