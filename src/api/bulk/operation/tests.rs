//! Lines that are operations, and lines that are none.

use super::*;

const LIMIT: Limit = Limit { document_bytes_max: 10, around_bytes_max: 100, option: Some("document_bytes_max") };

fn read_text(line: &str) -> Result<Operation<'_>, Unfit<'_>> {
    read(line.as_bytes(), LIMIT, || UnixMillis(1000))
}

#[test]
fn an_operation_is_read_as_written() {
    let operation = read_text(r#"{"op":"put","key":"a\u002fb","value": [1.0] ,"ttl":"2s","if_match":7}"#).unwrap();
    assert_eq!(operation.key, "a/b");
    assert_eq!(operation.condition.if_match, Some(Tags::Listed(vec![Lsn(7)])));
    let Action::Put { value, expiry } = operation.action else { panic!("{:?}", operation.action) };
    assert_eq!((value, expiry), (&b"[1.0]"[..], Expiry::Set(Deadline::at(UnixMillis(3000)))));
}

#[test]
fn a_name_is_the_same_however_it_is_spelled_and_of_two_the_last_counts() {
    let operation = read_text(r#"{"\u006fp":"put","ke\u0079":"a","key":"b","value":1,"valu\u0065":2}"#).unwrap();
    assert_eq!(operation.key, "b");
    assert!(matches!(operation.action, Action::Put { value: b"2", .. }), "{:?}", operation.action);
    for (name, detail) in [
        (r#""o\u0070s""#, r#"an operation has no member "ops""#),
        (r#""\"op\"""#, r#"an operation has no member "\"op\"""#),
        (r#""op\ud800""#, "the name of a member is no text"),
    ] {
        let line = format!(r#"{{"op":"delete","key":"k",{name}:1,"another":2}}"#);
        let problem = read_text(&line).unwrap_err().problem;
        assert!(problem.detail().starts_with(detail), "{}", problem.detail());
    }
}

#[test]
fn a_patch_is_a_merge_patch_unless_its_type_says_otherwise_and_keeps_the_deadline_unless_told_another() {
    let keep = Expiry::Keep;
    for (members, dialect, patch, expiry) in [
        (r#""patch":null"#, Dialect::Merge, "null", keep),
        (r#""patch":{"a":1},"type":null"#, Dialect::Merge, r#"{"a":1}"#, keep),
        (r#""patch":[],"type":"application/json-patch+json","keep_ttl":true"#, Dialect::JsonPatch, "[]", keep),
        (
            r#""type":"application\/vnd.memory-tools.ops+json; v=1","patch":[],"ttl":1"#,
            Dialect::Operations,
            "[]",
            Expiry::Set(Deadline::at(UnixMillis(2000))),
        ),
    ] {
        let line = format!(r#"{{"op":"patch","key":"k",{members}}}"#);
        let Action::Patch { dialect: found, patch: text, expiry: deadline } = read_text(&line).unwrap().action else {
            panic!("{line}")
        };
        assert_eq!((found, text, deadline), (dialect, patch.as_bytes(), expiry), "{line}");
    }
}

#[test]
fn nothing_is_copied_of_a_plain_line() {
    let operation = read_text(r#"{"key":"é","value":null,"op":"put"}"#).unwrap();
    assert!(matches!(operation.key, Cow::Borrowed("é")));
    assert!(matches!(operation.action, Action::Put { value: b"null", expiry: Expiry::Default }));
}

#[test]
fn conditions_and_deadlines_are_those_of_the_fields_and_of_the_query() {
    let condition = |text: &str| {
        let line = format!(r#"{{"op":"delete","key":"k",{text}}}"#);
        read_text(&line).map(|operation| operation.condition).map_err(|unfit| unfit.problem.kind())
    };
    let listed = |versions: &[u64]| Some(Tags::Listed(versions.iter().copied().map(Lsn).collect()));
    assert_eq!(condition(r#""if_none_match":"*""#).unwrap().if_none_match, Some(Tags::Any));
    assert_eq!(condition(r#""if_match":"\"3\", \"4\"""#).unwrap().if_match, listed(&[3, 4]));
    assert!(condition(r#""if_match":null"#).unwrap().is_none());
    for wrong in [r#""if_match":"3""#, r#""if_match":1.5"#, r#""if_match":-1"#] {
        assert_eq!(condition(wrong), Err(Kind::ConditionInvalid), "{wrong}");
    }
    for (text, deadline) in [
        (r#""ttl":1.5"#, Deadline::at(UnixMillis(2500))),
        (r#""ttl":"never""#, Deadline::NEVER),
        (r#""expires_at":5000"#, Deadline::at(UnixMillis(5000))),
        (r#""expires_at":"1970-01-01T00:00:09Z""#, Deadline::at(UnixMillis(9000))),
    ] {
        let line = format!(r#"{{"op":"ttl","key":"k",{text}}}"#);
        let operation = read_text(&line).unwrap();
        assert!(matches!(operation.action, Action::SetDeadline(found) if found == deadline), "{text}");
    }
}

#[test]
fn what_is_no_operation_is_told_from_one_that_cannot_be_carried_out() {
    for (line, kind, is_malformed) in [
        ("{\"op\":\"put\"", Kind::JsonInvalid, true),
        ("[]", Kind::OperationInvalid, true),
        (r#"{"op":"put","value":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"put","key":7,"value":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"put","key":"\ud800","value":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"put","key":"k"}"#, Kind::OperationInvalid, true),
        (r#"{"op":"drop","key":"k"}"#, Kind::OperationInvalid, true),
        (r#"{"key":"k","value":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"delete","key":"k","value":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"ttl","key":"k"}"#, Kind::OperationInvalid, true),
        (r#"{"op":"put","key":"k","value":1,"keep_ttl":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"put","key":"k","value":1,"tll":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"put","key":"k","value":1,"patch":null}"#, Kind::OperationInvalid, true),
        (r#"{"op":"delete","key":"k","type":"x"}"#, Kind::OperationInvalid, true),
        (r#"{"op":"patch","key":"k","value":1}"#, Kind::OperationInvalid, true),
        (r#"{"op":"patch","key":"k"}"#, Kind::OperationInvalid, true),
        (r#"{"op":"patch","key":"k","patch":1,"type":"application/json"}"#, Kind::PatchTypeUnsupported, false),
        (r#"{"op":"patch","key":"k","patch":1,"type":7}"#, Kind::PatchTypeUnsupported, false),
        (r#"{"op":"patch","key":"k","patch":"0123456789"}"#, Kind::DocumentTooLarge, false),
        (r#"{"op":"put","key":"","value":1}"#, Kind::KeyEmpty, false),
        (r#"{"op":"put","key":"\u0000","value":1}"#, Kind::KeyInvalid, false),
        (r#"{"op":"put","key":"k","value":"0123456789"}"#, Kind::DocumentTooLarge, false),
        (r#"{"op":"put","key":"k","value":1,"ttl":"soon"}"#, Kind::ParameterInvalid, false),
        (r#"{"op":"put","key":"k","value":1,"ttl":1,"keep_ttl":true}"#, Kind::ParametersConflict, false),
    ] {
        let unfit = read_text(line).unwrap_err();
        assert_eq!((unfit.problem.kind(), unfit.is_malformed()), (kind, is_malformed), "{line}");
    }
}
