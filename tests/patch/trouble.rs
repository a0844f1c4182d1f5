//! Patches that would be too much: too large, too deep, too many, too costly.

use memory_tools::base::limits::{JSON_DEPTH_MAX, PATCH_OPERATIONS_MAX};
use memory_tools::patch::{self, Cause, Fault, Kind};

use super::apply;

fn within(bytes_max: usize, kind: Kind, document: &str, patch: &str) -> Result<String, Fault> {
    let result = patch::apply(kind, document.as_bytes(), patch.as_bytes(), bytes_max)?;
    Ok(String::from_utf8(result).unwrap())
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn a_result_may_have_exactly_as_many_bytes_as_are_accepted() {
    for (kind, document, patch, result) in [
        (Kind::Merge, "{\"a\":1}", "{\"b\":22}", "{\"a\":1,\"b\":22}"),
        (Kind::JsonPatch, "[1,2]", r#"[{"op":"add","path":"/-","value":333}]"#, "[1,2,333]"),
        (Kind::Operations, "99", r#"[{"op":"inc","path":"","value":1}]"#, "100"),
        // Room is made first.
        (Kind::JsonPatch, "[10,20]", r#"[{"op":"remove","path":"/0"},{"op":"add","path":"/0","value":30}]"#, "[30,20]"),
    ] {
        assert_eq!(within(result.len(), kind, document, patch).as_deref(), Ok(result));
        let bytes_max = result.len() - 1;
        assert_eq!(within(bytes_max, kind, document, patch).unwrap_err().cause, Cause::TooLarge { bytes_max });
    }
}

#[test]
fn a_document_over_the_limit_can_be_made_smaller_but_not_stay() {
    let document = "{\"a\":11111,\"b\":2}";
    assert_eq!(within(10, Kind::Merge, document, "{\"a\":null}").as_deref(), Ok("{\"b\":2}"));
    assert_eq!(within(10, Kind::Merge, document, "{\"c\":null}").unwrap_err().cause, Cause::TooLarge { bytes_max: 10 });
}

/// Forty copies of the whole into itself would be 7 TB.
#[test]
fn copies_that_double_a_document_end_at_the_limit() {
    let bytes_max = 100_000;
    let copies: Vec<String> = (0..40).map(|n| format!(r#"{{"op":"copy","from":"","path":"/m{n}"}}"#)).collect();
    let patch = format!("[{}]", copies.join(","));
    let fault = within(bytes_max, Kind::JsonPatch, "{\"a\":1}", &patch).unwrap_err();
    assert_eq!((fault.cause, fault.operation), (Cause::TooLarge { bytes_max }, Some(12)));
}

/// A document of the size of the limit is opened and copied again and again, each time to where the last copy was.
#[test]
fn what_is_made_on_the_way_is_bounded() {
    let document = format!("{{\"a\":{{\"x\":\"{}\"}}}}", "y".repeat(40_000));
    let step = r#"{"op":"replace","path":"/a/n","value":1},{"op":"copy","from":"/a","path":"/b"}"#;
    let steps = vec![step; 200].join(",");
    let patch = format!(r#"[{{"op":"add","path":"/a/n","value":0}},{steps}]"#);
    let fault = within(100_000, Kind::JsonPatch, &document, &patch).unwrap_err();
    assert!(matches!(fault.cause, Cause::TooCostly { .. }), "{fault}");
}

#[test]
fn operations_are_accepted_to_their_number_and_not_beyond() {
    let patch = |count: usize| format!("[{}]", vec![r#"{"op":"inc","path":"","value":1}"#; count].join(","));
    assert_eq!(apply(Kind::Operations, "0", &patch(PATCH_OPERATIONS_MAX)), Ok(PATCH_OPERATIONS_MAX.to_string()));
    let cause = Cause::TooManyOperations { operations_max: PATCH_OPERATIONS_MAX };
    assert_eq!(apply(Kind::Operations, "0", &patch(PATCH_OPERATIONS_MAX + 1)).unwrap_err().cause, cause);
}

#[test]
fn a_result_may_be_as_deep_as_a_document_and_not_deeper() {
    let too_deep = Cause::TooDeep { depth_max: JSON_DEPTH_MAX };
    let most = JSON_DEPTH_MAX;
    let deepest = "/0".repeat(most - 1);
    for (kind, document, operations, result) in [
        // Into the innermost of three arrays.
        (Kind::JsonPatch, nested(3), format!(r#"{{"op":"add","path":"/0/0/0","value":{}}}"#, nested(most - 3)), None),
        (
            Kind::JsonPatch,
            nested(3),
            format!(r#"{{"op":"add","path":"/0/0/0","value":{}}}"#, nested(most - 2)),
            Some(too_deep),
        ),
        (
            Kind::JsonPatch,
            nested(4),
            format!(r#"{{"op":"replace","path":"/0/0/0","value":{}}}"#, nested(most - 2)),
            Some(too_deep),
        ),
        (Kind::JsonPatch, nested(most), format!(r#"{{"op":"add","path":"{deepest}/0","value":1}}"#), None),
        (Kind::JsonPatch, nested(most), format!(r#"{{"op":"add","path":"{deepest}/0","value":[]}}"#), Some(too_deep)),
        (Kind::Operations, nested(most), format!(r#"{{"op":"append","path":"{deepest}","value":[]}}"#), Some(too_deep)),
        (Kind::Operations, nested(most), format!(r#"{{"op":"append","path":"{deepest}","value":1}}"#), None),
        // Copied and moved.
        (Kind::JsonPatch, nested(most), r#"{"op":"copy","from":"/0","path":"/-"}"#.to_owned(), None),
        (Kind::JsonPatch, nested(most), r#"{"op":"copy","from":"","path":"/0"}"#.to_owned(), Some(too_deep)),
        (
            Kind::JsonPatch,
            format!("[[[]],{}]", nested(most - 1)),
            r#"{"op":"move","from":"/1","path":"/0/0/-"}"#.to_owned(),
            Some(too_deep),
        ),
        // An open value is measured with its runs and its entries.
        (
            Kind::JsonPatch,
            format!("[[{},1]]", nested(most - 3)),
            r#"{"op":"replace","path":"/0/1","value":2},{"op":"copy","from":"","path":"/-"}"#.to_owned(),
            None,
        ),
        (
            Kind::JsonPatch,
            format!("[[{},1]]", nested(most - 2)),
            r#"{"op":"replace","path":"/0/1","value":2},{"op":"copy","from":"/0","path":"/0/-"}"#.to_owned(),
            Some(too_deep),
        ),
    ] {
        let seen = apply(kind, &document, &format!("[{operations}]"));
        assert_eq!(seen.as_ref().err().map(|fault| fault.cause), result, "{operations}");
    }
}

/// What reads as JSON but was never checked, or was cut off.
#[test]
fn unchecked_texts_are_patched_without_a_panic() {
    let texts =
        ["", " ", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":[", "[1", "[,", "{,", "\"", "{\"a\":1}]", "[{\"op\":", "-"];
    let patches =
        [r#"[{"op":"add","path":"/a","value":1}]"#, r#"[{"op":"remove","path":"/a"}]"#, r#"{"a":{"b":null}}"#];
    for kind in [Kind::Merge, Kind::JsonPatch, Kind::Operations] {
        for document in texts.iter().chain(&patches) {
            for patch in texts.iter().chain(&patches) {
                let _ = within(100, kind, document, patch);
            }
        }
    }
}

/// Deep and wide texts are read once a level: by a comparison, by a walk along a pointer, by a merge.
#[test]
fn work_that_multiplies_depth_and_size_is_bounded() {
    let (depth, filling) = (JSON_DEPTH_MAX - 2, "x".repeat(2 << 20));
    let deep = |last: &str| format!("{}\"{filling}{last}\"{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let document = deep("");
    let path = "/a".repeat(depth);
    for (kind, patch) in [
        (Kind::JsonPatch, format!(r#"[{{"op":"test","path":"","value":{}}}]"#, deep("!"))),
        (Kind::JsonPatch, format!(r#"[{{"op":"remove","path":"{path}"}}]"#)),
        (Kind::Merge, deep("!")),
    ] {
        let fault = within(8 << 20, kind, &document, &patch).unwrap_err();
        assert!(matches!(fault.cause, Cause::TooCostly { .. }), "{fault}");
    }
}
