//! Tokens from their text, strictly: what is unknown, given twice or too large is an error, and nothing is ignored.
//!
//! Invariant: a fault repeats no value. Whoever put a token where its digest belongs does not find it in the log.

use std::sync::Arc;

use crate::base::json::{Member, check, elements, members, trim, unescape};
use crate::base::limits::{KEY_BYTES_MAX, TOKEN_NAME_BYTES_MAX, TOKENS_BYTES_MAX, TOKENS_MAX};
use crate::base::nearest::nearest;
use crate::model::CollectionName;

use super::digest::Digest;
use super::{Collections, Grant, Reach, Role, Tokens};

/// The members of a token.
const MEMBERS: [&str; 5] = ["name", "role", "collection", "prefix", "sha256"];

/// Nesting of the text: an array of objects of plain values.
const DEPTH_MAX: usize = 2;

/// Characters of an unknown member's name that a fault repeats.
const SHOWN_NAME_MAX: usize = 32;

/// What is wrong with a text that should hold tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{reason}", .member.map(|member| format!("{member}: ")).unwrap_or_default())]
pub struct Fault {
    /// Where, from 1.
    pub line: usize,
    /// In which member; `None` when it is not about one.
    pub member: Option<&'static str>,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// What a token is read from.
struct Entry<'t> {
    line: usize,
    object: &'t [u8],
}

/// Reads tokens; see `Tokens::read`.
pub(super) fn read(text: &[u8]) -> Result<Tokens, Fault> {
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > TOKENS_BYTES_MAX) {
        let reason = format!("{} bytes, tokens take at most {TOKENS_BYTES_MAX}", text.len());
        return Err(Fault { line: 1, member: None, reason });
    }
    let entries = if trim(text).first() == Some(&b'[') { of_array(text)? } else { of_lines(text)? };
    if let Some(Entry { line, .. }) = entries.get(TOKENS_MAX) {
        let reason = format!("{} tokens, there are at most {TOKENS_MAX}", entries.len());
        return Err(Fault { line: *line, member: None, reason });
    }
    let mut known: Vec<(Digest, Arc<Grant>)> = Vec::with_capacity(entries.len());
    for entry in &entries {
        let (digest, grant) = entry.read()?;
        if known.iter().any(|(_, earlier)| earlier.name == grant.name) {
            return Err(entry.wrong("name", format!("another token is called {:?} already", grant.name)));
        }
        if let Some((_, earlier)) = known.iter().find(|(earlier, _)| *earlier == digest) {
            return Err(entry.wrong("sha256", format!("it is that of {:?} already, make another token", earlier.name)));
        }
        known.push((digest, Arc::new(grant)));
    }
    Ok(Tokens { known })
}

fn of_array(text: &[u8]) -> Result<Vec<Entry<'_>>, Fault> {
    let line_of = |offset: usize| text.iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
    check(text, DEPTH_MAX).map_err(|malformed| not_json(line_of(malformed.offset), malformed.reason))?;
    // Spans of one text lie in it.
    let offset_of = |object: &[u8]| object.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let objects = elements(text).into_iter().flatten();
    Ok(objects.map(|object| Entry { line: line_of(offset_of(object)), object }).collect())
}

fn of_lines(text: &[u8]) -> Result<Vec<Entry<'_>>, Fault> {
    let lines = (1..).zip(text.split(|byte| *byte == b'\n')).map(|(line, object)| Entry { line, object: trim(object) });
    let entries: Vec<Entry<'_>> = lines.filter(|entry| !entry.object.is_empty()).collect();
    for Entry { line, object } in &entries {
        check(object, DEPTH_MAX).map_err(|malformed| not_json(*line, malformed.reason))?;
    }
    Ok(entries)
}

fn not_json(line: usize, reason: &str) -> Fault {
    let reason = format!("not JSON: {reason}; write an array of objects, or one object on each line");
    Fault { line, member: None, reason }
}

impl<'t> Entry<'t> {
    fn wrong(&self, member: &'static str, reason: impl Into<String>) -> Fault {
        Fault { line: self.line, member: Some(member), reason: reason.into() }
    }

    fn read(&self) -> Result<(Digest, Grant), Fault> {
        let Some(members) = members(self.object) else {
            let reason =
                "expected an object such as {\"name\": \"app\", \"role\": \"read\", \"sha256\": \"…\"}".to_owned();
            return Err(Fault { line: self.line, member: None, reason });
        };
        let mut given = [None; MEMBERS.len()];
        for member in members {
            let (name, place) = self.known(&member, &mut given)?;
            if place.replace(member.value).is_some() {
                return Err(self.wrong(name, "it stands twice"));
            }
        }
        let [name, role, collection, prefix, sha256] = given;
        let name = self.name(self.needed("name", name)?)?;
        let role = self.text("role", self.needed("role", role)?)?;
        let role = Role::named(&role).ok_or_else(|| self.wrong("role", "expected \"read\", \"write\" or \"admin\""))?;
        let reach = Reach { collections: self.collections(collection)?, prefix: self.prefix(prefix)? };
        if role == Role::Admin && !reach.is_everything() {
            let reason = "an admin reaches everything, take collection and prefix out or give another role";
            return Err(self.wrong("role", reason));
        }
        let sha256 = self.text("sha256", self.needed("sha256", sha256)?)?;
        let digest = Digest::from_hex(&sha256).ok_or_else(|| {
            self.wrong("sha256", "expected the 64 hexadecimal digits of the token's SHA-256, never the token itself")
        })?;
        Ok((digest, Grant { name, role, reach }))
    }

    /// The name of a member that there is, and where its value goes.
    fn known<'g>(
        &self,
        member: &Member<'t>,
        given: &'g mut [Option<&'t [u8]>; MEMBERS.len()],
    ) -> Result<(&'static str, &'g mut Option<&'t [u8]>), Fault> {
        let name = unescape(member.name).unwrap_or_default();
        if let Some(found) = MEMBERS.into_iter().zip(given).find(|(known, _)| *known == name) {
            return Ok(found);
        }
        let shown: String = name.chars().take(SHOWN_NAME_MAX).collect();
        let reason = match nearest(&name, MEMBERS) {
            Some(nearest) => format!("unknown member {shown:?}, did you mean {nearest:?}?"),
            None => format!("unknown member {shown:?}, there are {}", MEMBERS.join(", ")),
        };
        Err(Fault { line: self.line, member: None, reason })
    }

    fn needed(&self, member: &'static str, value: Option<&'t [u8]>) -> Result<&'t [u8], Fault> {
        value.ok_or_else(|| self.wrong(member, "it is missing"))
    }

    fn text(&self, member: &'static str, value: &[u8]) -> Result<String, Fault> {
        let text = if value.first() == Some(&b'"') { unescape(value).ok() } else { None };
        text.map(|text| text.into_owned()).ok_or_else(|| self.wrong(member, "expected a text"))
    }

    /// Names stand in log lines, and so hold nothing that could be taken for another line or another name.
    fn name(&self, value: &[u8]) -> Result<String, Fault> {
        let name = self.text("name", value)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if (1..=TOKEN_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
            return Ok(name);
        }
        Err(self.wrong("name", format!("expected 1 to {TOKEN_NAME_BYTES_MAX} of A-Z a-z 0-9 _ . -")))
    }

    fn collections(&self, value: Option<&[u8]>) -> Result<Collections, Fault> {
        match value {
            None => Ok(Collections::All),
            Some(b"null") => Ok(Collections::Main),
            Some(value) => {
                let name = self.text("collection", value)?;
                CollectionName::new(&name).map_err(|fault| self.wrong("collection", fault.to_string()))?;
                Ok(Collections::Named(name))
            }
        }
    }

    fn prefix(&self, value: Option<&[u8]>) -> Result<String, Fault> {
        let Some(value) = value else { return Ok(String::new()) };
        let prefix = self.text("prefix", value)?;
        if prefix.len() <= KEY_BYTES_MAX && !prefix.contains('\0') {
            return Ok(prefix);
        }
        Err(self.wrong("prefix", format!("expected what keys begin with, at most {KEY_BYTES_MAX} bytes without NUL")))
    }
}

#[cfg(test)]
mod tests;
