//! JSON Patch, RFC 6902: the examples of its appendix and the ideas of the published test suite, as cases of our own.

use memory_tools::patch::{Cause, Kind};

use super::apply;

/// Document, operations without the brackets around them, result to the byte.
type Case = (&'static str, &'static str, &'static str);

/// Document, operations, the number of the one that fails, its pointer.
type Failure = (&'static str, &'static str, usize, &'static str);

const APPLIED: &[Case] = &[
    // Nothing to do.
    ("{}", "", "{}"),
    ("[]", "", "[]"),
    (r#"{"a":1}"#, "", r#"{"a":1}"#),
    (" 7 ", "", "7"),
    // Members are added, and put over what is there.
    (r#"{"a":1}"#, r#"{"op":"add","path":"/b","value":"x"}"#, r#"{"a":1,"b":"x"}"#),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/a","value":"x"}"#, r#"{"a":"x"}"#),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/b","value":null}"#, r#"{"a":1,"b":null}"#),
    (r#"{"a":null}"#, r#"{"op":"add","path":"/a","value":1}"#, r#"{"a":1}"#),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/b","value":[ {"x" : 1} ]}"#, r#"{"a":1,"b":[ {"x" : 1} ]}"#),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/","value":2}"#, r#"{"a":1,"":2}"#),
    (r#"{"a":{}}"#, r#"{"op":"add","path":"/a/","value":2}"#, r#"{"a":{"":2}}"#),
    (r#"{"a":{"b":1}}"#, r#"{"op":"add","path":"/a/c","value":2}"#, r#"{"a":{"b":1,"c":2}}"#),
    ("{}", r#"{"op":"add","path":"/0","value":"x"}"#, r#"{"0":"x"}"#),
    ("{}", r#"{"op":"add","path":"/-","value":"x"}"#, r#"{"-":"x"}"#),
    ("{ }", r#"{"op":"add","path":"/a","value":true}"#, r#"{"a":true}"#),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/q\"\\\n","value":2}"#, r#"{"a":1,"q\"\\\n":2}"#),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/caf\u00e9","value":2}"#, r#"{"a":1,"café":2}"#),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/x~1y~0z","value":2}"#, r#"{"a":1,"x/y~z":2}"#),
    // Elements.
    ("[]", r#"{"op":"add","path":"/0","value":1}"#, "[1]"),
    ("[]", r#"{"op":"add","path":"/-","value":1}"#, "[1]"),
    ("[1]", r#"{"op":"add","path":"/0","value":0}"#, "[0,1]"),
    ("[1]", r#"{"op":"add","path":"/1","value":2}"#, "[1,2]"),
    ("[1]", r#"{"op":"add","path":"/-","value":[2, 3]}"#, "[1,[2, 3]]"),
    ("[ 1 , 3 ]", r#"{"op":"add","path":"/1","value":2}"#, "[ 1 ,2, 3 ]"),
    (r#"{"a":["x","z"]}"#, r#"{"op":"add","path":"/a/1","value":"y"}"#, r#"{"a":["x","y","z"]}"#),
    ("[[1],[2]]", r#"{"op":"add","path":"/0/-","value":9}"#, "[[1,9],[2]]"),
    ("[0,1,2,3,4,5,6,7,8,9,10]", r#"{"op":"add","path":"/10","value":"x"}"#, "[0,1,2,3,4,5,6,7,8,9,\"x\",10]"),
    (
        "[1]",
        r#"{"op":"add","path":"/0","value":2},{"op":"add","path":"/0","value":3},{"op":"add","path":"/3","value":4}"#,
        "[3,2,1,4]",
    ),
    // The whole.
    (r#"{"a":1}"#, r#"{"op":"add","path":"","value":[1]}"#, "[1]"),
    (r#"{"a":1}"#, r#"{"op":"replace","path":"","value":{ "b" : 2 }}"#, r#"{ "b" : 2 }"#),
    ("7", r#"{"op":"add","path":"","value":null}"#, "null"),
    (r#"{"a":1}"#, r#"{"op":"add","path":"","value":{}},{"op":"add","path":"/b","value":2}"#, r#"{"b":2}"#),
    // Removed.
    (r#"{"a":1,"b":2}"#, r#"{"op":"remove","path":"/a"}"#, r#"{"b":2}"#),
    (r#"{"a":1,"b":2}"#, r#"{"op":"remove","path":"/b"}"#, r#"{"a":1}"#),
    (r#"{ "a" : 1 }"#, r#"{"op":"remove","path":"/a"}"#, "{}"),
    (r#"{"a":1,"b":2,"c":3}"#, r#"{"op":"remove","path":"/b"}"#, r#"{"a":1,"c":3}"#),
    (r#"{"a":null}"#, r#"{"op":"remove","path":"/a"}"#, "{}"),
    (r#"{"a":[1,2,3]}"#, r#"{"op":"remove","path":"/a/1"}"#, r#"{"a":[1,3]}"#),
    ("[1,2,3,4]", r#"{"op":"remove","path":"/1"},{"op":"remove","path":"/2"}"#, "[1,3]"),
    ("[ 1 ]", r#"{"op":"remove","path":"/0"}"#, "[]"),
    (r#"{"a":{"b":[{"c":1,"d":2}]}}"#, r#"{"op":"remove","path":"/a/b/0/c"}"#, r#"{"a":{"b":[{"d":2}]}}"#),
    (r#"{"":1,"a":2}"#, r#"{"op":"remove","path":"/"}"#, r#"{"a":2}"#),
    // Replaced.
    (r#"{"a":1,"b":[2]}"#, r#"{"op":"replace","path":"/b","value":"x"}"#, r#"{"a":1,"b":"x"}"#),
    (r#"{"a":1,"b":[2, 3]}"#, r#"{"op":"replace","path":"/b/1","value":4.0}"#, r#"{"a":1,"b":[2, 4.0]}"#),
    (r#"{"a":null}"#, r#"{"op":"replace","path":"/a","value":1e2}"#, r#"{"a":1e2}"#),
    (r#"["a"]"#, r#"{"op":"replace","path":"/0","value":[]}"#, "[[]]"),
    (r#"[{"a":1}]"#, r#"{"op":"replace","path":"/0/a","value":null}"#, r#"[{"a":null}]"#),
    (
        r#"{"a":1}"#,
        r#"{"op":"replace","path":"/a","value":{}},{"op":"add","path":"/a/b","value":1},{"op":"add","path":"/a/c","value":2}"#,
        r#"{"a":{"b":1,"c":2}}"#,
    ),
    // Moved.
    (r#"{"a":1,"b":2}"#, r#"{"op":"move","from":"/a","path":"/c"}"#, r#"{"b":2,"c":1}"#),
    (r#"{"a":1,"b":2}"#, r#"{"op":"move","from":"/a","path":"/b"}"#, r#"{"b":1}"#),
    (r#"{"a":1}"#, r#"{"op":"move","from":"/a","path":"/a"}"#, r#"{"a":1}"#),
    ("[1]", r#"{"op":"move","from":"","path":""}"#, "[1]"),
    (r#"{"a":{"b":{"c":1}}}"#, r#"{"op":"move","from":"/a/b","path":"/a"}"#, r#"{"a":{"c":1}}"#),
    (r#"{"a":{"b":1}}"#, r#"{"op":"move","from":"/a/b","path":""}"#, "1"),
    (r#"{"a":{"x":[1.0]},"b":{}}"#, r#"{"op":"move","from":"/a/x","path":"/b/y"}"#, r#"{"a":{},"b":{"y":[1.0]}}"#),
    ("[0,1,2,3]", r#"{"op":"move","from":"/1","path":"/3"}"#, "[0,2,3,1]"),
    ("[0,1,2,3]", r#"{"op":"move","from":"/3","path":"/0"}"#, "[3,0,1,2]"),
    ("[0,1,2,3]", r#"{"op":"move","from":"/0","path":"/-"}"#, "[1,2,3,0]"),
    (r#"{"a":[1],"ab":[]}"#, r#"{"op":"move","from":"/a","path":"/ab/0"}"#, r#"{"ab":[[1]]}"#),
    (r#"{"a":[1,2]}"#, r#"{"op":"move","from":"/a/0","path":"/b"}"#, r#"{"a":[2],"b":1}"#),
    // Copied.
    (r#"{"a":[1, 2]}"#, r#"{"op":"copy","from":"/a","path":"/b"}"#, r#"{"a":[1, 2],"b":[1, 2]}"#),
    (r#"{"a":1,"b":2}"#, r#"{"op":"copy","from":"/a","path":"/b"}"#, r#"{"a":1,"b":1}"#),
    ("[0,1]", r#"{"op":"copy","from":"/1","path":"/0"}"#, "[1,0,1]"),
    (r#"{"a":{"b":1}}"#, r#"{"op":"copy","from":"/a","path":"/a/c"}"#, r#"{"a":{"b":1,"c":{"b":1}}}"#),
    (r#"{"a":1}"#, r#"{"op":"copy","from":"","path":"/b"}"#, r#"{"a":1,"b":{"a":1}}"#),
    (r#"{"a":null}"#, r#"{"op":"copy","from":"/a","path":"/b"}"#, r#"{"a":null,"b":null}"#),
    (r#"{"a":{"b":1}}"#, r#"{"op":"copy","from":"/a","path":""}"#, r#"{"b":1}"#),
    // A copy is of its own.
    (
        r#"{"a":{"x":1}}"#,
        r#"{"op":"copy","from":"/a","path":"/b"},{"op":"replace","path":"/b/x","value":2}"#,
        r#"{"a":{"x":1},"b":{"x":2}}"#,
    ),
    (
        r#"{"a":{"x":1}}"#,
        r#"{"op":"copy","from":"/a","path":"/b"},{"op":"replace","path":"/a/x","value":2}"#,
        r#"{"a":{"x":2},"b":{"x":1}}"#,
    ),
    (
        r#"{"a":{"x":1}}"#,
        r#"{"op":"add","path":"/a/y","value":2},{"op":"copy","from":"/a","path":"/b"},{"op":"remove","path":"/a/x"},{"op":"add","path":"/b/z","value":3}"#,
        r#"{"a":{"y":2},"b":{"x":1,"y":2,"z":3}}"#,
    ),
    (
        r#"{"a":{"x":1}}"#,
        r#"{"op":"add","path":"/a/y","value":2},{"op":"copy","from":"","path":"/b"},{"op":"copy","from":"/b","path":"/b/a/c"}"#,
        r#"{"a":{"x":1,"y":2},"b":{"a":{"x":1,"y":2,"c":{"a":{"x":1,"y":2}}}}}"#,
    ),
    // Tested.
    (
        r#"{"a":"x","b":["y",2]}"#,
        r#"{"op":"test","path":"/a","value":"x"},{"op":"test","path":"/b/1","value":2.0}"#,
        r#"{"a":"x","b":["y",2]}"#,
    ),
    (
        r#"{"a":{"x":1,"y":[1e0]}}"#,
        r#"{"op":"test","path":"/a","value":{"y":[1],"x":1.0}}"#,
        r#"{"a":{"x":1,"y":[1e0]}}"#,
    ),
    (r#"{"a":null}"#, r#"{"op":"test","path":"/a","value":null}"#, r#"{"a":null}"#),
    (r#"{"a":"\u00e9"}"#, r#"{"op":"test","path":"/a","value":"é"}"#, r#"{"a":"\u00e9"}"#),
    (
        r#"{"a":9007199254740993}"#,
        r#"{"op":"test","path":"/a","value":9007199254740993.0}"#,
        r#"{"a":9007199254740993}"#,
    ),
    (
        r#"{"~1":1,"/":2}"#,
        r#"{"op":"test","path":"/~01","value":1},{"op":"test","path":"/~1","value":2}"#,
        r#"{"~1":1,"/":2}"#,
    ),
    ("{}", r#"{"op":"test","path":"","value":{ }}"#, "{}"),
    (
        r#"{"a":[]}"#,
        r#"{"op":"add","path":"/a/-","value":1},{"op":"test","path":"","value":{"a":[1]}},{"op":"add","path":"/a/-","value":2}"#,
        r#"{"a":[1,2]}"#,
    ),
    (r#"{"":1}"#, r#"{"op":"test","path":"/","value":1}"#, r#"{"":1}"#),
    // Unknown members are ignored; of two of one name the last counts.
    (r#"{"a":1}"#, r#"{"op":"add","path":"/b","value":2,"note":{"why":[1]}}"#, r#"{"a":1,"b":2}"#),
    (r#"{"a":1}"#, r#"{"op":"remove","path":"/a","value":2,"from":7}"#, "{}"),
    (r#"{"a":1}"#, r#"{"op":"remove","path":"/x","op":"add","path":"/b","value":1,"value":2}"#, r#"{"a":1,"b":2}"#),
    (r#"{"a":1}"#, r#"{"\u006fp":"\u0061dd","path":"/\u0062","value":2}"#, r#"{"a":1,"b":2}"#),
    (
        r#"{"a":1,"b":2,"a":3}"#,
        r#"{"op":"test","path":"/a","value":3},{"op":"replace","path":"/a","value":4}"#,
        r#"{"a":1,"b":2,"a":4}"#,
    ),
    (r#"{"a":1,"b":2,"a":3}"#, r#"{"op":"remove","path":"/a"}"#, r#"{"b":2}"#),
    (r#"{"a":1,"b":2,"a":3}"#, r#"{"op":"test","path":"/a","value":3},{"op":"remove","path":"/a"}"#, r#"{"b":2}"#),
    (r#"{"a":1,"b":2,"a":3}"#, r#"{"op":"move","from":"/a","path":"/c"}"#, r#"{"b":2,"c":3}"#),
    // What is not touched keeps its bytes.
    (
        "{\n  \"n\": 1.00,\n  \"big\": 12345678901234567890,\n  \"l\": [ 1e400, \"\\u00e9\" ],\n  \"x\": 0\n}",
        r#"{"op":"replace","path":"/x","value":1},{"op":"add","path":"/l/1","value":2}"#,
        "{\n  \"n\": 1.00,\n  \"big\": 12345678901234567890,\n  \"l\": [ 1e400,2, \"\\u00e9\" ],\n  \"x\": 1\n}",
    ),
];

const ABSENT: &[Failure] = &[
    (r#"{"a":1}"#, r#"{"op":"add","path":"/b/c","value":1}"#, 0, "/b/c"),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/a/c","value":1}"#, 0, "/a/c"),
    (r#"{"a":"text"}"#, r#"{"op":"add","path":"/a/0","value":1}"#, 0, "/a/0"),
    ("7", r#"{"op":"add","path":"/a","value":1}"#, 0, "/a"),
    ("[1]", r#"{"op":"add","path":"/2","value":1}"#, 0, "/2"),
    ("[1]", r#"{"op":"add","path":"/a","value":1}"#, 0, "/a"),
    ("[1]", r#"{"op":"add","path":"/-1","value":1}"#, 0, "/-1"),
    ("[1]", r#"{"op":"add","path":"/00","value":1}"#, 0, "/00"),
    ("[1]", r#"{"op":"add","path":"/01","value":1}"#, 0, "/01"),
    ("[1]", r#"{"op":"add","path":"/1e0","value":1}"#, 0, "/1e0"),
    ("[1]", r#"{"op":"add","path":"/","value":1}"#, 0, "/"),
    ("[[]]", r#"{"op":"add","path":"/-/0","value":1}"#, 0, "/-/0"),
    ("[1]", r#"{"op":"add","path":"/99999999999999999999","value":1}"#, 0, "/99999999999999999999"),
    (r#"{"a":1}"#, r#"{"op":"remove","path":"/b"}"#, 0, "/b"),
    (r#"{"a":1}"#, r#"{"op":"remove","path":"/A"}"#, 0, "/A"),
    (r#"{"a":1}"#, r#"{"op":"remove","path":"/a/b"}"#, 0, "/a/b"),
    ("[1]", r#"{"op":"remove","path":"/1"}"#, 0, "/1"),
    ("[1]", r#"{"op":"remove","path":"/-"}"#, 0, "/-"),
    ("[1]", r#"{"op":"remove","path":"/1e0"}"#, 0, "/1e0"),
    ("[]", r#"{"op":"remove","path":"/0"}"#, 0, "/0"),
    (r#"{"a":1}"#, r#"{"op":"replace","path":"/b","value":1}"#, 0, "/b"),
    ("[1]", r#"{"op":"replace","path":"/1","value":1}"#, 0, "/1"),
    ("[1]", r#"{"op":"replace","path":"/-","value":1}"#, 0, "/-"),
    ("[1]", r#"{"op":"replace","path":"/00","value":1}"#, 0, "/00"),
    (r#"{"a":1}"#, r#"{"op":"move","from":"/b","path":"/c"}"#, 0, "/b"),
    (r#"{"a":1}"#, r#"{"op":"move","from":"/b","path":"/b"}"#, 0, "/b"),
    (r#"{"a":1}"#, r#"{"op":"move","from":"/a","path":"/b/c"}"#, 0, "/b/c"),
    ("[0,1,2]", r#"{"op":"move","from":"/0","path":"/3"}"#, 0, "/3"),
    (r#"{"a":1}"#, r#"{"op":"copy","from":"/b","path":"/c"}"#, 0, "/b"),
    (r#"{"a":1}"#, r#"{"op":"copy","from":"/a","path":"/b/c"}"#, 0, "/b/c"),
    ("[1]", r#"{"op":"copy","from":"/-","path":"/0"}"#, 0, "/-"),
    (r#"{"a":1}"#, r#"{"op":"test","path":"/b","value":null}"#, 0, "/b"),
    ("[1]", r#"{"op":"test","path":"/1","value":1}"#, 0, "/1"),
    ("[1]", r#"{"op":"test","path":"/00","value":1}"#, 0, "/00"),
    (r#"{"a":1}"#, r#"{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}"#, 1, "/a"),
    (r#"{"a":{"b":1},"a":2}"#, r#"{"op":"remove","path":"/a/b"}"#, 0, "/a/b"),
];

const NOT_EQUAL: &[Failure] = &[
    (r#"{"a":1}"#, r#"{"op":"test","path":"/a","value":"1"}"#, 0, "/a"),
    (r#"{"a":1}"#, r#"{"op":"test","path":"/a","value":2}"#, 0, "/a"),
    (r#"{"a":9007199254740992}"#, r#"{"op":"test","path":"/a","value":9007199254740993}"#, 0, "/a"),
    (r#"{"a":null}"#, r#"{"op":"test","path":"/a","value":false}"#, 0, "/a"),
    (r#"{"a":[1,2]}"#, r#"{"op":"test","path":"/a","value":[2,1]}"#, 0, "/a"),
    (r#"{"a":{"b":1}}"#, r#"{"op":"test","path":"/a","value":{}}"#, 0, "/a"),
    (r#"{"a":"é"}"#, r#"{"op":"test","path":"/a","value":"e\u0301"}"#, 0, "/a"),
    (r#"{"a":1}"#, r#"{"op":"replace","path":"/a","value":2},{"op":"test","path":"/a","value":1}"#, 1, "/a"),
    (r#"{"a":1}"#, r#"{"op":"add","path":"/b","value":2},{"op":"test","path":"","value":{"a":1}}"#, 1, ""),
];

/// Patches that are none, whatever the document is: operations, the number of the one that is wrong, words of why.
const MALFORMED: &[(&str, usize, &str)] = &[
    ("7", 0, "not an object"),
    ("[]", 0, "not an object"),
    ("{}", 0, "\"op\" is missing"),
    (r#"{"path":"/a"}"#, 0, "\"op\" is missing"),
    (r#"{"op":7,"path":"/a"}"#, 0, "\"op\" is not a string"),
    (r#"{"op":"spam","path":"/a"}"#, 0, "\"op\" is none of"),
    (r#"{"op":"ADD","path":"/a","value":1}"#, 0, "\"op\" is none of"),
    (r#"{"op":"inc","path":"/a","value":1}"#, 0, "\"op\" is none of"),
    (r#"{"op":"remove"}"#, 0, "\"path\" is missing"),
    (r#"{"op":"remove","path":null}"#, 0, "strings"),
    (r#"{"op":"remove","path":"/\ud800"}"#, 0, "half surrogates"),
    (r#"{"op":"remove","path":"a"}"#, 0, "begins with '/'"),
    (r#"{"op":"remove","path":"/a~2"}"#, 0, "'~' at byte 2"),
    (r#"{"op":"remove","path":""}"#, 0, "delete it"),
    (r#"{"op":"add","path":"/a"}"#, 0, "\"value\" is missing"),
    (r#"{"op":"replace","path":"/a"}"#, 0, "\"value\" is missing"),
    (r#"{"op":"test","path":"/a"}"#, 0, "\"value\" is missing"),
    (r#"{"op":"move","path":"/b"}"#, 0, "\"from\" is missing"),
    (r#"{"op":"copy","path":"/b"}"#, 0, "\"from\" is missing"),
    (r#"{"op":"copy","from":"a","path":"/b"}"#, 0, "begins with '/'"),
    (r#"{"op":"move","from":"/a","path":"/a/b"}"#, 0, "into itself"),
    (r#"{"op":"move","from":"","path":"/a"}"#, 0, "into itself"),
    (r#"{"op":"remove","path":"/nowhere"},{"op":"spam","path":"/a"}"#, 1, "\"op\" is none of"),
];

fn standard(document: &str, operations: &str) -> Result<String, memory_tools::patch::Fault> {
    apply(Kind::JsonPatch, document, &format!(" [{operations}] "))
}

fn check_failures(failures: &[Failure], cause: Cause) {
    for (document, operations, operation, pointer) in failures {
        let fault = standard(document, operations).unwrap_err();
        let seen = (fault.cause, fault.operation, fault.pointer.as_deref());
        assert_eq!(seen, (cause, Some(*operation), Some(*pointer)), "{operations} on {document}");
    }
}

#[test]
fn operations_do_what_the_rfc_says_and_nothing_else() {
    for (document, operations, result) in APPLIED {
        assert_eq!(standard(document, operations).as_deref(), Ok(*result), "{operations} on {document}");
    }
}

#[test]
fn what_is_not_there_fails_by_operation_and_pointer() {
    check_failures(ABSENT, Cause::PathAbsent);
}

#[test]
fn a_test_that_does_not_hold_fails_by_operation_and_pointer() {
    check_failures(NOT_EQUAL, Cause::TestFailed);
}

#[test]
fn what_is_no_patch_is_refused_whatever_the_document_is() {
    for (operations, operation, words) in MALFORMED {
        let fault = standard("{\"a\":1}", operations).unwrap_err();
        assert_eq!((fault.operation, fault.pointer.as_ref()), (Some(*operation), None), "{operations}");
        assert!(fault.to_string().contains(words), "{operations}: {fault}");
    }
    for patch in ["{}", "7", "null", "\"[]\""] {
        let fault = apply(Kind::JsonPatch, "{}", patch).unwrap_err();
        assert_eq!(fault.cause, Cause::Malformed("the patch is not an array of operations"), "{patch}");
    }
}
