//! One option: its name, what it takes, what it costs, and how a text becomes its field.
//!
//! Whatever the source, a value becomes text first (after its JSON type is checked, where it has one), so that one
//! parser per kind serves the file, the environment and the flags alike.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::access::Tokens;
use crate::base::duration::GoDuration;

use super::listen::Listen;
use super::listen_on::ListenOn;
use super::memory_max::MemoryMax;
use super::origins;
use super::size::{format_size, parse_size};
use super::values::Config;

/// An option of the server. The table of them is the one source of everything that speaks of options.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its key in config.json; the environment variable and the flag are made from it.
    pub name: &'static str,
    /// What values it takes and which field they fill.
    pub kind: Kind,
    /// Its default, as text.
    pub default: &'static str,
    /// What its numbers count.
    pub unit: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What a larger and a smaller value costs, or each choice.
    pub cost: &'static str,
    /// What to do who is unsure.
    pub if_unsure: &'static str,
}

/// What an option takes, with the bounds it must keep (both inclusive), and the field it fills.
#[derive(Debug)]
pub enum Kind {
    /// An address to listen on.
    Address(fn(&mut Config) -> &mut Listen),
    /// Places to listen on, none at all included.
    Endpoints(fn(&mut Config) -> &mut Vec<ListenOn>),
    /// Origins of web pages, none at all included.
    Origins(fn(&mut Config) -> &mut Vec<String>),
    /// A Go duration.
    Span(Duration, Duration, fn(&mut Config) -> &mut Duration),
    /// A whole number.
    Count(usize, usize, fn(&mut Config) -> &mut usize),
    /// A whole number that is a power of two.
    PowerOfTwo(usize, usize, fn(&mut Config) -> &mut usize),
    /// A size in bytes.
    Size(usize, usize, fn(&mut Config) -> &mut usize),
    /// A size in bytes, a share of the memory that there is, or no bound.
    Memory(fn(&mut Config) -> &mut MemoryMax),
    /// On or off.
    Switch(fn(&mut Config) -> &mut bool),
    /// A folder, relative to the working directory.
    Folder(fn(&mut Config) -> &mut PathBuf),
    /// A folder, relative to the working directory, or none.
    FolderOrNone(fn(&mut Config) -> &mut Option<PathBuf>),
    /// A file, relative to the working directory, or none.
    File(fn(&mut Config) -> &mut Option<PathBuf>),
    /// Tokens, none at all included. What is given for them is shown nowhere.
    Tokens(fn(&mut Config) -> &mut Tokens),
    /// One of a few words: which there are, and what puts one in its field, unless it is none of them.
    Word(fn() -> Vec<&'static str>, fn(&mut Config, &str) -> Option<()>),
}

/// A value as its source spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spelled<'a> {
    /// A word of the command line or the environment.
    Word(&'a str),
    /// The characters of a JSON string.
    JsonString(&'a str),
    /// A JSON number, as written.
    JsonNumber(&'a str),
    /// `true` or `false`.
    JsonSwitch(&'a str),
    /// The strings of a JSON array of strings.
    JsonStrings(Vec<String>),
    /// A JSON array of other than strings, as written.
    JsonArray(&'a str),
    /// What no option takes: "null", "an array", "an object".
    JsonOther(&'static str),
}

/// Why a value does not suit its option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, such as {example}, found {found}{}", Because(.reason.as_deref()))]
pub struct ValueFault {
    /// What the option takes, with its range.
    pub expected: String,
    /// A value that suits, as JSON.
    pub example: String,
    /// What was there.
    pub found: String,
    /// What is wrong with it in particular.
    pub reason: Option<String>,
}

struct Because<'a>(Option<&'a str>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spelled::Word(text) | Spelled::JsonString(text) => write!(f, "{text:?}"),
            Spelled::JsonNumber(text) => write!(f, "the number {text}"),
            Spelled::JsonSwitch(text) => f.write_str(text),
            Spelled::JsonStrings(texts) => write!(f, "{texts:?}"),
            Spelled::JsonArray(_) => f.write_str("an array of other than strings"),
            Spelled::JsonOther(what) => f.write_str(what),
        }
    }
}

impl Spelled<'_> {
    /// What it is, and nothing that is in it.
    fn hidden(&self) -> String {
        match self {
            Spelled::Word(text) | Spelled::JsonString(text) => format!("a text of {} bytes", text.len()),
            Spelled::JsonArray(text) => format!("an array of {} bytes", text.len()),
            Spelled::JsonStrings(_) => "an array of strings".to_owned(),
            Spelled::JsonNumber(_) | Spelled::JsonSwitch(_) | Spelled::JsonOther(_) => self.to_string(),
        }
    }
}

impl OptionSpec {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{}{}", super::ENVIRONMENT_PREFIX, self.name.to_ascii_uppercase())
    }

    /// The flag that sets it, without its dashes.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// True when its flag may stand without a value, which turns it on.
    pub fn is_switch(&self) -> bool {
        matches!(self.kind, Kind::Switch(_))
    }

    /// Its default as config.json has it.
    pub fn default_json(&self) -> String {
        self.kind.to_json(self.default)
    }

    /// Reads `spelled` into the field of this option and returns the value in its shortest form, as JSON.
    ///
    /// # Errors
    /// What was expected and what was found; the field is then unchanged.
    pub fn fill(&self, config: &mut Config, spelled: &Spelled<'_>) -> Result<String, ValueFault> {
        let fault = |reason| ValueFault {
            expected: self.kind.expected(),
            example: self.kind.example().map_or_else(|| self.default_json(), str::to_owned),
            found: if let Kind::Tokens(_) = self.kind { spelled.hidden() } else { spelled.to_string() },
            reason,
        };
        let text = self.kind.text_of(spelled).map_err(fault)?;
        self.kind.fill(config, &text).map(|shortest| self.kind.to_json(&shortest)).map_err(fault)
    }
}

impl Kind {
    /// The text to parse, when the source spells this kind that way; else what is wrong in particular, if anything.
    fn text_of<'a>(&self, spelled: &'a Spelled<'_>) -> Result<Cow<'a, str>, Option<String>> {
        match (self, spelled) {
            (_, Spelled::Word(text)) => Ok(Cow::Borrowed(text)),
            (Kind::Endpoints(_), Spelled::JsonStrings(texts)) => {
                ListenOn::join(texts).map(Cow::Owned).map_err(|fault| Some(fault.to_string()))
            }
            (Kind::Origins(_), Spelled::JsonStrings(texts)) => {
                origins::join(texts).map(Cow::Owned).map_err(|fault| Some(fault.to_string()))
            }
            (Kind::Endpoints(_) | Kind::Origins(_), _) => Err(None),
            (Kind::Tokens(_), Spelled::JsonArray(text)) => Ok(Cow::Borrowed(text)),
            (Kind::Tokens(_), Spelled::JsonStrings(texts)) if texts.is_empty() => Ok(Cow::Borrowed("[]")),
            (Kind::Tokens(_), _) => Err(None),
            (Kind::Switch(_), Spelled::JsonSwitch(text)) => Ok(Cow::Borrowed(text)),
            (Kind::Count(..) | Kind::PowerOfTwo(..) | Kind::Size(..) | Kind::Memory(_), Spelled::JsonNumber(text)) => {
                Ok(Cow::Borrowed(text))
            }
            (Kind::Count(..) | Kind::PowerOfTwo(..) | Kind::Switch(_), _) => Err(None),
            (_, Spelled::JsonString(text)) => Ok(Cow::Borrowed(text)),
            _ => Err(None),
        }
    }

    /// The shortest form `text` as config.json spells this kind.
    fn to_json(&self, text: &str) -> String {
        match self {
            Kind::Count(..) | Kind::PowerOfTwo(..) | Kind::Switch(_) => text.to_owned(),
            Kind::Size(..) | Kind::Memory(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.to_owned(),
            Kind::Endpoints(_) | Kind::Origins(_) => {
                let elements: Vec<String> = text.split(',').filter(|element| !element.is_empty()).map(quoted).collect();
                format!("[{}]", elements.join(", "))
            }
            // They show themselves as JSON.
            Kind::Tokens(_) if text.is_empty() => "[]".to_owned(),
            Kind::Tokens(_) => text.to_owned(),
            Kind::Address(_) | Kind::Span(..) | Kind::Size(..) | Kind::Memory(_) | Kind::Word(..) => quoted(text),
            Kind::Folder(_) | Kind::FolderOrNone(_) | Kind::File(_) => quoted(text),
        }
    }

    /// A value that suits, as JSON, where defaults are too empty to show one.
    fn example(&self) -> Option<&'static str> {
        match self {
            Kind::Endpoints(_) => Some(r#"["127.0.0.1:8080", "unix:/run/memory-tools.sock"]"#),
            Kind::Origins(_) => Some(r#"["https://app.example"]"#),
            Kind::Tokens(_) => Some(r#"[{"name": "app", "role": "read", "sha256": "…"}]"#),
            Kind::FolderOrNone(_) => Some(r#""/var/backups/memory-tools""#),
            Kind::File(_) => Some(r#""/etc/memory-tools/tls.pem""#),
            _ => None,
        }
    }

    /// What this kind takes, as a clause.
    fn expected(&self) -> String {
        match self {
            Kind::Address(_) => "an address to listen on".to_owned(),
            Kind::Endpoints(_) => {
                "addresses to listen on and Unix sockets, as an array or with commas between them".to_owned()
            }
            Kind::Origins(_) => "origins of web pages, as an array or with commas between them, or \"*\"".to_owned(),
            Kind::Span(least, most, _) => {
                format!("a duration of {} to {}", GoDuration::from(*least), GoDuration::from(*most))
            }
            Kind::Count(least, most, _) => format!("a whole number of {least} to {most}"),
            Kind::PowerOfTwo(least, most, _) => format!("a power of two of {least} to {most}"),
            Kind::Size(least, most, _) => {
                format!("a size of {} to {} bytes", format_size(*least), format_size(*most))
            }
            Kind::Memory(_) => "a size of 1MiB or more, 1% to 100% of the memory that there is, or \"off\"".to_owned(),
            Kind::Switch(_) => "true or false".to_owned(),
            Kind::Folder(_) => "a folder".to_owned(),
            Kind::FolderOrNone(_) => "a folder, or nothing".to_owned(),
            Kind::File(_) => "a file, or nothing".to_owned(),
            Kind::Tokens(_) => "tokens as JSON objects".to_owned(),
            Kind::Word(words, _) => {
                format!("one of {}", words().iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Parses `text` into the field and returns its shortest form; on a fault, what is wrong in particular.
    fn fill(&self, config: &mut Config, text: &str) -> Result<String, Option<String>> {
        match self {
            Kind::Address(field) => {
                let listen = Listen::parse(text).map_err(|fault| Some(fault.to_string()))?;
                let shortest = listen.to_string();
                *field(config) = listen;
                Ok(shortest)
            }
            Kind::Endpoints(field) => {
                let elements = ListenOn::parse_list(text).map_err(|fault| Some(fault.to_string()))?;
                let shortest = ListenOn::format_list(&elements);
                *field(config) = elements;
                Ok(shortest)
            }
            Kind::Origins(field) => {
                let origins = origins::parse_list(text).map_err(|fault| Some(fault.to_string()))?;
                let shortest = origins.join(",");
                *field(config) = origins;
                Ok(shortest)
            }
            Kind::Span(least, most, field) => {
                let duration = GoDuration::parse(text).map_err(|fault| Some(fault.to_string()))?;
                let span = duration.to_unsigned().filter(|span| least <= span && span <= most).ok_or(None)?;
                *field(config) = span;
                Ok(duration.to_string())
            }
            Kind::Count(least, most, field) => {
                let count = parse_count(text).filter(|count| least <= count && count <= most).ok_or(None)?;
                *field(config) = count;
                Ok(count.to_string())
            }
            Kind::PowerOfTwo(least, most, field) => {
                let within = |count: &usize| least <= count && count <= most && count.is_power_of_two();
                let count = parse_count(text).filter(within).ok_or(None)?;
                *field(config) = count;
                Ok(count.to_string())
            }
            Kind::Size(least, most, field) => {
                let size = parse_size(text).map_err(|fault| Some(fault.to_string()))?;
                let size = Some(size).filter(|size| least <= size && size <= most).ok_or(None)?;
                *field(config) = size;
                Ok(format_size(size))
            }
            Kind::Memory(field) => {
                let bound = MemoryMax::parse(text).map_err(|fault| Some(fault.to_string()))?;
                *field(config) = bound;
                Ok(bound.to_string())
            }
            Kind::Switch(field) => {
                *field(config) = text.parse().map_err(|_| None)?;
                Ok(text.to_owned())
            }
            Kind::Folder(field) => {
                if text.is_empty() || text.contains('\0') {
                    return Err(None);
                }
                *field(config) = PathBuf::from(text);
                Ok(text.to_owned())
            }
            Kind::FolderOrNone(field) | Kind::File(field) => {
                if text.contains('\0') {
                    return Err(None);
                }
                *field(config) = (!text.is_empty()).then(|| PathBuf::from(text));
                Ok(text.to_owned())
            }
            Kind::Tokens(field) => {
                let tokens = Tokens::read(text.as_bytes()).map_err(|fault| Some(fault.to_string()))?;
                let shown = tokens.to_json();
                *field(config) = tokens;
                Ok(shown)
            }
            Kind::Word(_, choose) => {
                choose(config, text).ok_or(None)?;
                Ok(text.to_owned())
            }
        }
    }
}

/// A whole number in plain digits: no sign, no exponent.
fn parse_count(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = Vec::new();
    crate::base::json::escape_into(&mut quoted, text);
    String::from_utf8_lossy(&quoted).into_owned()
}
