//! A driver or an access of one's own would be a door that is not guarded.
use freehold::isolation::{Access, Driver};

#[derive(Debug)]
struct Own;

impl Access for Own {}

impl Driver for Own {}

fn main() {}
