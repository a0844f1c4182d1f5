//! The answers that a front gives by itself, before or instead of the api: problem documents (RFC 9457).
//!
//! Invariant: every one names what is wrong and what to do, with a stable code. It does not know the wording of the
//! api's own errors.

use crate::api::message::{Field, Piece, Response, Value};
use crate::base::json;

use super::framing::Fault;

/// Seconds after which a client that was turned away may come again.
const RETRY_AFTER_SECONDS: u64 = 1;

/// A refusal that has nothing to do with what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There are as many connections as this option allows.
    TooManyConnections {
        /// Its name.
        option: &'static str,
    },
    /// The address has as many connections as one may have.
    TooManyFromAddress,
    /// Bodies that are still arriving take as much memory as they may.
    BodiesFull,
    /// The process is short of file descriptors.
    TooFewDescriptors,
    /// A shutdown has begun.
    Draining,
    /// The reply could not be made durable, or not in time.
    OutcomeUnknown,
    /// There was no room in the journal, for as long as a write may wait for it.
    JournalBusy,
}

impl Unavailable {
    /// What an operator is told when connections are refused because of it; nothing where that says itself.
    pub fn limit(self) -> Option<&'static str> {
        match self {
            Unavailable::TooManyConnections { option } => Some(option),
            Unavailable::TooManyFromAddress => Some("connections_per_address_max"),
            Unavailable::TooFewDescriptors => Some("the limit on descriptors"),
            Unavailable::BodiesFull
            | Unavailable::Draining
            | Unavailable::OutcomeUnknown
            | Unavailable::JournalBusy => None,
        }
    }
}

/// The answer to a head that may not run. Closes the connection.
pub fn of_fault(fault: Fault) -> Response {
    let hint = match fault {
        Fault::Version => "send HTTP/1.1",
        Fault::TargetTooLong { .. } => "put the key into the path without more encoding than it needs",
        Fault::TooManyFields { .. } | Fault::HeadTooLarge { .. } => "send fewer or shorter header fields",
        Fault::Connect => "send the request to this server itself",
        Fault::CodingUnknown => "send the body as it is, or in chunks alone",
        Fault::Expectation => "leave out Expect, or send Expect: 100-continue",
        _ => "send the request as RFC 9112 writes it; the connection is closed",
    };
    let mut response = problem(fault.status(), fault.code(), title(fault.status()), &fault.to_string(), hint);
    response.close = true;
    response
}

/// The answer when the server cannot take the request now. Names when to come again.
pub fn of_unavailable(why: Unavailable) -> Response {
    let (code, detail, hint) = match why {
        Unavailable::TooManyConnections { option } => (
            "too_many_connections",
            "the server has as many connections as it may have",
            format!("close idle connections or raise {option}"),
        ),
        Unavailable::TooManyFromAddress => (
            "too_many_connections",
            "this address has as many connections as one may have",
            "close idle connections or raise connections_per_address_max".to_owned(),
        ),
        Unavailable::BodiesFull => (
            "too_many_bodies",
            "the bodies that are arriving take as much memory as they may",
            "try again when others have arrived, or raise bodies_bytes_max".to_owned(),
        ),
        Unavailable::TooFewDescriptors => (
            "too_few_descriptors",
            "the process has too few file descriptors left",
            "raise the limit of open files (ulimit -n)".to_owned(),
        ),
        Unavailable::Draining => {
            ("draining", "the server is shutting down", "try again when it has restarted".to_owned())
        }
        Unavailable::OutcomeUnknown => (
            "outcome_unknown",
            "what this reply rests on could not be made durable in time",
            "read the document again before you repeat the write".to_owned(),
        ),
        Unavailable::JournalBusy => (
            "journal_busy",
            "the disk does not keep up with the writes: the journal had no room for another one in time",
            "nothing was written; try again, more slowly".to_owned(),
        ),
    };
    problem(503, code, title(503), detail, &hint).with("Retry-After", Value::Number(RETRY_AFTER_SECONDS))
}

/// As `of_unavailable`, for a request whose answer would have been `response`: what that says of who may read it stays.
pub fn in_place_of(response: &Response, why: Unavailable) -> Response {
    let of_sharing = |name: &str| name == "Vary" || name.starts_with("Access-Control-");
    let mut unavailable = of_unavailable(why);
    let fields = response.headers.iter().filter(|field| matches!(field, Field::Named(name, _) if of_sharing(name)));
    unavailable.headers.extend(fields.cloned());
    unavailable
}

/// The answer when a handler that has a request's body asks for it: our own fault.
pub fn of_unanswered() -> Response {
    let hint = "report this, with the request";
    let mut response = problem(500, "internal", title(500), "the request could not be answered", hint);
    response.close = true;
    response
}

fn title(status: u16) -> &'static str {
    super::reply::reason(status)
}

fn problem(status: u16, code: &str, title: &str, detail: &str, hint: &str) -> Response {
    let mut body = Vec::with_capacity(256);
    body.extend_from_slice(b"{\"type\":\"about:blank\"");
    member(&mut body, "title", title);
    body.extend_from_slice(format!(",\"status\":{status}").as_bytes());
    member(&mut body, "detail", detail);
    member(&mut body, "code", code);
    member(&mut body, "hint", hint);
    body.extend_from_slice(b"}\n");
    Response::new(status).with("Content-Type", Value::Static("application/problem+json")).with_piece(Piece::Owned(body))
}

fn member(body: &mut Vec<u8>, name: &str, value: &str) {
    body.extend_from_slice(b",\"");
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(b"\":");
    json::escape_into(body, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::message::ResponseBody;

    fn text(response: &Response) -> String {
        let ResponseBody::Pieces(pieces) = &response.body else { panic!("a problem is not streamed") };
        pieces.iter().map(|piece| String::from_utf8_lossy(piece.bytes()).into_owned()).collect()
    }

    #[test]
    fn a_fault_becomes_a_problem_that_closes() {
        let response = of_fault(Fault::TooManyFields { limit: 3 });
        assert_eq!(response.status, 431);
        assert!(response.close);
        assert_eq!(
            text(&response),
            "{\"type\":\"about:blank\",\"title\":\"Request Header Fields Too Large\",\"status\":431,\
             \"detail\":\"the request has more than 3 header fields, as many as header_count_max allows\",\
             \"code\":\"too_many_header_fields\",\"hint\":\"send fewer or shorter header fields\"}\n"
        );
    }

    #[test]
    fn what_takes_the_place_of_an_answer_says_who_may_read_it_and_nothing_else_of_it() {
        let origin = Field::Named("Access-Control-Allow-Origin", Value::Static("*"));
        let vary = Field::Named("Vary", Value::Static("Origin"));
        let answer =
            Response::new(201).with_field(origin.clone()).with_field(vary.clone()).with_field(Field::EntityTag(7));
        let unavailable = in_place_of(&answer, Unavailable::OutcomeUnknown);
        assert!(unavailable.headers.contains(&origin) && unavailable.headers.contains(&vary));
        assert!(!unavailable.headers.contains(&Field::EntityTag(7)));
        assert_eq!((unavailable.status, text(&unavailable)), (503, text(&of_unavailable(Unavailable::OutcomeUnknown))));
    }

    #[test]
    fn whoever_is_turned_away_is_told_when_to_come_again() {
        for why in [
            Unavailable::TooManyConnections { option: "pool_threads" },
            Unavailable::TooManyFromAddress,
            Unavailable::BodiesFull,
            Unavailable::TooFewDescriptors,
            Unavailable::Draining,
            Unavailable::OutcomeUnknown,
            Unavailable::JournalBusy,
        ] {
            let response = of_unavailable(why);
            assert_eq!(response.status, 503);
            assert!(response.headers.contains(&Field::Named("Retry-After", Value::Number(1))));
            assert_eq!(json::check(text(&response).trim_end().as_bytes(), 8), Ok(()));
        }
    }
}
