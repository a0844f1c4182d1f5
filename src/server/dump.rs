//! `memory-tools dump PATH`: every document that a start would load, as a line of JSON each.
//!
//! Invariant: it locks nothing and changes nothing, and takes the way of a start: snapshot, journal behind it, then what
//! has expired is left out. The documents are in memory before the first line, because a later record of the journal
//! may change any of them.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::disk::Disk;
use crate::base::json;
use crate::base::limits::LSN_MAX;
use crate::base::threads::alone;
use crate::engine::{Engine, EngineOptions, LoadFault};
use crate::journal::{Journal, Sequence};
use crate::model::{
    CollectionName, CollectionOptions, CollectionSummary, Command, Effect, Entry, Execute, KeyRange, Listed, Lsn,
    Record, Scope,
};
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

/// Writes every live document of the data folder at `path` to `out`: the main store first, then the collections by name,
/// each in byte order of the keys, behind a line with its `options` when it has any. A line has `collection` (not for the main store), `key`, `version`, `expires_at_ms`
/// (when there is one) and `value`, whose line ends are spaces.
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
            write_options(&summary, out)?;
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
    let mut line = Vec::new();
    for entry in entries.filter_map(Listed::live) {
        line.clear();
        write_line(&mut line, scope, &entry);
        out.write_all(&line)?;
    }
    Ok(())
}

/// The options of a collection, unless all of them are the default.
fn write_options(summary: &CollectionSummary, out: &mut dyn Write) -> io::Result<()> {
    let CollectionSummary { name, options, .. } = summary;
    if *options == CollectionOptions::default() {
        return Ok(());
    }
    let mut line = b"{\"collection\":".to_vec();
    json::escape_into(&mut line, name);
    line.extend_from_slice(b",\"options\":{");
    if let Some(ttl_ms) = options.default_ttl_ms {
        line.extend_from_slice(format!("\"default_ttl_ms\":{ttl_ms},").as_bytes());
    }
    line.extend_from_slice(format!("\"require_conditional\":{}}}}}\n", options.require_conditional).as_bytes());
    out.write_all(&line)
}

fn write_line(line: &mut Vec<u8>, scope: Scope<'_>, Entry { document, version, deadline }: &Entry) {
    line.push(b'{');
    if let Scope::Collection(name) = scope {
        line.extend_from_slice(b"\"collection\":");
        json::escape_into(line, name.as_str());
        line.push(b',');
    }
    line.extend_from_slice(b"\"key\":");
    json::escape_into(line, document.key().as_str());
    line.extend_from_slice(format!(",\"version\":{version}").as_bytes());
    if let Some(moment) = deadline.moment() {
        line.extend_from_slice(format!(",\"expires_at_ms\":{}", moment.0).as_bytes());
    }
    line.extend_from_slice(b",\"value\":");
    // A line end within a value is white space between tokens: strings escape theirs.
    line.extend(document.value().iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    line.extend_from_slice(b"}\n");
}
