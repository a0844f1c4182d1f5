//! The file IDENTITY: which database this folder is, and below which number LSNs may be issued.
//!
//! Invariant: no LSN at or above the recorded ceiling was ever issued. A running server keeps it ahead of what it
//! issues; a clean stop lowers it to the exact next number; every start goes on from it, so that nothing is issued
//! twice. The file is only ever replaced whole: written beside, synced, renamed, folder synced.
//! It also remembers what no other file can tell: which segment of the journal is the newest, so that a missing one is
//! seen, and whether a snapshot has been published that the journal does not lead to.
//! It knows nothing of what snapshots and segments hold.

use std::path::{Path, PathBuf};

use super::database_id::DatabaseId;
use super::error::{Error, Flaw};
use super::fields::{Fields, put_u32, put_u64};
use crate::base::disk::{self, Disk};
use crate::base::limits::LSN_MAX;
use crate::model::Lsn;

/// Name of the file in the data folder.
pub const FILE: &str = "IDENTITY";

/// Name under which its successor is written.
pub const TEMPORARY: &str = "IDENTITY.tmp";

/// The first bytes of the file; the high bit and the line ends show a transfer as text.
pub const MAGIC: [u8; 8] = *b"\x93MTID\r\n\x1a";

/// The version this code writes.
pub const VERSION: u32 = 2;

/// Size of a file of version 1, which ends with the ceiling.
const BYTES_V1: usize = 44;

/// Size of a file of version 2.
const BYTES: usize = 52;

/// A file larger than this is none of any version.
const BYTES_MAX: u64 = 4096;

const STOPPED_CLEANLY: u32 = 1;
const SETTLED: u32 = 2;
const OFF_AHEAD: u32 = 4;
const JOURNAL_CLOSED: u32 = 8;

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Which database this is.
    pub database_id: DatabaseId,
    /// LSNs below may have been issued, none at or above was.
    pub ceiling: Lsn,
    /// True when the ceiling is the exact next LSN, recorded by a clean stop.
    pub stopped_cleanly: bool,
    /// True once a snapshot of ours has been published and no file of the Go server waits for its new name:
    /// from then on the folder is never taken for an empty one.
    pub settled: bool,
    /// The newest segment of the journal, by its id; 0 when there has been none.
    pub newest_segment: u64,
    /// True once a run without a journal has set out to publish a snapshot: what the segments hold does not lead to it.
    pub off_ahead: bool,
    /// True when the clean stop stands in the newest segment too, as its last frame.
    pub journal_closed: bool,
}

impl Identity {
    /// The identity of a database in which nothing has been written: its first LSN is 1.
    pub fn fresh(database_id: DatabaseId) -> Identity {
        Identity {
            database_id,
            ceiling: Lsn(1),
            stopped_cleanly: false,
            settled: false,
            newest_segment: 0,
            off_ahead: false,
            journal_closed: false,
        }
    }

    /// The file's content.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BYTES);
        out.extend_from_slice(&MAGIC);
        put_u32(&mut out, VERSION);
        let flags = [
            (self.stopped_cleanly, STOPPED_CLEANLY),
            (self.settled, SETTLED),
            (self.off_ahead, OFF_AHEAD),
            (self.journal_closed, JOURNAL_CLOSED),
        ];
        put_u32(&mut out, flags.into_iter().filter(|(holds, _)| *holds).map(|(_, bit)| bit).sum());
        out.extend_from_slice(&self.database_id.0);
        put_u64(&mut out, self.ceiling.0);
        put_u64(&mut out, self.newest_segment);
        let checksum = crc32c::crc32c(&out);
        put_u32(&mut out, checksum);
        out
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// `Damaged`, `Newer`, or the disk's.
    pub fn read(disk: &dyn Disk, path: &Path) -> Result<Identity, Error> {
        let content = disk::read_whole(disk, path, BYTES_MAX).map_err(Error::io(path, "read"))?;
        match decode(&content) {
            Ok(identity) => Ok(identity),
            Err(Fault::Newer(version)) => Err(Error::Newer {
                path: path.to_owned(),
                what: format!("format version {version}, newer than {VERSION}"),
            }),
            Err(Fault::Flaw(flaw)) => Err(Error::Damaged {
                damage: Box::new(flaw.in_file(path, "the file", 0)),
                advice: "nothing was changed; put back a copy of this file that belongs to database.mtdb beside it"
                    .to_owned(),
            }),
        }
    }
}

enum Fault {
    Flaw(Flaw),
    Newer(u32),
}

impl From<Flaw> for Fault {
    fn from(flaw: Flaw) -> Fault {
        Fault::Flaw(flaw)
    }
}

/// The magic in front and the checksum over everything at the end are the same in every version, so that a newer
/// one can be told from damage.
fn decode(content: &[u8]) -> Result<Identity, Fault> {
    let short = |at| Flaw::new(at, "a file of 44 bytes (version 1) or 52", format!("{} bytes", content.len()));
    if content.get(..MAGIC.len()) != Some(&MAGIC) {
        return Err(Flaw::new(0, "the magic of an IDENTITY", "other bytes").into());
    }
    let (covered, checksum) = content.split_last_chunk::<4>().ok_or_else(|| short(0))?;
    let (expected, found) = (crc32c::crc32c(covered), u32::from_le_bytes(*checksum));
    if expected != found {
        return Err(Flaw::checksum(covered.len(), expected, found).into());
    }
    let mut fields = Fields::of(covered);
    fields.bytes(MAGIC.len()).ok_or_else(|| short(0))?;
    let version = fields.u32().ok_or_else(|| short(8))?;
    if version > VERSION {
        return Err(Fault::Newer(version));
    }
    let (bytes, known) = match version {
        1 => (BYTES_V1, STOPPED_CLEANLY | SETTLED),
        _ => (BYTES, STOPPED_CLEANLY | SETTLED | OFF_AHEAD | JOURNAL_CLOSED),
    };
    if version == 0 || content.len() != bytes {
        return Err(short(8).into());
    }
    let flags = fields.u32().ok_or_else(|| short(12))?;
    if flags & !known != 0 {
        return Err(Flaw::number(12, "flags within", known, flags).into());
    }
    let database_id = DatabaseId(fields.array().ok_or_else(|| short(16))?);
    let ceiling = fields.u64().ok_or_else(|| short(32))?;
    if ceiling == 0 || ceiling > LSN_MAX {
        return Err(Flaw::number(32, "a ceiling from 1 to", LSN_MAX, ceiling).into());
    }
    let newest_segment = if version == 1 { 0 } else { fields.u64().ok_or_else(|| short(40))? };
    Ok(Identity {
        database_id,
        ceiling: Lsn(ceiling),
        stopped_cleanly: flags & STOPPED_CLEANLY != 0,
        settled: flags & SETTLED != 0,
        newest_segment,
        off_ahead: flags & OFF_AHEAD != 0,
        journal_closed: flags & JOURNAL_CLOSED != 0,
    })
}

/// The identity of the folder that this process holds, and what of it is on disk.
#[derive(Debug)]
pub(super) struct IdentityFile {
    folder: PathBuf,
    /// What is known to hold. Its ceiling is never above one that is durable.
    current: Identity,
    /// What the file says for sure; `None` before the first write and after a failed one.
    durable: Option<Identity>,
}

impl IdentityFile {
    /// For the data folder `folder`, in which the file says `durable` or is missing.
    pub fn new(folder: &Path, current: Identity, durable: Option<Identity>) -> IdentityFile {
        IdentityFile { folder: folder.to_owned(), current, durable }
    }

    /// Which database this is.
    pub fn database_id(&self) -> DatabaseId {
        self.current.database_id
    }

    /// The newest segment of the journal, by its id; 0 when there has been none.
    pub fn newest_segment(&self) -> u64 {
        self.current.newest_segment
    }

    /// Replaces the file by one that says what `change` makes of it; does nothing when it says so already.
    ///
    /// # Errors
    /// The disk's, or `LsnsExhausted`. What is on disk is then the old or the new; in memory the old holds, and the
    /// next call writes again.
    ///
    /// # Durability
    /// When this returns, the change survives a loss of power.
    pub fn update(&mut self, disk: &dyn Disk, change: impl FnOnce(&mut Identity)) -> Result<(), Error> {
        let mut next = self.current;
        change(&mut next);
        if self.durable == Some(next) {
            return Ok(());
        }
        let path = self.folder.join(FILE);
        if next.ceiling.0 > LSN_MAX {
            return Err(Error::LsnsExhausted { path, wanted: next.ceiling });
        }
        self.durable = None;
        let temporary = self.folder.join(TEMPORARY);
        let mut file = disk.create(&temporary).map_err(Error::io(&temporary, "create"))?;
        file.write_all(&next.encode()).map_err(Error::io(&temporary, "write"))?;
        file.sync_all().map_err(Error::io(&temporary, "sync"))?;
        drop(file);
        disk.rename(&temporary, &path).map_err(Error::io(&path, "put in place"))?;
        disk.sync_folder(&self.folder).map_err(Error::io(&self.folder, "sync"))?;
        self.durable = Some(next);
        self.current = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Identity = Identity {
        database_id: DatabaseId(*b"0123456789abcdef"),
        ceiling: Lsn(1 << 24),
        stopped_cleanly: false,
        settled: true,
        newest_segment: 7,
        off_ahead: false,
        journal_closed: false,
    };

    #[test]
    fn an_identity_comes_back_as_it_was() {
        for bits in 0..16 {
            let [stopped_cleanly, settled, off_ahead, journal_closed] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let identity = Identity { stopped_cleanly, settled, off_ahead, journal_closed, ..SAMPLE };
            assert_eq!(identity.encode().len(), BYTES);
            assert!(decode(&identity.encode()).is_ok_and(|read| read == identity));
        }
    }

    /// As version 1 wrote it.
    fn version_1(flags: u32) -> Vec<u8> {
        let mut content = [MAGIC.as_slice(), &[1, 0, 0, 0], &flags.to_le_bytes()].concat();
        content.extend_from_slice(b"0123456789abcdef");
        put_u64(&mut content, 1 << 24);
        let checksum = crc32c::crc32c(&content);
        put_u32(&mut content, checksum);
        content
    }

    #[test]
    fn version_1_is_read_as_one_without_a_journal() {
        let read = |flags| decode(&version_1(flags));
        assert!(read(SETTLED).is_ok_and(|read| read == Identity { newest_segment: 0, ..SAMPLE }));
        let stopped = Identity { newest_segment: 0, stopped_cleanly: true, ..SAMPLE };
        assert!(read(SETTLED | STOPPED_CLEANLY).is_ok_and(|read| read == stopped));
        assert!(matches!(read(SETTLED | OFF_AHEAD), Err(Fault::Flaw(Flaw { at: 12, .. }))));
    }

    #[test]
    fn a_flipped_bit_or_a_missing_byte_is_refused() {
        let content = SAMPLE.encode();
        for bit in 0..content.len() * 8 {
            let mut flipped = content.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(decode(&flipped), Err(Fault::Flaw(_))), "bit {bit}");
        }
        for length in 0..content.len() {
            assert!(matches!(decode(&content[..length]), Err(Fault::Flaw(_))), "length {length}");
        }
        assert!(matches!(decode(&[content.as_slice(), &[0]].concat()), Err(Fault::Flaw(_))));
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut content = SAMPLE.encode();
        content.truncate(BYTES - 4);
        content[8] = 3;
        content.extend_from_slice(b"what version 3 adds");
        let checksum = crc32c::crc32c(&content);
        put_u32(&mut content, checksum);
        assert!(matches!(decode(&content), Err(Fault::Newer(3))));
    }

    #[test]
    fn ids_differ() {
        assert_ne!(DatabaseId::random().unwrap(), DatabaseId::random().unwrap());
    }
}
