//! A replacement of everything, crashed at each call that it makes to the disk: what comes back is what was there
//! before, or what took its place, and never some of both.

#[path = "support/sim_disk.rs"]
mod sim_disk;
#[path = "support/sim_server.rs"]
mod sim_server;

use std::collections::BTreeMap;
use std::sync::Arc;

use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::engine::CaptureStep;
use memory_tools::journal::Mode;
use memory_tools::model::{
    CollectionName, CollectionOptions, Command, Condition, Document, Durability, Effect, Execute, Expiry, Key,
    KeyRange, Listed, Lsn, OnAbsent, OptionChanges, Rest, Scope, staged_name,
};
use sim_disk::{Fault, SimDisk};
use sim_server::{SimServer, Start};

/// Documents by collection, which is empty for the main store, and key; and the options of collections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    documents: BTreeMap<(String, String), String>,
    collections: BTreeMap<String, CollectionOptions>,
}

const OPTIONS: CollectionOptions = CollectionOptions { default_ttl_ms: Some(1 << 40), require_conditional: true };

/// How far a life got, as its client was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    #[default]
    Nothing,
    Replaced,
    Written,
}

fn scope(name: &str) -> Scope<'_> {
    if name.is_empty() { Scope::Main } else { Scope::Collection(CollectionName::stored(name).unwrap()) }
}

/// Puts a document; false when that is refused.
fn put(server: &SimServer, collection: &str, key: &str, value: &str) -> Option<Lsn> {
    let command = Command::Put {
        scope: scope(collection),
        document: Document::new(Key::new(key).unwrap(), value.as_bytes()),
        expiry: Expiry::Set(memory_tools::model::Deadline::NEVER),
        condition: Condition { if_match: None, if_none_match: Some(memory_tools::model::Tags::Listed(Vec::new())) },
        on_absent: OnAbsent::Create,
    };
    match server.engine.execute(command).ok()?.effect {
        Effect::Written { version, .. } => Some(version),
        effect => panic!("{effect:?}"),
    }
}

fn look(server: &SimServer) -> State {
    let mut state = State::default();
    let list = Command::ListCollections { after: None, at_most: None };
    let Effect::Collections(found) = server.engine.execute(list).unwrap().effect else { panic!("no list") };
    state.collections.extend(found.into_iter().map(|summary| (summary.name, summary.options)));
    for name in std::iter::once("").chain(state.collections.keys().map(String::as_str)) {
        let scan = Command::Scan { scope: scope(name), range: KeyRange::ALL, at_most: None };
        let Effect::Scanned(entries) = server.engine.execute(scan).unwrap().effect else { panic!("no documents") };
        state.documents.extend(entries.filter_map(Listed::live).map(|entry| {
            let value = String::from_utf8(entry.document.value().to_vec()).unwrap();
            ((name.to_owned(), entry.document.key().as_str().to_owned()), value)
        }));
    }
    state
}

fn state(documents: &[(&str, &str, &str)], collections: &[(&str, CollectionOptions)]) -> State {
    let document = |(name, key, value): &(&str, &str, &str)| (((*name).into(), (*key).into()), (*value).to_owned());
    State {
        documents: documents.iter().map(document).collect(),
        collections: collections.iter().map(|(name, options)| ((*name).to_owned(), *options)).collect(),
    }
}

/// Replaces everything, as far as the disk lets it.
fn replace(server: &SimServer) -> Option<Told> {
    let mut told = Told::Nothing;
    let flush = || {
        server.commit();
        server.sync();
    };
    let released = |lsn| server.start.mode != Mode::Off && server.journal.is_released(Rest::Written(lsn));
    let Effect::Staged { generation } = server.engine.execute(Command::Stage).ok()?.effect else { panic!("not begun") };
    let staged = |name: &str| staged_name(generation, name);
    put(server, &staged(""), "a", "1")?;
    let name = staged("c");
    let name = CollectionName::stored(&name).unwrap();
    server.engine.execute(Command::CreateCollection { name, options: OptionChanges::from(OPTIONS) }).ok()?;
    put(server, &staged("c"), "k", "1")?;
    flush();
    // A snapshot that has some of it, and then goes on to be the one that a start begins with.
    let _ = server.engine.capture(&server.folder);
    let _ = server.folder.free_segments(UnixMillis(0));
    put(server, &staged(""), "n", &format!("\"{}\"", "n".repeat(5000)))?;
    put(server, &staged("new"), "k", "1")?;
    put(server, &staged("c"), "k", "2")?;
    flush();
    // One that is on its way at the moment.
    let mut capture = server.engine.begin_capture(&server.folder).ok();
    if let Some(capture) = &mut capture {
        let _ = capture.step();
    }
    let replaced = server.engine.execute(Command::Replace { generation }).ok()?;
    let Rest::Written(lsn) = replaced.rest else { panic!("{replaced:?}") };
    assert!(capture.is_none_or(|mut capture| matches!(capture.step(), Ok(CaptureStep::Overtaken) | Err(_))));
    flush();
    if released(lsn) {
        told = Told::Replaced;
    }
    server.engine.reclaim(&|| false);
    let Some(lsn) = put(server, "", "after", "1") else { return Some(told) };
    flush();
    if told == Told::Replaced && released(lsn) {
        told = Told::Written;
    }
    let _ = server.engine.capture(&server.folder);
    let _ = server.folder.free_segments(UnixMillis(0));
    Some(told)
}

fn check(mode: Mode, is_power_lost: bool) {
    let before = state(&[("", "a", "0"), ("", "old", "0"), ("c", "old", "0")], &[("c", CollectionOptions::default())]);
    let long = format!("\"{}\"", "n".repeat(5000));
    let mut documents = vec![("", "a", "1"), ("", "n", long.as_str()), ("c", "k", "2"), ("new", "k", "1")];
    let collections = [("c", OPTIONS), ("new", CollectionOptions::default())];
    let after = state(&documents, &collections);
    documents.push(("", "after", "1"));
    let and_written = state(&documents, &collections);
    let mut seen = [0; 3];
    for call in 0.. {
        let (disk, clock) = (SimDisk::new(call), Arc::new(ManualClock::at(UnixMillis(1_000_000))));
        let start = Start { mode, segment_bytes: 2_000 };
        let server = SimServer::start(&disk, &clock, start).unwrap();
        for (collection, key) in [("", "a"), ("", "old"), ("c", "old")] {
            put(&server, collection, key, "0").unwrap();
        }
        server.commit();
        server.engine.capture(&server.folder).unwrap();
        disk.plant(call, Fault::Stop);
        let told = replace(&server).unwrap_or_default();
        let was_struck = disk.struck().is_some();
        disk.stop();
        drop(server);
        if is_power_lost {
            disk.lose_power(call)
        } else {
            disk.kill()
        }
        disk.mend();
        let server = SimServer::start(&disk, &clock, start).unwrap_or_else(|error| panic!("{mode:?} {call}: {error}"));
        let found = look(&server);
        let place = [&before, &after, &and_written].iter().position(|state| **state == found);
        let place = place.unwrap_or_else(|| panic!("{mode:?}, call {call}: {found:?}"));
        // Of a kill every mode that writes survives what it has told; of a loss of power only `always`.
        let is_promised = !is_power_lost || mode == Mode::Always;
        assert!(!is_promised || place >= told as usize, "{mode:?}, call {call}: told {told:?}, found {found:?}");
        assert_eq!(server.engine.totals().documents, found.documents.len() as u64, "nothing staged is left");
        seen[place] += 1;
        if !was_struck {
            assert_eq!(place, 2, "{mode:?}: nothing went wrong");
            break;
        }
    }
    assert!(seen[0] > 5 && seen[2] > 0, "{mode:?}: {seen:?}");
}

#[test]
fn a_kill_at_any_call_leaves_the_old_or_the_new() {
    [Mode::Always, Mode::Everysec, Mode::Os, Mode::Off].into_iter().for_each(|mode| check(mode, false));
}

#[test]
fn a_loss_of_power_at_any_call_leaves_the_old_or_the_new() {
    [Mode::Always, Mode::Everysec, Mode::Os, Mode::Off].into_iter().for_each(|mode| check(mode, true));
}
