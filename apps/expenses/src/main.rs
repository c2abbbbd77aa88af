//! Serves `expenses`.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, ValueEnum};
use expenses::{App, Monitor, Origin, Transport};
use freehold::{Config, Freehold};
use lettre::Address;
use lettre::message::Mailbox;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How long requests that are running may go on once the program was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The expenses of many organisations. Freehold is configured by FREEHOLD_CATALOG_URL and FREEHOLD_MASTER_KEY_FILE.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The address to listen on.
    #[arg(long, env = "EXPENSES_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where people reach the application [default: http://localhost and the port].
    #[arg(long, env = "EXPENSES_ORIGIN")]
    origin: Option<Origin>,
    /// Origins of front ends whose scripts may use the API with a key, separated by commas.
    #[arg(long, env = "EXPENSES_FRONT_ENDS", value_delimiter = ',')]
    front_ends: Vec<Origin>,
    /// An address for Prometheus (/metrics). There is no login: choose one that only it reaches.
    #[arg(long, env = "EXPENSES_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// How the log is written.
    #[arg(long, env = "EXPENSES_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
    #[command(flatten)]
    mail: MailOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line, for programs.
    Json,
}

impl LogFormat {
    fn begin(self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        match self {
            Self::Text => log.with_ansi(io::stderr().is_terminal()).init(),
            Self::Json => log.json().flatten_event(true).init(),
        }
    }
}

/// Where mail goes. Without an option it is written to files in a temporary directory that the log names.
#[derive(Debug, Args)]
struct MailOptions {
    /// The SMTP server that takes mail: smtps://user:password@host, or smtp://host:port?tls=required.
    #[arg(long, env = "EXPENSES_SMTP_URL", hide_env_values = true)]
    smtp_url: Option<SecretString>,
    /// A directory for mail in files, in the place of a server.
    #[arg(long, env = "EXPENSES_MAIL_DIR", conflicts_with = "smtp_url")]
    mail_dir: Option<PathBuf>,
    /// The sender [default: Expenses <no-reply@> and the domain of the origin].
    #[arg(long, env = "EXPENSES_MAIL_FROM")]
    mail_from: Option<Mailbox>,
}

impl MailOptions {
    fn transport(&self) -> anyhow::Result<Transport> {
        if let Some(url) = &self.smtp_url {
            tracing::info!("mail goes to an SMTP server");
            return Transport::smtp(url).context("EXPENSES_SMTP_URL is no address of an SMTP server");
        }
        let directory = match &self.mail_dir {
            Some(directory) => directory.clone(),
            None => tempfile::Builder::new().prefix("expenses-mail-").tempdir()?.keep(),
        };
        tracing::info!("mail is written to files in {}", directory.display());
        Transport::files(&directory).with_context(|| format!("cannot create {}", directory.display()))
    }

    fn from(&self, origin: &Origin) -> anyhow::Result<Mailbox> {
        if let Some(from) = &self.mail_from {
            return Ok(from.clone());
        }
        let address = Address::new("no-reply", origin.domain()).context("name a sender: EXPENSES_MAIL_FROM")?;
        Ok(Mailbox::new(Some("Expenses".to_owned()), address))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    options.log_format.begin();
    if let Some(address) = options.metrics_listen {
        // First of all: what was counted before is not recorded.
        let monitor = Monitor::record()?;
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        tokio::spawn(monitor.serve(listener));
    }
    let freehold = Freehold::connect(Config::from_env()?).await?;
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    let port = listener.local_addr()?.port();
    let origin = match options.origin {
        Some(origin) => origin,
        None => format!("http://localhost:{port}").parse()?,
    };
    tracing::info!(%origin, listen = %options.listen, "serving {origin}");
    let (transport, from) = (options.mail.transport()?, options.mail.from(&origin)?);
    let app = App::new(freehold, origin).with_front_ends(options.front_ends);
    let end_of_work = CancellationToken::new();
    let postman = tokio::spawn(app.postman(transport, from).run(end_of_work.clone()));
    let served = serve(listener, app).await;
    end_of_work.cancel();
    // What it has in its hands may be sent twice if it does not come to an end; nothing is lost.
    if timeout(GRACE, postman).await.is_err() {
        tracing::warn!("stopped with mail on its way");
    }
    served
}

/// Serves until SIGTERM or SIGINT, and then until the requests that are running are answered, or the grace is over.
async fn serve(listener: TcpListener, app: App) -> anyhow::Result<()> {
    let stopped = stop_signal()?;
    let (stop, mut stopping) = watch::channel(false);
    let server = axum::serve(listener, expenses::router(app)?).with_graceful_shutdown(async move {
        stopped.await;
        tracing::info!("stopping");
        stop.send_replace(true);
    });
    let grace_over = async {
        // Only fails when the server is gone, and then nobody waits for this.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served.context("the server failed"),
        () = grace_over => {
            tracing::warn!("stopped with requests still running");
            Ok(())
        }
    }
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
