//! Whether two texts stand for the same value: numbers by what they are worth, strings by their code points, objects
//! without regard to the order of their members.
//!
//! Invariant: no recursion, and memory only for the objects of the second text that are being compared.

use std::cmp::Ordering;

use crate::base::json::code_points;

use super::decimal;
use super::entries::Entries;
use super::names::Names;
use super::scan::Brackets;

/// Two arrays or objects that are half compared.
enum Half<'a> {
    Arrays(Entries<'a>, Entries<'a>),
    /// The values that stand under the same names.
    Members(std::vec::IntoIter<(&'a [u8], &'a [u8])>),
}

/// What one step of a comparison found out.
enum Step<'a> {
    Same,
    Different,
    Inside(Half<'a>),
}

/// Whether `one` and `other`, each without white space around it, are the same value. Both must have passed
/// `base::json::check`. Reads both once for each level of nesting that they share.
pub(super) fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut open = Vec::new();
    let mut step = if one == other { Step::Same } else { compare(one, other) };
    loop {
        match step {
            Step::Different => return false,
            Step::Inside(half) => open.push(half),
            Step::Same => {}
        }
        let Some(half) = open.last_mut() else { return true };
        step = match half.next() {
            Next::Pair(one, other) => compare(one, other),
            Next::Uneven => Step::Different,
            Next::End => {
                open.pop();
                Step::Same
            }
        };
    }
}

/// What comes next in two halves.
enum Next<'a> {
    Pair(&'a [u8], &'a [u8]),
    /// One of them has nothing more.
    Uneven,
    End,
}

impl<'a> Half<'a> {
    fn next(&mut self) -> Next<'a> {
        let pair = match self {
            Half::Members(pairs) => return pairs.next().map_or(Next::End, |(one, other)| Next::Pair(one, other)),
            Half::Arrays(one, other) => (element(one), element(other)),
        };
        match pair {
            (Some(one), Some(other)) => Next::Pair(one, other),
            (None, None) => Next::End,
            _ => Next::Uneven,
        }
    }
}

fn element<'a>(entries: &mut Entries<'a>) -> Option<&'a [u8]> {
    let entry = entries.next()?;
    entries.text().get(entry.value)
}

fn compare<'a>(one: &'a [u8], other: &'a [u8]) -> Step<'a> {
    let is_same = match (one.first(), other.first()) {
        (Some(b'{'), Some(b'{')) => return members(one, other).map_or(Step::Different, Step::Inside),
        (Some(b'['), Some(b'[')) => {
            let arrays = Entries::of_value(one).zip(Entries::of_value(other));
            return arrays.map_or(Step::Different, |(one, other)| Step::Inside(Half::Arrays(one, other)));
        }
        (Some(b'"'), Some(b'"')) => code_points(one) == code_points(other),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => decimal::compare(one, other) == Ordering::Equal,
        _ => one == other,
    };
    if is_same { Step::Same } else { Step::Different }
}

/// The values under the same names in two objects; `None` when one has a name that the other has not.
fn members<'a>(one: &'a [u8], other: &'a [u8]) -> Option<Half<'a>> {
    let names = Names::of(other)?;
    let mut values: Vec<Option<&[u8]>> = vec![None; names.len()];
    let entries = Entries::of_run(super::entries::inside(one), Brackets::Object);
    let inner = entries.text();
    for entry in entries {
        // The last one of a name stays.
        *values.get_mut(names.position(inner.get(entry.name)?)?)? = inner.get(entry.value);
    }
    let pairs: Option<Vec<_>> =
        values.into_iter().zip(names.iter()).map(|(one, named)| Some((one?, named.value))).collect();
    Some(Half::Members(pairs?.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, expected: bool) {
        assert_eq!(equal(one.as_bytes(), other.as_bytes()), expected, "{one} and {other}");
        assert_eq!(equal(other.as_bytes(), one.as_bytes()), expected, "{other} and {one}");
    }

    #[test]
    fn spelling_order_and_white_space_make_no_difference() {
        for (one, other) in [
            ("1", "1.0e0"),
            ("\"a/\\u00e9\"", "\"\\u0061\\/é\""),
            ("\"\\ud800\"", "\"\\uD800\""),
            ("[ ]", "[]"),
            ("{ }", "{}"),
            ("{\"a\":1,\"b\":[2,{\"c\":null}]}", "{ \"b\" : [2.0, {\"\\u0063\":null}], \"a\" : 1 }"),
            ("{\"a\":1,\"a\":2}", "{\"a\":2}"),
            ("[[],[[]],{}]", "[ [] , [ [] ] , { } ]"),
        ] {
            check(one, other, true);
        }
    }

    #[test]
    fn what_is_not_the_same_is_told_apart() {
        for (one, other) in [
            ("1", "\"1\""),
            ("1", "2"),
            ("9007199254740992", "9007199254740993"),
            ("1e400", "1e401"),
            ("0", "false"),
            ("null", "false"),
            ("null", "{}"),
            ("[]", "{}"),
            ("[1]", "[1,2]"),
            ("[1,2]", "[2,1]"),
            ("[[1],2]", "[[1,2]]"),
            ("{\"a\":1}", "{\"a\":1,\"b\":2}"),
            ("{\"a\":1}", "{\"b\":1}"),
            ("{\"a\":1}", "{\"A\":1}"),
            ("{\"a\":null}", "{}"),
            ("{\"a\":{\"b\":[1,{\"c\":2}]}}", "{\"a\":{\"b\":[1,{\"c\":3}]}}"),
            ("{\"a\":1,\"a\":2}", "{\"a\":1}"),
            ("\"\\ud800\"", "\"\u{fffd}\""),
        ] {
            check(one, other, false);
        }
    }

    #[test]
    fn the_deepest_values_are_compared_without_recursion() {
        let nested = |inner: &str| format!("{}{inner}{}", "[{\"a\":".repeat(500), "}]".repeat(500));
        check(&nested("1"), &nested("1.0"), true);
        check(&nested("1"), &nested("2"), false);
    }
}
