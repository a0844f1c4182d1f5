//! Bytes with holes for the eight digits of a key, and of a write where writes are told apart: requests and documents
//! are one copy and a few digits each.
//!
//! Invariant: `append` writes exactly the bytes that `matches` accepts for the same numbers, all of the same length.

/// The spelling of key 0. In a template each occurrence of it is a hole; every key is as long.
pub const KEY_ZERO: &str = "key:00000000";

/// The spelling of write 0, likewise.
pub const WRITE_ZERO: &str = "write:00000000";

/// Keys that eight digits can tell apart.
pub const KEYS_MAX: u32 = 100_000_000;

const DIGITS: usize = 8;

/// Bytes in which the digits of a key can be filled.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    /// Ascending.
    holes: Vec<Hole>,
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    /// Where its digits begin.
    at: usize,
    /// True when they are those of a write, false when those of a key.
    is_write: bool,
}

impl Hole {
    fn number(self, key: u32, write: u32) -> u32 {
        if self.is_write { write } else { key }
    }
}

impl Template {
    /// Takes `bytes` that spell `KEY_ZERO` wherever the key belongs, and `WRITE_ZERO` wherever the write does.
    pub fn new(bytes: Vec<u8>) -> Template {
        let mut holes = Vec::new();
        for (zero, is_write) in [(KEY_ZERO, false), (WRITE_ZERO, true)] {
            let found = bytes.windows(zero.len()).enumerate().filter(|(_, window)| *window == zero.as_bytes());
            holes.extend(found.map(|(at, _)| Hole { at: at + zero.len() - DIGITS, is_write }));
        }
        holes.sort_unstable_by_key(|hole| hole.at);
        Template { bytes, holes }
    }

    /// Length in bytes, the same for every key.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes for key 0.
    pub fn zero(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes for key 0, whatever the key.
    #[must_use]
    pub fn frozen(self) -> Template {
        Template { bytes: self.bytes, holes: Vec::new() }
    }

    /// Appends the bytes for `key`.
    pub fn append(&self, key: u32, out: &mut Vec<u8>) {
        self.append_write(key, 0, out);
    }

    /// Appends the bytes for `key` as `write` has them.
    pub fn append_write(&self, key: u32, write: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        for hole in &self.holes {
            if let Some(place) = out.get_mut(start + hole.at..start + hole.at + DIGITS) {
                place.copy_from_slice(&digits(hole.number(key, write)));
            }
        }
    }

    /// The write whose bytes for `key` these are, to the byte; `None` when they are no write's.
    pub fn write_of(&self, key: u32, bytes: &[u8]) -> Option<u32> {
        let hole = self.holes.iter().find(|hole| hole.is_write)?;
        let digits = bytes.get(hole.at..hole.at + DIGITS)?;
        let write = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (bytes.len() == self.bytes.len() && self.is_beginning(key, write, bytes)).then_some(write)
    }

    /// True when `bytes` are, to the byte, those for `key`.
    pub fn matches(&self, key: u32, bytes: &[u8]) -> bool {
        bytes.len() == self.bytes.len() && self.begins(key, bytes)
    }

    /// True when `bytes` begin with those for `key`.
    pub fn begins(&self, key: u32, bytes: &[u8]) -> bool {
        self.is_beginning(key, 0, bytes)
    }

    fn is_beginning(&self, key: u32, write: u32, bytes: &[u8]) -> bool {
        let mut from = 0;
        for hole in &self.holes {
            let digits = digits(hole.number(key, write));
            let (at, end) = (hole.at, hole.at + DIGITS);
            if bytes.get(from..at) != self.bytes.get(from..at) || bytes.get(at..end) != Some(&digits) {
                return false;
            }
            from = end;
        }
        bytes.get(from..self.bytes.len()) == self.bytes.get(from..)
    }
}

fn digits(key: u32) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    let mut rest = key;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &Template, key: u32) -> Vec<u8> {
        let mut out = b"before ".to_vec();
        template.append(key, &mut out);
        out.split_off(7)
    }

    #[test]
    fn every_hole_takes_the_digits_of_the_key() {
        let template = Template::new(b"PUT /key:00000000 {\"id\":\"key:00000000\"}".to_vec());
        assert_eq!(filled(&template, 1203), b"PUT /key:00001203 {\"id\":\"key:00001203\"}");
        assert_eq!(filled(&template, KEYS_MAX - 1), b"PUT /key:99999999 {\"id\":\"key:99999999\"}");
        assert_eq!(filled(&template, 0), template.zero());
    }

    #[test]
    fn a_single_wrong_byte_anywhere_is_no_match() {
        let template = Template::new(b"{\"id\":\"key:00000000\",\"n\":1}".to_vec());
        let right = filled(&template, 77);
        assert!(template.matches(77, &right));
        assert!(!template.matches(78, &right));
        for at in 0..right.len() {
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            assert!(!template.matches(77, &wrong), "byte {at}");
        }
    }

    #[test]
    fn the_write_of_a_document_is_found_only_where_all_of_it_is_of_that_write() {
        let template =
            Template::new(b"{\"a\":\"write:00000000\",\"id\":\"key:00000000\",\"b\":\"write:00000000\"}".to_vec());
        let mut written = Vec::new();
        template.append_write(3, 4711, &mut written);
        assert_eq!(written, b"{\"a\":\"write:00004711\",\"id\":\"key:00000003\",\"b\":\"write:00004711\"}");
        assert_eq!((template.write_of(3, &written), template.write_of(4, &written)), (Some(4711), None));
        for at in 0..written.len() {
            let mut wrong = written.clone();
            wrong[at] ^= 1;
            assert_eq!(template.write_of(3, &wrong), None, "byte {at}");
        }
        assert_eq!(template.write_of(3, &written[..written.len() - 1]), None);
    }

    #[test]
    fn length_counts_for_a_match_but_not_for_a_beginning() {
        let template = Template::new(b"{\"key\":\"key:00000000\"".to_vec());
        let longer = [filled(&template, 5), b",\"version\":9}\n".to_vec()].concat();
        assert!(template.begins(5, &longer));
        assert!(!template.matches(5, &longer));
        assert!(!template.begins(5, &longer[..template.len() - 1]));
        assert!(!template.begins(6, &longer));
    }

    #[test]
    fn a_template_without_a_hole_is_the_same_for_every_key() {
        let template = Template::new(b"ready".to_vec());
        assert!(template.matches(1, b"ready") && template.matches(2, b"ready"));
    }
}
