//! What an operator asks of a server meanwhile, as with curl: a connection of its own for each request, and time to
//! wait for the answer.
//!
//! It is no part of what is measured: it may be slow, and it says what went wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::http;
use crate::reply::Kind;

/// How long a page may take.
const PAGE_MAX: Duration = Duration::from_secs(10);

/// How long a snapshot may take.
const SNAPSHOT_MAX: Duration = Duration::from_secs(300);

/// The pause before a snapshot is ordered again while the server takes one of its own.
const SNAPSHOT_PAUSE: Duration = Duration::from_millis(10);

/// A snapshot that was ordered and is durable.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// From the order to the answer.
    pub seconds: f64,
    /// Size of its file.
    pub bytes: f64,
}

/// Has `server` write a snapshot, and waits for it.
///
/// # Errors
/// It failed, or does not come to its end.
pub fn take_snapshot(server: SocketAddr) -> Result<Snapshot> {
    let begun = Instant::now();
    while begun.elapsed() < SNAPSHOT_MAX {
        let ordered = Instant::now();
        let (status, body) = ask(server, "POST", "/v1/admin/snapshot?wait", SNAPSHOT_MAX)?;
        match status {
            200 => {
                let report: Value = serde_json::from_str(&body).context("a report of a snapshot is JSON")?;
                let bytes = report.get("bytes").and_then(Value::as_f64).context("a snapshot has a size")?;
                return Ok(Snapshot { seconds: ordered.elapsed().as_secs_f64(), bytes });
            }
            // The journal has outgrown the newest one.
            409 => std::thread::sleep(SNAPSHOT_PAUSE),
            _ => bail!("a snapshot was ordered, and the answer is {status}: {body}"),
        }
    }
    bail!("the server takes snapshots of its own for {} s", SNAPSHOT_MAX.as_secs())
}

/// The value of `name` on the page of figures of `server`, of all its series together; `None` when it has none yet.
///
/// # Errors
/// There is no such page.
pub fn figure(server: SocketAddr, name: &str) -> Result<Option<f64>> {
    value(&page(server, "/metrics")?, name)
}

/// The page `target` of `server`.
///
/// # Errors
/// There is no such page.
pub fn page(server: SocketAddr, target: &str) -> Result<String> {
    let (status, page) = ask(server, "GET", target, PAGE_MAX)?;
    ensure!(status == 200, "{target} was asked for, and the answer is {status}: {page}");
    Ok(page)
}

/// Removes the collection `name` of `server`, if it is there.
///
/// # Errors
/// It stays.
pub fn drop_collection(server: SocketAddr, name: &str) -> Result<()> {
    let (status, body) = ask(server, "DELETE", &format!("/v1/collections/{name}"), PAGE_MAX)?;
    ensure!(matches!(status, 204 | 404), "the collection {name} was to be dropped, and the answer is {status}: {body}");
    Ok(())
}

fn value(page: &str, name: &str) -> Result<Option<f64>> {
    let samples = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.strip_prefix(' ').or_else(|| Some(rest.strip_prefix('{')?.rsplit_once("} ")?.1))
    });
    let numbers = samples.map(|text| text.parse::<f64>().with_context(|| format!("{name} is no number: {text}")));
    let numbers = numbers.collect::<Result<Vec<f64>>>()?;
    Ok((!numbers.is_empty()).then(|| numbers.iter().sum()))
}

/// Status and body of the answer to a request without a body.
fn ask(server: SocketAddr, method: &str, target: &str, patience: Duration) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    stream.set_read_timeout(Some(patience))?;
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("no answer to {method} {target}"))?;
    let reply = http::parse(&answer)?.with_context(|| format!("half an answer to {method} {target}"))?;
    let Kind::Status(status) = reply.kind else { bail!("an answer without a status") };
    Ok((status, String::from_utf8_lossy(&reply.body).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers one request after another on connections of their own, and gives back what was asked.
    fn serve(answers: Vec<String>) -> (SocketAddr, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = std::thread::spawn(move || {
            let serve_one = |answer: String| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = vec![0; 4096];
                let bytes = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(request[..bytes].to_vec()).unwrap().lines().next().unwrap().to_owned()
            };
            answers.into_iter().map(serve_one).collect()
        });
        (address, asked)
    }

    fn reply(status: u16, body: &str) -> String {
        format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn a_snapshot_is_ordered_again_while_another_is_written_and_a_failed_one_is_an_error() {
        let running = reply(409, "{\"code\":\"snapshot-running\"}");
        let finished = reply(200, "{\"status\":\"finished\",\"bytes\":52}\n");
        let (address, asked) = serve(vec![running, finished]);
        let snapshot = take_snapshot(address).unwrap();
        assert!(snapshot.bytes == 52.0 && snapshot.seconds > 0.0);
        assert_eq!(asked.join().unwrap(), ["POST /v1/admin/snapshot?wait HTTP/1.1"; 2]);

        let (address, _) = serve(vec![reply(500, "no space")]);
        let error = take_snapshot(address).unwrap_err().to_string();
        assert_eq!(error, "a snapshot was ordered, and the answer is 500: no space");
    }

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let page = "# HELP hold_seconds Of it.\n# TYPE hold_seconds gauge\nhold_seconds_max 7\nhold_seconds 0.25\n";
        let (address, asked) = serve(vec![reply(200, page)]);
        assert_eq!(figure(address, "hold_seconds").unwrap(), Some(0.25));
        assert_eq!(asked.join().unwrap(), ["GET /metrics HTTP/1.1"]);
        assert_eq!(value(page, "hold").unwrap(), None);
        assert!(value("hold soon\n", "hold").is_err());
        assert_eq!(value("of{a=\"\"} 2\nof{a=\"} 7\"} 3\nof_all 9\n", "of").unwrap(), Some(5.0));
    }
}
