//! The way from a request to its reply: the handler is asked, gets the body as it wants it, and is waited for, as is
//! room for what it writes. The threads of the pool may block, so all of it happens in place.
//!
//! Invariant: the handler is asked at most twice, and once more each time that it said so (`Again`); nothing is read of
//! a body that it did not want.

use std::time::{Duration, Instant};

use crate::api::Handle;
use crate::api::message::{
    Answer, Finished, Headers, Intake, Later, Method, Request, RequestBody, Response, Step, Taken, Work,
};
use crate::base::log;
use crate::front::problem::{self, Unavailable};
use crate::model::Durability;

use super::body::Body;
use super::panics;

/// How much of a body an intake gets at once.
const PART_BYTES: usize = 16 << 10;

/// What does not change from one asking to the next.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) method: Method,
    pub(super) target: &'a str,
    pub(super) headers: &'a dyn Headers,
}

/// Who is asked, and for how long room is waited for.
#[derive(Clone, Copy)]
pub(super) struct Handler<'a> {
    pub(super) handler: &'a dyn Handle,
    pub(super) durability: &'a dyn Durability,
    pub(super) write_timeout: Duration,
}

/// Has `handler` answer. `buffer` holds the body if that has ended, else nothing; a body that is wanted whole is
/// gathered there.
pub(super) fn reply_to(handler: Handler<'_>, head: Head<'_>, buffer: &mut Vec<u8>, body: &mut Body<'_>) -> Response {
    let answer = if body.has_ended() {
        ask(handler, head, RequestBody::Bytes(buffer))
    } else {
        match ask(handler, head, RequestBody::Awaited { length: body.length() }) {
            Answer::Gather { bytes_max } => {
                let gathered = body.gather(buffer, bytes_max);
                ask(handler, head, gathered.map_or_else(RequestBody::Failed, |()| RequestBody::Bytes(buffer)))
            }
            answer => answer,
        }
    };
    let mut response = match answer {
        Answer::Reply(response) => response,
        Answer::Stream(intake) => feed(handler, intake, buffer, body),
        Answer::Later(later) => wait(later),
        Answer::Work(work) => work_off(handler, work),
        Answer::Again => {
            let mut response = problem::of_unavailable(Unavailable::JournalBusy);
            handler.handler.complete(head.headers, &mut response);
            response
        }
        Answer::Gather { .. } => log::abort(format_args!("the handler of {} wants a body that it has", head.target)),
    };
    response.head_only |= head.method == Method::Head;
    response
}

/// Asks, and asks again whenever there is room for what found none; gives `Again` when that takes too long.
fn ask(handler: Handler<'_>, head: Head<'_>, body: RequestBody<'_>) -> Answer {
    let Head { method, target, headers } = head;
    let mut until: Option<Instant> = None;
    loop {
        let request = Request { method, target, headers, body };
        match panics::ours("answering a request", || handler.handler.handle(request)) {
            Answer::Again => {
                let until = *until.get_or_insert_with(|| Instant::now() + handler.write_timeout);
                if !had_room(handler.durability, until) {
                    return Answer::Again;
                }
            }
            answer => return answer,
        }
    }
}

/// Does work, one step behind the other; each may wait for room for as long as a write may. A peer that goes away
/// meanwhile is noticed when the reply is there.
fn work_off(handler: Handler<'_>, mut work: Box<dyn Work>) -> Response {
    let mut until: Option<Instant> = None;
    loop {
        match panics::ours("doing the work of a request", || work.step()) {
            Step::More => until = None,
            Step::NoRoom => {
                let until = *until.get_or_insert_with(|| Instant::now() + handler.write_timeout);
                if !had_room(handler.durability, until) {
                    let reply = panics::ours("giving up the work of a request", || work.give_up());
                    return reply.unwrap_or_else(|| problem::of_unavailable(Unavailable::JournalBusy));
                }
            }
            Step::Done(response) => return response,
        }
    }
}

/// Waits for room until the moment `until`; false when there was none.
fn had_room(durability: &dyn Durability, until: Instant) -> bool {
    let (tell, told) = crossbeam_channel::bounded(1);
    durability.when_room(Box::new(move || {
        // Nobody listens any more when the wait has timed out.
        let _ = tell.send(());
    }));
    // A waker that is dropped uncalled leaves no room to hope for.
    Instant::now() < until && told.recv_deadline(until).is_ok()
}

/// Gives `intake` what is `here`, then the rest of `body` as it comes.
fn feed(handler: Handler<'_>, mut intake: Box<dyn Intake>, here: &[u8], body: &mut Body<'_>) -> Response {
    let mut buffer = [0; PART_BYTES];
    let mut part = Ok(here);
    let end = loop {
        match part {
            Ok(part) => {
                let began = Instant::now();
                match give(handler, intake.as_mut(), part) {
                    Taken::More => {}
                    Taken::Done(response) => return response,
                    Taken::Again | Taken::NoRoom => {
                        let reply = panics::ours("giving up a body", || intake.give_up());
                        return reply.unwrap_or_else(|| problem::of_unavailable(Unavailable::JournalBusy));
                    }
                }
                body.excuse(began.elapsed());
            }
            Err(fault) => break Err(fault),
        }
        part = match body.read_part(&mut buffer) {
            Ok([]) => break Ok(()),
            part => part,
        };
    };
    match panics::ours("taking the end of a body", || intake.finish(end)) {
        Finished::Reply(response) => response,
        Finished::Work(work) => work_off(handler, work),
    }
}

/// Gives `intake` a part, unless it is none, and calls it again while it pauses; gives `NoRoom` when there was none for
/// as long as a write may wait.
fn give(handler: Handler<'_>, intake: &mut dyn Intake, part: &[u8]) -> Taken {
    if part.is_empty() {
        return Taken::More;
    }
    let mut until: Option<Instant> = None;
    let mut rest = part;
    loop {
        match panics::ours("taking a body", || intake.take(rest)) {
            Taken::Again => until = None,
            Taken::NoRoom => {
                let until = *until.get_or_insert_with(|| Instant::now() + handler.write_timeout);
                if !had_room(handler.durability, until) {
                    return Taken::NoRoom;
                }
            }
            taken => return taken,
        }
        rest = &[];
    }
}

/// Waits for the reply, however long that takes. When there will be none, what was asked may have been done or not.
fn wait(later: Later) -> Response {
    let (deliver, delivered) = crossbeam_channel::bounded(1);
    let deliver = Box::new(move |response| {
        // Somebody listens, and there is room.
        let _ = deliver.send(response);
    });
    panics::ours("beginning what a reply waits for", || later(deliver));
    delivered.recv().unwrap_or_else(|_| problem::of_unavailable(Unavailable::OutcomeUnknown))
}
