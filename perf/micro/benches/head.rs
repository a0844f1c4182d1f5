//! Reading the head of a request: one whose fields were read before, and one whose fields are new.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use memory_tools::front::framing::HeadLimits;
use memory_tools::front::reactor::head;
use memory_tools::front::reactor::sections::Sections;

const LIMITS: HeadLimits = HeadLimits { target_bytes_max: 8 << 10, head_bytes_max: 32 << 10, header_count_max: 100 };

const CURL: &str = "GET /v1/docs/key:00000000 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\n\
                    Accept: */*\r\n\r\n";

const BROWSER: &str = "GET /v1/docs/key:00000000 HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\n\
                       Cache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n\
                       User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
                       Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
                       Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n\
                       Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n\r\n";

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("head");
    for (name, text) in [("curl", CURL), ("browser", BROWSER)] {
        let read = |sections: &Sections| {
            let read = head::read(black_box(text.as_bytes()), &LIMITS, sections, |head, _| head.bytes);
            assert!(read.is_ok_and(|bytes| bytes == Some(text.len())), "{name}");
        };
        group.throughput(Throughput::Bytes(text.len() as u64));
        let known = Sections::default();
        group.bench_function(format!("{name}, fields known"), |bencher| bencher.iter(|| read(&known)));
        group.bench_function(format!("{name}, fields new"), |bencher| bencher.iter(|| read(&Sections::default())));
    }
}
