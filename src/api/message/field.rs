//! The header fields of a reply, as kinds of values until a front writes them: a reply allocates no text for them.
//!
//! Invariant: what a front writes of a field ends no line but its own. It does not know in which order fields come.

use crate::base::clock::UnixMillis;

/// A header field of a reply; one of them is two, which always go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `Content-Type: application/json`
    Json,
    /// `Cache-Control: no-cache`: what is shown may have changed by the next time, and a cache asks before it shows it
    /// again.
    NoCache,
    /// `ETag`: a version in quotes, which is a strong entity tag.
    EntityTag(u64),
    /// `MT-TTL` and `MT-Expires-At`: how long there will be a document still, and until when.
    Expiry {
        /// Milliseconds, written as seconds with three decimals.
        ttl_ms: u64,
        /// The moment, written as RFC 3339 in UTC with milliseconds.
        at: UnixMillis,
    },
    /// Any other: its name and its value.
    Named(&'static str, Value),
}

/// A header field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Fixed text.
    Static(&'static str),
    /// Text made for this reply; holds no control characters.
    Text(String),
    /// A plain number.
    Number(u64),
}
