//! A look at requests that have arrived together, before they are run: those that stand behind one another in the input
//! of one connection, and the first of several connections.
//!
//! What the handler hears here is a guess, and nothing may come of it. Of one connection, heads are read once, as they
//! would be read when their turn comes, and kept until then: what comes of a head is a function of its bytes. Of several
//! connections nothing is read, and nothing was checked. Only GETs without a body are looked for, because what comes
//! behind another request depends on what is said to it.

use smallvec::SmallVec;

use crate::api::Handle;
use crate::api::message::Method;
use crate::base::limits::LOOK_AHEAD_MAX;
use crate::front::framing::{Announced, HeadLimits};

use super::head::{self, Fields, Head};
use super::sections::Sections;

/// How what is looked for begins.
const GET: &[u8] = b"GET ";

/// Heads with where they stand, in that order.
type Heads<'i> = SmallVec<[(usize, Head<'i>, Fields<'i>); LOOK_AHEAD_MAX]>;

/// Heads that were read before their turn, of requests that stand behind one another in one input.
#[derive(Default)]
pub(super) struct Ahead<'i> {
    heads: Heads<'i>,
    /// How many were handed out.
    taken: usize,
}

impl<'i> Ahead<'i> {
    /// The head at `start` in `input`, when it was read before, or can be read now with those behind it: `handler` is told
    /// what these ask for. What is not read here means nothing. To be called for one request after the other.
    pub(super) fn head_at(
        &mut self,
        start: usize,
        input: &'i [u8],
        (limits, sections): (&HeadLimits, &Sections),
        handler: &dyn Handle,
    ) -> Option<(&Head<'i>, &Fields<'i>)> {
        if self.taken == self.heads.len() {
            (self.heads, self.taken) = (heads(start, input, limits, sections), 0);
            if !self.heads.is_empty() {
                let targets = self.heads.iter().map(|(_, head, _)| head.framing.target.as_bytes());
                handler.anticipate(&targets.collect::<SmallVec<[_; LOOK_AHEAD_MAX]>>());
            }
        }
        let (at, head, fields) = self.heads.get(self.taken)?;
        self.taken += 1;
        (*at == start).then_some((head, fields))
    }
}

/// The heads of the GETs that stand behind one another from `at` on, up to the first that cannot be told so quickly.
fn heads<'i>(mut at: usize, input: &'i [u8], limits: &HeadLimits, sections: &Sections) -> Heads<'i> {
    let mut heads = Heads::new();
    while heads.len() < LOOK_AHEAD_MAX
        && let Some((head, fields)) = head::read_known(input.get(at..).unwrap_or_default(), limits, sections)
        && head.method == Method::Get
        && head.framing.body == Announced::Nothing
    {
        let bytes = head.bytes;
        heads.push((at, head, fields));
        at += bytes;
    }
    heads
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
    use crate::api::message::{Answer, Headers as _, Request};

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

    const LIMITS: HeadLimits = HeadLimits { target_bytes_max: 64, head_bytes_max: 512, header_count_max: 8 };

    /// What `input` is found to ask for in turn, and what was told of it before each turn, once the section of `known` is.
    fn seen(known: &str, input: &str) -> (Vec<String>, Vec<usize>) {
        let (listener, sections, mut ahead) = (Listener::default(), Sections::default(), Ahead::default());
        assert_eq!(head::read(known.as_bytes(), &LIMITS, &sections, |_, _| ()), Ok(Some(())));
        let (mut at, mut found, mut told) = (0, Vec::new(), Vec::new());
        while let Some((head, _)) = ahead.head_at(at, input.as_bytes(), (&LIMITS, &sections), &listener) {
            found.push(head.framing.target.to_owned());
            told.push(listener.0.lock().len());
            at += head.bytes;
        }
        assert_eq!(found, *listener.0.lock());
        (found, told)
    }

    #[test]
    fn heads_are_read_and_targets_told_up_to_what_is_no_whole_get_with_known_fields() {
        let known = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let gets = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b?c HTTP/1.1\r\nHost: x\r\n\r\n";
        let expected = (vec!["/a".to_owned(), "/b?c".to_owned()], vec![2, 2]);
        let put = "PUT /c HTTP/1.1\r\nHost: x\r\n\r\n";
        for behind in ["", "GET /c HTTP/1.1\r\nHost: x\r\n", "GET /c HTTP/1.1\r\nHost: y\r\n\r\n", put, "\r\n", "\0"] {
            assert_eq!(seen(known, &format!("{gets}{behind}")), expected, "{behind:?}");
        }
        assert_eq!(seen(known, put), (vec![], vec![]));
        assert_eq!(seen(known, ""), (vec![], vec![]));
        let with_body = "GET /c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n";
        assert_eq!(seen(with_body, with_body), (vec![], vec![]), "what is behind depends on its answer");
    }

    /// A head is read ahead of its turn as in its turn, whatever octet stands where.
    #[test]
    fn a_head_is_the_same_ahead_of_its_turn() {
        let sections = Sections::default();
        let first = "GET /a?b HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\n\r\n";
        let all = |head: &Head<'_>, fields: &Fields<'_>| {
            let mut found = format!("{:?} {:?} {}", head.method, head.framing, head.bytes);
            for name in ["Host", "If-Match"] {
                fields.each(name, &mut |value| found.push_str(value));
            }
            found
        };
        let mut ahead_count = 0;
        for (at, octet) in (0..first.len()).flat_map(|at| (0..=255).map(move |octet| (at, octet))) {
            let mut input = [first, first].concat().into_bytes();
            input[first.len() + at] = octet;
            assert!(head::read(&input, &LIMITS, &sections, |_, _| ()).is_ok());
            let mut ahead = Ahead::default();
            let known = (&LIMITS, &sections);
            let Some((head, fields)) = ahead.head_at(first.len(), &input, known, &Listener::default()) else {
                continue;
            };
            let in_turn =
                head::read(&input[first.len()..], &LIMITS, &Sections::default(), |head, fields| all(&head, fields));
            assert_eq!(in_turn, Ok(Some(all(head, fields))), "{octet} at {at}");
            ahead_count += 1;
        }
        assert!(ahead_count > 300, "{ahead_count} were read ahead");
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
        let one = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        let (found, told) = seen(one, &one.repeat(LOOK_AHEAD_MAX + 5));
        assert_eq!(found.len(), LOOK_AHEAD_MAX + 5);
        assert_eq!(
            told[..=LOOK_AHEAD_MAX],
            [[LOOK_AHEAD_MAX; LOOK_AHEAD_MAX].as_slice(), &[LOOK_AHEAD_MAX + 5]].concat()
        );
    }
}
