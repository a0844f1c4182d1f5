//! Lines in whatever parts they come, and what becomes of those that cannot be taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::message::{Piece, ResponseBody};
use super::*;

const LIMIT: Limit = Limit { document_bytes_max: 20, around_bytes_max: 4, option: Some("document_bytes_max") };

/// Collects lines; has no room for the first one so many times.
#[derive(Default)]
struct Collect {
    lines: Vec<String>,
    full: usize,
    full_at_end: usize,
    was_offered: bool,
    offered: Arc<AtomicUsize>,
}

impl Consume for Collect {
    fn line(&mut self, line: &[u8], number: u64) -> Consumed {
        self.offered.fetch_add(1, Ordering::Relaxed);
        if self.full > 0 {
            self.full -= 1;
            return Consumed::NoRoom;
        }
        if line == b"stop" {
            return Consumed::Refused(Box::new(Problem::new(Kind::Stopping, "no")));
        }
        if line == b"costly" {
            return Consumed::Taken { bytes: BYTES_PER_STEP };
        }
        if line == b"again" && !std::mem::replace(&mut self.was_offered, true) {
            return Consumed::Again;
        }
        self.lines.push(format!("{number}:{}", String::from_utf8_lossy(line)));
        Consumed::TAKEN
    }

    fn reply(&mut self) -> Option<Response> {
        if self.full_at_end > 0 {
            self.full_at_end -= 1;
            return None;
        }
        Some(Response::new(200).with_piece(Piece::Owned(self.lines.join(" ").into_bytes())))
    }

    fn cut_off(&mut self, problem: Problem) -> Response {
        problem.size("lines", self.lines.len()).into_response()
    }
}

fn text(response: Response) -> String {
    let ResponseBody::Pieces(pieces) = &response.body else { panic!("not pieces") };
    let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect();
    format!("{} {}", response.status, String::from_utf8(bytes).unwrap())
}

/// Gives `parts` as a front does, and counts the times that there was no room.
fn give(consumer: Collect, body_limit: Option<BodyLimit>, parts: &[&str]) -> (String, usize) {
    let mut intake: Box<dyn Intake> = Box::new(ByLine::new(consumer, LIMIT, body_limit));
    let mut waits = 0;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let mut rest = part.as_bytes();
        loop {
            match intake.take(rest) {
                Taken::More => break,
                Taken::Again => {}
                Taken::NoRoom => waits += 1,
                Taken::Done(response) => return (text(response), waits),
            }
            rest = b"";
        }
    }
    match intake.finish(Ok(())) {
        Finished::Reply(response) => (text(response), waits),
        Finished::Work(mut work) => loop {
            match work.step() {
                Step::More => {}
                Step::NoRoom => waits += 1,
                Step::Done(response) => return (text(response), waits),
            }
        },
    }
}

#[test]
fn lines_are_the_same_in_whatever_parts_they_come() {
    let body = "a\r\n\n  b \nccc\n \nlast";
    let (whole, _) = give(Collect::default(), None, &[body]);
    assert_eq!(whole, "200 1:a 3:b 4:ccc 6:last");
    for at in 0..body.len() {
        let (first, second) = body.split_at(at);
        assert_eq!(give(Collect::default(), None, &[first, second]).0, whole, "cut at {at}");
    }
    let bytes: Vec<&str> = body.split("").collect();
    assert_eq!(give(Collect::default(), None, &bytes).0, whole);
    assert_eq!(give(Collect::default(), None, &[]).0, "200 ");
}

#[test]
fn a_line_without_room_is_offered_again_and_taken_once() {
    for parts in [&["a\nb"][..], &["a"]] {
        let consumer = Collect { full: 3, ..Collect::default() };
        let (reply, waits) = give(consumer, None, parts);
        assert!(reply.starts_with("200 1:a"), "{reply}");
        assert_eq!(waits, 3);
    }
}

#[test]
fn a_reply_without_room_is_asked_for_again() {
    for parts in [&["a\n"][..], &["a"], &[]] {
        let consumer = Collect { full_at_end: 3, ..Collect::default() };
        let (reply, waits) = give(consumer, None, parts);
        assert!(reply.starts_with("200") && reply.ends_with("a") != parts.is_empty(), "{reply}");
        assert!((2..=3).contains(&waits), "{waits}");
    }
}

#[test]
fn a_step_takes_a_bounded_number_of_lines() {
    let offered = Arc::new(AtomicUsize::new(0));
    let consumer = Collect { offered: Arc::clone(&offered), ..Collect::default() };
    let mut intake = ByLine::new(consumer, LIMIT, None);
    let body = "x\n".repeat(10 * LINES_PER_STEP);
    assert!(matches!(intake.take(body.as_bytes()), Taken::Again));
    assert_eq!(offered.load(Ordering::Relaxed), LINES_PER_STEP);
}

#[test]
fn a_step_ends_behind_a_costly_line_and_before_one_that_wants_to_be_offered_again() {
    for (body, offered_first) in [("x\ncostly\nx\n", 2), ("x\nagain\nx\n", 2)] {
        let offered = Arc::new(AtomicUsize::new(0));
        let consumer = Collect { offered: Arc::clone(&offered), ..Collect::default() };
        let mut intake = ByLine::new(consumer, Limit { document_bytes_max: 100, ..LIMIT }, None);
        assert!(matches!(intake.take(body.as_bytes()), Taken::Again), "{body}");
        assert_eq!(offered.load(Ordering::Relaxed), offered_first, "{body}");
        assert!(matches!(intake.take(b""), Taken::More), "{body}");
    }
    assert_eq!(give(Collect::default(), None, &["again\n"]).0, "200 1:again");
}

#[test]
fn a_line_over_its_limit_is_refused_before_it_has_ended() {
    let long = "x".repeat(25);
    for parts in [&["a\n", &long][..], &["a\n", &long, "\n"], &["a\n", &long[..20], &long[20..]]] {
        let (reply, _) = give(Collect::default(), None, parts);
        assert!(reply.starts_with("413") && reply.contains("\"line\":2,\"lines\":1"), "{reply}");
    }
    assert!(give(Collect::default(), None, &[&long[1..]]).0.starts_with("200"));
}

#[test]
fn a_body_over_its_limit_is_cut_off() {
    let limit = Some(BodyLimit { bytes_max: 4, option: "bulk_bytes_max" });
    assert_eq!(give(Collect::default(), limit, &["a\n", "b\n"]).0, "200 1:a 2:b");
    let (reply, _) = give(Collect::default(), limit, &["a\n", "b\n", "c"]);
    assert!(reply.starts_with("413") && reply.contains("\"lines\":2"), "{reply}");
}

#[test]
fn a_refusal_ends_it_with_its_line() {
    let (reply, _) = give(Collect::default(), None, &["a\nstop\nb\n"]);
    assert!(reply.starts_with("503") && reply.contains("\"line\":2,\"lines\":1"), "{reply}");
}
