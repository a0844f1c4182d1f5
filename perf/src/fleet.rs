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
        })
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
        while self.connections.iter().any(Connection::waits) {
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
        if let Err(error) = self.poll.poll(&mut self.events, Some(session.pace.nap(TURN_MAX))) {
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
mod tests {
    use super::*;
    use crate::pace::{Pace, Schedule};
    use crate::template::Template;
    use crate::workload::{Workload, document};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    /// How a server misbehaves on each connection, by the number of the request.
    #[derive(Clone, Copy)]
    struct Faults {
        /// Answers are wrong from this one on.
        wrong_at: u64,
        /// The answer to this one comes so much later.
        stall_at: (u64, Duration),
    }

    const NONE: Faults = Faults { wrong_at: u64::MAX, stall_at: (u64::MAX, Duration::ZERO) };

    /// Answers every request on every connection with the document of the key in it, but for `faults`.
    fn serve(document: &Template, faults: Faults) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let document = document.clone();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let document = document.clone();
                std::thread::spawn(move || answer(stream, &document, faults));
            }
        });
        address
    }

    fn answer(mut stream: TcpStream, document: &Template, faults: Faults) -> Option<()> {
        let mut unread = Vec::new();
        for answered in 0.. {
            let end = loop {
                if let Some(at) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
                    break at + 4;
                }
                let mut part = [0; 4096];
                let bytes = stream.read(&mut part).ok().filter(|&bytes| bytes > 0)?;
                unread.extend_from_slice(&part[..bytes]);
            };
            let head = String::from_utf8(unread.drain(..end).collect()).unwrap();
            let key = head.split_once("key:").unwrap().1.split(' ').next().unwrap().parse::<u32>().unwrap();
            let mut reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", document.len()).into_bytes();
            document.append(if answered < faults.wrong_at { key } else { key + 1 }, &mut reply);
            let (stall_at, stall) = faults.stall_at;
            let resumes = Instant::now() + stall;
            while answered == stall_at && Instant::now() < resumes {
                std::thread::yield_now();
            }
            stream.write_all(&reply).ok()?;
        }
        None
    }

    fn session(workload: &Workload, keys: Keys, pace: Pace) -> Session<'_> {
        Session { workload, keys, pace, tally: Tally::new() }
    }

    #[test]
    fn every_key_is_asked_for_once_over_all_connections() {
        let document = document(64).unwrap();
        let server = serve(&document, NONE);
        let get = Workload::get(server, &document);
        let tally = Fleet::open(server, 3)
            .unwrap()
            .exhaust(session(&get, Keys::once(0..1000), Pace::Window(8)), |_| {})
            .unwrap();
        assert_eq!((tally.answered, tally.latency_ns.len()), (1000, 1000));
    }

    #[test]
    fn a_window_counts_what_was_answered_between_its_edges() {
        let document = document(20_000).unwrap();
        let server = serve(&document, NONE);
        let get = Workload::get(server, &document);
        let mut fleet = Fleet::open(server, 4).unwrap();
        let (warm_up, duration) = (Duration::from_millis(20), Duration::from_millis(200));
        let asked = session(&get, Keys::uniform(1, 100), Pace::Window(1));
        let window = fleet.measure(asked, warm_up, duration, &[std::process::id()]).unwrap();
        assert!(window.tally.answered > 0 && window.tally.latency_ns.len() == window.tally.answered);
        assert!(window.tally.reply_bytes > window.tally.answered * 20_000);
        assert!(window.elapsed >= duration, "{:?}", window.elapsed);
    }

    #[test]
    fn a_schedule_is_kept_by_whichever_connection_is_free() {
        let document = document(64).unwrap();
        let server = serve(&document, NONE);
        let get = Workload::get(server, &document);
        let mut fleet = Fleet::open(server, 4).unwrap();
        let start = Instant::now();
        let asked = session(&get, Keys::once(0..200), Pace::Schedule(Schedule::new(start, 1000.0)));
        let window = fleet.measure(asked, Duration::ZERO, Duration::from_millis(400), &[std::process::id()]).unwrap();
        assert_eq!(window.tally.answered, 200);
        assert!(start.elapsed() >= Duration::from_millis(199));
    }

    #[test]
    fn what_was_due_during_a_stall_is_as_late_as_the_stall_was_long() {
        const STALL: Duration = Duration::from_millis(200);
        let document = document(64).unwrap();
        let server = serve(&document, Faults { stall_at: (100, STALL), ..NONE });
        let get = Workload::get(server, &document);
        let mut fleet = Fleet::open(server, 1).unwrap();
        let asked = session(&get, Keys::once(0..400), Pace::Schedule(Schedule::new(Instant::now(), 1000.0)));
        let duration = Duration::from_millis(600);
        let window = fleet.measure(asked, Duration::ZERO, duration, &[std::process::id()]).unwrap();
        let latencies = window.tally.latency_ns.iter_recorded();
        let late: u64 = latencies
            .filter(|latency| latency.value_iterated_to() > 100_000_000)
            .map(|latency| latency.count_at_value())
            .sum();
        // One a millisecond: those of the first half of the stall wait for more than its second half.
        assert!((80..=250).contains(&late), "{late}");
        let slowest: Vec<f64> = window.tally.series.unwrap().slices().iter().map(|slice| slice.max_us).collect();
        assert!(slowest[1] > 190_000.0, "the second tenth of a second is that of the stall: {slowest:?}");

        let server = serve(&document, Faults { stall_at: (100, STALL), ..NONE });
        let get = Workload::get(server, &document);
        let asked = session(&get, Keys::once(0..400), Pace::Window(1));
        let tally = Fleet::open(server, 1).unwrap().exhaust(asked, |_| {}).unwrap();
        assert!(tally.latency_ns.max() >= 200_000_000 && tally.latency_ns.value_at_quantile(0.99) < 100_000_000);
    }

    #[test]
    fn one_wrong_answer_fails_the_run() {
        let document = document(64).unwrap();
        let server = serve(&document, Faults { wrong_at: 50, ..NONE });
        let get = Workload::get(server, &document);
        let error =
            Fleet::open(server, 2).unwrap().exhaust(session(&get, Keys::once(0..1000), Pace::Window(1)), |_| {}).err();
        let error = error.unwrap().to_string();
        assert!(error.starts_with("wrong answer to GET of key "), "{error}");
    }
}
