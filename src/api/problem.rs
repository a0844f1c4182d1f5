//! What went wrong for a client, and how it is written; the kinds of it are a table of their own.
//!
//! The resource API answers with RFC 9457 problem details, the seed's endpoints with their envelope; both are made
//! from the same `Problem`, so that a limit or an outage reads the same everywhere.

mod kind;

use crate::base::json;
use crate::model::{Refusal, Rest};

use super::call::Otherwise;
use super::message::{Piece, Response, Value};

pub use kind::Kind;

/// One failure, with what its kind needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
    hint: Option<String>,
    /// Further members: name, and a value that is JSON already.
    members: Vec<(&'static str, String)>,
    /// A header field of the reply beside those that each has; boxed, because few have one.
    field: Option<Box<(&'static str, Value)>>,
    rest: Rest,
}

impl Problem {
    /// A failure of `kind`; `detail` says what happened this time, with the figures in it.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem { kind, detail: detail.into(), hint: None, members: Vec::new(), field: None, rest: Rest::NOTHING }
    }

    /// What the token does not permit that was presented.
    pub fn forbidden(refusal: Refusal) -> Problem {
        let kind = if let Refusal::RoleLacking { .. } = refusal { Kind::RoleLacking } else { Kind::OutOfReach };
        Problem::new(kind, refusal.to_string()).hint("ask who operates this server for a token that permits it")
    }

    /// The same failure, as one of another kind.
    #[must_use]
    pub fn classified(self, kind: Kind) -> Problem {
        Problem { kind, ..self }
    }

    /// Adds what the client can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a member whose value is a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, value: u64) -> Problem {
        self.members.push((name, value.to_string()));
        self
    }

    /// Adds a member whose value is a size or a count in memory.
    #[must_use]
    pub fn size(self, name: &'static str, value: usize) -> Problem {
        self.number(name, u64::try_from(value).unwrap_or(u64::MAX))
    }

    /// Adds a member whose value is a text.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: &str) -> Problem {
        self.members.push((name, quote(value)));
        self
    }

    /// Adds a member whose value is JSON already.
    #[must_use]
    pub fn json(mut self, name: &'static str, value: String) -> Problem {
        self.members.push((name, value));
        self
    }

    /// Adds a member whose value is a list of texts.
    #[must_use]
    pub fn texts<'t>(mut self, name: &'static str, values: impl Iterator<Item = &'t str>) -> Problem {
        let quoted: Vec<String> = values.map(quote).collect();
        self.members.push((name, format!("[{}]", quoted.join(","))));
        self
    }

    /// Gives the reply a header field.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: Value) -> Problem {
        self.field = Some(Box::new((name, value)));
        self
    }

    /// Names what this answer rests on.
    #[must_use]
    pub fn resting_on(mut self, rest: Rest) -> Problem {
        self.rest = rest;
        self
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The reply in the resource API: problem details.
    pub fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"type\":\"about:blank\",\"title\":");
        json::escape_into(&mut body, self.kind.title());
        body.extend_from_slice(
            format!(",\"status\":{},\"code\":\"{}\"", self.kind.status(), self.kind.code()).as_bytes(),
        );
        body.extend_from_slice(b",\"detail\":");
        json::escape_into(&mut body, &self.detail);
        if let Some(hint) = &self.hint {
            body.extend_from_slice(b",\"hint\":");
            json::escape_into(&mut body, hint);
        }
        for (name, value) in &self.members {
            body.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
        }
        body.extend_from_slice(b"}\n");
        self.finish(Value::Static("application/problem+json"), body)
    }

    /// The reply on the seed's endpoints: the envelope, with the detail as its message.
    pub fn into_envelope(self) -> Response {
        let body = super::envelope::message(super::envelope::Success::No, &self.detail);
        self.finish(Value::Static(super::envelope::CONTENT_TYPE), body)
    }

    fn finish(self, content_type: Value, body: Vec<u8>) -> Response {
        let mut response = Response::new(self.kind.status()).with("Content-Type", content_type).resting_on(self.rest);
        if let Some(field) = self.field {
            let (name, value) = *field;
            response.push(name, value);
        }
        if matches!(self.kind.status(), 429 | 503) {
            response.push("Retry-After", Value::Number(1));
        }
        response.with_piece(Piece::Owned(body))
    }
}

/// `text` as a string of JSON.
pub fn quote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::escape_into(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

impl From<Refusal> for Otherwise {
    fn from(refusal: Refusal) -> Otherwise {
        let look_at_disk = "look at the disk of the data folder; reads go on";
        let detail = refusal.to_string();
        Otherwise::Problem(match &refusal {
            Refusal::JournalBusy => return Otherwise::Again,
            Refusal::JournalUnavailable { .. } => Problem::new(Kind::JournalUnavailable, detail).hint(look_at_disk),
            Refusal::SequenceUnavailable { .. } => Problem::new(Kind::SequenceUnavailable, detail).hint(look_at_disk),
            Refusal::Stopping => Problem::new(Kind::Stopping, detail),
            Refusal::TooManyCollections { limit } => Problem::new(Kind::TooManyCollections, detail)
                .hint("drop a collection, or raise collections_max")
                .size("limit", *limit),
            Refusal::MemoryFull { limit_bytes, used_bytes } => Problem::new(Kind::MemoryFull, detail)
                .hint("delete documents, or raise memory_bytes_max; reads, deletes and writes that do not grow go on")
                .number("limit_bytes", *limit_bytes)
                .number("used_bytes", *used_bytes),
            Refusal::RoleLacking { .. } | Refusal::OutOfReach { .. } => Problem::forbidden(refusal),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Field;
    use super::*;

    fn body(response: &Response) -> String {
        let super::super::message::ResponseBody::Pieces(pieces) = &response.body else { panic!("not pieces") };
        pieces.iter().map(|piece| String::from_utf8_lossy(piece.bytes()).into_owned()).collect()
    }

    #[test]
    fn a_problem_is_written_with_all_its_members() {
        let problem = Problem::new(Kind::DocumentTooLarge, "a \"b\"").hint("do").number("limit_bytes", 5);
        let response = problem.into_response();
        assert_eq!(response.status, 413);
        assert_eq!(
            body(&response),
            "{\"type\":\"about:blank\",\"title\":\"The document is too large\",\"status\":413,\
             \"code\":\"document_too_large\",\"detail\":\"a \\\"b\\\"\",\"hint\":\"do\",\"limit_bytes\":5}\n"
        );
    }

    #[test]
    fn codes_are_snake_case_and_each_stands_once() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || b"_8".contains(&byte))));
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn a_refusal_says_why_and_when_to_try_again_unless_it_is_tried_again_here() {
        for (refusal, status, code) in [
            (Refusal::SequenceUnavailable { cause: "no".into() }, 503, "sequence_unavailable"),
            (Refusal::JournalUnavailable { cause: "no".into() }, 503, "journal_unavailable"),
            (Refusal::Stopping, 503, "stopping"),
            (Refusal::TooManyCollections { limit: 1 }, 507, "too_many_collections"),
            (Refusal::MemoryFull { limit_bytes: 1, used_bytes: 2 }, 507, "memory_full"),
        ] {
            let detail = refusal.to_string();
            let Otherwise::Problem(problem) = Otherwise::from(refusal) else { panic!("{code}") };
            assert_eq!((problem.kind().status(), problem.kind().code()), (status, code));
            let response = problem.into_envelope();
            assert_eq!(
                response.headers.contains(&Field::Named("Retry-After", Value::Number(1))),
                status == 503,
                "{code}"
            );
            assert!(body(&response).contains(&detail), "{code}");
        }
        assert!(matches!(Otherwise::from(Refusal::JournalBusy), Otherwise::Again));
    }
}
