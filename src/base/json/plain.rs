//! How far the bytes of a string stand for themselves: up to a quote, a backslash or a control character.
//!
//! Eight of them are looked at as one number. It does not know whether they are UTF-8.

/// Bytes of a word, and the lowest and the highest bit of each.
const WORD: usize = size_of::<u64>();
const LOW: u64 = u64::MAX / 0xff;
const HIGH: u64 = LOW << 7;

/// Where the first byte of `text` from `at` on is that does not stand for itself; the end of the text when there is none.
/// Sets `has_high` when there is a byte above 127 before it; it may do so for one right behind it.
///
/// Most strings end within a word: that much is done where it is called, the rest is a call.
#[inline]
pub(super) fn skip_plain(text: &[u8], at: usize, has_high: &mut bool) -> usize {
    match word_at(text, at) {
        Some(word) if marks(word) != 0 => {
            *has_high |= word & HIGH != 0;
            at + first(marks(word))
        }
        _ => skip_more(text, at, has_high),
    }
}

/// `skip_plain`, wherever it ends.
#[inline(never)]
fn skip_more(text: &[u8], mut at: usize, has_high: &mut bool) -> usize {
    while let Some(word) = word_at(text, at) {
        *has_high |= word & HIGH != 0;
        match marks(word) {
            0 => at += WORD,
            marks => return at + first(marks),
        }
    }
    let left = text.len().saturating_sub(at);
    match text.last_chunk() {
        // Those before `at` are moved out, and zeros in behind the last: a mark where the text ends.
        Some(word) if left > 0 => {
            let word = u64::from_le_bytes(*word) >> (8 * (WORD - left));
            *has_high |= word & HIGH != 0;
            at + first(marks(word))
        }
        _ => {
            let rest = text.get(at..).unwrap_or_default();
            let length = rest.iter().take_while(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\')).count();
            *has_high |= !rest.is_ascii();
            at + length
        }
    }
}

fn word_at(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?))
}

/// True when all of `text` stands for itself.
pub(super) fn is_plain(text: &[u8]) -> bool {
    skip_plain(text, 0, &mut false) == text.len()
}

/// Marks the bytes of `word` that do not stand for themselves. The lowest mark is right, and there is none without such
/// a byte; those above the lowest may be wrong.
fn marks(word: u64) -> u64 {
    // A byte below what is taken from it borrows, and only bytes above it may then seem to do so, too. One above 127 is
    // none of these, and never counts.
    let control = word.wrapping_sub(LOW * 0x20);
    let is = |byte: u8| (word ^ (LOW * u64::from(byte))).wrapping_sub(LOW);
    (control | is(b'"') | is(b'\\')) & !word & HIGH
}

/// The byte of the lowest of `marks`.
fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_is_not_plain_is_found_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let is_marked = byte < 0x20 || byte == b'"' || byte == b'\\';
            for length in 1..3 * WORD {
                for at in 0..length {
                    let mut text = vec![b'~'; length];
                    text[at] = byte;
                    let expected = if is_marked { at } else { length };
                    let mut has_high = false;
                    assert_eq!(skip_plain(&text, 0, &mut has_high), expected, "{byte} at {at} of {length}");
                    assert_eq!(has_high, byte >= 0x80, "{byte} at {at} of {length}");
                    assert_eq!(skip_plain(&text, at, &mut false), expected, "from {at} of {length}");
                    assert_eq!(skip_plain(&text, at + 1, &mut false), length, "behind {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn there_is_nothing_behind_the_end() {
        for text in ["", "~", "~~~~~~~~", "~~~~~~~~~"] {
            assert_eq!(skip_plain(text.as_bytes(), text.len(), &mut false), text.len());
            assert_eq!(skip_plain(text.as_bytes(), text.len() + 9, &mut false), text.len() + 9);
            assert!(is_plain(text.as_bytes()) && !is_plain(format!("{text}\n").as_bytes()));
        }
    }
}
