//! A mix of requests over a fixed set of keys, half of which come and go: reads, overwrites with other sizes, documents
//! that expire soon, removals.
//!
//! What number an operation has decides everything about it, so that a run can be repeated.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Result, ensure};

use crate::http;
use crate::keys::SplitMix64;
use crate::reply::{Kind, Reply};
use crate::work::Work;

/// Keys of documents that stay, and as many of those that come and go.
pub const KEYS: u32 = 100_000;

/// Sizes of the documents are uniform below these, and not below what holds a key.
const BYTES_MIN: u32 = 64;
const BYTES_MAX: u32 = 1500;

/// Times to live are uniform below this.
const TTL_MS_MAX: u32 = 1000;

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Get { key: u32 },
    Put { key: u32, bytes: u32 },
    GetPassing { key: u32 },
    PutPassing { key: u32, bytes: u32, ttl_ms: u32 },
    Delete { key: u32 },
}

/// The mix. The key of a session is the number of an operation.
pub struct Mix {
    /// The server.
    pub server: SocketAddr,
}

impl Operation {
    /// The first `KEYS` write every document that stays.
    fn of(number: u32) -> Operation {
        let mut random = SplitMix64::new(u64::from(number));
        let bytes = BYTES_MIN + random.below(BYTES_MAX - BYTES_MIN);
        if number < KEYS {
            return Operation::Put { key: number, bytes };
        }
        let key = random.below(KEYS);
        match random.below(20) {
            0..8 => Operation::Get { key },
            8..12 => Operation::Put { key, bytes },
            12..14 => Operation::GetPassing { key },
            14..19 => Operation::PutPassing { key, bytes, ttl_ms: 1 + random.below(TTL_MS_MAX) },
            _ => Operation::Delete { key },
        }
    }

    fn name(self) -> String {
        match self {
            Operation::Get { key } | Operation::Put { key, .. } => format!("stays:{key:08}"),
            Operation::GetPassing { key } | Operation::PutPassing { key, .. } | Operation::Delete { key } => {
                format!("passes:{key:08}")
            }
        }
    }
}

impl Work for Mix {
    fn ask(&self, number: u32, out: &mut Vec<u8>) -> u32 {
        let (operation, server) = (Operation::of(number), self.server);
        let name = operation.name();
        let mut head = |method: &str, query: &str| {
            // Writing to a vector does not fail.
            let _ = write!(out, "{method} /v1/docs/{name}{query} HTTP/1.1\r\nHost: {server}\r\n");
        };
        let bytes = match operation {
            Operation::Get { .. } | Operation::GetPassing { .. } => {
                head("GET", "");
                None
            }
            Operation::Delete { .. } => {
                head("DELETE", "");
                None
            }
            Operation::Put { bytes, .. } => {
                head("PUT", "");
                Some(bytes)
            }
            Operation::PutPassing { bytes, ttl_ms, .. } => {
                head("PUT", &format!("?ttl={ttl_ms}ms"));
                Some(bytes)
            }
        };
        if let Some(bytes) = bytes {
            let before = format!("{{\"id\":\"{name}\",\"text\":\"");
            let fill = (bytes as usize).saturating_sub(before.len() + 2);
            let _ = write!(out, "Content-Length: {}\r\n\r\n{before}", before.len() + fill + 2);
            out.resize(out.len() + fill, b'x');
            out.extend_from_slice(b"\"}");
        } else {
            out.extend_from_slice(b"\r\n");
        }
        number
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Option<Reply<'a>>> {
        Ok(http::parse(bytes)?)
    }

    fn check(&self, number: u32, reply: &Reply<'_>) -> Result<()> {
        let operation = Operation::of(number);
        let holds =
            |member: &str| reply.body.starts_with(format!("{{\"{member}\":\"{}\"", operation.name()).as_bytes());
        let Kind::Status(status) = reply.kind else { anyhow::bail!("an answer without a status") };
        let right = match operation {
            Operation::Get { .. } => status == 200 && holds("id"),
            Operation::Put { .. } | Operation::PutPassing { .. } => matches!(status, 200 | 201) && holds("key"),
            Operation::GetPassing { .. } => status == 404 || status == 200 && holds("id"),
            Operation::Delete { .. } => matches!(status, 200 | 204 | 404),
        };
        let shown = reply.body.get(..reply.body.len().min(160)).unwrap_or_default().escape_ascii();
        ensure!(right, "wrong answer to operation {number}, {operation:?}: {}, {shown}", reply.kind);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix() -> Mix {
        Mix { server: "127.0.0.1:8080".parse().unwrap() }
    }

    fn asked(number: u32) -> String {
        let mut out = Vec::new();
        assert_eq!(mix().ask(number, &mut out), number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_document_that_stays_is_written_first_and_read_later() {
        assert!(
            asked(7).starts_with("PUT /v1/docs/stays:00000007 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: ")
        );
        let mut kinds = [0; 5];
        for number in KEYS..KEYS + 20_000 {
            kinds[match Operation::of(number) {
                Operation::Get { .. } => 0,
                Operation::Put { .. } => 1,
                Operation::GetPassing { .. } => 2,
                Operation::PutPassing { .. } => 3,
                Operation::Delete { .. } => 4,
            }] += 1;
        }
        for (count, share) in kinds.into_iter().zip([8, 4, 2, 5, 1]) {
            assert!((share * 900..share * 1100).contains(&count), "{kinds:?}");
        }
    }

    #[test]
    fn a_body_is_json_of_the_length_that_is_announced() {
        for number in [0, 3, 4711] {
            let request = asked(number);
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
            let document: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(document["id"], Operation::of(number).name().as_str());
        }
    }

    #[test]
    fn what_stays_must_be_there_and_what_passes_may_be_gone() {
        let number = |wanted: fn(Operation) -> bool| (KEYS..).find(|&number| wanted(Operation::of(number))).unwrap();
        let stays = number(|operation| matches!(operation, Operation::Get { .. }));
        let passes = number(|operation| matches!(operation, Operation::GetPassing { .. }));
        let gone = mix().parse(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap().unwrap();
        assert!(mix().check(passes, &gone).is_ok());
        assert!(mix().check(stays, &gone).is_err());
    }
}
