//! Memory of which as much is in use as a test says.

use std::sync::atomic::{AtomicU64, Ordering};

use memory_tools::base::memory::{Meter, Usage};

/// As much is in use as was said last; nothing at first.
#[derive(Debug, Default)]
pub struct SaidMemory(AtomicU64);

impl SaidMemory {
    /// So many bytes are in use.
    pub fn say(&self, bytes: u64) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

impl Meter for SaidMemory {
    fn read(&self) -> Option<Usage> {
        let bytes = self.0.load(Ordering::SeqCst);
        Some(Usage { held: bytes, active: bytes })
    }
}
