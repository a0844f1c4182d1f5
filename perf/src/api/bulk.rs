//! Documents that come many in a request: the load of `:bulk`, measured and used to fill a server.
//!
//! A bulk writes `LINES` documents. Every line of every answer is looked at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::child::Server;
use crate::figure::Figure;
use crate::loading;
use crate::options::Options;
use crate::proc;
use crate::progress::Progress;
use crate::reply::Kind;
use crate::template::{KEY_ZERO, Template};
use crate::workload::{self, Answer, Ask, Workload};

/// Documents of a bulk.
pub const LINES: u32 = 1000;

/// What is measured: size of the documents, and bulks of a round.
const DOCUMENT_BYTES: usize = 200;
const BULKS: u32 = 1000;

/// Documents a second of the server's CPU: promised, and aimed at.
const RATE: (f64, f64) = (400_000.0, 500_000.0);

/// How long a bulk may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Bytes of an answer beyond which something else must have come.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// How the keys of the bulks follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are written: what is loaded usually comes in some order.
    Ascending,
    /// Neighbours come with different bulks, so that a listing finds them all over the server's memory.
    Scattered,
}

impl Order {
    /// The key that line `line` of a bulk writes; the number of the bulk stands where `KEY_ZERO` does.
    pub fn key(self, line: u32) -> String {
        match self {
            Order::Ascending => format!("{KEY_ZERO}/{line:03}"),
            Order::Scattered => format!("{line:03}/{KEY_ZERO}/end"),
        }
    }
}

/// Loads `BULKS` bulks into a fresh server in each round.
///
/// # Errors
/// A server cannot be started, or gave a wrong answer.
pub fn measure(options: &Options, progress: &Progress) -> Result<Vec<Figure>> {
    let document = workload::document(DOCUMENT_BYTES)?;
    let mut rates = Vec::new();
    for round in 1..=options.rounds {
        progress.step(&format!("round {round} of {}: {BULKS} bulks of {LINES} documents", options.rounds));
        let server = Server::start(&super::server(options))?;
        let before = proc::cpu_us(server.pids())?;
        load(&server, &document, Order::Ascending, BULKS, progress)?;
        let cpu_us = proc::cpu_us(server.pids())?.saturating_sub(before);
        loading::read_back(&server, &get(server.address, Order::Ascending, &document), BULKS)?;
        rates.push(f64::from(BULKS * LINES) / (cpu_us as f64 / 1e6));
    }
    let (bound, aim) = RATE;
    let name = format!(":bulk: documents of {DOCUMENT_BYTES} bytes in a second of server CPU");
    Ok(Figure::new(name, "/s", rates)
        .map(|figure| figure.at_least(Some(bound)).aiming_at(Some(aim)))
        .into_iter()
        .collect())
}

/// Writes `bulks` bulks of `document` under keys in `order`, one after the other.
///
/// # Errors
/// A wrong answer, or the server ended.
pub fn load(server: &Server, document: &Template, order: Order, bulks: u32, progress: &Progress) -> Result<()> {
    server.explain(load_at(server.address, document, order, bulks, progress))
}

fn load_at(server: SocketAddr, document: &Template, order: Order, bulks: u32, progress: &Progress) -> Result<()> {
    let request = request(server, document, order);
    let answers: Vec<Template> = (0..LINES).map(|line| beginning(&order.key(line))).collect();
    let stream = TcpStream::connect(server).context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    let mut stream = BufReader::new(stream);
    let mut sent = Vec::new();
    for bulk in 0..bulks {
        sent.clear();
        request.append(bulk, &mut sent);
        stream.get_mut().write_all(&sent).context("sending a bulk")?;
        check(bulk, &answers, &answer(&mut stream)?)?;
        if bulk % 100 == 0 {
            progress.detail(&format!("{} of {} documents", bulk * LINES, bulks * LINES));
        }
    }
    Ok(())
}

/// Reads one document of each bulk.
fn get(server: SocketAddr, order: Order, document: &Template) -> Workload {
    let ask = Ask { method: "GET", target: &format!("/v1/docs/{}", order.key(LINES / 2)), fields: "", body: b"" };
    Workload::over_http("GET", server, &ask, &[Kind::Status(200)], Answer::Exactly(document.clone()))
}

fn request(server: SocketAddr, document: &Template, order: Order) -> Template {
    let mut body = Vec::new();
    for line in 0..LINES {
        body.extend_from_slice(format!("{{\"op\":\"put\",\"key\":\"{}\",\"value\":", order.key(line)).as_bytes());
        body.extend_from_slice(document.zero());
        body.extend_from_slice(b"}\n");
    }
    let fields = "Content-Type: application/x-ndjson\r\n";
    Ask { method: "POST", target: "/v1/docs:bulk", fields, body: &body }.template(server)
}

fn beginning(key: &str) -> Template {
    Template::new(format!("{{\"key\":\"{key}\",\"status\":201,\"version\":").into_bytes())
}

fn check(bulk: u32, answers: &[Template], answer: &[u8]) -> Result<()> {
    let lines = answer.strip_suffix(b"\n").unwrap_or(answer).split(|byte| *byte == b'\n');
    let mut found = 0;
    for (line, right) in lines.zip(answers) {
        ensure!(right.begins(bulk, line), "wrong answer to a line of bulk {bulk}: {}", line.escape_ascii());
        found += 1;
    }
    ensure!(found == answers.len(), "bulk {bulk} has {} lines, and its answer {found}", answers.len());
    Ok(())
}

/// The body of a reply in chunks: a stream has no length.
fn answer(stream: &mut impl BufRead) -> Result<Vec<u8>> {
    let status = line(stream)?;
    let mut is_chunked = false;
    loop {
        let field = line(stream)?;
        if field.is_empty() {
            break;
        }
        is_chunked |= field.eq_ignore_ascii_case("transfer-encoding: chunked");
    }
    ensure!(status.starts_with("HTTP/1.1 200 ") && is_chunked, "a bulk was answered with {status}");
    let mut body = Vec::new();
    loop {
        let size = line(stream)?;
        let Ok(size) = usize::from_str_radix(&size, 16) else { bail!("a chunk of {size:?} bytes") };
        ensure!(body.len() + size <= ANSWER_BYTES_MAX, "an answer of more than {ANSWER_BYTES_MAX} bytes");
        let read = stream.take(size as u64).read_to_end(&mut body).context("reading an answer")?;
        ensure!(read == size, "an answer ends within a chunk");
        ensure!(line(stream)?.is_empty(), "a chunk does not end where it should");
        if size == 0 {
            return Ok(body);
        }
    }
}

/// A line without its end.
fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    stream.take(1 << 10).read_line(&mut line).context("reading an answer")?;
    line.strip_suffix("\r\n").map(str::to_owned).with_context(|| format!("no line ends in {line:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_an_answer_is_held_against_its_key() {
        let answers = [0, 1].map(|line| beginning(&Order::Scattered.key(line)));
        let right = "{\"key\":\"000/key:00000007/end\",\"status\":201,\"version\":1}\n\
                     {\"key\":\"001/key:00000007/end\",\"status\":201,\"version\":2}\n";
        assert!(check(7, &answers, right.as_bytes()).is_ok());
        assert!(check(8, &answers, right.as_bytes()).is_err());
        assert!(check(7, &answers, right.replacen("201", "507", 1).as_bytes()).is_err());
        assert!(check(7, &answers, right.lines().next().unwrap().as_bytes()).is_err());
    }

    #[test]
    fn an_answer_in_chunks_is_put_together() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let read = |text: &str| answer(&mut text.as_bytes());
        assert_eq!(read(&format!("{head}3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n")).unwrap(), b"abc0123456789");
        for wrong in [
            format!("{head}4\r\nabc\r\n0\r\n\r\n"),
            format!("{head}3\r\nabc"),
            format!("{head}x\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_bulk_is_as_many_lines_of_json() {
        let document = workload::document(DOCUMENT_BYTES).unwrap();
        let mut sent = Vec::new();
        request("127.0.0.1:8080".parse().unwrap(), &document, Order::Ascending).append(12, &mut sent);
        let text = String::from_utf8(sent).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
        assert_eq!(body.lines().count(), LINES as usize);
        let last: serde_json::Value = serde_json::from_str(body.lines().last().unwrap()).unwrap();
        assert_eq!((&last["key"], &last["value"]["id"]), (&"key:00000012/999".into(), &"key:00000012".into()));
    }
}
