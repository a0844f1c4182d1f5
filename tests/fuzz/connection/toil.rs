//! Work in steps: one that goes on, one that finds no room at first, and one that ends in the reply.

use memory_tools::api::message::{Response, Step, Work};

use super::double::{Double, Open};

/// Steps of all work.
const STEPS: usize = 3;

/// The work for a request.
pub struct Toil {
    number: usize,
    double: Double,
    /// The body that was taken for it.
    body: Option<Vec<u8>>,
    done: usize,
    has_room: bool,
    is_over: bool,
}

impl Toil {
    /// Of the request `number`, which the double has noted.
    pub fn new(number: usize, double: Double, body: Option<Vec<u8>>) -> Toil {
        Toil { number, double, body, done: 0, has_room: false, is_over: false }
    }

    fn end(&mut self) {
        assert!(!self.is_over, "work that was over goes on");
        self.is_over = true;
        self.double.end(Open::Work(self.number));
    }
}

impl Work for Toil {
    fn step(&mut self) -> Step {
        assert!(!self.is_over, "work that was over goes on");
        if self.done == 1 && !std::mem::replace(&mut self.has_room, true) {
            return Step::NoRoom;
        }
        self.done += 1;
        if self.done < STEPS {
            return Step::More;
        }
        self.end();
        Step::Done(match &self.body {
            Some(body) => self.double.reply_to_body(self.number, body),
            None => self.double.reply(self.number, 200, "done "),
        })
    }

    fn give_up(mut self: Box<Self>) -> Option<Response> {
        self.end();
        self.double.give_up(self.number)
    }
}

impl Drop for Toil {
    fn drop(&mut self) {
        let is_told = self.is_over || self.double.is_closed();
        assert!(is_told || std::thread::panicking(), "the work of request {} was forgotten", self.number);
    }
}
