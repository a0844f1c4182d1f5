//! `Prefer: return=…` (RFC 7240): how much of itself a write sends back.
//!
//! A preference is a wish: one that we do not know, or that cannot be read, is passed over and never an error.

use super::message::{Headers, Response, Value};

/// What a client wants to get back from a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// It says nothing: what the document is called now.
    Receipt,
    /// `return=minimal`: no body.
    Minimal,
    /// `return=representation`: the document.
    Representation,
}

impl Returned {
    /// What the fields called `Prefer` ask for. Of a preference that is given twice the first counts (RFC 7240 §2).
    pub fn read(headers: &dyn Headers) -> Returned {
        let mut found = None;
        if headers.may_hold("Prefer") {
            headers.each("Prefer", &mut |value| found = found.or_else(|| in_field(value)));
        }
        match found {
            Some(Returned::Minimal) => Returned::Minimal,
            Some(Returned::Representation) => Returned::Representation,
            Some(Returned::Receipt) | None => Returned::Receipt,
        }
    }

    /// Says in `response` that the wish was granted, where there was one.
    pub fn announce(self, response: &mut Response) {
        let applied = match self {
            Returned::Receipt => return,
            Returned::Minimal => "return=minimal",
            Returned::Representation => "return=representation",
        };
        response.push("Preference-Applied", Value::Static(applied));
    }
}

/// The first `return` in one field's value, `Receipt` for one whose value means nothing to us.
fn in_field(value: &str) -> Option<Returned> {
    value.split(',').find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        if !name.trim_matches([' ', '\t']).eq_ignore_ascii_case("return") {
            return None;
        }
        Some(match value.trim_matches([' ', '\t', '"']) {
            "minimal" => Returned::Minimal,
            "representation" => Returned::Representation,
            _ => Returned::Receipt,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fields(Vec<&'static str>);

    impl Headers for Fields {
        fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
            assert_eq!(name, "Prefer");
            self.0.iter().for_each(|value| each(value));
        }
    }

    #[test]
    fn the_first_wish_counts_and_strange_ones_are_passed_over() {
        for (fields, expected) in [
            (vec![], Returned::Receipt),
            (vec!["return=minimal"], Returned::Minimal),
            (vec!["respond-async, wait=100; x=1 , Return = \"representation\" ; a=b"], Returned::Representation),
            (vec!["wait=10", "return=minimal"], Returned::Minimal),
            (vec!["return=representation", "return=minimal"], Returned::Representation),
            (vec!["return=headers-only, return=minimal"], Returned::Receipt),
            (vec!["return", "minimal", "=", ",,;"], Returned::Receipt),
        ] {
            assert_eq!(Returned::read(&Fields(fields.clone())), expected, "{fields:?}");
        }
    }
}
