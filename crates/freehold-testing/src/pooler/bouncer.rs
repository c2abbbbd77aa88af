use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{Uid, User};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::deployment::PATIENCE;

/// PgBouncer in front of a server, with two backends for each login. It ends when this is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    child: Child,
    address: SocketAddr,
    _files: TempDir,
}

impl PgBouncer {
    /// Starts one for the server whose socket is in `socket_dir`, with more lines for its file. `None` where PgBouncer is not
    /// installed (Debian: package `pgbouncer`).
    pub async fn start(socket_dir: &Path, server_port: u16, settings: &str) -> Option<Self> {
        let socket = socket_dir.display();
        let file = |users: &Path, port| {
            format!(
                "[databases]\n* = host={socket} port={server_port}\n\
                 [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = trust\nauth_file = {}\nauth_user = postgres\ndefault_pool_size = 2\n{settings}\n",
                users.display()
            )
        };
        Self::with_file(socket_dir, "\"postgres\" \"\"\n", file).await
    }

    /// Starts one with a whole file, made from where its users are and which port it has, as the account of the server whose
    /// socket is in `socket_dir`.
    pub async fn with_file(socket_dir: &Path, users: &str, file: impl FnOnce(&Path, u16) -> String) -> Option<Self> {
        let files = tempfile::Builder::new().prefix("pgbouncer").tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let (path, users_file) = (files.path().join("pgbouncer.ini"), files.path().join("users.txt"));
        fs::write(&users_file, users).unwrap();
        fs::write(&path, file(&users_file, port)).unwrap();
        let mut command = Command::new("pgbouncer");
        command.arg("--quiet");
        if Uid::effective().is_root() {
            // It asks for another user to run as; the server's account alone reaches the server's socket.
            let account = Uid::from_raw(fs::metadata(socket_dir).unwrap().uid());
            std::os::unix::fs::chown(files.path(), Some(account.as_raw()), None).unwrap();
            command.arg("--user").arg(User::from_uid(account).unwrap().unwrap().name);
        }
        let child = command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let bouncer = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), _files: files };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(bouncer.address).await.is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(bouncer)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
