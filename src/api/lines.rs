//! Bodies that are lines: cut while they come, and taken one by one.
//!
//! Invariant: what is held of a body is the part that came last and one line that has not ended yet, which is no longer
//! than a line may be. A line that finds no room in the journal is kept and offered again, so that each is taken once and
//! in order. It does not know what stands in a line.

use crate::base::json;
use crate::model::Refusal;

use super::body::{self, Limit};
use super::message::{BodyFault, Finished, Intake, Response, Step, Taken, Work};
use super::problem::{Kind, Problem};

/// Lines that are taken in a step, and bytes of them behind which a step ends: about a millisecond.
const LINES_PER_STEP: usize = 256;
const BYTES_PER_STEP: usize = 256 << 10;

/// Who takes the lines of a body.
pub trait Consume: Send {
    /// Takes a line, which is not blank and has no white space around it; `number` counts all lines, from 1.
    fn line(&mut self, line: &[u8], number: u64) -> Consumed;

    /// Bytes that it holds of what came of the lines.
    fn held_bytes(&self) -> usize {
        0
    }

    /// The body has ended well, and all its lines were taken: the reply; or `None` when there was no room for what it
    /// writes, and nothing was changed: then it is called again.
    fn reply(&mut self) -> Option<Response>;

    /// The rest will not be taken, because of `problem`: the reply, which says what was done before that. Called once.
    fn cut_off(&mut self, problem: Problem) -> Response;
}

/// What became of a line.
pub enum Consumed {
    /// It was taken.
    Taken {
        /// Bytes that were read and made for it, beside its own.
        bytes: usize,
    },
    /// It was not taken yet, for all that was done: it wants to be offered again, when others have had their turns.
    Again,
    /// There was no room for what it writes, and nothing was changed: it wants to be offered again.
    NoRoom,
    /// It was not taken, and none behind it will be.
    Refused(Box<Problem>),
}

impl Consumed {
    /// It was taken, and cost no more than to read it.
    pub const TAKEN: Consumed = Consumed::Taken { bytes: 0 };
}

/// A body as lines for `C`.
pub struct ByLine<C> {
    consumer: C,
    /// How long a line may be.
    line_limit: Limit,
    /// How long the body may be, if that is bounded.
    body_limit: Option<BodyLimit>,
    /// Bytes of the body that have come.
    bytes: u64,
    /// The number of the line that is next.
    number: u64,
    lines: Lines,
}

/// How long a body may be, and what is said of one that is longer.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// Bytes.
    pub bytes_max: u64,
    /// The config key behind it.
    pub option: &'static str,
}

impl BodyLimit {
    /// The 413 for a body of more bytes; `None`: of nobody knows how many.
    pub fn too_large(self, bytes: Option<u64>) -> Problem {
        let BodyLimit { bytes_max, option } = self;
        let size = bytes.map_or("more".to_owned(), |bytes| bytes.to_string());
        let detail = format!("at most {bytes_max} bytes are accepted ({option}), these are {size}");
        let problem = Problem::new(Kind::BulkTooLarge, detail)
            .hint(format!("send it in several requests; the option {option} sets the limit"))
            .number("limit_bytes", bytes_max);
        match bytes {
            Some(bytes) => problem.number("size_bytes", bytes),
            None => problem,
        }
    }
}

impl<C: Consume> ByLine<C> {
    /// Nothing has come yet.
    pub fn new(consumer: C, line_limit: Limit, body_limit: Option<BodyLimit>) -> ByLine<C> {
        ByLine { consumer, line_limit, body_limit, bytes: 0, number: 1, lines: Lines::default() }
    }

    /// Takes the lines that are here, as many as a step may.
    fn go_on(&mut self) -> Taken {
        let mut bytes = 0;
        for step in 0..LINES_PER_STEP {
            let Some(line) = self.lines.first() else {
                return match self.lines.rest().len() > self.line_limit.body_bytes_max() {
                    true => self.refuse(self.line_limit.too_large(None)),
                    false => Taken::More,
                };
            };
            if line.len() > self.line_limit.body_bytes_max() {
                let size = Some(line.len());
                return self.refuse(self.line_limit.too_large(size));
            }
            bytes += line.len();
            let line = json::trim(line);
            let consumed = if line.is_empty() { Consumed::TAKEN } else { self.consumer.line(line, self.number) };
            match consumed {
                Consumed::Taken { bytes: beside } => {
                    bytes = bytes.saturating_add(beside);
                    self.lines.drop_first();
                    self.number += 1;
                }
                Consumed::Again => return Taken::Again,
                // What came before it was a step forward, behind which the wait for room begins anew.
                Consumed::NoRoom => return if step > 0 { Taken::Again } else { Taken::NoRoom },
                Consumed::Refused(problem) => return self.refuse(*problem),
            }
            if bytes >= BYTES_PER_STEP {
                break;
            }
        }
        Taken::Again
    }

    fn refuse(&mut self, problem: Problem) -> Taken {
        Taken::Done(self.consumer.cut_off(problem.number("line", self.number)))
    }

    fn journal_busy(&mut self) -> Response {
        self.consumer.cut_off(Problem::new(Kind::JournalBusy, Refusal::JournalBusy.to_string()))
    }
}

impl<C: Consume + 'static> Intake for ByLine<C> {
    fn take(&mut self, part: &[u8]) -> Taken {
        self.bytes = self.bytes.saturating_add(part.len() as u64);
        if let Some(limit) = self.body_limit.filter(|limit| self.bytes > limit.bytes_max) {
            return Taken::Done(self.consumer.cut_off(limit.too_large(None)));
        }
        self.lines.push(part);
        self.go_on()
    }

    fn held_bytes(&self) -> usize {
        // What has come behind a line is no more than the front has read at once.
        self.lines.rest().len().min(self.line_limit.body_bytes_max()) + self.consumer.held_bytes()
    }

    fn finish(mut self: Box<Self>, end: Result<(), BodyFault>) -> Finished {
        match end {
            Err(fault) => Finished::Reply(self.consumer.cut_off(body::problem_of(fault, self.line_limit))),
            Ok(()) if self.lines.rest().is_empty() => match self.consumer.reply() {
                Some(response) => Finished::Reply(response),
                None => Finished::Work(self),
            },
            Ok(()) => {
                // The last line ends where the body does.
                self.lines.push(b"\n");
                Finished::Work(self)
            }
        }
    }

    fn give_up(mut self: Box<Self>) -> Option<Response> {
        Some(self.journal_busy())
    }
}

/// The last line, behind the end of the body, and the reply.
impl<C: Consume + 'static> Work for ByLine<C> {
    fn step(&mut self) -> Step {
        match self.go_on() {
            Taken::More => self.consumer.reply().map_or(Step::NoRoom, Step::Done),
            Taken::Again => Step::More,
            Taken::NoRoom => Step::NoRoom,
            Taken::Done(response) => Step::Done(response),
        }
    }

    fn give_up(mut self: Box<Self>) -> Option<Response> {
        Some(self.journal_busy())
    }
}

/// What has come of a body and was not taken, as lines.
#[derive(Debug, Default)]
struct Lines {
    held: Vec<u8>,
    /// Where the first line begins.
    at: usize,
    /// Up to here there is no line end behind `at`: no byte is looked at twice, however long a line is.
    searched: usize,
}

impl Lines {
    /// Appends what has come, and lets go of what was taken.
    fn push(&mut self, part: &[u8]) {
        if !part.is_empty() {
            self.held.drain(..self.at);
            self.searched -= self.at;
            self.at = 0;
            self.held.extend_from_slice(part);
        }
    }

    /// The first line, without its end; `None` when it has not ended yet.
    fn first(&mut self) -> Option<&[u8]> {
        match memchr::memchr(b'\n', self.held.get(self.searched..)?) {
            Some(behind) => {
                self.searched += behind;
                self.held.get(self.at..self.searched)
            }
            None => {
                self.searched = self.held.len();
                None
            }
        }
    }

    /// Takes out the line that `first` gave.
    fn drop_first(&mut self) {
        self.searched += 1;
        self.at = self.searched;
    }

    /// All that is left, ended or not.
    fn rest(&self) -> &[u8] {
        self.held.get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
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
}
