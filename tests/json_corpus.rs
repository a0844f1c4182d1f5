//! The corpus of JSON texts, asked of PUT and of a bulk: what is accepted comes back to the byte, what is not is refused where RFC
//! 8259 says no. The texts are in `json_corpus/cases/`, and `json_corpus/case.rs` says how a line of them reads.

mod support;

#[path = "json_corpus/case.rs"]
mod case;

use std::collections::BTreeMap;

use case::{Case, OF_OUR_LIMIT, Verdict, cases};
use support::door::{Direct, Door, House, two_doors};
use support::scenario::{Exchange, Scenario, Step, get, post, put, run};

/// Texts that there must be.
const CASES_MIN: usize = 500;

/// White space (RFC 8259 §2) that makes of each text one that the fast parser is not asked about.
const WIDE_BYTES: usize = 64 * 1024;

/// What is asked about `case` with `space` in front of its text.
fn asked(case: &Case, space: &[u8]) -> [Exchange; 2] {
    let target = format!("/v1/docs/{}", case.place());
    let written = put(target.clone(), [space, &case.text].concat());
    match case.verdict {
        Verdict::Accepted => [written.gives(201), get(target).body(trimmed(&case.text))],
        Verdict::Refused { offset } => {
            let place = format!("\"offset\":{}}}", space.len() + offset);
            let refused = written.gives(400).containing("\"code\":\"json_invalid\"").containing(place);
            [refused, get(target).gives(404)]
        }
    }
}

/// `text`, which holds a value, without the white space around it.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| b" \t\n\r".contains(byte);
    let start = text.iter().position(|byte| !is_space(byte)).expect("a value");
    let end = text.iter().rposition(|byte| !is_space(byte)).expect("a value");
    &text[start..=end]
}

fn ask(door: &mut dyn Door, space: &[u8]) {
    let steps = cases().iter().flat_map(|case| asked(case, space)).map(Step::from).collect();
    run(&Scenario { name: "the key is the file and the line of the text", steps }, door);
}

#[test]
fn the_corpus_is_large_and_each_text_is_there_once() {
    let cases = cases();
    assert!(cases.len() >= CASES_MIN, "{} texts", cases.len());
    let accepted = cases.iter().filter(|case| case.verdict == Verdict::Accepted).count();
    assert!(accepted * 4 >= cases.len(), "only {accepted} of {} are accepted", cases.len());
    let mut places = BTreeMap::new();
    for case in &cases {
        if let Some(before) = places.insert(case.text.clone(), case.place()) {
            panic!("{} is {before} once more ({})", case.place(), case.clause);
        }
    }
}

/// It knows no limit of nesting where it only looks for the end of a value, and does not look at the bytes of a string.
#[test]
fn another_implementation_gives_every_verdict() {
    for case in cases().iter().filter(|case| case.file != OF_OUR_LIMIT) {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&case.text).is_ok();
        let found = is_json && std::str::from_utf8(&case.text).is_ok();
        assert_eq!(found, case.verdict == Verdict::Accepted, "{}: {}", case.place(), case.clause);
    }
}

#[test]
fn what_is_json_comes_back_to_the_byte_and_what_is_not_is_refused_at_its_place() {
    two_doors().iter_mut().for_each(|door| ask(door.as_mut(), b""));
}

/// A text over 64 KiB is validated by other code than a small one.
#[test]
fn a_large_text_gets_the_same_verdict_as_a_small_one() {
    ask(&mut Direct(House::start(&[])), &[b' '; WIDE_BYTES]);
}

/// A line is validated by other code than a body, and its members are found in the same pass. What a line holds is one
/// level deeper, and has no line end.
#[test]
fn a_text_gets_the_same_verdict_as_the_value_of_a_line() {
    let asked = |case: &Case| {
        let key = format!("line/{}", case.place());
        let line = [format!(r#"{{"op":"put","key":"{key}","value":"#).as_bytes(), &case.text, b"}"].concat();
        let (written, read) = (post("/v1/docs:bulk", line), get(format!("/v1/docs/{key}")));
        match case.verdict {
            Verdict::Accepted => [written.containing("\"status\":201"), read.body(trimmed(&case.text))],
            Verdict::Refused { .. } => [written.containing("\"status\":400"), read.gives(404)],
        }
    };
    let is_line = |case: &&Case| case.file != OF_OUR_LIMIT && !case.text.contains(&b'\n');
    let steps: Vec<Step> = cases().iter().filter(is_line).flat_map(asked).map(Step::from).collect();
    assert!(steps.len() >= CASES_MIN, "{} steps", steps.len());
    let scenario = Scenario { name: "the key is the file and the line of the text", steps };
    run(&scenario, &mut Direct(House::start(&[])));
}
