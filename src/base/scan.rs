//! Whether a short text holds an octet: a key, a target, a part of a path.
//!
//! Most are shorter than what a search with the widest registers needs to begin with, and would be gone through octet by
//! octet. Here eight are looked at as one number. It does not know what an octet means.

/// Octets of a word.
const WORD: usize = size_of::<u64>();

/// The lowest and the highest bit of each octet of a word.
const LOW: u64 = u64::MAX / 0xff;
const HIGH: u64 = LOW << 7;

/// True when one of `text` is `octet`. For where that is, or for a text of more than a few hundred octets, `memchr` is
/// better.
pub fn holds(text: &[u8], octet: u8) -> bool {
    let Some(last) = text.last_chunk::<WORD>() else {
        return text.iter().fold(false, |found, other| found | (*other == octet));
    };
    let wanted = LOW * u64::from(octet);
    let is_in = |word: &[u8; WORD]| {
        // An octet is 0 where it is the one, and only the lowest such borrows: none is seen where none is.
        let word = u64::from_ne_bytes(*word) ^ wanted;
        word.wrapping_sub(LOW) & !word & HIGH
    };
    // To the end whatever comes; the last octets are looked at twice, unless they fill a word.
    text.as_chunks().0.iter().fold(is_in(last), |found, word| found | is_in(word)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octet_is_found_wherever_it_stands_and_none_where_there_is_none() {
        for (octet, other) in [(0, 1), (0, 0x80), (0, 0xff), (b'%', b'$'), (b'%', b'&'), (b'%', 0xa5), (0xff, 0)] {
            for length in 0..4 * WORD {
                let mut text = vec![other; length];
                assert!(!holds(&text, octet), "{octet} among {length} of {other}");
                for at in 0..length {
                    text[at] = octet;
                    assert!(holds(&text, octet), "{octet} at {at} of {length} of {other}");
                    text[at] = other;
                }
            }
        }
    }

    #[test]
    fn an_octet_beside_one_that_is_nearly_it_is_not_taken_for_it() {
        for octet in 0..=u8::MAX {
            let text: Vec<u8> = (0..=u8::MAX).filter(|other| *other != octet).collect();
            assert!(!holds(&text, octet), "{octet}");
        }
    }
}
