//! What an operator reads at `/metrics`: every family once, as the README has it, and the numbers of what has happened.

#[path = "support/exposition.rs"]
mod exposition;
#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exposition::{Page, grows, parse, value};
use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::base::health::Health;
use memory_tools::base::metrics::Family;
use memory_tools::engine::{Engine, EngineOptions};
use memory_tools::front::Counters;
use memory_tools::journal::{Journal, JournalOptions, Mode, Sequence, Syncer};
use memory_tools::model::{
    CollectionName, Command, Condition, Document, Execute, Expiry, Figures, Key, Lsn, OnAbsent, Refusal, Scope,
    SnapshotReport,
};
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::{DataFolder, Error, OpenOptions};
use memory_tools::server::{ServerFigures, SnapshotFigures};
use sim_disk::{Fault, SimDisk};

const EIO: i32 = 5;

/// An engine and its journal on a disk of their own, without threads.
struct Ground {
    disk: SimDisk,
    folder: Arc<DataFolder>,
    figures: ServerFigures,
    syncer: Option<Syncer>,
}

fn ground(mode: Mode) -> Ground {
    let disk = SimDisk::new(7);
    let options = OpenOptions { pid: 1, import_skip: false };
    let (folder, found) = DataFolder::open(Arc::new(disk.clone()), Path::new("srv/data"), options).unwrap();
    let folder = Arc::new(folder);
    let health = Arc::new(Health::default());
    let sequence = Sequence::new(Lsn(1), Lsn(1), Box::new(|_| Ok(())), Arc::clone(&health));
    let options =
        JournalOptions { mode, buffer_bytes: 16 << 20, segment_bytes: 64 << 20, on_given_up: Box::new(|_| {}) };
    let clock = Arc::new(ManualClock::at(UnixMillis(1_000)));
    let journal = Arc::new(Journal::new(options, sequence, SegmentId(0), clock.clone(), health));
    journal.begin(Arc::clone(&folder), found.next_segment).unwrap();
    let engine = Engine::new(EngineOptions { shards: 4, collections_max: 10 }, Arc::clone(&journal), clock);
    let syncer = Syncer::new(Arc::clone(&journal));
    let figures = ServerFigures {
        engine: Arc::new(engine),
        journal,
        snapshots: Arc::new(SnapshotFigures::default()),
        copies: Arc::default(),
        counters: Arc::new(Counters::default()),
        started: Instant::now(),
        started_at: UnixMillis(1_000),
        journal_mode: "the one of this test",
    };
    Ground { disk, folder, figures, syncer }
}

impl Ground {
    fn page(&self) -> Page {
        let mut text = String::new();
        self.figures.show(&mut text);
        parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn put(&self, key: &str, text: &str) -> Result<(), Refusal> {
        self.put_into(Scope::Main, key, text)
    }

    fn put_into(&self, scope: Scope<'_>, key: &str, text: &str) -> Result<(), Refusal> {
        let put = Command::Put {
            scope,
            document: Document::new(Key::new(key).unwrap(), text.as_bytes()),
            expiry: Expiry::Default,
            condition: Condition::default(),
            on_absent: OnAbsent::Create,
        };
        self.figures.engine.execute(put).map(|_| ())
    }

    fn step(&self) {
        self.figures.journal.step(Instant::now());
    }
}

/// The one state that is 1, where all others are 0.
fn state(page: &Page) -> &str {
    let samples = &page["memory_tools_journal_state"];
    let holding: Vec<&str> = samples.iter().filter(|(_, is)| *is > 0.0).map(|(name, _)| name.as_str()).collect();
    assert_eq!((samples.len(), holding.len()), (4, 1), "{samples:?}");
    holding[0].trim_start_matches("memory_tools_journal_state{state=\"").trim_end_matches("\"}")
}

/// Durable, written, last.
fn lsns(page: &Page) -> [Option<f64>; 3] {
    ["durable", "written", "last"].map(|which| value(page, &format!("memory_tools_journal_{which}_lsn")))
}

#[test]
fn every_family_is_on_a_page_once() {
    for mode in [Mode::Always, Mode::Everysec, Mode::Os, Mode::Off] {
        let page = ground(mode).page();
        let mut names: Vec<&str> = ServerFigures::families().map(|family| family.name).collect();
        names.sort_unstable();
        assert_eq!(page.keys().map(String::as_str).collect::<Vec<_>>(), names, "{mode:?}");
    }
}

#[test]
fn what_is_written_and_what_is_durable_are_told_apart() {
    let ground = ground(Mode::Everysec);
    assert_eq!(lsns(&ground.page()), [Some(0.0), Some(0.0), Some(0.0)]);
    ground.put("a", "1").unwrap();
    ground.put("b", "22").unwrap();
    assert_eq!(lsns(&ground.page()), [Some(0.0), Some(0.0), Some(2.0)]);
    ground.step();
    let page = ground.page();
    assert_eq!(lsns(&page), [Some(0.0), Some(2.0), Some(2.0)]);
    let bytes = value(&page, "memory_tools_journal_bytes_total").unwrap();
    let syncs = value(&page, "memory_tools_journal_fsync_seconds_count").unwrap();
    assert!(bytes > 0.0);
    ground.syncer.as_ref().unwrap().step();
    let page = ground.page();
    assert_eq!(lsns(&page), [Some(2.0), Some(2.0), Some(2.0)]);
    assert_eq!(value(&page, "memory_tools_journal_fsync_seconds_count"), Some(syncs + 1.0));
    assert_eq!(value(&page, "memory_tools_journal_bytes_total"), Some(bytes), "an fsync writes no frame");
    assert_eq!(value(&page, "memory_tools_documents{collection=\"\"}"), Some(2.0));
    assert_eq!(value(&page, "memory_tools_document_bytes"), Some(5.0));
}

#[test]
fn documents_are_told_by_collection() {
    let ground = ground(Mode::Everysec);
    let scope = |name| Scope::Collection(CollectionName::new(name).unwrap());
    for (number, scope) in [scope("b"), Scope::Main, scope("a"), scope("b")].into_iter().enumerate() {
        ground.put_into(scope, &number.to_string(), "1").unwrap();
    }
    let samples = &ground.page()["memory_tools_documents"];
    let told: Vec<(&str, f64)> = samples.iter().map(|(series, count)| (series.as_str(), *count)).collect();
    let series = ["", "a", "b"].map(|name| format!("memory_tools_documents{{collection=\"{name}\"}}"));
    let counts = [1.0, 1.0, 2.0];
    assert_eq!(told, series.iter().map(String::as_str).zip(counts).collect::<Vec<_>>());
}

#[test]
fn a_journal_that_the_disk_refuses_is_seen_until_it_is_healed() {
    let ground = ground(Mode::Always);
    let trouble = |page: &Page| {
        let [errors, attempts] = ["errors", "heal_attempts"].map(|what| format!("memory_tools_journal_{what}_total"));
        (value(page, &errors).unwrap(), value(page, &attempts).unwrap())
    };
    let page = ground.page();
    assert_eq!((state(&page), trouble(&page)), ("serving", (0.0, 0.0)));

    ground.put("a", "1").unwrap();
    ground.disk.plant(0, Fault::Error(EIO));
    ground.step();
    assert!(matches!(ground.put("b", "1"), Err(Refusal::JournalUnavailable { .. })));
    let page = ground.page();
    assert_eq!((state(&page), trouble(&page)), ("degraded", (1.0, 0.0)));
    assert_eq!(lsns(&page), [Some(0.0), Some(0.0), Some(1.0)]);

    let journal = &ground.figures.journal;
    journal.begin_healing().unwrap().unwrap().fail(&Error::JournalGivenUp { cause: "no space".to_owned() });
    let page = ground.page();
    assert_eq!((state(&page), trouble(&page)), ("degraded", (2.0, 1.0)));

    let healing = journal.begin_healing().unwrap().unwrap();
    let page = ground.page();
    assert_eq!((state(&page), trouble(&page)), ("healing", (2.0, 2.0)));
    healing.finish();
    let page = ground.page();
    assert_eq!((state(&page), trouble(&page)), ("serving", (2.0, 2.0)));
    assert_eq!(lsns(&page), [Some(1.0), Some(1.0), Some(1.0)]);
}

#[test]
fn without_a_journal_nothing_is_said_of_what_is_written() {
    let ground = ground(Mode::Off);
    ground.put("a", "1").unwrap();
    let page = ground.page();
    assert_eq!((state(&page), lsns(&page)), ("off", [None, None, Some(1.0)]));
}

#[test]
fn the_newest_snapshot_is_shown_once_there_is_one() {
    let ground = ground(Mode::Off);
    let snapshot = |page: &Page| {
        ["duration_seconds", "last_success_timestamp_seconds", "errors_total"]
            .map(|what| value(page, &format!("memory_tools_snapshot_{what}")))
    };
    assert_eq!(snapshot(&ground.page()), [None, None, Some(0.0)]);
    let snapshots = &ground.figures.snapshots;
    snapshots.note_found(UnixMillis(1_795_370_000_250));
    assert_eq!(snapshot(&ground.page()), [None, Some(1_795_370_000.25), Some(0.0)], "it is on the disk");
    for (millis, at) in [(9_000, 1_000), (1_250, 1_795_374_000_500)] {
        let report =
            SnapshotReport { documents: 1, bytes: 1, capture_end: Lsn(1), duration: Duration::from_millis(millis) };
        snapshots.note_published(&report, UnixMillis(at));
    }
    snapshots.note_failed();
    assert_eq!(snapshot(&ground.page()), [Some(1.25), Some(1_795_374_000.5), Some(1.0)]);
}

#[test]
fn how_long_a_snapshot_has_held_a_lock_is_shown() {
    let ground = ground(Mode::Off);
    let longest = |page: &Page| value(page, "memory_tools_lock_hold_max_seconds").unwrap();
    ground.put("a", "1").unwrap();
    assert_eq!(longest(&ground.page()), 0.0);
    ground.figures.engine.capture(&ground.folder).unwrap();
    assert!(longest(&ground.page()) > 0.0);
}

#[test]
fn a_page_that_is_not_one_is_refused() {
    let whole = "# HELP a Of a.\n# TYPE a gauge\na{b=\"c\"} 1\n";
    assert!(parse(whole).is_ok() && parse("").is_ok());
    for (broken, why) in [
        (whole.replace("# TYPE a gauge\n", ""), "no type"),
        (whole.replace("gauge", "counter"), "not a total"),
        (whole.replace("a{b", "ab{b"), "of another family"),
        (whole.replace("} 1", "} one"), "no number"),
        (whole.replace("c\"}", "c}"), "an open quote"),
        (whole.repeat(2), "twice"),
        (whole.to_owned() + "a{b=\"c\"} 2\n", "a sample twice"),
        (whole.trim_end().to_owned(), "an open line"),
        (whole.replace("c\"}", "c\\x\"}"), "no escape"),
        (whole.replace("c\"}", "\"}"), "a label without a text"),
        (whole.replace("c\"}", "c\",b=\"d\"}"), "a label twice"),
        (whole.replace("{b", "{B"), "a label in capitals"),
        (whole.replace("{b", "{le"), "a bound in no histogram"),
        (whole.to_owned() + "a{c=\"c\"} 2\n", "other labels"),
        (whole.replace('a', "a_ms"), "not in seconds"),
        (whole.replace('a', "a_count"), "a part of a histogram"),
        (whole.replace('a', "a_total").replace("gauge", "counter").replace("} 1", "} -1"), "it has fallen"),
        (whole.replace('a', "a_total").replace("gauge", "counter").replace("} 1", "} NaN"), "no count"),
    ] {
        assert!(parse(&broken).is_err(), "{why}: {broken}");
    }
    let bucket = |of: &str, counts: [u32; 4]| {
        let [first, last, sum, count] = counts;
        format!(
            "h_seconds_bucket{{of=\"{of}\",le=\"0.5\"}} {first}\nh_seconds_bucket{{of=\"{of}\",le=\"+Inf\"}} {last}\n\
             h_seconds_sum{{of=\"{of}\"}} {sum}\nh_seconds_count{{of=\"{of}\"}} {count}\n"
        )
    };
    let histogram =
        |groups: &[String]| "# HELP h_seconds Of h.\n# TYPE h_seconds histogram\n".to_owned() + &groups.concat();
    let good = bucket("a", [1, 2, 3, 2]);
    assert_eq!(parse(&histogram(&[good.clone(), bucket("b", [0, 0, 0, 0])])).map(|page| page.len()), Ok(1));
    for (broken, why) in [
        (histogram(&[bucket("a", [1, 2, 3, 1])]), "another total"),
        (histogram(&[bucket("a", [3, 2, 3, 2])]), "it falls"),
        (histogram(&[bucket("a", [0, 0, 3, 0])]), "a sum of nothing"),
        (histogram(&[good.replace("+Inf", "0.25")]), "no end"),
        (histogram(&[good.replace("_sum", "_total")]), "no sum"),
        (histogram(&[good.clone(), bucket("b", [0, 0, 0, 0]), good.clone()]), "apart"),
        (histogram(&[good.clone() + "h_seconds 1\n"]), "a sample without a part"),
        (histogram(std::slice::from_ref(&good)).replace("h_seconds", "h"), "no unit"),
    ] {
        assert!(parse(&broken).is_err(), "{why}: {broken}");
    }
}

#[test]
fn what_is_lost_or_falls_does_not_grow() {
    let page = |text: &str| parse(&format!("# HELP a_total Of a.\n# TYPE a_total counter\n{text}")).unwrap();
    let before = page("a_total{b=\"c\"} 2\n");
    assert_eq!(grows(&before, &page("a_total{b=\"c\"} 2\na_total{b=\"d\"} 0\n")), Ok(()));
    assert!(grows(&before, &page("a_total{b=\"c\"} 1\n")).is_err());
    assert!(grows(&before, &page("a_total{b=\"d\"} 2\n")).is_err());
}

/// `UPDATE=1 cargo test --test metrics` writes the table anew.
#[test]
fn the_readme_has_every_family_with_its_type_and_help() {
    let (begin, end) = ("| name | type | |\n|---|---|---|\n", "\n\n");
    let row = |family: &Family| {
        let Family { name, kind, help } = family;
        format!("| `{name}` | {} | {help} |\n", kind.name())
    };
    let table: String = ServerFigures::families().map(row).collect();
    let readme = include_str!("../README.md");
    let at = readme.find(begin).expect("the README has a table of the metrics") + begin.len();
    let length = readme[at..].find(end).expect("which ends") + 1;
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        std::fs::write(path, [&readme[..at], &table, &readme[at + length..]].concat()).unwrap();
        return;
    }
    assert!(
        readme[at..at + length] == table,
        "the table of the README says\n{}but it is\n{table}",
        &readme[at..at + length]
    );
}
