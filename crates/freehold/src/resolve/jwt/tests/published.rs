use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::login::TrustedRoots;
use crate::resolve::jwt::PublishedKeys;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server of keys answers.
#[derive(Clone)]
enum Answer {
    Keys(Vec<Value>),
    Text(String),
    Failure,
    Redirect(String),
}

/// An issuer's server of keys, on this machine.
struct Server {
    url: String,
    answer: Arc<Mutex<Answer>>,
    fetches: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let (answer, fetches) = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
        let (said, counted) = (answer.clone(), fetches.clone());
        let respond = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = said.lock().clone();
            async move { respond(answer) }
        };
        let router = Router::new().route("/jwks.json", get(respond));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, answer, fetches }
    }

    fn say(&self, answer: Answer) {
        *self.answer.lock() = answer;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    /// Keys that are fetched often, so that a test need not wait.
    fn keys(&self) -> PublishedKeys {
        PublishedKeys::at(&self.url).unwrap().at_most_every(Duration::from_millis(10))
    }

    async fn was_asked(&self, times: usize) {
        until("the keys are fetched", || self.fetches() >= times).await;
    }
}

fn respond(answer: Answer) -> Response {
    match answer {
        Answer::Keys(keys) => axum::Json(json!({"keys": keys})).into_response(),
        Answer::Text(text) => text.into_response(),
        Answer::Failure => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Answer::Redirect(url) => Redirect::temporary(&url).into_response(),
    }
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let looked = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("it never happened that {what}"));
}

fn unavailable() -> Result<TenantName, ResolveError> {
    Err(ResolveError::KeysUnavailable { issuer: ISSUER.into() })
}

#[tokio::test]
async fn tokens_are_verified_by_the_keys_that_the_issuer_publishes() {
    let signers = [Signer::rs256().named("r"), Signer::es256().named("e"), Signer::eddsa()];
    let server = Server::start(Answer::Keys(signers.iter().map(Signer::jwk).collect())).await;
    let jwt = knowing(server.keys());
    for signer in &signers {
        let token = signer.sign(&claims(json!({})));
        until("the token is valid", || resolve(&jwt, &token) == Ok(named("acme"))).await;
    }
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it_and_a_withdrawn_one_is_forgotten() {
    let (old, new) = (Signer::es256().named("old"), Signer::es256().named("new"));
    let (by_old, by_new) = (old.sign(&claims(json!({}))), new.sign(&claims(json!({}))));
    let server = Server::start(Answer::Keys(vec![old.jwk()])).await;
    let jwt = knowing(server.keys());
    until("the old key is known", || resolve(&jwt, &by_old).is_ok()).await;
    server.say(Answer::Keys(vec![new.jwk()]));
    // Nothing but the tokens that name it makes the key be looked for.
    until("the new key is known", || resolve(&jwt, &by_new).is_ok()).await;
    assert!(resolve(&jwt, &by_old).is_err());
}

#[tokio::test]
async fn tokens_with_unknown_keys_do_not_cause_a_fetch_each() {
    let pause = Duration::from_millis(200);
    let server = Server::start(Answer::Keys(vec![Signer::es256().named("real").jwk()])).await;
    let jwt = knowing(server.keys().at_most_every(pause));
    until("the keys are known", || {
        resolve(&jwt, &Signer::es256().named("x").sign(&claims(json!({})))) != unavailable()
    })
    .await;
    let flood: Vec<String> =
        (0..200).map(|n| Signer::eddsa().named(&format!("k{n}")).sign(&claims(json!({})))).collect();
    let (before, began) = (server.fetches(), Instant::now());
    let (mut sent, mut refused) = (0, 0);
    while server.fetches() < before + 6 {
        assert!(began.elapsed() < PATIENCE, "no unknown key is looked for");
        for token in &flood {
            sent += 1;
            // Refused for good when the keys were fetched a moment ago, and for now otherwise; never let in, and never waiting.
            match resolve(&jwt, token) {
                Err(ResolveError::Token(InvalidToken::Key)) => refused += 1,
                Err(ResolveError::KeysUnavailable { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        tokio::task::yield_now().await;
    }
    let most = began.elapsed().as_secs_f64() / pause.as_secs_f64() + 1.0;
    let fetched = server.fetches() - before;
    assert!(fetched as f64 <= most, "{fetched} fetches in {:?} for {sent} tokens", began.elapsed());
    assert!(refused > 0 && sent > 1_000, "{refused} of {sent} were refused");
}

#[tokio::test]
async fn before_there_are_keys_nothing_is_known_about_a_token() {
    let signer = Signer::es256();
    let token = signer.sign(&claims(json!({})));
    let server = Server::start(Answer::Failure).await;
    let jwt = knowing(server.keys().fetched_every(Duration::from_millis(20)));
    for answer in [
        Answer::Failure,
        Answer::Text("<html>".into()),
        Answer::Text("{}".into()),
        Answer::Text(format!("{{\"keys\":[]}}{}", " ".repeat(256 * 1024))),
    ] {
        server.say(answer);
        let asked = server.fetches();
        server.was_asked(asked + 2).await;
        assert_eq!(resolve(&jwt, &token), unavailable());
    }
    server.say(Answer::Keys(vec![signer.jwk()]));
    until("the token is valid", || resolve(&jwt, &token).is_ok()).await;
}

#[tokio::test]
async fn keys_are_believed_while_their_server_is_away_and_not_for_ever() {
    let signer = Signer::es256();
    let token = signer.sign(&claims(json!({})));
    let server = Server::start(Answer::Keys(vec![signer.jwk()])).await;
    let believed = Duration::from_millis(400);
    let jwt = knowing(server.keys().fetched_every(Duration::from_millis(20)).believed_for(believed));
    until("the token is valid", || resolve(&jwt, &token).is_ok()).await;
    server.say(Answer::Failure);
    let (asked, began) = (server.fetches(), Instant::now());
    server.was_asked(asked + 2).await;
    let (still, after) = (resolve(&jwt, &token), began.elapsed());
    assert!(still.is_ok() || after >= believed, "{still:?} after {after:?}");
    until("they are believed no more", || resolve(&jwt, &token) == unavailable()).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let signer = Signer::es256();
    let elsewhere = Server::start(Answer::Keys(vec![signer.jwk()])).await;
    let server = Server::start(Answer::Redirect(elsewhere.url.clone())).await;
    let jwt = knowing(server.keys().fetched_every(Duration::from_millis(20)));
    server.was_asked(3).await;
    assert_eq!(elsewhere.fetches(), 0);
    assert_eq!(resolve(&jwt, &signer.sign(&claims(json!({})))), unavailable());
}

/// A server of keys over TLS, with a certificate for this machine by `authority`. It tells of each handshake.
async fn over_tls(
    authority: &CertifiedIssuer<'static, KeyPair>,
    keys: Vec<Value>,
) -> (String, tokio::sync::mpsc::UnboundedReceiver<bool>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let url = format!("https://localhost:{}/jwks.json", listener.local_addr().unwrap().port());
    let (told, handshakes) = tokio::sync::mpsc::unbounded_channel();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let body = json!({"keys": keys}).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let handshake = acceptor.accept(stream).await;
            let _ = told.send(handshake.is_ok());
            if let Ok(mut stream) = handshake {
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (url, handshakes)
}

#[tokio::test]
async fn keys_come_from_a_server_that_somebody_trusted_vouches_for_or_not_at_all() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let signer = Signer::es256();
    let token = signer.sign(&claims(json!({})));
    let (url, mut handshakes) = over_tls(&authority, vec![signer.jwk()]).await;
    let keys = PublishedKeys::at(&url).unwrap().fetched_every(Duration::ZERO).at_most_every(Duration::from_millis(10));

    let wary = knowing(keys.clone());
    for _ in 0..2 {
        assert_eq!(handshakes.recv().await, Some(false));
    }
    assert_eq!(resolve(&wary, &token), unavailable());
    drop(wary);

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let trusting = knowing(keys.trusting(TrustedRoots::from_file(&file).unwrap()));
    until("the token is valid", || resolve(&trusting, &token).is_ok()).await;
}
