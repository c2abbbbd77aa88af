//! django-tenants, set up by its own scripts: 1,000 schemas of 40 tables, gunicorn with two synchronous workers, the
//! kind that served most requests when its kinds were tried.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::Context;
use freehold_postgres::Installation;

const PORT: u16 = 58_080;

/// The running peer. Stopped when it is dropped.
pub(super) struct Peer {
    scripts: PathBuf,
    work: PathBuf,
    bin: PathBuf,
    gunicorn: Option<Child>,
}

impl Peer {
    /// Sets the peer up, which takes some minutes the first time, and starts it. `None` where its scripts are not there.
    pub(super) fn start() -> anyhow::Result<Option<Self>> {
        let source = env::var_os("FREEHOLD_PEERS_BENCH")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/peers-bench"), PathBuf::from);
        if !source.join("setup.sh").exists() {
            eprintln!("no peer in {}: set FREEHOLD_PEERS_BENCH; measuring without one", source.display());
            return Ok(None);
        }
        let work =
            env::var_os("FREEHOLD_PEERS_WORK").map_or_else(|| env::temp_dir().join("freehold-peers"), PathBuf::from);
        // Its scripts were written against PostgreSQL 15.
        let bin = Installation::find_or_install(Some(15))?.bin().to_owned();
        let mut peer = Self { scripts: work.join("scripts"), work, bin, gunicorn: None };
        peer.set_up(&source)?;
        peer.gunicorn = Some(peer.serve()?);
        peer.wait()?;
        Ok(Some(peer))
    }

    pub(super) fn port(&self) -> u16 {
        PORT
    }

    fn set_up(&self, source: &Path) -> anyhow::Result<()> {
        let ready = self.work.join("ready");
        if !self.scripts.exists() {
            fs::create_dir_all(&self.work)?;
            // The server's account has to reach its files.
            fs::set_permissions(&self.work, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
            // A copy, because the scripts write migrations beside themselves.
            let copied = Command::new("cp").arg("-r").arg(source).arg(&self.scripts).status()?;
            anyhow::ensure!(copied.success(), "the peer's scripts could not be copied to {}", self.scripts.display());
        }
        self.script("setup.sh", &[])?;
        if !ready.exists() {
            eprintln!("setting up the peer in {}: some minutes, once", self.work.display());
            self.script("build_project.sh", &[])?;
            self.script("make_templates.sh", &[])?;
            self.script("fill.sh", &["tpl1", "t", "1", "1000"])?;
            self.script("load_rows.sh", &[])?;
            fs::write(ready, "")?;
        }
        Ok(())
    }

    fn script(&self, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let log = self.work.join("setup.log");
        let output = fs::File::options().create(true).append(true).open(&log)?;
        let status = self
            .command(&self.scripts.join(name))
            .args(arguments)
            .stdout(output.try_clone()?)
            .stderr(output)
            .status()
            .with_context(|| format!("running {name}"))?;
        anyhow::ensure!(
            status.success(),
            "the peer's {name} failed: see {}, or remove {} and try again",
            log.display(),
            self.work.display()
        );
        Ok(())
    }

    fn serve(&self) -> anyhow::Result<Child> {
        let gunicorn = self.work.join("venv/bin/gunicorn");
        self.command(&gunicorn)
            .args(["-w", "2", "-k", "sync", "--log-level", "error", "-b", &format!("127.0.0.1:{PORT}")])
            .arg("peersite.wsgi:application")
            .current_dir(self.scripts.join("project"))
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", gunicorn.display()))
    }

    /// A command with what the scripts and the peer read from the environment.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("WORK", &self.work)
            .env("PGBINDIR", &self.bin)
            .env("PGSOCK", self.work.join("pg/sock"))
            .env("DJANGO_SETTINGS_MODULE", "peersite.settings_schema")
            // Sets the search path only when the tenant changes: the faster of its two ways.
            .env("LIMIT_SET", "1");
        command
    }

    fn wait(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", PORT)).is_err() {
            anyhow::ensure!(Instant::now() < deadline, "the peer does not listen on port {PORT} after 30 seconds");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(mut gunicorn) = self.gunicorn.take() {
            // The master process stops its workers when it is asked to, not when it is killed.
            let _ = Command::new("kill").arg(gunicorn.id().to_string()).status();
            let _ = gunicorn.wait();
        }
        if let Err(error) = self.script("stop.sh", &[]) {
            eprintln!("{error}");
        }
    }
}
