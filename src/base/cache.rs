//! A word to the processor's cache about memory that is going to be read.
//!
//! Invariant: nothing here reads, writes or waits, so that a wrong guess costs a line of cache and no more. It does not
//! know what the memory holds.

/// Bytes that a cache moves at once on every processor we build for.
const LINE_BYTES: usize = 64;

/// Asks the cache for `lines` lines of memory from `address` on. They need not exist.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the intrinsic is declared unsafe, see the proof below")]
pub fn prefetch(address: *const u8, lines: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in 0..lines {
        // SAFETY: PREFETCHT0 is a hint: it reads no memory that the program could see and never faults, whatever the
        // address is, so that the pointer need not be valid. It needs SSE, which every x86_64 has.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.wrapping_add(line * LINE_BYTES).cast()) };
    }
}

/// Does nothing: stable Rust has no such hint for this processor.
#[cfg(not(target_arch = "x86_64"))]
pub fn prefetch(_: *const u8, _: usize) {}
