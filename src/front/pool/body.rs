//! A request's body, pulled through the library with the bounds that it lacks.
//!
//! Invariant: never a byte beyond what was announced, never an early end taken for the end of an announced length,
//! and no reading beyond `read_timeout`. It does not decode: the library does.

use std::cell::RefCell;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use tiny_http::Request;

use super::mark::Place;
use super::panics;
use super::steps::Steps;

/// A body that is being read.
pub(super) struct Body<'a> {
    /// Shared with the lookup of its fields.
    request: &'a RefCell<Request>,
    steps: &'a Steps,
    /// Bound on the time from the first read to the last.
    read_timeout: Duration,
    /// Announced bytes that have not come yet; `None` for a chunked body.
    remaining: Option<u64>,
    /// Bytes that have come.
    taken: u64,
    ended: bool,
    started: Option<Instant>,
}

impl<'a> Body<'a> {
    /// A body of `length` bytes, or a chunked one.
    pub(super) fn new(
        request: &'a RefCell<Request>,
        steps: &'a Steps,
        length: Option<u64>,
        read_timeout: Duration,
    ) -> Body<'a> {
        Body { request, steps, read_timeout, remaining: length, taken: 0, ended: length == Some(0), started: None }
    }

    /// True when it was read to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Bytes that were read.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    fn check_time(&mut self) -> io::Result<()> {
        let started = *self.started.get_or_insert_with(Instant::now);
        if started.elapsed() > self.read_timeout {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the body did not arrive within read_timeout"));
        }
        Ok(())
    }
}

impl Read for Body<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // The library's chunk decoder takes a read of nothing for the end.
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        self.check_time()?;
        let wanted = self
            .remaining
            .map_or(into.len(), |remaining| usize::try_from(remaining).unwrap_or(usize::MAX).min(into.len()));
        let into = into.get_mut(..wanted).unwrap_or_default();
        self.steps.enter(Place::AwaitingBody);
        let read = panics::librarys(|| self.request.borrow_mut().as_reader().read(into));
        self.steps.enter(Place::Answering);
        let read = read.unwrap_or_else(|| Err(io::Error::other("the HTTP library failed")))?;
        self.taken += read as u64;
        match &mut self.remaining {
            Some(_) if read == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(remaining) => {
                *remaining = remaining.saturating_sub(read as u64);
                self.ended = *remaining == 0;
            }
            None => self.ended = read == 0,
        }
        Ok(read)
    }
}
