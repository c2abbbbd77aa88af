//! The program as it is shipped, over HTTP, with organisations that have real spending: what the benchmarks begin with.

#[path = "../../tests/expenses/client.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
pub(crate) mod client;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use client::{Client, PASSWORD};
use freehold::isolation::ExposeSecret;
use freehold::tenant::Model;
use freehold_testing::{Deployment, connect, server};
use serde_json::json;
use tokio::time::{sleep, timeout};

/// The folder of the spending files; nothing, but words, where it is missing.
pub(crate) fn spending_files() -> Option<PathBuf> {
    let data = env::var_os("FREEHOLD_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = data.join("public-spending");
    if !folder.is_dir() {
        eprintln!("no spending files: FREEHOLD_SHARED_DATA names the folder that has public-spending/leeds.csv.gz");
        return None;
    }
    Some(folder)
}

/// A deployment of its own, with a worker.
pub(crate) async fn deploy() -> Deployment {
    let mut deployment = Deployment::start(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).await;
    deployment.start_worker();
    deployment
}

/// The application, in a process of its own, so that its memory is its own.
pub(crate) struct Program {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    pub(crate) async fn start(deployment: &Deployment) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = server().socket_dir().display().to_string().replace('/', "%2F");
        let catalog =
            format!("postgres://freehold_reader@{socket}:{}/{}", server().port(), deployment.catalog_database());
        let process = Command::new(env!("CARGO_BIN_EXE_expenses"))
            .args(["--listen", &address.to_string()])
            .env("FREEHOLD_CATALOG_URL", catalog)
            .env("FREEHOLD_MASTER_KEY", deployment.master_key().to_secret_hex().expose_secret())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let serving = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), serving).await.expect("the program serves");
        Self { process, address }
    }

    /// Signs an organisation up, and logs its owner in.
    pub(crate) async fn sign_up(&self, slug: &str, model: Model) -> Client {
        let base = Client::new(self.address);
        let email = format!("owner@{slug}.example");
        let form =
            json!({"organisation": slug, "slug": slug, "email": email, "password": PASSWORD, "model": model.as_str()});
        base.post("/api/signup", form).await.expect(201);
        base.below(slug).log_in(&email).await
    }

    /// The most memory the process has had at once, in kB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What it runs on, in a line.
pub(crate) async fn machine(deployment: &Deployment) -> String {
    let database = connect("postgres", deployment.data_database()).await;
    let version: String = database.query_one("show server_version", &[]).await.unwrap().get(0);
    let durable: String = database.query_one("show fsync", &[]).await.unwrap().get(0);
    let processors = std::thread::available_parallelism().unwrap();
    format!("{processors} processors, PostgreSQL {version}, fsync {durable}")
}
