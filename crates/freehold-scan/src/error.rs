/// Why an application could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// What was given is no address of an application.
    #[error("{url} is no URL of an application: use http://HOST[:PORT] or https://HOST")]
    Url {
        /// What was given.
        url: String,
    },
    /// The application does not answer.
    #[error("{url} does not answer")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the client said.
        #[source]
        source: reqwest::Error,
    },
    /// There is no `OpenAPI` document.
    #[error("there is no OpenAPI document at {tried}: name its path with --openapi")]
    NoDocument {
        /// Where it was looked for.
        tried: String,
    },
    /// The document describes nothing that could be called.
    #[error("the OpenAPI document at {path} has no operation")]
    EmptyDocument {
        /// Where it is.
        path: String,
    },
    /// An operation that is to be attacked, left alone or given a body is not in the document.
    #[error("the OpenAPI document has no operation {operation}; it has: {known}")]
    UnknownOperation {
        /// What was named.
        operation: String,
        /// What there is.
        known: String,
    },
    /// No operation creates a tenant or a session, as far as the document tells.
    #[error("the OpenAPI document has no operation to {purpose}: name it in a recipe")]
    NoOperation {
        /// What it would be for.
        purpose: &'static str,
    },
    /// A twin could not be made.
    #[error("{operation} refused to {purpose}: {status} {body}")]
    Refused {
        /// What was called.
        operation: String,
        /// What for.
        purpose: &'static str,
        /// What it answered.
        status: u16,
        /// And said.
        body: String,
    },
    /// Nothing that was written can be read back, so nothing could be found either.
    #[error(
        "no operation shows a tenant what it wrote, so a leak would not be seen: \
         of {created} operations that create, {succeeded} succeeded"
    )]
    Blind {
        /// Operations that create something.
        created: usize,
        /// Those that answered so.
        succeeded: usize,
    },
}
