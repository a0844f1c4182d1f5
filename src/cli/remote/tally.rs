//! What has come of an export: counted line by line, with where to go on behind the last one.

use super::fault::Fault;
use crate::base::json;

/// The lines that have come whole.
#[derive(Debug, Default)]
pub struct Tally {
    /// Documents among them.
    pub documents: u64,
    /// Collections among them.
    pub collections: u64,
    /// Their bytes, with their ends.
    pub bytes: u64,
    last: Vec<u8>,
}

impl Tally {
    /// Counts `line`, which is without its end.
    ///
    /// # Errors
    /// `Unexpected` for one that is none of an export; the server writes such a line in the place of the rest that it
    /// cannot give.
    pub fn count(&mut self, line: &[u8]) -> Result<(), Fault> {
        let second = json::members(line).and_then(|mut members| members.nth(1)).map(|member| member.name);
        match second {
            Some(b"\"key\"") => self.documents += 1,
            Some(b"\"options\"") => self.collections += 1,
            _ => return Err(Fault::Unexpected("the whole of an export, try again")),
        }
        self.bytes += line.len() as u64 + 1;
        self.last.clear();
        self.last.extend_from_slice(line);
        Ok(())
    }

    /// Where to go on, behind the last line; `None` before the first.
    pub fn cursor(&self) -> Option<String> {
        let (mut collection, mut key) = (None, None);
        for member in json::members(&self.last)?.take(2) {
            match member.name {
                b"\"collection\"" if member.value != b"null" => collection = json::unescape(member.value).ok(),
                b"\"key\"" => key = json::unescape(member.value).ok(),
                _ => {}
            }
        }
        Some(format!("{}/{}", collection.unwrap_or_default(), key.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_behind_the_last_line() {
        let mut tally = Tally::default();
        assert_eq!(tally.cursor(), None);
        for (line, cursor) in [
            ("{\"collection\":null,\"key\":\"a\\\"/b\",\"version\":1,\"value\":{\"key\":\"\\ud800\"}}", "/a\"/b"),
            ("{\"collection\":\"c d\",\"options\":{}}", "c d/"),
            ("{\"collection\":\"c d\",\"key\":\"é\",\"version\":1,\"value\":1e400}", "c d/é"),
        ] {
            tally.count(line.as_bytes()).unwrap();
            assert_eq!(tally.cursor().as_deref(), Some(cursor));
        }
        assert_eq!((tally.documents, tally.collections, tally.bytes), (2, 1, 163));
        for line in ["{\"cut_short\":\"no\"}", "", "{}", "[1,2]", "{\"collection\":null}"] {
            assert!(tally.count(line.as_bytes()).is_err(), "{line}");
        }
        assert_eq!((tally.documents, tally.cursor().as_deref()), (2, Some("c d/é")));
    }
}
