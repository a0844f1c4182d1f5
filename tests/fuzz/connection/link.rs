//! Session and peer with nothing between them: what a thread of the reactor does with a connection, step by step.
//!
//! `turn` is `front::reactor::connection` with a socket that the script moves.
//! It asserts after every step that the thread's buffer is left empty and that the session keeps no more than its
//! limits allow; that each request is counted once, however it ends; and behind the last step that the session comes to an end by itself once everything flows, with
//! nothing left of what it counted among the bodies.

use std::cell::Cell;
use std::io::IoSlice;
use std::sync::Arc;

use memory_tools::api::RouteNumber;
use memory_tools::front::reactor::context::{Context, Millis, Rules};
use memory_tools::front::reactor::mail::{Address, Letter, Mailbox, News};
use memory_tools::front::reactor::outbox::SLICES;
use memory_tools::front::reactor::sections::Sections;
use memory_tools::front::reactor::session::{Expired, Session};
use memory_tools::front::requests::{Recorder, Requests};

use super::double::Double;
use super::ledger::Ledger;
use super::made::{LARGE_BYTES, STREAM_DOCUMENT_BYTES};
use super::replies::Reply;
use super::script::{Script, Step};
use super::verdict::{Inbox, Scene};

/// Bytes that are read at once.
const READ_BYTES: usize = 2 << 10;

/// Rounds of a turn, of deadlines at one moment, and of the end. More are a loop without an end.
const ROUNDS_MAX: usize = 20_000;

/// Room for the head of a reply, or for the body of a refusal.
const REPLY_BYTES: usize = 1 << 10;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// What came of a run.
pub struct Ended {
    /// Bytes of the conversation that arrived.
    pub arrived: usize,
    /// The replies.
    pub replies: Vec<Reply>,
    /// True when the last reply was given, and the connection closed, because a body that nobody wanted, or not to its
    /// end, was still to come.
    pub is_cut_short: bool,
}

/// Runs `script` to its end and beyond.
pub fn run(script: &Script<'_>) -> Ended {
    let mut link = Link::new(script);
    for step in &script.steps {
        if link.is_closed() {
            break;
        }
        link.step(*step);
        link.check_bounds();
    }
    link.finish();
    link.check_end();
    let last = link.inbox.replies.len().checked_sub(1).and_then(|last| link.double.asked(last));
    let is_cut_short = last.is_some_and(|asked| asked.was_awaited && (!asked.wants_body || asked.is_broken_off));
    Ended { arrived: link.arrived, replies: link.inbox.replies, is_cut_short }
}

/// How a connection stands with its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// All was said, and all of it sent.
    Over,
    /// Closed by a deadline, or by the peer, whatever was still to be said.
    Broken,
}

struct Link<'s> {
    // Constant after construction.
    conversation: &'s [u8],
    rules: Rules,
    double: Double,
    ledger: Ledger,
    mailbox: Mailbox,
    // The thread's.
    now: Millis,
    is_draining: bool,
    out: Vec<u8>,
    sections: Sections,
    bodies_bytes: Cell<usize>,
    has_asked: Cell<bool>,
    requests: Arc<Requests>,
    recorder: Recorder,
    // The connection's.
    session: Session,
    state: State,
    may_write: bool,
    /// True when streams end where they would wait.
    ends_waits: bool,
    // The peer's.
    arrived: usize,
    read: usize,
    end: End,
    /// Bytes that it takes; all there are when there is no number.
    takes: Option<usize>,
    inbox: Inbox,
    /// Whether the session was reading at the end of the last turn, and since when.
    reads: bool,
    reads_since: Millis,
    /// How long it had been reading at a deadline that made a reply, at most.
    patience: Millis,
}

/// How far the peer's end of input has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// The peer sends nothing more.
    Said,
    /// The session has been told.
    Told,
}

impl<'s> Link<'s> {
    fn new(script: &Script<'s>) -> Link<'s> {
        let requests = Arc::new(Requests::default());
        Link {
            recorder: requests.recorder(),
            requests,
            conversation: script.conversation,
            rules: script.rules(),
            double: Double::new(&script.rules()),
            ledger: Ledger::default(),
            mailbox: Mailbox::new(Arc::new(|| {})),
            now: 0,
            is_draining: false,
            out: Vec::new(),
            sections: Sections::default(),
            bodies_bytes: Cell::new(0),
            has_asked: Cell::new(false),
            session: Session::new(0),
            state: State::Open,
            may_write: true,
            ends_waits: false,
            arrived: 0,
            read: 0,
            end: End::Open,
            takes: None,
            inbox: Inbox::default(),
            reads: true,
            reads_since: 0,
            patience: 0,
        }
    }

    fn is_closed(&self) -> bool {
        self.state != State::Open
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Arrive(bytes) if self.end == End::Open => {
                self.arrived = self.conversation.len().min(self.arrived.saturating_add(bytes));
                self.turn();
            }
            Step::Arrive(_) => {}
            Step::Take(bytes) => {
                self.takes = Some(self.takes.unwrap_or(0).saturating_add(bytes));
                self.may_write = true;
                self.turn();
            }
            Step::Flow => {
                self.takes = None;
                self.may_write = true;
                self.turn();
            }
            Step::Stall => self.takes = Some(0),
            Step::Pass(millis) => self.pass(self.now.saturating_add(millis)),
            Step::Expire => {
                if let Some(deadline) = self.session.deadline(&self.rules) {
                    self.pass(deadline);
                }
            }
            Step::Release(further) => self.ledger.release(further),
            Step::Deny => self.ledger.deny(),
            Step::Make => drop(self.double.make()),
            Step::Forget => self.double.forget(),
            Step::Mail => self.read_mail(),
            Step::Work => drop(self.run_step()),
            Step::Room => drop(self.ledger.make_room()),
            Step::Wake => drop(self.double.wake()),
            Step::Leave => {
                self.ends_waits = true;
                self.session.outbox().end_waits();
                self.turn();
            }
            Step::Drain => {
                self.is_draining = true;
                self.turn();
            }
            Step::End => {
                self.end = End::Said;
                self.turn();
            }
            Step::Reset => self.close(State::Broken),
        }
    }

    /// Everything flows, until nothing more happens. The clock stands.
    fn finish(&mut self) {
        self.ledger.release(u64::MAX);
        self.takes = None;
        self.may_write = true;
        if self.end == End::Open {
            self.arrived = self.conversation.len();
            self.end = End::Said;
        }
        for _ in 0..ROUNDS_MAX {
            if self.is_closed() {
                return;
            }
            self.turn();
            self.read_mail();
            self.check_bounds();
            let goes_on = self.run_step() | self.ledger.make_room() | self.double.wake() | self.double.make();
            if !self.is_closed() && !goes_on {
                // One more, for what the mail has moved.
                self.turn();
                self.read_mail();
                assert!(self.is_closed(), "it neither goes on nor ends");
            }
        }
        panic!("it never ends");
    }

    /// Time passes up to `until`; what is due on the way is done when it is due.
    fn pass(&mut self, until: Millis) {
        for _ in 0..ROUNDS_MAX {
            let deadline = self.session.deadline(&self.rules).filter(|deadline| *deadline <= until);
            let Some(deadline) = deadline.filter(|_| !self.is_closed()) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(deadline);
            match self.with_session(Session::expire) {
                Expired::Close => self.close(State::Broken),
                Expired::Nothing => self.turn(),
                Expired::Answered => {
                    let patience = if self.reads { self.now - self.reads_since } else { 0 };
                    self.patience = self.patience.max(patience);
                    self.turn();
                }
            }
        }
        panic!("a deadline is due for ever");
    }

    /// Runs a step of work, as the thread does between the turns; false when there is none.
    fn run_step(&mut self) -> bool {
        let has_step = !self.is_closed() && self.session.has_step();
        if has_step {
            self.with_session(Session::step);
            self.turn();
        }
        has_step
    }

    fn read_mail(&mut self) {
        while let Some(Letter { to: _, ticket, news }) = self.mailbox.take() {
            if self.is_closed() {
                continue;
            }
            self.with_session(|session, cx| match news {
                News::Durable(outcome) => session.outbox().settle(ticket, outcome),
                News::Reply(response) => session.deliver(ticket, response.map(|boxed| *boxed), cx),
                News::Room => session.try_again(ticket, cx),
                News::More => session.outbox().wake(ticket),
            });
            self.turn();
        }
    }

    /// A turn, and the end of an idle connection while the server stops.
    fn turn(&mut self) {
        self.work();
        if self.is_draining && !self.is_closed() && self.session.is_idle() {
            self.with_session(|session, cx| session.end(cx));
            self.work();
        }
        if !self.is_closed() {
            assert!(self.out.is_empty(), "something is left in the thread's buffer");
            self.check_rest();
            let reads = self.with_session(|session, cx| session.wants_input(cx));
            if !self.reads {
                self.reads_since = self.now;
            }
            self.reads = reads;
        }
    }

    /// Nothing could be sent and nothing asked of the ledger, or nobody would ever do it.
    fn check_rest(&mut self) {
        let waiting = self.ledger.waiting();
        self.with_session(|session, cx| session.outbox().prepare(cx));
        assert_eq!(self.ledger.waiting(), waiting, "a turn ends with something to ask for");
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = self.session.outbox().slices(&self.out, &mut slices);
        assert!(count == 0 || !self.may_write, "a turn ends with something to send");
    }

    fn work(&mut self) {
        for _ in 0..ROUNDS_MAX {
            if self.is_closed() {
                return;
            }
            self.flush();
            if self.session.is_over() {
                return self.close(State::Over);
            }
            if self.with_session(Session::go_on) {
                continue;
            }
            if !self.with_session(|session, cx| session.wants_input(cx)) || !self.receive() {
                return;
            }
        }
        panic!("a turn never ends");
    }

    /// Reads once; false when there is nothing.
    fn receive(&mut self) -> bool {
        if self.read < self.arrived {
            let end = self.arrived.min(self.read + READ_BYTES);
            let input = &self.conversation[self.read..end];
            self.read = end;
            self.with_session(|session, cx| session.receive(input, cx));
            return true;
        }
        if self.end == End::Said {
            self.end = End::Told;
            self.with_session(Session::end_of_input);
            return true;
        }
        false
    }

    fn flush(&mut self) {
        for _ in 0..ROUNDS_MAX {
            self.with_session(|session, cx| session.outbox().prepare(cx));
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.session.outbox().slices(&self.out, &mut slices);
            let total: usize = slices[..count].iter().map(|slice| slice.len()).sum();
            if total == 0 {
                return self.session.outbox().flow();
            }
            let taken = self.takes.unwrap_or(usize::MAX).min(total);
            self.may_write &= taken > 0;
            if !self.may_write {
                return self.with_session(|session, cx| session.outbox().stall(cx));
            }
            let bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).take(taken).collect();
            self.takes = self.takes.map(|takes| takes - taken);
            self.with_inbox(|inbox, scene| inbox.take(&bytes, scene));
            self.with_session(|session, cx| session.sent(taken, cx));
        }
        panic!("there is always more to send");
    }

    fn close(&mut self, state: State) {
        let bodies_bytes = self.bodies_bytes.get();
        assert!(state != State::Over || bodies_bytes == 0, "{bodies_bytes} bytes of bodies are still counted");
        self.state = state;
        self.double.close();
        self.out.clear();
        self.with_session(|session, cx| session.abandon(cx));
        let (refused, asked): (Vec<_>, Vec<_>) =
            self.requests.read().requests.into_iter().partition(|((route, ..), _)| *route == RouteNumber::NONE);
        let sum = |counted: &[(_, u64)]| counted.iter().map(|(_, count)| count).sum::<u64>();
        assert_eq!(sum(&asked), self.double.count() as u64, "each request is counted once: {asked:?}");
        assert!(sum(&refused) <= 1, "nothing is behind a refusal: {refused:?}");
    }

    fn with_session<T>(&mut self, act: impl FnOnce(&mut Session, &mut Context<'_>) -> T) -> T {
        self.double.at(self.now);
        let mut cx = Context {
            handler: &self.double,
            durability: &self.ledger,
            rules: &self.rules,
            date: DATE,
            now: self.now,
            came: self.recorder.latest(),
            recorder: &self.recorder,
            is_draining: self.is_draining,
            out: &mut self.out,
            sections: &self.sections,
            bodies_bytes: &self.bodies_bytes,
            has_asked: &self.has_asked,
            post: self.mailbox.post(),
            address: Address::default(),
            peer: None,
        };
        act(&mut self.session, &mut cx)
    }

    fn with_inbox(&mut self, act: impl FnOnce(&mut Inbox, Scene<'_>)) {
        let scene = Scene {
            double: &self.double,
            ledger: &self.ledger,
            rules: &self.rules,
            now: self.now,
            arrived: &self.conversation[..self.arrived],
            patience: self.patience,
            ends_waits: self.ends_waits || self.is_draining,
        };
        act(&mut self.inbox, scene);
    }

    /// What the session keeps, against what its options allow.
    fn check_bounds(&self) {
        let Rules { head, unsent_bytes_max, stream_buffer_bytes, bodies_bytes_max, pipelined_requests_max, .. } =
            &self.rules;
        let bodies = self.bodies_bytes.get();
        assert!(bodies <= *bodies_bytes_max, "{bodies} bytes of bodies are kept, {bodies_bytes_max} are allowed");
        let input = head.head_bytes_max.max(head.target_bytes_max) + READ_BYTES + bodies;
        // A request is begun while there is room, and a part of a stream made; both may then be large.
        let replies = unsent_bytes_max + LARGE_BYTES + pipelined_requests_max * REPLY_BYTES;
        let streams = stream_buffer_bytes + STREAM_DOCUMENT_BYTES;
        let (held, bound) = (self.session.held_bytes(), input + replies + streams);
        assert!(held <= bound, "{held} bytes are kept, {bound} are allowed");
        let unsent = self.double.count().saturating_sub(self.inbox.replies.len());
        assert!(unsent <= *pipelined_requests_max, "{unsent} requests are in progress");
    }

    fn check_end(&mut self) {
        assert_eq!(self.bodies_bytes.get(), 0, "bodies are still counted");
        if self.state == State::Over {
            self.with_inbox(Inbox::end);
        }
    }
}
