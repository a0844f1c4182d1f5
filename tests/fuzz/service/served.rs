//! A service on an engine of its own, and the work that a front does with its answers.

use std::sync::Arc;
use std::sync::mpsc::channel;

use memory_tools::api::message::{
    Answer, BodyFault, Finished, Intake, Method, Part, Pulled, Request, RequestBody, Response, ResponseBody, Step,
    Taken, Work,
};
use memory_tools::api::{Api, ApiOptions, Handle};
use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::base::health::Health;
use memory_tools::engine::{Engine, EngineOptions};
use memory_tools::journal::{ChangesLimits, Journal, Sequence};
use memory_tools::model::{BackupAnswer, Lsn, Operate, ReloadAnswer, Reloaded, Reread, SnapshotAnswer, SnapshotMoment};

use super::asked::Asked;
use super::reply::{Reply, written};

/// 2026-11-22T19:00:00.000Z.
const START: UnixMillis = UnixMillis(1_795_374_000_000);

/// Steps of one answer, whatever they are: far more than an input of some kilobytes needs.
const STEPS_MAX: usize = 10_000;

/// How often a stream is woken in vain before it is left alone: a stream of events never ends by itself.
const WAITS_MAX: usize = 4;

/// A service.
pub struct Served {
    api: Api,
    clock: Arc<ManualClock>,
}

/// Takes every snapshot as begun, and has nothing to read again.
struct Operator;

impl Operate for Operator {
    fn snapshot(&self, _: SnapshotMoment, tell: Box<dyn FnOnce(SnapshotAnswer) + Send>) {
        tell(SnapshotAnswer::Started);
    }

    fn reload(&self, tell: Box<dyn FnOnce(ReloadAnswer) + Send>) {
        tell(ReloadAnswer::Done(Reloaded { certificate: Reread::Absent, tokens: Reread::Absent }));
    }

    fn backup(&self, tell: Box<dyn FnOnce(BackupAnswer) + Send>) {
        tell(BackupAnswer::AlreadyRunning);
    }
}

impl Served {
    /// One with nothing in it.
    pub fn new() -> Served {
        let clock = Arc::new(ManualClock::at(START));
        let health = Arc::new(Health::default());
        let sequence = Sequence::new(Lsn(1), Lsn(1), Box::new(|_| Ok(())), Arc::clone(&health));
        let limits = ChangesLimits { entries_max: 16, bytes_max: 1 << 20, readers_max: 4 };
        let journal = Arc::new(Journal::off(sequence).with_changes(limits));
        let options = EngineOptions { shards: 2, collections_max: 4 };
        let engine = Arc::new(Engine::new(options, Arc::clone(&journal), clock.clone()));
        let options = ApiOptions {
            document_bytes_max: 4096,
            bulk_operations_max: 100,
            bulk_bytes_max: 1 << 20,
            url: "http://localhost".to_owned(),
        };
        let api = Api::new(engine, Arc::new(Operator), clock.clone(), health, options).telling(journal);
        Served { api, clock }
    }

    /// Lets time pass.
    pub fn advance(&self, millis: u64) {
        self.clock.advance(millis);
    }

    /// Asks, and works the answer to its end.
    ///
    /// # Panics
    /// When the answer has no end, or is one that no front could do anything with.
    pub fn ask(&self, asked: &Asked<'_>) -> Reply {
        let body = match asked.part_sizes.is_empty() {
            true => RequestBody::Bytes(asked.body),
            false => RequestBody::Awaited { length: asked.length() },
        };
        let mut answer = self.handle(asked, body);
        if let Answer::Gather { bytes_max } = answer {
            assert!(!asked.part_sizes.is_empty(), "a body that is here is asked for");
            let is_too_large = asked.body.len() > bytes_max;
            assert!(!is_too_large || !asked.is_measured, "more was announced than is asked for");
            answer = self.handle(asked, gathered(asked, is_too_large));
            assert!(!matches!(answer, Answer::Gather { .. }), "a body that is here is asked for again");
        }
        let response = match answer {
            Answer::Reply(response) => response,
            Answer::Stream(intake) => take(intake, asked),
            Answer::Work(work) => work_off(work),
            Answer::Later(later) => {
                let (deliver, delivered) = channel();
                later(Box::new(move |response| deliver.send(response).expect("it is waited for")));
                delivered.try_recv().expect("whatever is asked for is there at once")
            }
            Answer::Gather { .. } => unreachable!("it was gathered"),
            Answer::Again => panic!("there is room: nothing is kept"),
        };
        self.read(response)
    }

    fn handle(&self, asked: &Asked<'_>, body: RequestBody<'_>) -> Answer {
        let method = Method::from_name(asked.method);
        self.api.handle(Request { method, target: asked.target, headers: asked, body })
    }

    fn read(&self, response: Response) -> Reply {
        let headers = written(&response);
        let mut body = Vec::new();
        match response.body {
            ResponseBody::Pieces(pieces) => pieces.iter().for_each(|piece| body.extend_from_slice(piece.bytes())),
            ResponseBody::Stream(mut stream) => {
                let (mut part, mut waits) = (Part::new(), 0);
                let mut pulls = 0..STEPS_MAX;
                loop {
                    assert!(pulls.next().is_some(), "a body has no end");
                    let pulled = stream.pull(&mut part);
                    part.pieces().iter().for_each(|piece| body.extend_from_slice(piece.bytes()));
                    part.clear();
                    match pulled {
                        Pulled::More => {}
                        Pulled::Waits if waits < WAITS_MAX => {
                            waits += 1;
                            let at_most = stream.when_ready(Box::new(|| {}));
                            self.advance(at_most.as_millis() as u64);
                        }
                        Pulled::Waits | Pulled::Ended => break,
                    }
                }
            }
        }
        if response.head_only {
            body.clear();
        }
        Reply { status: response.status, headers, body }
    }
}

/// A body that was asked for, when there is more of it than was, and when there is not.
fn gathered<'a>(asked: &Asked<'a>, is_too_large: bool) -> RequestBody<'a> {
    match asked.outcome() {
        _ if is_too_large => RequestBody::Failed(BodyFault::TooLarge),
        Ok(()) => RequestBody::Bytes(asked.body),
        Err(fault) => RequestBody::Failed(fault),
    }
}

fn take(mut intake: Box<dyn Intake>, asked: &Asked<'_>) -> Response {
    for part in asked.parts() {
        let mut steps = 0..STEPS_MAX;
        let mut taken = intake.take(part);
        loop {
            match taken {
                Taken::More => break,
                Taken::Again => {}
                Taken::NoRoom => panic!("there is room: nothing is kept"),
                Taken::Done(response) => return response,
            }
            assert!(steps.next().is_some(), "a part has no end");
            taken = intake.take(&[]);
        }
    }
    match intake.finish(asked.outcome()) {
        Finished::Reply(response) => response,
        Finished::Work(work) => work_off(work),
    }
}

fn work_off(mut work: Box<dyn Work>) -> Response {
    for _ in 0..STEPS_MAX {
        match work.step() {
            Step::More => {}
            Step::NoRoom => panic!("there is room: nothing is kept"),
            Step::Done(response) => return response,
        }
    }
    panic!("work has no end");
}
