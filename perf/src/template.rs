//! Bytes with holes for a key's eight digits: requests and documents are one copy and a few digits each.
//!
//! Invariant: `append` writes exactly the bytes that `matches` accepts for the same key, all of the same length.

/// The spelling of key 0. In a template each occurrence of it is a hole; every key is as long.
pub const KEY_ZERO: &str = "key:00000000";

/// Keys that eight digits can tell apart.
pub const KEYS_MAX: u32 = 100_000_000;

const DIGITS: usize = 8;

/// Bytes in which the digits of a key can be filled.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    /// Where each run of digits begins, ascending.
    holes: Vec<usize>,
}

impl Template {
    /// Takes `bytes` that spell `KEY_ZERO` wherever the key belongs.
    pub fn new(bytes: Vec<u8>) -> Template {
        let prefix = KEY_ZERO.len() - DIGITS;
        let holes = bytes.windows(KEY_ZERO.len()).enumerate();
        let holes = holes.filter(|(_, window)| *window == KEY_ZERO.as_bytes()).map(|(at, _)| at + prefix).collect();
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
        let digits = digits(key);
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        for &hole in &self.holes {
            if let Some(place) = out.get_mut(start + hole..start + hole + DIGITS) {
                place.copy_from_slice(&digits);
            }
        }
    }

    /// True when `bytes` are, to the byte, those for `key`.
    pub fn matches(&self, key: u32, bytes: &[u8]) -> bool {
        bytes.len() == self.bytes.len() && self.begins(key, bytes)
    }

    /// True when `bytes` begin with those for `key`.
    pub fn begins(&self, key: u32, bytes: &[u8]) -> bool {
        let digits = digits(key);
        let mut from = 0;
        for &hole in &self.holes {
            if bytes.get(from..hole) != self.bytes.get(from..hole) || bytes.get(hole..hole + DIGITS) != Some(&digits) {
                return false;
            }
            from = hole + DIGITS;
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
