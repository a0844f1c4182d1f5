//! A client of a running server: one request, one answer, over a connection that is kept.
//!
//! An answer comes whole (`Client::send`), or line by line or piece by piece as it arrives (`Client::lines`, `download`); a body is at hand, or is read
//! while it is sent (`Client::upload`). Invariants: a key stands in the query and never in the path, so nothing on the way
//! takes a part of it for a dot segment; no redirect is followed, no proxy asked and nothing sent twice, so what is
//! answered is what happened; nobody waits for ever for a server that has fallen silent. It does not know what is in a
//! body, nor what becomes of an answer.

mod bytes;
mod error;
mod lines;
mod message;
mod upload;

use std::time::Duration;

use ureq::config::{Config, ConfigBuilder};
use ureq::http::{self, HeaderValue, Response, Uri};
use ureq::typestate::AgentScope;
use ureq::{Agent, Body};

use crate::base::limits::ANSWER_BYTES_MAX;

pub use bytes::{Bytes, Download};
pub use error::ClientError;
pub use lines::{Answer, Lines};
pub use message::{Reply, Request, documents};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may be silent: in `always` a write waits for a disk, and whoever follows the changes for the next.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A server that is spoken to.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    /// The server's URL, without a slash at its end.
    origin: String,
    /// What stands in the field Authorization; marked as secret, so that it is shown nowhere.
    authorization: Option<HeaderValue>,
}

impl Client {
    /// A client of the server at `url` (`http://HOST:PORT`, of which the scheme may be left out). Connects to nobody yet.
    ///
    /// # Errors
    /// `Url`.
    pub fn new(url: &str) -> Result<Client, ClientError> {
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
        Ok(Client { agent: config().into(), origin: format!("http://{authority}"), authorization: None })
    }

    /// The same client, which presents `token` with every request.
    ///
    /// # Errors
    /// `Token`.
    pub fn presenting(self, token: &str) -> Result<Client, ClientError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        value.set_sensitive(true);
        Ok(Client { authorization: Some(value), ..self })
    }

    /// The same client, which waits for no answer longer than this, from the connection to the last byte.
    pub fn within(self, patience: Duration) -> Client {
        Client { agent: builder().timeout_global(Some(patience)).build().into(), ..self }
    }

    /// The same client, for a server that may be silent for so long.
    #[must_use]
    pub fn waiting(self, silence_max: Duration) -> Client {
        Client { agent: builder().timeout_per_read(Some(silence_max)).build().into(), ..self }
    }

    /// The URL of the server, without a slash at its end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Sends `request` and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// `Unsendable`, `Unreachable`.
    pub fn send(&self, request: &Request<'_>) -> Result<Reply, ClientError> {
        self.reply(request, self.begin(request)?)
    }

    /// Sends `request` and waits for the head of the answer.
    fn begin(&self, request: &Request<'_>) -> Result<Response<Body>, ClientError> {
        let head = self.head(request);
        let sent = match request.body {
            Some(body) => self.agent.run(head.body(body).map_err(ClientError::Unsendable)?),
            None => self.agent.run(head.body(()).map_err(ClientError::Unsendable)?),
        };
        sent.map_err(|error| self.unreachable(request, error))
    }

    fn head(&self, request: &Request<'_>) -> http::request::Builder {
        let head = http::Request::builder().method(request.method).uri(self.origin.clone() + &request.target());
        let head = self.authorization.iter().fold(head, |head, value| head.header("Authorization", value));
        request.fields.iter().fold(head, |head, (name, value)| head.header(*name, *value))
    }

    /// The rest of an answer that has begun.
    fn reply(&self, request: &Request<'_>, answer: Response<Body>) -> Result<Reply, ClientError> {
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| self.unreachable(request, error))?;
        Ok(Reply { status: head.status.as_u16(), fields: Box::new(head.headers), body })
    }

    fn unreachable(&self, request: &Request<'_>, error: ureq::Error) -> ClientError {
        ClientError::Unreachable { url: self.origin.clone() + request.path, cause: error.into_io() }
    }
}

fn config() -> Config {
    builder().build()
}

fn builder() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_read(Some(SILENCE_MAX))
        .timeout_per_write(Some(SILENCE_MAX))
        .user_agent(concat!("memory-tools/", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_presented_and_not_shown() {
        let client = || Client::new("localhost:1").unwrap();
        let request = Request { method: "GET", path: "/", query: Vec::new(), fields: Vec::new(), body: None };
        let presenting = client().presenting("mt_5ecre7").unwrap();
        assert_eq!(presenting.head(&request).headers_ref().unwrap()["Authorization"], "Bearer mt_5ecre7");
        assert!(!format!("{presenting:?}").contains("5ecre7"));
        let refused = client().presenting("mt_5ecre7\nx").unwrap_err();
        assert!(!format!("{refused:?} {refused}").contains("5ecre7"), "{refused}");
    }

    #[test]
    fn a_url_is_a_host_and_a_port_and_no_more() {
        let origin = |url| Client::new(url).map(|client| client.origin).map_err(|error| error.to_string());
        let expected = Ok("http://localhost:8080".to_owned());
        for url in ["http://localhost:8080", "http://localhost:8080/", "localhost:8080"] {
            assert_eq!(origin(url), expected, "{url}");
        }
        for (url, reason) in [
            ("https://localhost", "TLS is not spoken here"),
            ("ftp://localhost", "it begins with http://"),
            ("http://", "it cannot be read"),
            ("http://a b", "it cannot be read"),
            ("http://localhost/v1", "it ends behind the port"),
            ("http://localhost/?a", "it ends behind the port"),
        ] {
            assert!(origin(url).is_err_and(|error| error.contains(reason)), "{url}");
        }
    }
}
