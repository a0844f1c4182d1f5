//! What came of a delivery, held against the row's verdict.

use super::delivery::{End, Outcome, PROBE_RAN, Subject, Then, Way};
use super::reply;
use super::row::{Expected, Fate, Row};

/// What is wrong with the outcome of a subject; empty when it is as the row says.
pub fn complaints(row: &Row, way: &Way<'_>, subject: &impl Subject, outcome: &Outcome) -> Vec<String> {
    let expected = expected(row, way);
    let mut found = Vec::new();
    match replies(&expected, &outcome.output) {
        Err(fault) => found.push(fault),
        // A connection that the client ends is not ended by a reply.
        Ok(closing) => {
            let last = expected.len().checked_sub(1).filter(|_| row.fate != Fate::Idle);
            let is_unsaid = closing.is_empty() && !subject.says_when_it_closes();
            if closing != Vec::from_iter(last) && !is_unsaid {
                found.push(format!("the replies that say Connection: close are {closing:?}, should be {last:?}"));
            }
        }
    }
    if outcome.end != End::Closed {
        found.push(format!("the connection ended as {:?}", outcome.end));
    }
    let ran: Vec<&[u8]> = expected.iter().filter_map(|reply| reply.ran.as_deref()).collect();
    if outcome.ran != ran {
        found.push(format!("ran {}, should run {}", listed(&outcome.ran), listed(&ran)));
    }
    // Whoever runs was asked; besides them only where a row says that the handler has a word in the refusal.
    let is_known = |asked: &[u8]| ran.iter().any(|what| head_of(what) == asked);
    let strangers: Vec<&Vec<u8>> = outcome.asked.iter().filter(|asked| !is_known(asked)).collect();
    if !strangers.is_empty() && !expected.iter().any(|reply| reply.asked) {
        found.push(format!("the handler was asked {}", listed(&strangers)));
    }
    found
}

/// The row's replies, and those that the way of delivering it adds.
fn expected(row: &Row, way: &Way<'_>) -> Vec<Expected> {
    let mut expected: Vec<Expected> = row.replies().cloned().collect();
    let cut_off = |status| Expected { statuses: vec![status], asked: true, ..Expected::default() };
    match (row.fate, way.then) {
        (Fate::Kept, _) => expected.push(Expected::ran(PROBE_RAN)),
        (Fate::Unfinished, Then::FallsSilent) => expected.push(cut_off(408)),
        (Fate::Unfinished, _) => expected.push(cut_off(400)),
        (Fate::Closed | Fate::Idle, _) => {}
    }
    expected
}

/// Holds the replies against those expected, and gives back which of them say that the connection ends behind them.
fn replies(expected: &[Expected], output: &[u8]) -> Result<Vec<usize>, String> {
    let mut closing = Vec::new();
    let mut rest = output;
    for (number, expected) in expected.iter().enumerate() {
        let status = reply::peek_status(rest);
        if expected.is_optional && status.is_none_or(|status| !expected.statuses.contains(&status)) {
            continue;
        }
        let taken = reply::take(rest, expected.is_bodiless());
        let (reply, behind) = taken.map_err(|fault| format!("reply {number}: {fault}: {}", shown(rest)))?;
        if !expected.statuses.contains(&reply.status) {
            return Err(format!("reply {number} is {}, not one of {:?}", reply.status, expected.statuses));
        }
        let ran = expected.ran.as_deref().filter(|_| !expected.is_bodiless());
        if ran.is_some() && ran != reply.body.strip_suffix(b"\n") {
            return Err(format!("reply {number} is {}, not {}", shown(reply.body), shown(ran.unwrap_or_default())));
        }
        if reply.closes() {
            closing.push(number);
        }
        rest = behind;
    }
    if rest.is_empty() { Ok(closing) } else { Err(format!("more than the expected replies: {}", shown(rest))) }
}

/// Method and target of what ran.
fn head_of(what: &[u8]) -> &[u8] {
    let mut spaces = what.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(at, _)| at);
    spaces.nth(1).map_or(what, |end| what.split_at(end).0)
}

fn listed(list: &[impl AsRef<[u8]>]) -> String {
    format!("{:?}", list.iter().map(|what| shown(what.as_ref())).collect::<Vec<_>>())
}

fn shown(bytes: &[u8]) -> String {
    let end = bytes.len().min(300);
    format!("{}{}", bytes.split_at(end).0.escape_ascii(), if end < bytes.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::super::delivery::Slice;
    use super::super::row;
    use super::*;

    /// Gives the outcome that it was made with.
    struct Told(Outcome);

    impl Subject for Told {
        fn deliver(&mut self, _: &[Slice<'_>], _: Then) -> Outcome {
            self.0.clone()
        }
    }

    const RAN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nGET /a\n";
    const CLOSED: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    /// What is wrong with an outcome of a request that runs and of another that is refused behind it.
    fn found(output: &str, end: End, asked: &[&str], ran: &[&str]) -> Vec<String> {
        let rows = row::parse("x", "a\n    RFC 9112 §3\n    > a\n    < 200 GET /a, 400, closed\n").unwrap();
        let list = |list: &[&str]| list.iter().map(|what| what.as_bytes().to_vec()).collect();
        let outcome = Outcome { output: output.as_bytes().to_vec(), end, asked: list(asked), ran: list(ran) };
        let way = Way { name: "whole".to_owned(), slices: Vec::new(), then: Then::Reads };
        complaints(&rows[0], &way, &Told(outcome.clone()), &outcome)
    }

    #[test]
    fn an_outcome_as_the_row_says_is_no_complaint() {
        let none: [String; 0] = [];
        assert_eq!(found(&format!("{RAN}{CLOSED}"), End::Closed, &["GET /a"], &["GET /a"]), none);
    }

    #[test]
    fn whatever_differs_from_the_row_is_a_complaint() {
        let right = format!("{RAN}{CLOSED}");
        let one = ["GET /a"].as_slice();
        let two = ["GET /a", "GET /b"].as_slice();
        for (output, end, asked, ran, complaint) in [
            (right.as_str(), End::Reset, one, one, "the connection ended as Reset"),
            (&right, End::StillOpen, one, one, "the connection ended as StillOpen"),
            (&right, End::Closed, two, one, "the handler was asked [\"GET /b\"]"),
            (&right, End::Closed, one, &[][..], "ran [], should run [\"GET /a\"]"),
            (&right, End::Closed, one, &["GET /a x"], "ran [\"GET /a x\"], should run [\"GET /a\"]"),
            (RAN, End::Closed, one, one, "reply 1: it does not begin with HTTP/1.1 and a status: "),
            (&format!("{right}x"), End::Closed, one, one, "more than the expected replies: x"),
            (&right.replace("400", "404"), End::Closed, one, one, "reply 1 is 404, not one of [400]"),
            (&right.replace("GET /a", "GET /b"), End::Closed, one, one, "reply 0 is GET /b\\n, not GET /a"),
            (&right.replace("HTTP/1.1 4", "HTTP/1.0 4"), End::Closed, one, one, "reply 1: it does not begin with"),
            (&right.replace("Length: 7", "Length: 700"), End::Closed, one, one, "reply 0: its body is cut off"),
            (
                &right.replace("Connection: close\r\n", ""),
                End::Closed,
                one,
                one,
                "the replies that say Connection: close are [], should be Some(1)",
            ),
            (
                &right.replace("OK\r\n", "OK\r\nConnection: close\r\n"),
                End::Closed,
                one,
                one,
                "the replies that say Connection: close are [0, 1], should be Some(1)",
            ),
        ] {
            let found = found(output, end, asked, ran);
            assert!(found.len() == 1 && found[0].starts_with(complaint), "{found:?}, should be {complaint}");
        }
    }
}
