//! The classes of octets that the grammar of HTTP is made of, each as one table.
//!
//! A request has every octet of its head looked at, so that one load must decide. Nobody here knows what a field means.

/// A class of octets.
#[derive(Debug)]
pub struct Class([bool; 256]);

/// What a token is made of (RFC 9110 §5.6.2).
pub static TOKEN: Class = Class::alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// What a registered name is made of besides escapes (RFC 3986 §3.2.2), the comma left out, with which somebody would
/// join two hosts.
pub static HOST_NAME: Class = Class::alphanumeric_and(b"-._~!$&'()*+;=");

/// What a field's value is made of (RFC 9110 §5.5): no control character but the tab.
pub static FIELD_VALUE: Class = Class::text_and(b"\t").without(b"\x7f");

/// What a request's target is made of here: no control character, no space, no fragment.
pub static TARGET: Class = Class::text_and(b"").without(b"\x7f #");

/// Octets of a target that are looked at together.
const TOGETHER: usize = 16;

/// Octets of a word, and its octets' lowest and highest bits.
const WORD: usize = size_of::<u64>();
const LOW: u64 = u64::MAX / 0xff;
const HIGH: u64 = LOW << 7;

/// Splits `octets` in front of their first space, when what stands there is ASCII and may be a target, as nearly every
/// target is. That this gives nothing means nothing. One pass finds the end, the class of each octet and that all are
/// text, which three would find that each take longer.
#[expect(unsafe_code, reason = "the octets were looked at already, see the proof below")]
pub fn split_target(octets: &[u8]) -> Option<(&str, &[u8])> {
    let mut at = 0;
    for word in octets.as_chunks::<WORD>().0 {
        let word = u64::from_le_bytes(*word);
        // The highest bit of an octet is set where it is below `!`, or above `~`, or `#`; what is carried from there
        // may set those of octets behind it, which nobody looks at.
        let hash = word ^ (LOW * u64::from(b'#'));
        let below_visible = word.wrapping_sub(LOW * u64::from(b'!'));
        let ends = (word | word.wrapping_add(LOW) | below_visible | (hash.wrapping_sub(LOW) & !hash)) & HIGH;
        if ends != 0 {
            let (target, behind) = octets.split_at_checked(at + (ends.trailing_zeros() / u8::BITS) as usize)?;
            // SAFETY: `ends` has the highest bit of each octet of `word` that has its own, so that none of those before
            // the lowest bit of `ends`, nor any of the words before, where `ends` was 0, has it: `target` is ASCII, and
            // ASCII is UTF-8.
            return behind.starts_with(b" ").then(|| (unsafe { std::str::from_utf8_unchecked(target) }, behind));
        }
        at += WORD;
    }
    None
}

/// True when a target may hold each of `octets`: as `TARGET.has_all`, several at a time. Most targets are long enough.
pub fn are_of_target(octets: &[u8]) -> bool {
    let Some(last) = octets.last_chunk::<TOGETHER>() else { return TARGET.has_all(octets) };
    // By comparisons, which the compiler makes for all of them at once: a table is asked for one at a time.
    let is_sound = |chunk: &[u8; TOGETHER]| {
        chunk.iter().fold(true, |all, octet| all & (*octet > b' ') & (*octet != b'#') & (*octet != 0x7f))
    };
    // The last ones are looked at twice, unless they are as many as the others.
    octets.as_chunks().0.iter().all(is_sound) && is_sound(last)
}

impl Class {
    /// True when `octet` is of this class.
    pub fn has(&self, octet: u8) -> bool {
        self.0.get(usize::from(octet)).copied().unwrap_or_default()
    }

    /// True when each of `octets` is of this class.
    pub fn has_all(&self, octets: &[u8]) -> bool {
        // To the end whatever comes, which takes a third of the instructions that stopping at each octet takes.
        octets.iter().fold(true, |all, octet| all & self.has(*octet))
    }
}

#[expect(clippy::indexing_slicing, reason = "only the compiler runs these, and a panic there is an error of the build")]
impl Class {
    const fn alphanumeric_and(others: &[u8]) -> Class {
        let mut class = Class([false; 256]);
        let mut octet = 0;
        while octet < 128 {
            class.0[octet] = (octet as u8).is_ascii_alphanumeric();
            octet += 1;
        }
        class.with(others)
    }

    const fn text_and(others: &[u8]) -> Class {
        let mut class = Class([false; 256]);
        let mut octet = 0x20;
        while octet < 256 {
            class.0[octet] = true;
            octet += 1;
        }
        class.with(others)
    }

    const fn with(mut self, octets: &[u8]) -> Class {
        let mut at = 0;
        while at < octets.len() {
            self.0[octets[at] as usize] = true;
            at += 1;
        }
        self
    }

    const fn without(mut self, octets: &[u8]) -> Class {
        let mut at = 0;
        while at < octets.len() {
            self.0[octets[at] as usize] = false;
            at += 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_say_what_the_grammar_says() {
        for octet in 0..=255_u8 {
            let is_alphanumeric = octet.is_ascii_alphanumeric();
            assert_eq!(TOKEN.has(octet), is_alphanumeric || b"!#$%&'*+-.^_`|~".contains(&octet), "{octet}");
            assert_eq!(HOST_NAME.has(octet), is_alphanumeric || b"-._~!$&'()*+;=".contains(&octet), "{octet}");
            let is_control = octet < 0x20 || octet == 0x7f;
            assert_eq!(FIELD_VALUE.has(octet), !is_control || octet == b'\t', "{octet}");
            assert_eq!(TARGET.has(octet), !is_control && octet != b' ' && octet != b'#', "{octet}");
        }
    }

    #[test]
    fn a_target_is_split_off_only_where_each_of_its_octets_may_stand_in_one() {
        for length in 0..3 * WORD {
            let line = |target: &[u8]| [target, b" HTTP/1.1\r\n"].concat();
            let plain = vec![b'/'; length];
            assert_eq!(split_target(&line(&plain)), Some((&*"/".repeat(length), &b" HTTP/1.1\r\n"[..])));
            assert_eq!(split_target(&plain), None, "without an end");
            for (at, octet) in (0..length).flat_map(|at| (0..=255).map(move |octet| (at, octet))) {
                let mut target = plain.clone();
                target[at] = octet;
                let line = line(&target);
                let expected = match octet {
                    b' ' => Some((&plain[..at], &line[at..])),
                    _ if TARGET.has(octet) && octet.is_ascii() => Some((&target[..], &line[length..])),
                    _ => None,
                };
                let found = split_target(&line).map(|(target, behind)| (target.as_bytes(), behind));
                assert_eq!(found, expected, "{octet} at {at} of {length}");
            }
        }
    }

    #[test]
    fn targets_are_told_several_octets_at_a_time_as_one_by_one() {
        for length in 0..3 * TOGETHER {
            assert!(are_of_target(&vec![b'/'; length]));
            for (at, octet) in (0..length).flat_map(|at| (0..=255).map(move |octet| (at, octet))) {
                let mut target = vec![b'/'; length];
                target[at] = octet;
                assert_eq!(are_of_target(&target), TARGET.has(octet), "{octet} at {at} of {length}");
            }
        }
    }
}
