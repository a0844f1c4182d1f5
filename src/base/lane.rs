//! Lanes: which of a few copies of something shared a thread uses, so that threads on different processors do not write
//! to one line of cache.
//!
//! Invariant: a thread's lane never changes once it was asked for, and is below `count`, which never changes either. It
//! does not know what is kept in copies.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

/// The most lanes that there are. Who changes what is kept in copies visits all of them, so more would cost a writer on
/// a large machine what they save its readers.
pub const LANES_MAX: usize = 4;

/// Where threads are that nobody has put into a lane: they take turns.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// In place of a lane that was not chosen yet.
const NONE: usize = usize::MAX;

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(NONE) };
}

/// How many lanes this process has: one per processor, up to `LANES_MAX`.
#[inline]
pub fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| available_parallelism().map_or(1, NonZero::get).min(LANES_MAX))
}

/// The calling thread's lane.
#[inline]
pub fn own() -> usize {
    let own = OWN.get();
    if own == NONE { choose(NEXT.fetch_add(1, Ordering::Relaxed)) } else { own }
}

/// Puts the calling thread, the `number`th of its kind, into a lane, unless it has one already; threads of a kind whose
/// numbers follow each other get different ones as far as there are enough. Returns the lane that the thread has.
#[cold]
pub fn choose(number: usize) -> usize {
    if OWN.get() == NONE {
        OWN.set(number % count());
    }
    OWN.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_thread<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
        std::thread::spawn(work).join().unwrap()
    }

    #[test]
    fn a_thread_keeps_its_first_lane() {
        for number in [0, 1, 7, usize::MAX] {
            let (chosen, again, own) = on_a_thread(move || (choose(number), choose(number.wrapping_add(1)), own()));
            assert_eq!(chosen, number % count());
            assert_eq!((again, own), (chosen, chosen));
        }
        let (own, chosen) = on_a_thread(|| {
            let own = own();
            (own, choose(own + 1))
        });
        assert_eq!(chosen, own);
    }

    #[test]
    fn there_are_as_many_as_processors_and_threads_of_a_kind_are_spread_over_them() {
        assert!((1..=LANES_MAX).contains(&count()));
        let lanes: std::collections::BTreeSet<usize> =
            (0..LANES_MAX).map(|number| on_a_thread(move || choose(number))).collect();
        assert_eq!(lanes, (0..count()).collect());
    }
}
