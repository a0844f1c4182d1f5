//! What of a target is looked ahead for.

use std::sync::Arc;

use parking_lot::Mutex;

use super::super::Handle;
use super::super::tests::over;
use super::*;
use crate::model::{Execute, Outcome, Refusal};

/// Remembers the hints that it is given.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Execute for Listener {
    fn execute(&self, command: Command<'_>) -> Result<Outcome, Refusal> {
        unreachable!("nothing is run ahead: {command:?}")
    }

    fn anticipate(&self, hints: &[Hint<'_>]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let told = hints.iter().map(|hint| format!("{:?} {}", hint.collection.map(text), text(hint.key)));
        self.0.lock().extend(told);
    }
}

#[test]
fn what_executes_is_told_of_all_documents_at_once() {
    let listener = Arc::new(Listener::default());
    let told: Arc<Listener> = Arc::clone(&listener);
    over(told).anticipate(&[b"/v1/docs/a", b"/metrics", b"/v1/collections/c/docs/b", b"\xff", b"/v1/docs/d"]);
    assert_eq!(*listener.0.lock(), ["None a", "Some(\"c\") b", "None d"]);
}

#[test]
fn documents_are_looked_ahead_for_by_what_their_targets_say_undecoded() {
    for (target, collection, key) in [
        (&b"/v1/docs/user:1/\xff"[..], None, &b"user:1/\xff"[..]),
        (b"/v1/docs/", None, b""),
        (b"/v1/collections/c/docs/a/b?c", Some(&b"c"[..]), b"a/b?c"),
        (b"/v1/collections/%63\xff/docs/%61", Some(b"%63\xff"), b"%61"),
        (b"/v1/collections//docs/", Some(b""), b""),
    ] {
        assert_eq!(hint_of(target), Some(Hint { collection, key }), "{}", String::from_utf8_lossy(target));
    }
    for other in ["/v1/docs", "/v1/collections/c", "/v1/collections/c/docs", "/v1/collections/c/docs:get", "/get", ""] {
        assert_eq!(hint_of(other.as_bytes()), None, "{other}");
    }
}
