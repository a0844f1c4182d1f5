//! Memory that was allocated ahead and not touched yet: the allocator counts it as given out, and no page of it is there.
//!
//! Whoever allocates much more than it means to fill soon says so, so that it does not count as used. Invariant: what is
//! said to be untouched is part of an allocation that is alive. It does not know who allocates, nor what for.

use std::sync::atomic::{AtomicU64, Ordering};

/// Of the whole process.
static UNTOUCHED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Bytes of one allocation that were not touched yet; none any more when it is dropped.
#[derive(Debug)]
pub struct Untouched {
    bytes: u64,
}

impl Untouched {
    /// `bytes` that were allocated just now.
    pub fn new(bytes: usize) -> Untouched {
        let bytes = bytes as u64;
        UNTOUCHED_BYTES.fetch_add(bytes, Ordering::Relaxed);
        Untouched { bytes }
    }

    /// At most `bytes` of them are still untouched.
    pub fn leave(&mut self, bytes: usize) {
        let touched = self.bytes.saturating_sub(bytes as u64);
        UNTOUCHED_BYTES.fetch_sub(touched, Ordering::Relaxed);
        self.bytes -= touched;
    }
}

impl Drop for Untouched {
    fn drop(&mut self) {
        self.leave(0);
    }
}

/// Bytes of this process that were allocated and not touched yet.
pub(super) fn bytes() -> u64 {
    UNTOUCHED_BYTES.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_only_shrinks() {
        let mut untouched = Untouched::new(1000);
        untouched.leave(2000);
        assert_eq!(untouched.bytes, 1000);
        untouched.leave(300);
        untouched.leave(500);
        assert_eq!(untouched.bytes, 300);
        assert!(bytes() >= 300);
    }
}
