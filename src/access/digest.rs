//! The SHA-256 of a token: all that is kept of it.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

/// The SHA-256 of a token. Never shown, but where it is made.
#[derive(Clone, Copy)]
pub struct Digest([u8; Digest::BYTES]);

impl Digest {
    const BYTES: usize = 32;

    /// That of what somebody presents.
    pub fn of(token: &[u8]) -> Digest {
        let digest = ring::digest::digest(&ring::digest::SHA256, token);
        Digest(digest.as_ref().try_into().expect("a SHA-256 has 32 bytes"))
    }

    /// The digest that 64 hexadecimal digits spell.
    pub fn from_hex(text: &str) -> Option<Digest> {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digits: Vec<u8> =
            text.bytes().take(2 * Digest::BYTES + 1).map(|byte| digit(&byte)).collect::<Option<_>>()?;
        let bytes: Vec<u8> =
            digits.chunks(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(|[a, b]| a << 4 | b).collect();
        if digits.len() == 2 * Digest::BYTES { bytes.try_into().ok().map(Digest) } else { None }
    }

    /// Whether the two are equal: every byte is looked at, wherever the first difference is.
    pub fn is(&self, other: &Digest) -> Choice {
        self.0.ct_eq(&other.0)
    }

    /// 64 hexadecimal digits, for the line that an operator keeps.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

/// Two hexadecimal digits for each of the `bytes`.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl PartialEq for Digest {
    fn eq(&self, other: &Digest) -> bool {
        self.is(other).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    use super::*;

    /// FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_is_sha_256_and_is_spelled_in_hexadecimal() {
        assert_eq!(Digest::of(b"abc").to_hex(), ABC);
        assert_eq!(Digest::from_hex(ABC), Some(Digest::of(b"abc")));
        assert_eq!(Digest::from_hex(&ABC.to_ascii_uppercase()), Some(Digest::of(b"abc")));
        for text in ["", "b", &ABC[1..], &format!("{ABC}0"), &ABC.replace('f', "g"), &ABC.replace("ba", "é")] {
            assert_eq!(Digest::from_hex(text), None, "{text}");
        }
    }

    /// The quickest of many turns of comparisons with each of the `others`: what disturbs a turn only makes it slower, so
    /// there are more of them on a busy machine, until it is `enough`.
    fn quickest(
        others: &[Digest],
        compare: impl Fn(&Digest, &Digest) -> bool,
        enough: impl Fn(&[Duration]) -> bool,
    ) -> Vec<Duration> {
        let own = Digest([0; Digest::BYTES]);
        let mut quickest = vec![Duration::MAX; others.len()];
        for turn in 0..6000 {
            if turn % 300 == 299 && enough(&quickest) {
                break;
            }
            for (other, quickest) in others.iter().zip(&mut quickest) {
                let begun = Instant::now();
                for _ in 0..500 {
                    black_box(compare(black_box(&own), black_box(other)));
                }
                *quickest = begun.elapsed().min(*quickest);
            }
        }
        quickest
    }

    /// How many times as long as the shortest the longest took.
    fn spread(times: &[Duration]) -> f64 {
        let longest = times.iter().max().unwrap().as_secs_f64();
        longest / times.iter().min().unwrap().as_secs_f64()
    }

    #[test]
    fn a_comparison_takes_the_same_time_whichever_byte_differs() {
        let differing_at = |at: usize| Digest(std::array::from_fn(|index| u8::from(index == at)));
        // The last of them is equal.
        let others: Vec<Digest> = [0, 1, 15, 30, 31, Digest::BYTES].into_iter().map(differing_at).collect();
        let even = |times: &[Duration]| spread(times) < 1.25;
        let ours = quickest(&others, |own, other| own.is(other).into(), even);
        assert!(even(&ours), "{ours:?}");
        let stop_early = |own: &Digest, other: &Digest| own.0.iter().zip(&other.0).all(|(own, other)| own == other);
        let hasty = quickest(&others, stop_early, |_| true);
        assert!(spread(&hasty) > 2.0, "this measurement would not see the difference: {hasty:?}");
    }

    #[test]
    fn a_digest_is_not_shown() {
        assert_eq!(format!("{:?}", Digest::of(b"abc")), "Digest(hidden)");
    }
}
