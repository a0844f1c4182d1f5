//! Threads that the library does not give back: noticed, counted, logged, replaced up to a bound.
//!
//! Every read and write of the library ends within the socket's timeouts, and it makes few in one call; so a thread
//! that stays inside one call for several of them is waiting for something that will not come (the preface of
//! HTTP/2 does that), or its peer trickles. Such a thread does not count against the pool's size any more, so that
//! another may start; beyond `lost_threads_max` that ends, and readiness with it. A lost thread that comes back
//! after all finishes its request, retires, and is taken out of the count.
//! Invariant: `Reason::ThreadsLost` holds exactly while more threads are lost than may be replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::base::health::{Health, Reason};

use super::mark::{Mark, Place, Reading};

/// Socket timeouts that one call into the library may last: an idle wait, its unasked answer, and room for both.
pub(super) const LOST_AFTER_TIMEOUTS: u32 = 4;

/// How many threads are lost now.
pub(super) struct LostThreads {
    // Constant after construction.
    replaced_max: usize,
    health: Arc<Health>,
    // Guards the reason and the gauge as well: they follow it while this is held.
    count: Mutex<Count>,
}

/// A thread may come back before its loss is counted: it is declared first. So both are counted, each once.
#[derive(Default)]
struct Count {
    lost: usize,
    found: usize,
}

impl Count {
    fn now(&self) -> usize {
        self.lost.saturating_sub(self.found)
    }
}

impl LostThreads {
    pub(super) fn new(replaced_max: usize, health: Arc<Health>) -> LostThreads {
        LostThreads { replaced_max, health, count: Mutex::default() }
    }

    /// One more is lost; returns how many are, and shows it on `gauge`.
    pub(super) fn add(&self, gauge: &AtomicUsize) -> usize {
        self.change(gauge, |count| count.lost += 1)
    }

    /// One came back; returns how many are lost still, and shows it on `gauge`.
    pub(super) fn take_back(&self, gauge: &AtomicUsize) -> usize {
        self.change(gauge, |count| count.found += 1)
    }

    /// How many threads the pool may have beyond its size.
    pub(super) fn replaced(&self) -> usize {
        self.count.lock().now().min(self.replaced_max)
    }

    fn change(&self, gauge: &AtomicUsize, change: impl FnOnce(&mut Count)) -> usize {
        let mut count = self.count.lock();
        change(&mut count);
        let now = count.now();
        gauge.store(now, Ordering::Relaxed);
        if now > self.replaced_max {
            self.health.raise(Reason::ThreadsLost);
        } else {
            self.health.lower(Reason::ThreadsLost);
        }
        now
    }
}

/// Remembers since when each worker has stood where it stands. Time is an argument.
pub(super) struct Watch {
    limit: Duration,
    watched: Vec<Watched>,
}

struct Watched {
    mark: Arc<Mark>,
    number: usize,
    seen: Reading,
    since: Instant,
}

impl Watch {
    pub(super) fn new(limit: Duration) -> Watch {
        Watch { limit, watched: Vec::new() }
    }

    /// Watches one more worker.
    pub(super) fn add(&mut self, mark: Arc<Mark>, number: usize, now: Instant) {
        let seen = mark.read();
        self.watched.push(Watched { mark, number, seen, since: now });
    }

    /// Declares those lost that have been inside the library for longer than the limit, and tells `each` its number.
    /// Forgets the retired.
    pub(super) fn look(&mut self, now: Instant, mut each: impl FnMut(usize)) {
        self.watched.retain_mut(|watched| {
            let reading = watched.mark.read();
            if reading != watched.seen {
                watched.seen = reading;
                watched.since = now;
            } else if reading.place.is_inside_library()
                && now.duration_since(watched.since) > self.limit
                && watched.mark.declare_lost(reading)
            {
                watched.seen = watched.mark.read();
                each(watched.number);
            }
            reading.place != Place::Retired
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(4);

    fn lost(watch: &mut Watch, now: Instant) -> Vec<usize> {
        let mut numbers = Vec::new();
        watch.look(now, |number| numbers.push(number));
        numbers
    }

    #[test]
    fn a_thread_inside_the_library_beyond_the_limit_is_lost_once() {
        let start = Instant::now();
        let mut watch = Watch::new(LIMIT);
        let marks: Vec<Arc<Mark>> = (0..3).map(|_| Arc::default()).collect();
        for (number, mark) in marks.iter().enumerate() {
            watch.add(Arc::clone(mark), number, start);
        }
        assert!(!marks[1].enter(Place::AwaitingRequest));
        assert!(!marks[2].enter(Place::Answering));
        assert!(lost(&mut watch, start).is_empty());
        assert!(lost(&mut watch, start + LIMIT).is_empty());
        let late = start + LIMIT + Duration::from_millis(1);
        assert_eq!(lost(&mut watch, late), [1]);
        assert!(lost(&mut watch, late + LIMIT * 2).is_empty());
        assert!(marks[1].enter(Place::Answering));
    }

    #[test]
    fn a_thread_that_moves_is_never_lost() {
        let start = Instant::now();
        let mut watch = Watch::new(LIMIT);
        let mark: Arc<Mark> = Arc::default();
        watch.add(Arc::clone(&mark), 0, start);
        for round in 1..20 {
            assert!(!mark.enter(Place::AwaitingRequest));
            assert!(lost(&mut watch, start + LIMIT * round).is_empty());
        }
    }

    #[test]
    fn the_retired_are_forgotten() {
        let start = Instant::now();
        let mut watch = Watch::new(LIMIT);
        let mark: Arc<Mark> = Arc::default();
        watch.add(Arc::clone(&mark), 0, start);
        assert!(!mark.enter(Place::Retired));
        assert!(lost(&mut watch, start).is_empty());
        assert!(watch.watched.is_empty());
    }

    #[test]
    fn the_reason_holds_exactly_beyond_the_bound() {
        let health = Arc::new(Health::default());
        let threads = LostThreads::new(1, Arc::clone(&health));
        let gauge = AtomicUsize::new(0);
        assert_eq!((threads.add(&gauge), threads.replaced(), health.is_ready()), (1, 1, true));
        assert_eq!((threads.add(&gauge), threads.replaced(), health.is_ready()), (2, 1, false));
        assert!(health.holds(Reason::ThreadsLost));
        assert_eq!(gauge.load(Ordering::Relaxed), 2);
        assert_eq!((threads.take_back(&gauge), threads.replaced(), health.is_ready()), (1, 1, true));
        assert_eq!((threads.take_back(&gauge), threads.replaced()), (0, 0));
        assert_eq!(gauge.load(Ordering::Relaxed), 0);
    }

    /// The watch marks a thread as lost and then counts it. A thread that came back between the two found nothing to
    /// take back, and its loss was counted for ever: one thread too many, and one step nearer to `ThreadsLost`.
    #[test]
    fn a_thread_that_comes_back_before_its_loss_is_counted_leaves_nothing_behind() {
        let threads = LostThreads::new(0, Arc::default());
        let gauge = AtomicUsize::new(0);
        assert_eq!(threads.take_back(&gauge), 0);
        assert_eq!(threads.add(&gauge), 0);
        assert_eq!((threads.replaced(), gauge.load(Ordering::Relaxed)), (0, 0));
        assert!(threads.health.is_ready());
    }
}
