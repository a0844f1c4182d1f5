//! Writing down a PUT: into the bytes of a record, as it is done under the journal's head.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use memory_tools::model::{Deadline, Record, Scope};
use memory_tools::persist::journal::{Batch, encode_record};

use crate::documents::{document, json};

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal");
    for bytes in [100, 1000, 4000] {
        let document = document(0, &json(bytes));
        let record = Record::Put { scope: Scope::Main, document: &document, deadline: Deadline::NEVER };
        let mut out = Vec::new();
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("encode a PUT of {bytes} bytes"), |bencher| {
            bencher.iter(|| {
                out.clear();
                encode_record(black_box(&record), Batch::Ends, &mut out)
            });
        });
    }
}
