//! `import`: the lines of an export, sent as they are read.
//!
//! Memory is a buffer, however much there is. It reads of a line nothing: the server says which one it does not take.

use std::io::{self, Read};

use serde_json::Value;

use super::super::exit::Finished;
use super::action::{Importing, Stream};
use super::fault::Fault;
use super::file_reader::FileReader;
use super::progress::{Measure, Progress};
use crate::base::disk::Disk;
use crate::client::{Client, Reply, Request};

/// Sends what `importing` names, and shows what became of it.
///
/// # Errors
/// `Body` for what cannot be read, and all that a server may say.
pub fn import(
    client: &Client,
    importing: &Importing,
    disk: &dyn Disk,
    input: &mut dyn Read,
) -> Result<Finished, Fault> {
    let mut file = match &importing.from {
        Stream::File(path) => Some(FileReader::open(disk, path).map_err(Fault::Body)?),
        Stream::Standard => None,
    };
    let end = file.as_ref().map(FileReader::bytes);
    let progress = if importing.is_quiet { Progress::hidden() } else { Progress::new(Measure::Bytes, end) };
    let source: &mut dyn Read = match &mut file {
        Some(file) => file,
        None => input,
    };
    let mut counted = Counted { source, progress, bytes: 0, lines: 0 };
    let query = importing.mode.as_deref().map(|mode| ("mode", mode)).into_iter().collect();
    let fields = vec![("Content-Type", "application/x-ndjson")];
    let request = Request { method: "POST", path: "/v1/import", query, fields, body: None };
    let reply = client.upload(&request, &mut counted);
    drop(counted);
    let reply = reply?;
    if !reply.is_yes() {
        return Err(in_its_line(reply, &importing.from));
    }
    Ok(Finished::done(if importing.is_quiet { "".into() } else { String::from_utf8_lossy(&reply.body) }))
}

/// The refusal, with the line that it is about and how much came before it.
fn in_its_line(reply: Reply, from: &Stream) -> Fault {
    let problem: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let number = |name: &str| problem.get(name).and_then(Value::as_u64);
    let place = number("line").map(|line| format!("{from}, line {line}: "));
    let taken = number("documents").map(|documents| format!("; {documents} documents before that were taken"));
    let (before, behind) = (place.unwrap_or_default(), taken.unwrap_or_default());
    Fault::Within { fault: Box::new(Fault::Refused(reply)), before, behind }
}

/// What is read of the source, counted.
struct Counted<'s> {
    source: &'s mut dyn Read,
    progress: Progress,
    bytes: u64,
    lines: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        if self.progress.is_shown() {
            let read = into.get(..count).unwrap_or_default();
            self.bytes += count as u64;
            self.lines += memchr::memchr_iter(b'\n', read).count() as u64;
            self.progress.at(self.bytes, self.lines);
        }
        Ok(count)
    }
}
