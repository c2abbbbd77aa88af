use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use super::notice::Notice;
use crate::Origin;

/// Nothing but what this host itself serves: no script in a page, no style in an attribute, no frame, no other site.
///
/// `data:` is for the icons in Pico's style sheet.
macro_rules! policy {
    () => {
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'"
    };
}

const POLICY: HeaderValue = HeaderValue::from_static(policy!());

/// The policy of the base host, from where forms lead to organisations: browsers look at where a form is sent on to as well.
pub(crate) fn base_policy(origin: &Origin) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    HeaderValue::try_from(format!("{} {}", policy!(), origin.all()))
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Tells browsers what they may do with an answer.
pub(crate) async fn with_headers(State(origin): State<Origin>, request: Request, next: Next) -> Response {
    let noticed = Notice::of(request.headers()).is_some();
    let mut response = next.run(request).await;
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    if origin.is_secure() {
        // A year. Organisations have hosts of their own, and each says so for itself.
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if is_page {
        // Links in mail are secrets, and are in the address.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
        if noticed {
            headers.append(SET_COOKIE, Notice::over());
        }
    }
    // Whoever logs out leaves nothing to the next at the same screen, not even by the back button.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
