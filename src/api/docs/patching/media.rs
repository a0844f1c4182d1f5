//! The media types of patches.

use crate::patch::Kind as Dialect;

use super::super::super::message::Headers;

/// JSON merge patch, RFC 7396.
pub(super) const MERGE: &str = "application/merge-patch+json";

/// JSON Patch, RFC 6902.
const STANDARD: &str = "application/json-patch+json";

/// JSON Patch with further operations.
const EXTENDED: &str = "application/vnd.memory-tools.ops+json";

/// Merge patch, JSON Patch, and JSON Patch with further operations.
pub const PATCH_TYPES: [&str; 3] = [MERGE, STANDARD, EXTENDED];

/// All of them, for an `Accept-Patch` field (RFC 5789 §3.1).
pub const ACCEPT_PATCH: &str =
    "application/merge-patch+json, application/json-patch+json, application/vnd.memory-tools.ops+json";

/// What the patch is written in; parameters of the type, such as a charset, say nothing about JSON.
///
/// # Errors
/// The type that was sent, which is none of these; empty when there is none.
pub(super) fn dialect(headers: &dyn Headers) -> Result<Dialect, String> {
    let mut given: Option<String> = None;
    headers.each("Content-Type", &mut |value| match &mut given {
        None => given = Some(value.to_owned()),
        // Two fields are a list, and a list is no type.
        Some(before) => before.extend([", ", value]),
    });
    let given = given.unwrap_or_default();
    dialect_of(&given).ok_or_else(|| essence(&given).to_owned())
}

/// What a patch of the media type `given` is written in; `None` when it is none of these.
pub fn dialect_of(given: &str) -> Option<Dialect> {
    let [merge, standard, extended] = PATCH_TYPES.map(|known| essence(given).eq_ignore_ascii_case(known));
    match (merge, standard, extended) {
        (true, ..) => Some(Dialect::Merge),
        (_, true, _) => Some(Dialect::JsonPatch),
        (.., true) => Some(Dialect::Operations),
        _ => None,
    }
}

/// A media type without its parameters.
fn essence(given: &str) -> &str {
    given.split(';').next().unwrap_or_default().trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Types(&'static [&'static str]);

    impl Headers for Types {
        fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
            assert_eq!(name, "Content-Type");
            self.0.iter().for_each(|value| each(value));
        }
    }

    #[test]
    fn a_type_is_read_without_its_parameters_and_its_case() {
        for (fields, expected) in [
            (&["application/merge-patch+json"][..], Ok(Dialect::Merge)),
            (&["Application/JSON-Patch+JSON ; charset=utf-8"], Ok(Dialect::JsonPatch)),
            (&["application/vnd.memory-tools.ops+json;v=1;w=2"], Ok(Dialect::Operations)),
            (&["application/json"], Err("application/json")),
            (&["application/merge-patch+json, x/y"], Err("application/merge-patch+json, x/y")),
            (&["x/y", "application/merge-patch+json"], Err("x/y, application/merge-patch+json")),
            (&["; charset=utf-8"], Err("")),
            (&[], Err("")),
        ] {
            assert_eq!(dialect(&Types(fields)), expected.map_err(str::to_owned), "{fields:?}");
        }
    }

    #[test]
    fn the_types_that_are_named_are_those_that_are_read() {
        assert_eq!(PATCH_TYPES.join(", "), ACCEPT_PATCH);
    }
}
