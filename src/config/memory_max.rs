//! How much memory the server may use: a size, a share of what there is, or as much as there is.
//!
//! It does not know how much there is: whoever starts the server does.

use std::fmt;

use super::size::{SizeFault, format_size, parse_size};

/// The smallest size: about what the program takes without a document.
const BYTES_MIN: usize = 1 << 20;

/// A bound on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryMax {
    /// None.
    Off,
    /// So many hundredths of what the machine has, or the control group that the process is in: 1 to 100.
    Percent(u8),
    /// So many bytes.
    Bytes(usize),
}

/// Why a text is no such bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryMaxFault {
    /// It is none of the forms.
    #[error("{0}")]
    Size(#[from] SizeFault),
    /// Nothing would fit.
    #[error("less than 1MiB, which the program takes by itself; 0 is no limit")]
    TooSmall,
    /// More than there is, or nothing of it.
    #[error("a share is 1% to 100%")]
    NoShare,
}

impl MemoryMax {
    /// Reads "off", "0", "75%", or a size.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<MemoryMax, MemoryMaxFault> {
        if text == "off" {
            return Ok(MemoryMax::Off);
        }
        if let Some(digits) = text.strip_suffix('%') {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let share = digits.parse().ok().filter(|share| is_number && (1..=100).contains(share));
            return share.map(MemoryMax::Percent).ok_or(MemoryMaxFault::NoShare);
        }
        match parse_size(text)? {
            0 => Ok(MemoryMax::Off),
            bytes if bytes < BYTES_MIN => Err(MemoryMaxFault::TooSmall),
            bytes => Ok(MemoryMax::Bytes(bytes)),
        }
    }

    /// The bound in bytes, where `granted` bytes are there; `None` when there is none, or a share of nobody knows what.
    pub fn bytes(self, granted: Option<u64>) -> Option<u64> {
        match self {
            MemoryMax::Off => None,
            MemoryMax::Percent(share) => granted.map(|bytes| bytes / 100 * u64::from(share)),
            MemoryMax::Bytes(bytes) => Some(bytes as u64),
        }
    }
}

impl fmt::Display for MemoryMax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryMax::Off => f.write_str("off"),
            MemoryMax::Percent(share) => write!(f, "{share}%"),
            MemoryMax::Bytes(bytes) => f.write_str(&format_size(*bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_size_or_a_share_or_none() {
        for (text, bound) in [
            ("off", Ok(MemoryMax::Off)),
            ("0", Ok(MemoryMax::Off)),
            ("75%", Ok(MemoryMax::Percent(75))),
            ("100%", Ok(MemoryMax::Percent(100))),
            ("2GiB", Ok(MemoryMax::Bytes(2 << 30))),
            ("1048576", Ok(MemoryMax::Bytes(1 << 20))),
            ("1023KiB", Err(MemoryMaxFault::TooSmall)),
            ("0%", Err(MemoryMaxFault::NoShare)),
            ("101%", Err(MemoryMaxFault::NoShare)),
            ("+5%", Err(MemoryMaxFault::NoShare)),
            ("%", Err(MemoryMaxFault::NoShare)),
            ("", Err(MemoryMaxFault::Size(SizeFault::NoNumber))),
            ("on", Err(MemoryMaxFault::Size(SizeFault::NoNumber))),
            ("2GB", Err(MemoryMaxFault::Size(SizeFault::UnknownUnit))),
        ] {
            assert_eq!(MemoryMax::parse(text), bound, "{text}");
            if let Ok(bound) = bound {
                assert_eq!(MemoryMax::parse(&bound.to_string()), Ok(bound));
            }
        }
    }

    #[test]
    fn a_share_is_one_of_what_there_is() {
        let bytes = |bound: MemoryMax| [Some(1000), None].map(|granted| bound.bytes(granted));
        assert_eq!(bytes(MemoryMax::Percent(75)), [Some(750), None]);
        assert_eq!(bytes(MemoryMax::Bytes(5000)), [Some(5000); 2]);
        assert_eq!(bytes(MemoryMax::Off), [None; 2]);
    }
}
