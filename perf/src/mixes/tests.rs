//! Mixes beside a server that keeps documents, and lies about them as it is told.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;

/// Documents.
const COUNT: u32 = 200;

/// What the server does wrong to the document of key 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// Nothing.
    None,
    /// Acknowledges the second write to it, and keeps the first.
    Forgets,
    /// Serves the end of another write with it.
    Tears,
    /// Serves another document instead.
    Confuses,
}

#[derive(Default)]
struct Documents {
    version: u64,
    bodies: HashMap<String, (u64, Vec<u8>)>,
}

fn serve(lie: Lie) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let documents = Arc::new(Mutex::new(Documents::default()));
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let documents = Arc::clone(&documents);
            std::thread::spawn(move || answer(stream, &documents, lie));
        }
    });
    address
}

/// Answers until the client goes.
fn answer(stream: TcpStream, documents: &Mutex<Documents>, lie: Lie) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| line != "\r\n") {
            let mut line = String::new();
            (reader.read_line(&mut line).ok()? > 0).then_some(())?;
            lines.push(line);
        }
        let length = lines.iter().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        let (is_get, key) =
            (lines[0].starts_with("GET"), lines[0][lines[0].find("key:")?..].split(' ').next()?.to_owned());
        let mut documents = documents.lock().unwrap();
        let (status, version, body) =
            if is_get { read(&documents, &key, lie) } else { write(&mut documents, key, body, lie) };
        let head = format!("HTTP/1.1 {status} X\r\nETag: \"{version}\"\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    }
}

fn read(documents: &Documents, key: &str, lie: Lie) -> (u16, u64, Vec<u8>) {
    let (version, mut body) = documents.bodies[key].clone();
    if key.ends_with("07") && lie == Lie::Tears {
        let end = body.len() - 3;
        body[end] = b'0' + (body[end] - b'0' + 1) % 10;
    }
    if key.ends_with("07") && lie == Lie::Confuses {
        body.clone_from(&documents.bodies["key:00000008"].1);
    }
    (200, version, body)
}

fn write(documents: &mut Documents, key: String, body: Vec<u8>, lie: Lie) -> (u16, u64, Vec<u8>) {
    documents.version += 1;
    let version = documents.version;
    let answer = format!("{{\"key\":\"{key}\",\"version\":{version}}}\n").into_bytes();
    let is_new = !documents.bodies.contains_key(&key);
    if is_new || !key.ends_with("07") || lie != Lie::Forgets {
        documents.bodies.insert(key, (version, body));
    }
    (if is_new { 201 } else { 200 }, version, answer)
}

/// Loads the documents, writes each once more, and asks for reads and writes at random.
fn run(lie: Lie) -> Result<u64> {
    const BOTH: Mix = Mix { name: "both", title: "both", paced: "", shares: &[(Op::Get, 50), (Op::Put, 50)] };
    let address = serve(lie);
    let requests = Requests::new(address, "/v1/docs", 200)?;
    let mut books = Books::new(COUNT);
    let mut fleet = Fleet::open(address, 4)?;
    let mut answered = 0;
    for mix in [&LOAD, &LOAD, &BOTH, &BOTH, &READ_BACK] {
        let asker = Asker::new(mix, &requests, &mut books, 3);
        let session =
            Session { workload: &asker, keys: Keys::once(0..COUNT), pace: Pace::Window(8), tally: Tally::new() };
        answered += fleet.exhaust(session, |_| {})?.answered;
    }
    Ok(answered)
}

#[test]
fn a_server_that_keeps_what_it_acknowledges_is_believed() {
    assert_eq!(run(Lie::None).unwrap(), 5 * u64::from(COUNT));
}

#[test]
fn a_server_that_lies_ends_the_run() {
    for lie in [Lie::Forgets, Lie::Tears, Lie::Confuses] {
        let error = format!("{:#}", run(lie).unwrap_err());
        assert!(error.starts_with("wrong answer to GET of key "), "{lie:?}: {error}");
        let reason = if lie == Lie::Forgets { ": stale: version " } else { ": not a whole document of that key" };
        assert!(error.contains(reason), "{lie:?}: {error}");
    }
}
