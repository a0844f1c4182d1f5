//! Computing with numbers as they are written.
//!
//! Two integers (no fraction, no exponent) are computed exactly, within 128 bits. Otherwise the result is a double, in
//! the shortest spelling that stands for it. `min` and `max` compute nothing: they choose one of two spellings, exactly
//! whatever the size.

use std::cmp::Ordering;

use super::decimal::compare;
use super::fault::Cause;

/// What is done with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    /// The sum.
    Increase,
    /// The product.
    Multiply,
    /// The smaller one; the current one when both are worth the same.
    Minimum,
    /// The larger one; the current one when both are worth the same.
    Maximum,
}

#[derive(Clone, Copy, Debug)]
enum Number {
    Integer(i128),
    Double(f64),
}

impl Arithmetic {
    /// What becomes of the number `current`; `None` when it stays as it is written. Both must be numbers that have
    /// passed `base::json::check`.
    ///
    /// # Errors
    /// `NumberOverflow`.
    pub(super) fn compute(self, current: &[u8], operand: &[u8]) -> Result<Option<String>, Cause> {
        let result = match self {
            Arithmetic::Minimum if compare(operand, current) == Ordering::Less => as_text(operand)?.to_owned(),
            Arithmetic::Maximum if compare(operand, current) == Ordering::Greater => as_text(operand)?.to_owned(),
            Arithmetic::Minimum | Arithmetic::Maximum => return Ok(None),
            Arithmetic::Increase => spell(current, operand, i128::checked_add, |one, other| one + other)?,
            Arithmetic::Multiply => spell(current, operand, i128::checked_mul, |one, other| one * other)?,
        };
        Ok(Some(result))
    }

    /// What stands for a number that is not there, so that the result is what the operation makes of nothing: an absent
    /// counter counts from 0, an absent product is 0, an absent extreme is the operand.
    pub(super) fn of_absent(self, operand: &[u8]) -> Result<String, Cause> {
        match self {
            Arithmetic::Increase => Number::of(operand).and(Ok(as_text(operand)?.to_owned())),
            Arithmetic::Multiply => spell(b"0", operand, i128::checked_mul, |one, other| one * other),
            Arithmetic::Minimum | Arithmetic::Maximum => Ok(as_text(operand)?.to_owned()),
        }
    }
}

/// The result of one of two functions, as text.
fn spell(
    one: &[u8],
    other: &[u8],
    exact: impl Fn(i128, i128) -> Option<i128>,
    rounded: impl Fn(f64, f64) -> f64,
) -> Result<String, Cause> {
    match (Number::of(one)?, Number::of(other)?) {
        (Number::Integer(one), Number::Integer(other)) => {
            exact(one, other).map(|result| result.to_string()).ok_or(Cause::NumberOverflow)
        }
        (one, other) => {
            let result = rounded(one.as_double(), other.as_double());
            // The standard library's debug form is the shortest spelling that reads back the same, and is JSON.
            if result.is_finite() { Ok(format!("{result:?}")) } else { Err(Cause::NumberOverflow) }
        }
    }
}

impl Number {
    fn of(text: &[u8]) -> Result<Number, Cause> {
        let text = as_text(text)?;
        if !text.contains(['.', 'e', 'E']) {
            return text.parse().map(Number::Integer).map_err(|_| Cause::NumberOverflow);
        }
        let double = text.parse().ok().filter(|double: &f64| double.is_finite());
        double.map(Number::Double).ok_or(Cause::NumberOverflow)
    }

    fn as_double(self) -> f64 {
        match self {
            Number::Integer(integer) => integer as f64,
            Number::Double(double) => double,
        }
    }
}

fn as_text(number: &[u8]) -> Result<&str, Cause> {
    std::str::from_utf8(number).map_err(|_| Cause::NumberOverflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERFLOW: &str = "overflow";

    fn check(arithmetic: Arithmetic, current: &str, operand: &str, expected: &str) {
        let result = arithmetic.compute(current.as_bytes(), operand.as_bytes());
        let text = match &result {
            Ok(text) => text.as_deref().unwrap_or(current),
            Err(cause) => {
                assert_eq!(*cause, Cause::NumberOverflow);
                OVERFLOW
            }
        };
        assert_eq!(text, expected, "{arithmetic:?} of {current} and {operand}");
    }

    #[test]
    fn integers_are_added_and_multiplied_exactly_within_128_bits() {
        let max = i128::MAX.to_string();
        for (one, other, sum, product) in [
            ("1", "2", "3", "2"),
            ("-1", "1", "0", "-1"),
            ("-0", "0", "0", "0"),
            ("9007199254740993", "1", "9007199254740994", "9007199254740993"),
            ("18446744073709551615", "1", "18446744073709551616", "18446744073709551615"),
            ("18446744073709551616", "3", "18446744073709551619", "55340232221128654848"),
            (&max, "0", &max, "0"),
            (&max, "2", OVERFLOW, OVERFLOW),
            ("999999999999999999999999999999999999999", "0", OVERFLOW, OVERFLOW),
        ] {
            check(Arithmetic::Increase, one, other, sum);
            check(Arithmetic::Increase, other, one, sum);
            check(Arithmetic::Multiply, one, other, product);
            check(Arithmetic::Multiply, other, one, product);
        }
    }

    #[test]
    fn with_a_fraction_or_an_exponent_the_result_is_the_shortest_double() {
        for (one, other, sum, product) in [
            ("1.5", "1", "2.5", "1.5"),
            ("0.1", "0.2", "0.30000000000000004", "0.020000000000000004"),
            ("1.0", "1", "2.0", "1.0"),
            ("1e2", "1", "101.0", "100.0"),
            ("1e300", "1e300", "2e300", OVERFLOW),
            ("1e308", "1.7e308", OVERFLOW, OVERFLOW),
            ("1e400", "0", OVERFLOW, OVERFLOW),
            ("1e-400", "0.0", "0.0", "0.0"),
            ("1e22", "0", "1e22", "0.0"),
        ] {
            check(Arithmetic::Increase, one, other, sum);
            check(Arithmetic::Increase, other, one, sum);
            check(Arithmetic::Multiply, one, other, product);
        }
    }

    #[test]
    fn an_extreme_keeps_its_spelling_and_is_chosen_exactly() {
        for (one, other, smaller, larger) in [
            ("1", "2.50", "1", "2.50"),
            ("1.0", "1", "1.0", "1.0"),
            ("9007199254740993", "9007199254740992.0", "9007199254740992.0", "9007199254740993"),
            ("1e400", "-1E400", "-1E400", "1e400"),
        ] {
            check(Arithmetic::Minimum, one, other, smaller);
            check(Arithmetic::Maximum, one, other, larger);
        }
    }

    #[test]
    fn what_is_absent_counts_from_nothing() {
        let of_absent = |arithmetic: Arithmetic, operand: &str| arithmetic.of_absent(operand.as_bytes()).unwrap();
        assert_eq!(of_absent(Arithmetic::Increase, "1.50"), "1.50");
        assert_eq!(of_absent(Arithmetic::Multiply, "7"), "0");
        assert_eq!(of_absent(Arithmetic::Multiply, "7.5"), "0.0");
        assert_eq!(of_absent(Arithmetic::Minimum, "1E+2"), "1E+2");
        assert_eq!(of_absent(Arithmetic::Maximum, "-3"), "-3");
        // What could not be counted on is refused at once.
        assert_eq!(Arithmetic::Increase.of_absent(b"1e400"), Err(Cause::NumberOverflow));
    }
}
