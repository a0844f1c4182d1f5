//! How many lines of one kind may come: a bucket of tokens for each, so that a flood fills no disk.
//!
//! Invariant: a kind that is quiet is never held up by one that is not, and what was left out is counted and told. The
//! table has a fixed size and no lock; a line that is left out costs a look at the clock and an addition. The rate is a
//! moment up to which tokens are drawn (the generic cell rate algorithm). It knows neither lines nor where they go.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::value::Level;
use crate::base::limits::{LOG_LINES_BURST_MAX, LOG_LINES_PER_SECOND_MAX};

/// Kinds that have a bucket of their own, some times as many as there are in the code; those beyond share one.
const KINDS_MAX: usize = 256;

const SECOND_MICROS: u64 = 1_000_000;

/// What a line takes from its bucket.
const TOKEN_MICROS: u64 = SECOND_MICROS / LOG_LINES_PER_SECOND_MAX;

/// What a full bucket holds.
const BUCKET_MICROS: u64 = LOG_LINES_BURST_MAX * TOKEN_MICROS;

/// A flood is over when nothing was left out for so long.
const OVER_AFTER_MICROS: u64 = SECOND_MICROS;

/// One that is not over is told this often.
const TOLD_EACH_MICROS: u64 = 60 * SECOND_MICROS;

/// What events are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The event's name; the source file's where it has none.
    pub name: &'static str,
    /// The line in that file; 0 for an event with a name.
    pub line: u32,
    /// Beside an error, what is said of it at another level is another kind.
    pub level: Level,
}

/// Lines that were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Of what kind.
    pub kind: Kind,
    /// How many.
    pub lines: u64,
    /// Microseconds from the first to the last of them.
    pub micros: u64,
}

/// Which floods are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Floods {
    /// Those that are over, and each minute those that are not.
    Due,
    /// All.
    All,
}

/// A bucket for each kind.
pub(super) struct Buckets {
    own: [Bucket; KINDS_MAX],
    /// For kinds that have none of their own.
    shared: Bucket,
}

struct Bucket {
    kind: OnceLock<Kind>,
    // Each on its own; moments are microseconds of the monotonic clock.
    /// The moment up to which tokens are drawn.
    drawn_until: AtomicU64,
    left_out: AtomicU64,
    first_left_out: AtomicU64,
    last_left_out: AtomicU64,
}

impl Buckets {
    /// Full ones. Made when this is compiled: the first to say something may be a thread with a small stack.
    pub const fn new() -> Buckets {
        Buckets { own: [const { Bucket::new() }; KINDS_MAX], shared: Bucket::new() }
    }

    /// True when a line of `kind` may come at `now`, in microseconds of the monotonic clock; else it is counted.
    pub fn admit(&self, kind: Kind, now: u64) -> bool {
        self.bucket(kind).admit(now)
    }

    /// Takes what was left out until `now`.
    pub fn take_left_out(&self, floods: Floods, now: u64) -> impl Iterator<Item = LeftOut> {
        let all = self.own.iter().chain([&self.shared]);
        all.filter_map(move |bucket| bucket.take_left_out(floods, now))
    }

    /// The first bucket from where `kind` hashes to that is its own or becomes so.
    fn bucket(&self, kind: Kind) -> &Bucket {
        let hash = kind.name.bytes().fold(kind.line as usize, |hash, byte| (hash ^ usize::from(byte)).wrapping_mul(31));
        let (behind, from) = self.own.split_at(hash % KINDS_MAX);
        let own = from.iter().chain(behind).find(|bucket| *bucket.kind.get_or_init(|| kind) == kind);
        own.unwrap_or_else(|| {
            self.shared.kind.get_or_init(|| kind);
            &self.shared
        })
    }
}

impl Bucket {
    const fn new() -> Bucket {
        Bucket {
            kind: OnceLock::new(),
            drawn_until: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            first_left_out: AtomicU64::new(0),
            last_left_out: AtomicU64::new(0),
        }
    }

    fn admit(&self, now: u64) -> bool {
        let draw = |drawn_until: u64| {
            let next = drawn_until.max(now.saturating_sub(BUCKET_MICROS)) + TOKEN_MICROS;
            (next <= now).then_some(next)
        };
        if self.drawn_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, draw).is_ok() {
            return true;
        }
        if self.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first_left_out.store(now, Ordering::Relaxed);
        }
        self.last_left_out.store(now, Ordering::Relaxed);
        false
    }

    fn take_left_out(&self, floods: Floods, now: u64) -> Option<LeftOut> {
        let kind = *self.kind.get()?;
        if self.left_out.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let first = self.first_left_out.load(Ordering::Relaxed);
        let last = self.last_left_out.load(Ordering::Relaxed);
        let is_over = now.saturating_sub(last) >= OVER_AFTER_MICROS;
        let is_due = is_over || now.saturating_sub(first) >= TOLD_EACH_MICROS;
        let is_told = is_due || floods == Floods::All;
        is_told.then(|| {
            let lines = self.left_out.swap(0, Ordering::Relaxed);
            LeftOut { kind, lines, micros: last.saturating_sub(first) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The machine has run for an hour.
    const START: u64 = 3600 * SECOND_MICROS;

    fn kind(name: &'static str) -> Kind {
        Kind { name, line: 0, level: Level::Warn }
    }

    #[test]
    fn a_burst_passes_and_then_so_many_a_second() {
        let buckets = Buckets::new();
        let admitted = |at: u64| (0..10_000).filter(|_| buckets.admit(kind("flood"), at)).count() as u64;
        assert_eq!(admitted(START), LOG_LINES_BURST_MAX);
        assert_eq!(admitted(START + SECOND_MICROS), LOG_LINES_PER_SECOND_MAX);
        assert_eq!(admitted(START + SECOND_MICROS + TOKEN_MICROS - 1), 0);
        assert_eq!(admitted(START + SECOND_MICROS + TOKEN_MICROS), 1);
        assert_eq!(admitted(START + 3600 * SECOND_MICROS), LOG_LINES_BURST_MAX, "a bucket holds no more than it holds");
    }

    #[test]
    fn a_flood_holds_up_no_other_kind() {
        let buckets = Buckets::new();
        while buckets.admit(kind("flood"), START) {}
        assert!(buckets.admit(kind("quiet"), START));
        assert!(buckets.admit(Kind { line: 7, ..kind("flood") }, START));
        assert!(buckets.admit(Kind { level: Level::Error, ..kind("flood") }, START));
        assert!(!buckets.admit(kind("flood"), START));
    }

    #[test]
    fn what_was_left_out_is_told_once_when_the_flood_is_over() {
        let buckets = Buckets::new();
        let flood = |count: u64, at| {
            (0..count).for_each(|_| {
                buckets.admit(kind("flood"), at);
            })
        };
        let told = |floods, at| buckets.take_left_out(floods, at).collect::<Vec<_>>();
        flood(LOG_LINES_BURST_MAX + 5, START);
        flood(LOG_LINES_PER_SECOND_MAX + 2, START + SECOND_MICROS);
        assert_eq!(told(Floods::Due, START + SECOND_MICROS), []);
        let left_out = LeftOut { kind: kind("flood"), lines: 7, micros: SECOND_MICROS };
        assert_eq!(told(Floods::Due, START + 2 * SECOND_MICROS), [left_out]);
        assert_eq!(told(Floods::All, START + 2 * SECOND_MICROS), []);
        flood(LOG_LINES_PER_SECOND_MAX + 1, START + 2 * SECOND_MICROS);
        assert_eq!(told(Floods::All, START + 2 * SECOND_MICROS), [LeftOut { lines: 1, micros: 0, ..left_out }]);
    }

    #[test]
    fn a_flood_without_end_is_told_each_minute() {
        let buckets = Buckets::new();
        let (mut told, mut admitted) = (Vec::new(), 0);
        for second in 0..=150 {
            let now = START + second * SECOND_MICROS;
            admitted += (0..1000).filter(|_| buckets.admit(kind("flood"), now)).count() as u64;
            told.extend(buckets.take_left_out(Floods::Due, now));
        }
        assert_eq!(told.iter().map(|left_out| left_out.micros / SECOND_MICROS).collect::<Vec<_>>(), [60, 60]);
        told.extend(buckets.take_left_out(Floods::All, START + 150 * SECOND_MICROS));
        assert_eq!(told.iter().map(|left_out| left_out.lines).sum::<u64>() + admitted, 151_000, "none is lost");
    }

    #[test]
    fn kinds_beyond_the_table_share_a_bucket() {
        let buckets = Buckets::new();
        let kind = |line: usize| Kind { line: u32::try_from(line).unwrap(), ..kind("many") };
        assert!((0..KINDS_MAX + 10).all(|line| buckets.admit(kind(line), START)));
        while buckets.admit(kind(KINDS_MAX), START) {}
        assert!(!buckets.admit(kind(KINDS_MAX + 1), START));
        assert!(buckets.admit(kind(0), START));
        assert_eq!(buckets.take_left_out(Floods::All, START).map(|left_out| left_out.lines).collect::<Vec<_>>(), [2]);
    }
}
