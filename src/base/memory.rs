//! How the process asks the kernel for memory.

use rustix::thread::disable_transparent_huge_pages;

/// Asks the kernel for small pages only, for this process. Called once, at the start of `main`.
///
/// The first touch of a huge page clears two megabytes, and that may happen wherever memory is allocated, under a
/// shard's lock too: growing from nothing to a million documents, the worst insert took 9 to 19 ms of its thread's
/// CPU time with huge pages and 0.8 to 1.3 ms without (mimalloc 2, 256 shards, a busy virtual machine), and 210
/// instead of 219 bytes were resident per document. A kernel that refuses leaves things as they were.
pub fn refuse_huge_pages() {
    let _ = disable_transparent_huge_pages(true);
}
