//! One line of a bulk, read: which operation it is, on which key, under which condition.
//!
//! Invariant: a line is validated and walked once, and nothing of it is copied but a key that is spelled with escapes.
//! A line that is no operation is told apart from an operation that cannot be carried out (`Unfit::is_malformed`). Of
//! two members of one name the last counts; null is the same as leaving an optional one out.

use std::borrow::Cow;

use crate::base::clock::UnixMillis;
use crate::base::json;
use crate::model::{Condition, Deadline, Expiry, Lsn, Tags};

use super::super::body::{self, Limit};
use super::super::call::key_of;
use super::super::conditions;
use super::super::expiry;
use super::super::problem::{Kind, Problem};
use super::super::query::meant;

/// An operation.
#[derive(Debug)]
pub struct Operation<'l> {
    /// On which document; a key by its rules.
    pub key: Cow<'l, str>,
    /// What.
    pub action: Action<'l>,
    /// What must hold.
    pub condition: Condition,
}

/// What an operation does.
#[derive(Debug)]
pub enum Action<'l> {
    /// Stores the document.
    Put {
        /// Its text, validated.
        value: &'l [u8],
        /// What becomes of the deadline.
        expiry: Expiry,
    },
    /// Removes the document.
    Delete,
    /// Changes the deadline alone.
    SetDeadline(Deadline),
}

/// Why a line cannot be carried out.
#[derive(Debug)]
pub struct Unfit<'l> {
    /// The key, where it is known.
    pub key: Option<Cow<'l, str>>,
    /// What is wrong.
    pub problem: Box<Problem>,
}

impl Unfit<'_> {
    /// True when the line is no operation at all, so that what is behind it cannot be trusted either.
    pub fn is_malformed(&self) -> bool {
        matches!(self.problem.kind(), Kind::JsonInvalid | Kind::OperationInvalid)
    }
}

/// The members of a line, as written.
#[derive(Default)]
struct Members<'l> {
    op: Option<&'l [u8]>,
    key: Option<&'l [u8]>,
    value: Option<&'l [u8]>,
    ttl: Option<&'l [u8]>,
    expires_at: Option<&'l [u8]>,
    keep_ttl: Option<&'l [u8]>,
    if_match: Option<&'l [u8]>,
    if_none_match: Option<&'l [u8]>,
}

const NAMES: [&str; 8] = ["op", "key", "value", "ttl", "expires_at", "keep_ttl", "if_match", "if_none_match"];

/// The operation that `line` spells.
///
/// # Errors
/// What is wrong with the line, or with what it asks for.
pub fn read(line: &[u8], limit: Limit, now: UnixMillis) -> Result<Operation<'_>, Unfit<'_>> {
    let nameless = |problem| Unfit { key: None, problem: Box::new(problem) };
    body::validate(line).map_err(nameless)?;
    let members = members(line).map_err(nameless)?;
    let key = members.key().map_err(nameless)?;
    match members.action(limit, now).and_then(|action| Ok((action, members.condition()?))) {
        Ok((action, condition)) => match key_of(&key) {
            Ok(_) => Ok(Operation { key, action, condition }),
            Err(problem) => Err(nameless(problem)),
        },
        Err(problem) => Err(Unfit { key: Some(key), problem: Box::new(problem) }),
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::OperationInvalid, detail)
}

fn members(line: &[u8]) -> Result<Members<'_>, Problem> {
    let mut found = Members::default();
    for member in json::members(line).ok_or_else(|| invalid("a line is an object"))? {
        let name = json::unescape(member.name).map_err(|_| invalid("the name of a member is no text"))?;
        let slot = match name.as_ref() {
            "op" => &mut found.op,
            "key" => &mut found.key,
            "value" => {
                found.value = Some(member.value);
                continue;
            }
            "ttl" => &mut found.ttl,
            "expires_at" => &mut found.expires_at,
            "keep_ttl" => &mut found.keep_ttl,
            "if_match" => &mut found.if_match,
            "if_none_match" => &mut found.if_none_match,
            unknown => {
                let detail = format!("an operation has no member {unknown:?}: {}", meant(unknown, &NAMES));
                return Err(invalid(detail));
            }
        };
        *slot = Some(member.value).filter(|value| *value != b"null");
    }
    Ok(found)
}

impl<'l> Members<'l> {
    fn key(&self) -> Result<Cow<'l, str>, Problem> {
        let key = self.key.ok_or_else(|| invalid("an operation names a key"))?;
        if !key.starts_with(b"\"") {
            return Err(invalid("key is a text"));
        }
        json::unescape(key).map_err(|_| invalid("the key escapes half of a surrogate pair, which is no text"))
    }

    fn action(&self, limit: Limit, now: UnixMillis) -> Result<Action<'l>, Problem> {
        let op = self.op.ok_or_else(|| invalid("an operation says what it is: op is put, delete or ttl"))?;
        match op {
            b"\"put\"" => {
                let value = self.value.ok_or_else(|| invalid("put has a value"))?;
                if value.len() > limit.document_bytes_max {
                    return Err(limit.too_large(Some(value.len())));
                }
                Ok(Action::Put { value, expiry: self.expiry(now)? })
            }
            b"\"delete\"" => {
                self.refuse("delete", &[("value", self.value), ("ttl", self.ttl), ("expires_at", self.expires_at)])?;
                self.refuse("delete", &[("keep_ttl", self.keep_ttl)])?;
                Ok(Action::Delete)
            }
            b"\"ttl\"" => {
                self.refuse("ttl", &[("value", self.value), ("keep_ttl", self.keep_ttl)])?;
                match self.expiry(now)? {
                    Expiry::Set(deadline) => Ok(Action::SetDeadline(deadline)),
                    Expiry::Default | Expiry::Keep => {
                        Err(invalid("ttl has the deadline that is to be: ttl or expires_at"))
                    }
                }
            }
            _ => Err(invalid("op is put, delete or ttl")),
        }
    }

    /// Refuses what the operation does not take.
    fn refuse(&self, op: &str, members: &[(&str, Option<&[u8]>)]) -> Result<(), Problem> {
        match members.iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => Err(invalid(format!("{op} takes no {name}"))),
            None => Ok(()),
        }
    }

    fn expiry(&self, now: UnixMillis) -> Result<Expiry, Problem> {
        let ttl = self.ttl.map(|raw| text_or_number("ttl", raw)).transpose()?;
        let expires_at = self.expires_at.map(|raw| text_or_number("expires_at", raw)).transpose()?;
        let keep = match self.keep_ttl {
            None | Some(b"false") => false,
            Some(b"true") => true,
            Some(_) => return Err(invalid("keep_ttl is true or false")),
        };
        expiry::given(ttl.as_deref(), expires_at.as_deref(), keep, now)
    }

    fn condition(&self) -> Result<Condition, Problem> {
        Ok(Condition {
            if_match: self.if_match.map(|raw| tags("if_match", raw, conditions::if_match)).transpose()?,
            if_none_match: self
                .if_none_match
                .map(|raw| tags("if_none_match", raw, conditions::if_none_match))
                .transpose()?,
        })
    }
}

fn text_or_number<'l>(name: &str, raw: &'l [u8]) -> Result<Cow<'l, str>, Problem> {
    match raw.first() {
        Some(b'"') => json::unescape(raw).map_err(|_| invalid(format!("{name} is no text"))),
        Some(b'-' | b'0'..=b'9') => Ok(String::from_utf8_lossy(raw)),
        _ => Err(invalid(format!("{name} is a text or a number"))),
    }
}

/// A version as a number, or what stands in the field of that name.
fn tags(name: &'static str, raw: &[u8], parse: fn(&str) -> Option<Tags>) -> Result<Tags, Problem> {
    let text = text_or_number(name, raw)?;
    let tags = match raw.first() {
        Some(b'"') => parse(&text),
        _ => text.parse().ok().map(|version| Tags::Listed(vec![Lsn(version)])),
    };
    tags.ok_or_else(|| {
        Problem::new(Kind::ConditionInvalid, format!("{name} is a version, \"*\", or a list of entity tags in quotes"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { document_bytes_max: 10, around_bytes_max: 100, option: Some("document_bytes_max") };

    fn read_text(line: &str) -> Result<Operation<'_>, Unfit<'_>> {
        read(line.as_bytes(), LIMIT, UnixMillis(1000))
    }

    #[test]
    fn an_operation_is_read_as_written() {
        let operation = read_text(r#"{"op":"put","key":"a\u002fb","value": [1.0] ,"ttl":"2s","if_match":7}"#).unwrap();
        assert_eq!(operation.key, "a/b");
        assert_eq!(operation.condition.if_match, Some(Tags::Listed(vec![Lsn(7)])));
        let Action::Put { value, expiry } = operation.action else { panic!("{:?}", operation.action) };
        assert_eq!((value, expiry), (&b"[1.0]"[..], Expiry::Set(Deadline::at(UnixMillis(3000)))));
    }

    #[test]
    fn nothing_is_copied_of_a_plain_line() {
        let operation = read_text(r#"{"key":"é","value":null,"op":"put"}"#).unwrap();
        assert!(matches!(operation.key, Cow::Borrowed("é")));
        assert!(matches!(operation.action, Action::Put { value: b"null", expiry: Expiry::Default }));
    }

    #[test]
    fn conditions_and_deadlines_are_those_of_the_fields_and_of_the_query() {
        let condition = |text: &str| {
            let line = format!(r#"{{"op":"delete","key":"k",{text}}}"#);
            read_text(&line).map(|operation| operation.condition).map_err(|unfit| unfit.problem.kind())
        };
        let listed = |versions: &[u64]| Some(Tags::Listed(versions.iter().copied().map(Lsn).collect()));
        assert_eq!(condition(r#""if_none_match":"*""#).unwrap().if_none_match, Some(Tags::Any));
        assert_eq!(condition(r#""if_match":"\"3\", \"4\"""#).unwrap().if_match, listed(&[3, 4]));
        assert!(condition(r#""if_match":null"#).unwrap().is_none());
        for wrong in [r#""if_match":"3""#, r#""if_match":1.5"#, r#""if_match":-1"#] {
            assert_eq!(condition(wrong), Err(Kind::ConditionInvalid), "{wrong}");
        }
        for (text, deadline) in [
            (r#""ttl":1.5"#, Deadline::at(UnixMillis(2500))),
            (r#""ttl":"never""#, Deadline::NEVER),
            (r#""expires_at":5000"#, Deadline::at(UnixMillis(5000))),
            (r#""expires_at":"1970-01-01T00:00:09Z""#, Deadline::at(UnixMillis(9000))),
        ] {
            let line = format!(r#"{{"op":"ttl","key":"k",{text}}}"#);
            let operation = read_text(&line).unwrap();
            assert!(matches!(operation.action, Action::SetDeadline(found) if found == deadline), "{text}");
        }
    }

    #[test]
    fn what_is_no_operation_is_told_from_one_that_cannot_be_carried_out() {
        for (line, kind, is_malformed) in [
            ("{\"op\":\"put\"", Kind::JsonInvalid, true),
            ("[]", Kind::OperationInvalid, true),
            (r#"{"op":"put","value":1}"#, Kind::OperationInvalid, true),
            (r#"{"op":"put","key":7,"value":1}"#, Kind::OperationInvalid, true),
            (r#"{"op":"put","key":"\ud800","value":1}"#, Kind::OperationInvalid, true),
            (r#"{"op":"put","key":"k"}"#, Kind::OperationInvalid, true),
            (r#"{"op":"drop","key":"k"}"#, Kind::OperationInvalid, true),
            (r#"{"key":"k","value":1}"#, Kind::OperationInvalid, true),
            (r#"{"op":"delete","key":"k","value":1}"#, Kind::OperationInvalid, true),
            (r#"{"op":"ttl","key":"k"}"#, Kind::OperationInvalid, true),
            (r#"{"op":"put","key":"k","value":1,"keep_ttl":1}"#, Kind::OperationInvalid, true),
            (r#"{"op":"put","key":"k","value":1,"tll":1}"#, Kind::OperationInvalid, true),
            (r#"{"op":"put","key":"","value":1}"#, Kind::KeyEmpty, false),
            (r#"{"op":"put","key":"\u0000","value":1}"#, Kind::KeyInvalid, false),
            (r#"{"op":"put","key":"k","value":"0123456789"}"#, Kind::DocumentTooLarge, false),
            (r#"{"op":"put","key":"k","value":1,"ttl":"soon"}"#, Kind::ParameterInvalid, false),
            (r#"{"op":"put","key":"k","value":1,"ttl":1,"keep_ttl":true}"#, Kind::ParametersConflict, false),
        ] {
            let unfit = read_text(line).unwrap_err();
            assert_eq!((unfit.problem.kind(), unfit.is_malformed()), (kind, is_malformed), "{line}");
        }
    }
}
