//! Micro benchmarks of what Memory Tools exists for: `make bench-micro`. `perf/README.md` says how to read them.
//!
//! Everything runs in one process, without sockets and, but for one part, on one thread, over the library's public
//! items and under the server's allocator. Invariant: what is measured is what a request makes the server do, with the
//! sizes that the other measurements have; that it does it right is the tests' to say.

mod documents;

mod head;
mod journal;
mod listing;
mod patch;
mod snapshot;
mod store;
mod validation;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn criterion() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = micro;
    config = criterion();
    targets = head::benches, validation::benches, patch::benches, store::benches, listing::benches, journal::benches,
        snapshot::benches
}
criterion_main!(micro);
