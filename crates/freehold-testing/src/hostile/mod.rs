//! Programs that write attacks without knowing what they attack, and a siege that runs them in tenant A's connection while
//! B and C go about their business through the same pool.

mod grammar;
mod siege;
mod smith;

pub use self::grammar::Grammar;
pub use self::siege::{Siege, Tally};
pub use self::smith::sqlsmith;
