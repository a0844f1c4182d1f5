//! Conditional requests: `If-Match` and `If-None-Match` as RFC 9110 §13.1 has them.
//!
//! Our tags are strong and hold a version. A tag that is weak, or that no version of ours can equal, matches nothing
//! under the strong comparison of If-Match; under the weak one of If-None-Match its text decides.

use crate::model::{Condition, Lsn, Rest, Tags};

use super::message::Headers;
use super::problem::{Kind, Problem};

/// Which comparison of RFC 9110 §8.8.3.2 a field uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// The answer to a write without a condition, where the collection has it that each carries one.
pub fn required(rest: Rest) -> Problem {
    Problem::new(Kind::ConditionRequired, "in this collection a write must carry a condition, and this one has none")
        .hint("send If-Match with the ETag that you have read, or If-None-Match: * to create")
        .resting_on(rest)
}

/// The conditions that a request carries.
///
/// # Errors
/// `condition_invalid` when a field is not a list of entity tags: guessing would turn a guarded write into a blind one.
#[inline]
pub fn read(headers: &dyn Headers) -> Result<Condition, Problem> {
    // Most requests carry none.
    if headers.may_hold("If-") { read_given(headers) } else { Ok(Condition::default()) }
}

fn read_given(headers: &dyn Headers) -> Result<Condition, Problem> {
    Ok(Condition {
        if_match: read_field(headers, "If-Match", Comparison::Strong)?,
        if_none_match: read_field(headers, "If-None-Match", Comparison::Weak)?,
    })
}

fn read_field(headers: &dyn Headers, name: &'static str, comparison: Comparison) -> Result<Option<Tags>, Problem> {
    let mut result: Result<Option<Tags>, ()> = Ok(None);
    headers.each(name, &mut |value| {
        result = match (std::mem::replace(&mut result, Err(())), parse(value, comparison)) {
            (Ok(None), Some(tags)) => Ok(Some(tags)),
            // Several fields are one list; `*` stands alone.
            (Ok(Some(Tags::Listed(mut before))), Some(Tags::Listed(more))) => {
                before.extend(more);
                Ok(Some(Tags::Listed(before)))
            }
            _ => Err(()),
        };
    });
    result.map_err(|()| {
        Problem::new(Kind::ConditionInvalid, format!("{name} is neither * nor a list of entity tags in quotes"))
            .hint(format!("write the ETag as it was sent, quotes included: {name}: \"42\""))
    })
}

/// What `text` would say as the value of If-Match; `None` when it is no such value.
pub fn if_match(text: &str) -> Option<Tags> {
    parse(text, Comparison::Strong)
}

/// What `text` would say as the value of If-None-Match; `None` when it is no such value.
pub fn if_none_match(text: &str) -> Option<Tags> {
    parse(text, Comparison::Weak)
}

/// `*`, or `entity-tag *( OWS "," OWS entity-tag )`; empty elements are allowed (RFC 9110 §5.6.1.2).
fn parse(value: &str, comparison: Comparison) -> Option<Tags> {
    let mut rest = value.trim_matches([' ', '\t']);
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut listed = Vec::new();
    let mut count = 0;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return (count > 0).then_some(Tags::Listed(listed));
        }
        let (is_weak, opened) = rest.strip_prefix("W/").map_or((false, rest), |opened| (true, opened));
        let (tag, behind) = opened.strip_prefix('"')?.split_once('"')?;
        let is_tag_byte = |byte: u8| byte == b'!' || (b'#'..=b'~').contains(&byte) || byte >= 0x80;
        if !tag.bytes().all(is_tag_byte) {
            return None;
        }
        count += 1;
        if !is_weak || comparison == Comparison::Weak {
            listed.extend(version(tag));
        }
        rest = behind.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

/// The version whose tag is spelled exactly like this, if there can be one.
fn version(tag: &str) -> Option<Lsn> {
    let is_canonical = tag.bytes().all(|byte| byte.is_ascii_digit()) && !tag.starts_with('0');
    is_canonical.then(|| tag.parse().ok().map(Lsn)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fields(Vec<(&'static str, &'static str)>);

    impl Headers for Fields {
        fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
            self.0.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name)).for_each(|(_, value)| each(value));
        }
    }

    fn if_match(values: &[&'static str]) -> Result<Option<Tags>, Kind> {
        let fields = Fields(values.iter().map(|value| ("if-match", *value)).collect());
        read(&fields).map(|condition| condition.if_match).map_err(|problem| problem.kind())
    }

    fn listed(versions: &[u64]) -> Result<Option<Tags>, Kind> {
        Ok(Some(Tags::Listed(versions.iter().copied().map(Lsn).collect())))
    }

    #[test]
    fn lists_are_read_as_rfc_9110_has_them() {
        assert_eq!(if_match(&[]), Ok(None));
        assert_eq!(if_match(&["*"]), Ok(Some(Tags::Any)));
        assert_eq!(if_match(&["\"7\""]), listed(&[7]));
        assert_eq!(if_match(&[" \"7\" , \"8\",, \"9\""]), listed(&[7, 8, 9]));
        assert_eq!(if_match(&["\"7\"", "\"8\""]), listed(&[7, 8]));
        assert_eq!(if_match(&["\"\", \"abc\", \"007\", \"99999999999999999999\", \"a,b\", \"5\""]), listed(&[5]));
    }

    #[test]
    fn weak_tags_count_only_in_the_weak_comparison() {
        assert_eq!(if_match(&["W/\"7\", \"8\""]), listed(&[8]));
        let fields = Fields(vec![("If-None-Match", "W/\"7\", \"8\"")]);
        assert_eq!(Ok(read(&fields).unwrap().if_none_match), listed(&[7, 8]));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for value in ["", "7", "\"7", "\"7\" \"8\"", "*, \"7\"", "w/\"7\"", "\"a b\"", "'7'", ","] {
            assert_eq!(if_match(&[value]), Err(Kind::ConditionInvalid), "{value}");
        }
        assert_eq!(if_match(&["*", "\"7\""]), Err(Kind::ConditionInvalid));
        assert_eq!(if_match(&["*", "*"]), Err(Kind::ConditionInvalid));
    }
}
