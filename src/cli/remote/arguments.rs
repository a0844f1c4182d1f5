//! The arguments of the commands that speak to a running server. The command comes first, its flags behind it: they
//! are others than the server's.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use lexopt::{Arg, Parser};

use super::super::arguments::UsageError;
use crate::config::nearest;

/// The commands.
pub const COMMANDS: [&str; 5] = ["get", "put", "patch", "del", "ls"];

/// Where a server is when nothing else is said.
const URL: &str = "http://127.0.0.1:8080";

/// The command that `word` is.
pub fn command(word: &OsStr) -> Option<&'static str> {
    COMMANDS.into_iter().find(|command| word == *command)
}

/// What is asked of a running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it is.
    pub url: String,
    /// The collection; `None` is the main store.
    pub collection: Option<String>,
    /// What to do there.
    pub action: Action,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Show a document, or what a pointer leads to in it.
    Get {
        /// Its key.
        key: String,
        /// The pointer (RFC 6901).
        pointer: Option<String>,
    },
    /// Write a document.
    Put(Write),
    /// Change a document.
    Patch(Write, PatchForm),
    /// Remove a document.
    Delete {
        /// Its key.
        key: String,
        /// An entity tag that it must have.
        if_match: Option<String>,
    },
    /// Show the keys.
    List {
        /// What they begin with.
        prefix: String,
    },
}

/// A write with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The body.
    pub content: Content,
    /// The time to live, as the server reads it.
    pub ttl: Option<String>,
    /// An entity tag that the document must have.
    pub if_match: Option<String>,
}

/// Where a body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Here.
    Text(String),
    /// In this file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

/// What a patch is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchForm {
    /// RFC 7396.
    Merge,
    /// RFC 6902.
    Json,
    /// RFC 6902 and operations of our own.
    Operations,
}

impl PatchForm {
    const ALL: [(&'static str, PatchForm); 3] =
        [("merge", PatchForm::Merge), ("json", PatchForm::Json), ("ops", PatchForm::Operations)];

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            PatchForm::Merge => "application/merge-patch+json",
            PatchForm::Json => "application/json-patch+json",
            PatchForm::Operations => "application/vnd.memory-tools.ops+json",
        }
    }
}

/// Reads what stands behind `command`; `None` when it is the help that is asked for.
///
/// # Errors
/// One line that names what makes no sense.
pub fn parse(command: &'static str, mut parser: Parser) -> Result<Option<Call>, UsageError> {
    let mut words = Words::default();
    while let Some(argument) = parser.next().map_err(fault)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Short(letter) => return Err(UsageError::Flag(format!("unknown flag \"-{letter}\" of {command}"))),
            Arg::Long(name) => {
                let flag = words.flags(command).find(|(known, _)| *known == name).map(|(_, value)| value);
                let Some(slot) = flag else { return Err(unknown_flag(command, name)) };
                let name = name.to_owned();
                *slot = Some(text(parser.value().map_err(fault)?, &name)?);
            }
            Arg::Value(word) => words.positional.push(text(word, "the argument")?),
        }
    }
    words.call(command).map(Some)
}

/// The arguments, sorted but not yet understood.
#[derive(Default)]
struct Words {
    positional: Vec<String>,
    url: Option<String>,
    collection: Option<String>,
    pointer: Option<String>,
    ttl: Option<String>,
    if_match: Option<String>,
    form: Option<String>,
}

impl Words {
    /// The flags that `command` takes, each with the place of its value.
    fn flags(&mut self, command: &str) -> impl Iterator<Item = (&'static str, &mut Option<String>)> {
        let (is_write, is_patch) = (matches!(command, "put" | "patch"), command == "patch");
        [
            (true, "url", &mut self.url),
            (true, "collection", &mut self.collection),
            (command == "get", "ptr", &mut self.pointer),
            (is_write, "ttl", &mut self.ttl),
            (is_write || command == "del", "if-match", &mut self.if_match),
            (is_patch, "type", &mut self.form),
        ]
        .into_iter()
        .filter_map(|(is_taken, name, value)| is_taken.then_some((name, value)))
    }

    fn call(mut self, command: &'static str) -> Result<Call, UsageError> {
        let mut positional = std::mem::take(&mut self.positional).into_iter();
        let first = positional.next();
        let content = if matches!(command, "put" | "patch") { positional.next() } else { None };
        if let Some(extra) = positional.next() {
            return Err(UsageError::TooMany(extra, command));
        }
        let key = first.clone().ok_or_else(|| UsageError::Flag(format!("{command} needs a key: {command} KEY")));
        let if_match = self.if_match.map(entity_tag);
        let write = |key| Write { key, content: Content::of(content), ttl: self.ttl, if_match: if_match.clone() };
        let action = match command {
            "get" => Action::Get { key: key?, pointer: self.pointer },
            "put" => Action::Put(write(key?)),
            "patch" => Action::Patch(write(key?), form(self.form.as_deref())?),
            "del" => Action::Delete { key: key?, if_match },
            _ => Action::List { prefix: first.unwrap_or_default() },
        };
        Ok(Call { url: self.url.unwrap_or_else(|| URL.to_owned()), collection: self.collection, action })
    }
}

impl Content {
    fn of(word: Option<String>) -> Content {
        match word {
            None => Content::Stdin,
            Some(text) => match text.strip_prefix('@') {
                Some(path) => Content::File(PathBuf::from(path)),
                None => Content::Text(text),
            },
        }
    }
}

/// A version becomes the entity tag that it is written as; anything else is one already.
fn entity_tag(word: String) -> String {
    let is_version = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_version { format!("\"{word}\"") } else { word }
}

fn form(word: Option<&str>) -> Result<PatchForm, UsageError> {
    let Some(word) = word else { return Ok(PatchForm::Merge) };
    let found = PatchForm::ALL.iter().find(|(name, _)| *name == word).map(|(_, form)| *form);
    found.ok_or_else(|| UsageError::Flag(format!("--type is merge, json or ops, found {word:?}")))
}

fn text(word: OsString, what: &str) -> Result<String, UsageError> {
    word.into_string().map_err(|word| UsageError::Flag(format!("{what} is not UTF-8: {word:?}")))
}

fn unknown_flag(command: &'static str, name: &str) -> UsageError {
    let mut words = Words::default();
    let hint = match nearest(name, words.flags(command).map(|(known, _)| known)) {
        Some(nearest) => format!("did you mean \"--{nearest}\"?"),
        None => format!("memory-tools {command} --help shows them"),
    };
    UsageError::Flag(format!("unknown flag \"--{name}\" of {command}, {hint}"))
}

fn fault(error: lexopt::Error) -> UsageError {
    UsageError::Flag(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Call>, String> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let command = COMMANDS.into_iter().find(|known| *known == command).unwrap();
        parse(command, Parser::from_args(rest.split_whitespace())).map_err(|error| error.to_string())
    }

    fn action(line: &str) -> Action {
        parsed(line).unwrap().unwrap().action
    }

    #[test]
    fn every_command_has_its_action() {
        let write = |content, ttl: Option<&str>, if_match: Option<&str>| Write {
            key: "k".to_owned(),
            content,
            ttl: ttl.map(str::to_owned),
            if_match: if_match.map(str::to_owned),
        };
        let text = |text: &str| Content::Text(text.to_owned());
        for (line, expected) in [
            ("get k", Action::Get { key: "k".to_owned(), pointer: None }),
            ("get k --ptr /a", Action::Get { key: "k".to_owned(), pointer: Some("/a".to_owned()) }),
            ("put k 1", Action::Put(write(text("1"), None, None))),
            ("put k @f --ttl 5s", Action::Put(write(Content::File("f".into()), Some("5s"), None))),
            ("put --if-match 7 k", Action::Put(write(Content::Stdin, None, Some("\"7\"")))),
            ("put k -- -1", Action::Put(write(text("-1"), None, None))),
            ("patch k {}", Action::Patch(write(text("{}"), None, None), PatchForm::Merge)),
            ("patch k [] --type ops", Action::Patch(write(text("[]"), None, None), PatchForm::Operations)),
            ("del k --if-match *", Action::Delete { key: "k".to_owned(), if_match: Some("*".to_owned()) }),
            ("ls", Action::List { prefix: String::new() }),
            ("ls a/", Action::List { prefix: "a/".to_owned() }),
        ] {
            assert_eq!(action(line), expected, "{line}");
        }
        assert_eq!(parsed("get --help"), Ok(None));
        let call = parsed("ls --url h:1 --collection c").unwrap().unwrap();
        assert_eq!((call.url.as_str(), call.collection.as_deref()), ("h:1", Some("c")));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (line, error) in [
            ("get", "get needs a key: get KEY"),
            ("get a b", "unexpected argument \"b\", get takes no more"),
            ("put a b c", "unexpected argument \"c\", put takes no more"),
            ("get a --ttl 5", "unknown flag \"--ttl\" of get, "),
            ("put a --tll 5", "unknown flag \"--tll\" of put, did you mean \"--ttl\"?"),
            ("patch a --type x", "--type is merge, json or ops, found \"x\""),
            ("get a -x", "unknown flag \"-x\" of get"),
            ("get a --url", "missing argument for option '--url'"),
        ] {
            assert!(parsed(line).is_err_and(|found| found.starts_with(error)), "{line}: {:?}", parsed(line));
        }
    }
}
