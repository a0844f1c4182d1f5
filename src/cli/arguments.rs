//! Arguments read into an `Invocation`: a command, its path, and flags made from the table of options. What stands
//! behind a command that comes first, as the client's do, is read where that command is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};

use crate::base::nearest::nearest;
use crate::config::{ConfigError, OPTIONS, OptionSpec};

use super::help::commands;
use super::invocation::{Arguments, Invocation};
use super::manual::Shell;
use super::usage::UsageError;
use super::{remote, restore, token};

const COMMANDS: [&str; 11] =
    ["serve", "check", "dump", "repair", "check-config", "health", "doctor", "man", "completions", "help", "version"];

/// Flags that are no options.
const OTHER_FLAGS: [&str; 6] = ["config", "import-skip", "print-config", "drop-after-damage", "help", "version"];

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// One line that names what makes no sense, and the nearest name to what is unknown.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Invocation, UsageError> {
    let mut arguments = arguments.into_iter().map(Into::into).peekable();
    if let Some(command) = arguments.peek().and_then(|word| remote::command(word)) {
        let call = remote::parse(command, Parser::from_args(arguments.skip(1)))?;
        return Ok(call.map_or(Invocation::HelpOf(command), Invocation::Remote));
    }
    if arguments.peek().is_some_and(|word| word == token::COMMAND) {
        let new = token::parse(Parser::from_args(arguments.skip(1)))?;
        return Ok(new.map_or(Invocation::HelpOf(token::COMMAND), Invocation::Token));
    }
    if arguments.peek().is_some_and(|word| word == restore::COMMAND) {
        let restoring = restore::parse(Parser::from_args(arguments.skip(1)))?;
        return Ok(restoring.map_or(Invocation::HelpOf(restore::COMMAND), Invocation::Restore));
    }
    let mut words = Words::default();
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(fault)? {
        match argument {
            Arg::Short('h') => words.help = true,
            Arg::Short('V') => words.version = true,
            Arg::Short(letter) => return Err(unknown_flag(&format!("-{letter}"))),
            Arg::Long(name) => {
                let name = name.to_owned();
                words.flag(&name, &mut parser)?;
            }
            Arg::Value(word) => words.positional.push(word),
        }
    }
    words.invocation()
}

/// The arguments, sorted but not yet understood.
#[derive(Default)]
struct Words {
    positional: Vec<OsString>,
    arguments: Arguments,
    import_skip: bool,
    print_config: bool,
    drop_after_damage: bool,
    help: bool,
    version: bool,
}

impl Words {
    fn flag(&mut self, name: &str, parser: &mut Parser) -> Result<(), UsageError> {
        match name {
            "config" => self.arguments.config = Some(PathBuf::from(parser.value().map_err(fault)?)),
            "import-skip" => self.import_skip = true,
            "print-config" => self.print_config = true,
            "drop-after-damage" => self.drop_after_damage = true,
            "help" => self.help = true,
            "version" => self.version = true,
            _ => {
                let option = OPTIONS.iter().find(|option| option.flag() == name);
                let option = option.ok_or_else(|| unknown_flag(&format!("--{name}")))?;
                let value = value_of(option, parser)?.into_string().map_err(|value| not_utf8(name, &value))?;
                self.arguments.flags.push((name.to_owned(), value));
            }
        }
        Ok(())
    }

    fn invocation(mut self) -> Result<Invocation, UsageError> {
        if self.version && !self.help {
            return Ok(Invocation::Version);
        }
        let mut positional = std::mem::take(&mut self.positional).into_iter();
        if self.help || positional.as_slice().first().is_some_and(|word| word == "help") {
            let about = positional.find(|word| word != "help");
            return about.map_or(Ok(Invocation::Help), |word| help_of(&word.to_string_lossy()));
        }
        let written = positional.next().map_or("serve".to_owned(), |word| word.to_string_lossy().into_owned());
        let Some(command) = COMMANDS.into_iter().find(|command| *command == written) else {
            let local = [token::COMMAND, restore::COMMAND];
            let elsewhere = remote::command(written.as_ref()).or(local.into_iter().find(|command| *command == written));
            if let Some(command) = elsewhere {
                return Err(UsageError::Flag(format!("{command} comes first, and its flags behind it")));
            }
            let known = COMMANDS.into_iter().chain(remote::COMMANDS).chain(local);
            return Err(UsageError::UnknownCommand { nearest: nearest(&written, known), name: written });
        };
        let takes_path = matches!(command, "check" | "dump" | "repair" | "completions");
        let path = if takes_path { positional.next().map(PathBuf::from) } else { None };
        if let Some(extra) = positional.next() {
            return Err(UsageError::TooMany(extra.to_string_lossy().into_owned(), command));
        }
        self.refuse_meaningless(command)?;
        let arguments = self.arguments;
        Ok(match command {
            "check" => Invocation::Check { path: path.ok_or(UsageError::NoPath(command))? },
            "dump" => Invocation::Dump { path: path.ok_or(UsageError::NoPath(command))? },
            "repair" => Invocation::Repair {
                path: path.ok_or(UsageError::NoPath(command))?,
                drop_after_damage: self.drop_after_damage,
            },
            "check-config" => Invocation::CheckConfig(arguments),
            "health" => Invocation::Health(arguments),
            "doctor" => Invocation::Doctor(arguments),
            "man" => Invocation::Manual,
            "completions" => Invocation::Completions(shell(path)?),
            "version" => Invocation::Version,
            _ if self.print_config => Invocation::PrintConfig(arguments),
            _ => Invocation::Serve { arguments, import_skip: self.import_skip },
        })
    }

    /// Nothing that was written is ignored.
    fn refuse_meaningless(&self, command: &'static str) -> Result<(), UsageError> {
        let refuse = |flag: &str| Err(UsageError::Meaningless { flag: flag.to_owned(), command });
        if command != "serve" && self.import_skip {
            return refuse("import-skip");
        }
        if command != "serve" && self.print_config {
            return refuse("print-config");
        }
        if command != "repair" && self.drop_after_damage {
            return refuse("drop-after-damage");
        }
        if matches!(command, "serve" | "check-config" | "health" | "doctor") {
            return Ok(());
        }
        match (&self.arguments.config, self.arguments.flags.first()) {
            (Some(_), _) => refuse("config"),
            (None, Some((flag, _))) => refuse(flag),
            (None, None) => Ok(()),
        }
    }
}

/// The shell that was named.
fn shell(named: Option<PathBuf>) -> Result<Shell, UsageError> {
    let found = Shell::ALL.into_iter().find(|(name, _)| named.as_deref() == Some(Path::new(name)));
    found.map(|(_, shell)| shell).ok_or(UsageError::NoShell)
}

/// The help of the command that was `written`.
fn help_of(written: &str) -> Result<Invocation, UsageError> {
    match commands().chain(["help", "version"]).find(|command| *command == written) {
        Some("help" | "version") => Ok(Invocation::Help),
        Some(command) => Ok(Invocation::HelpOf(command)),
        None => Err(UsageError::UnknownCommand { nearest: nearest(written, commands()), name: written.to_owned() }),
    }
}

/// The value of `option`'s flag. A switch may stand alone, which turns it on; the next word is its value only when it
/// says true or false.
fn value_of(option: &OptionSpec, parser: &mut Parser) -> Result<OsString, UsageError> {
    if !option.is_switch() {
        return parser.value().map_err(fault);
    }
    if let Some(joined) = parser.optional_value() {
        return Ok(joined);
    }
    let next = parser.try_raw_args().and_then(|mut rest| rest.next_if(|word| word == "true" || word == "false"));
    Ok(next.unwrap_or_else(|| OsString::from("true")))
}

fn unknown_flag(written: &str) -> UsageError {
    let bare = written.trim_start_matches('-');
    let options: Vec<String> = OPTIONS.iter().map(OptionSpec::flag).collect();
    let known = options.iter().map(String::as_str).chain(OTHER_FLAGS);
    let nearest = nearest(bare, known).map(|name| format!("--{name}"));
    UsageError::UnknownFlag(ConfigError::UnknownFlag { name: written.to_owned(), nearest })
}

fn not_utf8(flag: &str, value: &OsString) -> UsageError {
    UsageError::Flag(format!("the value {value:?} of --{flag} is not UTF-8"))
}

fn fault(error: lexopt::Error) -> UsageError {
    UsageError::Flag(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, String> {
        parse(line.split_whitespace()).map_err(|error| error.to_string())
    }

    fn arguments(config: Option<&str>, flags: &[(&str, &str)]) -> Arguments {
        let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Arguments { config: config.map(PathBuf::from), flags }
    }

    #[test]
    fn without_a_command_it_serves() {
        let plain = Ok(Invocation::Serve { arguments: Arguments::default(), import_skip: false });
        assert_eq!(parsed(""), plain);
        assert_eq!(parsed("serve"), plain);
        let full = arguments(Some("a.json"), &[("port", ":1"), ("snapshot-interval", "5m")]);
        for line in [
            "--config a.json --import-skip --port :1 --snapshot-interval 5m",
            "--port=:1 serve --snapshot-interval=5m --import-skip --config=a.json",
        ] {
            let expected = Invocation::Serve { arguments: full.clone(), import_skip: true };
            assert_eq!(parsed(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_switch_takes_its_value_joined_or_apart_or_none() {
        for (line, value) in [
            ("health --enable-snapshots", "true"),
            ("health --enable-snapshots=false", "false"),
            ("--enable-snapshots false health", "false"),
            ("--enable-snapshots health", "true"),
        ] {
            let expected = Invocation::Health(arguments(None, &[("enable-snapshots", value)]));
            assert_eq!(parsed(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn every_command_has_its_invocation() {
        for (line, expected) in [
            ("--print-config --shards 4", Invocation::PrintConfig(arguments(None, &[("shards", "4")]))),
            ("check-config --config x", Invocation::CheckConfig(arguments(Some("x"), &[]))),
            ("check ./data", Invocation::Check { path: PathBuf::from("./data") }),
            ("dump d", Invocation::Dump { path: PathBuf::from("d") }),
            ("repair d", Invocation::Repair { path: PathBuf::from("d"), drop_after_damage: false }),
            ("repair --drop-after-damage d", Invocation::Repair { path: PathBuf::from("d"), drop_after_damage: true }),
            ("check -- --odd", Invocation::Check { path: PathBuf::from("--odd") }),
            ("health", Invocation::Health(Arguments::default())),
            ("doctor --config x --port :1", Invocation::Doctor(arguments(Some("x"), &[("port", ":1")]))),
            ("man", Invocation::Manual),
            ("completions zsh", Invocation::Completions(Shell::Zsh)),
            ("help", Invocation::Help),
            ("--help", Invocation::Help),
            ("-h check", Invocation::HelpOf("check")),
            ("check d --help", Invocation::HelpOf("check")),
            ("help watch", Invocation::HelpOf("watch")),
            ("get --help", Invocation::HelpOf("get")),
            ("help help", Invocation::Help),
            ("--help version", Invocation::Help),
            ("--version", Invocation::Version),
            ("-V", Invocation::Version),
            ("version", Invocation::Version),
        ] {
            assert_eq!(parsed(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (line, error) in [
            ("--snapshot-intervall 5m", "unknown flag \"--snapshot-intervall\", did you mean \"--snapshot-interval\"?"),
            ("--import-skp", "unknown flag \"--import-skp\", did you mean \"--import-skip\"?"),
            ("-p", "unknown flag \"-p\", memory-tools --help lists the options"),
            ("--port", "missing argument for option '--port'"),
            ("--import-skip=yes", "unexpected argument for option '--import-skip': \"yes\""),
            ("help chek", "unknown command \"chek\", did you mean \"check\"?"),
            ("chek-config", "unknown command \"chek-config\", did you mean \"check-config\"?"),
            ("--port :1 get a", "get comes first, and its flags behind it"),
            ("xyzzy", "unknown command \"xyzzy\", memory-tools --help lists the commands"),
            ("serve data", "unexpected argument \"data\", serve takes no more"),
            ("check a b", "unexpected argument \"b\", check takes no more"),
            ("check", "check needs the path of a data folder, such as: memory-tools check ./data"),
            ("repair", "repair needs the path of a data folder, such as: memory-tools repair ./data"),
            ("dump", "dump needs the path of a data folder, such as: memory-tools dump ./data"),
            ("completions", "completions needs a shell: bash, zsh or fish"),
            ("completions tcsh", "completions needs a shell: bash, zsh or fish"),
            ("man --port :1", "--port means nothing to man"),
            ("repair a b", "unexpected argument \"b\", repair takes no more"),
            ("repair a --port :1", "--port means nothing to repair"),
            ("check a --drop-after-damage", "--drop-after-damage means nothing to check"),
            ("--drop-after-damage", "--drop-after-damage means nothing to serve"),
            ("check a --port :1", "--port means nothing to check"),
            ("check a --config x", "--config means nothing to check"),
            ("health --import-skip", "--import-skip means nothing to health"),
            ("check-config --print-config", "--print-config means nothing to check-config"),
        ] {
            assert_eq!(parsed(line), Err(error.to_owned()), "{line}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_in_options_and_taken_in_paths() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(vec![b'x', 0xff]);
        assert!(parse([OsString::from("--data-dir"), odd.clone()]).is_err());
        let checked = parse([OsString::from("check"), odd.clone()]);
        assert_eq!(checked, Ok(Invocation::Check { path: PathBuf::from(odd) }));
    }
}
