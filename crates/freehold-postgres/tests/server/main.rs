//! Real servers, started, killed and found again.

mod installation;
mod life;
mod ownership;
mod places;
mod recovery;
mod support;
