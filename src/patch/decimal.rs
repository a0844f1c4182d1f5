//! The order of numbers as they are written, exact whatever their size and without floating point.

use std::cmp::Ordering;

/// Digits of an exponent that are read. Numbers with longer ones are compared as if they had the largest or the
/// smallest exponent that is read, which is further away than any that can be reached by writing digits.
const EXPONENT_DIGITS_MAX: usize = 30;

/// A number as written, taken apart: 0.`digits` times ten to the power of `exponent`.
#[derive(Clone, Copy, Debug)]
struct Decimal<'a> {
    is_negative: bool,
    /// Digits before the point, or all of them; without leading zeros.
    whole: &'a [u8],
    /// Digits behind the point; without leading zeros when there are none before it.
    fraction: &'a [u8],
    exponent: i128,
}

/// How the numbers `one` and `other`, which must have passed `base::json::check`, lie to one another. 1, 1.0, 10e-1 are
/// equal, and so are 0 and -0.
pub(super) fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (Decimal::of(one), Decimal::of(other));
    one.sign().cmp(&other.sign()).then_with(|| match one.sign() {
        0 => Ordering::Equal,
        1 => one.compare_magnitude(&other),
        _ => other.compare_magnitude(&one),
    })
}

impl<'a> Decimal<'a> {
    fn of(text: &'a [u8]) -> Decimal<'a> {
        let (is_negative, text) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let (mantissa, exponent) = split_at_byte(text, |byte| matches!(byte, b'e' | b'E'));
        let (whole, fraction) = split_at_byte(mantissa, |byte| byte == b'.');
        let whole = without_leading_zeros(whole);
        let mut decimal = Decimal { is_negative, whole, fraction, exponent: exponent_of(exponent) };
        if whole.is_empty() {
            decimal.fraction = without_leading_zeros(fraction);
            decimal.exponent -= as_exponent(fraction.len() - decimal.fraction.len());
        } else {
            decimal.exponent += as_exponent(whole.len());
        }
        decimal
    }

    fn digits(&self) -> impl Iterator<Item = u8> + 'a {
        self.whole.iter().chain(self.fraction).copied()
    }

    /// -1, 0 or 1.
    fn sign(&self) -> i8 {
        match self.digits().all(|digit| digit == b'0') {
            true => 0,
            false if self.is_negative => -1,
            false => 1,
        }
    }

    fn compare_magnitude(&self, other: &Decimal<'_>) -> Ordering {
        // The first digit of neither is 0, so the larger exponent is the larger number.
        self.exponent.cmp(&other.exponent).then_with(|| {
            let count = (self.whole.len() + self.fraction.len()).max(other.whole.len() + other.fraction.len());
            let zeros = std::iter::repeat(b'0');
            self.digits().chain(zeros.clone()).take(count).cmp(other.digits().chain(zeros).take(count))
        })
    }
}

/// What stands before and behind the first byte that satisfies `splits`; all of it and nothing when none does.
fn split_at_byte(text: &[u8], splits: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = text.iter().position(|byte| splits(*byte)).unwrap_or(text.len());
    (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default())
}

fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    digits.get(first..).unwrap_or_default()
}

/// The value of an exponent as written behind the e, its sign included.
fn exponent_of(text: &[u8]) -> i128 {
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let digits = without_leading_zeros(digits);
    let value = match digits.len() {
        0..=EXPONENT_DIGITS_MAX => {
            digits.iter().fold(0, |value, digit| 10 * value + i128::from(digit.wrapping_sub(b'0')))
        }
        _ => 10_i128.pow(EXPONENT_DIGITS_MAX as u32),
    };
    if is_negative { -value } else { value }
}

fn as_exponent(digits: usize) -> i128 {
    i128::try_from(digits).unwrap_or(i128::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_value_whatever_their_spelling() {
        // Each group has one value, and the groups grow.
        let groups: &[&[&str]] = &[
            &["-1e99999999999999999999999999999999"],
            &["-1e400", "-10e399"],
            &["-9007199254740993", "-9007199254740993.0"],
            &["-9007199254740992", "-9.007199254740992e15"],
            &["-1.5", "-15e-1", "-0.15E+1"],
            &["-1e-400"],
            &["0", "-0", "0.0", "-0.000", "0e17", "0E-3", "0e99999999999999999999999999999999"],
            &["1e-99999999999999999999999999999999"],
            &["1e-400", "0.1e-399"],
            &["0.001", "1e-3", "0.0010"],
            &["0.99999999999999999999999999999999999"],
            &["1", "1.0", "1e0", "1E-0", "10e-1", "0.1e1", "0.01e+2", "1.00000000000000000000"],
            &["1.00000000000000000001"],
            &["9007199254740992", "9007199254740992.0"],
            &["9007199254740993", "9007199254740.993e3"],
            &["100000000000000000000", "1e20", "1e020", "1E+20"],
            &["100000000000000000001"],
            &["1e400", "10e399"],
            &["1e99999999999999999999999999999999", "1e99999999999999999999999999999998"],
        ];
        for (low, lower) in groups.iter().enumerate() {
            for (high, higher) in groups.iter().enumerate() {
                for (one, other) in lower.iter().flat_map(|one| higher.iter().map(move |other| (one, other))) {
                    assert_eq!(compare(one.as_bytes(), other.as_bytes()), low.cmp(&high), "{one} and {other}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_compared_without_a_panic() {
        for text in ["", "-", ".", "e", "-.e", "1e", "1e+", "abc"] {
            assert_eq!(compare(text.as_bytes(), text.as_bytes()), Ordering::Equal, "{text}");
        }
    }
}
