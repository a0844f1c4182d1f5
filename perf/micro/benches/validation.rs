//! Deciding whether a body is JSON: by simd-json up to 64 KiB, beyond by the grammar.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use memory_tools::api;

use crate::documents::json;

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("validation");
    for bytes in [100, 1000, 10_000, 100_000] {
        let text = json(bytes);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("{bytes} bytes"), |bencher| {
            bencher.iter(|| api::validate(black_box(&text)).expect("it is JSON"));
        });
    }
}
