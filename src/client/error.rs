//! Why there is no answer.

use std::io;

use ureq::http;

/// Why there is no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL names no server that can be spoken to.
    #[error("{url:?} is not the URL of a server: {reason}, such as http://127.0.0.1:8080")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The token cannot stand in a header field. It is not repeated.
    #[error("the token holds a character that no token has; it is one line, without spaces")]
    Token,
    /// What was to be sent is no request: a field with a line end in it.
    #[error("this cannot be sent: {0}")]
    Unsendable(http::Error),
    /// Nobody answered, or not in full. Whether a write was carried out is unknown.
    #[error("no answer from {url}: {cause}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        cause: io::Error,
    },
    /// What was to be sent could not be read. The server has been sent a part of it, without the end.
    #[error("the body cannot be read: {0}")]
    Body(io::Error),
}
