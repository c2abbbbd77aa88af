use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use freehold::login::Login;
use freehold_postgres::{Installation, Server, Version};
use tokio_postgres::{Client, Config};

/// The PostgreSQL of this run. The first test that asks starts it; every process of the run shares it.
///
/// It is not durable: a crash of the machine may lose its data, a crash of a test does not.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let major = env::var("FREEHOLD_TEST_PG_MAJOR")
            .ok()
            .map(|major| major.parse().expect("FREEHOLD_TEST_PG_MAJOR is a number"));
        let installation = Installation::find_or_install(major).unwrap();
        let state = state_dir(installation.version().major());
        let server = Server::builder(&state)
            .installation(installation)
            .durable(false)
            .setting("max_connections", 300)
            .start_or_attach()
            .unwrap();
        if !server.is_owner() {
            return server;
        }
        server.detach().unwrap();
        Server::attach(&state).unwrap()
    })
}

/// Stops the servers that tests left running, and names them.
pub fn stop_servers() -> Vec<String> {
    (Version::OLDEST..=Version::NEWEST)
        .filter_map(|major| {
            let state = state_dir(major);
            Server::attach(&state).ok()?.stop().unwrap();
            Some(format!("PostgreSQL {major} in {}", state.display()))
        })
        .collect()
}

/// Below the build's target directory, or wherever the server's account can reach.
fn state_dir(major: u32) -> PathBuf {
    let state = target().unwrap_or_else(env::temp_dir).join("freehold-testing").join(major.to_string());
    std::fs::create_dir_all(&state).unwrap();
    freehold_postgres::reachable_state_dir(&state)
}

/// The build's target directory.
fn target() -> Option<PathBuf> {
    let binary = env::current_exe().unwrap();
    binary.ancestors().find(|path| path.file_name().is_some_and(|name| name == "target")).map(Path::to_owned)
}

/// What `./dev test` puts into `tools` below the target directory, if it could: programs of others in `bin`, packages for node.
pub fn tool(path: &str) -> Option<PathBuf> {
    Some(target()?.join("tools").join(path)).filter(|tool| tool.exists())
}

/// A connection with the rights of a superuser: for the truth, and for planting faults.
pub async fn connect(user: &str, database: &str) -> Client {
    let (client, connection) = login(user, database).connect().await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) fn login(user: &str, database: &str) -> Login {
    let server = server();
    let mut config = Config::new();
    config.host_path(server.socket_dir()).port(server.port()).user(user).dbname(database);
    config.into()
}
