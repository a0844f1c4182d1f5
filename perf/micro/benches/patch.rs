//! What a small patch makes of a document of 1000 bytes, in each of the three dialects.

use std::hint::black_box;

use criterion::Criterion;
use memory_tools::patch::{Kind, apply};

use crate::documents::json;

pub fn benches(criterion: &mut Criterion) {
    let document = json(1000);
    let mut group = criterion.benchmark_group("patch");
    for (name, kind, patch) in [
        ("merge, the last member", Kind::Merge, "{\"text\":\"another\"}"),
        ("merge, a new member", Kind::Merge, "{\"new\":true}"),
        ("JSON Patch, replace", Kind::JsonPatch, "[{\"op\":\"replace\",\"path\":\"/text\",\"value\":\"another\"}]"),
        ("operations, inc", Kind::Operations, "[{\"op\":\"inc\",\"path\":\"/count\",\"value\":1}]"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                apply(kind, black_box(&document), black_box(patch.as_bytes()), usize::MAX).expect("the patch applies")
            });
        });
    }
}
