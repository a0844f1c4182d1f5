//! A request's body, pulled through the library with the bounds that it lacks.
//!
//! Invariant: never a byte beyond what was announced, never an early end taken for the end of an announced length,
//! and no reading beyond `read_timeout`. It does not decode: the library does.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use tiny_http::Request;

use crate::api::message::BodyFault;

use super::mark::Place;
use super::panics;
use super::steps::Steps;

/// Room that is made for an announced length before anything has come: beyond it, memory follows what arrives.
const RESERVED_BYTES_MAX: u64 = 64 << 10;

/// A body that is being read.
pub(super) struct Body<'a> {
    /// Shared with the lookup of its fields.
    request: &'a RefCell<Request>,
    steps: &'a Steps,
    /// Bound on the time from the first read to the last.
    read_timeout: Duration,
    /// Announced bytes; `None` for a chunked body.
    length: Option<u64>,
    /// Bytes that have come.
    taken: u64,
    last: Option<u8>,
    ended: bool,
    failed: bool,
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
        let ended = length == Some(0);
        Body { request, steps, read_timeout, length, taken: 0, last: None, ended, failed: false, started: None }
    }

    /// What was announced in bytes; `None` for a chunked body.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// True when it was read to its end, and that was one.
    pub(super) fn has_ended(&self) -> bool {
        self.ended && !self.failed
    }

    /// True when it will never be whole: what is left of it must not be waited for.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Bytes that were read.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Appends the whole body to `into`, if it has at most `bytes_max` bytes. Memory grows with what arrives.
    ///
    /// # Errors
    /// Why it will never be whole.
    pub(super) fn gather(&mut self, into: &mut Vec<u8>, bytes_max: usize) -> Result<(), BodyFault> {
        let bytes_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        let announced = self.length.unwrap_or(0);
        if announced > bytes_max {
            return Err(self.fail(BodyFault::TooLarge));
        }
        into.reserve(usize::try_from(announced.min(RESERVED_BYTES_MAX)).unwrap_or_default());
        // One byte more than allowed shows that a body without an announced length is too large.
        match self.by_ref().take(bytes_max.saturating_add(1)).read_to_end(into) {
            Ok(_) if self.taken > bytes_max => Err(self.fail(BodyFault::TooLarge)),
            Ok(_) => self.check_end(),
            Err(error) => Err(self.fault_of(&error)),
        }
    }

    /// Reads some of the body into `into`, which has room; nothing is its end.
    ///
    /// # Errors
    /// Why it will never be whole.
    pub(super) fn read_part<'b>(&mut self, into: &'b mut [u8]) -> Result<&'b [u8], BodyFault> {
        loop {
            match self.read(into) {
                Ok(0) => return self.check_end().map(|()| Default::default()),
                Ok(read) => return Ok(into.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault_of(&error)),
            }
        }
    }

    /// Counts `time` not as the peer's.
    pub(super) fn excuse(&mut self, time: Duration) {
        self.started = self.started.map(|started| started + time);
    }

    /// The library takes a peer that goes away within a chunk for the end of the body. Every JSON text shows by its
    /// last byte that it is whole, except a number: what is left of one is one.
    fn check_end(&mut self) -> Result<(), BodyFault> {
        match (self.length, self.last) {
            (None, Some(b'0'..=b'9')) => Err(self.fail(BodyFault::EndUnclear)),
            _ => Ok(()),
        }
    }

    /// What an error of `read` means. The decoder of the library has one error for everything in a chunk's frame,
    /// whether it is wrong or does not come.
    fn fault_of(&mut self, error: &io::Error) -> BodyFault {
        let bytes = self.taken;
        self.fail(match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => BodyFault::Stalled { bytes },
            ErrorKind::InvalidInput if self.length.is_none() => BodyFault::Malformed,
            _ => BodyFault::Incomplete { bytes, length: self.length },
        })
    }

    fn fail(&mut self, fault: BodyFault) -> BodyFault {
        self.failed = true;
        fault
    }

    fn check_time(&mut self) -> io::Result<()> {
        let started = *self.started.get_or_insert_with(Instant::now);
        if started.elapsed() > self.read_timeout {
            return Err(io::Error::new(ErrorKind::TimedOut, "the body did not arrive within read_timeout"));
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
        let remaining = self.length.map(|length| length.saturating_sub(self.taken));
        let wanted = remaining.map_or(into.len(), |bytes| usize::try_from(bytes).unwrap_or(usize::MAX).min(into.len()));
        let into = into.get_mut(..wanted).unwrap_or_default();
        self.steps.enter(Place::AwaitingBody);
        let read = panics::librarys(|| self.request.borrow_mut().as_reader().read(into));
        self.steps.enter(Place::Answering);
        let read = read.unwrap_or_else(|| Err(io::Error::other("the HTTP library failed")))?;
        self.taken += read as u64;
        self.last = into.get(..read).and_then(<[u8]>::last).copied().or(self.last);
        match self.length {
            Some(_) if read == 0 => return Err(ErrorKind::UnexpectedEof.into()),
            Some(length) => self.ended = self.taken == length,
            None => self.ended = read == 0,
        }
        Ok(read)
    }
}
