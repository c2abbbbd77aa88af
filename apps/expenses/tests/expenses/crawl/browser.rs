//! How browsers, and scripts in them, ask for pages and send forms.

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use http_body_util::Full;

use super::page::{Field, Form, Sending};
use crate::client::{Answer, Client};

const BOUNDARY: &str = "a-boundary";
const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

impl Client {
    /// Asks for a part of a page as a script does.
    pub(super) async fn part(&self, path: &str) -> Answer {
        let request = self.browsing(http::Method::GET, path).header("hx-request", "true");
        self.send(request.header("hx-request-type", "partial").body(Full::default()).unwrap()).await
    }

    /// Sends a form as a browser does.
    pub(super) async fn send_form(&self, form: &Form) -> Answer {
        self.send(filled_in(form, self.browsing(form.method(), &address(form)))).await
    }

    /// Sends a form from a page of this other origin.
    pub(super) async fn send_from(&self, form: &Form, site: &str, origin: Option<&str>) -> Answer {
        let mut request = self.request(form.method(), &address(form)).header(ACCEPT, HTML);
        if !site.is_empty() {
            request = request.header("sec-fetch-site", site);
        }
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        self.send(filled_in(form, request)).await
    }
}

/// Where a form is sent, with its fields if those are in the address.
pub(super) fn address(form: &Form) -> String {
    match form.sends {
        Sending::Get => format!("{}?{}", form.action, encoded(&form.fields)),
        Sending::Fields | Sending::Parts => form.action.clone(),
    }
}

fn filled_in(form: &Form, request: http::request::Builder) -> Request<Full<Bytes>> {
    let (kind, body) = match form.sends {
        Sending::Get => return request.body(Full::default()).unwrap(),
        Sending::Fields => ("application/x-www-form-urlencoded".to_owned(), encoded(&form.fields).into_bytes()),
        Sending::Parts => (format!("multipart/form-data; boundary={BOUNDARY}"), parts(&form.fields)),
    };
    request.header(CONTENT_TYPE, kind).body(Full::from(body)).unwrap()
}

fn encoded(fields: &[Field]) -> String {
    let pair = |field: &Field| {
        format!(
            "{}={}",
            byte_serialize(field.name.as_bytes()).collect::<String>(),
            byte_serialize(&field.value).collect::<String>()
        )
    };
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn parts(fields: &[Field]) -> Vec<u8> {
    let mut body = Vec::new();
    for field in fields {
        let file = if field.is_file { "; filename=\"a file.csv\"" } else { "" };
        let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{}\"{file}\r\n\r\n", field.name);
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&field.value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}
