//! Where and on what a result was measured: machine, kernel, compiler, commit. Facts that are missing are `null`.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// The source tree that we stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The abbreviated hash; `unknown` outside a repository.
    pub hash: String,
    /// True when tracked files differ from it.
    pub dirty: bool,
}

impl Commit {
    /// Asks git.
    pub fn current() -> Commit {
        let hash = first_line("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
        Commit { hash, dirty: first_line("git", &["status", "--porcelain", "--untracked-files=no"]).is_some() }
    }

    /// The hash, marked when it does not tell all.
    pub fn name(&self) -> String {
        if self.dirty { format!("{}-dirty", self.hash) } else { self.hash.clone() }
    }
}

/// The facts of this machine.
pub fn facts() -> Value {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    json!({
        "cpu": value_of(&cpuinfo, "model name"),
        "cores": std::thread::available_parallelism().ok().map(usize::from),
        "memory": value_of(&meminfo, "MemTotal"),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        "rustc": first_line("rustc", &["--version"]),
    })
}

/// The version of a package of this Debian; `None` when it is not one, or has no such package.
pub fn package_version(name: &str) -> Option<String> {
    first_line("dpkg-query", &["--show", "--showformat=${Version}\n", name])
}

/// The value of the first line `name : value`.
fn value_of(text: &str, name: &str) -> Option<String> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// The first line that a program prints, if it succeeds and prints one.
fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_equal_names_is_taken() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\nprocessor\t: 1\nmodel name\t: other\n";
        assert_eq!(value_of(text, "model name").as_deref(), Some("AMD EPYC"));
        assert_eq!(value_of(text, "model"), None);
    }

    #[test]
    fn a_changed_tree_is_marked_in_the_name() {
        let commit = Commit { hash: "83d8bb8".into(), dirty: true };
        assert_eq!(commit.name(), "83d8bb8-dirty");
    }

    #[test]
    fn a_missing_program_is_a_missing_fact() {
        assert_eq!(first_line("/nowhere/git", &[]), None);
        assert_eq!(first_line("false", &[]), None);
    }
}
