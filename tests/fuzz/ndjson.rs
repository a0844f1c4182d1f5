//! Bodies of lines, whole and in parts: the same is answered and the same is stored, wherever a body is cut.
//!
//! The first line says what the body is for, and in parts of how many bytes it comes, over and over again; behind an
//! exclamation mark the body is broken off at its end:
//!
//! ```text
//!   bulk 3 1 40 !
//!   {"op":"put","key":"a","value":1}
//! ```

use memory_tools::base::json;

use super::service::reply::Reply;
use super::service::{Asked, End, Served};

/// Who takes lines, by what the first line calls them.
const TARGETS: [(&str, &str); 5] = [
    ("bulk", "/v1/docs:bulk"),
    ("of-collection", "/v1/collections/c/docs:bulk"),
    ("atomic", "/v1/docs:bulk?atomic"),
    ("import", "/v1/import"),
    ("replace", "/v1/import?mode=replace"),
];

/// Sends the body that `input` has, whatever it is.
///
/// # Panics
/// When the parts in which it comes make a difference.
pub fn check(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(first) = std::str::from_utf8(&input[..end]) else { return };
    let mut words = first.split_ascii_whitespace();
    let Some((_, target)) = words.next().and_then(|word| TARGETS.iter().find(|(name, _)| *name == word)) else {
        return;
    };
    let mut asked = Asked::new("POST", target, &input[end + 1..]);
    for word in words {
        match word.parse() {
            Ok(size) => asked.part_sizes.push(size),
            Err(_) if word == "!" => asked.end = End::BrokenOff,
            Err(_) => {}
        }
    }
    let whole = outcome(&Asked { part_sizes: vec![usize::MAX], ..asked.clone() });
    for is_measured in [true, false] {
        assert_eq!(outcome(&Asked { is_measured, part_sizes: vec![usize::MAX], ..asked.clone() }).stored, whole.stored);
        let in_parts = Asked { is_measured, part_sizes: [&asked.part_sizes[..], &[7]].concat(), ..asked.clone() };
        let in_parts = outcome(&in_parts);
        assert_eq!(in_parts.stored, whole.stored, "what is stored");
        if is_measured {
            assert_eq!(in_parts.reply, whole.reply, "what is answered");
        }
    }
    check_results(asked.body, &whole.reply);
}

/// What comes of a body.
struct Outcome {
    reply: Reply,
    stored: Reply,
}

fn outcome(asked: &Asked<'_>) -> Outcome {
    let served = Served::new();
    for target in ["/v1/docs/a", "/v1/docs/b?ttl=60", "/v1/collections/c/docs/a"] {
        assert_eq!(served.ask(&Asked::new("PUT", target, b"[1]")).status, 201, "{target}");
    }
    let reply = served.ask(asked);
    assert!(reply.status < 500, "{reply:?}");
    Outcome { reply, stored: served.ask(&Asked::new("GET", "/v1/export", b"")) }
}

/// A result for each operation at most, each with a status.
fn check_results(body: &[u8], reply: &Reply) {
    if reply.status != 200 || reply.header("Content-Type") != Some("application/x-ndjson") {
        return;
    }
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !json::trim(line).is_empty()).count();
    let results: Vec<&[u8]> = reply.body.split_inclusive(|byte| *byte == b'\n').collect();
    assert!(results.len() <= lines, "{} results of {lines} lines", results.len());
    for result in results {
        let result: serde_json::Value = serde_json::from_slice(result).expect("a result is JSON");
        assert!(result["status"].as_u64().is_some_and(|status| status < 500), "{result}");
    }
}
