//! What is taken for tokens, and what is not.

use super::*;

/// The SHA-256 of "abc".
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A token with one further member.
fn with(rest: &str) -> String {
    format!(r#"{{"name": "app", "role": "read", {rest} "sha256": "{ABC}"}}"#)
}

fn fault(text: &str) -> String {
    Tokens::read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_token_is_an_object_in_an_array_or_on_a_line() {
    let other = with("").replace("app", "other").replace("ba78", "0000");
    for text in [
        format!("[{},\n{other}]", with("")),
        format!("{}\n\n  {other}  \r\n", with("")),
        format!(" [ {} , {other} ] ", with("")),
    ] {
        let tokens = Tokens::read(text.as_bytes()).unwrap();
        assert_eq!(tokens.grants().map(|grant| grant.name.as_str()).collect::<Vec<_>>(), ["app", "other"], "{text}");
        assert_eq!(tokens.find(b"abc").map(|grant| grant.name.as_str()), Some("app"));
        assert_eq!((tokens.find(b"abd"), tokens.find(b""), tokens.len()), (None, None, 2));
    }
    for none in ["", " \n ", "[]", " [ ] "] {
        assert!(Tokens::read(none.as_bytes()).unwrap().is_empty(), "{none:?}");
    }
}

#[test]
fn a_reach_is_everything_unless_a_collection_or_a_prefix_says_less() {
    let reach = |rest: &str| Tokens::read(with(rest).as_bytes()).unwrap().grants().next().unwrap().reach.clone();
    let named = |name: &str| Collections::Named(name.to_owned());
    for (rest, collections, prefix) in [
        ("", Collections::All, ""),
        (r#""collection": null,"#, Collections::Main, ""),
        (r#""collection": "c\u0064 é","#, named("cd é"), ""),
        (r#""prefix": "user:", "collection": "c","#, named("c"), "user:"),
        (r#""prefix": "","#, Collections::All, ""),
    ] {
        assert_eq!(reach(rest), Reach { collections, prefix: prefix.to_owned() }, "{rest}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_its_member() {
    let two = |second: &str| format!("[{},\n\n{second}]", with(""));
    let name = "name: expected 1 to 64 of A-Z a-z 0-9 _ . -";
    let shape = "expected an object such as {\"name\": \"app\", \"role\": \"read\", \"sha256\": \"…\"}";
    let json = "; write an array of objects, or one object on each line";
    for (text, expected) in [
        ("{}".to_owned(), "line 1: name: it is missing".to_owned()),
        (format!("\n{}\n7", with("")), format!("line 3: {shape}")),
        (two("{}"), "line 3: name: it is missing".to_owned()),
        (two("7"), format!("line 3: {shape}")),
        (two(&with("")), "line 3: name: another token is called \"app\" already".to_owned()),
        (
            two(&with("").replace("app", "b")),
            "line 3: sha256: it is that of \"app\" already, make another token".to_owned(),
        ),
        (with(r#""rolle": 1,"#), "line 1: unknown member \"rolle\", did you mean \"role\"?".to_owned()),
        (
            with(r#""xyzzy": 1,"#),
            "line 1: unknown member \"xyzzy\", there are name, role, collection, prefix, sha256".to_owned(),
        ),
        (with(r#""role": "read","#), "line 1: role: it stands twice".to_owned()),
        (with("").replace("read", "root"), "line 1: role: expected \"read\", \"write\" or \"admin\"".to_owned()),
        (with("").replace("\"read\"", "7"), "line 1: role: expected a text".to_owned()),
        (with("").replace("app", ""), format!("line 1: {name}")),
        (with("").replace("app", "a b"), format!("line 1: {name}")),
        (with("").replace("app", "a\\n"), format!("line 1: {name}")),
        (with("").replace("app", &"a".repeat(65)), format!("line 1: {name}")),
        (
            with(r#""collection": "a/b","#),
            "line 1: collection: the name of a collection holds neither '/' nor NUL, this one has one at byte 1"
                .to_owned(),
        ),
        (with(r#""collection": false,"#), "line 1: collection: expected a text".to_owned()),
        (with(r#""prefix": null,"#), "line 1: prefix: expected a text".to_owned()),
        (
            with(r#""prefix": "\u0000","#),
            "line 1: prefix: expected what keys begin with, at most 1024 bytes without NUL".to_owned(),
        ),
        (
            with(r#""prefix": "a","#).replace("read", "admin"),
            "line 1: role: an admin reaches everything, take collection and prefix out or give another role".to_owned(),
        ),
        (format!("[\n{},]", with("")), format!("line 2: not JSON: expected a value{json}")),
        (format!("{}\n{{", with("")), format!("line 2: not JSON: unexpected end of the text{json}")),
    ] {
        assert_eq!(fault(&text), expected, "{text}");
    }
}

#[test]
fn a_token_in_the_place_of_its_digest_is_not_repeated() {
    let secret = "mt_5ecre7";
    for text in [
        with("").replace(ABC, secret),
        with("").replace("app", &format!("{secret} ")),
        with("").replace("read", secret),
        with(&format!(r#""collection": "{secret}/","#)),
        with(&format!(r#""token": "{secret}","#)),
        format!("[{}{secret}]", with("")),
        secret.to_owned(),
    ] {
        assert!(!fault(&text).contains("5ecre7"), "{}", fault(&text));
    }
}

#[test]
fn there_are_only_so_many_tokens() {
    let many = |count: usize| {
        let each = |index| with("").replace("app", &format!("t{index}")).replace("ba7816bf", &format!("{index:08x}"));
        (0..count).map(each).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(Tokens::read(many(TOKENS_MAX).as_bytes()).unwrap().len(), TOKENS_MAX);
    assert_eq!(fault(&many(TOKENS_MAX + 1)), "line 257: 257 tokens, there are at most 256");
    let large = " ".repeat(usize::try_from(TOKENS_BYTES_MAX).unwrap() + 1);
    assert_eq!(fault(&large), "line 1: 2097153 bytes, tokens take at most 2097152");
}
