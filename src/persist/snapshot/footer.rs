//! The last parts of a snapshot: the footer with the index of blocks, and the end mark.
//!
//! Invariant: as in `format`: a checksum on each part, a checksum on each length before it is used.
//! It turns values into bytes and back; it does no input or output.

use super::format::{BlockHead, count};
use crate::model::Lsn;
use crate::persist::error::Flaw;
use crate::persist::fields::{Fields, put_u32, put_u64};
use crate::persist::seal::{Part, Seal, check_sum, put_checksum};

/// The last bytes of a complete snapshot.
pub const END_MAGIC: [u8; 8] = *b"MTDB end";

/// One block in the footer's index.
pub const INDEXED_BYTES: usize = 20;

/// A footer without blocks, with its checksum.
pub const FOOTER_BYTES_MIN: usize = 40;

/// Footer offset, footer length, checksum, end magic.
pub const END_MARK_BYTES: usize = 28;

/// A block in the footer's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Where its head begins.
    pub offset: u64,
    /// What its head says.
    pub head: BlockHead,
}

impl Indexed {
    fn decode(fields: &mut Fields<'_>) -> Option<Indexed> {
        let offset = fields.u64()?;
        let head = BlockHead { collection: fields.u32()?, entries: fields.u32()?, payload_bytes: fields.u32()? };
        Some(Indexed { offset, head })
    }
}

/// What the footer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// Every block, in order.
    pub blocks: Vec<Indexed>,
    /// Where the replay section begins.
    pub replay_offset: u64,
    /// The counter after the last slice.
    pub capture_end: Lsn,
    /// Entries in all blocks.
    pub documents: u64,
    /// Bytes of keys and values in all blocks.
    pub document_bytes: u64,
}

impl Footer {
    /// The footer's bytes.
    pub fn encode(&self, seal: Seal) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER_BYTES_MIN + self.blocks.len() * INDEXED_BYTES);
        put_u32(&mut out, count(self.blocks.len()));
        for block in &self.blocks {
            put_u64(&mut out, block.offset);
            put_u32(&mut out, block.head.collection);
            put_u32(&mut out, block.head.entries);
            put_u32(&mut out, block.head.payload_bytes);
        }
        put_u64(&mut out, self.replay_offset);
        put_u64(&mut out, self.capture_end.0);
        put_u64(&mut out, self.documents);
        put_u64(&mut out, self.document_bytes);
        put_checksum(&mut out, |bytes| seal.over(Part::Footer, 0, bytes));
        out
    }

    /// Reads a footer. Its checksum holds; whether its numbers fit the file is the reader's to say.
    pub(in crate::persist) fn decode(footer: &[u8], seal: Seal) -> Result<Footer, Flaw> {
        let covered = footer.len().saturating_sub(4);
        check_sum(footer, covered, |bytes| seal.over(Part::Footer, 0, bytes))?;
        let mut fields = Fields::of(footer.get(..covered).unwrap_or_default());
        let short = || Flaw::short(0, "a whole footer");
        let blocks = fields.u32().and_then(|count| usize::try_from(count).ok()).ok_or_else(short)?;
        if blocks.checked_mul(INDEXED_BYTES) != footer.len().checked_sub(FOOTER_BYTES_MIN) {
            return Err(Flaw::new(0, format!("an index of {blocks} blocks"), format!("{} bytes", footer.len())));
        }
        let mut index = Vec::with_capacity(blocks);
        for _ in 0..blocks {
            index.push(Indexed::decode(&mut fields).ok_or_else(short)?);
        }
        let mut number = || fields.u64().ok_or_else(short);
        Ok(Footer {
            blocks: index,
            replay_offset: number()?,
            capture_end: Lsn(number()?),
            documents: number()?,
            document_bytes: number()?,
        })
    }
}

/// The end mark of a file whose footer lies there.
pub fn encode_end_mark(seal: Seal, footer_offset: u64, footer_bytes: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(END_MARK_BYTES);
    put_u64(&mut out, footer_offset);
    put_u64(&mut out, footer_bytes);
    put_checksum(&mut out, |bytes| seal.over(Part::EndMark, 0, bytes));
    out.extend_from_slice(&END_MAGIC);
    out
}

/// Reads the end mark: offset and length of the footer.
pub(in crate::persist) fn decode_end_mark(mark: &[u8], seal: Seal) -> Result<(u64, u64), Flaw> {
    let covered = END_MARK_BYTES - 4 - END_MAGIC.len();
    if mark.get(covered + 4..) != Some(&END_MAGIC) {
        let expected = "the end mark of a complete snapshot";
        return Err(Flaw::new(covered + 4, expected, "other bytes: it was cut short or never finished"));
    }
    check_sum(mark, covered, |bytes| seal.over(Part::EndMark, 0, bytes))?;
    let mut fields = Fields::of(mark);
    let mut number = || fields.u64().ok_or_else(|| Flaw::short(0, "an end mark"));
    Ok((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::database_id::DatabaseId;
    use crate::persist::seal::Stamp;

    #[test]
    fn a_footer_comes_back_and_one_of_another_length_is_refused() {
        let seal = Seal::of(Stamp { database_id: DatabaseId([0; 16]), salt: 0 });
        let head = BlockHead { collection: 1, entries: 2, payload_bytes: 3 };
        let blocks = vec![Indexed { offset: 1 << 40, head }];
        let footer = Footer { blocks, replay_offset: 5, capture_end: Lsn(6), documents: 2, document_bytes: 8 };
        let mut encoded = footer.encode(seal);
        assert_eq!(Footer::decode(&encoded, seal), Ok(footer));
        encoded.truncate(encoded.len() - 4);
        encoded.push(0);
        put_checksum(&mut encoded, |bytes| seal.over(Part::Footer, 0, bytes));
        assert!(Footer::decode(&encoded, seal).unwrap_err().expected.contains("an index of 1 blocks"));
    }
}
