//! A body that the double takes part by part.

use memory_tools::api::message::{BodyFault, Finished, Intake, Response, Taken};

use super::double::{Double, Open};
use super::toil::Toil;

/// A body that is taken part by part.
pub struct Sum {
    number: usize,
    double: Double,
    bytes: Vec<u8>,
    breaks: bool,
    pauses: bool,
    /// Calls that are still to come for the last part.
    left: usize,
    is_over: bool,
}

impl Sum {
    /// Of the request `number`, which the double has noted.
    pub fn new(number: usize, double: Double, breaks: bool, pauses: bool) -> Sum {
        Sum { number, double, bytes: Vec::new(), breaks, pauses, left: 0, is_over: false }
    }

    fn end(&mut self) {
        assert!(!self.is_over, "a body that was over goes on");
        self.is_over = true;
        self.double.end(Open::Intake(self.number));
    }
}

impl Intake for Sum {
    fn take(&mut self, part: &[u8]) -> Taken {
        assert!(part.is_empty() == (self.left > 0) && !self.is_over);
        if part.is_empty() {
            self.left -= 1;
            return if self.left > 0 { Taken::NoRoom } else { Taken::More };
        }
        if self.breaks && part.contains(&b'!') {
            self.end();
            self.double.break_off(self.number);
            return Taken::Done(self.double.reply(self.number, 422, "broken off "));
        }
        self.bytes.extend_from_slice(part);
        if self.pauses {
            self.left = 2;
            return Taken::Again;
        }
        Taken::More
    }

    fn finish(mut self: Box<Self>, end: Result<(), BodyFault>) -> Finished {
        assert_eq!(self.left, 0, "the end comes while it pauses");
        self.end();
        Finished::Reply(match end {
            Ok(()) if self.pauses => {
                self.double.begin(Open::Work(self.number));
                let body = std::mem::take(&mut self.bytes);
                return Finished::Work(Box::new(Toil::new(self.number, self.double.clone(), Some(body))));
            }
            Ok(()) => self.double.reply_to_body(self.number, &self.bytes),
            Err(fault) => self.double.reply_to_fault(self.number, fault),
        })
    }

    fn give_up(mut self: Box<Self>) -> Option<Response> {
        self.end();
        self.double.break_off(self.number);
        self.double.give_up(self.number)
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        let is_told = self.is_over || self.double.is_closed();
        assert!(is_told || std::thread::panicking(), "request {} was not told how its body ended", self.number);
    }
}
