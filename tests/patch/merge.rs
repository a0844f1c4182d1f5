//! Merge patches, RFC 7396.

use memory_tools::patch::Kind;

use super::apply;

/// Document, patch, result to the byte.
type Case = (&'static str, &'static str, &'static str);

/// The cases of the RFC's appendix, and its example.
const RFC: &[Case] = &[
    (r#"{"k":"old"}"#, r#"{"k":"new"}"#, r#"{"k":"new"}"#),
    (r#"{"k":"old"}"#, r#"{"l":"new"}"#, r#"{"k":"old","l":"new"}"#),
    (r#"{"k":"old"}"#, r#"{"k":null}"#, r#"{}"#),
    (r#"{"k":"old","l":"stays"}"#, r#"{"k":null}"#, r#"{"l":"stays"}"#),
    (r#"{"k":["list"]}"#, r#"{"k":"text"}"#, r#"{"k":"text"}"#),
    (r#"{"k":"text"}"#, r#"{"k":["list"]}"#, r#"{"k":["list"]}"#),
    (r#"{"k":{"in":"old"}}"#, r#"{"k":{"in":"new","gone":null}}"#, r#"{"k":{"in":"new"}}"#),
    (r#"{"k":[{"in":"old"}]}"#, r#"{"k":[7]}"#, r#"{"k":[7]}"#),
    (r#"["x","y"]"#, r#"["z","w"]"#, r#"["z","w"]"#),
    (r#"{"k":"old"}"#, r#"["z"]"#, r#"["z"]"#),
    (r#"{"k":"old"}"#, "null", "null"),
    (r#"{"k":"old"}"#, "\"text\"", "\"text\""),
    (r#"{"was":null}"#, r#"{"k":7}"#, r#"{"was":null,"k":7}"#),
    ("[1,2]", r#"{"k":"new","gone":null}"#, r#"{"k":"new"}"#),
    ("{}", r#"{"k":{"in":{"deepest":null}}}"#, r#"{"k":{"in":{}}}"#),
    (
        r#"{"title":"Hi","by":{"first":"A","last":"B"},"tags":["x","y"],"text":"long"}"#,
        r#"{"title":"Ho","phone":"+1","by":{"last":null},"tags":["x"]}"#,
        r#"{"title":"Ho","by":{"first":"A"},"tags":["x"],"text":"long","phone":"+1"}"#,
    ),
];

/// What a patch does not touch is there to the byte.
const KEPT: &[Case] = &[
    (
        r#"{"n":1.0,"big":12345678901234567890123,"e":1E+400,"s":"\u00e9\/","x":0}"#,
        r#"{"x":1}"#,
        r#"{"n":1.0,"big":12345678901234567890123,"e":1E+400,"s":"\u00e9\/","x":1}"#,
    ),
    (
        "{\n  \"a\": 1,\n  \"b\": [ 1, 2 ],\n  \"c\": 3\n}",
        r#"{"a":7}"#,
        "{\n  \"a\": 7,\n  \"b\": [ 1, 2 ],\n  \"c\": 3\n}",
    ),
    ("{\n  \"a\": 1,\n  \"b\": 2\n}", r#"{"c":3}"#, "{\n  \"a\": 1,\n  \"b\": 2,\"c\":3\n}"),
    ("{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}", r#"{"b":null}"#, "{\n  \"a\": 1,\n  \"c\": 3\n}"),
    ("{ \"a\" : 1 , \"b\" : 2 }", r#"{"a":null}"#, "{ \"b\" : 2 }"),
    ("{ \"a\" : 1 , \"b\" : 2 }", r#"{"b":null}"#, "{ \"a\" : 1  }"),
    ("{ \"a\" : 1 , \"b\" : 2 }", r#"{"a":null,"b":null}"#, "{}"),
    ("{ \"a\" : 1 , \"b\" : 2 }", "{}", "{ \"a\" : 1 , \"b\" : 2 }"),
    ("{ \"a\" : 1 , \"b\" : 2 }", r#"{"c":null}"#, "{ \"a\" : 1 , \"b\" : 2 }"),
    ("{ \"a\" : { } }", r#"{"a":{"x":null}}"#, "{ \"a\" : { } }"),
    ("{ \"a\" : { } }", r#"{"a":{"x":1}}"#, "{ \"a\" : {\"x\":1} }"),
    // The patch's own spelling of a value, and of a name that is new.
    (r#"{"a":1}"#, r#" { "\u0061" : 2.50 } "#, r#"{"a":2.50}"#),
    (r#"{"\u0061":1}"#, r#"{"a":[ 1 ]}"#, r#"{"\u0061":[ 1 ]}"#),
    (r#"{}"#, r#"{ "caf\u00e9" : { "x" : 1 } }"#, r#"{"caf\u00e9":{ "x" : 1 }}"#),
    // Only where a null is left out must an object be written anew.
    (r#"{}"#, r#"{"a":{ "b" : 1 , "c" : null , "d":{"e" : [null] }}}"#, r#"{"a":{"b":1,"d":{"e":[null]}}}"#),
    (r#"{}"#, r#"{"a":[{"x":null}, null]}"#, r#"{"a":[{"x":null}, null]}"#),
    (r#"{}"#, r#"{"a":{"b":"null"}}"#, r#"{"a":{"b":"null"}}"#),
    ("7", r#"{"b":1,"a":2}"#, r#"{"b":1,"a":2}"#),
    ("7", r#"{"b":1,"x":null,"a":2}"#, r#"{"b":1,"a":2}"#),
    (" [1] ", " \"x\" ", "\"x\""),
];

/// Of two members of one name the last counts.
const TWICE: &[Case] = &[
    (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":4}"#, r#"{"a":1,"b":2,"a":4}"#),
    (r#"{"a":1,"b":2,"\u0061":3}"#, r#"{"a":null}"#, r#"{"b":2}"#),
    (r#"{"a":1,"b":2,"a":3,"a":4}"#, r#"{"b":null}"#, r#"{"a":1,"a":3,"a":4}"#),
    (r#"{"a":{"x":1},"a":{"y":2}}"#, r#"{"a":{"x":3}}"#, r#"{"a":{"x":1},"a":{"y":2,"x":3}}"#),
    (r#"{"k":0}"#, r#"{"a":{"x":1},"a":{"y":2}}"#, r#"{"k":0,"a":{"y":2}}"#),
    (r#"{"a":0}"#, r#"{"a":null,"a":2}"#, r#"{"a":2}"#),
    (r#"{"a":0}"#, r#"{"a":2,"a":null}"#, r#"{}"#),
    (r#"{"a":0}"#, r#"{"b":2,"b":null}"#, r#"{"a":0}"#),
    (r#"{"\ud800":1}"#, r#"{"\uD800":2}"#, r#"{"\ud800":2}"#),
    (r#"{"\ud800":1}"#, r#"{"\ud801":2}"#, r#"{"\ud800":1,"\ud801":2}"#),
    (r#"{"":1," ":2}"#, r#"{"":null," ":3}"#, r#"{" ":3}"#),
];

#[test]
fn a_merge_patch_does_what_the_rfc_says_and_nothing_else() {
    for (document, patch, result) in RFC.iter().chain(KEPT).chain(TWICE) {
        assert_eq!(apply(Kind::Merge, document, patch).as_deref(), Ok(*result), "{patch} on {document}");
    }
}

#[test]
fn many_members_are_merged_at_once_and_new_ones_come_in_the_order_of_the_patch() {
    let document: Vec<String> = (0..100).map(|n| format!("\"m{n}\" : {n}.0")).collect();
    let members = (0..150).rev().map(|n| if n % 3 == 0 { format!("\"m{n}\":null") } else { format!("\"m{n}\":-{n}") });
    let patch: Vec<String> = members.collect();
    let changed = (0..100).filter(|n| n % 3 != 0).map(|n| format!("\"m{n}\" : -{n}"));
    let added = (100..150).rev().filter(|n| n % 3 != 0).map(|n| format!("\"m{n}\":-{n}"));
    let result: Vec<String> = changed.chain(added).collect();
    let [document, patch, result] = [document, patch, result].map(|members| format!("{{{}}}", members.join(",")));
    assert_eq!(apply(Kind::Merge, &document, &patch), Ok(result));
}

#[test]
fn a_patch_as_deep_as_a_document_may_be_is_merged() {
    let nested = |depth: usize, inner: &str| format!("{}{inner}{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let result = nested(1023, "{\"x\":1,\"y\":2}");
    assert_eq!(apply(Kind::Merge, &nested(1023, "{\"x\":1}"), &nested(1023, "{\"y\":2}")), Ok(result));
    // The same with a null, into nothing.
    assert_eq!(apply(Kind::Merge, "0", &nested(1023, "{\"y\":null}")), Ok(nested(1023, "{}")));
}
