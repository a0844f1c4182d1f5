//! The query of the resource API: every parameter is known to its route, given once unless it is a list, and decoded once.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::base::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};

use super::problem::{Kind, Problem};
use super::routes::{Form, Parameter};
use super::target::{Plus, decode_or_problem, pairs};

/// Names further away than this from every known one are no typing mistakes.
const TYPING_DISTANCE_MAX: usize = 3;

/// The decoded parameters of a request.
#[derive(Debug)]
pub struct Query<'a> {
    // Room for one: most requests have none, and it is moved with every one of them.
    given: SmallVec<[(&'static str, Cow<'a, str>); 1]>,
}

impl<'a> Query<'a> {
    /// Reads `query`, whose parameters must be among `known`.
    ///
    /// # Errors
    /// `parameter_unknown` with the nearest known name, `parameters_conflict` for one given twice, or what is wrong
    /// with an escape.
    #[inline]
    pub fn read(query: &'a str, known: &'static [Parameter]) -> Result<Query<'a>, Problem> {
        // Most requests have none.
        if query.is_empty() { Ok(Query { given: SmallVec::new() }) } else { Query::read_given(query, known) }
    }

    fn read_given(query: &'a str, known: &'static [Parameter]) -> Result<Query<'a>, Problem> {
        let mut given: SmallVec<[(&'static str, Cow<'a, str>); 1]> = SmallVec::new();
        for (name, value) in pairs(query) {
            let name = decode_or_problem(name, Plus::Space, "the name of a query parameter")?;
            let Some(Parameter { name, form, .. }) = known.iter().find(|known| known.name == name) else {
                return Err(unknown(&name, known));
            };
            let is_list = matches!(form, Form::Collections);
            if !is_list && given.iter().any(|(before, _)| before == name) {
                return Err(Problem::new(Kind::ParametersConflict, format!("the parameter {name} is given twice")));
            }
            given.push((name, decode_or_problem(value, Plus::Space, format_args!("the parameter {name}"))?));
        }
        Ok(Query { given })
    }

    /// True when none is given, as for most requests.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// The value of `name`, if it is given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_ref())
    }

    /// The values of `name`, which may be given several times, in their order.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value.as_ref())
    }

    /// The flag `name`: on when given without a value, or as `true` or `1`; off when absent, or as `false` or `0`.
    ///
    /// # Errors
    /// `parameter_invalid` for any other value.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.value(name) {
            Some("" | "true" | "1") => Ok(true),
            None | Some("false" | "0") => Ok(false),
            Some(other) => {
                Err(Problem::new(Kind::ParameterInvalid, format!("{name}={other} is neither true nor false")))
            }
        }
    }
}

impl Query<'_> {
    /// The parameter `limit`: how many items of a listing are wanted at once.
    ///
    /// # Errors
    /// `parameter_invalid` for anything but 1 to `PAGE_ITEMS_MAX`.
    pub fn page_limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.value("limit") else { return Ok(PAGE_ITEMS_DEFAULT) };
        let limit = text.parse().ok().filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit));
        limit.ok_or_else(|| {
            Problem::new(Kind::ParameterInvalid, format!("limit={text} is not among 1 to {PAGE_ITEMS_MAX}"))
                .size("limit", PAGE_ITEMS_MAX)
        })
    }
}

fn unknown(name: &str, known: &[Parameter]) -> Problem {
    let known: Vec<&str> = known.iter().map(|known| known.name).collect();
    Problem::new(Kind::ParameterUnknown, format!("there is no parameter {name:?} here")).hint(meant(name, &known))
}

/// The hint for `name`, which is none of those that are `known`.
pub fn meant(name: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (strsim::levenshtein(name, known), *known)).min();
    match nearest {
        // Of a short name that has little left, it is another word.
        Some((distance, nearest)) if distance <= TYPING_DISTANCE_MAX.min(name.len().max(nearest.len()) / 2) => {
            format!("did you mean {nearest}?")
        }
        _ if known.is_empty() => "this resource takes none".to_owned(),
        _ => format!("known are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn parameter(name: &'static str) -> Parameter {
        Parameter { name, about: "", form: Form::Flag, is_required: false }
    }

    const KNOWN: &[Parameter] = &[parameter("ttl"), parameter("key")];

    fn read(query: &str) -> Result<Vec<(&'static str, String)>, Problem> {
        let query = Query::read(query, KNOWN)?;
        Ok(query.given.iter().map(|(name, value)| (*name, value.to_string())).collect())
    }

    #[test]
    fn parameters_are_decoded_once() {
        assert_eq!(read("key=a+b%2Bc&ttl=5").unwrap(), [("key", "a b+c".to_owned()), ("ttl", "5".to_owned())]);
        assert_eq!(read("%6Bey=x").unwrap(), [("key", "x".to_owned())]);
    }

    #[test]
    fn an_unknown_parameter_names_the_nearest() {
        assert_eq!(read("tll=5").unwrap_err(), unknown("tll", KNOWN));
        assert!(format!("{:?}", read("tll=5").unwrap_err()).contains("did you mean ttl?"));
        assert_eq!(read("something=5").unwrap_err().kind(), Kind::ParameterUnknown);
    }

    #[test]
    fn a_name_that_has_little_in_common_with_any_is_no_typing_error() {
        assert_eq!(meant("lmt", &["limit", "ptr"]), "did you mean limit?");
        assert_eq!(meant("prefx", &["prefix", "ptr"]), "did you mean prefix?");
        assert_eq!(meant("ttll", &["key", "ptr"]), "known are: key, ptr");
        assert_eq!(meant("x", &["to"]), "known are: to");
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert_eq!(read("key=a&key=a").unwrap_err().kind(), Kind::ParametersConflict);
    }

    #[test]
    fn flags_are_on_off_or_wrong() {
        for (query, verdict) in [
            ("ttl", Some(true)),
            ("ttl=1", Some(true)),
            ("ttl=false", Some(false)),
            ("", Some(false)),
            ("ttl=yes", None),
        ] {
            assert_eq!(Query::read(query, KNOWN).unwrap().flag("ttl").ok(), verdict, "{query}");
        }
    }
}
