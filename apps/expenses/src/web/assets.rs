use std::sync::LazyLock;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

/// A file of the application itself. Its address changes with its content, so browsers keep it for good.
pub(crate) struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const STYLE: Asset = Asset { name: "style.css", kind: CSS, content: include_str!("../../assets/style.css") };
const SCRIPT: Asset = Asset { name: "script.js", kind: JAVASCRIPT, content: include_str!("../../assets/script.js") };
/// Sends files, on the page that does.
const UPLOAD: Asset = Asset { name: "upload.js", kind: JAVASCRIPT, content: include_str!("../../assets/upload.js") };
/// Pico CSS 2.1.1 (MIT), unchanged.
const PICO: Asset = Asset { name: "pico.css", kind: CSS, content: include_str!("../../assets/pico-2.1.1.min.css") };
/// htmx 4.0.1 (Zero-Clause BSD), unchanged.
const HTMX: Asset =
    Asset { name: "htmx.js", kind: JAVASCRIPT, content: include_str!("../../assets/htmx-4.0.1.min.js") };
const ICON: Asset = Asset { name: "icon.svg", kind: "image/svg+xml", content: include_str!("../../assets/icon.svg") };

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Addresses of the files that every page refers to.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) upload: String,
    pub(crate) pico: String,
    pub(crate) htmx: String,
    pub(crate) icon: String,
}

/// The addresses, made once.
pub(crate) static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| Addresses {
    style: STYLE.address(),
    script: SCRIPT.address(),
    upload: UPLOAD.address(),
    pico: PICO.address(),
    htmx: HTMX.address(),
    icon: ICON.address(),
});

impl Asset {
    fn address(&self) -> String {
        let digest = hex::encode(&Sha256::digest(self.content)[..8]);
        format!("/assets/{digest}/{}", self.name)
    }
}

/// The files, on every host.
pub(crate) fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [STYLE, SCRIPT, UPLOAD, PICO, HTMX, ICON].into_iter().fold(Router::new(), |router, asset| {
        let headers = [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
        router.route(&asset.address(), get(async move || (headers, asset.content).into_response()))
    })
}
