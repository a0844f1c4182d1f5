//! What became of each operation of a bulk, kept until the last one was taken and then written as lines.
//!
//! Invariant: a result takes its key and 13 bytes, and the detail of one that failed with words of its own, which is cut
//! off at `DETAIL_BYTES_MAX`. They lie in blocks, so that nothing large is ever moved and each block goes when it was
//! sent.

use std::collections::VecDeque;

use crate::base::json;
use crate::base::limits::KEY_BYTES_MAX;
use crate::model::Lsn;

use super::super::message::{BodyStream, Part, Pulled};
use super::super::problem::Kind;

/// Bytes of a block.
const BLOCK_BYTES: usize = 32 << 10;

/// Bytes of a record besides its key and its detail.
const FIXED_BYTES: usize = 13;

/// Bytes of a detail that are kept.
const DETAIL_BYTES_MAX: usize = 256;

/// The statuses of what went well, as they are written, by their place in a record.
const WELL: [&[u8]; 3] = [b",\"status\":200", b",\"status\":201", b",\"status\":204"];

/// Stands for no key in the place of a key's length.
const NO_KEY: u16 = u16::MAX;

/// What became of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became<'t> {
    /// Created (201), with this version.
    Created(Lsn),
    /// Replaced, or given another deadline (200), with this version.
    Changed(Lsn),
    /// Removed (204).
    Removed,
    /// It failed; the version is that which was in the way of a condition.
    Failed(Kind, Option<Lsn>, &'t str),
    /// It was no operation, in the line of this number.
    Malformed(Kind, u64, &'t str),
}

impl<'t> Became<'t> {
    fn detail(self) -> &'t str {
        match self {
            Became::Failed(_, _, detail) | Became::Malformed(_, _, detail) => detail,
            Became::Created(_) | Became::Changed(_) | Became::Removed => "",
        }
    }
}

/// Results in the order of their operations; as a body, a line for each.
#[derive(Debug, Default)]
pub struct Results {
    blocks: VecDeque<Vec<u8>>,
}

impl Results {
    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK_BYTES
    }

    /// Appends what became of the operation on `key`; `None` where that is not known, or is none.
    pub fn push(&mut self, key: Option<&str>, became: Became<'_>) {
        let record_bytes =
            FIXED_BYTES + KEY_BYTES_MAX.min(key.map_or(0, str::len)) + DETAIL_BYTES_MAX.min(became.detail().len());
        if self.blocks.back().is_none_or(|block| block.len() + record_bytes > BLOCK_BYTES) {
            self.blocks.push_back(Vec::with_capacity(BLOCK_BYTES));
        }
        if let Some(block) = self.blocks.back_mut() {
            encode(block, key.filter(|key| key.len() <= KEY_BYTES_MAX), became);
        }
    }
}

impl BodyStream for Results {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        let Some(block) = self.blocks.pop_front() else { return Pulled::Ended };
        let mut text = Vec::with_capacity(block.len() * 2);
        let mut rest = block.as_slice();
        while let Some((record, behind)) = decode(rest) {
            record.write(&mut text);
            rest = behind;
        }
        part.push_bytes(&text);
        if self.blocks.is_empty() { Pulled::Ended } else { Pulled::More }
    }
}

/// What became of the operation on `key`, as its line without the end.
pub fn line(key: Option<&str>, became: Became<'_>) -> String {
    let (mut block, mut text) = (Vec::new(), Vec::new());
    encode(&mut block, key.filter(|key| key.len() <= KEY_BYTES_MAX), became);
    if let Some((record, _)) = decode(&block) {
        record.write(&mut text);
    }
    String::from_utf8_lossy(json::trim(&text)).into_owned()
}

/// One result, as it lies in a block: `outcome u8, number u64, key_bytes u16, detail_bytes u16`, key, detail; numbers
/// little-endian.
struct Record<'b> {
    /// The place in `WELL`; behind those, of a kind in `Kind::ALL`.
    outcome: u8,
    /// A version, or the number of a line; 0 for none.
    number: u64,
    key: Option<&'b str>,
    detail: &'b str,
}

fn encode(block: &mut Vec<u8>, key: Option<&str>, became: Became<'_>) {
    let failed = |kind: Kind| u8::try_from(kind as usize + WELL.len()).expect("there are fewer than 200 kinds");
    let (outcome, number) = match became {
        Became::Changed(version) => (0, version.0),
        Became::Created(version) => (1, version.0),
        Became::Removed => (2, 0),
        Became::Failed(kind, version, _) => (failed(kind), version.map_or(0, |version| version.0)),
        Became::Malformed(kind, line, _) => (failed(kind), line),
    };
    let detail = became.detail();
    let detail = detail.get(..detail.floor_char_boundary(DETAIL_BYTES_MAX)).unwrap_or_default();
    let key_bytes = key.map_or(NO_KEY, |key| u16::try_from(key.len()).expect("KEY_BYTES_MAX fits a u16"));
    let detail_bytes = u16::try_from(detail.len()).expect("DETAIL_BYTES_MAX fits a u16");
    let [n0, n1, n2, n3, n4, n5, n6, n7] = number.to_le_bytes();
    let ([k0, k1], [d0, d1]) = (key_bytes.to_le_bytes(), detail_bytes.to_le_bytes());
    let fixed: [u8; FIXED_BYTES] = [outcome, n0, n1, n2, n3, n4, n5, n6, n7, k0, k1, d0, d1];
    block.extend_from_slice(&fixed);
    block.extend_from_slice(key.unwrap_or_default().as_bytes());
    block.extend_from_slice(detail.as_bytes());
}

/// The first record of `block`, and what is behind it; `None` at its end.
fn decode(block: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (outcome, rest) = block.split_first()?;
    let (number, rest) = rest.split_first_chunk()?;
    let (key_bytes, rest) = rest.split_first_chunk()?;
    let (detail_bytes, rest) = rest.split_first_chunk()?;
    let key_bytes = u16::from_le_bytes(*key_bytes);
    let (key, rest) = rest.split_at_checked(if key_bytes == NO_KEY { 0 } else { key_bytes.into() })?;
    let (detail, rest) = rest.split_at_checked(u16::from_le_bytes(*detail_bytes).into())?;
    let key = std::str::from_utf8(key).ok().filter(|_| key_bytes != NO_KEY);
    let (outcome, number, detail) = (*outcome, u64::from_le_bytes(*number), std::str::from_utf8(detail).ok()?);
    Some((Record { outcome, number, key, detail }, rest))
}

impl Record<'_> {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(b"{\"key\":");
        match self.key {
            Some(key) => json::escape_into(text, key),
            None => text.extend_from_slice(b"null"),
        }
        let outcome = usize::from(self.outcome);
        match WELL.get(outcome) {
            Some(well) => {
                text.extend_from_slice(well);
                self.write_number(text, b",\"version\":");
            }
            None => self.write_failure(text, Kind::ALL.get(outcome - WELL.len()).copied()),
        }
        text.extend_from_slice(b"}\n");
    }

    #[cold]
    fn write_failure(&self, text: &mut Vec<u8>, kind: Option<Kind>) {
        text.extend_from_slice(b",\"status\":");
        text.extend_from_slice(itoa::Buffer::new().format(kind.map_or(0, Kind::status)).as_bytes());
        let is_line = matches!(kind, Some(Kind::JsonInvalid | Kind::OperationInvalid));
        self.write_number(text, if is_line { b",\"line\":" } else { b",\"version\":" });
        if let Some(kind) = kind {
            text.extend_from_slice(b",\"code\":\"");
            text.extend_from_slice(kind.code().as_bytes());
            text.push(b'"');
        }
        if !self.detail.is_empty() {
            text.extend_from_slice(b",\"detail\":");
            json::escape_into(text, self.detail);
        }
    }

    fn write_number(&self, text: &mut Vec<u8>, name: &[u8]) {
        if self.number > 0 {
            text.extend_from_slice(name);
            text.extend_from_slice(itoa::Buffer::new().format(self.number).as_bytes());
        }
    }
}

const _: () = assert!(FIXED_BYTES + KEY_BYTES_MAX + DETAIL_BYTES_MAX <= BLOCK_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut results: Results) -> (Vec<String>, usize) {
        let (mut text, mut parts) = (Vec::new(), 0);
        loop {
            let mut part = Part::new();
            let pulled = results.pull(&mut part);
            part.pieces().iter().for_each(|piece| text.extend_from_slice(piece.bytes()));
            parts += 1;
            if pulled == Pulled::Ended {
                return (String::from_utf8(text).unwrap().lines().map(str::to_owned).collect(), parts);
            }
        }
    }

    #[test]
    fn a_result_is_a_line() {
        let mut results = Results::default();
        results.push(Some("a\"b"), Became::Created(Lsn(7)));
        results.push(Some("a"), Became::Changed(Lsn(8)));
        results.push(Some("a"), Became::Removed);
        results.push(Some("a"), Became::Failed(Kind::KeyNotFound, None, ""));
        results.push(Some("a"), Became::Failed(Kind::ConditionFailed, Some(Lsn(9)), ""));
        results.push(Some(&"x".repeat(KEY_BYTES_MAX + 1)), Became::Failed(Kind::KeyTooLong, None, "too \"long\""));
        results.push(None, Became::Malformed(Kind::JsonInvalid, 12, "expected a value at byte 0"));
        assert_eq!(
            lines(results).0,
            [
                r#"{"key":"a\"b","status":201,"version":7}"#,
                r#"{"key":"a","status":200,"version":8}"#,
                r#"{"key":"a","status":204}"#,
                r#"{"key":"a","status":404,"code":"key_not_found"}"#,
                r#"{"key":"a","status":412,"version":9,"code":"condition_failed"}"#,
                r#"{"key":null,"status":400,"code":"key_too_long","detail":"too \"long\""}"#,
                r#"{"key":null,"status":400,"line":12,"code":"json_invalid","detail":"expected a value at byte 0"}"#,
            ]
        );
        assert!(lines(Results::default()).0.is_empty());
    }

    #[test]
    fn results_are_small_and_leave_in_small_parts() {
        let mut results = Results::default();
        for number in 0..10_000 {
            results.push(Some(&format!("key:{number:08}")), Became::Created(Lsn(number + 1)));
        }
        let kept: usize = results.blocks.iter().map(Vec::capacity).sum();
        assert!(kept < 10_000 * (12 + 13) + BLOCK_BYTES + BLOCK_BYTES / 10, "{kept}");
        let (lines, parts) = lines(results);
        assert_eq!(lines.len(), 10_000);
        assert_eq!(lines[9_999], r#"{"key":"key:00009999","status":201,"version":10000}"#);
        assert!(parts > 5);
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let mut results = Results::default();
        results.push(None, Became::Failed(Kind::ParameterInvalid, None, &"é".repeat(200)));
        results.push(Some("k"), Became::Removed);
        let (lines, _) = lines(results);
        assert!(lines[0].contains(&"é".repeat(128)) && !lines[0].contains(&"é".repeat(129)));
        assert_eq!(lines[1], r#"{"key":"k","status":204}"#);
    }
}
