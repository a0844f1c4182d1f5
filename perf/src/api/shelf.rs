//! What is asked, and the documents it is asked of: each kind of change has documents of its own, so that whatever runs
//! between, every answer is known to the byte.

use std::net::SocketAddr;

use anyhow::Result;

use crate::options::Options;
use crate::reply::Kind;
use crate::template::{KEY_ZERO, Template};
use crate::workload::{self, Answer, Ask, Workload};

/// The large documents: their size, and how many there are.
const LARGE_BYTES: usize = 100_000;
const LARGE_COUNT: u32 = 500;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A document is replaced by one of the same size.
    Put,
    /// One member of a document is replaced, by a merge patch.
    Merge,
    /// A counter in a small document goes up by one.
    Increment,
    /// A document is read by somebody who has another version of it.
    Get,
    /// A document is asked for by somebody who has it.
    Revalidate,
    /// The last member of a large document is read.
    Part,
}

impl Asked {
    /// In their order within a round.
    pub const ALL: [Asked; 6] =
        [Asked::Put, Asked::Merge, Asked::Increment, Asked::Get, Asked::Revalidate, Asked::Part];

    /// Its name in progress and results.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Put => "PUT",
            Asked::Merge => "merge patch",
            Asked::Increment => "inc",
            Asked::Get => "GET, 200",
            Asked::Revalidate => "GET, 304",
            Asked::Part => "GET ?ptr=",
        }
    }
}

/// Documents of one kind, under keys of their own.
#[derive(Debug)]
pub struct Shelf {
    /// What stands before the keys.
    prefix: &'static str,
    /// How many there are.
    pub count: u32,
    /// Each, as it is loaded.
    pub loaded: Template,
    /// What is done to each once before anything is measured.
    pub change: Option<Asked>,
    /// Each, from then on.
    settled: Template,
}

impl Shelf {
    fn new(prefix: &'static str, count: u32, loaded: Template) -> Shelf {
        Shelf { prefix, count, settled: loaded.clone(), loaded, change: None }
    }

    fn changed(self, change: Asked, settled: Template) -> Shelf {
        Shelf { change: Some(change), settled, ..self }
    }

    /// Loads the documents.
    pub fn put(&self, server: SocketAddr) -> Workload {
        let fields = "Content-Type: application/json\r\n";
        self.write(Asked::Put, server, &Ask { method: "PUT", target: &self.target(), fields, body: self.loaded.zero() })
    }

    /// Reads them as they are when all of them were changed once.
    pub fn get(&self, server: SocketAddr) -> Workload {
        let ask = Ask { method: "GET", target: &self.target(), fields: "", body: b"" };
        Workload::over_http("GET", server, &ask, &[Kind::Status(200)], Answer::Exactly(self.settled.clone()))
    }

    fn target(&self) -> String {
        format!("/v1/docs/{}{KEY_ZERO}", self.prefix)
    }

    fn write(&self, asked: Asked, server: SocketAddr, ask: &Ask<'_>) -> Workload {
        let named = Template::new(format!("{{\"key\":\"{}{KEY_ZERO}\"", self.prefix).into_bytes());
        Workload::over_http(
            asked.name(),
            server,
            ask,
            &[Kind::Status(200), Kind::Status(201)],
            Answer::Beginning(named),
        )
    }
}

/// All of them.
#[derive(Debug)]
pub struct Shelves {
    plain: Shelf,
    patched: Shelf,
    counters: Shelf,
    large: Shelf,
}

impl Shelves {
    /// `--keys` documents of `--document-bytes`, once for PUT and GET and once to be patched; as many counters; some
    /// large ones.
    ///
    /// # Errors
    /// The documents cannot have that size.
    pub fn new(options: &Options) -> Result<Shelves> {
        let document = workload::document(options.document_bytes)?;
        let counter = |count| Template::new(format!("{{\"id\":\"{KEY_ZERO}\",\"count\":{count}}}").into_bytes());
        let patched = with_member(&document, "patched");
        let large = with_member(&workload::document(LARGE_BYTES)?, "last");
        Ok(Shelves {
            plain: Shelf::new("", options.keys, document.clone()),
            patched: Shelf::new("patched/", options.keys, document).changed(Asked::Merge, patched),
            counters: Shelf::new("counter/", options.keys, counter(0)).changed(Asked::Increment, counter(1)),
            large: Shelf::new("large/", LARGE_COUNT.min(options.keys), large),
        })
    }

    /// Each, in the order in which they are loaded.
    pub fn all(&self) -> [&Shelf; 4] {
        [&self.plain, &self.patched, &self.counters, &self.large]
    }

    /// The documents that are asked for.
    pub fn of(&self, asked: Asked) -> &Shelf {
        match asked {
            Asked::Put | Asked::Get | Asked::Revalidate => &self.plain,
            Asked::Merge => &self.patched,
            Asked::Increment => &self.counters,
            Asked::Part => &self.large,
        }
    }

    /// The requests, with their answers.
    pub fn workload(&self, asked: Asked, server: SocketAddr) -> Workload {
        let shelf = self.of(asked);
        let target = shelf.target();
        match asked {
            Asked::Put => shelf.put(server),
            // The same fields as a revalidation has, and the same work to read them.
            Asked::Get => {
                let ask = Ask { method: "GET", target: &target, fields: "If-None-Match: \"\"\r\n", body: b"" };
                let answer = Answer::Exactly(shelf.settled.clone());
                Workload::over_http(asked.name(), server, &ask, &[Kind::Status(200)], answer)
            }
            Asked::Merge => {
                let body = format!("{{\"patched\":\"{KEY_ZERO}\"}}");
                let fields = "Content-Type: application/merge-patch+json\r\n";
                shelf.write(asked, server, &Ask { method: "PATCH", target: &target, fields, body: body.as_bytes() })
            }
            Asked::Increment => {
                let body = br#"[{"op":"inc","path":"/count","value":1}]"#;
                let fields = "Content-Type: application/vnd.memory-tools.ops+json\r\n";
                shelf.write(asked, server, &Ask { method: "PATCH", target: &target, fields, body })
            }
            Asked::Revalidate => {
                let ask = Ask { method: "GET", target: &target, fields: "If-None-Match: *\r\n", body: b"" };
                let nothing = Answer::Exactly(Template::new(Vec::new()));
                Workload::over_http(asked.name(), server, &ask, &[Kind::Status(304)], nothing)
            }
            Asked::Part => {
                let ask = Ask { method: "GET", target: &format!("{target}?ptr=/last"), fields: "", body: b"" };
                let part = Answer::Exactly(Template::new(format!("\"{KEY_ZERO}\"").into_bytes()));
                Workload::over_http(asked.name(), server, &ask, &[Kind::Status(200)], part)
            }
        }
    }
}

/// `document` with one more member behind the others: its own key.
fn with_member(document: &Template, name: &str) -> Template {
    let mut text = document.zero().to_vec();
    text.pop();
    text.extend_from_slice(format!(",\"{name}\":\"{KEY_ZERO}\"}}").as_bytes());
    Template::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_change_has_documents_of_its_own() {
        let shelves = Shelves::new(&Options::default()).unwrap();
        for asked in [Asked::Merge, Asked::Increment] {
            assert_eq!(shelves.of(asked).change, Some(asked));
        }
        let prefixes: std::collections::BTreeSet<_> = shelves.all().map(|shelf| shelf.prefix).into();
        assert_eq!(prefixes.len(), 4);
        assert!(
            shelves.all().iter().all(|shelf| serde_json::from_slice::<serde_json::Value>(shelf.settled.zero()).is_ok())
        );
    }

    #[test]
    fn a_part_is_the_last_member_of_a_large_document() {
        let shelves = Shelves::new(&Options::default()).unwrap();
        let server = "127.0.0.1:8080".parse().unwrap();
        let part = shelves.workload(Asked::Part, server);
        assert!(part.request.zero().starts_with(b"GET /v1/docs/large/key:00000000?ptr=/last HTTP/1.1\r\n"));
        let large = serde_json::from_slice::<serde_json::Value>(shelves.of(Asked::Part).loaded.zero()).unwrap();
        assert_eq!(large["last"], KEY_ZERO);
    }
}
