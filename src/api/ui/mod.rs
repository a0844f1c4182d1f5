//! `/ui`: a page to look at the server with, and at its documents.
//!
//! Invariants: the page is one text that needs nothing from anywhere else, and its policy lets a browser run and apply
//! exactly the script and the style in it, by their hashes. It holds no data and asks for no token: the script asks the
//! routes that everybody asks, with the token that it is given. What those answer it does not know.

use std::fmt::Write;
use std::sync::OnceLock;

use base64::prelude::{BASE64_STANDARD, Engine};
use ring::digest::{SHA256, digest};

use crate::model::{Lsn, Rest};

use super::Api;
use super::call::{Call, Otherwise};
use super::conditions;
use super::docs::condition_failed;
use super::message::{Field, Piece, Response, Value};

const HEAD: &str = include_str!("head.html");
const STYLE: &str = include_str!("page.css");
const BODY: &str = include_str!("body.html");
/// One module, in chapters.
const SCRIPT: &str = concat!(
    include_str!("dom.js"),
    include_str!("server.js"),
    include_str!("figures.js"),
    include_str!("charts.js"),
    include_str!("status.js"),
    include_str!("browse.js"),
    include_str!("document.js"),
    include_str!("editor.js"),
    include_str!("start.js"),
);

static PAGE: OnceLock<Page> = OnceLock::new();

/// The page as it is sent, made when it is first asked for.
struct Page {
    text: String,
    /// The value of `Content-Security-Policy`.
    policy: String,
    /// The number in its entity tag: another page has another one.
    tag: u64,
}

/// `GET /ui`: the page.
///
/// # Errors
/// Unknown parameters; 412.
pub fn page(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let condition = conditions::read(call.headers)?;
    let Page { text, policy, tag } = PAGE.get_or_init(Page::assemble);
    let version = Some(Lsn(*tag));
    if condition.if_match.is_some_and(|tags| !tags.name(version)) {
        return Err(condition_failed(version, Rest::NOTHING).into());
    }
    let is_unmodified = condition.if_none_match.is_some_and(|tags| tags.name(version));
    let mut response = Response::new(if is_unmodified { 304 } else { 200 });
    response.push_field(Field::EntityTag(*tag));
    response.push_field(Field::NoCache);
    response.push("Content-Security-Policy", Value::Static(policy));
    response.push("X-Content-Type-Options", Value::Static("nosniff"));
    response.push("Referrer-Policy", Value::Static("no-referrer"));
    if !is_unmodified {
        response.push("Content-Type", Value::Static("text/html; charset=utf-8"));
        response.push_piece(Piece::Static(text.as_bytes()));
    }
    Ok(response)
}

impl Page {
    fn assemble() -> Page {
        let text = format!("{HEAD}<style>{STYLE}</style>\n{BODY}<script type=\"module\">{SCRIPT}</script>\n</html>\n");
        let mut policy = "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
            .to_owned();
        for (directive, content) in [("script-src", SCRIPT), ("style-src", STYLE)] {
            let hash = BASE64_STANDARD.encode(digest(&SHA256, content.as_bytes()));
            write!(policy, "; {directive} 'sha256-{hash}'").expect("a text takes any text");
        }
        // The policy follows from the text. No tag is zero, which no version is.
        let start = digest(&SHA256, text.as_bytes()).as_ref().first_chunk().copied().unwrap_or_default();
        Page { text, policy, tag: u64::from_be_bytes(start).max(1) }
    }
}
