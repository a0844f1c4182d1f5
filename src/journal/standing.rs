//! Whether the journal takes writes: serving, degraded after the disk refused it, or healing.
//!
//! ```text
//!   Serving ──a write or an fsync failed──► Degraded ──a new segment is there──► Healing
//!      ▲                                       ▲  └────────── it failed ────────────┘ │
//!      └──────────────────── a snapshot that holds everything is durable ────────────┘
//! ```
//!
//! Invariants: only the first failure counts, until it is healed. `/readyz` says so for as long as it lasts.
//! It does not know what failed, nor how it is healed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::base::health::{Health, Reason};
use crate::model::Refusal;

/// The longest pause between two attempts to heal.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How the journal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Standing {
    /// Writes are taken.
    Serving,
    /// The disk has refused the journal, and writes are refused.
    Degraded,
    /// A new segment and a snapshot are being written; writes are still refused.
    Healing,
}

/// What went wrong, and what was tried since.
#[derive(Clone, Debug)]
struct Trouble {
    /// The operating system's answer, with the file.
    cause: String,
    since: Instant,
    /// Attempts that failed.
    attempts: u32,
    /// When the next one is due.
    next_try: Instant,
}

/// Holds the standing, and what is known of the trouble.
pub(super) struct Post {
    health: Arc<Health>,
    /// Read without a lock, changed under that of `trouble`.
    standing: AtomicU8,
    trouble: Mutex<Option<Trouble>>,
}

/// The pause after `attempts` failed ones: 1, 2, 4, 8, 16 and then 30 seconds each.
fn pause(attempts: u32) -> Duration {
    Duration::from_secs(1 << attempts.min(5)).min(PAUSE_MAX)
}

impl Post {
    /// Serving.
    pub(super) fn new(health: Arc<Health>) -> Post {
        Post { health, standing: AtomicU8::new(Standing::Serving as u8), trouble: Mutex::new(None) }
    }

    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        match self.standing.load(Ordering::SeqCst) {
            serving if serving == Standing::Serving as u8 => Standing::Serving,
            degraded if degraded == Standing::Degraded as u8 => Standing::Degraded,
            _ => Standing::Healing,
        }
    }

    /// True when writes are taken.
    pub(super) fn is_serving(&self) -> bool {
        self.standing() == Standing::Serving
    }

    /// Why a write is refused now; `None` when it is not.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        if self.is_serving() {
            return None;
        }
        self.trouble.lock().as_ref().map(|trouble| Refusal::JournalUnavailable { cause: trouble.cause.clone() })
    }

    /// Refuses writes because of `cause`. True when they were taken until now: whoever is told so says so to others.
    pub(super) fn degrade(&self, cause: String, now: Instant) -> bool {
        let mut trouble = self.trouble.lock();
        if trouble.is_some() {
            return false;
        }
        *trouble = Some(Trouble { cause, since: now, attempts: 0, next_try: now + pause(0) });
        self.health.raise(Reason::JournalUnavailable);
        self.set(Standing::Degraded);
        true
    }

    /// Notes what the disk that refused has left.
    pub(super) fn note_free_bytes(&self, bytes: u64) {
        self.health.note_free_bytes(bytes);
    }

    /// True when it is time for an attempt to heal.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let is_over = |trouble: &Trouble| now >= trouble.next_try;
        self.standing() == Standing::Degraded && self.trouble.lock().as_ref().is_some_and(is_over)
    }

    /// An attempt begins. False when there is nothing to heal, or another one is at it.
    pub(super) fn begin_healing(&self) -> bool {
        let _held = self.trouble.lock();
        let begins = self.standing() == Standing::Degraded;
        if begins {
            self.set(Standing::Healing);
        }
        begins
    }

    /// The attempt failed because of `cause`; gives the pause before the next one.
    pub(super) fn fail_healing(&self, cause: String, now: Instant) -> Duration {
        let mut trouble = self.trouble.lock();
        let attempts = trouble.as_ref().map_or(0, |trouble| trouble.attempts).saturating_add(1);
        let since = trouble.as_ref().map_or(now, |trouble| trouble.since);
        let pause = pause(attempts);
        *trouble = Some(Trouble { cause, since, attempts, next_try: now + pause });
        self.set(Standing::Degraded);
        pause
    }

    /// The attempt succeeded; gives how long the trouble lasted.
    pub(super) fn heal(&self, now: Instant) -> Duration {
        let trouble = self.trouble.lock().take();
        self.set(Standing::Serving);
        self.health.lower(Reason::JournalUnavailable);
        trouble.map_or(Duration::ZERO, |trouble| now.saturating_duration_since(trouble.since))
    }

    fn set(&self, standing: Standing) {
        self.standing.store(standing as u8, Ordering::SeqCst);
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.standing().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post() -> (Post, Arc<Health>, Instant) {
        let health = Arc::new(Health::default());
        (Post::new(Arc::clone(&health)), health, Instant::now())
    }

    #[test]
    fn the_first_failure_is_the_one_that_is_told() {
        let (post, health, now) = post();
        assert_eq!((post.standing(), post.refusal()), (Standing::Serving, None));
        assert!(post.degrade("no space".into(), now));
        assert!(!post.degrade("another".into(), now), "it is known already");
        assert_eq!(post.refusal(), Some(Refusal::JournalUnavailable { cause: "no space".into() }));
        assert!(health.holds(Reason::JournalUnavailable));
    }

    #[test]
    fn attempts_to_heal_come_with_growing_pauses() {
        let (post, _, now) = post();
        post.degrade("no space".into(), now);
        let mut at = now;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let due = at + Duration::from_secs(seconds);
            assert!(!post.is_due(due - Duration::from_millis(1)) && post.is_due(due));
            assert!(post.begin_healing());
            assert!(!post.is_due(due) && !post.begin_healing(), "one at a time");
            at = due;
            post.fail_healing("still no space".into(), at);
        }
        assert_eq!(post.refusal(), Some(Refusal::JournalUnavailable { cause: "still no space".into() }));
    }

    #[test]
    fn writes_are_refused_until_it_is_healed() {
        let (post, health, now) = post();
        post.degrade("no space".into(), now);
        post.begin_healing();
        assert_eq!(post.standing(), Standing::Healing);
        assert!(post.refusal().is_some());
        assert_eq!(post.heal(now + Duration::from_secs(5)), Duration::from_secs(5));
        assert!(post.is_serving() && post.refusal().is_none() && health.is_ready());
        assert!(post.degrade("again".into(), now), "a new failure is a new one");
    }
}
