//! Documents of many sizes: which one a document has depends on its key and the round, so that it can be told what must
//! come back, and how many bytes there are together.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Result, ensure};

use crate::http;
use crate::keys::SplitMix64;
use crate::reply::{Kind, Reply};
use crate::work::Work;

/// Sizes are uniform over these.
const BYTES_MIN: u32 = 500;
const BYTES_MAX: u32 = 1500;

/// Steps from key to key in a round: a prime above every count, so that each round writes each key once.
const STRIDE: u64 = 2_654_435_761;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Each document is written.
    Put,
    /// Each document is read.
    Get,
}

/// Documents `0..count`, as they are in a round.
pub struct Sized {
    /// What is asked.
    pub verb: Verb,
    /// The server.
    pub server: SocketAddr,
    /// How many there are.
    pub count: u32,
    /// From 0 on. Each has other sizes and another order of the keys; that of round 0 is ascending.
    pub round: u32,
}

impl Sized {
    /// Bytes of all keys and documents.
    pub fn bytes(&self) -> u64 {
        (0..self.count).map(|key| u64::from(self.size(key)) + name(key).len() as u64).sum()
    }

    /// The key that is asked for as number `at`.
    fn key(&self, at: u32) -> u32 {
        if self.round == 0 {
            return at;
        }
        let moved = u64::from(at) * STRIDE + u64::from(self.round);
        // The remainder is below a u32.
        (moved % u64::from(self.count.max(1))) as u32
    }

    fn size(&self, key: u32) -> u32 {
        let mut random = SplitMix64::new(u64::from(key) << 32 | u64::from(self.round));
        BYTES_MIN + random.below(BYTES_MAX - BYTES_MIN + 1)
    }

    fn document(&self, key: u32) -> Vec<u8> {
        let mut document = format!("{{\"id\":\"{}\",\"text\":\"", name(key)).into_bytes();
        let end = b"\"}";
        let size = self.size(key) as usize;
        document.resize(size - end.len(), b'x');
        document.extend_from_slice(end);
        document
    }
}

impl Work for Sized {
    fn ask(&self, at: u32, out: &mut Vec<u8>) -> u32 {
        let key = self.key(at);
        let (name, server) = (name(key), self.server);
        // Writing to a vector does not fail.
        let _ = match self.verb {
            Verb::Get => write!(out, "GET /v1/docs/{name} HTTP/1.1\r\nHost: {server}\r\n\r\n"),
            Verb::Put => {
                let document = self.document(key);
                let length = document.len();
                write!(out, "PUT /v1/docs/{name} HTTP/1.1\r\nHost: {server}\r\nContent-Length: {length}\r\n\r\n")
                    .and_then(|()| out.write_all(&document))
            }
        };
        key
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Option<Reply<'a>>> {
        Ok(http::parse(bytes)?)
    }

    fn check(&self, key: u32, reply: &Reply<'_>) -> Result<()> {
        let right = match self.verb {
            Verb::Get => reply.kind == Kind::Status(200) && reply.body == self.document(key),
            Verb::Put => {
                [Kind::Status(200), Kind::Status(201)].contains(&reply.kind)
                    && reply.body.starts_with(format!("{{\"key\":\"{}\"", name(key)).as_bytes())
            }
        };
        ensure!(right, "wrong answer to {:?} of key {key}: {}, {} bytes", self.verb, reply.kind, reply.body.len());
        Ok(())
    }
}

fn name(key: u32) -> String {
    format!("key:{key:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(verb: Verb, round: u32) -> Sized {
        Sized { verb, server: "127.0.0.1:8080".parse().unwrap(), count: 1000, round }
    }

    #[test]
    fn each_round_writes_each_key_once_with_another_size() {
        for round in [0, 1, 9] {
            let mut keys: Vec<u32> = (0..1000).map(|at| sized(Verb::Put, round).key(at)).collect();
            keys.sort_unstable();
            assert_eq!(keys, (0..1000).collect::<Vec<_>>(), "round {round}");
        }
        let same = (0..1000).filter(|&key| sized(Verb::Put, 1).size(key) == sized(Verb::Put, 2).size(key)).count();
        assert!(same < 10, "{same} of 1000 keep their size");
    }

    #[test]
    fn a_document_has_the_size_that_is_counted_for_it() {
        let sized = sized(Verb::Get, 3);
        let bytes: usize = (0..1000).map(|key| sized.document(key).len() + name(key).len()).sum();
        assert_eq!(sized.bytes(), bytes as u64);
        assert!((0..1000).all(|key| (BYTES_MIN..=BYTES_MAX).contains(&sized.size(key))));
        let document: serde_json::Value = serde_json::from_slice(&sized.document(7)).unwrap();
        assert_eq!(document["id"], "key:00000007");
    }

    #[test]
    fn only_the_document_of_that_round_answers_a_get() {
        let (now, before) = (sized(Verb::Get, 3), sized(Verb::Get, 2));
        let body = now.document(7);
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let reply = [reply.as_bytes(), &body].concat();
        let reply = now.parse(&reply).unwrap().unwrap();
        assert!(now.check(7, &reply).is_ok() && now.check(8, &reply).is_err() && before.check(7, &reply).is_err());
        let mut asked = Vec::new();
        assert_eq!(sized(Verb::Put, 0).ask(7, &mut asked), 7);
        assert!(asked.starts_with(b"PUT /v1/docs/key:00000007 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: "));
    }
}
