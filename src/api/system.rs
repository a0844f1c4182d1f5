//! What is not about documents: the welcome page, health, metrics, and what an operator may ask for.

use std::sync::Arc;

use crate::base::json;
use crate::model::{ReloadAnswer, Reloaded, Reread, SnapshotAnswer, SnapshotMoment};

use super::Api;
use super::call::{Call, Otherwise};
use super::message::{Piece, Response, Value};
use super::problem::{Kind, Problem, quote};

/// `GET /`: what this is, and three lines to try.
///
/// # Errors
/// Unknown parameters.
pub fn welcome(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let url = &api.options.url;
    let text = format!(
        "Memory Tools {}: JSON documents in memory, over HTTP.\n\n\
         curl -X PUT {url}/v1/docs/user:1 -d '{{\"name\":\"Ada\"}}'\n\
         curl -X PUT '{url}/v1/docs/session:1?ttl=30s' -d '{{\"user\":1}}'\n\
         curl -i {url}/v1/docs/user:1\n\n\
         In a browser: {url}/ui\n",
        env!("CARGO_PKG_VERSION")
    );
    Ok(Response::new(200)
        .with("Content-Type", Value::Static("text/plain; charset=utf-8"))
        .with_piece(Piece::Owned(text.into_bytes())))
}

/// `GET /livez`: the process answers.
///
/// # Errors
/// Unknown parameters.
pub fn livez(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    Ok(status("live"))
}

/// `GET /readyz`: the server should be sent work.
///
/// # Errors
/// 503 with the reasons against it, and with what the disk has left when that is what refuses writes.
pub fn readyz(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let reasons: Vec<&str> = api.health.reasons().map(|reason| reason.code()).collect();
    if reasons.is_empty() {
        return Ok(status("ready"));
    }
    let detail = format!("not ready: {}", reasons.join(", "));
    let problem = Problem::new(Kind::NotReady, detail).texts("reasons", reasons.iter().copied());
    Err(match api.health.free_bytes() {
        Some(bytes) => problem.number("disk_free_bytes", bytes).into(),
        None => problem.into(),
    })
}

/// `GET /metrics`: what the server counts.
///
/// # Errors
/// Unknown parameters.
pub fn metrics(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let mut text = String::new();
    if let Some(figures) = &api.figures {
        figures.show(&mut text);
    }
    Ok(Response::new(200)
        .with("Content-Type", Value::Static("text/plain; version=0.0.4; charset=utf-8"))
        .with("Cache-Control", Value::Static("no-store"))
        .with_piece(Piece::Owned(text.into_bytes())))
}

fn status(text: &str) -> Response {
    let mut body = b"{\"status\":".to_vec();
    json::escape_into(&mut body, text);
    body.extend_from_slice(b"}\n");
    Response::json(200, body).with("Cache-Control", Value::Static("no-store"))
}

/// `POST /v1/admin/snapshot`: starts a snapshot; `?wait` answers when it is durable.
///
/// # Errors
/// 409 while another is being written, 500 when it fails, 503 while stopping.
pub fn snapshot(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let wait = call.parameters()?.flag("wait")?;
    let moment = if wait { SnapshotMoment::End } else { SnapshotMoment::Start };
    let operate = Arc::clone(&api.operate);
    Err(Otherwise::Later(Box::new(move |deliver| {
        let tell = |answer| deliver(snapshot_reply(answer).unwrap_or_else(Problem::into_response));
        operate.snapshot(moment, Box::new(tell));
    })))
}

fn snapshot_reply(answer: SnapshotAnswer) -> Result<Response, Problem> {
    let json_reply = |code: u16, body: String| Response::json(code, body.into_bytes());
    match answer {
        SnapshotAnswer::Started => Ok(json_reply(202, "{\"status\":\"started\"}\n".to_owned())),
        SnapshotAnswer::Finished(report) => Ok(json_reply(
            200,
            format!(
                "{{\"status\":\"finished\",\"documents\":{},\"bytes\":{},\"capture_end\":{},\"duration_ms\":{}}}\n",
                report.documents,
                report.bytes,
                report.capture_end,
                report.duration.as_millis()
            ),
        )),
        SnapshotAnswer::AlreadyRunning => {
            Err(Problem::new(Kind::SnapshotRunning, "another snapshot is being written")
                .hint("try again when it is done"))
        }
        SnapshotAnswer::Failed(cause) => Err(Problem::new(Kind::SnapshotFailed, cause)
            .hint("the snapshot before is untouched; look at the disk of the data folder")),
        SnapshotAnswer::Stopping => {
            Err(Problem::new(Kind::Stopping, "the server is stopping, and takes a last snapshot as it does"))
        }
    }
}

/// `POST /v1/admin/reload`: has the tokens and the certificate read again, as SIGHUP does, and answers when it is done.
///
/// # Errors
/// 500 when something cannot be used, of which the old stays; 503 while stopping.
pub fn reload(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let operate = Arc::clone(&api.operate);
    Err(Otherwise::Later(Box::new(move |deliver| {
        let tell = |answer| deliver(reload_reply(answer).unwrap_or_else(Problem::into_response));
        operate.reload(Box::new(tell));
    })))
}

fn reload_reply(answer: ReloadAnswer) -> Result<Response, Problem> {
    let ReloadAnswer::Done(Reloaded { certificate, tokens }) = answer else {
        return Err(Problem::new(Kind::Stopping, "the server is stopping, and reads nothing again"));
    };
    let certificate = certificate.map(|path| quote(&path.to_string_lossy()));
    let tokens = tokens.map(|count| count.to_string());
    let things = [("certificate", &certificate), ("tokens", &tokens)];
    let causes: Vec<&str> = things.iter().filter_map(|(_, thing)| thing.kept()).collect();
    if causes.is_empty() {
        let json = |thing: Reread<String>| thing.taken().unwrap_or_else(|| "null".to_owned());
        let body = format!("{{\"certificate\":{},\"tokens\":{}}}\n", json(certificate), json(tokens));
        return Ok(Response::json(200, body.into_bytes()));
    }
    let named = |is_meant: fn(&Reread<String>) -> bool| {
        things.into_iter().filter(move |(_, thing)| is_meant(thing)).map(|(name, _)| name)
    };
    Err(Problem::new(Kind::ReloadFailed, causes.join("; "))
        .hint("put the files right and ask once more; until then what was there before stays")
        .texts("kept", named(|thing| matches!(thing, Reread::Kept(_))))
        .texts("reloaded", named(|thing| matches!(thing, Reread::Taken(_)))))
}
