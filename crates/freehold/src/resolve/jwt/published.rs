use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::Key;
use super::key::Jwk;
use crate::login::{TrustedRoots, is_local};

/// How long a server of keys may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest document of keys that is read.
const LONGEST: usize = 256 * 1024;
/// The most keys that are taken from one: each may be tried for a token that names none.
const MOST_KEYS: usize = 32;

/// Keys that an issuer publishes at a URL (its `jwks_uri`).
///
/// A task in the background fetches them when the application starts and every five minutes, and sooner when a token names
/// a key that is not among them. No request waits for that, and no number of requests makes it more than one fetch in ten
/// seconds. Keys that could not be fetched for an hour are not believed any more: the issuer may have withdrawn them.
#[derive(Clone, Debug)]
pub struct PublishedKeys {
    url: Url,
    roots: TrustedRoots,
    every: Duration,
    at_most_every: Duration,
    believed_for: Duration,
}

/// Why keys cannot be had from a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedKeysError {
    /// Not a URL.
    #[error("{0:?} is no URL: use one like https://id.example.com/jwks.json")]
    Url(String),
    /// Whoever is on the way could put in keys of their own.
    #[error("{0:?} would be fetched in the clear: use https, unless it is on this machine")]
    Clear(String),
}

impl PublishedKeys {
    /// The keys at `url`: https, or http on a loopback address. A redirect is not followed.
    ///
    /// # Errors
    ///
    /// When it is no URL, or not a safe one.
    pub fn at(url: &str) -> Result<Self, PublishedKeysError> {
        let parsed = Url::parse(url).map_err(|_| PublishedKeysError::Url(url.to_owned()))?;
        let host = parsed.host_str().ok_or_else(|| PublishedKeysError::Url(url.to_owned()))?;
        match parsed.scheme() {
            "https" => {}
            "http" if is_local(host.trim_matches(['[', ']'])) => {}
            "http" => return Err(PublishedKeysError::Clear(url.to_owned())),
            _ => return Err(PublishedKeysError::Url(url.to_owned())),
        }
        Ok(Self {
            url: parsed,
            roots: TrustedRoots::system(),
            every: Duration::from_secs(300),
            at_most_every: Duration::from_secs(10),
            believed_for: Duration::from_secs(3_600),
        })
    }

    /// The same keys, from a server that `roots` vouch for.
    pub fn trusting(self, roots: TrustedRoots) -> Self {
        Self { roots, ..self }
    }

    /// How often they are fetched when nothing else asks for it. Default 5 min.
    pub fn fetched_every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// How much time there is between two fetches, whatever asks for them. Default 10 s.
    pub fn at_most_every(self, at_most_every: Duration) -> Self {
        Self { at_most_every, ..self }
    }

    /// For how long they are believed without a fetch that succeeds. Default 1 h.
    pub fn believed_for(self, believed_for: Duration) -> Self {
        Self { believed_for, ..self }
    }

    /// Begins to fetch them, for as long as what is returned is there. Must be called inside a tokio runtime.
    pub(super) fn follow(self) -> Arc<Followed> {
        let followed = Arc::new(Followed {
            at_most_every: self.at_most_every,
            believed_for: self.believed_for,
            known: ArcSwap::default(),
            wanted: Arc::default(),
        });
        tokio::spawn(keep_current(self, Arc::downgrade(&followed), followed.wanted.clone()));
        followed
    }

    fn client(&self) -> reqwest::Result<Client> {
        let builder = Client::builder().redirect(Policy::none()).timeout(PATIENCE);
        // A server on this machine is spoken to directly: a proxy would be asked in the clear.
        let builder = if self.url.scheme() == "http" { builder.no_proxy() } else { builder };
        builder.tls_backend_preconfigured((*self.roots.client_config()).clone()).build()
    }

    async fn fetch(&self, client: &Client) -> Result<Vec<Key>, FetchError> {
        let mut response = client.get(self.url.clone()).send().await?.error_for_status()?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status()));
        }
        let mut document = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if document.len() + chunk.len() > LONGEST {
                return Err(FetchError::TooLong);
            }
            document.extend_from_slice(&chunk);
        }
        read(&document.freeze())
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the server of keys cannot be reached, or refuses")]
    Http(#[from] reqwest::Error),
    #[error("the server of keys answers {0}")]
    Status(reqwest::StatusCode),
    #[error("the document has more than {LONGEST} bytes")]
    TooLong,
    #[error("the document is no set of keys (RFC 7517)")]
    Document(#[from] serde_json::Error),
}

fn read(document: &Bytes) -> Result<Vec<Key>, FetchError> {
    #[derive(Deserialize)]
    struct Document {
        /// Keys that are not of a kind we know must not hide the others.
        keys: Vec<Value>,
    }
    let Document { keys } = serde_json::from_slice(document)?;
    let known = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Ok(known.filter_map(|key| Key::published(&key)).take(MOST_KEYS).collect())
}

async fn keep_current(published: PublishedKeys, followed: Weak<Followed>, wanted: Arc<Notify>) {
    let url = published.url.as_str();
    let client = match published.client() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "keys of tokens cannot be fetched from {url}");
            return;
        }
    };
    loop {
        let fetched = published.fetch(&client).await;
        let Some(followed) = followed.upgrade() else { return };
        let now = Instant::now();
        match fetched {
            Ok(keys) => {
                if keys.is_empty() {
                    tracing::warn!("{url} has no key that verifies RS256, ES256 or EdDSA");
                }
                followed.known.store(Arc::new(Known { keys: keys.into(), fetched: Some(now), looked: Some(now) }));
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "keys of tokens cannot be fetched from {url}");
                let known = followed.known.load();
                let known = Known { keys: known.keys.clone(), fetched: known.fetched, looked: Some(now) };
                followed.known.store(Arc::new(known));
            }
        }
        drop(followed);
        sleep(published.at_most_every).await;
        // Either it is time, or somebody asked, or nobody is there any more: the next round finds out.
        let _ = timeout(published.every.saturating_sub(published.at_most_every), wanted.notified()).await;
    }
}

/// Published keys as far as they are known. Read without locks.
#[derive(Debug)]
pub(super) struct Followed {
    at_most_every: Duration,
    believed_for: Duration,
    known: ArcSwap<Known>,
    wanted: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Arc<[Key]>,
    /// When they were fetched.
    fetched: Option<Instant>,
    /// When that was tried last.
    looked: Option<Instant>,
}

impl Followed {
    /// The keys, if there are any to go by.
    pub(super) fn keys(&self) -> Option<Arc<[Key]>> {
        let known = self.known.load();
        known.fetched.is_some_and(|fetched| fetched.elapsed() <= self.believed_for).then(|| known.keys.clone())
    }

    /// Asks for another look, because a key is not there. `false`: the last one was a moment ago, and it is not.
    pub(super) fn look_again(&self) -> bool {
        let stale = self.known.load().looked.is_none_or(|looked| looked.elapsed() >= self.at_most_every);
        if stale {
            self.wanted.notify_one();
        }
        stale
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.wanted.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_over_https_or_from_this_machine() {
        for url in
            ["https://id.example.com/jwks", "http://127.0.0.1:8080/jwks", "http://[::1]/jwks", "http://localhost/"]
        {
            assert!(PublishedKeys::at(url).is_ok(), "{url}");
        }
        for url in
            ["http://id.example.com/jwks", "http://127.0.0.1.example.com/", "http://10.0.0.1/", "http://0.0.0.0/"]
        {
            assert_eq!(PublishedKeys::at(url).unwrap_err(), PublishedKeysError::Clear(url.to_owned()));
        }
        for url in ["", "id.example.com", "file:///etc/keys", "data:application/json,{}", "ftp://127.0.0.1/"] {
            assert_eq!(PublishedKeys::at(url).unwrap_err(), PublishedKeysError::Url(url.to_owned()));
        }
    }

    #[test]
    fn keys_of_other_kinds_and_for_other_uses_are_passed_over() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let document = |key: &str| Bytes::from(format!(r#"{{"keys":[{{"kty":"AKP"}},7,{key}]}}"#));
        let found = |key: &str| read(&document(key)).unwrap().len();
        assert_eq!(found(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)), 1);
        assert_eq!(found(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","alg":"EdDSA","use":"sig"}}"#)), 1);
        for key in [
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","use":"enc"}}"#),
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","alg":"HS256"}}"#),
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","key_ops":["sign"]}}"#),
            format!(r#"{{"kty":"OKP","crv":"X25519","x":"{x}"}}"#),
            format!(r#"{{"kty":"oct","k":"{x}"}}"#),
            r#"{"kty":"oct","alg":"HS256","k":""}"#.to_owned(),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"AA"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"","y":"{x}"}}"#),
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(),
        ] {
            assert_eq!(found(&key), 0, "{key}");
        }
        assert!(read(&Bytes::from_static(b"{}")).is_err());
        assert_eq!(read(&Bytes::from_static(br#"{"keys":[]}"#)).unwrap().len(), 0);
    }
    #[tokio::test]
    async fn nobody_fetches_keys_for_a_resolver_that_is_gone() {
        let keys = PublishedKeys::at("http://127.0.0.1:1/").unwrap().at_most_every(Duration::from_millis(1)).follow();
        let task = Arc::downgrade(&keys.wanted);
        drop(keys);
        let ended = async {
            while task.upgrade().is_some() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(20), ended).await.expect("the task ends");
    }
}
