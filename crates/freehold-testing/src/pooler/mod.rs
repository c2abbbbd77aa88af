//! PgBouncer, and tenants behind it who leave each other whatever SQL can leave.

mod bouncer;
mod crowd;
mod leaks;

pub use bouncer::PgBouncer;
pub use crowd::{Crowd, Front};
pub use leaks::{Leaks, look_for_leaks};
