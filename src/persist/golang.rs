//! The files of the Go server that this one replaces: read entry by entry, then given another name.
//!
//! A file is a `u32` count, then for each entry a `u32` key length, the key, a `u32` value length, the value; little
//! endian, without magic, checksum or deadlines. The main store is in `in-memory.mtdb` at that server's last version
//! and in `database.mtdb` before; collections are in `collections/<name>.cmtdb`.
//! Invariant: every length is held against the file before it is used, and what our limits or the grammar of JSON
//! refuse stops the import, unless it was asked to leave such entries out; then they are counted and named.
//! It knows nothing of what becomes of the documents, and changes no file but by `rename_originals`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::fields::Fields;
use crate::base::disk::{Disk, DiskFile, Listed};
use crate::base::json;
use crate::base::limits::{DOCUMENT_BYTES_CEILING, JSON_DEPTH_MAX};
use crate::model::{CollectionName, Document, Key};

/// The main store at the Go server's last version.
pub const MAIN_FILE: &str = "in-memory.mtdb";

/// The folder of its collections.
pub const COLLECTIONS_FOLDER: &str = "collections";

/// What a collection's file is called after its name.
pub const COLLECTION_SUFFIX: &str = ".cmtdb";

/// What the originals are called after their names when they have been imported.
pub const ORIGINAL_SUFFIX: &str = ".go-original";

/// Entries that were left out are named up to this many, then only counted.
const NAMED_MAX: usize = 20;

/// Bytes read from a file at once.
const CHUNK_BYTES: usize = 1 << 20;

/// The name of `file` after its import.
pub fn original(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ORIGINAL_SUFFIX);
    PathBuf::from(name)
}

/// Whether a folder's listing shows a collection of the Go server.
pub fn is_collection(listed: &Listed) -> bool {
    !listed.is_folder && listed.name.ends_with(COLLECTION_SUFFIX)
}

/// The Go server's files in a data folder, ready to be read.
#[derive(Debug)]
pub struct GoImport {
    disk: Arc<dyn Disk>,
    files: Vec<GoFile>,
    faults: Faults,
    unnamed: Vec<String>,
}

/// What to do with an entry that cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faults {
    /// Stop and name it.
    Stop,
    /// Leave it out, count it and name it.
    Skip,
}

#[derive(Debug)]
struct GoFile {
    path: PathBuf,
    collection: Option<String>,
}

/// A document of the Go server.
#[derive(Debug)]
pub struct GoDocument<'a> {
    /// Its collection; `None` is the main store.
    pub collection: Option<&'a str>,
    /// Key and value, both within our limits.
    pub document: Document,
}

/// What an import read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoSummary {
    /// Documents handed on.
    pub documents: u64,
    /// Entries left out.
    pub skipped: u64,
    /// One line for each of the first faults that were left out: file, offset, cause.
    pub notes: Vec<String>,
}

impl GoImport {
    /// For the main store's file, if any, and the files of collections.
    ///
    /// # Errors
    /// `Import` when a file's name is not that of a collection and faults stop the import.
    pub(super) fn of(
        disk: Arc<dyn Disk>,
        main: Option<PathBuf>,
        collections: &[PathBuf],
        faults: Faults,
    ) -> Result<GoImport, Error> {
        let mut files: Vec<GoFile> = main.into_iter().map(|path| GoFile { path, collection: None }).collect();
        let mut unnamed = Vec::new();
        for path in collections {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = name.strip_suffix(COLLECTION_SUFFIX).unwrap_or_default();
            match (CollectionName::new(name), faults) {
                (Ok(name), _) => {
                    files.push(GoFile { path: path.clone(), collection: Some(name.as_str().to_owned()) });
                }
                (Err(fault), Faults::Stop) => return Err(refusal(path, 0, fault.to_string())),
                (Err(fault), Faults::Skip) => unnamed.push(format!("{}: left out: {fault}", path.display())),
            }
        }
        Ok(GoImport { disk, files, faults, unnamed })
    }

    /// The collections, empty ones included.
    pub fn collections(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|file| file.collection.as_deref())
    }

    /// Hands every document to `take`: the main store first, then the collections by name; in each, the order of
    /// its file. A key that comes twice is handed over twice: the last one counts.
    ///
    /// # Errors
    /// `Import` with file and offset of what cannot be imported, or the disk's. Documents before it were handed over.
    pub fn for_each(&self, take: &mut dyn FnMut(GoDocument<'_>)) -> Result<GoSummary, Error> {
        let mut summary = GoSummary { notes: self.unnamed.clone(), ..GoSummary::default() };
        for file in &self.files {
            self.read(file, &mut summary, take)?;
        }
        Ok(summary)
    }

    fn read(&self, file: &GoFile, summary: &mut GoSummary, take: &mut dyn FnMut(GoDocument<'_>)) -> Result<(), Error> {
        let mut source = Source::open(self.disk.as_ref(), &file.path)?;
        let mut left_out = |offset: u64, cause: String, entries: u64| {
            if self.faults == Faults::Stop {
                return Err(refusal(&file.path, offset, cause));
            }
            summary.skipped += entries;
            if summary.notes.len() < NAMED_MAX {
                summary.notes.push(format!("{}: left out at byte {offset}: {cause}", file.path.display()));
            }
            Ok(())
        };
        let count = match source.u32("the count of entries") {
            Ok(count) => count,
            Err(Obstacle::Disk(error)) => return Err(error),
            Err(Obstacle::Short { offset, cause } | Obstacle::Unfit { offset, cause }) => {
                return left_out(offset, cause, 0);
            }
        };
        for read in 0..count {
            match source.document() {
                Ok(document) => {
                    summary.documents += 1;
                    take(GoDocument { collection: file.collection.as_deref(), document });
                }
                Err(Obstacle::Disk(error)) => return Err(error),
                Err(Obstacle::Unfit { offset, cause }) => left_out(offset, cause, 1)?,
                // Where the next entry would begin is lost with this one.
                Err(Obstacle::Short { offset, cause }) => return left_out(offset, cause, u64::from(count - read)),
            }
        }
        match source.bytes - source.offset {
            0 => Ok(()),
            more => left_out(source.offset, format!("{more} bytes after the last of {count} entries"), 0),
        }
    }
}

fn refusal(path: &Path, offset: u64, cause: String) -> Error {
    Error::Import { path: path.to_owned(), offset, cause }
}

/// Gives each of `files` its name after the import, and makes that durable. A file that is gone has it already.
/// The snapshot that holds their documents must be durable under its name before.
///
/// # Errors
/// `OriginalExists`, or the disk's. Those before it are renamed; calling again goes on.
pub(super) fn rename_originals(disk: &dyn Disk, folder: &Path, files: &[PathBuf]) -> Result<(), Error> {
    for file in files {
        let original = original(file);
        if !disk.exists(file).map_err(Error::io(file, "look for"))? {
            continue;
        }
        refuse_to_replace(disk, file, &original)?;
        disk.rename(file, &original).map_err(Error::io(file, "rename"))?;
    }
    let collections = folder.join(COLLECTIONS_FOLDER);
    if files.iter().any(|file| file.starts_with(&collections)) {
        disk.sync_folder(&collections).map_err(Error::io(&collections, "sync"))?;
    }
    disk.sync_folder(folder).map_err(Error::io(folder, "sync"))
}

/// Checks that the name `file` would get is free.
pub(super) fn refuse_to_replace(disk: &dyn Disk, file: &Path, original: &Path) -> Result<(), Error> {
    match disk.exists(original).map_err(Error::io(original, "look for"))? {
        false => Ok(()),
        true => Err(Error::OriginalExists { file: file.to_owned(), original: original.to_owned() }),
    }
}

/// Why the next entry is not a document.
#[derive(Debug)]
enum Obstacle {
    /// The disk refused.
    Disk(Error),
    /// The file has fewer bytes than the entry says.
    Short { offset: u64, cause: String },
    /// The entry is whole but cannot be a document of ours.
    Unfit { offset: u64, cause: String },
}

/// A file of the Go server, read front to back in chunks.
struct Source<'a> {
    path: &'a Path,
    file: Box<dyn DiskFile>,
    bytes: u64,
    /// Where in the file the next field begins; never beyond `bytes`.
    offset: u64,
    chunk: Vec<u8>,
    /// Bytes of `chunk` already used.
    used: usize,
}

impl<'a> Source<'a> {
    fn open(disk: &dyn Disk, path: &'a Path) -> Result<Source<'a>, Error> {
        let file = disk.open(path).map_err(Error::io(path, "open"))?;
        let bytes = file.bytes().map_err(Error::io(path, "read the size of"))?;
        Ok(Source { path, file, bytes, offset: 0, chunk: Vec::new(), used: 0 })
    }

    /// The next `count` bytes, once it is known that the file has them.
    fn take(&mut self, count: u64, what: &str) -> Result<&[u8], Obstacle> {
        let left = self.bytes - self.offset;
        let Some(wanted) = usize::try_from(count).ok().filter(|_| count <= left) else {
            let cause = format!("{what} of {count} bytes where the file has {left} left");
            return Err(Obstacle::Short { offset: self.offset, cause });
        };
        if self.chunk.len() - self.used < wanted {
            let chunk_bytes = usize::try_from(left).unwrap_or(usize::MAX).min(wanted.max(CHUNK_BYTES));
            self.chunk.resize(chunk_bytes, 0);
            self.used = 0;
            let read = self.file.read_exact_at(&mut self.chunk, self.offset);
            read.map_err(|source| Obstacle::Disk(Error::io(self.path, "read")(source)))?;
        }
        let start = self.used;
        self.used += wanted;
        self.offset += count;
        Ok(self.chunk.get(start..self.used).expect("the chunk was just filled to hold this"))
    }

    fn u32(&mut self, what: &str) -> Result<u32, Obstacle> {
        let field = self.take(4, what)?;
        Ok(Fields::of(field).u32().expect("four bytes were taken"))
    }

    fn document(&mut self) -> Result<Document, Obstacle> {
        let key_bytes = self.u32("a key length")?;
        let key_offset = self.offset;
        let key = self.take(key_bytes.into(), "a key")?.to_vec();
        let value_bytes = self.u32("a value length")?;
        let value_offset = self.offset;
        let value = self.take(value_bytes.into(), "a value")?;

        let unfit = |offset| move |cause| Obstacle::Unfit { offset, cause };
        let key = fit_key(&key).map_err(unfit(key_offset))?;
        check_value(value).map_err(unfit(value_offset))?;
        Ok(Document::new(key, json::trim(value)))
    }
}

fn fit_key(key: &[u8]) -> Result<Key<'_>, String> {
    let key = std::str::from_utf8(key).map_err(|error| format!("a key is not text: {error}"))?;
    Key::new(key).map_err(|fault| fault.to_string())
}

fn check_value(value: &[u8]) -> Result<(), String> {
    if value.len() > DOCUMENT_BYTES_CEILING {
        return Err(format!("a value has {} bytes, at most {DOCUMENT_BYTES_CEILING} can be stored", value.len()));
    }
    json::check(value, JSON_DEPTH_MAX).map_err(|malformed| format!("the value is not JSON: {malformed}"))
}
