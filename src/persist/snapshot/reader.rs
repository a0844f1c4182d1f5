//! Reads a snapshot: header and footer at once, blocks one by one and from several threads.
//!
//! Invariant: when `open` succeeds, header, blocks, replay section, footer and end mark tile the file without a gap,
//! and the lengths are under checksums that hold; so no byte escapes, and no length beyond the file sizes an
//! allocation. A block is believed when it is read. It holds no lock and no position.

use std::fmt;
use std::path::{Path, PathBuf};

use super::entry::{self, EntryView};
use super::footer::{self, Footer, Indexed};
use super::format::{self, Header};
use super::replay::{self, ReplayHead};
use super::{CollectionRecord, SnapshotHeader};
use crate::base::clock::UnixMillis;
use crate::base::disk::{Disk, DiskFile};
use crate::model::{Entry, Lsn, Record};
use crate::persist::database_id::DatabaseId;
use crate::persist::error::{Damage, Error, Fault, Flaw};
use crate::persist::fields::Fields;
use crate::persist::journal::SegmentId;
use crate::persist::seal::{Part, Seal, check_sum};

/// An open snapshot whose header and footer hold.
#[derive(Debug)]
pub struct SnapshotReader {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    bytes: u64,
    header: Header,
    footer: Footer,
    replay: ReplayHead,
    seal: Seal,
    advice: String,
}

/// The entries of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Index of their collection in `SnapshotReader::collections`; `None` is the main store.
    pub collection: Option<usize>,
    /// The documents, in the order they were written.
    pub entries: Vec<Entry>,
}

impl SnapshotReader {
    /// Opens the snapshot at `path` and verifies all of it but the blocks. `advice` ends the message of every damage.
    ///
    /// # Errors
    /// `Damaged` with part and offset, `Newer`, or the disk's.
    pub fn open(disk: &dyn Disk, path: &Path, advice: &str) -> Result<SnapshotReader, Error> {
        let file = disk.open(path).map_err(Error::io(path, "open"))?;
        let bytes = file.bytes().map_err(Error::io(path, "read the size of"))?;
        let advice = format!("`memory-tools check {}` tells more; {advice}", path.display());
        let source = Source { path, file: file.as_ref(), bytes, advice };

        let prefix = source.read(0, format::PREFIX_BYTES as u64, "the header")?;
        let header_bytes = source.judge("the header", 0, format::decode_prefix(&prefix))?;
        let header = source.read(0, header_bytes, "the header")?;
        let header = source.judge("the header", 0, format::decode_header(&header))?;
        let seal = Seal::of(header.stamp);

        let end_bytes = footer::END_MARK_BYTES as u64;
        let end_offset = bytes.saturating_sub(end_bytes).max(header_bytes);
        let mark = source.read(end_offset, end_bytes, "the end mark")?;
        let (footer_offset, footer_bytes) =
            source.judge("the end mark", end_offset, footer::decode_end_mark(&mark, seal).map_err(Fault::Flaw))?;
        if footer_offset.checked_add(footer_bytes) != Some(end_offset) {
            let found = format!("{footer_offset} and {footer_bytes}");
            let flaw = Flaw::number(0, "offset and length of a footer that ends at", end_offset, found);
            return Err(source.damaged("the end mark", end_offset, flaw));
        }
        let footer = source.read(footer_offset, footer_bytes, "the footer")?;
        let footer = Footer::decode(&footer, seal).map_err(Fault::Flaw);
        let footer = source.judge("the footer", footer_offset, footer)?;

        let replay = source.read(footer.replay_offset, replay::HEAD_BYTES as u64, "the replay section")?;
        let replay = source.judge("the replay section", footer.replay_offset, ReplayHead::decode(&replay, seal))?;
        check_tiling(&footer, replay, &header, header_bytes, footer_offset)
            .map_err(|flaw| source.damaged("the footer", footer_offset, flaw))?;
        let advice = source.advice;
        Ok(SnapshotReader { path: path.to_owned(), file, bytes, header, footer, replay, seal, advice })
    }

    /// The database the snapshot belongs to.
    pub fn database_id(&self) -> DatabaseId {
        self.header.stamp.database_id
    }

    /// The catalogue; blocks name their collection by its index here.
    pub fn collections(&self) -> &[CollectionRecord] {
        &self.header.content.collections
    }

    /// What was known when it began.
    pub(in crate::persist) fn header(&self) -> &SnapshotHeader {
        &self.header.content
    }

    /// True when it is a cut by itself: nothing was written while it was captured, or what was is in it.
    pub fn is_complete_in_itself(&self) -> bool {
        self.replay.records > 0 || self.footer.capture_end < self.header.content.next_lsn
    }

    /// The number of blocks.
    pub fn block_count(&self) -> usize {
        self.footer.blocks.len()
    }

    /// Documents in the file.
    pub fn documents(&self) -> u64 {
        self.footer.documents
    }

    /// Bytes of the keys and values of all documents.
    pub fn document_bytes(&self) -> u64 {
        self.footer.document_bytes
    }

    /// Size of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number after the last LSN issued when the capture ended.
    pub fn next_lsn(&self) -> Lsn {
        self.footer.capture_end.next()
    }

    /// The last LSN issued when the capture ended: nothing in the file is newer.
    pub fn capture_end(&self) -> Lsn {
        self.footer.capture_end
    }

    /// The first segment of the journal that is not wholly in the snapshot; it need not exist.
    pub fn replay_from(&self) -> SegmentId {
        self.header.content.replay_from.max(SegmentId::FIRST)
    }

    /// Records in the replay section.
    pub fn replay_records(&self) -> u64 {
        self.replay.records.into()
    }

    /// Hands on every record of the replay section with its LSN, in order.
    ///
    /// # Errors
    /// `Damaged` with frame and offset, `Newer`, or the disk's. What was handed on before is then of no use.
    pub fn replay(&self, mut each: impl FnMut(Lsn, Record<'_>)) -> Result<(), Error> {
        let start = self.footer.replay_offset + replay::HEAD_BYTES as u64;
        let (file, capture_end) = (self.file.as_ref(), self.footer.capture_end);
        let read = replay::read(&self.path, file, self.seal, start, self.replay, capture_end, &mut each)?;
        let (frame, offset, fault) = match read {
            Ok(()) => return Ok(()),
            Err(fault) => fault,
        };
        self.source().judge(&format!("frame {frame} of the replay section"), offset, Err(fault))
    }

    /// Wall time of the capture.
    pub fn captured_at(&self) -> UnixMillis {
        self.header.content.captured_at
    }

    /// Reads and verifies block `number`, counted from 0. Several threads may read at once.
    ///
    /// # Errors
    /// `Damaged` with block and offset, or the disk's.
    ///
    /// # Panics
    /// When `number` is not below `block_count`.
    pub fn read_block(&self, number: usize) -> Result<Block, Error> {
        // Bounded: each entry takes at least BYTES_MIN of a payload that lies in the file.
        let mut entries = Vec::with_capacity(self.indexed(number).head.entries as usize);
        self.each_of_block(number, &mut Vec::new(), |entry| entries.push(entry))?;
        Ok(Block { collection: self.collection_of(number), entries })
    }

    /// As `read_block`, handing on each entry; `buffer` is used for the block's bytes, and may be used again. When the
    /// block shows that no writer wrote it, the entries before have been handed on.
    pub fn each_of_block(&self, number: usize, buffer: &mut Vec<u8>, mut each: impl FnMut(Entry)) -> Result<(), Error> {
        self.visit(number, buffer, |view| each(view.to_entry()))
    }

    /// Index in `collections` of the collection whose entries block `number` holds; `None` is the main store.
    ///
    /// # Panics
    /// As `read_block`.
    pub fn collection_of(&self, number: usize) -> Option<usize> {
        (self.indexed(number).head.collection as usize).checked_sub(1)
    }

    /// Reads and verifies every block and the replay section without keeping any.
    ///
    /// # Errors
    /// As `read_block`, for the first block that has one.
    pub fn verify(&self) -> Result<(), Error> {
        self.verify_with(|_| ())
    }

    /// As `verify`, for a file that nobody reads soon: what has been read does not stay in the system's cache.
    ///
    /// # Errors
    /// As `verify`.
    pub fn verify_and_release(&self) -> Result<(), Error> {
        self.verify_with(|verified| self.file.release(0..verified))
    }

    /// Tells after each block up to which byte the file has been verified.
    fn verify_with(&self, tell: impl Fn(u64)) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let mut document_bytes = 0;
        for number in 0..self.block_count() {
            self.visit(number, &mut buffer, |view| document_bytes += view.document_bytes())?;
            let Indexed { offset, head } = self.indexed(number);
            tell(offset + head.block_bytes());
        }
        if document_bytes != self.footer.document_bytes {
            let expected = self.footer.document_bytes;
            let at = 4 + self.block_count() * footer::INDEXED_BYTES + 24;
            let flaw = Flaw::number(at, "a total of bytes of", document_bytes, expected);
            let start = self.footer_offset();
            return Err(self.source().damaged("the footer", start, flaw));
        }
        self.replay(|_, _| ())
    }

    /// Where the footer begins: right behind the replay section.
    fn footer_offset(&self) -> u64 {
        self.footer.replay_offset + replay::HEAD_BYTES as u64 + self.replay.payload_bytes
    }

    fn visit(&self, number: usize, buffer: &mut Vec<u8>, mut each: impl FnMut(EntryView<'_>)) -> Result<(), Error> {
        let Indexed { offset, head } = self.indexed(number);
        let source = self.source();
        let part = format!("block {number}");
        source.read_into(buffer, offset, head.block_bytes(), &part)?;
        let number = number as u32;

        let (found, payload) = buffer.split_at_checked(format::BLOCK_HEAD_BYTES).unwrap_or_default();
        let expected = head.encode(self.seal, number);
        if let Some(at) = found.iter().zip(&expected).position(|(found, expected)| found != expected) {
            let flaw = Flaw::new(at, "the head that the footer's index tells", "other bytes");
            return Err(source.damaged(&part, offset, flaw));
        }
        let start = offset + format::BLOCK_HEAD_BYTES as u64;
        let payload_bytes = head.payload_bytes as usize;
        check_sum(payload, payload_bytes, |bytes| self.seal.over(Part::BlockPayload, number, bytes))
            .map_err(|flaw| source.damaged(&part, start, flaw))?;

        let mut fields = Fields::of(payload.get(..payload_bytes).unwrap_or_default());
        for _ in 0..head.entries {
            let view = EntryView::decode(&mut fields, self.footer.capture_end);
            each(view.map_err(|flaw| source.damaged(&part, start, flaw))?);
        }
        if fields.remaining() != 0 {
            let flaw = Flaw::new(fields.offset(), "the end of the payload", "more bytes");
            return Err(source.damaged(&part, start, flaw));
        }
        Ok(())
    }

    fn indexed(&self, number: usize) -> Indexed {
        *self.footer.blocks.get(number).expect("the caller counts blocks by block_count")
    }

    fn source(&self) -> Source<'_> {
        Source { path: &self.path, file: self.file.as_ref(), bytes: self.bytes, advice: self.advice.clone() }
    }
}

/// Checks that the parts follow each other without a gap, that blocks name collections of the catalogue and can hold
/// as many entries as they say, and that the totals add up.
fn check_tiling(
    footer: &Footer,
    replay: ReplayHead,
    header: &Header,
    header_bytes: u64,
    footer_offset: u64,
) -> Result<(), Flaw> {
    let mut end = header_bytes;
    let mut documents: u64 = 0;
    for (number, Indexed { offset, head }) in footer.blocks.iter().enumerate() {
        let wrong = |what: &str, expected: u64, found: u64| {
            Err(Flaw::number(
                4 + number * footer::INDEXED_BYTES,
                &format!("block {number} with {what}"),
                expected,
                found,
            ))
        };
        if *offset != end {
            return wrong("offset", end, *offset);
        }
        if head.collection as usize > header.content.collections.len() {
            return wrong("a collection up to", header.content.collections.len() as u64, head.collection.into());
        }
        let entries_max = u64::from(head.payload_bytes) / entry::BYTES_MIN as u64;
        if head.entries == 0 || u64::from(head.entries) > entries_max {
            return wrong("an entry count from 1 to", entries_max, head.entries.into());
        }
        end = end.saturating_add(head.block_bytes());
        documents = documents.saturating_add(head.entries.into());
    }
    let tail = 4 + footer.blocks.len() * footer::INDEXED_BYTES;
    if footer.replay_offset != end {
        return Err(Flaw::number(tail, "replay offset", end, footer.replay_offset));
    }
    let end = end.saturating_add(replay::HEAD_BYTES as u64).saturating_add(replay.payload_bytes);
    if end != footer_offset {
        return Err(Flaw::number(tail, "a replay section that ends at", footer_offset, end));
    }
    if footer.documents != documents {
        return Err(Flaw::number(tail + 16, "a count of documents of", documents, footer.documents));
    }
    Ok(())
}

/// A file of known size, read by parts.
struct Source<'a> {
    path: &'a Path,
    file: &'a dyn DiskFile,
    bytes: u64,
    advice: String,
}

impl Source<'_> {
    fn read(&self, offset: u64, count: u64, part: &str) -> Result<Vec<u8>, Error> {
        let mut buffer = Vec::new();
        self.read_into(&mut buffer, offset, count, part)?;
        Ok(buffer)
    }

    /// Reads `count` bytes, after holding them against the size of the file.
    fn read_into(&self, buffer: &mut Vec<u8>, offset: u64, count: u64, part: &str) -> Result<(), Error> {
        let within = offset.checked_add(count).is_some_and(|end| end <= self.bytes);
        let count_in_memory = usize::try_from(count).ok().filter(|_| within);
        let Some(count_in_memory) = count_in_memory else {
            let flaw = Flaw::new(0, format!("{count} bytes"), format!("a file that ends at byte {}", self.bytes));
            return Err(self.damaged(part, offset, flaw));
        };
        // Only what it grows by is filled: all of it is overwritten.
        buffer.resize(count_in_memory, 0);
        self.file.read_exact_at(buffer, offset).map_err(Error::io(self.path, "read"))
    }

    fn judge<T>(&self, part: &str, start: u64, read: Result<T, Fault>) -> Result<T, Error> {
        read.map_err(|fault| match fault {
            Fault::Flaw(flaw) => self.damaged(part, start, flaw),
            Fault::Newer(what) => Error::Newer { path: self.path.to_owned(), what },
        })
    }

    fn damaged(&self, part: impl fmt::Display, start: u64, flaw: Flaw) -> Error {
        let damage: Damage = flaw.in_file(self.path, part, start);
        Error::Damaged { damage: Box::new(damage), advice: self.advice.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::journal::SegmentId;
    use crate::persist::seal::Stamp;
    use crate::persist::snapshot::format::BlockHead;

    const HEADER_BYTES: u64 = 84;

    fn check(change: impl FnOnce(&mut Footer)) -> Result<(), Flaw> {
        let header = Header {
            stamp: Stamp { database_id: DatabaseId([0; 16]), salt: 0 },
            content: SnapshotHeader {
                next_lsn: Lsn(9),
                capture_start: Lsn(8),
                replay_from: SegmentId(0),
                captured_at: UnixMillis(0),
                collections: Vec::new(),
            },
        };
        let head = BlockHead { collection: 0, entries: 2, payload_bytes: 2 * entry::BYTES_MIN as u32 };
        let block_bytes = head.block_bytes();
        let mut footer = Footer {
            blocks: [0, 1].map(|number| Indexed { offset: HEADER_BYTES + number * block_bytes, head }).to_vec(),
            replay_offset: HEADER_BYTES + 2 * block_bytes,
            capture_end: Lsn(8),
            documents: 4,
            document_bytes: 8,
        };
        let footer_offset = footer.replay_offset + replay::HEAD_BYTES as u64;
        change(&mut footer);
        check_tiling(&footer, ReplayHead::default(), &header, HEADER_BYTES, footer_offset)
    }

    #[test]
    fn a_footer_whose_parts_do_not_tile_the_file_is_refused() {
        assert_eq!(check(|_| ()), Ok(()));
        let refused = |change: fn(&mut Footer)| check(change).unwrap_err().expected;
        assert!(refused(|footer| footer.blocks[1].offset += 1).contains("block 1 with offset"));
        assert!(refused(|footer| footer.blocks[0].head.collection = 1).contains("block 0 with a collection"));
        assert!(refused(|footer| footer.blocks[0].head.entries = 0).contains("block 0 with an entry count"));
        assert!(refused(|footer| footer.blocks[0].head.entries = 3).contains("block 0 with an entry count"));
        assert!(refused(|footer| footer.blocks[0].head.payload_bytes = u32::MAX).contains("block 1 with offset"));
        assert!(refused(|footer| footer.replay_offset += 1).contains("replay offset"));
        assert!(refused(|footer| footer.blocks.truncate(1)).contains("replay offset"));
        assert!(refused(|footer| footer.documents = 5).contains("a count of documents"));
    }
}
