//! Somebody who only wants a document, while others do their worst: a GET over a new connection and one over a kept
//! one every 10 ms, from a thread of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::http::Client;

/// From one GET to the next.
const EVERY: Duration = Duration::from_millis(10);

/// A thread that asks.
pub struct Probe {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What it saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Over a new connection for each, connecting included.
    pub fresh: Asked,
    /// Over one connection.
    pub kept: Asked,
}

/// What became of requests of one kind.
#[derive(Debug, Default)]
pub struct Asked {
    /// How long each took.
    times: Vec<Duration>,
    /// How often each status, or error of the connection, came.
    pub outcomes: BTreeMap<String, usize>,
}

impl Probe {
    /// Asks the server at `address` for `target` until it is told to stop. The kept connection is open and was used
    /// once when this returns: what comes afterwards finds it inside.
    pub fn of(address: SocketAddr, target: &'static str) -> Probe {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let mut seen = Seen::default();
        let mut kept = Client::try_connect(address);
        seen.kept.note(Instant::now(), kept.as_mut(), target);
        let thread = std::thread::spawn(move || {
            let mut next = Instant::now();
            while !told.load(Ordering::Acquire) {
                let began = Instant::now();
                seen.fresh.note(began, Client::try_connect(address).as_mut(), target);
                seen.kept.note(Instant::now(), kept.as_mut(), target);
                // After a long wait it does not make up for what it missed.
                next = (next + EVERY).max(Instant::now());
                while !told.load(Ordering::Acquire) && Instant::now() < next {
                    std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
                }
            }
            seen
        });
        Probe { is_over, thread }
    }

    /// Stops asking.
    pub fn finish(self) -> Seen {
        self.is_over.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().expect("the probe asserts nothing")
    }
}

impl Asked {
    fn note(&mut self, began: Instant, client: Result<&mut Client, &mut Error>, target: &str) {
        let outcome = match client {
            Ok(client) => match client.begin("GET", target, &[], 0).and_then(|()| client.answer()) {
                Ok(answer) => answer.status.to_string(),
                Err(error) => error.kind().to_string(),
            },
            Err(error) => error.kind().to_string(),
        };
        self.times.push(began.elapsed());
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// The time that 99 of 100 did not take longer than.
    pub fn p99(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() * 99 / 100).copied().unwrap_or_default()
    }

    /// True when every outcome is one of `allowed`.
    pub fn is_only(&self, allowed: &[&str]) -> bool {
        self.outcomes.keys().all(|outcome| allowed.contains(&outcome.as_str()))
    }

    /// How often `outcome` came.
    pub fn count(&self, outcome: &str) -> usize {
        self.outcomes.get(outcome).copied().unwrap_or_default()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worst = self.times.iter().max().copied().unwrap_or_default();
        write!(f, "p99 {:.1?}, worst {worst:.1?}, {:?}", self.p99(), self.outcomes)
    }
}
