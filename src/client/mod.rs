//! A client of a running server: one request, one answer, over a connection that is kept.
//!
//! Invariants: a key stands in the query and never in the path, so nothing on the way takes a part of it for a dot
//! segment; no redirect is followed, no proxy asked and nothing sent twice, so what is answered is what happened. It
//! does not know what is in a body, nor what becomes of an answer.

use std::io;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::Agent;
use ureq::http::{self, Uri};

use crate::base::limits::ANSWER_BYTES_MAX;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may take to answer: in `always` a write waits for a disk.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A server that is spoken to, and a collection of it.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    /// Where the documents are: the URL of `{base}`.
    base: String,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method's name.
    pub method: &'static str,
    /// Parameters of the query, not encoded.
    pub query: Vec<(&'static str, &'a str)>,
    /// Header fields.
    pub fields: Vec<(&'static str, &'a str)>,
    /// The body, where there is one.
    pub body: Option<&'a [u8]>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
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
    /// What was to be sent is no request: a field with a line end in it.
    #[error("this cannot be sent: {0}")]
    Unsendable(http::Error),
    /// Nobody answered, or not in full. Whether a write was carried out is unknown.
    #[error("no answer from {base}: {cause}")]
    Unreachable {
        /// Whom it was sent to.
        base: String,
        /// What went wrong.
        cause: io::Error,
    },
}

impl Client {
    /// A client of the server at `url` (`http://HOST:PORT`, of which the scheme may be left out), for the main store
    /// or `collection`. Connects to nobody yet.
    ///
    /// # Errors
    /// `Url`.
    pub fn new(url: &str, collection: Option<&str>) -> Result<Client, ClientError> {
        let fault = |reason| ClientError::Url { url: url.to_owned(), reason };
        let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let parsed: Uri = whole.parse().map_err(|_| fault("it cannot be read"))?;
        match parsed.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(fault("TLS is not spoken here, curl --cacert does")),
            _ => return Err(fault("it begins with http://")),
        }
        let authority = parsed.authority().ok_or_else(|| fault("it names a host"))?;
        if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
            return Err(fault("it ends behind the port"));
        }
        let place = match collection {
            Some(name) => format!("collections/{}/docs", utf8_percent_encode(name, NON_ALPHANUMERIC)),
            None => "docs".to_owned(),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .user_agent(concat!("memory-tools/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client { agent: config.into(), base: format!("http://{authority}/v1/{place}") })
    }

    /// Sends `request` and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// `Unsendable`, `Unreachable`.
    pub fn send(&self, request: &Request<'_>) -> Result<Reply, ClientError> {
        let mut target = self.base.clone();
        for (number, (name, value)) in request.query.iter().enumerate() {
            target.push(if number == 0 { '?' } else { '&' });
            target.extend([name, "="]);
            target.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        let mut head = http::Request::builder().method(request.method).uri(target);
        for (name, value) in &request.fields {
            head = head.header(*name, *value);
        }
        let sent = match request.body {
            Some(body) => self.agent.run(head.body(body).map_err(ClientError::Unsendable)?),
            None => self.agent.run(head.body(()).map_err(ClientError::Unsendable)?),
        };
        let unreachable =
            |error: ureq::Error| ClientError::Unreachable { base: self.base.clone(), cause: error.into_io() };
        let mut answer = sent.map_err(unreachable)?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(unreachable)?;
        Ok(Reply { status: answer.status().as_u16(), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str, collection: Option<&str>) -> Result<String, String> {
        Client::new(url, collection).map(|client| client.base).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_is_a_host_and_a_port_and_no_more() {
        let expected = Ok("http://localhost:8080/v1/docs".to_owned());
        for url in ["http://localhost:8080", "http://localhost:8080/", "localhost:8080"] {
            assert_eq!(base(url, None), expected, "{url}");
        }
        for (url, reason) in [
            ("https://localhost", "TLS is not spoken here"),
            ("ftp://localhost", "it begins with http://"),
            ("http://", "it cannot be read"),
            ("http://a b", "it cannot be read"),
            ("http://localhost/v1", "it ends behind the port"),
            ("http://localhost/?a", "it ends behind the port"),
        ] {
            assert!(base(url, None).is_err_and(|error| error.contains(reason)), "{url}");
        }
    }

    #[test]
    fn the_name_of_a_collection_is_escaped() {
        assert_eq!(base("h", Some("a b/..")), Ok("http://h/v1/collections/a%20b%2F%2E%2E/docs".to_owned()));
    }
}
