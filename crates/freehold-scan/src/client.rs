use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use reqwest::redirect::Policy;

use crate::ScanError;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of an answer is read.
const LONGEST: usize = 8 * 1024 * 1024;

/// Where the application is, whatever the host is called.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    scheme: String,
    /// The base host, with its port if it is not the scheme's.
    pub(crate) base: String,
    address: SocketAddr,
}

impl Site {
    /// The application at a URL. Hosts below it are taken to be at the same address.
    pub(crate) async fn find(url: &str) -> Result<Self, ScanError> {
        let invalid = || ScanError::Url { url: url.to_owned() };
        let parsed = reqwest::Url::parse(url).map_err(|_| invalid())?;
        let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
            return Err(invalid());
        };
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(invalid());
        }
        let mut addresses = tokio::net::lookup_host((host, port)).await.map_err(|_| invalid())?;
        let address = addresses.next().ok_or_else(invalid)?;
        let base = parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { scheme: parsed.scheme().to_owned(), base, address })
    }

    /// Somebody at a host, who has no session yet.
    pub(crate) fn at(&self, host: &str) -> Result<Client, ScanError> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let http = reqwest::Client::builder()
            .resolve(name, self.address)
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .map_err(|source| ScanError::Unreachable { url: host.to_owned(), source })?;
        Ok(Client {
            http,
            origin: format!("{}://{host}", self.scheme),
            host: host.to_owned(),
            credentials: HeaderMap::new(),
        })
    }
}

/// Somebody at a host.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
    pub(crate) host: String,
    credentials: HeaderMap,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// Its media type, and itself.
    pub(crate) body: Option<(String, String)>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: None }
    }

    /// All that an answer may repeat without giving anything away.
    pub(crate) fn sent(&self) -> String {
        let mut sent = percent_decoded(&self.path);
        sent.push_str(&self.path);
        for (_, value) in &self.headers {
            sent.push_str(value);
        }
        sent + self.body.as_ref().map_or("", |(_, body)| body)
    }
}

impl Client {
    /// The same host, nobody logged in.
    pub(crate) fn nobody(&self) -> Self {
        Self { credentials: HeaderMap::new(), ..self.clone() }
    }

    /// The same host, with what lets `other` in at its own.
    pub(crate) fn with_credentials_of(&self, other: &Self) -> Self {
        Self { credentials: other.credentials.clone(), ..self.clone() }
    }

    /// From now on sends this header with every request.
    pub(crate) fn keep(&mut self, name: HeaderName, value: HeaderValue) {
        self.credentials.insert(name, value);
    }

    /// From now on sends back the cookies of an answer.
    pub(crate) fn keep_cookies(&mut self, answer: &Answer) {
        let cookies = answer.headers.get_all(http::header::SET_COOKIE).into_iter();
        let pairs: Vec<&str> = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next()).collect();
        if let Ok(value) = HeaderValue::from_str(&pairs.join("; "))
            && !pairs.is_empty()
        {
            self.keep(COOKIE, value);
        }
    }

    /// Whether it has anything that lets it in.
    pub(crate) fn has_credentials(&self) -> bool {
        !self.credentials.is_empty()
    }

    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, ScanError> {
        let url = format!("{}{}", self.origin, request.path);
        let unreachable = |source| ScanError::Unreachable { url: url.clone(), source };
        let mut builder = self.http.request(request.method.clone(), &url).headers(self.credentials.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some((media, body)) = &request.body {
            builder = builder.header(CONTENT_TYPE, media).body(body.clone());
        }
        let begun = Instant::now();
        let mut response = builder.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                break;
            }
        }
        let took = begun.elapsed();
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned(), took })
    }
}

impl Answer {
    /// Head and body, for whoever looks for words in them.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.headers {
            text.push_str(name.as_str());
            text.push_str(": ");
            text.push_str(&String::from_utf8_lossy(value.as_bytes()));
            text.push('\n');
        }
        text + &self.body
    }

    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// The beginning of the body, on one line.
    pub(crate) fn excerpt(&self) -> String {
        self.body.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// A value as part of a path or query (RFC 3986, section 2.3: unreserved characters stay).
pub(crate) fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let hex = (byte == b'%').then(|| behind.get(..2)).flatten();
        let decoded = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_known_however_it_was_encoded() {
        let value = "zq ä/7%";
        assert_eq!(percent_decoded(&percent_encoded(value)), value);
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
        assert!(Request::get(format!("/x?a={}", percent_encoded(value))).sent().contains(value));
    }
}
