//! What a server says of itself at a moment: its figures, how it stands, and its collections.
//!
//! The figures are the sample. The rest is more than every server or every token has: what is refused or cannot be read
//! is left out.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::fault::Fault;
use super::exposition::Page;
use crate::base::clock::UnixMillis;
use crate::client::{Client, Request};

/// The most collections that a server lists at once.
const COLLECTIONS_MAX: &str = "1000";

/// What a server has said of itself.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When that was, for what lies between two.
    pub taken: Instant,
    /// When that was by the clock on the wall.
    pub at: UnixMillis,
    /// Its figures.
    pub page: Page,
    /// How long it is up.
    pub uptime: Option<Duration>,
    /// How old its newest snapshot is.
    pub snapshot_age: Option<Duration>,
    /// The mode of its journal.
    pub journal_mode: Option<String>,
    /// How many collections it has.
    pub collections: Option<u64>,
    /// Those that it has listed.
    pub listed: Option<Listed>,
}

/// Collections as they are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The first by their names.
    pub collections: Vec<Collection>,
    /// Whether there are more.
    pub has_more: bool,
}

/// A collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// How many documents are in it.
    pub documents: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

impl Sample {
    /// A server that says nothing.
    pub fn empty(taken: Instant, at: UnixMillis) -> Sample {
        Sample {
            taken,
            at,
            page: Page::default(),
            uptime: None,
            snapshot_age: None,
            journal_mode: None,
            collections: None,
            listed: None,
        }
    }

    /// Asks the server of `client`, `at` this moment of the clock on the wall.
    ///
    /// # Errors
    /// What `/metrics` could not be read for.
    pub fn ask(client: &Client, at: UnixMillis) -> Result<Sample, Fault> {
        let reply = client.send(&Request::get("/metrics", Vec::new()))?;
        let taken = Instant::now();
        if reply.status != 200 {
            return Err(Fault::Refused(reply));
        }
        let page = Page::read(&reply.body).map_err(Fault::Figures)?;
        let mut sample = Sample { page, ..Sample::empty(taken, at) };
        if let Some(stats) = beside(client, &Request::get("/v1/stats", Vec::new())) {
            sample.read_stats(&stats);
        }
        let list = Request::get("/v1/collections", vec![("limit", COLLECTIONS_MAX)]);
        sample.listed = beside(client, &list).as_ref().and_then(listed);
        Ok(sample)
    }

    fn read_stats(&mut self, stats: &Value) {
        let number = |pointer: &str| stats.pointer(pointer).and_then(Value::as_u64);
        self.uptime = number("/uptime_ms").map(Duration::from_millis);
        self.snapshot_age = number("/snapshot/age_ms").map(Duration::from_millis);
        self.collections = number("/collections");
        self.journal_mode = stats.pointer("/journal/mode").and_then(Value::as_str).map(str::to_owned);
    }
}

/// What the server says to `request`, when it is a yes, and JSON.
fn beside(client: &Client, request: &Request<'_>) -> Option<Value> {
    let reply = client.send(request).ok().filter(|reply| reply.status == 200)?;
    serde_json::from_slice(&reply.body).ok()
}

fn listed(page: &Value) -> Option<Listed> {
    let read = |entry: &Value| {
        let number = |name: &str| entry.get(name).and_then(Value::as_u64);
        let name = entry.get("name").and_then(Value::as_str)?.to_owned();
        Some(Collection { name, documents: number("documents")?, bytes: number("bytes")? })
    };
    let collections = page.get("collections")?.as_array()?.iter().map(read).collect::<Option<Vec<_>>>()?;
    Some(Listed { collections, has_more: page.get("cursor").is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_the_figures_is_read_as_far_as_it_is_there() {
        let mut sample = Sample::empty(Instant::now(), UnixMillis(0));
        let stats = r#"{"uptime_ms":1500,"collections":2,"journal":{"mode":"always"},"snapshot":{"age_ms":7}}"#;
        sample.read_stats(&serde_json::from_str(stats).unwrap());
        assert_eq!(sample.uptime, Some(Duration::from_millis(1500)));
        assert_eq!((sample.snapshot_age, sample.collections), (Some(Duration::from_millis(7)), Some(2)));
        assert_eq!(sample.journal_mode.as_deref(), Some("always"));
        sample.read_stats(&Value::from("of another server"));
        assert_eq!((sample.uptime, sample.collections), (None, None));
    }

    #[test]
    fn a_page_of_collections_says_whether_there_are_more() {
        let collection = Collection { name: "c".to_owned(), documents: 2, bytes: 70 };
        let page = |text: &str| listed(&serde_json::from_str(text).unwrap());
        let one = r#"{"collections":[{"name":"c","documents":2,"bytes":70,"require_conditional":false}]}"#;
        assert_eq!(page(one), Some(Listed { collections: vec![collection.clone()], has_more: false }));
        let more = one.replace("]}", "],\"cursor\":\"c\"}");
        assert_eq!(page(&more), Some(Listed { collections: vec![collection], has_more: true }));
        for text in ["[]", "{\"collections\":[{\"name\":\"c\"}]}", "{\"collections\":7}"] {
            assert_eq!(page(text), None, "{text}");
        }
    }
}
