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
