//! JSON pointers, RFC 6901: a path into a document, and the value that it names.
//!
//! A pointer keeps its text; its tokens are parts of it. Where an object has two members of one name, the last is the
//! one that is meant, as everywhere in this server. `find` goes over the document once, whatever the pointer is: it
//! remembers a candidate and goes on, so that a later member of the same name can take its place.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::base::json::{code_points, trim};

use super::scan::{self, Brackets};

/// A pointer that follows the grammar of RFC 6901.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer<'a> {
    /// Empty, or tokens with a slash before each; `~` stands only before `0` and `1`.
    text: Cow<'a, str>,
}

/// Why a text is no pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// It is neither empty nor begins with a slash.
    #[error("a pointer is empty or begins with '/'")]
    NoSlash,
    /// A `~` that stands before neither `0` nor `1`.
    #[error("'~' at byte {offset} of the pointer is followed by neither 0 nor 1")]
    Tilde {
        /// Where the `~` is, in bytes.
        offset: usize,
    },
}

impl<'a> Pointer<'a> {
    /// The pointer that `text` spells.
    ///
    /// # Errors
    /// When it does not follow the grammar.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Pointer<'a>, PointerError> {
        let text = text.into();
        if !text.is_empty() && !text.starts_with('/') {
            return Err(PointerError::NoSlash);
        }
        let bytes = text.as_bytes();
        let is_wrong = |(offset, _): &(usize, &str)| !matches!(bytes.get(offset + 1), Some(b'0' | b'1'));
        if let Some((offset, _)) = text.match_indices('~').find(is_wrong) {
            return Err(PointerError::Tilde { offset });
        }
        Ok(Pointer { text })
    }

    /// True when it names the whole document.
    pub fn is_whole(&self) -> bool {
        self.text.is_empty()
    }

    /// True when it names a value inside the one that `outer` names.
    pub fn is_inside(&self, outer: &Pointer<'_>) -> bool {
        self.text.strip_prefix(&*outer.text).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Its tokens, from the outermost.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'_>> + Clone {
        self.text.split('/').skip(1).map(Token)
    }

    /// Where in `text` the value is that the pointer names; `None` when there is none.
    ///
    /// `text` must have passed `base::json::check`; white space may stand around it. It is read once.
    pub fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        let value = trim(text);
        // A trimmed text that is all white space begins where nothing does.
        let start = scan::past_space(text, 0);
        let tokens: Vec<Token<'_>> = self.tokens().collect();
        if tokens.is_empty() {
            return Some(start..start + value.len());
        }
        let found = Search { text: value, at: 0, open: Vec::new(), found: None }.run(&tokens)?;
        Some(start + found.start..start + found.end)
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One step of a pointer, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a>(&'a str);

/// What a token means in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// The element with that number, from 0.
    At(usize),
    /// `-`: behind the last element.
    End,
}

impl<'a> Token<'a> {
    /// The name of a member that it stands for.
    pub fn name(self) -> Cow<'a, str> {
        if !self.0.contains('~') {
            return Cow::Borrowed(self.0);
        }
        // In this order: `~01` is `~1`, not a slash.
        Cow::Owned(self.0.replace("~1", "/").replace("~0", "~"))
    }

    /// What it means in an array; `None` when it is neither `-` nor a number without leading zeros.
    pub fn index(self) -> Option<Index> {
        if self.0 == "-" {
            return Some(Index::End);
        }
        let is_number = self.0.bytes().all(|byte| byte.is_ascii_digit()) && (!self.0.starts_with('0') || self.0 == "0");
        let number = if is_number { self.0.parse().ok() } else { None };
        number.map(Index::At)
    }
}

/// The way through a document to what a pointer names.
struct Search<'a> {
    text: &'a [u8],
    at: usize,
    /// The arrays and objects that are open, the innermost last: as many of the tokens have matched, but one.
    open: Vec<Open>,
    /// The value that all tokens led to, unless a later member turns out to be meant.
    found: Option<Range<usize>>,
}

/// An array or object that the pointer leads into.
enum Open {
    Object(String),
    /// How many elements come before the one that is meant; `None` behind it, or when the token is no index.
    Array(Option<usize>),
}

impl Open {
    fn of(brackets: Brackets, token: Token<'_>) -> Open {
        match (brackets, token.index()) {
            (Brackets::Object, _) => Open::Object(token.name().into_owned()),
            (Brackets::Array, Some(Index::At(index))) => Open::Array(Some(index)),
            (Brackets::Array, _) => Open::Array(None),
        }
    }
}

impl Search<'_> {
    /// Reads to the end of the outermost bracket. Each turn passes an entry, a comma or a bracket.
    fn run(mut self, tokens: &[Token<'_>]) -> Option<Range<usize>> {
        self.enter(tokens);
        while !self.open.is_empty() {
            self.at = scan::past_space(self.text, self.at);
            match self.text.get(self.at)? {
                b',' => self.at += 1,
                b']' | b'}' => {
                    self.at += 1;
                    self.open.pop();
                }
                _ if !self.is_meant()? => self.at = self.past_value()?,
                _ => {
                    // An earlier member of this name was not meant after all, nor was what is in it.
                    self.found = None;
                    if self.open.len() < tokens.len() && self.enter(tokens) {
                        continue;
                    }
                    let start = self.at;
                    self.at = self.past_value()?;
                    self.found = (self.open.len() == tokens.len()).then_some(start..self.at);
                }
            }
        }
        self.found
    }

    /// Steps into the value that begins here; false when it is a scalar.
    fn enter(&mut self, tokens: &[Token<'_>]) -> bool {
        let brackets = self.text.get(self.at..).and_then(Brackets::of);
        let (Some(brackets), Some(token)) = (brackets, tokens.get(self.open.len())) else { return false };
        self.open.push(Open::of(brackets, *token));
        self.at += 1;
        true
    }

    /// Whether the entry that begins here is the one that the innermost token means; stands at its value then.
    fn is_meant(&mut self) -> Option<bool> {
        match self.open.last_mut()? {
            Open::Object(wanted) => {
                let name = self.at..scan::past_string(self.text, self.at);
                let colon = scan::past_space(self.text, name.end);
                self.at = scan::past_space(self.text, colon + 1);
                Some(*code_points(self.text.get(name)?) == *wanted.as_bytes())
            }
            Open::Array(before) => {
                let is_meant = *before == Some(0);
                *before = before.and_then(|before| before.checked_sub(1));
                Some(is_meant)
            }
        }
    }

    /// The place behind the value that begins here; `None` when none does.
    fn past_value(&self) -> Option<usize> {
        let end = scan::past_value(self.text, self.at);
        (end > self.at).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'t>(text: &'t str, pointer: &str) -> Option<&'t str> {
        Pointer::parse(pointer).unwrap().find(text.as_bytes()).map(|range| &text[range])
    }

    #[test]
    fn every_part_of_a_document_can_be_named() {
        let text = r#" {"list":[ "x" , [1,{"y":2.50}]],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"0":9} "#;
        for (pointer, value) in [
            ("", text.trim()),
            ("/list/0", "\"x\""),
            ("/list/1", "[1,{\"y\":2.50}]"),
            ("/list/1/1/y", "2.50"),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
            ("/0", "9"),
        ] {
            assert_eq!(find(text, pointer), Some(value), "{pointer}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let text = r#"{"a":[1,2],"b":"x","c":{}}"#;
        for pointer in [
            "/d",
            "/a/2",
            "/a/-",
            "/a/01",
            "/a/00",
            "/a/+1",
            "/a/-1",
            "/a/1.0",
            "/a/ 1",
            "/a/",
            "/a/18446744073709551616",
            "/b/0",
            "/b/x",
            "/c/",
            "/a/0/0",
            "/A",
            "//a",
            "/a/1/",
        ] {
            assert_eq!(find(text, pointer), None, "{pointer}");
        }
        assert_eq!(find("17", "/0"), None);
    }

    #[test]
    fn of_two_members_of_one_name_the_last_is_meant() {
        let text = r#"{"a":{"b":1},"x":0,"\u0061":{"b":2,"c":[3],"b":4}}"#;
        for (pointer, value) in [("/a/b", Some("4")), ("/a/c/0", Some("3")), ("/a", Some(r#"{"b":2,"c":[3],"b":4}"#))] {
            assert_eq!(find(text, pointer), value, "{pointer}");
        }
        // The last one hides the first, also where it has nothing to offer.
        assert_eq!(find(r#"{"a":{"b":1},"a":{}}"#, "/a/b"), None);
        assert_eq!(find(r#"{"a":{"b":1},"a":7}"#, "/a/b"), None);
        assert_eq!(find(r#"{"a":[[1]],"a":[[]]}"#, "/a/0/0"), None);
    }

    #[test]
    fn names_are_compared_by_their_characters() {
        let text = r#"{"caf\u00e9":1,"\ud83d\ude00":2,"\ud800":3,"a\/b":4}"#;
        for (pointer, value) in [("/café", Some("1")), ("/😀", Some("2")), ("/a~1b", Some("4")), ("/\u{fffd}", None)]
        {
            assert_eq!(find(text, pointer), value, "{pointer}");
        }
    }

    #[test]
    fn a_text_that_is_no_pointer_is_refused_with_its_place() {
        for (text, error) in [
            ("a", PointerError::NoSlash),
            ("#/a", PointerError::NoSlash),
            (" /a", PointerError::NoSlash),
            ("/a~", PointerError::Tilde { offset: 2 }),
            ("/~2/~", PointerError::Tilde { offset: 1 }),
            ("/~0~1/~~0", PointerError::Tilde { offset: 6 }),
        ] {
            assert_eq!(Pointer::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_tilde_is_unescaped_last() {
        assert_eq!(find(r#"{"~1":1,"/":2}"#, "/~01"), Some("1"));
        assert_eq!(find(r#"{"~1":1,"/":2}"#, "/~1"), Some("2"));
    }

    #[test]
    fn a_value_is_inside_another_when_a_slash_follows() {
        let is_inside = |inner, outer| Pointer::parse(inner).unwrap().is_inside(&Pointer::parse(outer).unwrap());
        assert!(is_inside("/a/b", "/a") && is_inside("/a", "") && is_inside("/a/", "/a"));
        assert!(!is_inside("/a", "/a") && !is_inside("/ab", "/a") && !is_inside("", "") && !is_inside("/a", "/a/b"));
    }

    #[test]
    fn a_pointer_as_deep_as_a_document_is_followed_in_one_pass() {
        let depth = 1024;
        let text = format!("{}7{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert_eq!(find(&text, &"/a".repeat(depth)), Some("7"));
        assert_eq!(find(&text, &"/a".repeat(depth + 1)), None);
    }

    #[test]
    fn an_unchecked_text_is_searched_without_a_panic() {
        for text in
            ["", "  ", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":]", "{\"a\":{", "{\"a\":}", "[1", "{]", "{x", "{\"a\\"]
        {
            for pointer in ["", "/a", "/0", "/a/a"] {
                Pointer::parse(pointer).unwrap().find(text.as_bytes());
            }
        }
    }
}
