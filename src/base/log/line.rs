//! An event as one line, for people or for programs.
//!
//! Invariant: a line holds one newline, its last byte, and no control character before that, whatever is in a text: a
//! key with a newline in it forges no second line, and an escape sequence reaches no terminal. JSON lines are one object
//! each. Rendering is pure; it knows neither the time nor where the line goes.

use std::fmt::{self, Arguments, Write as _};

use super::value::{Level, Value};
use crate::base::clock::{UnixMillis, push_rfc3339};
use crate::base::limits::LOG_TEXT_BYTES_MAX;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `memory-tools: warning: the text name=value`, without a time, which whoever collects lines adds.
    Text,
    /// One object, with the members `time`, `level`, `event`, `message`, and one for each field.
    Json,
}

/// Something that happened.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    /// How urgent it is.
    pub level: Level,
    /// What kind of event it is; none has none yet.
    pub name: Option<&'static str>,
    /// What happened, in words.
    pub text: Arguments<'a>,
    /// What happened, in figures; none is named as a member that every line has.
    pub fields: &'a [(&'static str, Value<'a>)],
}

impl Event<'_> {
    /// The line of it, its newline included.
    pub fn line(&self, format: Format, now: UnixMillis) -> String {
        let mut line = String::with_capacity(128);
        match format {
            Format::Text => self.push_text(&mut line),
            Format::Json => self.push_json(&mut line, now),
        }
        line.push('\n');
        line
    }

    fn push_text(&self, line: &mut String) {
        line.push_str("memory-tools: ");
        if self.level != Level::Info {
            line.push_str(self.level.name());
            line.push_str(": ");
        }
        push_within(line, Quotes::None, self.text);
        let is_shown = |(_, value): &&(_, Value<'_>)| !matches!(value, Value::None | Value::Said(_));
        for (name, value) in self.fields.iter().filter(is_shown) {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            match value {
                Value::Text(text) => push_word(line, text),
                Value::Shown(shown) => push_word(line, &shown.to_string()),
                figure => push_figure(line, figure),
            }
        }
    }

    fn push_json(&self, line: &mut String, now: UnixMillis) {
        let mut time = Vec::new();
        push_rfc3339(&mut time, now);
        line.push_str("{\"time\":\"");
        line.push_str(&String::from_utf8_lossy(&time));
        line.push_str("\",\"level\":\"");
        line.push_str(self.level.name());
        if let Some(name) = self.name {
            line.push_str("\",\"event\":\"");
            line.push_str(name);
        }
        line.push_str("\",\"message\":");
        push_within(line, Quotes::Around, self.text);
        let unsaid = self.fields.iter().map(|(name, value)| (name, value.unsaid()));
        for (name, value) in unsaid.filter(|(_, value)| !matches!(value, Value::None)) {
            line.push_str(",\"");
            line.push_str(name);
            line.push_str("\":");
            match value {
                Value::Text(text) => push_within(line, Quotes::Around, format_args!("{text}")),
                Value::Shown(shown) => push_within(line, Quotes::Around, format_args!("{shown}")),
                figure => push_figure(line, &figure),
            }
        }
        line.push('}');
    }
}

/// What looks the same in both formats and needs no quotes.
fn push_figure(line: &mut String, value: &Value<'_>) {
    // Writing to a String does not fail.
    let _ = match value {
        Value::Number(number) => write!(line, "{number}"),
        Value::Millis(duration) => {
            let micros = duration.as_micros();
            write!(line, "{}.{:03}", micros / 1000, micros % 1000)
        }
        Value::Flag(flag) => write!(line, "{flag}"),
        Value::Text(_) | Value::Shown(_) | Value::Said(_) | Value::None => Ok(()),
    };
}

/// A value of a line of text: in quotes where it could be taken for more than one word, or for none.
fn push_word(line: &mut String, text: &str) {
    let is_word = |character: char| !(character.is_whitespace() || is_hidden(character) || "\"\\=".contains(character));
    let is_bare = !text.is_empty() && text.len() <= LOG_TEXT_BYTES_MAX && text.chars().all(is_word);
    if is_bare { line.push_str(text) } else { push_within(line, Quotes::Around, format_args!("{text}")) }
}

/// `text` up to `LOG_TEXT_BYTES_MAX`, with an ellipsis where it was cut, and with nothing in it that ends a line.
fn push_within(line: &mut String, quotes: Quotes, text: Arguments<'_>) {
    let quote = if quotes == Quotes::Around { "\"" } else { "" };
    line.push_str(quote);
    let mut escaping = Escaping { line, quotes, left: LOG_TEXT_BYTES_MAX };
    // It fails where the text is too long, or where what it shows fails to show itself: there it is cut.
    if escaping.write_fmt(text).is_err() {
        line.push('…');
    }
    line.push_str(quote);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Around,
}

/// Escapes what passes through it, as JSON does.
struct Escaping<'a> {
    line: &'a mut String,
    quotes: Quotes,
    /// Bytes that may still come.
    left: usize,
}

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.left = self.left.checked_sub(character.len_utf8()).ok_or(fmt::Error)?;
            match character {
                '"' | '\\' if self.quotes == Quotes::Around => {
                    self.line.push('\\');
                    self.line.push(character);
                }
                '\n' => self.line.push_str("\\n"),
                '\r' => self.line.push_str("\\r"),
                '\t' => self.line.push_str("\\t"),
                hidden if is_hidden(hidden) => write!(self.line, "\\u{:04x}", u32::from(hidden))?,
                plain => self.line.push(plain),
            }
        }
        Ok(())
    }
}

/// Controls (C0, DEL, C1), Unicode's separators of lines, and what turns the direction of a line around.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_374_000_007);

    fn lines(level: Level, text: &str, fields: &[(&'static str, Value<'_>)]) -> (String, String) {
        let line =
            |format| Event { level, name: Some("shown"), text: format_args!("{text}"), fields }.line(format, NOW);
        (line(Format::Text), line(Format::Json))
    }

    #[test]
    fn an_event_is_a_sentence_with_figures_or_an_object() {
        let fields = [
            ("path", Value::from("/data dir/a=b")),
            ("documents", Value::from(12_usize)),
            ("took_ms", Value::from(Duration::from_micros(1_500))),
            ("whole", Value::from(true)),
            ("mode", Value::Shown(&"always")),
            ("nothing", Value::from("")),
            ("left_out", Value::from(None::<u64>)),
            ("said", Value::Said(&Value::Text("it"))),
            ("said_nothing", Value::Said(&Value::None)),
        ];
        let (text, json) = lines(Level::Warn, "it \"came\"", &fields);
        assert_eq!(
            text,
            "memory-tools: warning: it \"came\" path=\"/data dir/a=b\" documents=12 took_ms=1.500 whole=true \
             mode=always nothing=\"\"\n"
        );
        assert_eq!(
            json,
            "{\"time\":\"2026-11-22T19:00:00.007Z\",\"level\":\"warning\",\"event\":\"shown\",\
             \"message\":\"it \\\"came\\\"\",\"path\":\"/data dir/a=b\",\"documents\":12,\"took_ms\":1.500,\
             \"whole\":true,\"mode\":\"always\",\"nothing\":\"\",\"said\":\"it\"}\n"
        );
        let unnamed = Event { level: Level::Info, name: None, text: format_args!("so"), fields: &[] };
        assert_eq!(unnamed.line(Format::Text, NOW), "memory-tools: so\n");
        let json = unnamed.line(Format::Json, NOW);
        assert_eq!(json, "{\"time\":\"2026-11-22T19:00:00.007Z\",\"level\":\"info\",\"message\":\"so\"}\n");
    }

    #[test]
    fn no_text_ends_a_line_before_its_end() {
        let hostile = "a\nmemory-tools: error: forged\r\n\t\u{1b}[2J\u{0}\u{7f}\u{85}\u{2028}\u{202e}\"\\ é日😀";
        let (text, json) =
            lines(Level::Info, hostile, &[("key", Value::Text(hostile)), ("shown", Value::Shown(&hostile))]);
        for line in [&text, &json] {
            assert_eq!(line.find(is_hidden), Some(line.len() - 1), "{line:?}");
        }
        let escaped = r"a\nmemory-tools: error: forged\r\n\t\u001b[2J\u0000\u007f\u0085\u2028\u202e";
        assert!(
            text.starts_with(&format!("memory-tools: {escaped}\"\\ é日😀 key=\"{escaped}\\\"\\\\ é日😀\"")),
            "{text}"
        );
        let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
        for member in ["message", "key", "shown"] {
            assert_eq!(parsed[member], hostile, "{member}");
        }
    }

    #[test]
    fn every_character_comes_back_out_of_json() {
        let all: Vec<char> = (0..=0x11_0000).filter_map(char::from_u32).collect();
        for some in all.chunks(LOG_TEXT_BYTES_MAX / 4) {
            let some: String = some.iter().collect();
            let (text, json) = lines(Level::Info, &some, &[]);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["message"], some);
            assert_eq!((text.lines().count(), json.lines().count()), (1, 1));
        }
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let long = "é".repeat(LOG_TEXT_BYTES_MAX);
        let (text, json) = lines(Level::Info, &long, &[("key", Value::Text(&long))]);
        let kept = "é".repeat(LOG_TEXT_BYTES_MAX / 2) + "…";
        assert_eq!(text, format!("memory-tools: {kept} key=\"{kept}\"\n"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["key"], kept);
    }
}
