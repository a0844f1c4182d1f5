//! One line of a bulk, read: which operation it is, on which key, under which condition.
//!
//! Invariant: a line is validated and walked once, and nothing of it is copied but a key that is spelled with escapes.
//! A line that is no operation is told apart from an operation that cannot be carried out (`Unfit::is_malformed`). Of
//! two members of one name the last counts; null is the same as leaving an optional one out.

use std::borrow::Cow;

use crate::base::clock::UnixMillis;
use crate::base::json::{self, Member};
use crate::model::{Condition, Deadline, Expiry, Lsn, Tags};
use crate::patch::Kind as Dialect;

use super::super::body::{self, Limit};
use super::super::call::key_of;
use super::super::conditions;
use super::super::docs::{PATCH_TYPES, dialect_of, kept_unless_given};
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
    /// Changes a part of the document.
    Patch {
        /// What it is written in.
        dialect: Dialect,
        /// Its text, which is JSON.
        patch: &'l [u8],
        /// What becomes of the deadline.
        expiry: Expiry,
    },
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
    patch: Option<&'l [u8]>,
    dialect: Option<&'l [u8]>,
    ttl: Option<&'l [u8]>,
    expires_at: Option<&'l [u8]>,
    keep_ttl: Option<&'l [u8]>,
    if_match: Option<&'l [u8]>,
    if_none_match: Option<&'l [u8]>,
    /// The first name that none of these has.
    unknown: Option<&'l [u8]>,
}

const NAMES: [&str; 10] =
    ["op", "key", "value", "patch", "type", "ttl", "expires_at", "keep_ttl", "if_match", "if_none_match"];

/// The operation that `line` spells; `now` is asked only by one that names a time.
///
/// # Errors
/// What is wrong with the line, or with what it asks for.
pub fn read(line: &[u8], limit: Limit, now: impl FnOnce() -> UnixMillis) -> Result<Operation<'_>, Unfit<'_>> {
    let nameless = |problem| Unfit { key: None, problem: Box::new(problem) };
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
    let is_object = body::read_members(line, |member| found.take(member))?;
    match found.unknown {
        _ if !is_object => Err(invalid("a line is an object")),
        Some(name) => Err(unknown_member(name)),
        None => Ok(found),
    }
}

#[cold]
fn unknown_member(name: &[u8]) -> Problem {
    match json::unescape(name) {
        Ok(name) => invalid(format!("an operation has no member {name:?}: {}", meant(&name, &NAMES))),
        Err(_) => invalid("the name of a member is no text"),
    }
}

impl<'l> Members<'l> {
    fn take(&mut self, Member { name, value, .. }: Member<'l>) {
        if !self.put(name, value) && !self.put_escaped(name, value) {
            self.unknown.get_or_insert(name);
        }
    }

    #[cold]
    fn put_escaped(&mut self, name: &[u8], value: &'l [u8]) -> bool {
        match json::code_points(name) {
            Cow::Borrowed(_) => false,
            Cow::Owned(points) => self.put(&[b"\"", &*points, b"\""].concat(), value),
        }
    }

    /// Puts `value` where the member of this name belongs; false when there is none of that name.
    fn put(&mut self, name: &[u8], value: &'l [u8]) -> bool {
        let slot = match name {
            b"\"op\"" => &mut self.op,
            b"\"key\"" => &mut self.key,
            b"\"value\"" => &mut self.value,
            b"\"patch\"" => &mut self.patch,
            b"\"type\"" => &mut self.dialect,
            b"\"ttl\"" => &mut self.ttl,
            b"\"expires_at\"" => &mut self.expires_at,
            b"\"keep_ttl\"" => &mut self.keep_ttl,
            b"\"if_match\"" => &mut self.if_match,
            b"\"if_none_match\"" => &mut self.if_none_match,
            _ => return false,
        };
        // In these two null is a value, and a merge patch.
        let is_text = matches!(name, b"\"value\"" | b"\"patch\"");
        *slot = Some(value).filter(|value| is_text || *value != b"null");
        true
    }

    fn key(&self) -> Result<Cow<'l, str>, Problem> {
        let key = self.key.ok_or_else(|| invalid("an operation names a key"))?;
        if !key.starts_with(b"\"") {
            return Err(invalid("key is a text"));
        }
        json::unescape(key).map_err(|_| invalid("the key escapes half of a surrogate pair, which is no text"))
    }

    fn action(&self, limit: Limit, now: impl FnOnce() -> UnixMillis) -> Result<Action<'l>, Problem> {
        const OPS: &str = "op is put, delete, patch or ttl";
        let op = self.op.ok_or_else(|| invalid(format!("an operation says what it is: {OPS}")))?;
        let (value, patch, dialect) = (("value", self.value), ("patch", self.patch), ("type", self.dialect));
        let (ttl, expires_at, keep_ttl) =
            (("ttl", self.ttl), ("expires_at", self.expires_at), ("keep_ttl", self.keep_ttl));
        match op {
            b"\"put\"" => {
                refuse("put", &[patch, dialect])?;
                let value = self.value.ok_or_else(|| invalid("put has a value"))?;
                check_size(value, limit)?;
                Ok(Action::Put { value, expiry: self.expiry(now)? })
            }
            b"\"delete\"" => {
                refuse("delete", &[value, patch, dialect, ttl, expires_at, keep_ttl])?;
                Ok(Action::Delete)
            }
            b"\"patch\"" => {
                refuse("patch", &[value])?;
                let patch = self.patch.ok_or_else(|| invalid("patch has a patch"))?;
                check_size(patch, limit)?;
                Ok(Action::Patch { dialect: self.dialect()?, patch, expiry: kept_unless_given(self.expiry(now)?) })
            }
            b"\"ttl\"" => {
                refuse("ttl", &[value, patch, dialect, keep_ttl])?;
                match self.expiry(now)? {
                    Expiry::Set(deadline) => Ok(Action::SetDeadline(deadline)),
                    Expiry::Default | Expiry::Keep => {
                        Err(invalid("ttl has the deadline that is to be: ttl or expires_at"))
                    }
                }
            }
            _ => Err(invalid(OPS)),
        }
    }

    /// What the patch is written in: `type` is its media type, that of a merge patch where there is none.
    fn dialect(&self) -> Result<Dialect, Problem> {
        let Some(raw) = self.dialect else { return Ok(Dialect::Merge) };
        let given = if raw.starts_with(b"\"") { json::unescape(raw).ok() } else { None };
        given.and_then(|given| dialect_of(&given)).ok_or_else(|| {
            Problem::new(Kind::PatchTypeUnsupported, format!("type is one of {}", PATCH_TYPES.join(", ")))
        })
    }

    fn expiry(&self, now: impl FnOnce() -> UnixMillis) -> Result<Expiry, Problem> {
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

/// Refuses what the operation does not take.
fn refuse(op: &str, members: &[(&str, Option<&[u8]>)]) -> Result<(), Problem> {
    match members.iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => Err(invalid(format!("{op} takes no {name}"))),
        None => Ok(()),
    }
}

fn check_size(text: &[u8], limit: Limit) -> Result<(), Problem> {
    if text.len() > limit.document_bytes_max { Err(limit.too_large(Some(text.len()))) } else { Ok(()) }
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
mod tests;
