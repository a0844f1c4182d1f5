//! How the process asks the kernel for memory, how much it may have (`granted`), and how much it has in use (`usage`).
//!
//! The allocator is jemalloc, as `main` declares it, with its own thread that gives memory back (`jemalloc_bg_thd` in
//! `top -H`) and no other setting of ours. What chose it, on documents of 500 to 1500 bytes written by two threads and
//! overwritten with other sizes nine times: resident over the documents' bytes after the first time, the growth from
//! there when each thread overwrites half of them, the growth when one thread overwrites what the other had allocated,
//! and the time of a write.
//!
//! | allocator | after the first | half each | what the other had | a write |
//! |---|---|---|---|---|
//! | jemalloc 5.3 | 1.11 | 1.02 | 1.14 | 0.4 µs |
//! | mimalloc 3 | 1.11 | 1.05 | 1.19, up to 1.9 in a server | 0.8 µs |
//! | mimalloc 2 | 1.13 | 1.32 | 2.04 | 0.9 µs |
//! | tcmalloc | 1.15 | 1.02 | 1.02 | 0.2 µs |
//! | glibc 2.36 | 1.02 | 1.16 | 1.77 | 0.8 µs |
//! | rpmalloc | 1.15 | 1.96 | 2.03 | 0.7 µs |
//!
//! tcmalloc would need a C++ library in a static binary, and takes the most where nothing is overwritten.

mod granted;
mod untouched;
mod usage;

use rustix::thread::disable_transparent_huge_pages;

pub use granted::{Granted, Grantor, Told, granted};
pub use untouched::Untouched;
pub use usage::{Allocator, Meter, Usage};

/// Asks the kernel for small pages only, for this process. Called once, at the start of `main`.
///
/// The first touch of a huge page clears two megabytes, and that may happen wherever memory is allocated, under a
/// shard's lock too: growing from nothing to a million documents, the worst insert took 9 to 19 ms of its thread's
/// CPU time with huge pages and 0.8 to 1.3 ms without (mimalloc 2, 256 shards, a busy virtual machine), and 210
/// instead of 219 bytes were resident per document. A kernel that refuses leaves things as they were.
pub fn refuse_huge_pages() {
    let _ = disable_transparent_huge_pages(true);
}
