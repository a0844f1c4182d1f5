//! A look at requests that have arrived together, before they are run: those that stand behind one another in the input
//! of one connection, and the first of several connections.
//!
//! What the handler hears here is a guess: nothing was checked, and nothing may come of it. The strict reading comes
//! when a request is begun. Only GETs are looked for, because where one ends can be guessed without reading its head.

use memchr::memmem;
use smallvec::SmallVec;

use crate::api::Handle;
use crate::base::limits::LOOK_AHEAD_MAX;

/// How what is looked for begins.
const GET: &[u8] = b"GET ";

/// Tells `handler` which targets `input` seems to ask for, up to the first request that is no GET; gives how much of
/// `input` was looked at.
pub(super) fn look(input: &[u8], handler: &dyn Handle) -> usize {
    if !input.starts_with(GET) {
        return 0;
    }
    let end_of_head = memmem::Finder::new(b"\r\n\r\n");
    let mut targets: SmallVec<[&[u8]; LOOK_AHEAD_MAX]> = SmallVec::new();
    let mut seen = 0;
    while targets.len() < LOOK_AHEAD_MAX
        && let Some(rest) = input.get(seen..)
        && let Some(target) = first_target(rest)
        && let Some(length) = end_of_head.find(rest)
    {
        targets.push(target);
        seen += length + end_of_head.needle().len();
    }
    handler.anticipate(&targets);
    seen
}

/// Tells `handler` which targets the first requests of the `inputs` of several connections seem to ask for.
pub(super) fn look_at_each<'i>(inputs: impl Iterator<Item = &'i [u8]>, handler: &dyn Handle) {
    let targets: SmallVec<[&[u8]; LOOK_AHEAD_MAX]> = inputs.filter_map(first_target).take(LOOK_AHEAD_MAX).collect();
    // One alone would only wait here instead of there.
    if targets.len() > 1 {
        handler.anticipate(&targets);
    }
}

/// What the first request in `input` asks for, when it is a GET.
fn first_target(input: &[u8]) -> Option<&[u8]> {
    let behind = input.strip_prefix(GET)?;
    behind.get(..memchr::memchr(b' ', behind)?)
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::api::message::{Answer, Request};

    /// Remembers what it is told.
    #[derive(Default)]
    struct Listener(Mutex<Vec<String>>);

    impl Handle for Listener {
        fn handle(&self, _: Request<'_>) -> Answer {
            unreachable!("nothing is run ahead")
        }

        fn anticipate(&self, targets: &[&[u8]]) {
            self.0.lock().extend(targets.iter().map(|target| String::from_utf8_lossy(target).into_owned()));
        }
    }

    fn seen(input: &str) -> (usize, Vec<String>) {
        let listener = Listener::default();
        let seen = look(input.as_bytes(), &listener);
        (seen, listener.0.into_inner())
    }

    #[test]
    fn targets_are_told_up_to_what_is_no_whole_get() {
        let gets = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b?c HTTP/1.1\r\n\r\n";
        let told = || vec!["/a".to_owned(), "/b?c".to_owned()];
        for behind in ["", "GET /c HTTP/1.1\r\n", "PUT /c HTTP/1.1\r\n\r\n", "\r\n", "GET", "\0"] {
            assert_eq!(seen(&format!("{gets}{behind}")), (gets.len(), told()), "{behind:?}");
        }
        assert_eq!(seen("PUT /a HTTP/1.1\r\n\r\n"), (0, vec![]));
        assert_eq!(seen(""), (0, vec![]));
    }

    #[test]
    fn of_several_inputs_the_first_target_of_each_is_told() {
        let told = |inputs: &[&str]| {
            let listener = Listener::default();
            look_at_each(inputs.iter().map(|input| input.as_bytes()), &listener);
            listener.0.into_inner()
        };
        let get = "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
        assert_eq!(told(&[get, "", "PUT /c HTTP/1.1\r\n\r\n", "GET /d", "GET /e ", get]), ["/a", "/e", "/a"]);
        assert_eq!(told(&[get, "", "GET /d"]), [""; 0], "one alone is run at once");
        assert_eq!(told(&[get; LOOK_AHEAD_MAX + 1]).len(), LOOK_AHEAD_MAX);
    }

    #[test]
    fn no_more_are_told_at_once_than_stay_in_the_cache() {
        let one = "GET /a HTTP/1.1\r\n\r\n";
        let (bytes, targets) = seen(&one.repeat(LOOK_AHEAD_MAX + 5));
        assert_eq!((bytes, targets.len()), (one.len() * LOOK_AHEAD_MAX, LOOK_AHEAD_MAX));
    }
}
