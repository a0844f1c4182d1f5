//! What an operator looks at: `/v1/stats`, how the server stands, and `/v1/config`, what it was told.
//!
//! It formats what it is handed, and counts nothing itself.

use crate::base::json;
use crate::model::{JournalStats, Stats};

use super::Api;
use super::call::{Call, Otherwise};
use super::message::{Response, Value};
use super::timestamp;

/// `GET /v1/stats`: how the server stands.
///
/// # Errors
/// Unknown parameters.
pub fn stats(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let mut body = b"{\"version\":".to_vec();
    json::escape_into(&mut body, env!("CARGO_PKG_VERSION"));
    if let Some(figures) = &api.figures {
        write(&mut body, &figures.stats(), api);
    }
    body.extend_from_slice(b"}\n");
    Ok(reply(body))
}

fn write(body: &mut Vec<u8>, stats: &Stats, api: &Api) {
    let Stats { uptime, documents, key_and_value_bytes, collections, next_lsn, .. } = stats;
    let uptime_ms = uptime.as_millis();
    body.extend_from_slice(
        format!(
            ",\"uptime_ms\":{uptime_ms},\"documents\":{documents},\"bytes\":{key_and_value_bytes},\
             \"collections\":{collections},\"next_lsn\":{next_lsn}"
        )
        .as_bytes(),
    );
    let marks = stats
        .journal
        .map(|JournalStats { written, durable, .. }| format!(",\"written_lsn\":{written},\"durable_lsn\":{durable}"));
    let (mode, state) = (stats.journal_mode, stats.journal.map_or("off", |journal| journal.state));
    let marks = marks.unwrap_or_default();
    body.extend_from_slice(format!(",\"journal\":{{\"mode\":\"{mode}\",\"state\":\"{state}\"{marks}}}").as_bytes());
    if let Some(at) = stats.snapshot_at {
        body.extend_from_slice(b",\"snapshot\":{\"at\":\"");
        timestamp::push(body, at);
        body.extend_from_slice(format!("\",\"age_ms\":{}}}", api.clock.now().since(at)).as_bytes());
    }
    body.extend_from_slice(format!(",\"index_bytes\":{}", stats.index_bytes).as_bytes());
    body.extend_from_slice(format!(",\"memory\":{{\"used_bytes\":{}", stats.memory_used_bytes).as_bytes());
    if let Some(bytes) = stats.memory_limit_bytes {
        body.extend_from_slice(format!(",\"limit_bytes\":{bytes}").as_bytes());
    }
    body.push(b'}');
    if let Some(bytes) = stats.resident_bytes {
        let overhead = bytes.saturating_sub(stats.key_and_value_bytes + stats.index_bytes);
        let text = format!(",\"overhead_bytes\":{overhead},\"resident_bytes\":{bytes}");
        body.extend_from_slice(text.as_bytes());
    }
}

/// `GET /v1/config`: every option with its value and where that came from.
///
/// # Errors
/// Unknown parameters.
pub fn config(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let mut body = Vec::new();
    for setting in &api.settings {
        body.extend_from_slice(if body.is_empty() { b"{" } else { b"," });
        json::escape_into(&mut body, setting.name);
        body.extend_from_slice(format!(":{{\"value\":{},\"source\":", setting.json).as_bytes());
        json::escape_into(&mut body, &setting.source);
        body.push(b'}');
    }
    if body.is_empty() {
        body.push(b'{');
    }
    body.extend_from_slice(b"}\n");
    Ok(reply(body))
}

fn reply(body: Vec<u8>) -> Response {
    Response::json(200, body).with("Cache-Control", Value::Static("no-store"))
}
