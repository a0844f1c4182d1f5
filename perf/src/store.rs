//! A result as a JSON file that explains itself: when, where, which commit, which options, every run, every verdict.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::figure::Figure;
use crate::layout;
use crate::machine::{self, Commit};
use crate::options::{Mode, Options};

/// The version of the file's layout.
const FORMAT: u32 = 1;

/// What others took from us: why a result may be worth little.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// Processes that wanted a CPU in the minute before.
    pub load_before: Option<f64>,
    /// Percent of the machine's time that the hypervisor gave to others meanwhile.
    pub steal_percent: f64,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Findings {
    /// All figures.
    pub figures: Vec<Figure>,
    /// The runs behind them.
    pub runs: Vec<Value>,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// The servers that were measured beside ours, with their versions.
    pub peers: Vec<(&'static str, Option<String>)>,
}

/// Writes a result into the folder of `options` and returns its path, `DATE-COMMIT.json`, the mode behind the
/// commit unless the server was measured alone.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn store(options: &Options, findings: &Findings, noise: Noise) -> Result<PathBuf> {
    let now = OffsetDateTime::now_utc();
    let commit = Commit::current();
    let result = json!({
        "format": FORMAT,
        "date": date(now, ["-", ":"]),
        "commit": commit.hash,
        "dirty": commit.dirty,
        "machine": machine::facts(),
        "load_before": noise.load_before,
        "steal_percent": noise.steal_percent,
        "options": shown(options),
        "figures": findings.figures.iter().map(Figure::json).collect::<Vec<_>>(),
        "runs": findings.runs,
        "notes": findings.notes,
        "peers": findings.peers.iter().map(|(name, version)| ((*name).to_owned(), json!(version)))
            .collect::<serde_json::Map<_, _>>(),
    });
    let mode = match options.mode {
        Mode::Alone => "",
        Mode::Peers => "-peers",
        Mode::Journal => "-journal",
        Mode::Api => "-api",
        Mode::Scale => "-scale",
        Mode::Compare => "-compare",
    };
    let folder = &options.results;
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join(format!("{}-{}{mode}.json", date(now, ["", ""]), commit.name()));
    fs::write(&path, format!("{}\n", layout::lines(&result)))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// RFC 3339 in UTC to the second, with these marks between the parts of the date and of the time.
fn date(now: OffsetDateTime, [day, hour]: [&str; 2]) -> String {
    let (year, month, date) = now.to_calendar_date();
    let (hours, minutes, seconds) = now.to_hms();
    let month = u8::from(month);
    format!("{year:04}{day}{month:02}{day}{date:02}T{hours:02}{hour}{minutes:02}{hour}{seconds:02}Z")
}

/// The options that make a difference to the figures.
pub fn shown(options: &Options) -> Value {
    let mut shown = json!({
        "server": options.server,
        "server_arguments": options.server_arguments.iter().map(|text| text.to_string_lossy()).collect::<Vec<_>>(),
        "connections": options.connections,
        "document_bytes": options.document_bytes,
        "keys": options.keys,
        "distribution": options.distribution.name(),
        "rounds": options.rounds,
        "seconds": options.duration.as_secs_f64(),
        "warm_up_seconds": options.warm_up.as_secs_f64(),
        "seed": options.seed,
    });
    let others = match options.mode {
        Mode::Alone => json!({
            "starts": options.starts, "memory_documents": options.memory_documents, "front": options.front.name(),
            "journal": options.journal.name(), "depth": options.depth, "rate": options.rate,
            "url": options.url.map(|address| format!("http://{address}")),
            "mixes": options.mixes().map(|mix| mix.name).collect::<Vec<_>>(),
        }),
        Mode::Journal => json!({"documents": options.documents, "journal_mb": options.journal_mb}),
        Mode::Api => json!({"documents": options.documents}),
        Mode::Scale => json!({
            "documents": options.documents,
            "parts": options.scale.iter().map(|part| part.name()).collect::<Vec<_>>(),
        }),
        Mode::Compare => json!({"other": options.other, "front": options.front.name(), "depth": options.depth}),
        Mode::Peers => json!({
            "front": options.front.name(), "depth": options.depth, "busy": options.busy, "idle": options.idle,
        }),
    };
    if let (Value::Object(shown), Value::Object(others)) = (&mut shown, others) {
        shown.extend(others);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_utc_and_sort_by_name() {
        let moment = OffsetDateTime::from_unix_timestamp(1_795_376_095).unwrap();
        assert_eq!(date(moment, ["-", ":"]), "2026-11-22T19:34:55Z");
        assert_eq!(date(moment, ["", ""]), "20261122T193455Z");
    }

    fn read_back(options: &Options) -> (PathBuf, Value) {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { results: folder.path().join("new/results"), ..options.clone() };
        let figure = Figure::new("ready without data", "ms", [12.5]).unwrap().at_most(Some(50.0));
        let findings = Findings {
            figures: vec![figure],
            runs: vec![json!({"round": 1})],
            notes: vec!["webdis is left out".into()],
            peers: vec![("nginx", Some("1.22".into()))],
        };
        let noise = Noise { load_before: Some(1.5), steal_percent: 0.25 };
        let path = store(&options, &findings, noise).unwrap();
        let read = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        (path, read)
    }

    #[test]
    fn a_stored_result_can_be_read_back_and_explains_itself() {
        let (path, read) = read_back(&Options::default());
        assert!(!path.to_str().unwrap().contains("peers"));
        assert_eq!(read["figures"][0]["verdict"], "held");
        assert_eq!((&read["options"]["connections"], &read["options"]["starts"]), (&json!(64), &json!(7)));
        assert_eq!((&read["load_before"], &read["steal_percent"]), (&json!(1.5), &json!(0.25)));
        assert_eq!(read["runs"][0]["round"], 1);
        assert!(read["machine"]["cores"].as_u64().unwrap() > 0);
    }

    #[test]
    fn a_result_beside_others_names_them_and_what_was_left_out() {
        let (path, read) = read_back(&Options { mode: Mode::Peers, ..Options::default() });
        assert!(path.to_str().unwrap().ends_with("-peers.json"));
        assert_eq!((&read["options"]["front"], &read["options"]["starts"]), (&json!("reactor"), &Value::Null));
        let (path, _) = read_back(&Options { mode: Mode::Journal, ..Options::default() });
        assert!(path.to_str().unwrap().ends_with("-journal.json"));
        assert_eq!((&read["peers"]["nginx"], &read["notes"][0]), (&json!("1.22"), &json!("webdis is left out")));
    }
}
