//! `memory-tools dump PATH`: everything that a start would load, as the lines of an export, which an import takes.
//!
//! Invariant: it locks nothing and changes nothing, and takes the way of a start: snapshot, journal behind it, then what
//! has expired is left out. The documents are in memory before the first line, because a later record of the journal
//! may change any of them.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::api::LineWriter;
use crate::api::message::Part;
use crate::base::clock::Clock;
use crate::base::disk::Disk;
use crate::base::limits::LSN_MAX;
use crate::base::threads::alone;
use crate::engine::{Engine, EngineOptions, LoadFault};
use crate::journal::{Journal, Sequence};
use crate::model::{CollectionName, Command, Effect, Execute, KeyRange, Listed, Lsn, Record, Scope};
use crate::persist::{self, Content, Found};

/// Shards of a store that nobody writes to.
const SHARDS: usize = 16;

/// Why a folder was not dumped.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] persist::Error),
    /// What is in it.
    #[error(transparent)]
    Load(#[from] LoadFault),
    /// What the lines go to.
    #[error("cannot write the documents: {0}")]
    Output(#[from] io::Error),
}

impl DumpError {
    /// True when something of the data is not as it was written, or is gone.
    pub fn is_damage(&self) -> bool {
        match self {
            DumpError::Folder(error) | DumpError::Load(LoadFault::Files(error)) => error.is_damage(),
            DumpError::Load(LoadFault::Refused(_)) | DumpError::Output(_) => false,
        }
    }
}

/// Writes what an export of a server on the data folder at `path` would give to `out`: the live documents of the main
/// store, then the collections by name, each with its options and behind them its documents in byte order of the keys.
///
/// # Errors
/// What a start would say; or what `out` refuses.
pub fn dump(disk: &Arc<dyn Disk>, path: &Path, clock: Arc<dyn Clock>, out: &mut dyn Write) -> Result<(), DumpError> {
    let engine = match load(persist::look(disk, path, None)?, &clock) {
        Ok(engine) => engine,
        // A bad block shows only now.
        Err(LoadFault::Files(damage)) => load(persist::look(disk, path, Some(damage))?, &clock)?,
        Err(refused) => return Err(refused.into()),
    };
    write_all_of(&engine, Scope::Main, out)?;
    let list = Command::ListCollections { after: None, at_most: None };
    if let Ok(Effect::Collections(found)) = engine.execute(list).map(|outcome| outcome.effect) {
        for summary in found {
            let name = CollectionName::new(&summary.name).expect("the name of a collection in the catalogue is one");
            let mut part = Part::new();
            LineWriter::default().push_collection(&mut part, &summary);
            write(&mut part, out)?;
            write_all_of(&engine, Scope::Collection(name), out)?;
        }
    }
    Ok(out.flush()?)
}

/// Loads what was found into an engine of its own, which issues no number that anybody sees.
fn load(found: Found, clock: &Arc<dyn Clock>) -> Result<Engine, LoadFault> {
    let sequence = Sequence::new(found.next_lsn, Lsn(LSN_MAX), Box::new(|_| Ok(())), Arc::default());
    let options = EngineOptions { shards: SHARDS, collections_max: usize::MAX };
    let engine = Engine::new(options, Arc::new(Journal::off(sequence)), Arc::clone(clock));
    let loading = engine.begin_loading();
    match &found.content {
        Content::Empty => {}
        Content::Snapshot(reader) => loading.load(reader, &alone)?,
        Content::Go(import) => drop(loading.load_go(import)?),
    }
    let replaying = loading.index(&alone);
    let mut apply = |lsn, record: Record<'_>| {
        replaying.apply(lsn, &record);
    };
    if let Content::Snapshot(reader) = &found.content {
        reader.replay(&mut apply)?;
    }
    found.journal.read(&mut apply)?;
    replaying.finish(&alone);
    engine.note_written_at(found.written_at);
    Ok(engine)
}

fn write_all_of(engine: &Engine, scope: Scope<'_>, out: &mut dyn Write) -> io::Result<()> {
    let scan = Command::Scan { scope, range: KeyRange::ALL, at_most: None };
    let Ok(Effect::Scanned(entries)) = engine.execute(scan).map(|outcome| outcome.effect) else {
        return Ok(());
    };
    let collection = match scope {
        Scope::Main => None,
        Scope::Collection(name) => Some(name.as_str()),
    };
    let (mut part, mut writer) = (Part::new(), LineWriter::default());
    for entry in entries.filter_map(Listed::live) {
        writer.push_document(&mut part, collection, entry);
        write(&mut part, out)?;
    }
    Ok(())
}

fn write(part: &mut Part, out: &mut dyn Write) -> io::Result<()> {
    part.pieces().iter().try_for_each(|piece| out.write_all(piece.bytes()))?;
    part.clear();
    Ok(())
}
