//! `get`, `put`, `patch`, `del`, `ls`: one document, or the keys of many.
//!
//! Invariant: a document is printed whole, byte for byte, or not at all. It reads of a document nothing.

use std::io::{self, Read, Write};

use serde_json::Value;

use super::super::exit::Finished;
use super::action::{Content, PatchForm, Write as Writing};
use super::fault::Fault;
use super::plain;
use crate::base::disk::{Disk, read_whole};
use crate::base::limits::ANSWER_BYTES_MAX;
use crate::client::{Client, Reply, Request};

/// Keys that are asked for at a time.
const PAGE: &str = "1000";

/// Where documents are: a server, and the path of a collection's or of the main store's.
pub struct Place<'c> {
    /// The server.
    pub client: &'c Client,
    /// The path.
    pub base: &'c str,
}

impl Place<'_> {
    /// Shows the document `key`, or what `pointer` leads to in it.
    pub fn get(&self, key: &str, pointer: Option<&str>) -> Result<Finished, Fault> {
        self.done(&Request::get(self.base, named(key, pointer)))
    }

    /// Shows what there is to say of the document `key`, or of what `pointer` leads to in it: an object of its key, its
    /// version, its deadline if it has one, and how many bytes it is.
    pub fn head(&self, key: &str, pointer: Option<&str>) -> Result<Finished, Fault> {
        let request = Request::get(self.base, named(key, pointer));
        let reply = self.client.send(&Request { method: "HEAD", ..request.clone() })?;
        if !reply.is_yes() {
            // Why is in the body, which only a GET has.
            let why = self.client.send(&request)?;
            return Err(Fault::Refused(if why.is_yes() { reply } else { why }));
        }
        let version = reply.field("ETag").map(|tag| tag.trim_matches('"'));
        let (Some(version), Some(bytes)) = (version.and_then(number), reply.field("Content-Length").and_then(number))
        else {
            return Err(Fault::Unexpected("the version and the size of a document"));
        };
        let deadline = reply.field("MT-Expires-At").map(|moment| format!(",\"expires_at\":{}", Value::from(moment)));
        let (key, deadline) = (Value::from(key), deadline.unwrap_or_default());
        Ok(Finished::done(format!("{{\"key\":{key},\"version\":{version}{deadline},\"bytes\":{bytes}}}\n")))
    }

    /// Writes a document.
    pub fn put(&self, write: &Writing, disk: &dyn Disk, input: &mut dyn Read) -> Result<Finished, Fault> {
        self.write("PUT", write, "application/json", &read(&write.content, disk, input)?)
    }

    /// Changes a document.
    pub fn patch(
        &self,
        write: &Writing,
        form: PatchForm,
        disk: &dyn Disk,
        input: &mut dyn Read,
    ) -> Result<Finished, Fault> {
        self.write("PATCH", write, form.media_type(), &read(&write.content, disk, input)?)
    }

    /// Removes the document `key`.
    pub fn delete(&self, key: &str, if_match: Option<&str>) -> Result<Finished, Fault> {
        let (query, fields) = (vec![("key", key)], condition(if_match));
        self.done(&Request { method: "DELETE", path: self.base, query, fields, body: None })
    }

    /// Writes every key that begins with `prefix` to `out`, page by page; with the version and the deadline in front of
    /// it when the list `is_long`. Ends without a fault when nobody reads any more.
    pub fn list(&self, prefix: &str, is_long: bool, out: &mut dyn Write) -> Result<Finished, Fault> {
        let mut cursor = None;
        loop {
            let mut query = vec![("limit", PAGE), ("prefix", prefix)];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let reply = self.answered(&Request::get(self.base, query))?;
            let page: Value = serde_json::from_slice(&reply.body).map_err(|_| PAGE_EXPECTED)?;
            let items = page.get("items").and_then(Value::as_array).ok_or(PAGE_EXPECTED)?;
            let mut lines = String::new();
            for item in items {
                if is_long {
                    let version = item.get("version").and_then(Value::as_u64).ok_or(PAGE_EXPECTED)?;
                    let deadline = item.get("expires_at").and_then(Value::as_str).unwrap_or("never");
                    lines.push_str(&format!("{version}\t{deadline}\t"));
                }
                lines.push_str(&plain(item.get("key").and_then(Value::as_str).ok_or(PAGE_EXPECTED)?));
                lines.push('\n');
            }
            if out.write_all(lines.as_bytes()).and_then(|()| out.flush()).is_err() {
                return Ok(Finished::done(""));
            }
            cursor = page.get("cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                return Ok(Finished::done(""));
            }
        }
    }

    fn write(&self, method: &'static str, write: &Writing, form: &str, body: &[u8]) -> Result<Finished, Fault> {
        let mut query = vec![("key", write.key.as_str())];
        query.extend(write.ttl.as_deref().map(|ttl| ("ttl", ttl)));
        let mut fields = condition(write.if_match.as_deref());
        fields.extend(write.creates.then_some(("If-None-Match", "*")));
        fields.push(("Content-Type", form));
        self.done(&Request { method, path: self.base, query, fields, body: Some(body) })
    }

    fn done(&self, request: &Request<'_>) -> Result<Finished, Fault> {
        Ok(Finished::done(String::from_utf8_lossy(&self.answered(request)?.body)))
    }

    /// The answer, when it says yes.
    fn answered(&self, request: &Request<'_>) -> Result<Reply, Fault> {
        let reply = self.client.send(request)?;
        if reply.is_yes() { Ok(reply) } else { Err(Fault::Refused(reply)) }
    }
}

const PAGE_EXPECTED: Fault = Fault::Unexpected("a page of keys");

/// The query for the document `key`, or for what `pointer` leads to in it.
fn named<'q>(key: &'q str, pointer: Option<&'q str>) -> Vec<(&'static str, &'q str)> {
    [("key", Some(key)), ("ptr", pointer)].into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

fn condition(if_match: Option<&str>) -> Vec<(&'static str, &str)> {
    if_match.map(|tag| ("If-Match", tag)).into_iter().collect()
}

/// The body of a write.
fn read(content: &Content, disk: &dyn Disk, input: &mut dyn Read) -> Result<Vec<u8>, Fault> {
    match content {
        Content::Text(text) => Ok(text.clone().into_bytes()),
        Content::File(path) => read_whole(disk, path, ANSWER_BYTES_MAX).map_err(|error| {
            let text = format!("{}: {error}", path.display());
            Fault::Body(io::Error::new(error.kind(), text))
        }),
        Content::Stdin => {
            let mut body = Vec::new();
            let count = input.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut body).map_err(Fault::Body)?;
            if u64::try_from(count).is_ok_and(|count| count <= ANSWER_BYTES_MAX) {
                return Ok(body);
            }
            let text = format!("standard input has more than {ANSWER_BYTES_MAX} bytes");
            Err(Fault::Body(io::Error::new(io::ErrorKind::InvalidData, text)))
        }
    }
}
