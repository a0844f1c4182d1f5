//! UUIDs of version 7 (RFC 9562 §5.7): 48 bits of unix milliseconds, then 74 random bits, so that what is made later
//! sorts behind what was made before, to the millisecond.
//!
//! By hand, because it is a dozen lines: the crate for all versions brings twelve packages for browsers into the lock
//! file. Where randomness comes from is the caller's business.

use crate::base::clock::UnixMillis;

/// Bytes behind which the text has a hyphen.
const HYPHENS_BEHIND: [usize; 4] = [4, 6, 8, 10];

/// The UUID of a moment, as text.
pub fn v7(moment: UnixMillis, random: [u8; 10]) -> String {
    let mut bytes = [0; 16];
    // The low 48 bits: enough until the year 10889.
    for (byte, of_moment) in bytes.iter_mut().zip(moment.0.to_be_bytes().into_iter().skip(2)) {
        *byte = of_moment;
    }
    for (byte, random) in bytes.iter_mut().skip(6).zip(random) {
        *byte = random;
    }
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (number, byte) in bytes.into_iter().enumerate() {
        if HYPHENS_BEHIND.contains(&number) {
            text.push('-');
        }
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        text.extend([digit(byte >> 4), digit(byte & 0x0f)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_comes_out() {
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        assert_eq!(v7(UnixMillis(0x017F_22E2_79B0), random), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn version_and_variant_stand_whatever_is_random() {
        for random in [[0; 10], [0xff; 10]] {
            let text = v7(UnixMillis(u64::MAX), random);
            assert!(
                text.len() == 36 && text.as_bytes()[14] == b'7' && b"89ab".contains(&text.as_bytes()[19]),
                "{text}"
            );
        }
    }

    #[test]
    fn a_later_millisecond_sorts_behind() {
        assert!(v7(UnixMillis(1_795_374_000_000), [0xff; 10]) < v7(UnixMillis(1_795_374_000_001), [0; 10]));
    }
}
