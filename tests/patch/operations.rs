//! The operations dialect: what it has beside RFC 6902.

use memory_tools::patch::{Cause, Kind};

use super::apply;

/// Document, operations without the brackets around them, result to the byte.
const APPLIED: &[(&str, &str, &str)] = &[
    // The six of the RFC are there.
    (r#"{"a":1}"#, r#"{"op":"test","path":"/a","value":1},{"op":"add","path":"/b","value":2}"#, r#"{"a":1,"b":2}"#),
    // Numbers.
    (r#"{"n":1}"#, r#"{"op":"inc","path":"/n","value":1}"#, r#"{"n":2}"#),
    (r#"{ "n" : 1 , "x":1.0}"#, r#"{"op":"inc","path":"/n","value":-3}"#, r#"{ "n" : -2 , "x":1.0}"#),
    ("41", r#"{"op":"inc","path":"","value":1}"#, "42"),
    ("[1,[2]]", r#"{"op":"inc","path":"/1/0","value":0.5}"#, "[1,[2.5]]"),
    (r#"{"n":9007199254740993}"#, r#"{"op":"inc","path":"/n","value":1}"#, r#"{"n":9007199254740994}"#),
    (r#"{"n":18446744073709551615}"#, r#"{"op":"inc","path":"/n","value":1}"#, r#"{"n":18446744073709551616}"#),
    (r#"{"n":6}"#, r#"{"op":"mul","path":"/n","value":7}"#, r#"{"n":42}"#),
    (r#"{"n":6}"#, r#"{"op":"mul","path":"/n","value":0.5}"#, r#"{"n":3.0}"#),
    (r#"{"n":6.50}"#, r#"{"op":"min","path":"/n","value":7}"#, r#"{"n":6.50}"#),
    (r#"{"n":6.50}"#, r#"{"op":"min","path":"/n","value":1E-1}"#, r#"{"n":1E-1}"#),
    (r#"{"n":1e400}"#, r#"{"op":"max","path":"/n","value":1}"#, r#"{"n":1e400}"#),
    (r#"{"n":1}"#, r#"{"op":"max","path":"/n","value":1.0}"#, r#"{"n":1}"#),
    // Absent members.
    ("{}", r#"{"op":"inc","path":"/n","value":5}"#, r#"{"n":5}"#),
    (r#"{"a":{"b":1}}"#, r#"{"op":"inc","path":"/a/n","value":-2.50}"#, r#"{"a":{"b":1,"n":-2.50}}"#),
    ("{}", r#"{"op":"mul","path":"/n","value":5}"#, r#"{"n":0}"#),
    ("{}", r#"{"op":"min","path":"/n","value":5},{"op":"max","path":"/m","value":6}"#, r#"{"n":5,"m":6}"#),
    ("{}", r#"{"op":"inc","path":"/n","value":1},{"op":"inc","path":"/n","value":1}"#, r#"{"n":2}"#),
    // Of two members of one name the last is computed with.
    (r#"{"n":1,"n":10}"#, r#"{"op":"inc","path":"/n","value":1}"#, r#"{"n":1,"n":11}"#),
    // Arrays.
    (r#"{"l":[1, 2 ]}"#, r#"{"op":"append","path":"/l","value":{"x":[ ]}}"#, r#"{"l":[1, 2,{"x":[ ]} ]}"#),
    (r#"{"l":[1, 2 ]}"#, r#"{"op":"prepend","path":"/l","value":null}"#, r#"{"l":[null,1, 2 ]}"#),
    ("[]", r#"{"op":"append","path":"","value":1},{"op":"prepend","path":"","value":0}"#, "[0,1]"),
    ("{}", r#"{"op":"append","path":"/l","value":1},{"op":"append","path":"/l","value":2}"#, r#"{"l":[1,2]}"#),
    ("{}", r#"{"op":"prepend","path":"/l","value":1},{"op":"prepend","path":"/l","value":2}"#, r#"{"l":[2,1]}"#),
    (r#"{"a":[[]]}"#, r#"{"op":"append","path":"/a/0","value":[1]}"#, r#"{"a":[[[1]]]}"#),
];

const NUMBER: Cause = Cause::WrongType { expected: "a number" };
const ARRAY: Cause = Cause::WrongType { expected: "an array" };

/// Document, operation, why it fails, and its pointer.
const REFUSED: &[(&str, &str, Cause, &str)] = &[
    (r#"{"n":"1"}"#, r#"{"op":"inc","path":"/n","value":1}"#, NUMBER, "/n"),
    (r#"{"n":null}"#, r#"{"op":"inc","path":"/n","value":1}"#, NUMBER, "/n"),
    (r#"{"n":[1]}"#, r#"{"op":"mul","path":"/n","value":1}"#, NUMBER, "/n"),
    ("{}", r#"{"op":"max","path":"","value":1}"#, NUMBER, ""),
    ("{}", r#"{"op":"inc","path":"/a/n","value":1}"#, Cause::PathAbsent, "/a/n"),
    ("[]", r#"{"op":"inc","path":"/0","value":1}"#, Cause::PathAbsent, "/0"),
    ("[1]", r#"{"op":"inc","path":"/-","value":1}"#, Cause::PathAbsent, "/-"),
    (r#"{"a":1}"#, r#"{"op":"inc","path":"/a/n","value":1}"#, Cause::PathAbsent, "/a/n"),
    (r#"{"n":1e400}"#, r#"{"op":"inc","path":"/n","value":1}"#, Cause::NumberOverflow, "/n"),
    (r#"{"n":1e308}"#, r#"{"op":"mul","path":"/n","value":10.0}"#, Cause::NumberOverflow, "/n"),
    (
        r#"{"n":170141183460469231731687303715884105727}"#,
        r#"{"op":"inc","path":"/n","value":1}"#,
        Cause::NumberOverflow,
        "/n",
    ),
    ("{}", r#"{"op":"inc","path":"/n","value":1e999}"#, Cause::NumberOverflow, "/n"),
    (r#"{"l":{}}"#, r#"{"op":"append","path":"/l","value":1}"#, ARRAY, "/l"),
    (r#"{"l":1}"#, r#"{"op":"prepend","path":"/l","value":1}"#, ARRAY, "/l"),
    ("{}", r#"{"op":"append","path":"/a/l","value":1}"#, Cause::PathAbsent, "/a/l"),
    ("[]", r#"{"op":"append","path":"/0","value":1}"#, Cause::PathAbsent, "/0"),
];

#[test]
fn operations_do_what_they_say_and_nothing_else() {
    for (document, operations, result) in APPLIED {
        let seen = apply(Kind::Operations, document, &format!("[{operations}]"));
        assert_eq!(seen.as_deref(), Ok(*result), "{operations} on {document}");
    }
}

#[test]
fn what_cannot_be_computed_is_refused_with_its_reason() {
    for (document, operation, cause, pointer) in REFUSED {
        let fault = apply(Kind::Operations, document, &format!("[{operation}]")).unwrap_err();
        assert_eq!((fault.cause, fault.pointer.as_deref()), (*cause, Some(*pointer)), "{operation} on {document}");
    }
}

#[test]
fn what_is_computed_with_must_be_a_number() {
    for (operation, words) in [
        (r#"{"op":"inc","path":"/n"}"#, "\"value\" is missing"),
        (r#"{"op":"inc","path":"/n","value":"1"}"#, "\"value\" is not a number"),
        (r#"{"op":"max","path":"/n","value":null}"#, "\"value\" is not a number"),
        (r#"{"op":"append","path":"/n"}"#, "\"value\" is missing"),
        (r#"{"op":"push","path":"/n","value":1}"#, "append, prepend"),
    ] {
        let fault = apply(Kind::Operations, "{}", &format!("[{operation}]")).unwrap_err();
        assert!(fault.to_string().contains(words), "{operation}: {fault}");
    }
}
