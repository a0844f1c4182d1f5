//! A page of a listing: merged from all shards in order of the keys, among documents that were written in no order.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use memory_tools::engine::Engine;
use memory_tools::model::{Command, Effect, Execute, KeyRange, Scope};

use crate::documents::{STRIDE, engine, key};

const DOCUMENTS: usize = 500_000;
const DOCUMENT_BYTES: usize = 100;

pub fn benches(criterion: &mut Criterion) {
    let engine = engine(256, DOCUMENTS, DOCUMENT_BYTES);
    let mut group = criterion.benchmark_group("listing");
    for page in [10, 100, 1000] {
        group.throughput(Throughput::Elements(page as u64));
        let mut last = 0;
        group.bench_function(format!("{page} keys"), |bencher| {
            bencher.iter(|| {
                last = (last + STRIDE) % (DOCUMENTS - 1000);
                assert_eq!(list(&engine, last, page), page);
            });
        });
    }
}

/// Lists the page behind the key of `number`; how many documents are on it.
fn list(engine: &Engine, number: usize, page: usize) -> usize {
    let after = key(number);
    let range = KeyRange { prefix: b"key:", after: Some(after.as_bytes()) };
    let command = Command::Scan { scope: Scope::Main, range, at_most: Some(page) };
    match engine.execute(command).map(|outcome| outcome.effect) {
        Ok(Effect::Scanned(entries)) => entries.map(black_box).count(),
        _ => 0,
    }
}
