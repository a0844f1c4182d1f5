//! Work of as many steps as a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use memory_tools::api::message::{Piece, Response, Step, Work};

/// What all work of a double has come to.
#[derive(Default)]
pub struct StepsLog {
    /// Steps that were done.
    pub done: AtomicUsize,
    /// Steps that found no room.
    pub turned_back: AtomicUsize,
    /// Work that was dropped, at its end or before.
    pub dropped: AtomicUsize,
    /// Has endless work end with its next step.
    pub is_enough: AtomicBool,
}

/// Work of a number of steps; `N` in the query. With `endless` it ends when the test says so, with `N-full` its last step
/// needs room, with `endless-slow` each takes a millisecond, and `N-full-aware` knows what to say when there was none.
pub struct Steps {
    /// `None` without an end.
    count: Option<usize>,
    done: usize,
    is_slow: bool,
    needs_room: bool,
    is_aware: bool,
    log: Arc<StepsLog>,
    is_full: Arc<AtomicBool>,
}

impl Steps {
    pub(super) fn of(query: &str, log: Arc<StepsLog>, is_full: Arc<AtomicBool>) -> Steps {
        let (count, how) = query.split_once('-').unwrap_or((query, ""));
        Steps {
            count: (count != "endless").then(|| count.parse().unwrap()),
            done: 0,
            is_slow: how == "slow",
            needs_room: how.starts_with("full"),
            is_aware: how == "full-aware",
            log,
            is_full,
        }
    }
}

impl Work for Steps {
    fn step(&mut self) -> Step {
        let is_last = match self.count {
            Some(count) => self.done + 1 == count,
            None => self.log.is_enough.load(Ordering::SeqCst),
        };
        if is_last && self.needs_room && self.is_full.load(Ordering::SeqCst) {
            self.log.turned_back.fetch_add(1, Ordering::SeqCst);
            return Step::NoRoom;
        }
        let began = Instant::now();
        while self.is_slow && began.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        self.done += 1;
        self.log.done.fetch_add(1, Ordering::SeqCst);
        if is_last { Step::Done(said(200, format!("{} steps\n", self.done))) } else { Step::More }
    }

    fn give_up(self: Box<Self>) -> Option<Response> {
        self.is_aware.then(|| said(503, format!("no room behind {} steps\n", self.done)))
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.log.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

fn said(status: u16, text: String) -> Response {
    Response::new(status).with_piece(Piece::Owned(text.into_bytes()))
}
