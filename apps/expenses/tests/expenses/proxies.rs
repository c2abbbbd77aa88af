//! The proxies of `deploy/`, started with the files that are there: TLS, organisations by host, nothing of the client's choosing.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold::tenant::Model;
use http::Method;
use http_body_util::{Empty, Full};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::Client;
use crate::support::{Site, Twins};

/// The domain of the files, for which they are given a certificate.
const DOMAIN: &str = "example.com";

/// A proxy and the application behind it.
struct Proxied {
    site: Site,
    https: SocketAddr,
    http: SocketAddr,
    tls: TlsConnector,
    child: Child,
    _files: TempDir,
}

impl Drop for Proxied {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)).unwrap()
}

/// Puts what a test has in the place of what the file names. Each must be there.
fn replaced(mut text: String, places: &[(&str, &str)]) -> String {
    for (from, to) in places {
        assert!(text.contains(from), "the file does not name {from:?}");
        text = text.replace(from, to);
    }
    text
}

impl Proxied {
    /// Starts a program with a configuration, which gets the addresses of TLS, of plain HTTP and of the application, and a
    /// directory with the certificate. `None` where the program is not installed.
    async fn start(program: &str, configure: impl FnOnce(&Addresses) -> Command) -> Option<Self> {
        if Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            println!("{program} is not installed: nothing was tested through it (apt-get install {program})");
            return None;
        }
        let (https, http) = (free_port(), free_port());
        let site = Site::start_at(&format!("https://{DOMAIN}:{}", https.port())).await;
        let files = tempfile::tempdir().unwrap();
        let names = [DOMAIN.to_owned(), format!("*.{DOMAIN}")];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(files.path().join("fullchain.pem"), made.cert.pem()).unwrap();
        fs::write(files.path().join("privkey.pem"), made.signing_key.serialize_pem()).unwrap();
        let addresses = Addresses { https, http, application: site.address, files: files.path().to_owned() };
        let mut command = configure(&addresses);
        let log = fs::File::create(files.path().join("log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let proxied = Self { site, https, http, tls: trusting(made.cert.der().clone()), child, _files: files };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(https).await.is_err() {
            let log = fs::read_to_string(proxied._files.path().join("log")).unwrap();
            assert!(Instant::now() < deadline, "{program} does not answer: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(proxied)
    }

    /// The base host, by TLS through the proxy.
    fn base(&self) -> Client {
        Client::by_tls(self.https, &format!("{DOMAIN}:{}", self.https.port()), self.tls.clone())
    }
}

struct Addresses {
    https: SocketAddr,
    http: SocketAddr,
    application: SocketAddr,
    files: PathBuf,
}

impl Addresses {
    fn pem(&self, name: &str) -> String {
        self.files.join(name).to_str().unwrap().to_owned()
    }
}

fn trusting(certificate: CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

async fn nginx() -> Option<Proxied> {
    Proxied::start("nginx", |addresses| {
        let (https, http) = (addresses.https, addresses.http);
        let server = replaced(
            file("nginx/expenses.conf"),
            &[
                ("listen 443", &format!("listen {https}")),
                ("    listen [::]:443 ssl http2;\n", ""),
                ("    listen [::]:443 ssl http2 default_server;\n", ""),
                ("    listen [::]:80 default_server;\n", ""),
                ("listen 80", &format!("listen {http}")),
                ("127.0.0.1:8080", &addresses.application.to_string()),
                ("/etc/ssl/example.com/fullchain.pem", &addresses.pem("fullchain.pem")),
                ("/etc/ssl/example.com/privkey.pem", &addresses.pem("privkey.pem")),
            ],
        );
        let files = addresses.files.display();
        // One process, so that none is left over when it is killed.
        let main = format!(
            "daemon off;\nmaster_process off;\nuser root;\npid {files}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
             client_body_temp_path {files}/body;\nproxy_temp_path {files}/proxy;\nfastcgi_temp_path {files}/fastcgi;\n\
             uwsgi_temp_path {files}/uwsgi;\nscgi_temp_path {files}/scgi;\n{server}\n}}\n"
        );
        fs::write(addresses.files.join("nginx.conf"), main).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-e").arg("stderr").arg("-c").arg(addresses.files.join("nginx.conf"));
        command
    })
    .await
}

async fn caddy() -> Option<Proxied> {
    Proxied::start("caddy", |addresses| {
        let site = replaced(
            file("caddy/Caddyfile"),
            &[
                ("127.0.0.1:8080", &addresses.application.to_string()),
                ("/etc/ssl/example.com/fullchain.pem", &addresses.pem("fullchain.pem")),
                ("/etc/ssl/example.com/privkey.pem", &addresses.pem("privkey.pem")),
            ],
        );
        let (http, https) = (addresses.http.port(), addresses.https.port());
        let global =
            format!("{{\n\tadmin off\n\thttp_port {http}\n\thttps_port {https}\n\tdefault_bind 127.0.0.1\n}}\n");
        fs::write(addresses.files.join("Caddyfile"), global + &site).unwrap();
        let mut command = Command::new("caddy");
        command.arg("run").arg("--adapter").arg("caddyfile").arg("--config").arg(addresses.files.join("Caddyfile"));
        command.env("XDG_DATA_HOME", &addresses.files).env("XDG_CONFIG_HOME", &addresses.files);
        command
    })
    .await
}

#[tokio::test]
async fn organisations_are_apart_behind_nginx() {
    if let Some(proxied) = nginx().await {
        assert_apart(&proxied).await;
    }
}

#[tokio::test]
async fn organisations_are_apart_behind_caddy() {
    if let Some(proxied) = caddy().await {
        assert_apart(&proxied).await;
    }
}

async fn assert_apart(proxied: &Proxied) {
    let base = proxied.base();
    base.page("/").await.shows(200, "Sign up");
    for model in Model::ALL {
        let a = proxied.site.organisation_at(&base, &format!("anna-{model}"), model).await;
        let b = proxied.site.organisation_at(&base, &format!("bert-{model}"), model).await;
        assert!(a.cookie.as_ref().unwrap().starts_with("__Host-session="), "the cookie is bound to its host");
        assert_sees_its_own(&Twins { site: &proxied.site, a, b }).await;
    }
    assert_unknown_hosts_get_nothing(proxied).await;
}

async fn assert_sees_its_own(Twins { a, b, .. }: &Twins<'_>) {
    let id = b.add(json!({"date": "2026-01-01", "amount": "1.00", "supplier": "Secret Ltd"})).await;
    let path = format!("/api/expenses/{id}");
    b.get(&path).await.expect(200);
    a.get(&path).await.refused(404, "not_found", "nothing");
    a.page(&format!("/expenses/{id}")).await.shows(404, "Not found");
    assert!(!a.page("/expenses").await.text().contains("Secret"));
    let mut eve = b.nobody();
    eve.cookie.clone_from(&a.cookie);
    eve.get(&path).await.refused(401, "not_logged_in", "log in");

    // Names of the other organisation in every place that a proxy may pass on.
    for (header, value) in [
        ("x-forwarded-host", b.host.clone()),
        ("forwarded", format!("host={}", b.host)),
        ("x-original-host", b.host.clone()),
        ("x-forwarded-server", b.host.clone()),
        ("x-real-host", b.host.clone()),
    ] {
        let request = a.request(Method::GET, &path).header(header, value);
        a.send(request.body(Empty::new()).unwrap()).await.refused(404, "not_found", "nothing");
    }
    let request = a.request(Method::GET, &format!("https://{}{path}", b.host));
    let answer = a.send(request.body(Empty::new()).unwrap()).await;
    assert!([400, 401, 404, 421].contains(&answer.status), "an absolute address: {} {}", answer.status, answer.text());
    let two = a.request(Method::GET, &path).header("host", &b.host);
    let answer = a.send(two.body(Empty::new()).unwrap()).await;
    assert_eq!(answer.status, 400, "two hosts: {}", answer.text());

    // A page of the other organisation cannot send a form here with this one's cookie.
    for (header, value) in [("sec-fetch-site", "same-site".to_owned()), ("origin", format!("https://{}", b.host))] {
        let form = a.request(Method::POST, "/logout").header(header, value);
        let answer = a.send(form.body(Full::from("")).unwrap()).await;
        answer.refused(403, "cross_site", "another organisation");
    }

    // More than proxies take by default, as it comes in.
    let header = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
    let file = header.to_owned() + &"2026-01-31,1.00,Works,Cafe,,\n".repeat(150_000);
    assert_eq!(a.import(file).await.expect(200).json()["imported"], 150_000);
    assert_eq!(b.get("/api/reports/monthly").await.expect(200).json()["rows"][0]["count"], 1);
}

async fn assert_unknown_hosts_get_nothing(proxied: &Proxied) {
    proxied.base().below("nobody").page("/").await.shows(404, "No such organisation");
    // A name that is none of the certificate's gets no certificate.
    let stream = TcpStream::connect(proxied.https).await.unwrap();
    let name = ServerName::try_from("elsewhere.org").unwrap();
    assert!(proxied.tls.connect(name, stream).await.is_err());

    let plain = Client::at(proxied.http, &format!("acme.{DOMAIN}"));
    let answer = plain.page("/expenses").await;
    assert!([301, 308].contains(&answer.status), "plain HTTP is led to TLS: {}", answer.status);
    assert!(answer.headers["location"].to_str().unwrap().starts_with(&format!("https://acme.{DOMAIN}")));
}
