//! Lines on their way to standard error, which may take them slowly or not at all: whoever has one to say puts it here
//! and goes on, and one thread writes.
//!
//! Invariant: putting never waits for a write, at most `LOG_QUEUE_BYTES_MAX` are held, and lines leave in the order in
//! which they came, each whole; those that found no room are counted. It knows neither threads nor what lines look like.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::base::limits::LOG_QUEUE_BYTES_MAX;

/// The lines that wait.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Signalled when there is something to write, or nothing more will come.
    filled: Condvar,
    /// Signalled when everything is written, or the writer has gone.
    emptied: Condvar,
    /// Bytes in `state.lines`, to be looked at without the lock.
    bytes: AtomicUsize,
    left_out: AtomicU64,
}

struct State {
    lines: Vec<u8>,
    /// True while a thread writes what is put here.
    is_open: bool,
    is_closing: bool,
    /// True while the writer holds lines that it has taken and not yet written.
    is_writing: bool,
}

/// What the writer is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Write the lines that were taken.
    Write,
    /// Nothing came for as long as it wanted to wait.
    Idle,
    /// Everything is written and nothing more is wanted: say the last words and `end`.
    End,
}

impl Queue {
    /// An empty one that nobody writes out yet.
    pub const fn new() -> Queue {
        let state = State { lines: Vec::new(), is_open: false, is_closing: false, is_writing: false };
        Queue {
            state: Mutex::new(state),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            bytes: AtomicUsize::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// From now on somebody writes.
    pub fn open(&self) {
        let mut state = self.state.lock();
        (state.is_open, state.is_closing) = (true, false);
    }

    /// True when a line would find no room; it is counted then, and need not be made.
    pub fn is_full(&self) -> bool {
        let is_full = self.bytes.load(Ordering::Relaxed) >= LOG_QUEUE_BYTES_MAX;
        if is_full {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        is_full
    }

    /// Puts `line` behind the others, or counts it where it finds no room; false when nobody writes what is put here.
    pub fn put(&self, line: &[u8]) -> bool {
        let mut state = self.state.lock();
        if !state.is_open {
            return false;
        }
        if state.lines.len() + line.len() > LOG_QUEUE_BYTES_MAX {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        state.lines.extend_from_slice(line);
        self.bytes.store(state.lines.len(), Ordering::Relaxed);
        self.filled.notify_one();
        true
    }

    /// For the writer: what was taken last is written; waits up to `wait` and takes all that is there into `lines`.
    pub fn take(&self, lines: &mut Vec<u8>, wait: Duration) -> Next {
        lines.clear();
        let mut state = self.state.lock();
        state.is_writing = false;
        if state.lines.is_empty() {
            if state.is_closing {
                state.is_writing = true;
                return Next::End;
            }
            self.emptied.notify_all();
            self.filled.wait_for(&mut state, wait);
        }
        if state.lines.is_empty() {
            return Next::Idle;
        }
        std::mem::swap(&mut state.lines, lines);
        state.is_writing = true;
        self.bytes.store(0, Ordering::Relaxed);
        Next::Write
    }

    /// For the writer: it ends, unless something has come since it was told to; false then.
    pub fn end(&self) -> bool {
        let mut state = self.state.lock();
        let is_end = state.lines.is_empty();
        if is_end {
            (state.is_open, state.is_writing) = (false, false);
            self.emptied.notify_all();
        }
        is_end
    }

    /// Waits until everything is written; false when it is not within `patience`.
    pub fn flush(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.state.lock();
        while state.is_open && (state.is_writing || !state.lines.is_empty()) {
            if self.emptied.wait_until(&mut state, end).timed_out() {
                return false;
            }
        }
        true
    }

    /// Tells the writer to end, and waits until it has, its last words among what is written; false when it has not
    /// within `patience`.
    pub fn close(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.state.lock();
        state.is_closing = true;
        self.filled.notify_one();
        while state.is_open {
            if self.emptied.wait_until(&mut state, end).timed_out() {
                return false;
            }
        }
        true
    }

    /// How many lines have found no room since this was asked last.
    pub fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);
    const PATIENCE: Duration = Duration::from_secs(60);

    fn open() -> Queue {
        let queue = Queue::new();
        queue.open();
        queue
    }

    #[test]
    fn lines_leave_whole_and_in_the_order_of_each_who_puts_them() {
        let (queue, mut written) = (open(), Vec::new());
        std::thread::scope(|scope| {
            let putting: Vec<_> = (0..4)
                .map(|thread| {
                    let queue = &queue;
                    let put = move |line| assert!(queue.put(format!("{thread} {line}\n").as_bytes()));
                    scope.spawn(move || (0..1000).for_each(put))
                })
                .collect();
            let writer = scope.spawn(|| {
                let mut lines = Vec::new();
                while queue.take(&mut lines, PATIENCE) != Next::End {
                    written.extend_from_slice(&lines);
                }
                assert!(queue.end());
            });
            putting.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(queue.close(PATIENCE));
            writer.join().unwrap();
        });
        let written = String::from_utf8(written).unwrap();
        for thread in 0..4 {
            let own = written.lines().filter_map(|line| line.strip_prefix(&format!("{thread} ")));
            assert!(own.eq((0..1000).map(|line| line.to_string())));
        }
        assert_eq!(queue.take_left_out(), 0);
    }

    #[test]
    fn a_writer_that_is_stuck_holds_nobody_up_and_what_is_lost_is_counted() {
        let queue = open();
        let line = [b'x'; 1024];
        let mut taken = Vec::new();
        assert!(queue.put(&line));
        assert_eq!(queue.take(&mut taken, MOMENT), Next::Write);
        let room = LOG_QUEUE_BYTES_MAX / line.len();
        (0..room + 7).for_each(|_| assert!(queue.put(&line)));
        assert!(queue.is_full());
        assert!(!queue.flush(MOMENT));
        assert!(!queue.close(MOMENT), "it still holds what it has taken");
        assert_eq!(queue.take_left_out(), 8);
        assert_eq!(queue.take(&mut taken, MOMENT), Next::Write);
        assert_eq!(taken.len(), room * line.len());
        assert!(!queue.is_full());
        assert_eq!(queue.take(&mut taken, MOMENT), Next::End);
        assert!(!queue.flush(MOMENT), "it has not said its last words");
        assert!(queue.put(b"late\n"));
        assert!(!queue.end());
        assert_eq!(queue.take(&mut taken, MOMENT), Next::Write);
        assert_eq!((taken.as_slice(), queue.take(&mut Vec::new(), MOMENT)), (&b"late\n"[..], Next::End));
        assert!(queue.end());
        assert!(queue.flush(MOMENT));
        assert!(!queue.put(b"later\n"));
    }

    #[test]
    fn who_closes_waits_for_the_last_words_of_a_writer_that_had_nothing_to_do() {
        let (queue, is_idle) = (open(), Barrier::new(2));
        let mut written = Vec::new();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                assert_eq!(queue.take(&mut Vec::new(), MOMENT), Next::Idle);
                is_idle.wait();
                while queue.take(&mut Vec::new(), PATIENCE) != Next::End {}
                assert!(queue.put(b"last words\n"));
                assert!(!queue.end());
                let mut lines = Vec::new();
                while queue.take(&mut lines, PATIENCE) != Next::End {
                    written.extend_from_slice(&lines);
                }
                assert!(queue.end());
            });
            is_idle.wait();
            assert!(queue.close(PATIENCE));
            assert!(!queue.put(b"later\n"), "it has gone");
            writer.join().unwrap();
        });
        assert_eq!(written, b"last words\n");
    }

    #[test]
    fn where_nobody_writes_nothing_is_put() {
        let queue = Queue::new();
        assert!(!queue.put(b"a\n"));
        assert!(queue.close(MOMENT));
        let mut lines = Vec::new();
        queue.open();
        assert!(queue.put(b"b\n"));
        assert_eq!(queue.take(&mut lines, MOMENT), Next::Write);
        assert_eq!(lines, b"b\n");
        assert_eq!(queue.take(&mut lines, MOMENT), Next::Idle);
    }

    #[test]
    fn a_flush_waits_for_the_write_and_not_only_for_the_taking() {
        let (queue, barrier) = (open(), Barrier::new(2));
        queue.put(b"a\n");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut lines = Vec::new();
                assert_eq!(queue.take(&mut lines, PATIENCE), Next::Write);
                barrier.wait();
                barrier.wait();
                queue.take(&mut lines, MOMENT);
            });
            barrier.wait();
            assert!(!queue.flush(MOMENT));
            barrier.wait();
            assert!(queue.flush(PATIENCE));
        });
    }
}
