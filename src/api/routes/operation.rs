//! What the table says of one method of one route: for the code that runs it, and for its description.
//!
//! The query's parameters are read by the same list that describes them, so the two cannot part. What is said of
//! replies is held against what is answered in every scenario of the tests.

use super::super::call::Handler;
use super::super::message::Method;
use super::super::problem::Kind;

/// One method of one route.
pub struct Operation {
    /// The method. HEAD is answered wherever GET is.
    pub method: Method,
    /// What it runs.
    pub handler: Handler,
    /// What it needs of who asks, where tokens are asked for.
    pub needs: Needs,
    /// Its name, which no other operation on a template without `{c}` has.
    pub id: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The parameters of the query that it knows.
    pub query: &'static [Parameter],
    /// The header fields that it reads.
    pub fields: &'static [Field],
    /// The body that it takes.
    pub takes: Takes,
    /// How it answers when all is well.
    pub replies: &'static [Reply],
    /// What can go wrong, in groups. What can go wrong everywhere is not listed.
    pub problems: &'static [&'static [Kind]],
}

impl Operation {
    /// One that reads nothing of a request but its path; the rest is added by `..`.
    pub const fn plain(
        method: Method,
        (handler, needs): (Handler, Needs),
        (id, summary): (&'static str, &'static str),
        replies: &'static [Reply],
        problems: &'static [&'static [Kind]],
    ) -> Operation {
        const NONE: &[Parameter] = &[];
        let (fields, takes) = (&[], Takes::Nothing);
        Operation { method, handler, needs, id, summary, query: NONE, fields, takes, replies, problems }
    }
}

/// What an operation needs of who asks. Which documents it is about, and whether it changes them, is asked once more of
/// each command that it executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it answers without a token.
    Nothing,
    /// The role read.
    Read,
    /// The role read, and a reach over everything: it tells of all that there is.
    ReadAll,
    /// The role write.
    Write,
    /// The role admin. Each such call leaves a line in the log.
    Admin,
}

/// A parameter of the query.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it takes.
    pub form: Form,
    /// True when a request without it is refused.
    pub is_required: bool,
}

/// What a parameter takes.
#[derive(Debug)]
pub enum Form {
    /// A key.
    Key,
    /// The name of a collection.
    CollectionName,
    /// The name of a collection, or nothing for the main store; may be given several times.
    Collections,
    /// A JSON pointer.
    Pointer,
    /// The name of a collection, which may be empty, a slash, and a key, which may be empty.
    Place,
    /// Any text.
    Text,
    /// An LSN.
    Lsn,
    /// A number from 1 to this one.
    Count(usize),
    /// Alone, or `true`, `1`, `false`, `0`.
    Flag,
    /// A time to live: seconds, a Go duration.
    Duration,
    /// The same, or `never`.
    DurationOrNever,
    /// RFC 3339, or unix milliseconds.
    Moment,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// A header field that a request may carry.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// An example of its value.
    pub example: &'static str,
}

/// The body that an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// Any JSON value; none with `?only=ttl`.
    Document,
    /// A patch, in one of three types.
    Patch,
    /// A list of keys.
    Keys,
    /// The seed's body of a set.
    SeedSet,
    /// The options of a collection, or nothing.
    Options,
    /// A line of JSON for each item, by what the lines are.
    Lines(&'static str),
}

/// An answer when all is well.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// When it is given.
    pub about: &'static str,
    /// The body.
    pub content: Content,
    /// The header fields that it may carry.
    pub fields: &'static [&'static str],
}

/// The body of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// None.
    Nothing,
    /// A document: any JSON value.
    Document,
    /// An object of JSON, by the name of its schema.
    Object(&'static str),
    /// A document, or an object; or a line of JSON for each item.
    Listing,
    /// A line of JSON for each item, by what the lines are.
    Lines(&'static str),
    /// A line of JSON for each change, or an event.
    Changes,
    /// Plain text.
    Text,
    /// Bytes, by what they are.
    Bytes(&'static str),
    /// A page for a browser.
    Page,
}
