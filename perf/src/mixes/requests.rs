//! The bytes of every kind of request, and what right answers begin with.
//!
//! Documents carry their key, and at both ends the number of the write that made them: whatever version is served, it
//! can be told which one it is and that it is whole.

use std::net::SocketAddr;

use anyhow::Result;

use crate::mixes::mix::{LINES, Op, TTL_MS};
use crate::template::{KEY_ZERO, Template, WRITE_ZERO};
use crate::workload::{self, Ask};

/// Where the version belongs in a head.
const VERSION: &str = "{version}";

/// What stands before the keys of documents that expire.
const LEASED: &str = "ttl/";

/// The bytes that a document spends on its write.
const WRITES_BYTES: usize = "\"write\":\"write:00000000\",".len() + ",\"end\":\"write:00000000\"".len();

/// The smallest document that has room for its key and its write.
pub const DOCUMENT_BYTES_MIN: usize = workload::DOCUMENT_BYTES_MIN + WRITES_BYTES;

/// Everything that is sent and expected.
#[derive(Debug)]
pub struct Requests {
    /// The documents.
    pub document: Template,
    /// How the answer to a write begins, up to the version.
    pub written: Template,
    /// The same for a document that expires.
    pub leased: Template,
    /// The same for a line of a bulk.
    pub line_written: Template,
    line: Template,
    texts: Vec<(Op, Text)>,
}

/// A request around the version that it names, if it names one.
#[derive(Debug)]
struct Text {
    before: Template,
    behind: Option<Template>,
}

impl Text {
    fn new(bytes: Vec<u8>) -> Text {
        let at = bytes.windows(VERSION.len()).position(|window| window == VERSION.as_bytes());
        let parts = at.and_then(|at| Some((bytes.get(..at)?.to_vec(), bytes.get(at + VERSION.len()..)?.to_vec())));
        match parts {
            Some((before, behind)) => Text { before: Template::new(before), behind: Some(Template::new(behind)) },
            None => Text { before: Template::new(bytes), behind: None },
        }
    }
}

impl Requests {
    /// Of documents of `document_bytes` under `base`, such as `/v1/docs`, of `server`.
    ///
    /// # Errors
    /// Documents cannot have that size.
    pub fn new(server: SocketAddr, base: &str, document_bytes: usize) -> Result<Requests> {
        let document = document(document_bytes)?;
        let named = |prefix: &str, between: &str| {
            Template::new(format!("{{\"key\":\"{prefix}{KEY_ZERO}\",{between}\"version\":").into_bytes())
        };
        let operation = format!("{{\"op\":\"put\",\"key\":\"{KEY_ZERO}\",\"value\":");
        let mut requests = Requests {
            written: named("", ""),
            leased: named(LEASED, ""),
            line_written: named("", "\"status\":200,"),
            line: Template::new([operation.as_bytes(), document.zero(), b"}\n"].concat()),
            texts: Vec::new(),
            document,
        };
        requests.texts = Op::ALL.map(|op| (op, Text::new(requests.bytes(op, server, base)))).into();
        Ok(requests)
    }

    /// Appends the request of `op` for `key`, which names `version` and writes `write`, if it is of that kind.
    pub fn append(&self, op: Op, key: u32, (version, write): (u64, u32), out: &mut Vec<u8>) {
        let text = self.texts.iter().find(|(other, _)| *other == op).map(|(_, text)| text);
        let Text { before, behind } = text.expect("there is a text for every kind");
        before.append_write(key, write, out);
        if let Some(behind) = behind {
            out.extend_from_slice(version.to_string().as_bytes());
            behind.append_write(key, write, out);
        }
    }

    /// Appends a line of a bulk.
    pub fn append_line(&self, key: u32, write: u32, out: &mut Vec<u8>) {
        self.line.append_write(key, write, out);
    }

    fn bytes(&self, op: Op, server: SocketAddr, base: &str) -> Vec<u8> {
        const JSON: &str = "Content-Type: application/json\r\n";
        let target = match op {
            Op::PutLeased => format!("{base}/{LEASED}{KEY_ZERO}?ttl={TTL_MS}ms"),
            Op::GetLeased => format!("{base}/{LEASED}{KEY_ZERO}"),
            Op::Bulk => format!("{base}:bulk"),
            _ => format!("{base}/{KEY_ZERO}"),
        };
        let method = match op {
            Op::Get | Op::Revalidate | Op::Outdated | Op::GetLeased => "GET",
            Op::Put | Op::Replace | Op::Create | Op::PutLeased => "PUT",
            Op::Patch => "PATCH",
            Op::Bulk => "POST",
        };
        let fields = match op {
            Op::Get | Op::GetLeased => String::new(),
            Op::Put | Op::PutLeased => JSON.to_owned(),
            Op::Patch => "Content-Type: application/merge-patch+json\r\n".to_owned(),
            Op::Revalidate => format!("If-None-Match: \"{VERSION}\"\r\n"),
            Op::Outdated => "If-None-Match: \"0\"\r\n".to_owned(),
            Op::Replace => format!("{JSON}If-Match: \"{VERSION}\"\r\n"),
            Op::Create => format!("{JSON}If-None-Match: *\r\n"),
            // The lines are appended behind the head.
            Op::Bulk => {
                let length = self.line.len() * LINES as usize;
                format!("Content-Type: application/x-ndjson\r\nContent-Length: {length}\r\n")
            }
        };
        let patch = format!("{{\"write\":\"{WRITE_ZERO}\",\"end\":\"{WRITE_ZERO}\"}}");
        let body = match op {
            Op::Put | Op::Replace | Op::Create | Op::PutLeased => self.document.zero(),
            Op::Patch => patch.as_bytes(),
            Op::Get | Op::Revalidate | Op::Outdated | Op::GetLeased | Op::Bulk => b"",
        };
        Ask { method, target: &target, fields: &fields, body }.template(server).zero().to_vec()
    }
}

/// A document of exactly `bytes` bytes with its key, and its write as second member and as last one.
fn document(bytes: usize) -> Result<Template> {
    let plain = workload::document(bytes.saturating_sub(WRITES_BYTES))?;
    let text = String::from_utf8(plain.zero().to_vec())?;
    let id = format!("{{\"id\":\"{KEY_ZERO}\",");
    let members = text.strip_prefix(&id).and_then(|text| text.strip_suffix('}'));
    let members = members.expect("a document begins with its key and has more behind it");
    let text = format!("{id}\"write\":\"{WRITE_ZERO}\",{members},\"end\":\"{WRITE_ZERO}\"}}");
    Ok(Template::new(text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests() -> Requests {
        Requests::new("127.0.0.1:8080".parse().unwrap(), "/v1/docs", 200).unwrap()
    }

    fn text(op: Op) -> String {
        let mut out = Vec::new();
        requests().append(op, 7, (42, 9), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn documents_are_json_of_exactly_the_size_asked_for_with_their_write_at_both_ends() {
        for bytes in [DOCUMENT_BYTES_MIN, 200, 1000] {
            let mut out = Vec::new();
            document(bytes).unwrap().append_write(7, 9, &mut out);
            assert_eq!(out.len(), bytes);
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!((&value["id"], &value["write"]), (&"key:00000007".into(), &"write:00000009".into()));
            assert!(out.ends_with(b",\"end\":\"write:00000009\"}"));
        }
        assert!(document(DOCUMENT_BYTES_MIN - 1).is_err());
    }

    #[test]
    fn conditions_name_the_version_and_writes_their_number() {
        assert!(text(Op::Revalidate).starts_with("GET /v1/docs/key:00000007 HTTP/1.1\r\n"));
        assert!(text(Op::Revalidate).ends_with("\r\nIf-None-Match: \"42\"\r\n\r\n"));
        let replace = text(Op::Replace);
        assert!(
            replace.contains("\r\nIf-Match: \"42\"\r\nContent-Length: 200\r\n\r\n{\"id\":\"key:00000007\""),
            "{replace}"
        );
        assert!(replace.ends_with("\"end\":\"write:00000009\"}"), "{replace}");
        assert!(text(Op::PutLeased).starts_with("PUT /v1/docs/ttl/key:00000007?ttl=200ms HTTP/1.1\r\n"));
        assert!(text(Op::Patch).ends_with("\r\n\r\n{\"write\":\"write:00000009\",\"end\":\"write:00000009\"}"));
    }

    #[test]
    fn a_bulk_announces_the_bytes_of_its_lines() {
        let requests = requests();
        let mut out = Vec::new();
        requests.append(Op::Bulk, 0, (0, 0), &mut out);
        let head = out.len();
        (0..LINES).for_each(|line| requests.append_line(line, 1, &mut out));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("\r\nContent-Length: {}\r\n", text.len() - head)), "{text}");
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!((&last["key"], &last["value"]["id"]), (&"key:00000099".into(), &"key:00000099".into()));
    }
}
