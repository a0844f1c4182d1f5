//! Bodies that are lines: cut while they come, and taken one by one.
//!
//! Invariant: what is held of a body is the part that came last and one line that has not ended yet, which is no longer
//! than a line may be. A line that finds no room in the journal is kept and offered again, so that each is taken once and
//! in order. It does not know what stands in a line.

use crate::base::json;
use crate::model::Refusal;

use super::body::{self, Limit};
use super::call::Otherwise;
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

impl From<Otherwise> for Consumed {
    /// What stood in the way of a line: a refusal, or that there was no room for what it writes.
    ///
    /// # Panics
    /// For what only the first look at a request may ask for.
    fn from(otherwise: Otherwise) -> Consumed {
        match otherwise {
            Otherwise::Again => Consumed::NoRoom,
            Otherwise::Problem(problem) => Consumed::Refused(Box::new(problem)),
            _ => unreachable!("a command is refused, or has to be tried again"),
        }
    }
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
mod tests;
