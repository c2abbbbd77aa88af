//! Stops the PostgreSQL servers that tests started below this build's target directory and left for the next run.

fn main() {
    for server in freehold_testing::stop_servers() {
        eprintln!("stopped {server}");
    }
}
