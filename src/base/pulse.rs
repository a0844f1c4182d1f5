//! Whether threads that should never work on one thing for long still come back from it.
//!
//! A thread counts when it begins to work and when it rests, which costs it a store each; whoever looks compares two
//! looks. Invariant: a thread that rests, or has ended, is never taken for stuck. It does not know what is done about
//! one that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// The pulses of the threads that are watched.
#[derive(Debug, Default)]
pub struct Pulses {
    all: Mutex<Vec<Watched>>,
}

#[derive(Debug)]
struct Watched {
    name: String,
    /// Odd while the thread works.
    count: Arc<AtomicU64>,
    /// What `count` was at the last look.
    seen: u64,
}

/// The pulse of one thread, which has it. It is gone with the thread.
#[derive(Debug)]
pub struct Pulse {
    count: Arc<AtomicU64>,
    /// What this thread, the only one that writes there, has stored last.
    stored: u64,
}

impl Pulses {
    /// A pulse for the calling thread, which rests.
    pub fn begin(&self) -> Pulse {
        let count = Arc::new(AtomicU64::new(0));
        let name = std::thread::current().name().unwrap_or("a thread without a name").to_owned();
        self.all.lock().push(Watched { name, count: Arc::clone(&count), seen: 0 });
        Pulse { count, stored: 0 }
    }

    /// The threads that are at the same work as at the last look.
    pub fn stuck(&self) -> Vec<String> {
        let mut all = self.all.lock();
        all.retain(|watched| Arc::strong_count(&watched.count) > 1);
        let mut stuck = Vec::new();
        for watched in all.iter_mut() {
            let count = watched.count.load(Ordering::Relaxed);
            if count == watched.seen && count % 2 == 1 {
                stuck.push(watched.name.clone());
            }
            watched.seen = count;
        }
        stuck
    }
}

impl Pulse {
    /// The thread begins to work.
    pub fn works(&mut self) {
        self.store(self.stored | 1);
    }

    /// The thread rests: from here on it may wait for as long as it likes.
    pub fn rests(&mut self) {
        self.store(self.stored.wrapping_add(self.stored & 1));
    }

    fn store(&mut self, count: u64) {
        self.stored = count;
        self.count.store(count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_that_does_not_come_back_is_stuck() {
        let pulses = Pulses::default();
        let (mut one, mut other) = std::thread::scope(|scope| {
            let begin = |name: &str| {
                let thread = std::thread::Builder::new().name(name.to_owned());
                thread.spawn_scoped(scope, || pulses.begin()).unwrap().join().unwrap()
            };
            (begin("one"), begin("other"))
        });
        let none: [&str; 0] = [];
        assert_eq!([pulses.stuck(), pulses.stuck()], [none, none], "both rest");
        one.works();
        other.works();
        assert_eq!(pulses.stuck(), none, "they have only begun");
        other.rests();
        other.works();
        assert_eq!(pulses.stuck(), ["one"]);
        one.works();
        other.rests();
        assert_eq!(pulses.stuck(), ["one"], "to say again that it works is no way back");
        one.rests();
        assert_eq!(pulses.stuck(), none);
        one.works();
        assert_eq!(pulses.stuck(), none, "it works on something else");
        drop(one);
        assert_eq!(pulses.stuck(), none, "it has ended");
    }
}
