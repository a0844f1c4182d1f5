//! A hundred thousand lines in one request: what they cost in memory, and that others are served meanwhile.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use allocation_counter::measure;
use memory_tools::api::Handle;
use memory_tools::api::message::{
    Answer, BodyFault, Finished, Headers, Intake, Method, Request, RequestBody, ResponseBody, Taken,
};
use support::door::House;

const LINES: usize = 100_000;

/// Bytes of a part, as a front gives them.
const PART_BYTES: usize = 16 << 10;

struct NoFields;

impl Headers for NoFields {
    fn each(&self, _: &str, _: &mut dyn FnMut(&str)) {}
}

/// Puts of 200 bytes, on `keys` keys by turns.
fn puts(keys: usize) -> Vec<u8> {
    let value = format!("{{\"text\":\"{}\"}}", "x".repeat(189));
    let line = |number: usize| format!("{{\"op\":\"put\",\"key\":\"key:{:06}\",\"value\":{value}}}\n", number % keys);
    (0..LINES).map(line).collect::<String>().into_bytes()
}

fn begin(api: &dyn Handle, target: &str) -> Box<dyn Intake> {
    let body = RequestBody::Awaited { length: None };
    match api.handle(Request { method: Method::Post, target, headers: &NoFields, body }) {
        Answer::Stream(intake) => intake,
        _ => panic!("the body is taken in parts"),
    }
}

fn give(intake: &mut dyn Intake, body: &[u8]) {
    for part in body.chunks(PART_BYTES) {
        let mut taken = intake.take(part);
        while let Taken::Again = taken {
            taken = intake.take(&[]);
        }
        assert!(matches!(taken, Taken::More));
    }
}

/// Of documents that are replaced by turns nothing is left but the newest, so what grows is the results: a key and 13
/// bytes each.
#[test]
fn a_line_allocates_its_document_and_a_run_holds_its_results() {
    let house = House::start(&[("journal", "off"), ("changes-entries-max", "0")]);
    let (api, body) = (house.server().api(), puts(100));
    // The store and the parser have their buffers.
    give(begin(api, "/v1/docs:bulk").as_mut(), &body);
    let mut intake = begin(api, "/v1/docs:bulk");
    let info = measure(|| give(intake.as_mut(), &body));
    let (results, around) = (LINES as u64 * (10 + 13), 128 << 10);
    assert!(info.bytes_max <= results + around, "{} bytes for {LINES} lines", info.bytes_max);
    assert!(info.count_total <= LINES as u64 + 1000, "{} allocations for {LINES} lines", info.count_total);
    assert!(matches!(intake.finish(Ok(())), Finished::Reply(response) if response.status == 200));
}

/// An import holds nothing but its counts.
#[test]
fn an_import_holds_nothing_but_the_line_that_comes() {
    let house = House::start(&[("journal", "off"), ("changes-entries-max", "0")]);
    let api = house.server().api();
    let body = puts(100);
    let body = String::from_utf8(body).unwrap().replace("\"op\":\"put\"", "\"collection\":null").into_bytes();
    give(begin(api, "/v1/import").as_mut(), &body);
    let mut intake = begin(api, "/v1/import");
    let info = measure(|| give(intake.as_mut(), &body));
    assert!(info.bytes_max <= 128 << 10, "{} bytes for {LINES} lines", info.bytes_max);
}

#[test]
fn others_are_served_by_the_same_thread_while_a_bulk_is_carried_out() {
    let house = House::start(&[("journal", "off"), ("front", "reactor"), ("reactor-threads", "1")]);
    let body = puts(LINES);
    let (first, second) = body.split_at(body.len() / 2);
    let (mut loading, mut reading) = (house.client(), house.client());
    loading.begin("POST", "/v1/docs:bulk", &[], body.len()).unwrap();
    loading.write(first).unwrap();
    // What has come is carried out before the body has ended.
    let mut gets = 0;
    while reading.send("GET", "/v1/docs/key:000000", &[], b"").status != 200 {
        gets += 1;
        assert!(gets < 1_000_000, "nothing is carried out");
    }
    let (is_done, mut served) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        let loader = scope.spawn(|| {
            loading.write(second).unwrap();
            let answer = loading.answer().unwrap();
            is_done.store(true, Ordering::SeqCst);
            answer
        });
        while !is_done.load(Ordering::SeqCst) {
            assert_eq!(reading.send("GET", "/v1/docs/key:000000", &[], b"").status, 200);
            served += 1;
        }
        let answer = loader.join().unwrap();
        assert_eq!((answer.status, answer.text().lines().count()), (200, LINES));
        assert!(answer.text().lines().all(|line| line.contains("\"status\":201")));
    });
    assert!(served >= 20, "{served} requests were served meanwhile");
    assert_eq!(reading.send("GET", "/v1/docs?count", &[], b"").text(), "{\"count\":100000}\n");
}

/// Thousands of connections with a line each that does not end, or with results that nobody has asked for yet, would
/// take whatever memory there is.
#[test]
fn what_a_run_holds_is_told_and_a_run_that_is_too_much_says_how_far_it_came() {
    let house = House::start(&[]);
    let mut intake = begin(house.server().api(), "/v1/docs:bulk");
    assert_eq!(intake.held_bytes(), 0);
    assert!(matches!(intake.take(&[b'x'; 50_000]), Taken::More));
    assert_eq!(intake.held_bytes(), 50_000, "a line that has not ended");
    let mut intake = begin(house.server().api(), "/v1/docs:bulk");
    let key = "k".repeat(1000);
    let put = format!("{{\"op\":\"put\",\"key\":\"{key}\",\"value\":1}}\n");
    for _ in 0..1000 {
        give(intake.as_mut(), put.as_bytes());
    }
    let results = intake.held_bytes();
    assert!((1_000_000..1_200_000).contains(&results), "{results} bytes of results");
    let Finished::Reply(response) = intake.finish(Err(BodyFault::Crowded)) else { panic!("it is over") };
    let ResponseBody::Pieces(pieces) = &response.body else { panic!("pieces") };
    let text: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(response.status, 503);
    assert!(text.contains("\"code\":\"too_many_bodies\"") && text.contains("\"operations\":1000"), "{text}");
}
