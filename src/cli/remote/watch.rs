//! `watch`: a line for each change, as soon as it may be told, until somebody has enough.
//!
//! It asks behind the last change that it has shown, again and again, and so neither misses one nor shows one twice, also
//! when the connection is lost and the server started anew. Invariant: a line is written and flushed whole, and an
//! interrupt waits for that.

use std::borrow::Cow;
use std::io::{self, Write};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::exit::{Exit, Finished};
use super::action::Watching;
use super::fault::Fault;
use super::plain;
use super::retry::{Attempts, pause};
use crate::base::json;
use crate::base::log;
use crate::client::{Answer, Client, Request};

/// How long the server may wait for a change: behind that it is looked whether anybody still reads.
const TIMEOUT: &str = "5s";

/// As `TIMEOUT`, of a request that only asks up to where there are changes.
const AT_ONCE: &str = "1ms";

/// How long an interrupt waits for a line that nobody takes.
const INTERRUPT_PATIENCE: Duration = Duration::from_secs(1);

const EXPECTED: Fault = Fault::Unexpected("changes");

/// Shows the changes that `watching` asks for, of all collections or of one, on `out`.
///
/// # Errors
/// `Unreachable` when the first request finds nobody; later ones are tried again. `Refused` for changes that are not kept
/// any more, and whatever else the server does not take.
pub fn watch(
    client: &Client,
    collection: Option<&str>,
    watching: &Watching,
    out: &mut dyn Write,
) -> Result<Finished, Fault> {
    let line_in_progress = Arc::<Mutex<()>>::default();
    end_at_an_interrupt(Arc::clone(&line_in_progress)).map_err(Fault::Output)?;
    let mut watch = Watch { client, collection, watching, since: watching.since.clone(), line_in_progress };
    let mut attempts = Attempts::default();
    let mut has_been_there = false;
    loop {
        match watch.ask(out) {
            Ok(()) => {
                if attempts.succeed() > 0 {
                    log::info(format_args!("connected again, going on behind LSN {}", watch.position()));
                }
                has_been_there = true;
            }
            Err(Stopped::NobodyReads) => return Ok(Finished::done("")),
            Err(Stopped::Because(fault)) if has_been_there && fault.may_pass() => {
                let (_, wait) = attempts.fail();
                log::warn(format_args!("{}; trying again in {} ms", fault.text(), wait.as_millis()));
                pause(wait);
            }
            Err(Stopped::Because(fault)) => return Err(fault),
        }
        if nobody_reads() {
            return Ok(Finished::done(""));
        }
    }
}

/// Where a watch stands.
struct Watch<'w> {
    client: &'w Client,
    collection: Option<&'w str>,
    watching: &'w Watching,
    /// The LSN behind which it goes on; `None` until the server has said where it is.
    since: Option<String>,
    line_in_progress: Arc<Mutex<()>>,
}

/// Why no more is shown.
enum Stopped {
    /// What is written to is closed.
    NobodyReads,
    /// Something else.
    Because(Fault),
}

impl<T: Into<Fault>> From<T> for Stopped {
    fn from(fault: T) -> Stopped {
        Stopped::Because(fault.into())
    }
}

impl Watch<'_> {
    /// Asks for the next changes and shows them.
    fn ask(&mut self, out: &mut dyn Write) -> Result<(), Stopped> {
        let since = self.since.clone();
        let timeout = if since.is_some() { TIMEOUT } else { AT_ONCE };
        let query = [
            ("since", since.as_deref()),
            ("collection", self.collection),
            ("prefix", self.watching.prefix.as_deref()),
            ("values", self.watching.with_values.then_some("true")),
            ("timeout", Some(timeout)),
        ];
        let query = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let mut lines = match self.client.lines(&Request::get("/v1/changes", query))? {
            Answer::Lines(lines) => lines,
            Answer::Refused(reply) => return Err(Fault::Refused(reply).into()),
        };
        let mut has_come = false;
        while let Some(line) = lines.read()? {
            let change = Change::read(line).ok_or(EXPECTED)?;
            if change.op.is_some() {
                let text = if self.watching.as_json { Cow::Borrowed(line) } else { change.text().into_bytes().into() };
                self.show(&text, out)?;
            }
            self.since = Some(change.lsn.to_owned());
            has_come = true;
        }
        if has_come { Ok(()) } else { Err(EXPECTED.into()) }
    }

    fn show(&self, line: &[u8], out: &mut dyn Write) -> Result<(), Stopped> {
        let _whole = self.line_in_progress.lock();
        let written = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Stopped::NobodyReads,
            _ => Stopped::Because(Fault::Output(error)),
        })
    }

    fn position(&self) -> &str {
        self.since.as_deref().unwrap_or_default()
    }
}

/// What is shown of a change.
struct Change<'l> {
    lsn: &'l str,
    op: Option<&'l [u8]>,
    collection: Option<Cow<'l, str>>,
    key: Option<Cow<'l, str>>,
}

impl<'l> Change<'l> {
    fn read(line: &'l [u8]) -> Option<Change<'l>> {
        let (mut lsn, mut op, mut collection, mut key) = (None, None, None, None);
        for member in json::members(line)? {
            match member.name {
                b"\"lsn\"" => lsn = std::str::from_utf8(member.value).ok(),
                b"\"op\"" => op = Some(member.value),
                b"\"collection\"" if member.value != b"null" => collection = json::unescape(member.value).ok(),
                b"\"key\"" => key = json::unescape(member.value).ok(),
                // It comes last, and may be large.
                b"\"value\"" | b"\"text\"" => break,
                _ => {}
            }
        }
        Some(Change { lsn: lsn.filter(|lsn| lsn.bytes().all(|byte| byte.is_ascii_digit()))?, op, collection, key })
    }

    /// LSN, operation, key and collection, with tabs between them.
    fn text(&self) -> String {
        let op = String::from_utf8_lossy(self.op.unwrap_or_default());
        let mut text = format!("{}\t{}\t{}", self.lsn, op.trim_matches('"'), plain(self.key.as_deref().unwrap_or("")));
        if let Some(collection) = &self.collection {
            text.push('\t');
            text.push_str(&plain(collection));
        }
        text
    }
}

/// Whether the reader of standard output is gone, which a write would find out only with the next change.
fn nobody_reads() -> bool {
    let stdout = io::stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&at_once)).is_ok() && polled.iter().any(|fd| fd.revents().contains(PollFlags::ERR))
}

/// From now on SIGINT is how a watch ends, behind the line that is being written.
fn end_at_an_interrupt(line_in_progress: Arc<Mutex<()>>) -> io::Result<()> {
    let end = move || {
        let _whole = line_in_progress.try_lock_for(INTERRUPT_PATIENCE);
        process::exit(Exit::Done.code().into());
    };
    ctrlc::set_handler(end).map_err(io::Error::other)
}
