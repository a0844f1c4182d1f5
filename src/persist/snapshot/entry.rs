//! One document in a block: flags, lengths, version, deadline, key, value.
//!
//! Invariant: what decodes is a `Key`, a version up to the capture end, and a deadline that can be; every length is
//! held against the payload before it is used. The value is not parsed: it was validated when it came in, and the
//! payload's checksum vouches that these are the same bytes.

use crate::base::clock::UnixMillis;
use crate::base::limits::DOCUMENT_BYTES_CEILING;
use crate::model::{Deadline, Document, Entry, Key, Lsn};
use crate::persist::error::Flaw;
use crate::persist::fields::{Fields, put_u16, put_u32, put_u64};

/// Bytes of an entry before its key, without a deadline.
pub const HEAD_BYTES: usize = 15;

/// The smallest entry: a key of one byte and a value of one.
pub const BYTES_MIN: usize = HEAD_BYTES + 2;

const HAS_DEADLINE: u8 = 1;

/// Bytes that `entry` takes in a block.
pub fn encoded_bytes(entry: &Entry) -> usize {
    let deadline_bytes = if entry.deadline.moment().is_some() { 8 } else { 0 };
    HEAD_BYTES + deadline_bytes + entry.document.size_bytes()
}

/// Appends `entry` to a payload.
pub fn encode(entry: &Entry, out: &mut Vec<u8>) {
    let (key, value) = (entry.document.key_bytes(), entry.document.value());
    let moment = entry.deadline.moment();
    out.push(if moment.is_some() { HAS_DEADLINE } else { 0 });
    put_u16(out, u16::try_from(key.len()).expect("KEY_BYTES_MAX fits a u16"));
    put_u32(out, u32::try_from(value.len()).expect("DOCUMENT_BYTES_CEILING fits a u32"));
    put_u64(out, entry.version.0);
    if let Some(moment) = moment {
        put_u64(out, moment.0);
    }
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

/// An entry as it lies in its payload.
#[derive(Clone, Copy, Debug)]
pub struct EntryView<'a> {
    key: Key<'a>,
    /// The key, and right behind it the value.
    joined: &'a [u8],
    version: Lsn,
    deadline: Deadline,
}

impl<'a> EntryView<'a> {
    /// Takes the next entry off `fields`.
    pub(in crate::persist) fn decode(fields: &mut Fields<'a>, capture_end: Lsn) -> Result<EntryView<'a>, Flaw> {
        let start = fields.offset();
        let short = || Flaw::short(start, "a whole entry");
        let flags = fields.u8().ok_or_else(short)?;
        if flags & !HAS_DEADLINE != 0 {
            return Err(Flaw::number(start, "entry flags 0 or", HAS_DEADLINE, flags));
        }
        let key_bytes = usize::from(fields.u16().ok_or_else(short)?);
        let value_bytes = fields.u32().and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(short)?;
        if value_bytes == 0 || value_bytes > DOCUMENT_BYTES_CEILING {
            return Err(Flaw::number(start + 3, "a value length from 1 to", DOCUMENT_BYTES_CEILING, value_bytes));
        }
        let version = Lsn(fields.u64().ok_or_else(short)?);
        if version == Lsn::ZERO || version > capture_end {
            return Err(Flaw::number(start + 7, "a version from 1 to", capture_end, version));
        }
        let mut deadline = Deadline::NEVER;
        if flags & HAS_DEADLINE != 0 {
            deadline = Deadline::at(UnixMillis(fields.u64().ok_or_else(short)?));
            if deadline == Deadline::NEVER {
                return Err(Flaw::new(start + 15, "a deadline", "never"));
            }
        }
        let key_start = fields.offset();
        let joined = fields.bytes(key_bytes + value_bytes).ok_or_else(short)?;
        let (key, _) = joined.split_at_checked(key_bytes).ok_or_else(short)?;
        let key = std::str::from_utf8(key).map_err(|_| Flaw::new(key_start, "a key", "invalid UTF-8"))?;
        let key = Key::new(key).map_err(|fault| Flaw::new(key_start, "a key", fault.to_string()))?;
        Ok(EntryView { key, joined, version, deadline })
    }

    /// Bytes of key and value together.
    pub fn document_bytes(&self) -> u64 {
        self.joined.len() as u64
    }

    /// The entry with bytes of its own.
    pub fn to_entry(self) -> Entry {
        Entry { document: Document::from_joined(self.key, self.joined), version: self.version, deadline: self.deadline }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(deadline: Deadline) -> Entry {
        Entry { document: Document::new(Key::new("k").unwrap(), b"[1]"), version: Lsn(5), deadline }
    }

    #[test]
    fn an_entry_comes_back_and_has_the_size_that_was_said() {
        for deadline in [Deadline::NEVER, Deadline::at(UnixMillis(0)), Deadline::at(UnixMillis(u64::MAX - 1))] {
            let entry = entry(deadline);
            let mut out = Vec::new();
            encode(&entry, &mut out);
            assert_eq!(out.len(), encoded_bytes(&entry));
            let mut fields = Fields::of(&out);
            assert_eq!(EntryView::decode(&mut fields, Lsn(5)).unwrap().to_entry(), entry);
            assert_eq!(fields.remaining(), 0);
        }
    }

    #[test]
    fn what_no_writer_writes_is_refused_where_it_stands() {
        let flaw = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            encode(&entry(Deadline::at(UnixMillis(1))), &mut out);
            change(&mut out);
            EntryView::decode(&mut Fields::of(&out), Lsn(5)).unwrap_err().at
        };
        assert_eq!(flaw(&|bytes| bytes[0] = 2), 0);
        assert_eq!(flaw(&|bytes| bytes[1..3].fill(0)), 23);
        assert_eq!(flaw(&|bytes| bytes[3..7].fill(0)), 3);
        assert_eq!(flaw(&|bytes| bytes[3..7].fill(0xff)), 3);
        assert_eq!(flaw(&|bytes| bytes[7..15].fill(0)), 7);
        assert_eq!(flaw(&|bytes| bytes[7] = 6), 7);
        assert_eq!(flaw(&|bytes| bytes[15..23].fill(0xff)), 15);
        assert_eq!(flaw(&|bytes| bytes[23] = 0), 23);
        assert_eq!(flaw(&|bytes| bytes[23] = 0xff), 23);
        assert_eq!(flaw(&|bytes| bytes.truncate(25)), 0);
    }
}
