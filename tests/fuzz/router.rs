//! Conversations with the service: whatever is asked for is answered, with what the description says, and never with
//! a 500.
//!
//! Requests stand below one another with a line of four equals signs between them; each is a line with method and
//! target, header fields, an empty line, a body. A line that begins with a tilde says how it goes about:
//!
//! ```text
//!   PUT /v1/docs/a?ttl=5
//!   If-None-Match: *
//!   ~p3        the body comes in parts of three bytes
//!   ~c         its length is not announced
//!   ~b         it is broken off at its end
//!   ~l500      half a second passes before
//!
//!   {"a":1}
//!   ====
//!   GET /v1/docs/a
//! ```

use memory_tools::base::json;
use memory_tools::base::limits::JSON_DEPTH_MAX;

use super::service::reply::Reply;
use super::service::{Asked, End, Served, described};

/// Requests of one conversation. More are not sent.
const REQUESTS_MAX: usize = 16;

/// Our own answers put documents into objects and lists.
const DEPTH_MAX: usize = JSON_DEPTH_MAX + 8;

/// Runs the conversation `input`, whatever it is.
///
/// # Panics
/// When an answer is none that may be given.
pub fn check(input: &[u8]) {
    let served = Served::new();
    for text in split(input, b"\n====\n").into_iter().take(REQUESTS_MAX) {
        let Some(asked) = read(text, &served) else { continue };
        let reply = served.ask(&asked);
        check_reply(&asked, &reply);
        check_what_was_put(&served, &asked, &reply);
    }
}

/// `text` cut at every `at`.
fn split<'t>(text: &'t [u8], at: &[u8]) -> Vec<&'t [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(found) = rest.windows(at.len()).position(|window| window == at) {
        parts.push(&rest[..found]);
        rest = &rest[found + at.len()..];
    }
    parts.push(rest);
    parts
}

/// The request that `text` is; `None` for what no front hands on.
fn read<'t>(text: &'t [u8], served: &Served) -> Option<Asked<'t>> {
    let end = text.windows(2).position(|window| window == b"\n\n");
    let (head, body) = end.map_or((text, &b""[..]), |end| (&text[..end], &text[end + 2..]));
    let mut lines = std::str::from_utf8(head).ok()?.split('\n');
    let (method, target) = lines.next()?.split_once(' ')?;
    if target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return None;
    }
    let mut asked = Asked::new(method, target, body);
    for line in lines {
        match (line.strip_prefix('~'), line.split_once(':')) {
            (Some(how), _) => go_about(&mut asked, how, served)?,
            (None, Some((name, value))) => asked.fields.push((name, value.trim())),
            (None, None) => return None,
        }
    }
    Some(asked)
}

fn go_about(asked: &mut Asked<'_>, how: &str, served: &Served) -> Option<()> {
    let amount = || how.get(1..)?.parse().ok();
    match how.as_bytes().first()? {
        b'p' => asked.part_sizes.push(amount()?),
        b'c' => asked.is_measured = false,
        b'b' => asked.end = End::BrokenOff,
        b'l' => served.advance(amount()? as u64 % 1_000_000_000_000),
        _ => return None,
    }
    Some(())
}

fn check_reply(asked: &Asked<'_>, reply: &Reply) {
    let said = format!("{} {}: {reply:?}", asked.method, asked.target);
    // There is room for a few collections.
    assert!(reply.status < 500 || matches!(reply.status, 501 | 507), "{said}");
    assert!(reply.status != 405 || reply.header("Allow").is_some(), "{said}");
    if let Err(fault) = described::check(asked.method, asked.target, reply) {
        panic!("{fault}: {said}");
    }
    if reply.body.is_empty() {
        return;
    }
    assert!(!matches!(reply.status, 204 | 304), "a body where there is none: {said}");
    let kind = reply.header("Content-Type").unwrap_or_else(|| panic!("a body without a type: {said}"));
    let check_json = |text: &[u8]| json::check(text, DEPTH_MAX).unwrap_or_else(|fault| panic!("{fault:?}: {said}"));
    match kind.split(';').next() {
        Some("application/json" | "application/problem+json") => check_json(&reply.body),
        Some("application/x-ndjson") => {
            assert!(reply.body.ends_with(b"\n"), "{said}");
            reply.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).for_each(check_json);
        }
        Some("text/plain" | "text/event-stream") => assert!(std::str::from_utf8(&reply.body).is_ok(), "{said}"),
        _ => panic!("a type of its own: {said}"),
    }
}

/// What was put is what is read, to the byte.
fn check_what_was_put(served: &Served, asked: &Asked<'_>, reply: &Reply) {
    let is_document =
        asked.target.starts_with("/v1/") && asked.target.contains("/docs/") && !asked.target.contains('?');
    if asked.method == "PUT" && is_document && matches!(reply.status, 200 | 201) {
        let read = served.ask(&Asked::new("GET", asked.target, b""));
        assert_eq!(read.status, 200, "{} is not there: {read:?}", asked.target);
        assert_eq!(read.body, json::trim(asked.body), "{}", asked.target);
    }
}
