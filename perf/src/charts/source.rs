//! Stored results as charts read them: their figures, their runs, and what made them.
//!
//! Invariant: a chart's figures are those of one file, which it names with its commit and the command that repeats it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::options::Options;
use crate::store;

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Options that have a variable in the Makefile, by their names in a result.
const VARIABLES: [(&str, &str); 6] = [
    ("seconds", "SECONDS"),
    ("rounds", "ROUNDS"),
    ("seed", "SEED"),
    ("front", "FRONT"),
    ("documents", "DOCUMENTS"),
    ("journal_mb", "JOURNAL_MB"),
];

/// A stored result.
#[derive(Clone, Debug)]
pub struct Source {
    file: String,
    mode: String,
    result: Value,
}

/// A figure in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// Over the rounds.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// What the median must not pass.
    pub bound: Option<f64>,
}

/// The results of `mode` in `folder`, the newest first; the mode of `make bench` has no name.
///
/// # Errors
/// The folder cannot be read.
pub fn of_mode(folder: &Path, mode: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).and_then(mode_of) == Some(mode) {
            found.push(path);
        }
    }
    // Names begin with their dates.
    found.sort();
    found.reverse();
    Ok(found)
}

/// The mode in the name of a result, `DATE-COMMIT[-dirty][-MODE].json`.
fn mode_of(name: &str) -> Option<&str> {
    let (_, rest) = name.strip_suffix(".json")?.split_once('-')?;
    let mode = rest.split_once('-').map_or("", |(_, mode)| mode);
    Some(mode.strip_prefix("dirty").map_or(mode, |mode| mode.trim_start_matches('-')))
}

impl Source {
    /// Reads the file of a result.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Source> {
        let told = || format!("cannot read the result {}", path.display());
        let bytes = fs::metadata(path).with_context(told)?.len();
        ensure!(bytes <= FILE_BYTES_MAX, "{} has {bytes} bytes, at most {FILE_BYTES_MAX} are read", path.display());
        let result = serde_json::from_slice(&fs::read(path).with_context(told)?).with_context(told)?;
        let name = path.file_name().and_then(|name| name.to_str()).with_context(told)?;
        Ok(Source { file: name.to_owned(), mode: mode_of(name).with_context(told)?.to_owned(), result })
    }

    /// The figure `name`; `None` when it was not measured.
    pub fn figure(&self, name: &str) -> Option<Stored> {
        let figure = self.figures().find(|(found, _)| *found == name)?.1;
        stored(figure)
    }

    /// All figures with their names, in their order.
    pub fn figures(&self) -> impl Iterator<Item = (&str, &Value)> {
        let figures = self.result.get("figures").and_then(Value::as_array).into_iter().flatten();
        figures.filter_map(|figure| Some((figure.get("name")?.as_str()?, figure)))
    }

    /// The figures whose names begin and end like this, with what is between.
    pub fn figures_between<'s>(&'s self, before: &'s str, after: &'s str) -> impl Iterator<Item = (&'s str, Stored)> {
        self.figures()
            .filter_map(move |(name, figure)| Some((name.strip_prefix(before)?.strip_suffix(after)?, stored(figure)?)))
    }

    /// The runs of `workload` on `on`, in the order of the rounds.
    pub fn runs<'s>(&'s self, workload: &'s str, on: &'s str) -> impl Iterator<Item = &'s Value> {
        let runs = self.result.get("runs").and_then(Value::as_array).into_iter().flatten();
        let is = |run: &Value, name: &str, value: &str| run.get(name).and_then(Value::as_str) == Some(value);
        runs.filter(move |run| is(run, "workload", workload) && is(run, "on", on))
    }

    /// A number among the options that it was measured with.
    pub fn option(&self, name: &str) -> Option<f64> {
        self.result.get("options")?.get(name)?.as_f64()
    }

    /// A word among the options.
    pub fn option_word(&self, name: &str) -> Option<&str> {
        self.result.get("options")?.get(name)?.as_str()
    }

    /// The processor and how many cores of it there were.
    fn machine(&self) -> String {
        let machine = self.result.get("machine");
        let cpu = machine.and_then(|machine| machine.get("cpu")?.as_str()).unwrap_or("unknown processor");
        let cores = machine.and_then(|machine| machine.get("cores")?.as_u64());
        cores.map_or(cpu.to_owned(), |cores| format!("{cpu}, {cores} cores"))
    }

    /// What stands beneath a chart: the file with its commit, and the command that made it.
    pub fn imprint(&self) -> [String; 2] {
        let word = |name: &str| self.result.get(name).and_then(Value::as_str).unwrap_or("unknown");
        let is_dirty = self.result.get("dirty").and_then(Value::as_bool).unwrap_or(true);
        let with = if is_dirty { " with changes" } else { "" };
        let (file, commit) = (&self.file, word("commit"));
        [format!("{file}, commit {commit}{with}, {}", self.machine()), self.command()]
    }

    /// The command that measures the same again: what differs from the defaults of its mode is in it.
    fn command(&self) -> String {
        let mut command =
            if self.mode.is_empty() { "make bench".to_owned() } else { format!("make bench-{}", self.mode) };
        let mode = Some(self.mode.as_str()).filter(|mode| !mode.is_empty());
        // What cannot be parsed is a mode without defaults: all of its options are told.
        let usual = Options::parse(mode.map(Into::into)).ok().flatten().map(|options| store::shown(&options));
        let mut flags = String::new();
        for (name, value) in self.result.get("options").and_then(Value::as_object).into_iter().flatten() {
            if value.is_null() || usual.as_ref().and_then(|usual| usual.get(name)) == Some(value) {
                continue;
            }
            match VARIABLES.iter().find(|(option, _)| option == name) {
                Some((_, variable)) => command.push_str(&format!(" {variable}={}", word_of(value))),
                None => flags.push_str(&flags_of(name, value)),
            }
        }
        if !flags.is_empty() {
            command.push_str(&format!(" BENCH=\"{}\"", flags.trim_start()));
        }
        command
    }
}

fn stored(figure: &Value) -> Option<Stored> {
    let number = |name: &str| figure.get(name).and_then(Value::as_f64);
    Some(Stored { median: number("median")?, low: number("low")?, high: number("high")?, bound: number("bound") })
}

/// An option as it is given on the command line, a list once for each of its elements.
fn flags_of(name: &str, value: &Value) -> String {
    let name = match name {
        "warm_up_seconds" => "warm-up".to_owned(),
        "server_arguments" => "server-argument".to_owned(),
        "mixes" => "mix".to_owned(),
        "parts" => "only".to_owned(),
        name => name.replace('_', "-"),
    };
    let flag = |value: &Value| format!(" --{name}={}", word_of(value));
    value.as_array().map_or_else(|| flag(value), |values| values.iter().map(flag).collect())
}

fn word_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // 2.0 is 2 to a reader.
        Value::Number(number) => number.as_f64().map_or(number.to_string(), |number| number.to_string()),
        other => other.to_string(),
    }
}

#[cfg(test)]
impl Source {
    /// A result for tests.
    pub fn of(mode: &str, result: Value) -> Source {
        Source { file: "20261123T000000Z-abc.json".to_owned(), mode: mode.to_owned(), result }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_result_of_a_mode_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "20261122T214615Z-1100460d8c1e.json",
            "20261123T003716Z-5c9ce6e84535-dirty-peers.json",
            "20261123T003335Z-5c9ce6e84535-peers.json",
            "20261123T003336Z-5c9ce6e84535-dirty.json",
            "peers.svg",
            "notes.json",
        ] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let names = |mode: &str| {
            let found = of_mode(folder.path(), mode).unwrap();
            found.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            names("peers"),
            ["20261123T003716Z-5c9ce6e84535-dirty-peers.json", "20261123T003335Z-5c9ce6e84535-peers.json"]
        );
        assert_eq!(names(""), ["20261123T003336Z-5c9ce6e84535-dirty.json", "20261122T214615Z-1100460d8c1e.json"]);
        assert!(names("journal").is_empty());
        assert!(of_mode(&folder.path().join("none"), "").is_err());
    }

    #[test]
    fn a_file_that_is_no_result_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("20261122T214615Z-1100460d8c1e.json");
        fs::write(&path, "{").unwrap();
        let error = Source::read(&path).unwrap_err().to_string();
        assert!(error.contains("20261122T214615Z-1100460d8c1e.json"), "{error}");
    }

    #[test]
    fn figures_and_runs_are_found_by_name() {
        let figure = json!({"name": "GET: Redis, CPU", "median": 2.0, "low": 1.0, "high": 3.0, "bound": null});
        let run = |on: &str, round: u32| json!({"workload": "GET", "on": on, "round": round});
        let source = Source::of(
            "peers",
            json!({"figures": [figure, {"name": "broken"}], "runs": [run("nginx", 1), run("Redis", 1), run("nginx", 2)]}),
        );
        let expected = Stored { median: 2.0, low: 1.0, high: 3.0, bound: None };
        assert_eq!(source.figure("GET: Redis, CPU"), Some(expected));
        assert_eq!((source.figure("broken"), source.figure("GET")), (None, None));
        assert_eq!(source.figures_between("GET: ", ", CPU").collect::<Vec<_>>(), [("Redis", expected)]);
        assert_eq!(source.runs("GET", "nginx").filter_map(|run| run["round"].as_u64()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(Source::of("", json!([])).runs("GET", "nginx").count(), 0);
    }

    #[test]
    fn the_command_says_what_differs_from_the_defaults() {
        let command = |mode: &str, change: &[(&str, Value)]| {
            let options = Options::parse(Some(mode).filter(|mode| !mode.is_empty()).map(Into::into)).unwrap().unwrap();
            let mut options = store::shown(&options);
            for (name, value) in change {
                options[*name] = value.clone();
            }
            Source::of(mode, json!({"commit": "abc", "dirty": false, "options": options})).imprint()[1].clone()
        };
        assert_eq!(command("", &[]), "make bench");
        assert_eq!(
            command("", &[("mixes", json!(["ttl"])), ("journal", json!(null))]),
            "make bench BENCH=\"--mix=ttl\""
        );
        assert_eq!(
            command("journal", &[("rounds", json!(3)), ("documents", json!(5_000_000)), ("journal_mb", json!(1000))]),
            "make bench-journal DOCUMENTS=5000000 JOURNAL_MB=1000 ROUNDS=3"
        );
        assert_eq!(
            command(
                "peers",
                &[("seconds", json!(0.5)), ("busy", json!(9)), ("server_arguments", json!(["--a=1", "-b"]))]
            ),
            "make bench-peers SECONDS=0.5 BENCH=\"--busy=9 --server-argument=--a=1 --server-argument=-b\""
        );
    }

    #[test]
    fn the_imprint_names_file_and_commit_and_whether_it_was_all() {
        let imprint = |dirty: Value| {
            let machine = json!({"cpu": "Z80", "cores": 2});
            Source::of("", json!({"commit": "abc", "dirty": dirty, "machine": machine})).imprint()[0].clone()
        };
        assert_eq!(imprint(json!(false)), "20261123T000000Z-abc.json, commit abc, Z80, 2 cores");
        assert!(imprint(json!(true)).contains("commit abc with changes,"));
    }
}
