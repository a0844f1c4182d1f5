//! What a turn of the reactor leaves behind: whatever could go on has gone on, or is waited for.

#[path = "support/desk.rs"]
mod desk;
#[path = "support/wire.rs"]
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memory_tools::api::Handle;
use memory_tools::api::message::{
    Answer, BodyFault, BodyStream, Finished, Intake, Part, Pulled, Request, Response, ResponseBody, Taken,
};
use memory_tools::front::reactor::context::Rules;
use memory_tools::front::reactor::session::Session;

use desk::Desk;
use wire::{Double, Ledger, get, rules, serve_rules, until};

/// Nothing was queued when the third request ran, so that nothing was sent behind it, and nobody asked when it may
/// leave: its connection hung, without a deadline.
#[test]
fn a_reply_of_a_request_that_waited_for_room_is_asked_for() {
    let served = serve_rules(Rules { pipelined_requests_max: 2, ..rules() });
    let mut client = served.connect();
    client.send(&["/lsn/10", "/lsn/10", "/lsn/20", "/lsn/20"].map(get).concat());
    until("the first waits", || served.ledger.waiting() == 1);
    assert_eq!(served.double.handled(), 2);
    served.ledger.release(10);
    (0..2).for_each(|_| assert_eq!(client.reply().text(), "GET /lsn/10 1\n"));
    until("the third waits", || served.ledger.waiting() == 1);
    served.ledger.release(20);
    (0..2).for_each(|_| assert_eq!(client.reply().text(), "GET /lsn/20 1\n"));
}

/// The first write after a pause may find the kernel's buffer full.
#[test]
fn a_stream_is_not_made_further_ahead_when_a_write_takes_nothing() {
    let (double, ledger) = (Double::default(), Ledger::default());
    let mut desk = Desk::new(Rules { stream_buffer_bytes: 100_000, ..desk::rules() });
    let mut session = Session::new(0);
    let mut cx = desk.context(&double, &ledger);
    session.receive(get("/stream?1000000").as_bytes(), &mut cx);
    session.outbox().prepare(&mut cx);
    let made = double.pulled.load(Ordering::SeqCst);
    session.outbox().prepare(&mut cx);
    assert_eq!(double.pulled.load(Ordering::SeqCst), made);
}

/// Answers with a stream that looks around twice before it has something to say.
#[derive(Default)]
struct Slow(Arc<AtomicUsize>);

impl Handle for Slow {
    fn handle(&self, _: Request<'_>) -> Answer {
        let mut response = Response::new(200);
        response.body = ResponseBody::Stream(Box::new(Looks(Arc::clone(&self.0))));
        Answer::Reply(response)
    }
}

struct Looks(Arc<AtomicUsize>);

impl BodyStream for Looks {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        if self.0.fetch_add(1, Ordering::SeqCst) < 2 {
            return Pulled::More;
        }
        part.push_bytes(b"found");
        Pulled::Ended
    }
}

/// A listing passed over ten million documents that had expired, and its thread served nobody else meanwhile.
#[test]
fn a_stream_that_made_nothing_is_pulled_once_a_turn_and_not_cut_short() {
    let (handler, ledger) = (Slow::default(), Ledger::default());
    let mut desk = Desk::new(desk::rules());
    let mut session = Session::new(0);
    let mut cx = desk.context(&handler, &ledger);
    session.receive(get("/").as_bytes(), &mut cx);
    for pulled in 1..=3 {
        // Its reader sends nothing more.
        session.outbox().end_waits();
        for _ in 0..2 {
            session.outbox().prepare(&mut cx);
            assert_eq!(handler.0.load(Ordering::SeqCst), pulled);
        }
        cx.now += 1000;
    }
    assert!(cx.out.ends_with(b"5\r\nfound\r\n0\r\n\r\n"), "{}", cx.out.escape_ascii());
}

/// Takes a body in parts, and keeps all of it to its end.
struct Keeps;

struct Kept(usize);

impl Handle for Keeps {
    fn handle(&self, _: Request<'_>) -> Answer {
        Answer::Stream(Box::new(Kept(0)))
    }
}

impl Intake for Kept {
    fn take(&mut self, part: &[u8]) -> Taken {
        self.0 += part.len();
        Taken::More
    }

    fn held_bytes(&self) -> usize {
        self.0
    }

    fn finish(self: Box<Self>, end: Result<(), BodyFault>) -> Finished {
        Finished::Reply(Response::new(if end == Err(BodyFault::Crowded) { 503 } else { 200 }))
    }
}

/// Lines that do not end were bounded for each connection, and not for all of them together.
#[test]
fn what_intakes_hold_is_bounded_for_all_connections_of_a_thread_together() {
    let ledger = Ledger::default();
    let mut desk = Desk::new(Rules { bodies_bytes_max: 100_000, ..desk::rules() });
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60001\r\n\r\n";
    let [mut first, mut second, mut third] = [0, 1, 2].map(|_| Session::new(0));
    let mut replies = |session: &mut Session, bytes: usize, head: &[u8]| {
        let mut cx = desk.context(&Keeps, &ledger);
        session.receive(&[head, &vec![b'x'; bytes]].concat(), &mut cx);
        session.outbox().prepare(&mut cx);
        let sent = String::from_utf8(std::mem::take(cx.out)).unwrap();
        sent.get(..12).unwrap_or_default().to_owned()
    };
    assert_eq!(replies(&mut first, 60_000, head), "");
    assert_eq!(replies(&mut second, 30_000, head), "");
    assert_eq!(replies(&mut second, 30_000, b""), "HTTP/1.1 503", "beside the first it is too much");
    assert_eq!(replies(&mut first, 1, b""), "HTTP/1.1 200");
    assert_eq!(replies(&mut third, 60_001, head), "HTTP/1.1 200", "nothing is counted any more");
}
