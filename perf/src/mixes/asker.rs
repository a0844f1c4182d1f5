//! Asks a mix, and holds every answer against what is known to have been written.
//!
//! Invariant: each request leaves a note of what was known when it went out, and its answer takes that note away; so an
//! answer is judged by its own past, whatever else is under way. It does not know when requests go out.

use std::cell::RefCell;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::http;
use crate::keys::SplitMix64;
use crate::mixes::lease::{Lease, Leases};
use crate::mixes::ledger::{Ledger, View};
use crate::mixes::mix::{LINES, Mix, Op, TTL_MS};
use crate::mixes::requests::Requests;
use crate::reply::{Kind, Reply};
use crate::template::Template;
use crate::work::Work;

/// What has been written to a server, over all mixes.
#[derive(Debug)]
pub struct Books {
    documents: Ledger,
    leased: Ledger,
    leases: Leases,
    count: u32,
    start: Instant,
}

impl Books {
    /// Nothing yet, of the keys `0..count`.
    pub fn new(count: u32) -> Books {
        let [documents, leased] = [Ledger::new(count), Ledger::new(count)];
        Books { documents, leased, leases: Leases::new(count, TTL_MS * 1000), count, start: Instant::now() }
    }

    /// What is known when a request of `op` for `key` goes out, with the writes that it begins.
    fn note(&mut self, op: Op, key: u32) -> Note {
        let mut note =
            Note { op, key, seen: View::default(), write: 0, lease: Lease::default(), asked_us: 0, lines: Vec::new() };
        match op {
            Op::Get | Op::Revalidate | Op::Outdated | Op::Create => note.seen = self.documents.view(key),
            Op::Put | Op::Patch | Op::Replace => (note.seen, note.write) = self.documents.begin(key),
            Op::PutLeased => (note.seen, note.write) = self.leased.begin(key),
            Op::GetLeased => note.seen = self.leased.view(key),
            Op::Bulk => {
                note.key = self.first_of_bulk(key);
                note.lines = (note.key..note.key + LINES).map(|key| self.documents.begin(key)).collect();
            }
        }
        if matches!(op, Op::PutLeased | Op::GetLeased) {
            (note.lease, note.asked_us) = (self.leases.of(key), self.now_us());
        }
        note
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The first key of the bulk that has `key` in it, if there are so many keys.
    fn first_of_bulk(&self, key: u32) -> u32 {
        key.min(self.count.saturating_sub(LINES)) / LINES * LINES
    }
}

/// A mix as it is asked of a server.
pub struct Asker<'a> {
    mix: &'static Mix,
    requests: &'a Requests,
    state: RefCell<State<'a>>,
}

struct State<'a> {
    books: &'a mut Books,
    random: SplitMix64,
    notes: Notes,
}

/// What is remembered of a request under way.
#[derive(Debug)]
struct Note {
    op: Op,
    key: u32,
    seen: View,
    write: u32,
    /// Of documents that expire.
    lease: Lease,
    asked_us: u64,
    /// Of a bulk, by line.
    lines: Vec<(View, u32)>,
}

impl<'a> Asker<'a> {
    /// Asks `mix` of the server that `requests` and `books` belong to; `seed` is that of the order of its kinds.
    pub fn new(mix: &'static Mix, requests: &'a Requests, books: &'a mut Books, seed: u64) -> Asker<'a> {
        let state = State { books, random: SplitMix64::new(seed), notes: Notes::default() };
        Asker { mix, requests, state: RefCell::new(state) }
    }
}

impl Work for Asker<'_> {
    fn ask(&self, key: u32, out: &mut Vec<u8>) -> u32 {
        let State { books, random, notes } = &mut *self.state.borrow_mut();
        let note = books.note(self.mix.draw(random), key);
        self.requests.append(note.op, note.key, (note.seen.version, note.write), out);
        for (key, (_, write)) in (note.key..).zip(&note.lines) {
            self.requests.append_line(key, *write, out);
        }
        notes.put(note)
    }

    fn parse<'b>(&self, bytes: &'b [u8]) -> Result<Option<Reply<'b>>> {
        Ok(http::parse(bytes)?)
    }

    fn check(&self, ticket: u32, reply: &Reply<'_>) -> Result<()> {
        let State { books, notes, .. } = &mut *self.state.borrow_mut();
        let note = notes.take(ticket).context("an answer without a request")?;
        judge(self.requests, books, &note, reply)
            .with_context(|| format!("wrong answer to {} of key {}: {}", note.op.name(), note.key, reply.shown()))
    }
}

fn judge(requests: &Requests, books: &mut Books, note: &Note, reply: &Reply<'_>) -> Result<()> {
    let &Note { op, key, seen, write, .. } = note;
    let Kind::Status(status) = reply.kind else { bail!("no status") };
    match (op, status) {
        (Op::Get | Op::Outdated | Op::Revalidate, 200) => read(requests, &books.documents, note, reply),
        (Op::Revalidate, 304) => {
            ensure!(reply.version == Some(seen.version), "not changed from {}, which is another version", seen.version);
            Ok(())
        }
        (Op::Put | Op::Patch | Op::Replace, 200) => {
            let version = acknowledged(&requests.written, key, reply)?;
            books.documents.end(key, (seen, write), version)
        }
        (Op::Put, 201) => {
            ensure!(seen.version == 0, "created, and it was there before");
            let version = acknowledged(&requests.written, key, reply)?;
            books.documents.end(key, (seen, write), version)
        }
        (Op::Replace, 412) => {
            ensure!(!books.documents.is_undisturbed(key, seen), "it still was what it should be");
            books.documents.refuse(key);
            refused(reply)
        }
        (Op::Create, 412) => refused(reply),
        (Op::PutLeased, 200 | 201) => {
            let version = acknowledged(&requests.leased, key, reply)?;
            let now_us = books.now_us();
            books.leases.renew(key, note.asked_us, now_us);
            books.leased.end(key, (seen, write), version)
        }
        (Op::GetLeased, 200) => {
            note.lease.is_there(note.asked_us, seen, books.leased.is_undisturbed(key, seen))?;
            read(requests, &books.leased, note, reply)
        }
        (Op::GetLeased, 404) => note.lease.is_gone(books.now_us()),
        (Op::Bulk, 200) => {
            let mut lines = reply.body.strip_suffix(b"\n").unwrap_or(&reply.body).split(|byte| *byte == b'\n');
            for (key, begun) in (key..).zip(&note.lines) {
                let line = lines.next().context("lines are missing")?;
                let version = version_behind(&requests.line_written, key, line)
                    .with_context(|| format!("of key {key}: {}", line.escape_ascii()))?;
                books.documents.end(key, *begun, version)?;
            }
            ensure!(lines.next().is_none(), "more lines than were sent");
            Ok(())
        }
        _ => bail!("not the status that it must have"),
    }
}

/// A document that was read.
fn read(requests: &Requests, ledger: &Ledger, note: &Note, reply: &Reply<'_>) -> Result<()> {
    let write = requests.document.write_of(note.key, &reply.body).context("not a whole document of that key")?;
    let version = reply.version.context("a document without an ETag")?;
    ensure!(note.op != Op::Revalidate || version != note.seen.version, "all of it, and it has not changed");
    ledger.read(note.key, note.seen, write, version)
}

/// The version of a write that was done, which head and body agree about.
fn acknowledged(beginning: &Template, key: u32, reply: &Reply<'_>) -> Result<u64> {
    let version = version_behind(beginning, key, &reply.body).context("another key, or no version")?;
    ensure!(reply.version == Some(version), "an ETag that is not that of version {version}");
    Ok(version)
}

/// The number behind `beginning`, which a comma or a brace ends.
fn version_behind(beginning: &Template, key: u32, body: &[u8]) -> Option<u64> {
    let behind = body.get(beginning.len()..).filter(|_| beginning.begins(key, body))?;
    let end = behind.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    std::str::from_utf8(behind.get(..end)?).ok()?.parse().ok()
}

fn refused(reply: &Reply<'_>) -> Result<()> {
    const CODE: &[u8] = b"\"code\":\"condition_failed\"";
    ensure!(reply.body.windows(CODE.len()).any(|window| window == CODE), "refused for another reason");
    Ok(())
}

/// Notes by ticket; a ticket is used again when its note is taken.
#[derive(Debug, Default)]
struct Notes {
    places: Vec<Option<Note>>,
    free: Vec<u32>,
}

impl Notes {
    fn put(&mut self, note: Note) -> u32 {
        let ticket = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("fewer requests under way than 32 bits count")
        });
        if let Some(place) = self.places.get_mut(ticket as usize) {
            *place = Some(note);
        }
        ticket
    }

    fn take(&mut self, ticket: u32) -> Option<Note> {
        let note = self.places.get_mut(ticket as usize)?.take()?;
        self.free.push(ticket);
        Some(note)
    }
}

#[cfg(test)]
mod tests;
