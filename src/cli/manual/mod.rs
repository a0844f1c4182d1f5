//! The manual page and the completions of shells, made of the tables that the help is made of: the pages of the
//! commands and the options.
//!
//! Invariant: what is here names no command and no flag by itself, so that none is ever forgotten.

mod bash;
mod fish;
mod roff;
mod zsh;

use crate::config::{Kind, OPTIONS, OptionSpec};

use super::exit::Finished;
use super::help::{PAGES, Page};

/// A shell that completions can be had for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash, with or without the package bash-completion.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

impl Shell {
    /// Each by its name.
    pub const ALL: [(&str, Shell); 3] = [("bash", Shell::Bash), ("zsh", Shell::Zsh), ("fish", Shell::Fish)];
}

/// The manual page, for man.
pub fn manual() -> Finished {
    Finished::done(roff::page(PAGES, OPTIONS))
}

/// The completions for `shell`.
pub fn completions(shell: Shell) -> Finished {
    Finished::done(match shell {
        Shell::Bash => bash::script(PAGES),
        Shell::Zsh => zsh::script(PAGES),
        Shell::Fish => fish::script(PAGES),
    })
}

/// A long flag.
struct Flag {
    /// Without its dashes.
    name: String,
    /// What stands behind it.
    value: Value,
    /// What it says, in a line.
    says: String,
}

/// What stands behind a flag.
enum Value {
    /// Nothing, or it may be left out.
    None,
    /// A path.
    Path,
    /// One of these.
    Words(Vec<&'static str>),
    /// Anything else.
    Any,
}

/// The flags of a command: those on its page, the options where it takes them, and help.
fn flags(page: &Page) -> Vec<Flag> {
    let own = page.flags.iter().filter_map(|(written, says)| {
        let (_, long) = written.split_once("--")?;
        let (name, value) = long.split_once(' ').unwrap_or((long, ""));
        let value = match value {
            "" => Value::None,
            "FILE" | "PATH" => Value::Path,
            _ => Value::Any,
        };
        Some(Flag { name: name.to_owned(), value, says: (*says).to_owned() })
    });
    let options = if takes_options(page) { OPTIONS } else { &[] };
    let help = Flag { name: "help".to_owned(), value: Value::None, says: "show the help of this command".to_owned() };
    own.chain(options.iter().map(flag_of)).chain([help]).collect()
}

/// True when the options of the server are flags of the command, too.
fn takes_options(page: &Page) -> bool {
    page.usage.iter().any(|usage| usage.contains("[OPTION...]"))
}

fn flag_of(option: &OptionSpec) -> Flag {
    let value = match &option.kind {
        Kind::Switch(_) => Value::None,
        Kind::Folder(_) | Kind::FolderOrNone(_) | Kind::File(_) => Value::Path,
        Kind::Word(words, _) => Value::Words(words()),
        _ => Value::Any,
    };
    let first = option.meaning.split_inclusive(['.', ':', ';']).next().unwrap_or_default();
    Flag { name: option.flag(), value, says: first.trim_end_matches(['.', ':', ';']).to_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    fn all() -> [(&'static str, String); 4] {
        let shells = Shell::ALL.map(|(name, shell)| (name, completions(shell).stdout));
        let [bash, zsh, fish] = shells;
        [bash, zsh, fish, ("man", manual().stdout.replace("\\-", "-"))]
    }

    #[test]
    fn every_command_and_every_flag_is_in_each() {
        for (name, text) in all() {
            for page in PAGES {
                assert!(text.contains(page.command), "{name}: {}", page.command);
                for flag in flags(page) {
                    let written = match name {
                        "fish" => format!(" -l {} ", flag.name),
                        _ => format!("--{}", flag.name),
                    };
                    assert!(text.contains(&written), "{name}: {written} of {}", page.command);
                }
            }
            for option in OPTIONS {
                assert!(name != "man" || text.contains(&option.variable()), "{}", option.name);
            }
        }
    }

    /// What `program` says of `input`; `None` when it is not installed.
    fn run(program: &str, arguments: &[&str], input: &str) -> Option<(bool, String)> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            writeln!(std::io::stderr(), "NOT RUN: what {program} says of a script: it is not installed").unwrap();
            return None;
        };
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    #[test]
    fn who_reads_them_finds_nothing_wrong() {
        let [bash, zsh, fish, _] = all();
        let page = manual().stdout;
        for (program, arguments, input) in [
            ("bash", vec!["-n"], &bash.1),
            ("zsh", vec!["-n"], &zsh.1),
            ("fish", vec!["--no-execute"], &fish.1),
            ("groff", vec!["-man", "-Tascii", "-ww", "-z"], &page),
        ] {
            if let Some((succeeded, said)) = run(program, &arguments, input) {
                assert!(succeeded && said.is_empty(), "{program}: {said}");
            }
        }
    }

    #[test]
    fn bash_completes_commands_flags_and_words() {
        for (line, expected) in [
            ("memory-tools hea", "health"),
            ("memory-tools get k --pt", "--ptr"),
            ("memory-tools put k --pt", ""),
            ("memory-tools --journal-seg", "--journal-segment-bytes"),
            ("memory-tools serve --journal al", "always"),
            ("memory-tools help wat", "watch"),
            ("memory-tools completions fi", "fish"),
        ] {
            let script = completions(Shell::Bash).stdout
                + &format!("COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _memory_tools; ")
                + "echo \"${COMPREPLY[*]}\"\n";
            let Some((succeeded, said)) = run("bash", &[], &script) else { return };
            assert!(succeeded && said.trim_end() == expected, "{line}: {said}");
        }
    }
}
