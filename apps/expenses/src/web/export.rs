//! Files that are written while they are sent.

use std::borrow::Cow;
use std::io;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};

use crate::failure::Failure;

/// A file that is read and written a part at a time. In between no connection is kept: the client reads as slowly as it likes.
pub(crate) trait Parts: Send + 'static {
    /// What comes next; nothing at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<String>, Failure>> + Send;
}

/// A body of these parts. The first is read before the answer begins, so that what is wrong with the request, or with us, is
/// told by its status.
pub(crate) async fn export(mut parts: impl Parts) -> Result<Body, Failure> {
    let first = parts.next().await?;
    let body = stream::unfold((first, Some(parts)), async |(first, parts)| {
        let mut parts = parts?;
        if let Some(first) = first {
            return Some((Ok(Bytes::from(first)), (None, Some(parts))));
        }
        match parts.next().await {
            Ok(part) => part.map(|part| (Ok(Bytes::from(part)), (None, Some(parts)))),
            // The file ends without its end, which every client notices.
            Err(failure) => {
                tracing::warn!(?failure, "an export broke off");
                Some((Err(io::Error::other("the export broke off")), (None, None)))
            }
        }
    });
    // What packs it asks once more behind the end.
    Ok(Body::from_stream(body.fuse()))
}

/// A field of a CSV file. Spreadsheets take a text that begins like a formula for one, so an apostrophe goes in front of it
/// (OWASP, CSV Injection).
pub(crate) fn csv_field(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !text.contains([',', '"', '\r', '\n']) {
        return text.into();
    }
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\"")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_must_be_and_never_a_formula() {
        for (text, field) in [
            ("", ""),
            ("Café, Ltd", "\"Café, Ltd\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("@sum", "\"'@sum\""),
            ("-5", "\"'-5\""),
        ] {
            assert_eq!(csv_field(text), field, "{text}");
        }
    }
}
