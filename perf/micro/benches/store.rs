//! GET and PUT on `Execute`, by one thread and by two at once, each with keys of its own.
//!
//! An iteration is one command on every thread, so a figure of two threads that is that of one means that neither felt
//! the other; a machine with fewer cores cannot show that. One shard is what everybody fights for at worst.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use memory_tools::engine::Engine;
use memory_tools::model::{Command, Effect, Execute, Key, Scope};

use crate::documents::{STRIDE, document, engine, json, key, put};

const DOCUMENTS: usize = 100_000;
const DOCUMENT_BYTES: usize = 1000;

/// Shards that a server has by default.
const SHARDS: usize = 256;

pub fn benches(criterion: &mut Criterion) {
    let json = json(DOCUMENT_BYTES);
    for (shards, name) in [(SHARDS, "store"), (1, "store with one shard")] {
        let engine = engine(shards, DOCUMENTS, DOCUMENT_BYTES);
        let mut group = criterion.benchmark_group(name);
        for threads in [1, 2] {
            group.throughput(Throughput::Elements(threads as u64));
            on_threads(&mut group, "GET", threads, |number| get(&engine, number));
            on_threads(&mut group, "PUT", threads, |number| {
                engine.execute(put(document(number, &json))).expect("a write without a condition is not refused");
            });
        }
    }
}

fn get(engine: &Engine, number: usize) {
    let key = key(number);
    let key = Key::new(&key).expect("a short text is a key");
    let effect = engine.execute(Command::Get { scope: Scope::Main, key }).map(|outcome| outcome.effect);
    assert!(matches!(black_box(effect), Ok(Effect::Found(_))), "the document is there");
}

/// Measures `command` on keys that no other thread has.
fn on_threads(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    command: impl Fn(usize) + Send + Sync,
) {
    let plural = if threads == 1 { "" } else { "s" };
    group.bench_function(format!("{name}, {threads} thread{plural}"), |bencher| {
        bencher.iter_custom(|iterations| {
            together(threads, |thread| {
                // Steps of this many keep to the keys of a thread, as long as the threads divide the documents.
                let numbers = (0..iterations as usize).map(|turn| (turn * STRIDE * threads + thread) % DOCUMENTS);
                numbers.for_each(&command);
            })
        });
    });
}

/// Runs `work` on so many threads, which begin at once, until the last has done it; that is how long it took.
fn together(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let gate = Barrier::new(threads + 1);
    std::thread::scope(|scope| {
        let run = |thread| {
            gate.wait();
            work(thread);
        };
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        gate.wait();
        let begun = Instant::now();
        for thread in running {
            thread.join().expect("no thread panics");
        }
        begun.elapsed()
    })
}
