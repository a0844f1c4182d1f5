//! Durations as Go writes them, "1m30s" or "500ms": what config files, flags and `?ttl=` speak.
//!
//! The grammar is that of Go's `time.ParseDuration`, to the nanosecond, signs included: an optional sign, then one or
//! more decimal numbers each with a unit; a bare "0" needs none. Invariant: what `Display` writes, `parse` reads back
//! as the same value. Which durations make sense where (a sign, a range) is the caller's to say.

use std::fmt;
use std::time::Duration;

/// A signed span of nanoseconds, up to 292 years either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration {
    /// Its length in nanoseconds.
    pub nanos: i64,
}

/// Why a text is not a duration. Offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationFault {
    /// There is nothing, or nothing behind the sign.
    #[error("it is empty, write a number with a unit such as \"5m\"")]
    Empty,
    /// Something else stands where a number is needed.
    #[error("expected a number at byte {offset}, as in \"1m30s\"")]
    NoNumber {
        /// Where.
        offset: usize,
    },
    /// A number without its unit.
    #[error("the number before byte {offset} lacks its unit: ns, us, ms, s, m or h, as in \"30s\"")]
    NoUnit {
        /// Where the unit was expected.
        offset: usize,
    },
    /// A unit that is none of ours.
    #[error("unknown unit at byte {offset}, the units are ns, us, ms, s, m and h, as in \"1h30m\"")]
    UnknownUnit {
        /// Where.
        offset: usize,
    },
    /// Longer than 63 bits of nanoseconds hold.
    #[error("it is longer than the 292 years that a duration holds, write at most \"2562047h\"")]
    TooLong,
}

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

impl GoDuration {
    /// Reads a duration such as "1m30s", "1.5h", "-20ms" or "0".
    ///
    /// # Errors
    /// What is wrong, where, and an example of how it should be.
    pub fn parse(text: &str) -> Result<GoDuration, DurationFault> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if unsigned.is_empty() {
            return Err(DurationFault::Empty);
        }
        let total = if unsigned == "0" { 0 } else { sum_of_terms(text, unsigned)? };
        // The most negative value has no positive twin, so the sign goes on before the range is checked.
        let signed = if text.starts_with('-') { -i128::from(total) } else { i128::from(total) };
        i64::try_from(signed).map(|nanos| GoDuration { nanos }).map_err(|_| DurationFault::TooLong)
    }

    /// The same span without a sign; `None` when it is negative.
    pub fn to_unsigned(self) -> Option<Duration> {
        u64::try_from(self.nanos).ok().map(Duration::from_nanos)
    }
}

impl From<Duration> for GoDuration {
    /// Saturates at 292 years.
    fn from(duration: Duration) -> GoDuration {
        GoDuration { nanos: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) }
    }
}

impl fmt::Display for GoDuration {
    /// The shortest form Go reads: hours, minutes and seconds that are not zero, or one unit below a second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.nanos.unsigned_abs();
        if self.nanos < 0 {
            f.write_str("-")?;
        }
        match total {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{total}ns"),
            1_000..1_000_000 => return write_decimal(f, total, 1_000, "us"),
            1_000_000..SECOND => return write_decimal(f, total, 1_000_000, "ms"),
            _ => {}
        }
        let (hours, minutes, rest) = (total / HOUR, total % HOUR / MINUTE, total % MINUTE);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if rest > 0 { write_decimal(f, rest, SECOND, "s") } else { Ok(()) }
    }
}

/// Writes `nanos` in units of `unit`, a power of ten, with as many decimals as it takes.
fn write_decimal(f: &mut fmt::Formatter<'_>, nanos: u64, unit: u64, name: &str) -> fmt::Result {
    let (whole, fraction) = (nanos / unit, nanos % unit);
    if fraction == 0 {
        return write!(f, "{whole}{name}");
    }
    let width = usize::try_from(unit.ilog10()).unwrap_or(0);
    let digits = format!("{fraction:0width$}");
    write!(f, "{whole}.{}{name}", digits.trim_end_matches('0'))
}

/// The sum of all "number unit" terms of `unsigned`, which is `text` without its sign.
fn sum_of_terms(text: &str, unsigned: &str) -> Result<u64, DurationFault> {
    let mut total = 0_u64;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (number, behind) = take_while(rest, |byte| byte.is_ascii_digit() || byte == b'.');
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(DurationFault::NoNumber { offset: text.len() - rest.len() });
        }
        let (name, next) = take_while(behind, |byte| !byte.is_ascii_digit() && byte != b'.');
        let offset = text.len() - behind.len();
        if name.is_empty() {
            return Err(DurationFault::NoUnit { offset });
        }
        let unit = unit_nanos(name).ok_or(DurationFault::UnknownUnit { offset })?;
        let term = term_nanos(whole, fraction, unit).ok_or(DurationFault::TooLong)?;
        total = total.checked_add(term).filter(|total| *total <= 1 << 63).ok_or(DurationFault::TooLong)?;
        rest = next;
    }
    Ok(total)
}

fn unit_nanos(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        // Go takes both code points that look like a mu.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

/// Nanoseconds of "whole.fraction" units; `None` when they do not fit.
fn term_nanos(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Go's arithmetic: as many digits as fit 63 bits, scaled in doubles, cut to a whole nanosecond. For up to nine
    // digits of a second, which is what we write, every step is exact.
    let (mut digits, mut scale) = (0_u64, 1_f64);
    for byte in fraction.bytes() {
        let longer = digits.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(byte - b'0')));
        let Some(longer) = longer.filter(|longer| *longer < 1 << 63) else { break };
        digits = longer;
        scale *= 10.0;
    }
    let fraction = digits as f64 * (unit as f64 / scale);
    whole.checked_mul(unit)?.checked_add(fraction as u64)
}

/// Splits `text` behind its longest start whose bytes are all `wanted`. Never splits a character, because every caller
/// decides by ASCII bytes alone.
fn take_while(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !wanted(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> Result<i64, DurationFault> {
        GoDuration::parse(text).map(|duration| duration.nanos)
    }

    #[test]
    fn durations_mean_what_they_mean_in_go() {
        let (us, ms, s, m, h) = (1_000, 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000);
        for (text, expected) in [
            ("0", 0),
            ("+0", 0),
            ("-0", 0),
            ("5s", 5 * s),
            ("+5s", 5 * s),
            ("-5s", -5 * s),
            ("1m30s", 90 * s),
            ("1.5h", 90 * m),
            (".5s", s / 2),
            ("5.s", 5 * s),
            ("500ms", 500 * ms),
            ("2us", 2 * us),
            ("2\u{b5}s", 2 * us),
            ("2\u{3bc}s", 2 * us),
            ("300ns", 300),
            ("-1h1m1.001002003s", -(h + m + s + 1_002_003)),
            ("1s1s", 2 * s),
            // More digits than fit: Go rounds in doubles and cuts.
            ("0.3333333333333333333h", 20 * m),
            ("0.830103483285477580700h", 2_988_372_539_827),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(nanos(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_duration_is_named() {
        use DurationFault::{Empty, NoNumber, NoUnit, TooLong, UnknownUnit};
        for (text, fault) in [
            ("", Empty),
            ("-", Empty),
            ("s", NoNumber { offset: 0 }),
            (".s", NoNumber { offset: 0 }),
            ("1.2.3s", NoNumber { offset: 0 }),
            ("--5s", NoNumber { offset: 1 }),
            ("300", NoUnit { offset: 3 }),
            ("1m30", NoUnit { offset: 4 }),
            ("00", NoUnit { offset: 2 }),
            ("5d", UnknownUnit { offset: 1 }),
            ("1m5 s", UnknownUnit { offset: 3 }),
            ("1h日", UnknownUnit { offset: 1 }),
            ("9223372036854775808ns", TooLong),
            ("99999999999999999999s", TooLong),
            ("2562048h", TooLong),
        ] {
            assert_eq!(nanos(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn durations_are_written_in_their_shortest_go_form() {
        for (text, shortest) in [
            ("0", "0s"),
            ("300s", "5m"),
            ("90m", "1h30m"),
            ("3600.5s", "1h0.5s"),
            ("1500ms", "1.5s"),
            ("0.25s", "250ms"),
            ("1500ns", "1.5us"),
            ("-0.3us", "-300ns"),
            ("-60.000000001s", "-1m0.000000001s"),
        ] {
            assert_eq!(GoDuration::parse(text).unwrap().to_string(), shortest, "{text}");
        }
        assert_eq!(GoDuration::from(Duration::from_secs(120)).to_string(), "2m");
        assert_eq!(GoDuration::from(Duration::MAX).nanos, i64::MAX);
    }

    #[test]
    fn a_negative_duration_has_no_unsigned_twin() {
        assert_eq!(GoDuration { nanos: -1 }.to_unsigned(), None);
        assert_eq!(GoDuration { nanos: 1 }.to_unsigned(), Some(Duration::from_nanos(1)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(any in any::<i64>(), shift in 0_u32..64) {
            // Shifted, so that every magnitude from nanoseconds to centuries is met.
            let duration = GoDuration { nanos: any >> shift };
            prop_assert_eq!(GoDuration::parse(&duration.to_string()), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "\\PC*|[-+0-9.a-zµ]*") {
            let _ = GoDuration::parse(&text);
        }
    }
}
