//! An HTTP client that connects to one address whatever the host is called.

use std::io::Read;
use std::net::SocketAddr;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, LOCATION, REFERER, SET_COOKIE,
};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) const PASSWORD: &str = "correct horse";

/// Somebody at a host, with the cookie they got there.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: Option<TlsConnector>,
    pub(crate) host: String,
    pub(crate) cookie: Option<String>,
}

impl Client {
    /// The host `localhost` at this address.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::at(address, &format!("localhost:{}", address.port()))
    }

    /// This host at this address.
    pub(crate) fn at(address: SocketAddr, host: &str) -> Self {
        Self { address, tls: None, host: host.to_owned(), cookie: None }
    }

    /// The same by TLS.
    pub(crate) fn by_tls(address: SocketAddr, host: &str, tls: TlsConnector) -> Self {
        Self { tls: Some(tls), ..Self::at(address, host) }
    }

    /// The host of an organisation below this one.
    pub(crate) fn below(&self, slug: &str) -> Self {
        Self { host: format!("{slug}.{}", self.host), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send_json(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send_json(Method::PATCH, path, body).await
    }

    pub(crate) async fn send_json(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(Full::from(body.to_string())).unwrap()).await
    }

    /// Gets a page as a browser does.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        self.send(self.browsing(Method::GET, path).body(Full::default()).unwrap()).await
    }

    /// Sends a form as a browser does.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.browsing(Method::POST, path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Full::from(fields)).unwrap()).await
    }

    /// A request like a browser's, from a page of the same host.
    pub(crate) fn browsing(&self, method: Method, path: &str) -> http::request::Builder {
        let request = self.request(method, path).header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        let request = request.header(ACCEPT_ENCODING, "gzip, deflate, br, zstd");
        request.header("sec-fetch-site", "same-origin").header(REFERER, format!("http://{}/somewhere", self.host))
    }

    /// Imports a file as it is.
    pub(crate) async fn import(&self, file: impl Into<Bytes>) -> Answer {
        self.send(self.request(Method::POST, "/api/import").body(Full::from(file.into())).unwrap()).await
    }

    /// Imports a packed file.
    pub(crate) async fn import_packed(&self, file: impl Into<Bytes>) -> Answer {
        let request = self.request(Method::POST, "/api/import").header("content-encoding", "gzip");
        self.send(request.body(Full::from(file.into())).unwrap()).await
    }

    /// The same host, the same person.
    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    pub(crate) async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        self.try_send(request).await.unwrap()
    }

    /// Sends a request whose body may break off.
    pub(crate) async fn try_send<B>(&self, request: Request<B>) -> hyper::Result<Answer>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let Some(tls) = &self.tls else { return exchange(stream, request).await };
        let domain = self.host.split(':').next().unwrap().to_owned();
        let stream = tls.connect(ServerName::try_from(domain).unwrap(), stream).await.unwrap();
        exchange(stream, request).await
    }

    /// The same host, with nobody logged in.
    pub(crate) fn nobody(&self) -> Self {
        Self { cookie: None, ..self.clone() }
    }

    /// The same host, with the cookie that an answer set.
    pub(crate) fn with_cookie_of(&self, answer: &Answer) -> Self {
        Self { cookie: Some(answer.cookie()), ..self.clone() }
    }

    pub(crate) async fn log_in(&self, email: &str) -> Self {
        let answer = self.nobody().post("/api/login", json!({"email": email, "password": PASSWORD})).await.expect(204);
        self.with_cookie_of(&answer)
    }

    /// Adds a person, and logs them in.
    pub(crate) async fn with_member(&self, email: &str, role: &str) -> Self {
        self.post("/api/members", json!({"email": email, "password": PASSWORD, "role": role})).await.expect(201);
        self.log_in(email).await
    }

    /// The slug of the organisation whose host this is.
    pub(crate) fn slug(&self) -> &str {
        self.host.split('.').next().unwrap()
    }

    /// Changes an expense from what it is now.
    pub(crate) async fn change(&self, path: &str, mut change: Value) -> Answer {
        change["version"] = self.version(path).await.into();
        self.patch(path, change).await
    }

    /// Decides on an expense as it is now, on its page.
    pub(crate) async fn decide(&self, page: &str, status: &str) -> Answer {
        let version = self.version(&format!("/api{page}")).await.to_string();
        self.submit(&format!("{page}/status"), &[("status", status), ("version", &version)]).await
    }

    /// The version of an expense; the first, of one that they do not see.
    async fn version(&self, path: &str) -> i64 {
        let expense = self.get(path).await;
        if expense.status == 200 { expense.json()["version"].as_i64().unwrap() } else { 1 }
    }

    /// Adds an expense and returns its id.
    pub(crate) async fn add(&self, expense: Value) -> String {
        self.post("/api/expenses", expense).await.expect(201).json()["id"].as_str().unwrap().to_owned()
    }
}

async fn exchange<B>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<B>,
) -> hyper::Result<Answer>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let mut body = body.collect().await?.to_bytes();
    if parts.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip") {
        let mut unpacked = Vec::new();
        GzDecoder::new(&*body).read_to_end(&mut unpacked).unwrap();
        body = unpacked.into();
    }
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        if status >= 400 {
            assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
            assert_eq!(self.json()["status"], status);
        }
        self
    }

    /// Expects a problem with this code whose detail has these words.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str, words: &str) {
        let problem = self.expect(status).json();
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem} does not say {words:?}");
    }

    /// Expects a page with this status and these words.
    #[track_caller]
    pub(crate) fn shows(&self, status: u16, words: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.headers[CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(self.text().contains(words), "{} does not show {words:?}", self.text());
        self.text()
    }

    /// Expects to be sent on (303), and returns where.
    #[track_caller]
    pub(crate) fn leads(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text());
        self.headers[LOCATION].to_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} is no JSON", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The same with the cookie of the session alone, among others that it sets.
    pub(crate) fn session(mut self) -> Self {
        let session =
            self.headers.get_all(SET_COOKIE).iter().find(|cookie| cookie.to_str().unwrap().starts_with("session="));
        let session = session.expect("a session is started").clone();
        self.headers.insert(SET_COOKIE, session);
        self
    }

    /// What a browser would send back.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        self.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
    }
}
