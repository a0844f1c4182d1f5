//! config.json read into assignments, each with its place in the file.

use std::borrow::Cow;

use crate::base::json::{Member, check, elements, members, trim, unescape};
use crate::base::limits::{CONFIG_BYTES_MAX, JSON_DEPTH_MAX};

use super::error::{ConfigError, Position};
use super::nearest::nearest_option;
use super::option::{OptionSpec, Spelled};
use super::table::option;

/// A value that the file gives to an option.
pub(super) struct Assignment<'a> {
    pub(super) option: &'static OptionSpec,
    /// Where the value begins.
    pub(super) at: Position,
    pub(super) value: Value<'a>,
}

/// A JSON value, as far as options tell them apart; owns what it had to unescape.
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Plain(Spelled<'a>),
}

impl Value<'_> {
    pub(super) fn spelled(&self) -> Spelled<'_> {
        match self {
            Value::Text(text) => Spelled::JsonString(text),
            Value::Plain(spelled) => spelled.clone(),
        }
    }
}

/// Reads the file `text`, called `path`: what it assigns, and everything that is wrong with it.
pub(super) fn read<'a>(path: &str, text: &'a [u8]) -> (Vec<Assignment<'a>>, Vec<ConfigError>) {
    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if bytes > CONFIG_BYTES_MAX {
        return (Vec::new(), vec![ConfigError::TooLarge { path: path.to_owned(), bytes, bytes_max: CONFIG_BYTES_MAX }]);
    }
    let place = |offset| position(path, text, offset);
    if let Err(malformed) = check(text, JSON_DEPTH_MAX) {
        return (Vec::new(), vec![ConfigError::NotJson { at: place(malformed.offset), reason: malformed.reason }]);
    }
    let Some(members) = members(text) else {
        let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
        return (Vec::new(), vec![ConfigError::NotAnObject { at: place(start), found: json_type(trim(text)) }]);
    };
    let (mut assignments, mut errors) = (Vec::new(), Vec::new());
    let mut seen: Vec<(String, usize)> = Vec::new();
    for member in members {
        match assignment(&member, &mut seen, &place) {
            Ok(assignment) => assignments.push(assignment),
            Err(error) => errors.push(error),
        }
    }
    (assignments, errors)
}

/// The assignment that `member` makes; `seen` are the keys before it with their lines.
fn assignment<'a>(
    member: &Member<'a>,
    seen: &mut Vec<(String, usize)>,
    place: &impl Fn(usize) -> Position,
) -> Result<Assignment<'a>, ConfigError> {
    let at = place(member.name_offset);
    let name = unescape(member.name).map_err(|_| ConfigError::LoneSurrogate { at: at.clone() })?.into_owned();
    if let Some((_, first_line)) = seen.iter().find(|(earlier, _)| *earlier == name) {
        return Err(ConfigError::DuplicateKey { at, name, first_line: *first_line });
    }
    seen.push((name.clone(), at.line));
    let Some(option) = option(&name) else {
        let nearest = nearest_option(&name).map(|option| option.name.to_owned());
        return Err(ConfigError::UnknownKey { at, name, nearest });
    };
    let at = place(member.value_offset);
    let value = value(member.value).ok_or_else(|| ConfigError::LoneSurrogate { at: at.clone() })?;
    Ok(Assignment { option, at, value })
}

/// The value spelled by `token`, which has passed `check`; `None` when it is a string that is no characters.
fn value(token: &[u8]) -> Option<Value<'_>> {
    let text = std::str::from_utf8(token).ok()?;
    Some(match token.first() {
        Some(b'"') => Value::Text(unescape(token).ok()?),
        Some(b't' | b'f') => Value::Plain(Spelled::JsonSwitch(text)),
        Some(b'-' | b'0'..=b'9') => Value::Plain(Spelled::JsonNumber(text)),
        Some(b'[') => Value::Plain(strings(token)?),
        _ => Value::Plain(Spelled::JsonOther(json_type(token))),
    })
}

/// The array spelled by `token`; `None` when one of its strings is no characters.
fn strings(token: &[u8]) -> Option<Spelled<'_>> {
    let mut strings = Vec::new();
    for element in elements(token)? {
        if element.first() != Some(&b'"') {
            return std::str::from_utf8(token).ok().map(Spelled::JsonArray);
        }
        strings.push(unescape(element).ok()?.into_owned());
    }
    Some(Spelled::JsonStrings(strings))
}

fn json_type(token: &[u8]) -> &'static str {
    match token.first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Line and column of `offset`, both from 1; columns count characters, bytes that are none count as one each.
fn position(path: &str, text: &[u8], offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let in_line = before.get(line_start..).unwrap_or_default();
    Position {
        path: path.to_owned(),
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: String::from_utf8_lossy(in_line).chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "{\n  \"é\": 1\n}\n".as_bytes();
        let place = |offset| {
            let at = position("f", text, offset);
            (at.line, at.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(1), (1, 2));
        assert_eq!(place(4), (2, 3));
        assert_eq!(place(10), (2, 8));
        assert_eq!(place(text.len()), (4, 1));
    }
}
