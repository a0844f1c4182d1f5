//! The arguments of the commands that speak to a running server. The command comes first, its flags behind it: they
//! are others than the server's.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser};

use super::super::usage::UsageError;
use super::action::{
    Action, BackingUp, Call, Content, Exporting, Importing, PatchForm, Stream, Viewing, Watching, Write,
};
use crate::base::duration::GoDuration;
use crate::base::nearest::nearest;

/// How long `top` may wait between two looks, and how long it does when nothing is said.
const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);
const INTERVAL: Duration = Duration::from_secs(1);

/// The commands.
pub const COMMANDS: [&str; 10] = ["get", "put", "patch", "del", "ls", "watch", "top", "export", "import", "backup"];

/// The command that `word` is.
pub fn command(word: &OsStr) -> Option<&'static str> {
    COMMANDS.into_iter().find(|command| word == *command)
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
            Arg::Short('o') if command == "export" => {
                words.output = Some(text(parser.value().map_err(fault)?, "-o")?);
            }
            Arg::Short(letter) => return Err(UsageError::Flag(format!("unknown flag \"-{letter}\" of {command}"))),
            Arg::Long(name) => {
                let flag = words.flags(command).find(|(known, _)| *known == name).map(|(_, slot)| slot);
                match flag.ok_or_else(|| unknown_flag(command, name))? {
                    Slot::Switch(is_on) => *is_on = true,
                    Slot::Value(slot) => {
                        let name = name.to_owned();
                        *slot = Some(text(parser.value().map_err(fault)?, &name)?);
                    }
                }
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
    token_file: Option<String>,
    collection: Option<String>,
    pointer: Option<String>,
    head_only: bool,
    is_long: bool,
    ttl: Option<String>,
    if_match: Option<String>,
    creates: bool,
    form: Option<String>,
    prefix: Option<String>,
    since: Option<String>,
    as_json: bool,
    with_values: bool,
    output: Option<String>,
    goes_on: bool,
    mode: Option<String>,
    to: Option<String>,
    replaces: bool,
    is_quiet: bool,
    interval: Option<String>,
    once: bool,
    count: Option<String>,
}

/// Where a flag leaves what it says.
enum Slot<'w> {
    /// It takes a value.
    Value(&'w mut Option<String>),
    /// It says all by being there.
    Switch(&'w mut bool),
}

impl Words {
    /// The flags that `command` takes.
    fn flags(&mut self, command: &str) -> impl Iterator<Item = (&'static str, Slot<'_>)> {
        let is_write = matches!(command, "put" | "patch");
        let (is_watch, is_top) = (command == "watch", command == "top");
        let (is_export, is_import) = (command == "export", command == "import");
        let is_backup = command == "backup";
        [
            (true, "url", Slot::Value(&mut self.url)),
            (true, "token-file", Slot::Value(&mut self.token_file)),
            (!is_import && !is_top && !is_backup, "collection", Slot::Value(&mut self.collection)),
            (command == "get", "ptr", Slot::Value(&mut self.pointer)),
            (command == "get", "head", Slot::Switch(&mut self.head_only)),
            (command == "ls", "long", Slot::Switch(&mut self.is_long)),
            (is_write, "ttl", Slot::Value(&mut self.ttl)),
            (is_write || command == "del", "if-match", Slot::Value(&mut self.if_match)),
            (command == "put", "create", Slot::Switch(&mut self.creates)),
            (command == "patch", "type", Slot::Value(&mut self.form)),
            (is_watch, "prefix", Slot::Value(&mut self.prefix)),
            (is_watch, "since", Slot::Value(&mut self.since)),
            (is_watch, "json", Slot::Switch(&mut self.as_json)),
            (is_watch, "values", Slot::Switch(&mut self.with_values)),
            (is_export, "output", Slot::Value(&mut self.output)),
            (is_export, "continue", Slot::Switch(&mut self.goes_on)),
            (is_import, "mode", Slot::Value(&mut self.mode)),
            (is_backup, "to", Slot::Value(&mut self.to)),
            (is_backup, "force", Slot::Switch(&mut self.replaces)),
            (is_export || is_import || is_backup, "quiet", Slot::Switch(&mut self.is_quiet)),
            (is_top, "interval", Slot::Value(&mut self.interval)),
            (is_top, "once", Slot::Switch(&mut self.once)),
            (is_top, "count", Slot::Value(&mut self.count)),
        ]
        .into_iter()
        .filter_map(|(is_taken, name, slot)| is_taken.then_some((name, slot)))
    }

    fn call(mut self, command: &'static str) -> Result<Call, UsageError> {
        let mut positional = std::mem::take(&mut self.positional).into_iter();
        let first = if matches!(command, "watch" | "top" | "export" | "backup") { None } else { positional.next() };
        let content = if matches!(command, "put" | "patch") { positional.next() } else { None };
        if let Some(extra) = positional.next() {
            return Err(UsageError::TooMany(extra, command));
        }
        let key = first.clone().ok_or_else(|| UsageError::Flag(format!("{command} needs a key: {command} KEY")));
        let if_match = self.if_match.map(entity_tag);
        let creates = self.creates;
        let write =
            |key| Write { key, content: Content::of(content), ttl: self.ttl, if_match: if_match.clone(), creates };
        let action = match command {
            "get" => Action::Get { key: key?, pointer: self.pointer, head_only: self.head_only },
            "put" => Action::Put(write(key?)),
            "patch" => Action::Patch(write(key?), form(self.form.as_deref())?),
            "del" => Action::Delete { key: key?, if_match },
            "watch" if self.with_values && !self.as_json => {
                return Err(UsageError::Flag("--values needs --json, which can show them".to_owned()));
            }
            "watch" => Action::Watch(Watching {
                prefix: self.prefix,
                since: self.since,
                as_json: self.as_json,
                with_values: self.with_values,
            }),
            "top" => Action::Top(viewing(self.interval.as_deref(), self.once, self.count.as_deref())?),
            "export" => {
                let to = self.output.as_deref().map_or(Stream::Standard, Stream::named);
                if self.goes_on && to == Stream::Standard {
                    let needed = "--continue needs the file that it goes on with: -o FILE";
                    return Err(UsageError::Flag(needed.to_owned()));
                }
                let collection = self.collection.clone();
                Action::Export(Exporting { to, collection, goes_on: self.goes_on, is_quiet: self.is_quiet })
            }
            "backup" => {
                let to = self
                    .to
                    .ok_or_else(|| UsageError::Flag("backup needs a file: backup --to FILE, or -".to_owned()))?;
                let to = Stream::named(&to);
                Action::Backup(BackingUp { to, replaces: self.replaces, is_quiet: self.is_quiet })
            }
            "import" => {
                let from =
                    first.ok_or_else(|| UsageError::Flag("import needs a file: import FILE, or -".to_owned()))?;
                Action::Import(Importing { from: Stream::named(&from), mode: self.mode, is_quiet: self.is_quiet })
            }
            _ => Action::List { prefix: first.unwrap_or_default(), is_long: self.is_long },
        };
        Ok(Call { url: self.url, token_file: self.token_file, collection: self.collection, action })
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

fn viewing(interval: Option<&str>, once: bool, count: Option<&str>) -> Result<Viewing, UsageError> {
    let interval = match interval {
        Some(word) => GoDuration::parse(word)
            .map_err(|fault| UsageError::Flag(format!("--interval {word}: {fault}")))?
            .to_unsigned()
            .filter(|interval| INTERVALS.contains(interval))
            .ok_or_else(|| UsageError::Flag(format!("--interval is 100ms to 1h, found {word}")))?,
        None => INTERVAL,
    };
    let blocks = match (once, count) {
        (true, None) => Some(1),
        (true, Some(_)) => return Err(UsageError::Flag("--once is --count 1, and one of them is enough".to_owned())),
        (false, None) => None,
        (false, Some(word)) => {
            let count = word.parse().ok().filter(|count| *count > 0);
            Some(count.ok_or_else(|| UsageError::Flag(format!("--count is a number from 1 on, found {word:?}")))?)
        }
    };
    Ok(Viewing { interval, blocks })
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
