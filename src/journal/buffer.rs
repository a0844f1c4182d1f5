//! The records that wait to be written, in the order of their LSNs, already cut into frames.
//!
//! Small values are copied, large ones counted: a record is its bytes in `inline`, and where a large value belongs the
//! document stands beside them. Records are appended under locks, so of many at once only tiny values are copied.
//! Invariants: the LSNs in a buffer are consecutive; records of one atomic batch are in
//! one frame; appending allocates nothing, because there is no more to append than the space for which the buffer was
//! made. It does not know who waits for the records, nor the bytes of a frame's head.

use std::fmt;
use std::io::IoSlice;

use crate::base::fault::{Fault, is_planted};
use crate::base::limits::FRAME_TARGET_BYTES;
use crate::base::memory::Untouched;
use crate::model::{Document, Lsn, Record};
use crate::persist::journal::{Batch, INLINE_BYTES_MAX, encode_record_copying};

use super::group;

/// Inline bytes above which a buffer that was written gives its memory back to the system.
const KEPT_BYTES: usize = 8 << 20;

/// Bytes that are copied at once, at most: some microseconds under the locks of a batch.
const COPIED_AT_ONCE_MAX: usize = 64 << 10;

/// A value up to this is copied in any case: counting it, and later one count less, costs as much.
const TINY_BYTES_MAX: usize = 256;

/// Records on their way to the disk.
pub(super) struct Buffer {
    bytes_max: usize,
    inline: Vec<u8>,
    /// Values that are not in `inline`, in order.
    large: Vec<Large>,
    frames: Vec<Extent>,
    /// Bytes of space that the records hold.
    held: usize,
    /// Of the memory of all three.
    untouched: Untouched,
}

struct Large {
    /// Bytes of `inline` before it.
    at: usize,
    document: Document,
}

/// A frame's part of the buffer, from where the one before it ends.
#[derive(Clone, Copy)]
struct Extent {
    first_lsn: Lsn,
    count: u32,
    payload_bytes: u64,
    inline_end: usize,
    large_end: usize,
}

/// What one frame holds.
#[derive(Debug)]
pub(super) struct Frame<'b> {
    /// LSN of the first record.
    pub(super) first_lsn: Lsn,
    /// How many records there are.
    pub(super) count: u32,
    /// Their bytes.
    pub(super) parts: Vec<IoSlice<'b>>,
}

impl Buffer {
    /// An empty buffer for records that hold `bytes_max` bytes of space. It takes address space for that many, and
    /// memory as it is filled.
    pub(super) fn new(bytes_max: usize) -> Buffer {
        let inline = Vec::with_capacity(bytes_max);
        let large = Vec::with_capacity(bytes_max / TINY_BYTES_MAX + 1);
        // Two frames behind one another are together larger than the target.
        let frames = Vec::with_capacity(2 * bytes_max / FRAME_TARGET_BYTES as usize + 2);
        let untouched = Untouched::new(capacity_bytes(&inline) + capacity_bytes(&large) + capacity_bytes(&frames));
        Buffer { bytes_max, inline, large, frames, held: 0, untouched }
    }

    /// Bytes of its memory that nothing lies in now.
    fn free_bytes(&self) -> usize {
        free_bytes(&self.inline) + free_bytes(&self.large) + free_bytes(&self.frames)
    }

    /// True when there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes of space to give back once the buffer is written or discarded.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// The newest LSN in it.
    pub(super) fn last_lsn(&self) -> Option<Lsn> {
        self.frames.last().map(|frame| Lsn(frame.next_lsn().0.saturating_sub(1)))
    }

    /// Appends `records`, of which the first has the LSN `first` and which are written together or not at all. They
    /// are `bytes` long and hold as many bytes of space.
    pub(super) fn append(&mut self, first: Lsn, records: &[Record<'_>], bytes: usize) {
        if is_planted(Fault::SplitBatch) && records.len() > 1 {
            for (lsn, record) in (first.0..).zip(records) {
                self.append(Lsn(lsn), std::slice::from_ref(record), FRAME_TARGET_BYTES as usize);
            }
            return;
        }
        let payload_bytes = bytes as u64;
        let newest = self.frames.last().copied();
        debug_assert!(newest.is_none_or(|frame| frame.next_lsn() == first), "LSNs in a buffer are consecutive");
        let filled = newest.map_or(0, |frame| frame.payload_bytes);
        if newest.is_none() || group::begins_frame(filled, payload_bytes) {
            let (inline_end, large_end) = (self.inline.len(), self.large.len());
            self.frames.push(Extent { first_lsn: first, count: 0, payload_bytes: 0, inline_end, large_end });
        }
        let copied_max = if bytes > COPIED_AT_ONCE_MAX { TINY_BYTES_MAX } else { INLINE_BYTES_MAX };
        let last = records.len().saturating_sub(1);
        for (index, record) in records.iter().enumerate() {
            let batch = if index == last { Batch::Ends } else { Batch::GoesOn };
            if let Some(document) = encode_record_copying(copied_max, record, batch, &mut self.inline) {
                self.large.push(Large { at: self.inline.len(), document });
            }
        }
        self.held += bytes;
        if let Some(frame) = self.frames.last_mut() {
            frame.count = frame.count.saturating_add(u32::try_from(records.len()).unwrap_or(u32::MAX));
            frame.payload_bytes += payload_bytes;
            (frame.inline_end, frame.large_end) = (self.inline.len(), self.large.len());
        }
    }

    /// Its frames, in order.
    pub(super) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        let mut inline_start = 0;
        let mut large_start = 0;
        self.frames.iter().map(move |extent| {
            let large = self.large.get(large_start..extent.large_end).unwrap_or_default();
            let mut parts = Vec::with_capacity(2 * large.len() + 1);
            for value in large {
                self.push_inline(&mut parts, inline_start, value.at);
                parts.push(IoSlice::new(value.document.value()));
                inline_start = value.at;
            }
            self.push_inline(&mut parts, inline_start, extent.inline_end);
            (inline_start, large_start) = (extent.inline_end, extent.large_end);
            Frame { first_lsn: extent.first_lsn, count: extent.count, parts }
        })
    }

    fn push_inline<'b>(&'b self, parts: &mut Vec<IoSlice<'b>>, from: usize, to: usize) {
        if let Some(bytes) = self.inline.get(from..to).filter(|bytes| !bytes.is_empty()) {
            parts.push(IoSlice::new(bytes));
        }
    }

    /// Empties it, and frees what it held: call it without a lock.
    pub(super) fn clear(&mut self) {
        if self.inline.len() > KEPT_BYTES {
            *self = Buffer::new(self.bytes_max);
            return;
        }
        self.untouched.leave(self.free_bytes());
        self.inline.clear();
        self.large.clear();
        self.frames.clear();
        self.held = 0;
    }
}

fn capacity_bytes<T>(of: &Vec<T>) -> usize {
    of.capacity() * size_of::<T>()
}

fn free_bytes<T>(of: &Vec<T>) -> usize {
    capacity_bytes(of) - size_of_val(of.as_slice())
}

impl Extent {
    fn next_lsn(&self) -> Lsn {
        Lsn(self.first_lsn.0.saturating_add(self.count.into()))
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer {{ {} bytes in {} frames, up to {:?} }}", self.held, self.frames.len(), self.last_lsn())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Deadline, Key, Scope};
    use crate::persist::journal::{encode_record, encoded_bytes};

    fn document(key: &str, bytes: usize) -> Document {
        Document::new(Key::new(key).unwrap(), &vec![b'1'; bytes])
    }

    fn put(document: &Document) -> Record<'_> {
        Record::Put { scope: Scope::Main, document, deadline: Deadline::NEVER }
    }

    fn append(buffer: &mut Buffer, first: u64, records: &[Record<'_>]) {
        buffer.append(Lsn(first), records, records.iter().map(encoded_bytes).sum());
    }

    /// First LSN, count and bytes of each frame.
    fn frames(buffer: &Buffer) -> Vec<(u64, u32, Vec<u8>)> {
        let joined = |frame: Frame<'_>| {
            let bytes = frame.parts.iter().flat_map(|part| part.to_vec()).collect();
            (frame.first_lsn.0, frame.count, bytes)
        };
        buffer.frames().map(joined).collect()
    }

    /// The bytes of records, each list appended at once, as they must lie in a payload.
    fn plain(appended: &[&[Record<'_>]]) -> Vec<u8> {
        let mut out = Vec::new();
        for records in appended {
            for (left, record) in (0..records.len()).rev().zip(*records) {
                let batch = if left == 0 { Batch::Ends } else { Batch::GoesOn };
                if let Some(document) = encode_record(record, batch, &mut out) {
                    out.extend_from_slice(document.value());
                }
            }
        }
        out
    }

    #[test]
    fn records_lie_behind_one_another_in_one_frame_whatever_their_size() {
        let mut buffer = Buffer::new(1 << 20);
        let documents = [10, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 20_000, 5].map(|bytes| document("k", bytes));
        let records: Vec<_> = documents.iter().map(put).collect();
        for (lsn, record) in (7..).zip(&records) {
            append(&mut buffer, lsn, &[*record]);
        }
        let plain = plain(&records.chunks(1).collect::<Vec<_>>());
        assert_eq!(frames(&buffer), [(7, 5, plain)]);
        assert_eq!(buffer.last_lsn(), Some(Lsn(11)));
        assert_eq!(buffer.held(), records.iter().map(encoded_bytes).sum::<usize>());
    }

    #[test]
    fn a_large_value_is_counted_and_not_copied() {
        let mut buffer = Buffer::new(1 << 20);
        let document = document("k", 100_000);
        append(&mut buffer, 1, &[put(&document)]);
        let frame = buffer.frames().next().unwrap();
        let value = frame.parts.last().unwrap();
        assert_eq!(value.as_ptr(), document.value().as_ptr());
    }

    #[test]
    fn of_many_records_at_once_only_the_tiny_values_are_copied() {
        let mut buffer = Buffer::new(1 << 20);
        let documents = [TINY_BYTES_MAX, TINY_BYTES_MAX + 1, INLINE_BYTES_MAX].map(|bytes| document("k", bytes));
        let few: Vec<_> = documents.iter().map(put).collect();
        let many: Vec<_> = few.iter().cycle().take(60).copied().collect();
        append(&mut buffer, 1, &few);
        assert!(buffer.large.is_empty());
        append(&mut buffer, 4, &many);
        assert_eq!(buffer.large.len(), 40);
        assert_eq!(frames(&buffer), [(1, 63, plain(&[&few, &many]))]);
    }

    #[test]
    fn a_batch_is_never_parted() {
        let target = usize::try_from(FRAME_TARGET_BYTES).unwrap();
        let mut buffer = Buffer::new(4 * target);
        let (small, large) = (document("s", 100), document("l", target / 2));
        append(&mut buffer, 1, &[put(&large)]);
        append(&mut buffer, 2, &[put(&small), put(&large), put(&small), put(&large)]);
        append(&mut buffer, 6, &[put(&small)]);
        let counts: Vec<_> = frames(&buffer).into_iter().map(|(first, count, _)| (first, count)).collect();
        assert_eq!(counts, [(1, 1), (2, 4), (6, 1)]);
    }

    #[test]
    fn a_frame_ends_at_its_target() {
        let mut buffer = Buffer::new(16 << 20);
        let document = document("k", 4000);
        let mut held = 0;
        for lsn in 1..=2500 {
            append(&mut buffer, lsn, &[put(&document)]);
            held += encoded_bytes(&put(&document));
        }
        let frames = frames(&buffer);
        assert_eq!(frames.iter().map(|(.., bytes)| bytes.len()).sum::<usize>(), held);
        assert!(frames.len() == 3 && frames.iter().all(|(.., bytes)| bytes.len() as u64 <= FRAME_TARGET_BYTES));
        let next = frames.iter().map(|(first, count, _)| first + u64::from(*count));
        assert_eq!(next.collect::<Vec<_>>(), [frames[1].0, frames[2].0, 2501]);
    }

    #[test]
    fn a_cleared_buffer_has_let_go_of_everything() {
        let mut buffer = Buffer::new(20 << 20);
        let (small, large) = (document("s", 4000), document("l", 100_000));
        for count in [1, 3000] {
            for lsn in 0..count {
                append(&mut buffer, 1 + lsn, &[put(&small)]);
            }
            append(&mut buffer, 1 + count, &[put(&large)]);
            buffer.clear();
            assert!(buffer.is_empty() && buffer.held() == 0 && buffer.last_lsn().is_none());
            assert!(buffer.frames().next().is_none());
            assert_eq!(buffer.inline.capacity(), 20 << 20, "and takes as much again");
        }
    }

    #[test]
    fn appending_allocates_nothing() {
        let mut buffer = Buffer::new(1 << 20);
        let (small, large) = (document("s", 1000), document("l", 5000));
        let records = [put(&small), put(&large)];
        let bytes = records.iter().map(encoded_bytes).sum();
        let measured = allocation_counter::measure(|| {
            for batch in 0..(1 << 20) / bytes as u64 {
                buffer.append(Lsn(1 + 2 * batch), &records, bytes);
            }
        });
        assert_eq!(measured.count_total, 0);
    }
}
