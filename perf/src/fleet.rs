//! Many connections on one thread: an event loop that runs a session for a while, or until its keys are used up.
//!
//! When connections ask is their session's pace; most are closed loops, in which a slow server is asked less. The loop
//! spends one read, one write and a share of an epoll_wait on a request, and reads the clock of CPUs only at the two
//! edges of a window.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::{Events, Interest, Poll, Token};

use crate::connection::{Connection, Session, Tally};
use crate::keys::Keys;
use crate::proc;

/// Without any answer for so long, the server hangs.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How often progress is told, and how late the end of a window can be noticed on silent connections.
const TURN_MAX: Duration = Duration::from_millis(100);

/// Connections and the poll they are registered with.
pub struct Fleet {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    last_answer: Instant,
    /// The connection whose turn it is on a schedule.
    next: usize,
    /// How long it sleeps for an answer at most.
    nap_max: Duration,
}

/// What happened between the two edges of a measured window.
pub struct Window {
    /// Answers and latencies.
    pub tally: Tally,
    /// From edge to edge.
    pub elapsed: Duration,
    /// CPU time that the server took, in microseconds.
    pub server_cpu_us: u64,
    /// CPU time that we took, in microseconds.
    pub generator_cpu_us: u64,
    /// Context switches of the server per request, over the whole session from its first request to its last.
    pub switches_per_request: f64,
    /// Requests a second that were due, on a schedule.
    pub due_per_second: Option<f64>,
    /// Requests that were due by the end and had not gone out, because no connection was free: they are in no latency.
    pub unsent: u64,
}

/// A moment in a session: what the clocks said.
struct Edge {
    at: Instant,
    server_cpu_us: u64,
    generator_cpu_us: u64,
}

impl Edge {
    fn now(pids: &[u32]) -> Result<Edge> {
        let generator_cpu_us = proc::cpu_us(&[std::process::id()])?;
        Ok(Edge { at: Instant::now(), server_cpu_us: proc::cpu_us(pids)?, generator_cpu_us })
    }
}

impl Fleet {
    /// Opens `count` connections to `server`, all before the first request.
    ///
    /// # Errors
    /// The server does not accept, or we are out of descriptors.
    pub fn open(server: SocketAddr, count: usize) -> Result<Fleet> {
        let poll = Poll::new().context("no event loop")?;
        let mut connections = Vec::with_capacity(count);
        for token in 0..count {
            let mut connection = Connection::open(server)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(connection.stream(), Token(token), interest)?;
            connections.push(connection);
        }
        Ok(Fleet {
            poll,
            events: Events::with_capacity(count.max(1)),
            connections,
            last_answer: Instant::now(),
            next: 0,
            nap_max: TURN_MAX,
        })
    }

    /// The same, which looks for answers all the time: whoever sends one to somebody who sleeps pays for waking him, in CPU
    /// of the server. To be asked of servers that leave a processor to the generator.
    #[must_use]
    pub fn awake(self) -> Fleet {
        Fleet { nap_max: Duration::ZERO, ..self }
    }

    /// Runs `session` for `warm_up`, then measures it for `duration`; `pids` are the server's processes.
    ///
    /// # Errors
    /// A wrong answer, a connection that ended, or a server that hangs.
    pub fn measure(
        &mut self,
        session: Session<'_>,
        warm_up: Duration,
        duration: Duration,
        pids: &[u32],
    ) -> Result<Window> {
        self.measure_until(session, warm_up, |elapsed| elapsed >= duration, pids)
    }

    /// As `measure`, until `is_over`, which is told how long the window has lasted.
    ///
    /// # Errors
    /// As `measure`.
    pub fn measure_until(
        &mut self,
        mut session: Session<'_>,
        warm_up: Duration,
        is_over: impl Fn(Duration) -> bool,
        pids: &[u32],
    ) -> Result<Window> {
        let switches_before = proc::context_switches(pids)?;
        self.start(&mut session)?;
        self.run_until(&mut session, |elapsed| elapsed >= warm_up)?;
        let before = Edge::now(pids)?;
        let due_per_second = session.pace.per_second();
        let tally = if due_per_second.is_some() { Tally::over_time(before.at) } else { Tally::new() };
        let warmed = std::mem::replace(&mut session.tally, tally);
        self.run_until(&mut session, is_over)?;
        let after = Edge::now(pids)?;
        let unsent = session.pace.overdue(after.at);
        let tally = std::mem::replace(&mut session.tally, Tally::new());
        session.keys = Keys::none();
        self.finish(&mut session, |_| {})?;
        let switches = proc::context_switches(pids)?.saturating_sub(switches_before);
        let asked = warmed.answered + tally.answered + session.tally.answered;
        Ok(Window {
            tally,
            elapsed: after.at.duration_since(before.at),
            server_cpu_us: after.server_cpu_us.saturating_sub(before.server_cpu_us),
            generator_cpu_us: after.generator_cpu_us.saturating_sub(before.generator_cpu_us),
            switches_per_request: switches as f64 / asked.max(1) as f64,
            due_per_second,
            unsent,
        })
    }

    /// Runs `session` until its keys are used up and answered; tells `progress` how many were, now and then.
    ///
    /// # Errors
    /// As `measure`.
    pub fn exhaust(&mut self, mut session: Session<'_>, progress: impl FnMut(u64)) -> Result<Tally> {
        self.start(&mut session)?;
        self.finish(&mut session, progress)?;
        Ok(session.tally)
    }

    fn start(&mut self, session: &mut Session<'_>) -> Result<()> {
        self.last_answer = Instant::now();
        self.connections.iter_mut().try_for_each(|connection| connection.advance(session))
    }

    fn run_until(&mut self, session: &mut Session<'_>, is_over: impl Fn(Duration) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !is_over(begun.elapsed()) {
            self.turn(session)?;
        }
        Ok(())
    }

    fn finish(&mut self, session: &mut Session<'_>, mut progress: impl FnMut(u64)) -> Result<()> {
        let mut told = Instant::now();
        // On a schedule nobody may wait for a moment while there are keys left.
        while !session.keys.is_used_up() || self.connections.iter().any(Connection::waits) {
            self.turn(session)?;
            if told.elapsed() >= TURN_MAX {
                told = Instant::now();
                progress(session.tally.answered);
            }
        }
        Ok(())
    }

    /// Asks on connections that wait for nothing, in turn, while requests are due; ends when all of them wait.
    fn push_due(&mut self, session: &mut Session<'_>) -> Result<()> {
        let mut busy = 0;
        while busy < self.connections.len() && session.pace.is_due(Instant::now()) {
            self.next = (self.next + 1) % self.connections.len();
            match self.connections.get_mut(self.next) {
                Some(connection) if !connection.waits() => {
                    connection.push(session)?;
                    busy = 0;
                }
                _ => busy += 1,
            }
        }
        Ok(())
    }

    /// Waits for events once and serves them.
    fn turn(&mut self, session: &mut Session<'_>) -> Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(session.pace.nap(self.nap_max))) {
            return if error.kind() == std::io::ErrorKind::Interrupted { Ok(()) } else { Err(error.into()) };
        }
        let answered = session.tally.answered;
        for event in &self.events {
            if let Some(connection) = self.connections.get_mut(event.token().0) {
                connection.advance(session)?;
            }
        }
        self.push_due(session)?;
        if session.tally.answered > answered {
            self.last_answer = Instant::now();
        } else if self.last_answer.elapsed() > SILENCE_MAX {
            let waiting = self.connections.iter().filter(|connection| connection.waits()).count();
            bail!("no answer for {} s; {waiting} connections wait for one", SILENCE_MAX.as_secs());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
