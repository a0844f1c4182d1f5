//! What is asked and what must come back: documents of an exact size, requests for them, the right answers.
//!
//! Invariant: every answer is checked in full, a GET to the last byte of its document. Half of a larger document is
//! structure (objects, numbers, short strings) and half is text, so that a server that reads JSON has both to read.

use std::net::SocketAddr;

use anyhow::{Result, bail, ensure};

use crate::http;
use crate::reply::{Kind, Reply};
use crate::resp;
use crate::template::{KEY_ZERO, Template};
use crate::work::Work;

/// The smallest document that has room for its key.
pub const DOCUMENT_BYTES_MIN: usize = 64;

/// The largest document; each connection has a buffer for one.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// One kind of request with its answer.
pub struct Workload {
    /// `GET`, `PUT` or `SET`.
    pub name: &'static str,
    /// The request.
    pub request: Template,
    dialect: Dialect,
    kinds: &'static [Kind],
    answer: Answer,
}

#[derive(Clone, Copy)]
enum Dialect {
    Http,
    Resp,
}

/// What a right answer has in its body.
pub enum Answer {
    /// This.
    Exactly(Template),
    /// This first.
    Beginning(Template),
}

/// A request over HTTP; the key stands wherever `KEY_ZERO` does.
pub struct Ask<'a> {
    /// The method.
    pub method: &'a str,
    /// The target.
    pub target: &'a str,
    /// Lines of the head beside `Host` and `Content-Length`, each with its end.
    pub fields: &'a str,
    /// The body; an empty one is none.
    pub body: &'a [u8],
}

impl Ask<'_> {
    /// The bytes of the request to `server`.
    pub fn template(&self, server: SocketAddr) -> Template {
        let Ask { method, target, fields, body } = self;
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {server}\r\n{fields}");
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        Template::new([head.as_bytes(), b"\r\n", body].concat())
    }
}

impl Workload {
    /// Reads documents: 200 and the document to the byte.
    pub fn get(server: SocketAddr, document: &Template) -> Workload {
        Workload::read_over_http(server, &format!("/v1/docs/{KEY_ZERO}"), document)
    }

    /// Writes documents: 200 or 201, and a reply that names the key.
    pub fn put(server: SocketAddr, document: &Template) -> Workload {
        let named = Template::new(format!("{{\"key\":\"{KEY_ZERO}\"").into_bytes());
        Workload::write_over_http(server, &format!("/v1/docs/{KEY_ZERO}"), document, Answer::Beginning(named))
    }

    /// Reads documents from a Redis through webdis, with the type that documents have here.
    pub fn webdis_get(server: SocketAddr, document: &Template) -> Workload {
        Workload::read_over_http(server, &format!("/GET/{KEY_ZERO}?type=application/json"), document)
    }

    /// Writes documents into a Redis through webdis.
    pub fn webdis_set(server: SocketAddr, document: &Template) -> Workload {
        let done = Template::new(b"{\"SET\":[true,\"OK\"]}".to_vec());
        Workload::write_over_http(server, &format!("/SET/{KEY_ZERO}"), document, Answer::Exactly(done))
    }

    /// Reads documents from a Redis in its own protocol.
    pub fn redis_get(document: &Template) -> Workload {
        let request = format!("*2\r\n$3\r\nGET\r\n${}\r\n{KEY_ZERO}\r\n", KEY_ZERO.len());
        Workload {
            name: "GET",
            request: Template::new(request.into_bytes()),
            dialect: Dialect::Resp,
            kinds: &[Kind::Bulk],
            answer: Answer::Exactly(document.clone()),
        }
    }

    /// Writes documents into a Redis in its own protocol.
    pub fn redis_set(document: &Template) -> Workload {
        let head = format!("*3\r\n$3\r\nSET\r\n${}\r\n{KEY_ZERO}\r\n${}\r\n", KEY_ZERO.len(), document.len());
        Workload {
            name: "SET",
            request: Template::new([head.as_bytes(), document.zero(), b"\r\n"].concat()),
            dialect: Dialect::Resp,
            kinds: &[Kind::Simple],
            answer: Answer::Exactly(Template::new(b"OK".to_vec())),
        }
    }

    /// Asks `ask` of `server`, and wants an answer of one of these kinds.
    pub fn over_http(
        name: &'static str,
        server: SocketAddr,
        ask: &Ask<'_>,
        kinds: &'static [Kind],
        answer: Answer,
    ) -> Workload {
        Workload { name, request: ask.template(server), dialect: Dialect::Http, kinds, answer }
    }

    fn read_over_http(server: SocketAddr, target: &str, document: &Template) -> Workload {
        let ask = Ask { method: "GET", target, fields: "", body: b"" };
        Workload::over_http("GET", server, &ask, &[Kind::Status(200)], Answer::Exactly(document.clone()))
    }

    fn write_over_http(server: SocketAddr, target: &str, document: &Template, answer: Answer) -> Workload {
        let fields = "Content-Type: application/json\r\n";
        let ask = Ask { method: "PUT", target, fields, body: document.zero() };
        Workload::over_http("PUT", server, &ask, &[Kind::Status(200), Kind::Status(201)], answer)
    }

    /// The same requests to a server that answers for key 0 whatever it is asked.
    #[must_use]
    pub fn answered_for_key_zero(mut self) -> Workload {
        self.answer = match self.answer {
            Answer::Exactly(template) => Answer::Exactly(template.frozen()),
            Answer::Beginning(template) => Answer::Beginning(template.frozen()),
        };
        self
    }
}

/// A key tells all that an answer is held against, so it is the ticket.
impl Work for Workload {
    fn ask(&self, key: u32, out: &mut Vec<u8>) -> u32 {
        self.request.append(key, out);
        key
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Option<Reply<'a>>> {
        Ok(match self.dialect {
            Dialect::Http => http::parse(bytes)?,
            Dialect::Resp => resp::parse(bytes)?,
        })
    }

    fn check(&self, key: u32, reply: &Reply<'_>) -> Result<()> {
        let right = match &self.answer {
            Answer::Exactly(template) => template.matches(key, &reply.body),
            Answer::Beginning(template) => template.begins(key, &reply.body),
        };
        if right && self.kinds.contains(&reply.kind) {
            return Ok(());
        }
        bail!("wrong answer to {} of key {key}: {}", self.name, reply.shown())
    }
}

/// A document of exactly `bytes` bytes that holds its own key.
///
/// # Errors
/// `bytes` is out of range.
pub fn document(bytes: usize) -> Result<Template> {
    const WORDS: &[u8] = b"the quick brown fox jumps over the lazy dog and ";
    ensure!(
        (DOCUMENT_BYTES_MIN..=DOCUMENT_BYTES_MAX).contains(&bytes),
        "a document must have {DOCUMENT_BYTES_MIN} to {DOCUMENT_BYTES_MAX} bytes, not {bytes}"
    );
    let mut out = format!("{{\"id\":\"{KEY_ZERO}\"");
    for number in 0.. {
        let part = format!(",\"item{number}\":{{\"sku\":\"A-{}\",\"count\":{number},\"price\":19.95}}", 1000 + number);
        if out.len() + part.len() > bytes / 2 {
            break;
        }
        out.push_str(&part);
    }
    out.push_str(",\"text\":\"");
    let mut out = out.into_bytes();
    let end = b"\"}";
    let room = bytes.saturating_sub(out.len() + end.len());
    out.extend(WORDS.iter().cycle().take(room));
    out.extend_from_slice(end);
    Ok(Template::new(out))
}

#[cfg(test)]
mod tests;
