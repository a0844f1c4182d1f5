//! Fixed-width fields, little endian: the letters of every format in this room.
//!
//! Invariant: reading never panics and never reads past its slice; a field that is not there is `None`.
//! It knows widths and byte order, not what a field means.

use byteorder::{ByteOrder, LittleEndian, WriteBytesExt};

const INFALLIBLE: &str = "a Vec takes every write";

/// Appends a u16.
pub fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.write_u16::<LittleEndian>(value).expect(INFALLIBLE);
}

/// Appends a u32.
pub fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.write_u32::<LittleEndian>(value).expect(INFALLIBLE);
}

/// Appends a u64.
pub fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.write_u64::<LittleEndian>(value).expect(INFALLIBLE);
}

/// Takes fields off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Fields<'a> {
    /// Starts at the first byte of `bytes`.
    pub fn of(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes, taken: 0 }
    }

    /// Bytes taken so far: where the next field begins.
    pub fn offset(&self) -> usize {
        self.taken
    }

    /// Bytes not yet taken.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        self.taken += count;
        Some(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next u16.
    pub fn u16(&mut self) -> Option<u16> {
        self.bytes(2).map(LittleEndian::read_u16)
    }

    /// The next u32.
    pub fn u32(&mut self) -> Option<u32> {
        self.bytes(4).map(LittleEndian::read_u32)
    }

    /// The next u64.
    pub fn u64(&mut self) -> Option<u64> {
        self.bytes(8).map(LittleEndian::read_u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order_and_end_with_none() {
        let mut out = vec![7];
        put_u16(&mut out, 0x0102);
        put_u32(&mut out, 0x0304_0506);
        put_u64(&mut out, 0x0708_090a_0b0c_0d0e);
        assert_eq!(out[1..3], [2, 1]);
        let mut fields = Fields::of(&out);
        assert_eq!((fields.u8(), fields.u16(), fields.u32()), (Some(7), Some(0x0102), Some(0x0304_0506)));
        assert_eq!((fields.offset(), fields.remaining()), (7, 8));
        assert_eq!(fields.bytes(9), None);
        assert_eq!((fields.u64(), fields.u8()), (Some(0x0708_090a_0b0c_0d0e), None));
    }
}
