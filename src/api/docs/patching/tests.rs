//! Patches whose document is changed by others at every try.

use std::sync::Arc;

use parking_lot::Mutex;

use super::super::super::Handle;
use super::super::super::message::{
    Answer, Field, Headers, Method, Request, RequestBody, ResponseBody, Step, Value, Work,
};
use super::super::super::tests::over;
use super::TRIES_AT_ONCE;
use crate::base::limits::PATCH_TRIES_MAX;
use crate::model::{Command, Deadline, Document, Effect, Entry, Execute, Expiry, Lsn, Outcome, Refusal, Rest};

/// What becomes of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is made.
    Made,
    /// Somebody else was faster.
    Lost,
    /// There is no room.
    NoRoom,
}

/// A store of one document, whose version grows with each put that is lost.
struct Busy {
    /// What becomes of the puts, the next one last; those beyond are lost.
    fates: Mutex<Vec<Fate>>,
    version: Mutex<Lsn>,
}

impl Execute for Busy {
    fn execute(&self, command: Command<'_>) -> Result<Outcome, Refusal> {
        let mut version = self.version.lock();
        match command {
            Command::Get { key, .. } => {
                let document = Document::new(key, b"{\"n\":0}");
                let entry = Entry { document, version: *version, deadline: Deadline::NEVER };
                Ok(Outcome { rest: Rest::Seen(*version), effect: Effect::Found(entry) })
            }
            Command::Put { document, expiry, condition, .. } => {
                assert!(condition.holds(Some(*version)) && !condition.holds(None), "guarded by what was read");
                assert_eq!((expiry, document.value()), (Expiry::Keep, &b"{\"n\":1}"[..]));
                let fate = self.fates.lock().pop().unwrap_or(Fate::Lost);
                let before = *version;
                *version = Lsn(before.0 + u64::from(fate != Fate::NoRoom));
                let (rest, effect) = match fate {
                    Fate::NoRoom => return Err(Refusal::JournalBusy),
                    Fate::Lost => (Rest::Seen(*version), Effect::ConditionFailed { current: Some(*version) }),
                    Fate::Made => {
                        let (version, deadline, replaced) = (*version, Deadline::NEVER, Some(document));
                        (Rest::Written(version), Effect::Written { version, deadline, replaced })
                    }
                };
                Ok(Outcome { rest, effect })
            }
            other => panic!("{other:?}"),
        }
    }
}

struct Fields(Option<&'static str>);

impl Headers for Fields {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        match (name, self.0) {
            ("Content-Type", _) => each("application/vnd.memory-tools.ops+json"),
            ("If-Match", Some(tag)) => each(tag),
            _ => {}
        }
    }
}

/// The answer to an `inc`, when the puts fare so.
fn answer(fates: &[Fate], if_match: Option<&'static str>) -> Answer {
    let busy = Busy { fates: Mutex::new(fates.iter().rev().copied().collect()), version: Mutex::new(Lsn(1)) };
    let api = over(Arc::new(busy));
    let body = RequestBody::Bytes(b"[{\"op\":\"inc\",\"path\":\"/n\",\"value\":1}]");
    api.handle(Request { method: Method::Patch, target: "/v1/docs/a", headers: &Fields(if_match), body })
}

fn work(fates: &[Fate]) -> Box<dyn Work> {
    let Answer::Work(work) = answer(fates, None) else { panic!("it is not left to work") };
    work
}

const LOST: Fate = Fate::Lost;

#[test]
fn a_patch_that_is_overtaken_is_made_anew_from_what_is_there_then() {
    let Answer::Reply(response) = answer(&[LOST, LOST, Fate::Made], None) else { panic!("no reply") };
    assert_eq!((response.status, response.rest), (200, Rest::Written(Lsn(4))));
}

#[test]
fn a_patch_that_is_overtaken_again_and_again_lets_others_have_their_turns() {
    assert_eq!(TRIES_AT_ONCE, 3);
    let mut work = work(&[LOST, LOST, LOST, LOST, Fate::NoRoom, Fate::Made]);
    assert!(matches!(work.step(), Step::More));
    assert!(matches!(work.step(), Step::NoRoom));
    let Step::Done(response) = work.step() else { panic!("not done") };
    assert_eq!((response.status, response.rest), (200, Rest::Written(Lsn(6))));
}

#[test]
fn a_patch_that_finds_no_room_at_once_is_asked_for_again() {
    assert!(matches!(answer(&[Fate::NoRoom], None), Answer::Again));
}

#[test]
fn a_patch_whose_own_condition_does_not_hold_any_more_is_not_made() {
    let Answer::Reply(response) = answer(&[LOST, Fate::Made], Some("\"1\"")) else { panic!("no reply") };
    assert_eq!((response.status, response.rest), (412, Rest::Seen(Lsn(2))));
    let Answer::Reply(response) = answer(&[LOST, Fate::Made], Some("*")) else { panic!("no reply") };
    assert_eq!(response.status, 200);
}

#[test]
fn a_patch_that_never_gets_through_ends_with_a_503() {
    let mut work = work(&[]);
    let mut steps = 1;
    let response = loop {
        match work.step() {
            Step::Done(response) => break response,
            Step::More => steps += 1,
            Step::NoRoom => panic!("there is room"),
        }
    };
    assert_eq!((response.status, steps), (503, PATCH_TRIES_MAX - TRIES_AT_ONCE));
    assert!(response.headers.contains(&Field::Named("Retry-After", Value::Number(1))));
    let ResponseBody::Pieces(pieces) = response.body else { panic!("not pieces") };
    let text = String::from_utf8_lossy(pieces[0].bytes()).into_owned();
    assert!(text.contains("\"code\":\"patch_contended\"") && text.contains("\"tries\":1000"), "{text}");
}
