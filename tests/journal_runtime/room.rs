//! Room: a buffer that is full refuses, and tells who waits once half of it is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use memory_tools::journal::Mode;
use memory_tools::model::{Durability, Refusal};

use crate::bench::bench;

/// A room that is not used gives its bytes back; one that is used, when they are written.
#[test]
fn a_full_buffer_refuses_writes_until_half_of_it_is_written() {
    let bench = bench(Mode::Os);
    let value = format!("\"{}\"", "x".repeat(1 << 20));
    let mut written = 0;
    while bench.try_write("k", &value) != Err(Refusal::JournalBusy) {
        written += 1;
        assert!(written < 100);
    }
    assert!((8..=16).contains(&written), "{written} of a megabyte each");
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    bench.journal.when_room(Box::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    assert_eq!(woken.load(Ordering::SeqCst), 0);
    bench.step();
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    bench.write("k", &value);
    assert_eq!(bench.records().len(), written);
}

#[test]
fn who_asks_for_room_that_is_there_is_told_at_once() {
    let bench = bench(Mode::Os);
    let (tell, told) = channel();
    bench.journal.when_room(Box::new(move || tell.send(()).unwrap()));
    assert_eq!(told.try_recv(), Ok(()));
}
