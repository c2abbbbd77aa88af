//! The application over HTTP: a real PostgreSQL, a real worker, real connections.

mod client;
mod expenses;
mod imports;
mod people;
mod problems;
mod real_files;
mod reports;
mod separation;
mod signup;
mod support;
