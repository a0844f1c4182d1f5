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
mod tests {
    use super::*;

    fn reply(status: u16, body: &[u8]) -> Reply<'_> {
        Reply { kind: Kind::Status(status), version: None, body: body.into(), closes: false, bytes: body.len() }
    }

    fn server() -> SocketAddr {
        "127.0.0.1:8080".parse().unwrap()
    }

    #[test]
    fn documents_are_json_of_exactly_the_size_asked_for_with_their_key_inside() {
        for bytes in [DOCUMENT_BYTES_MIN, 65, 99, 100, 101, 1000, 1100, 65_537, DOCUMENT_BYTES_MAX] {
            let mut out = Vec::new();
            document(bytes).unwrap().append(4711, &mut out);
            assert_eq!(out.len(), bytes);
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(value["id"], "key:00004711");
        }
        assert!(document(DOCUMENT_BYTES_MIN - 1).is_err());
        assert!(document(DOCUMENT_BYTES_MAX + 1).is_err());
    }

    #[test]
    fn only_the_document_of_that_key_answers_a_get() {
        let document = document(100).unwrap();
        let get = Workload::get(server(), &document);
        let mut body = Vec::new();
        document.append(12, &mut body);
        assert!(get.check(12, &reply(200, &body)).is_ok());
        assert!(get.check(13, &reply(200, &body)).is_err());
        assert!(get.check(12, &reply(200, &body[1..])).is_err());
        let error = get.check(12, &reply(404, b"{\"code\":\"key_not_found\"}")).unwrap_err().to_string();
        assert_eq!(error, r#"wrong answer to GET of key 12: status 404, 24 bytes: {\"code\":\"key_not_found\"}"#);
    }

    #[test]
    fn a_put_sends_the_document_and_wants_its_key_back() {
        let document = document(64).unwrap();
        let put = Workload::put(server(), &document);
        let mut request = Vec::new();
        put.request.append(9, &mut request);
        let text = String::from_utf8(request).unwrap();
        assert!(text.starts_with("PUT /v1/docs/key:00000009 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"), "{text}");
        assert!(text.contains("\r\nContent-Length: 64\r\n\r\n{\"id\":\"key:00000009\","), "{text}");
        assert!(put.check(9, &reply(201, b"{\"key\":\"key:00000009\",\"version\":3}\n")).is_ok());
        assert!(put.check(9, &reply(200, b"{\"key\":\"key:00000008\",\"version\":3}\n")).is_err());
        assert!(put.check(9, &reply(503, b"{\"key\":\"key:00000009\"")).is_err());
    }

    #[test]
    fn redis_is_asked_and_answers_in_its_own_protocol() {
        let document = document(64).unwrap();
        let (get, set) = (Workload::redis_get(&document), Workload::redis_set(&document));
        let mut sent = Vec::new();
        get.request.append(12, &mut sent);
        assert_eq!(sent, b"*2\r\n$3\r\nGET\r\n$12\r\nkey:00000012\r\n");
        sent.clear();
        set.request.append(12, &mut sent);
        let text = String::from_utf8(sent).unwrap();
        assert!(
            text.starts_with("*3\r\n$3\r\nSET\r\n$12\r\nkey:00000012\r\n$64\r\n{\"id\":\"key:00000012\""),
            "{text}"
        );
        assert!(text.ends_with("\"}\r\n"), "{text}");

        let mut stored = Vec::new();
        document.append(12, &mut stored);
        let answer = [b"$64\r\n", &stored[..], b"\r\n"].concat();
        let found = get.parse(&answer).unwrap().unwrap();
        assert!(get.check(12, &found).is_ok() && get.check(13, &found).is_err());
        assert!(set.check(12, &set.parse(b"+OK\r\n").unwrap().unwrap()).is_ok());
        for wrong in [&b"-OOM command not allowed\r\n"[..], b"$2\r\nOK\r\n"] {
            assert!(set.check(12, &set.parse(wrong).unwrap().unwrap()).is_err());
        }
        let error = get.check(12, &get.parse(b"$-1\r\n").unwrap().unwrap()).unwrap_err().to_string();
        assert_eq!(error, "wrong answer to GET of key 12: no such string, 0 bytes: ");
    }

    #[test]
    fn webdis_is_asked_for_the_same_document_over_http() {
        let document = document(64).unwrap();
        let get = Workload::webdis_get(server(), &document);
        assert!(get.request.zero().starts_with(b"GET /GET/key:00000000?type=application/json HTTP/1.1\r\nHost: "));
        let set = Workload::webdis_set(server(), &document);
        assert!(set.request.zero().starts_with(b"PUT /SET/key:00000000 HTTP/1.1\r\nHost: "));
        assert!(set.check(3, &reply(200, b"{\"SET\":[true,\"OK\"]}")).is_ok());
        assert!(set.check(3, &reply(200, b"{\"SET\":[false,\"OOM\"]}")).is_err());
    }

    #[test]
    fn the_constant_server_answers_for_key_zero_only() {
        let document = document(64).unwrap();
        let get = Workload::get(server(), &document).answered_for_key_zero();
        assert!(get.check(5, &reply(200, document.zero())).is_ok());
        let mut five = Vec::new();
        document.append(5, &mut five);
        assert!(get.check(5, &reply(200, &five)).is_err());
    }
}
