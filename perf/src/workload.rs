//! What is asked and what must come back: documents of an exact size, requests for them, the right answers.
//!
//! Invariant: every answer is checked in full, a GET to the last byte of its document. Half of a larger document is
//! structure (objects, numbers, short strings) and half is text, so that a server that reads JSON has both to read.

use std::net::SocketAddr;

use anyhow::{Result, bail, ensure};

use crate::http::Reply;
use crate::template::{KEY_ZERO, Template};

/// The smallest document that has room for its key.
pub const DOCUMENT_BYTES_MIN: usize = 64;

/// The largest document; each connection has a buffer for one.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// One kind of request with its answer.
pub struct Workload {
    /// `GET` or `PUT`.
    pub name: &'static str,
    /// The request.
    pub request: Template,
    statuses: &'static [u16],
    answer: Answer,
}

enum Answer {
    Exactly(Template),
    Beginning(Template),
}

impl Workload {
    /// Reads documents: 200 and the document to the byte.
    pub fn get(server: SocketAddr, document: &Template) -> Workload {
        let request = format!("GET /v1/docs/{KEY_ZERO} HTTP/1.1\r\nHost: {server}\r\n\r\n");
        Workload {
            name: "GET",
            request: Template::new(request.into_bytes()),
            statuses: &[200],
            answer: Answer::Exactly(document.clone()),
        }
    }

    /// Writes documents: 200 or 201, and a reply that names the key.
    pub fn put(server: SocketAddr, document: &Template) -> Workload {
        let mut request = format!(
            "PUT /v1/docs/{KEY_ZERO} HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            document.len()
        )
        .into_bytes();
        request.extend_from_slice(document.zero());
        Workload {
            name: "PUT",
            request: Template::new(request),
            statuses: &[200, 201],
            answer: Answer::Beginning(Template::new(format!("{{\"key\":\"{KEY_ZERO}\"").into_bytes())),
        }
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

    /// Checks the reply to the request for `key`.
    ///
    /// # Errors
    /// It is not the right answer; the message shows what came.
    pub fn check(&self, key: u32, reply: &Reply<'_>) -> Result<()> {
        let right = match &self.answer {
            Answer::Exactly(template) => template.matches(key, reply.body),
            Answer::Beginning(template) => template.begins(key, reply.body),
        };
        if right && self.statuses.contains(&reply.status) {
            return Ok(());
        }
        let shown = reply.body.get(..reply.body.len().min(160)).unwrap_or_default().escape_ascii();
        bail!(
            "wrong answer to {} of key {key}: status {}, {} bytes: {shown}",
            self.name,
            reply.status,
            reply.body.len()
        )
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
        Reply { status, body, closes: false, bytes: body.len() }
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
    fn the_constant_server_answers_for_key_zero_only() {
        let document = document(64).unwrap();
        let get = Workload::get(server(), &document).answered_for_key_zero();
        assert!(get.check(5, &reply(200, document.zero())).is_ok());
        let mut five = Vec::new();
        document.append(5, &mut five);
        assert!(get.check(5, &reply(200, &five)).is_err());
    }
}
