//! `get`, `put`, `patch`, `del`, `ls`: what scripts ask of a running server, with an exit code for each way it can go.
//!
//! Invariant: a document is printed whole, byte for byte, or not at all; a fault is one line on standard error. It
//! knows the resource API's paths and statuses, and reads of a document nothing.

mod arguments;

use std::io::{self, Read, Write};

use serde_json::Value;

use crate::base::disk::{Disk, read_whole};
use crate::base::limits::ANSWER_BYTES_MAX;
use crate::client::{Client, ClientError, Reply, Request};

use super::exit::{Exit, Finished};

pub use arguments::{Action, COMMANDS, Call, Content, PatchForm, Write as Writing, command, parse};

/// Keys that are asked for at a time.
const PAGE: &str = "1000";

const HELP: &str = "\
usage: memory-tools get KEY [--ptr /a/0]
       memory-tools put KEY [JSON | @FILE]     [--ttl 30s] [--if-match VERSION]
       memory-tools patch KEY [JSON | @FILE]   as put, [--type merge|json|ops]
       memory-tools del KEY                    [--if-match VERSION]
       memory-tools ls [PREFIX]                every key, a line each
All take --url http://127.0.0.1:8080 (the default) and --collection C. Without
JSON or @FILE the body is read from standard input. What begins with a dash
stands behind --, as in: memory-tools put key -- -1

  memory-tools put user:1 '{\"name\":\"Ada\"}'
  memory-tools get user:1 --ptr /name
  memory-tools put session:1 @session.json --ttl 30s --collection sessions
  memory-tools ls user: | while read -r key; do memory-tools get \"$key\"; done
  memory-tools del user:1 --if-match 7 || echo 'gone, or changed since'

ls writes a key that holds a control character, or begins with a quote, as JSON.
exit code: 0 done, 1 not found, 2 command line, 3 refused (a condition does not
hold, the body is not JSON, ...), 4 no answer: a write may have been carried out
";

/// The help of these commands.
pub fn help() -> Finished {
    Finished::done(HELP)
}

/// Why there is nothing to show.
enum Fault {
    /// No answer, or no request.
    Client(ClientError),
    /// An answer that says no.
    Refused(Reply),
    /// The body cannot be read.
    Body(io::Error),
    /// What the server sent is no page of keys.
    Page,
}

/// Carries out `call`; keys are written to `out` as they come, a body may be read from `input` and from `disk`.
pub fn remote(call: &Call, disk: &dyn Disk, input: &mut dyn Read, out: &mut dyn Write) -> Finished {
    carry_out(call, disk, input, out).unwrap_or_else(Fault::finished)
}

fn carry_out(call: &Call, disk: &dyn Disk, input: &mut dyn Read, out: &mut dyn Write) -> Result<Finished, Fault> {
    let client = Client::new(&call.url, call.collection.as_deref()).map_err(Fault::Client)?;
    let reply = match &call.action {
        Action::Get { key, pointer } => {
            let mut query = vec![("key", key.as_str())];
            query.extend(pointer.as_deref().map(|pointer| ("ptr", pointer)));
            answered(&client, &Request { method: "GET", query, fields: Vec::new(), body: None })?
        }
        Action::Put(write) => {
            send_body(&client, "PUT", write, "application/json", &read(&write.content, disk, input)?)?
        }
        Action::Patch(write, form) => {
            send_body(&client, "PATCH", write, form.media_type(), &read(&write.content, disk, input)?)?
        }
        Action::Delete { key, if_match } => {
            let (query, fields) = (vec![("key", key.as_str())], condition(if_match));
            answered(&client, &Request { method: "DELETE", query, fields, body: None })?
        }
        Action::List { prefix } => return list(&client, prefix, out),
    };
    Ok(Finished::done(String::from_utf8_lossy(&reply.body)))
}

fn send_body(client: &Client, method: &'static str, write: &Writing, form: &str, body: &[u8]) -> Result<Reply, Fault> {
    let mut query = vec![("key", write.key.as_str())];
    query.extend(write.ttl.as_deref().map(|ttl| ("ttl", ttl)));
    let mut fields = condition(&write.if_match);
    fields.push(("Content-Type", form));
    answered(client, &Request { method, query, fields, body: Some(body) })
}

fn condition(if_match: &Option<String>) -> Vec<(&'static str, &str)> {
    if_match.iter().map(|tag| ("If-Match", tag.as_str())).collect()
}

/// The body of a write.
fn read(content: &Content, disk: &dyn Disk, input: &mut dyn Read) -> Result<Vec<u8>, Fault> {
    match content {
        Content::Text(text) => Ok(text.clone().into_bytes()),
        Content::File(path) => read_whole(disk, path, ANSWER_BYTES_MAX).map_err(|error| {
            let text = format!("{}: {error}", path.display());
            Fault::Body(io::Error::new(error.kind(), text))
        }),
        Content::Stdin => {
            let mut body = Vec::new();
            let count = input.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut body).map_err(Fault::Body)?;
            if u64::try_from(count).is_ok_and(|count| count <= ANSWER_BYTES_MAX) {
                return Ok(body);
            }
            let text = format!("standard input has more than {ANSWER_BYTES_MAX} bytes");
            Err(Fault::Body(io::Error::new(io::ErrorKind::InvalidData, text)))
        }
    }
}

/// The answer, when it says yes.
fn answered(client: &Client, request: &Request<'_>) -> Result<Reply, Fault> {
    let reply = client.send(request).map_err(Fault::Client)?;
    if (200..300).contains(&reply.status) { Ok(reply) } else { Err(Fault::Refused(reply)) }
}

/// Writes every key that begins with `prefix`, page by page. Ends without a fault when nobody reads any more.
fn list(client: &Client, prefix: &str, out: &mut dyn Write) -> Result<Finished, Fault> {
    let mut cursor = None;
    loop {
        let mut query = vec![("limit", PAGE), ("prefix", prefix)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let reply = answered(client, &Request { method: "GET", query, fields: Vec::new(), body: None })?;
        let page: Value = serde_json::from_slice(&reply.body).map_err(|_| Fault::Page)?;
        let items = page.get("items").and_then(Value::as_array).ok_or(Fault::Page)?;
        let mut lines = String::new();
        for item in items {
            lines.push_str(&line(item.get("key").and_then(Value::as_str).ok_or(Fault::Page)?));
        }
        if out.write_all(lines.as_bytes()).and_then(|()| out.flush()).is_err() {
            return Ok(Finished::done(""));
        }
        cursor = page.get("cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            return Ok(Finished::done(""));
        }
    }
}

/// A key as it is, or as JSON where a line could not be told from a key.
fn line(key: &str) -> String {
    let is_plain = !key.starts_with('"') && !key.chars().any(char::is_control);
    if is_plain { format!("{key}\n") } else { format!("{}\n", Value::from(key)) }
}

impl Fault {
    fn finished(self) -> Finished {
        let (exit, text) = match self {
            Fault::Client(fault @ ClientError::Unreachable { .. }) => (Exit::Unreachable, fault.to_string()),
            Fault::Client(fault @ (ClientError::Url { .. } | ClientError::Unsendable(_))) => {
                (Exit::Usage, fault.to_string())
            }
            Fault::Refused(reply) => {
                let exit = if reply.status == 404 { Exit::NotFound } else { Exit::Refused };
                (exit, reason(&reply))
            }
            Fault::Body(error) => (Exit::Usage, format!("the body cannot be read: {error}")),
            Fault::Page => (Exit::Refused, "the server does not answer with a page of keys".to_owned()),
        };
        Finished::because(exit, [format!("error: {text}")])
    }
}

/// What a refusal says, in one line: the status, the code and the detail, with what to do where it says so.
fn reason(reply: &Reply) -> String {
    let problem: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let member = |name: &str| problem.get(name).and_then(Value::as_str);
    let status = reply.status;
    match (member("code"), member("detail"), member("hint")) {
        (Some(code), Some(detail), Some(hint)) => format!("{status} {code}: {detail}; {hint}"),
        (Some(code), Some(detail), None) => format!("{status} {code}: {detail}"),
        _ => format!("{status}, without a word that memory-tools would say"),
    }
    .replace(['\r', '\n'], " ")
}
