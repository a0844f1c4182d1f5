//! The pool as a subject, and the rows that its HTTP library keeps it from.
//!
//! The library splits heads and decodes chunks before the pool sees anything, so that here it is held to what it can
//! give. Each row that is left out names why; `src/front/pool/mod.rs` says what that means for an operator.

use std::sync::Arc;

use memory_tools::front::Seams;
use memory_tools::front::pool::{Pool, bind};

use super::double::Double;
use super::row::Row;
use super::sockets::Sockets;
use super::wire;

/// A pool with a port of its own.
pub fn subject() -> Sockets<Pool> {
    let double = Arc::new(Double::default());
    let stage = wire::seams(Arc::new(wire::Threads::default()));
    let seams = Seams { handler: double.clone(), ..stage.seams };
    let pool = bind(wire::pool_options()).unwrap().serve(seams).unwrap();
    // A refusal goes out by the library's own way of answering, which cannot say it.
    Sockets { address: pool.local_address(), double, says_when_it_closes: false, front: pool }
}

/// The rows of `all` that the pool can give.
///
/// # Panics
/// When a row that is left out is not in the corpus.
pub fn rows(all: &[Row]) -> Vec<Row> {
    let left_out: Vec<&str> = LEFT_OUT.iter().flat_map(|(_, names)| *names).copied().collect();
    for name in &left_out {
        assert!(all.iter().any(|row| row.name == *name), "{name:?} is left out and not in the corpus");
    }
    all.iter().filter(|row| !left_out.contains(&row.name.as_str())).cloned().collect()
}

/// Why the pool cannot give them, and the names of the rows.
const LEFT_OUT: &[(&str, &[&str])] = &[
    (
        "a thread of the library is lost for good",
        &["HTTP 2.0 is refused", "HTTP 3.0 is refused", "the preface of HTTP 2 is refused"],
    ),
    ("its versions are a closed list, and another one is a 400", &["HTTP 1.2 is refused", "HTTP 1.9 is refused"]),
    (
        "it splits a request line at white space of any kind and drops what is behind the version",
        &[
            "white space before a method is refused",
            "a space behind the version is refused",
            "a word behind the version is refused",
        ],
    ),
    (
        "it trims lines, Unicode's white space included",
        &[
            "white space before the first field is refused",
            "a tab before the first field is refused",
            "a fold that looks like a field is refused",
            "a length that a line fold hides is refused",
            "chunked with a vertical tab before it is refused",
            "chunked with a form feed behind it is refused",
            "chunked with a no-break space behind it is not chunked",
        ],
    ),
    (
        "it reads no empty line before a request",
        &[
            "an empty line behind a body is read past",
            "an empty line between two requests is read past",
            "an empty line before a request is read past",
            "two empty lines before a request are read past",
        ],
    ),
    (
        "it takes few characters in names, text in values, and no tabs",
        &[
            "a name of every token character is a name",
            "a tab within a value is a character of it",
            "a value that is no UTF-8 is opaque",
            "close is found in a list",
            "a next line character of Latin-1 ends no line",
            "a line separator of Unicode ends no line",
        ],
    ),
    (
        "it searches Connection for parts of words, and lets go of the connection for an upgrade",
        &[
            "a longer word than close does not close",
            "an upgrade does not change where a body ends",
            "an upgrade to HTTP 2 is ignored",
        ],
    ),
    (
        "it looks at Transfer-Encoding and Expect before we do",
        &[
            "an expectation on HTTP 1.0 is ignored",
            "the same expectation twice is one",
            "an empty Expect expects nothing",
            "the name of the chunked coding has no case",
            "a coding that nobody knows under chunked is a 501",
            "a coding with a parameter under chunked is a 501",
            "identity is no coding any more and under chunked a 501",
            "codings in two fields are one list",
        ],
    ),
    (
        "its size lines are read loosely and without a bound",
        &[
            "an extension without a name is refused",
            "an extension with an empty value is refused",
            "an extension with a value and no name is refused",
            "an extension with a control character is refused",
            "an extension with a quote that is not closed is refused",
            "an extension with a bare LF is refused",
            "extensions beyond all need are refused",
            "a size line that never ends is refused",
            "a last chunk that ends in bare LFs is refused",
            "a size beyond 64 bits is larger than any body",
            "a size of forty digits is larger than any body",
            "a size that wraps to 5 in 32 bits is not 5",
            "the largest size of 64 bits is more than the handler takes",
            "a size with white space behind it is refused",
            "a size with a tab behind it is refused",
            "a size with white space before it is refused",
            "a last chunk with white space behind it is refused",
            "a size with a plus is refused",
            "a request hidden in a chunk's extension does not run",
            "a request hidden in a quoted extension does not run",
        ],
    ),
    (
        "the end of a chunked body that ends in a digit is unclear, and a 411",
        &["a size has hexadecimal digits of either case", "requests with and without bodies are answered in order"],
    ),
    ("a chunked body that nobody reads closes", &["short chunks that nobody wants are read past"]),
    (
        "it takes the end of the connection for the end of a chunk",
        &["a chunk that is cut off in its data does not run"],
    ),
    (
        "it has no trailers",
        &[
            "a trailer of a length changes nothing",
            "a trailer of a Transfer-Encoding changes nothing",
            "a trailer of Connection does not close",
            "a trailer of Host is no second Host",
            "a request behind a trailer runs",
            "a trailer is discarded",
            "several trailers are discarded",
        ],
    ),
    (
        "it reads a line to its end, however long, before anybody counts",
        &[
            "a target that never ends is a 414",
            "a query that never ends is a 414",
            "a method that never ends is a 501",
            "fields that never end are a 431",
            "a value that never ends is a 431",
            "a name that never ends is a 431",
        ],
    ),
    (
        "it answers a half-close that ends an idle connection",
        &[
            "a connection with half an empty line ends without a reply",
            "a connection between two requests ends without a reply",
            "a connection without a byte ends without a reply",
            "a connection of empty lines ends without a reply",
        ],
    ),
];
