//! `memory-tools-bench charts`: stored results as SVG, to be looked at in the README.
//!
//! Each chart has a name that never changes and the newest result that holds its figures. Nothing is measured here, and
//! the same results always make the same bytes, so a chart that changed has other figures in it.

mod axis;
mod bars;
mod frame;
mod journal;
mod lines;
mod memory;
mod peers;
mod source;
mod svg;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lexopt::prelude::*;

use crate::charts::source::Source;

/// The first argument that asks for charts.
pub const COMMAND: &str = "charts";

const HELP: &str = "\
Draws what was measured: one SVG for each chart, of the newest result that holds its figures, beside the results.

  memory-tools-bench charts [--results FOLDER]     [perf/results]
";

/// A chart.
struct Chart {
    /// Of its file.
    name: &'static str,
    /// Which results hold its figures: those of `make bench-MODE`, or of `make bench`.
    mode: &'static str,
    /// The file's text; `None` when the result does not hold the figures.
    draw: fn(&Source) -> Option<String>,
}

const CHARTS: &[Chart] = &[
    Chart { name: "throughput", mode: "peers", draw: peers::throughput },
    Chart { name: "cpu", mode: "peers", draw: peers::cpu },
    Chart { name: "latency", mode: "peers", draw: peers::latency },
    Chart { name: "memory", mode: "", draw: memory::memory },
    Chart { name: "snapshot", mode: "journal", draw: journal::snapshot },
    Chart { name: "group-commit", mode: "journal", draw: journal::group_commit },
];

/// What became of the charts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// The charts that no result has the figures for, with what would measure them.
    pub missing: Vec<String>,
}

/// Carries out the command, whose further arguments these are.
///
/// # Errors
/// Wrong use, or what `draw` says.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let mut results = PathBuf::from("perf/results");
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            Long("results") => results = parser.value()?.into(),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let Drawn { written, missing } = draw(&results)?;
    written.iter().for_each(|path| println!("drawn as {}", path.display()));
    missing.iter().for_each(|note| println!("note: {note}"));
    Ok(())
}

/// Draws every chart of the results in `folder`, into it. A chart without a result is left as it is.
///
/// # Errors
/// A result cannot be read, or a chart cannot be written.
pub fn draw(folder: &Path) -> Result<Drawn> {
    let mut drawn = Drawn::default();
    for Chart { name, mode, draw } in CHARTS {
        let Some(text) = newest(folder, mode, *draw)? else {
            let target = if mode.is_empty() { "bench".to_owned() } else { format!("bench-{mode}") };
            drawn.missing.push(format!("no result has the figures of {name}.svg; make {target} measures them"));
            continue;
        };
        let path = folder.join(format!("{name}.svg"));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        drawn.written.push(path);
    }
    Ok(drawn)
}

/// What `draw` makes of the newest result of `mode` that it can make something of.
fn newest(folder: &Path, mode: &str, draw: fn(&Source) -> Option<String>) -> Result<Option<String>> {
    for path in source::of_mode(folder, mode)? {
        if let Some(text) = draw(&Source::read(&path)?) {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write(folder: &Path, name: &str, result: &serde_json::Value) {
        fs::write(folder.join(name), result.to_string()).unwrap();
    }

    fn with_writes(per_second: f64) -> serde_json::Value {
        let figure = |connections: &str, value: f64| {
            let name = format!("always, {connections}: always, writes");
            json!({"name": name, "median": value, "low": value, "high": value, "bound": null})
        };
        json!({"figures": [figure("1 connection", 3000.0), figure("16 connections", per_second)]})
    }

    #[test]
    fn a_chart_is_of_the_newest_result_that_holds_its_figures() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "20261121T000000Z-aaa-journal.json", &with_writes(11_000.0));
        write(folder.path(), "20261122T000000Z-bbb-journal.json", &with_writes(22_000.0));
        write(folder.path(), "20261123T000000Z-ccc-journal.json", &json!({"figures": []}));
        let drawn = draw(folder.path()).unwrap();
        assert_eq!(drawn.written, [folder.path().join("group-commit.svg")]);
        let text = fs::read_to_string(&drawn.written[0]).unwrap();
        assert!(text.contains("20261122T000000Z-bbb-journal.json") && text.contains("make bench-journal"), "{text}");
        assert_eq!(drawn.missing.len(), CHARTS.len() - 1);
        assert_eq!(drawn.missing[0], "no result has the figures of throughput.svg; make bench-peers measures them");
        assert_eq!(draw(folder.path()).unwrap(), drawn);
        assert_eq!(fs::read_to_string(&drawn.written[0]).unwrap(), text, "the same results make the same bytes");
    }

    #[test]
    fn a_result_that_is_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("20261121T000000Z-aaa-journal.json"), "half of i").unwrap();
        assert!(draw(folder.path()).unwrap_err().to_string().contains("20261121T000000Z-aaa-journal.json"));
        assert!(draw(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn only_a_folder_can_be_named() {
        let run = |line: &str| run(line.split_whitespace().map(OsString::from));
        assert!(run("--help").is_ok());
        assert_eq!(run("--to x").unwrap_err().to_string(), "invalid option '--to'");
        assert!(run("--results /nowhere").unwrap_err().to_string().contains("/nowhere"));
    }
}
