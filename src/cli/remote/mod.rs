//! `get`, `put`, `patch`, `del`, `ls`, `watch`, `top`, `export`, `import`, `backup`: what scripts ask of a running server, with an exit
//! code for each way it can go.
//!
//! Invariant: a fault is one line on standard error. It knows the resource API's paths and statuses, and reads of a
//! document nothing.

mod action;
mod arguments;

mod fault;
mod retry;

mod documents;
mod watch;

mod top;

mod file_reader;
mod partial;
mod progress;
mod tally;

mod backup;
mod export;
mod import;

use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;

use crate::base::disk::{Disk, read_whole};
use crate::base::limits::TOKENS_BYTES_MAX;
use crate::client::{self, Client, ClientError};

use super::exit::Finished;
use documents::Place;
use fault::Fault;

pub use action::{
    Action, BackingUp, Call, Content, Exporting, Importing, PatchForm, Stream, Viewing, Watching, Write as Writing,
};
pub use arguments::{COMMANDS, command, parse};

/// Where a server is when nothing else is said.
const URL: &str = "http://127.0.0.1:8080";

/// Carries out `call`; keys and lines are written to `out` as they come, a body may be read from `input` and from `disk`.
/// `token` is presented, unless the call names a file with one.
pub fn remote(
    call: &Call,
    token: Option<String>,
    disk: &dyn Disk,
    (input, out): (&mut dyn Read, &mut dyn Write),
) -> Finished {
    carry_out(call, token, disk, (input, out)).unwrap_or_else(|fault| fault.finished())
}

fn carry_out(
    call: &Call,
    token: Option<String>,
    disk: &dyn Disk,
    (input, out): (&mut dyn Read, &mut dyn Write),
) -> Result<Finished, Fault> {
    let client = Client::new(call.url.as_deref().unwrap_or(URL))?;
    let token = match &call.token_file {
        Some(path) => Some(token_of(path.as_ref(), disk)?),
        None => token,
    };
    let client = match token {
        Some(token) => client.presenting(&token)?,
        None => client,
    };
    let base = client::documents(call.collection.as_deref());
    let place = Place { client: &client, base: &base };
    match &call.action {
        Action::Get { key, pointer, head_only: false } => place.get(key, pointer.as_deref()),
        Action::Get { key, pointer, head_only: true } => place.head(key, pointer.as_deref()),
        Action::Put(write) => place.put(write, disk, input),
        Action::Patch(write, form) => place.patch(write, *form, disk, input),
        Action::Delete { key, if_match } => place.delete(key, if_match.as_deref()),
        Action::List { prefix, is_long } => place.list(prefix, *is_long, out),
        Action::Watch(watching) => watch::watch(&client, call.collection.as_deref(), watching, out),
        Action::Export(exporting) => export::export(&client, exporting, disk, out),
        Action::Backup(backing_up) => backup::backup(&client.waiting(backup::SILENCE_MAX), backing_up, disk, out),
        Action::Import(importing) => import::import(&client, importing, disk, input),
        Action::Top(viewing) => top::top(client, *viewing, out),
    }
}

/// The token in the file `path`: its first line, as `memory-tools token new` writes it.
fn token_of(path: &Path, disk: &dyn Disk) -> Result<String, Fault> {
    let text = read_whole(disk, path, TOKENS_BYTES_MAX).map_err(|error| Fault::Token(path.to_owned(), error))?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    Ok(String::from_utf8(line.to_vec()).map_err(|_| ClientError::Token)?)
}

/// A key or a name as it is, or as JSON where a line or a column could not be told from it.
fn plain(text: &str) -> String {
    let is_plain = !text.starts_with('"') && !text.chars().any(char::is_control);
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}
