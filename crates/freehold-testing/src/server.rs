use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use freehold::login::Login;
use freehold_postgres::{Installation, Server, tests_state_dir};
use tokio_postgres::{Client, Config};

/// The PostgreSQL of this run. The first test that asks starts it; every process of the run shares it.
///
/// It stays for the next run; `freehold pg stop --tests` ends it. It is not durable: a crash of the machine may lose its data,
/// a crash of a test does not.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let major = env::var("FREEHOLD_TEST_PG_MAJOR")
            .ok()
            .map(|major| major.parse().expect("FREEHOLD_TEST_PG_MAJOR is a number"));
        let installation = Installation::find_or_install(major).unwrap();
        let place = env::var_os("FREEHOLD_TEST_DIR").map(PathBuf::from).or_else(target).unwrap_or_else(env::temp_dir);
        let state = tests_state_dir(place, installation.version().major());
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
