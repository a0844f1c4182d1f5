//! Sizes in bytes: a plain number, or one with a binary unit such as "16MiB".

/// Units from the largest, so that the first that divides a size is the shortest way to write it.
const UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Why a text is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeFault {
    /// It does not begin with digits.
    #[error("it is no whole number of bytes")]
    NoNumber,
    /// What follows the digits is none of the units.
    #[error("the units are KiB, MiB and GiB; without one it is bytes")]
    UnknownUnit,
    /// It does not fit a usize.
    #[error("it is larger than this machine can address")]
    TooLarge,
}

/// Reads "65536", "64KiB", "16MiB" or "1GiB" as bytes.
///
/// # Errors
/// What is wrong with it.
pub fn parse_size(text: &str) -> Result<usize, SizeFault> {
    let unit = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() {
        return Err(SizeFault::NoNumber);
    }
    let factor = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() => 1,
        None => return Err(SizeFault::UnknownUnit),
    };
    digits.parse::<usize>().ok().and_then(|number| number.checked_mul(factor)).ok_or(SizeFault::TooLarge)
}

/// Writes `bytes` in the largest unit that loses nothing.
pub fn format_size(bytes: usize) -> String {
    match UNITS.iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor)) {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_numbers_with_binary_units() {
        for (text, size) in [
            ("0", Ok(0)),
            ("1000", Ok(1000)),
            ("64KiB", Ok(65_536)),
            ("16MiB", Ok(16 << 20)),
            ("1GiB", Ok(1 << 30)),
            ("", Err(SizeFault::NoNumber)),
            ("MiB", Err(SizeFault::NoNumber)),
            ("-1", Err(SizeFault::NoNumber)),
            ("1.5MiB", Err(SizeFault::UnknownUnit)),
            ("16MB", Err(SizeFault::UnknownUnit)),
            ("16 MiB", Err(SizeFault::UnknownUnit)),
            ("18446744073709551616", Err(SizeFault::TooLarge)),
            ("18446744073709551615KiB", Err(SizeFault::TooLarge)),
        ] {
            assert_eq!(parse_size(text), size, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number in any::<usize>(), shift in 0_u32..64) {
            let bytes = (number >> shift) << (shift % 31);
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }
    }
}
