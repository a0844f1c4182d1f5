//! One keep-alive connection that asks at the pace of its session, and usually asks again with each answer.
//!
//! Invariant: answers come in the order of their requests, each is checked before it counts, and a latency runs from
//! the moment that the pace names (its request was ready to be written, or should have been) to the moment its answer
//! was read whole. Sockets are edge-triggered:
//! whoever calls `advance` on every event loses none.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use mio::net::TcpStream;

use crate::keys::Keys;
use crate::pace::Pace;
use crate::series::Series;
use crate::work::Work;
use crate::workload::DOCUMENT_BYTES_MAX;

/// Bytes read at a time; a document larger than that makes the buffer grow.
const READ_BYTES: usize = 16 << 10;

/// How long the server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is asked over all connections, and what came back.
pub struct Session<'a> {
    /// The requests.
    pub workload: &'a dyn Work,
    /// Their keys; without a key left, a connection falls silent.
    pub keys: Keys,
    /// When each of them goes out.
    pub pace: Pace,
    /// What was answered since the tally was last taken.
    pub tally: Tally,
}

/// What was answered.
pub struct Tally {
    /// Right answers.
    pub answered: u64,
    /// Their bytes, head and body.
    pub reply_bytes: u64,
    /// Their latencies in nanoseconds.
    pub latency_ns: Histogram<u64>,
    /// The same over time, where that is asked for.
    pub series: Option<Series>,
}

impl Tally {
    /// Nothing yet. Latencies are kept to three digits, from 1 µs to a minute.
    pub fn new() -> Tally {
        let latency_ns = Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("the bounds are in order");
        Tally { answered: 0, reply_bytes: 0, latency_ns, series: None }
    }

    /// Nothing yet, of a run that starts at `start` and is shown over time.
    pub fn over_time(start: Instant) -> Tally {
        Tally { series: Some(Series::new(start)), ..Tally::new() }
    }

    fn count(&mut self, reply_bytes: usize, since: Instant) {
        self.answered += 1;
        self.reply_bytes += reply_bytes as u64;
        let nanoseconds = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.latency_ns.saturating_record(nanoseconds);
        if let Some(series) = &mut self.series {
            series.record(since, nanoseconds);
        }
    }
}

/// A connection.
pub struct Connection {
    stream: TcpStream,
    outgoing: Vec<u8>,
    written: usize,
    incoming: Vec<u8>,
    filled: usize,
    under_way: VecDeque<UnderWay>,
}

struct UnderWay {
    ticket: u32,
    since: Instant,
}

impl Connection {
    /// Connects to `server`, without Nagle's delay.
    ///
    /// # Errors
    /// The server does not accept.
    pub fn open(server: SocketAddr) -> Result<Connection> {
        let stream = std::net::TcpStream::connect_timeout(&server, CONNECT_TIMEOUT)
            .with_context(|| format!("cannot connect to {server}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection {
            stream: TcpStream::from_std(stream),
            outgoing: Vec::new(),
            written: 0,
            incoming: vec![0; READ_BYTES],
            filled: 0,
            under_way: VecDeque::new(),
        })
    }

    /// The socket, to be registered with a poll.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// True while an answer is missing.
    pub fn waits(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Reads what came, checks it, and sends what follows; returns when the socket would block.
    ///
    /// # Errors
    /// A wrong answer, or the connection ended.
    pub fn advance(&mut self, session: &mut Session<'_>) -> Result<()> {
        loop {
            let drained = self.receive()?;
            self.take_answers(session)?;
            self.ask(session);
            self.send()?;
            if drained {
                return Ok(());
            }
        }
    }

    /// Sends what the pace has room for, without looking for answers.
    ///
    /// # Errors
    /// The connection ended.
    pub fn push(&mut self, session: &mut Session<'_>) -> Result<()> {
        self.ask(session);
        self.send()
    }

    /// Reads once; true when the socket has no more for now.
    fn receive(&mut self) -> Result<bool> {
        if self.filled == self.incoming.len() {
            ensure!(self.filled <= 2 * DOCUMENT_BYTES_MAX, "an answer of more than {} bytes", 2 * DOCUMENT_BYTES_MAX);
            self.incoming.resize(2 * self.filled, 0);
        }
        let room = self.incoming.get_mut(self.filled..).unwrap_or_default();
        match self.stream.read(room) {
            Ok(0) => bail!("the server closed a connection with {} answers missing", self.under_way.len()),
            Ok(bytes) => {
                let drained = bytes < room.len();
                self.filled += bytes;
                Ok(drained)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error).context("reading an answer"),
        }
    }

    /// Counts every whole answer in the buffer and keeps the rest of it.
    fn take_answers(&mut self, session: &mut Session<'_>) -> Result<()> {
        let mut from = 0;
        while from < self.filled {
            let unread = self.incoming.get(from..self.filled).unwrap_or_default();
            let Some(reply) = session.workload.parse(unread)? else { break };
            let asked = self.under_way.pop_front().context("an answer that nobody asked for")?;
            session.workload.check(asked.ticket, &reply)?;
            ensure!(!reply.closes, "the server closes a connection that should stay open");
            session.tally.count(reply.bytes, asked.since);
            from += reply.bytes;
        }
        self.incoming.copy_within(from..self.filled, 0);
        self.filled -= from;
        Ok(())
    }

    /// Makes the requests that the pace has room for, until no key is left.
    fn ask(&mut self, session: &mut Session<'_>) {
        for _ in 0..session.pace.room(self.under_way.len()) {
            let Some(since) = session.pace.moment(Instant::now()) else { return };
            let Some(key) = session.keys.draw() else { return };
            let ticket = session.workload.ask(key, &mut self.outgoing);
            self.under_way.push_back(UnderWay { ticket, since });
        }
    }

    fn send(&mut self) -> Result<()> {
        while let Some(unsent) = self.outgoing.get(self.written..).filter(|unsent| !unsent.is_empty()) {
            match self.stream.write(unsent) {
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("sending a request"),
            }
        }
        self.outgoing.clear();
        self.written = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
