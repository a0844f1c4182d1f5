//! Patches in a bulk whose document is changed by others at every try.

use std::sync::Arc;

use parking_lot::Mutex;

use super::super::Handle;
use super::super::message::{Answer, Finished, Headers, Method, Request, RequestBody, ResponseBody, Step, Taken};
use super::super::message::{Part, Pulled};
use super::super::tests::over;
use crate::base::limits::PATCH_TRIES_MAX;
use crate::model::{
    BatchRefusal, BatchWrite, Command, Condition, Deadline, Document, Effect, Entry, Execute, Lsn, Outcome, Refusal,
    Rest, Written,
};

const LINE: &[u8] = br#"{"op":"patch","key":"a","patch":{"n":1}}"#;

/// A store of one document, which others change in front of the first so many puts.
struct Busy {
    overtaken: Mutex<usize>,
    version: Mutex<u64>,
}

impl Busy {
    /// The version that a put gives, or the one that is in its way.
    fn put(&self, condition: &Condition) -> Result<Lsn, Lsn> {
        let (mut overtaken, mut version) = (self.overtaken.lock(), self.version.lock());
        assert!(condition.holds(Some(Lsn(*version))) && !condition.holds(None), "guarded by what was read");
        *version += 1;
        if *overtaken == 0 {
            return Ok(Lsn(*version));
        }
        *overtaken -= 1;
        Err(Lsn(*version))
    }
}

impl Execute for Busy {
    fn execute(&self, command: Command<'_>) -> Result<Outcome, Refusal> {
        let deadline = Deadline::NEVER;
        Ok(match command {
            Command::Get { key, .. } => {
                let version = Lsn(*self.version.lock());
                let entry = Entry { document: Document::new(key, b"{}"), version, deadline };
                Outcome { rest: Rest::Seen(version), effect: Effect::Found(entry) }
            }
            Command::Put { document, condition, .. } => match self.put(&condition) {
                Ok(version) => {
                    let effect = Effect::Written { version, deadline, replaced: Some(document) };
                    Outcome { rest: Rest::Written(version), effect }
                }
                Err(found) => {
                    let effect = Effect::ConditionFailed { current: Some(found) };
                    Outcome { rest: Rest::Seen(found), effect }
                }
            },
            Command::Batch { writes, .. } => {
                let [BatchWrite::Put { condition, .. }] = writes.as_slice() else { panic!("{writes:?}") };
                match self.put(condition) {
                    Ok(version) => {
                        let written = Written::Put { version, deadline, created: false };
                        Outcome { rest: Rest::Written(version), effect: Effect::Batched(vec![written]) }
                    }
                    Err(found) => {
                        let why = BatchRefusal::ConditionFailed { current: Some(found) };
                        Outcome { rest: Rest::Seen(found), effect: Effect::BatchRefused { index: 0, why } }
                    }
                }
            }
            other => panic!("{other:?}"),
        })
    }
}

struct NoFields;

impl Headers for NoFields {
    fn each(&self, _: &str, _: &mut dyn FnMut(&str)) {}
}

/// Status and text of the reply to a patch that is overtaken so often, and the steps that it took.
fn reply(target: &str, overtaken: usize) -> (u16, String, usize) {
    let busy = Busy { overtaken: Mutex::new(overtaken), version: Mutex::new(1) };
    let api = over(Arc::new(busy));
    let body = RequestBody::Bytes(LINE);
    let request = Request { method: Method::Post, target, headers: &NoFields, body };
    let mut steps = 0;
    let response = match api.handle(request) {
        Answer::Stream(mut intake) => {
            assert!(matches!(intake.take(LINE), Taken::More));
            let Finished::Work(mut work) = intake.finish(Ok(())) else { panic!("no line is left") };
            loop {
                steps += 1;
                if let Step::Done(response) = work.step() {
                    break response;
                }
            }
        }
        Answer::Work(mut work) => loop {
            steps += 1;
            if let Step::Done(response) = work.step() {
                break response;
            }
        },
        _ => panic!("neither lines nor work"),
    };
    let text = match response.body {
        ResponseBody::Pieces(pieces) => pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect(),
        ResponseBody::Stream(mut stream) => {
            let (mut part, mut text) = (Part::new(), Vec::new());
            while stream.pull(&mut part) != Pulled::Ended {}
            part.pieces().iter().for_each(|piece| text.extend_from_slice(piece.bytes()));
            text
        }
    };
    (response.status, String::from_utf8(text).unwrap(), steps)
}

#[test]
fn a_patch_that_is_overtaken_is_computed_anew_and_between_two_tries_others_have_their_turns() {
    for target in ["/v1/docs:bulk", "/v1/docs:bulk?atomic"] {
        let done = |version| format!("{{\"key\":\"a\",\"status\":200,\"version\":{version}}}\n");
        assert_eq!(reply(target, 0), (200, done(2), 1), "{target}");
        assert_eq!(reply(target, 5), (200, done(7), 6), "{target}");
    }
}

#[test]
fn a_patch_that_never_gets_through_is_given_up() {
    let (status, text, steps) = reply("/v1/docs:bulk", usize::MAX);
    assert_eq!((status, steps), (200, PATCH_TRIES_MAX));
    assert!(text.starts_with("{\"key\":\"a\",\"status\":503,\"code\":\"patch_contended\""), "{text}");
    let (status, text, steps) = reply("/v1/docs:bulk?atomic", usize::MAX);
    assert_eq!((status, steps), (503, PATCH_TRIES_MAX));
    assert!(text.contains("\"code\":\"patch_contended\"") && text.contains("\"tries\":1000"), "{text}");
}
