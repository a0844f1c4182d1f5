//! The parts of a snapshot before its entries: prefix, header with the catalogue, block heads. `footer` has those
//! behind them, `FORMAT.md` beside this room is the grammar.
//!
//! Invariant: every part carries a checksum, and every length is under a checksum of its own before it is used.
//! It turns values into bytes and back; it does no input or output.

use super::{CollectionRecord, SnapshotHeader};
use crate::base::clock::UnixMillis;
use crate::model::{CollectionName, Lsn};
use crate::persist::database_id::DatabaseId;
use crate::persist::error::{Fault, Flaw};
use crate::persist::fields::{Fields, put_u32, put_u64};
use crate::persist::journal::SegmentId;
use crate::persist::options;
use crate::persist::seal::{Part, Seal, Stamp, check_sum, put_checksum};

/// The first bytes of a snapshot. Read as a file of the Go server, they would announce a billion entries.
pub const MAGIC: [u8; 8] = *b"\x93MTDB\r\n\x1a";

/// The version this code writes, and the newest it reads.
pub const VERSION: u32 = 1;

/// Magic, version, header length, checksum: the same in every version.
pub const PREFIX_BYTES: usize = 20;

/// Bytes of a header before its catalogue.
const HEADER_FIXED_BYTES: usize = PREFIX_BYTES + 60;

/// The smallest header: no collection.
pub const HEADER_BYTES_MIN: usize = HEADER_FIXED_BYTES + 4;

/// Number, collection, entries, payload length, checksum.
pub const BLOCK_HEAD_BYTES: usize = 20;

/// A header as it was read.
#[derive(Debug)]
pub struct Header {
    /// Database and salt.
    pub stamp: Stamp,
    /// What the writer was given.
    pub content: SnapshotHeader,
}

/// The whole header, prefix included.
pub fn encode_header(stamp: Stamp, header: &SnapshotHeader) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&stamp.database_id.0);
    put_u64(&mut body, stamp.salt);
    put_u64(&mut body, header.next_lsn.0);
    put_u64(&mut body, header.capture_start.0);
    put_u64(&mut body, header.replay_from.0);
    put_u64(&mut body, header.captured_at.0);
    put_u32(&mut body, count(header.collections.len()));
    for (index, collection) in header.collections.iter().enumerate() {
        put_u32(&mut body, file_number(Some(index)));
        put_u64(&mut body, collection.created.0);
        let is_staged = CollectionName::stored(&collection.name).is_ok_and(|name| name.staged().is_some());
        body.push(options::flags(collection.options) | if is_staged { options::IS_STAGED } else { 0 });
        body.push(u8::try_from(collection.name.len()).expect("STAGED_NAME_BYTES_MAX fits a u8"));
        body.extend_from_slice(collection.name.as_bytes());
        options::encode_announced(collection.options, &mut body);
    }

    let mut out = Vec::with_capacity(PREFIX_BYTES + body.len() + 4);
    out.extend_from_slice(&MAGIC);
    put_u32(&mut out, VERSION);
    put_u32(&mut out, count(PREFIX_BYTES + body.len() + 4));
    put_checksum(&mut out, crc32c::crc32c);
    out.extend_from_slice(&body);
    put_checksum(&mut out, crc32c::crc32c);
    out
}

/// Reads the prefix: the length of the header in bytes.
pub(in crate::persist) fn decode_prefix(prefix: &[u8]) -> Result<u64, Fault> {
    let short = || Flaw::short(0, "a prefix of 20 bytes");
    let mut fields = Fields::of(prefix);
    let magic = fields.array::<8>().ok_or_else(short)?;
    if magic != MAGIC {
        return Err(Flaw::new(0, "the magic of a snapshot", format!("{}", magic.escape_ascii())).into());
    }
    let version = fields.u32().ok_or_else(short)?;
    let header_bytes = fields.u32().ok_or_else(short)?;
    check_sum(prefix, PREFIX_BYTES - 4, crc32c::crc32c)?;
    if version > VERSION {
        return Err(Fault::Newer(format!("format version {version}, newer than {VERSION}")));
    }
    if version == 0 {
        return Err(Flaw::number(8, "a format version from 1 to", VERSION, version).into());
    }
    if u64::from(header_bytes) < HEADER_BYTES_MIN as u64 {
        return Err(Flaw::number(12, "a header length of at least", HEADER_BYTES_MIN, header_bytes).into());
    }
    Ok(u64::from(header_bytes))
}

/// Reads the header, prefix included.
pub(in crate::persist) fn decode_header(header: &[u8]) -> Result<Header, Fault> {
    let body_bytes = header.len().saturating_sub(4);
    check_sum(header, body_bytes, crc32c::crc32c)?;
    let mut fields = Fields::of(header.get(..body_bytes).unwrap_or_default());
    let fixed = decode_fixed(&mut fields).ok_or_else(|| Flaw::short(PREFIX_BYTES, "a whole header"))?;
    let (stamp, [next_lsn, capture_start, replay_from, captured_at], collections) = fixed;
    let collections = decode_catalogue(&mut fields, collections)?;
    if fields.remaining() != 0 {
        return Err(Flaw::new(fields.offset(), "the end of the header", "more bytes").into());
    }
    let (next_lsn, capture_start, captured_at) = (Lsn(next_lsn), Lsn(capture_start), UnixMillis(captured_at));
    let replay_from = SegmentId(replay_from);
    let content = SnapshotHeader { next_lsn, capture_start, replay_from, captured_at, collections };
    Ok(Header { stamp, content })
}

fn decode_fixed(fields: &mut Fields<'_>) -> Option<(Stamp, [u64; 4], u32)> {
    fields.bytes(PREFIX_BYTES)?;
    let stamp = Stamp { database_id: DatabaseId(fields.array()?), salt: fields.u64()? };
    Some((stamp, [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?], fields.u32()?))
}

fn decode_catalogue(fields: &mut Fields<'_>, collections: u32) -> Result<Vec<CollectionRecord>, Fault> {
    let mut records = Vec::new();
    let mut names = std::collections::HashSet::new();
    for index in 0..collections {
        let start = fields.offset();
        let short = || Flaw::short(start, "a whole collection");
        let number = fields.u32().ok_or_else(short)?;
        if number != index + 1 {
            return Err(Flaw::number(start, "collection number", index + 1, number).into());
        }
        let created = Lsn(fields.u64().ok_or_else(short)?);
        let flags = fields.u8().ok_or_else(short)?;
        let name_bytes = usize::from(fields.u8().ok_or_else(short)?);
        let name = fields.bytes(name_bytes).ok_or_else(short)?;
        let name = std::str::from_utf8(name).map_err(|_| Flaw::new(start + 14, "a name", "invalid UTF-8"))?;
        let known = CollectionName::stored(name).map_err(|fault| Flaw::new(start + 14, "a name", fault.to_string()))?;
        if known.staged().is_some() != (flags & options::IS_STAGED != 0) {
            return Err(Flaw::new(start + 14, "a staged name where the flags say so", format!("{name:?}")).into());
        }
        let options = options::decode_announced(flags & !options::IS_STAGED, fields, known)?;
        if !names.insert(name) {
            return Err(Flaw::new(start + 14, "a name of its own", format!("{name:?} again")).into());
        }
        records.push(CollectionRecord { name: name.to_owned(), created, options });
    }
    Ok(records)
}

/// The number of a collection in this file: 0 is the main store.
pub fn file_number(collection: Option<usize>) -> u32 {
    collection.map_or(0, |index| count(index + 1))
}

/// What the head of a block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHead {
    /// File number of the collection.
    pub collection: u32,
    /// Entries in the payload.
    pub entries: u32,
    /// Bytes of the payload.
    pub payload_bytes: u32,
}

impl BlockHead {
    /// The head of block `number`.
    pub fn encode(&self, seal: Seal, number: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(BLOCK_HEAD_BYTES);
        put_u32(&mut out, number);
        put_u32(&mut out, self.collection);
        put_u32(&mut out, self.entries);
        put_u32(&mut out, self.payload_bytes);
        put_checksum(&mut out, |bytes| seal.over(Part::BlockHead, number, bytes));
        out
    }

    /// Bytes of the whole block: head, payload, checksum.
    pub fn block_bytes(&self) -> u64 {
        (BLOCK_HEAD_BYTES + 4) as u64 + u64::from(self.payload_bytes)
    }
}

/// A count or length as the format has it.
pub fn count(items: usize) -> u32 {
    u32::try_from(items).expect("blocks of a mebibyte and a catalogue in memory are counted within 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CollectionOptions;

    /// A header of one collection with the byte at `at` set, under a checksum that holds.
    fn header_with(at: usize, byte: u8) -> Vec<u8> {
        let options = CollectionOptions { default_ttl_ms: Some(1000), require_conditional: false };
        let collections = vec![CollectionRecord { name: "c".to_owned(), created: Lsn(2), options }];
        let content = SnapshotHeader {
            next_lsn: Lsn(4),
            capture_start: Lsn(3),
            replay_from: SegmentId(2),
            captured_at: UnixMillis(2),
            collections,
        };
        let stamp = Stamp { database_id: DatabaseId([0; 16]), salt: 0 };
        let mut header = encode_header(stamp, &content);
        header.truncate(header.len() - 4);
        header[at] = byte;
        put_checksum(&mut header, crc32c::crc32c);
        header
    }

    #[test]
    fn reserved_fields_that_are_in_use_are_of_a_newer_version() {
        let newer = |at, byte| match decode_header(&header_with(at, byte)) {
            Err(Fault::Newer(what)) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(newer(92, 8), "options 0x08 of collection \"c\"");
    }

    #[test]
    fn a_catalogue_that_no_writer_writes_is_refused_where_it_stands() {
        let flaw = |at, byte| match decode_header(&header_with(at, byte)) {
            Err(Fault::Flaw(flaw)) => flaw.at,
            other => panic!("{other:?}"),
        };
        assert_eq!(flaw(80, 2), 80, "a collection's number out of turn");
        assert_eq!(flaw(93, 200), 80, "a name beyond the header");
        assert_eq!(flaw(94, b'/'), 94, "a name with a slash");
        assert_eq!(flaw(94, 0xff), 94, "a name that is not text");
        assert_eq!(flaw(92, 7), 94, "a name that is not staged where the flags say so");
        assert_eq!(flaw(92, 2), 95, "a time to live that nothing announces");
        assert_eq!(flaw(101, 1), 95, "a time to live of more than 100 years");
        assert_eq!(flaw(76, 2), 103, "a collection too many");
        assert_eq!(flaw(76, 0), 80, "bytes behind the last collection");
    }
}
