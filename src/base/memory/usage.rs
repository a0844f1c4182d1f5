//! How much memory this process has in use, as the allocator and the kernel tell it.
//!
//! Three figures, because they answer three questions. What is *held* cannot be given back: what the allocator has given
//! out, what it keeps about that, and what was never its own, such as stacks. The pages in which that lies are *active*:
//! between the two are holes, which the next allocation of their size fills. And pages that nobody uses any more stay
//! with the process until the allocator's own thread gives them back some seconds later, or the next allocation takes
//! them: they are in neither figure. Nor is what was allocated ahead and never touched (`Untouched`), which is not there.

use tikv_jemalloc_ctl::{epoch, stats};

use super::untouched;
use crate::base::proc;

/// How much memory a process has in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that cannot be given back.
    pub held: u64,
    /// Bytes of the pages in which those lie; not less.
    pub active: u64,
}

/// Tells how much memory is in use. The real one is `Allocator`; tests have others.
pub trait Meter: Send + Sync {
    /// How much it is now; `None` when nobody knows. Some ten to hundred microseconds, and a few system calls: never on
    /// the way of a request.
    fn read(&self) -> Option<Usage>;
}

/// What the allocator of the binary tells of itself, and the kernel of the rest.
///
/// In a process with another allocator, such as a test, it is what the kernel tells.
#[derive(Clone, Copy, Debug)]
pub struct Allocator;

impl Meter for Allocator {
    fn read(&self) -> Option<Usage> {
        let anonymous = proc::anonymous_bytes()?;
        // What the rest is about is as of the last epoch.
        epoch::advance().ok()?;
        let [allocated, active, metadata, resident] = [
            stats::allocated::read().ok()?,
            stats::active::read().ok()?,
            stats::metadata::read().ok()?,
            stats::resident::read().ok()?,
        ]
        .map(|bytes| bytes as u64);
        let untouched = untouched::bytes();
        let [allocated, active, resident] = [allocated, active, resident].map(|bytes| bytes.saturating_sub(untouched));
        // Stacks, statics, and in a process with another allocator everything.
        let beside = metadata + anonymous.saturating_sub(resident);
        Some(Usage { held: allocated + beside, active: active.max(allocated) + beside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_in_use() {
        const BYTES: usize = 64 << 20;
        let before = Allocator.read().unwrap();
        let held = vec![7_u8; BYTES];
        let after = Allocator.read().unwrap();
        assert!(after.held >= before.held + (BYTES as u64) / 2, "{before:?}, then {after:?} with {}", held.len());
        assert!(after.active >= after.held);
    }
}
