//! One connection whose far end is in the hands of the test.

use super::*;
use crate::workload::{Workload, document};
use std::net::TcpListener;

/// A connection whose far end is in the test's hands.
fn pair() -> (Connection, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = Connection::open(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    (connection, server)
}

fn request_of(workload: &Workload, key: u32) -> Vec<u8> {
    let mut out = Vec::new();
    workload.request.append(key, &mut out);
    out
}

fn read_exactly(server: &mut std::net::TcpStream, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    server.read_exact(&mut out).unwrap();
    out
}

/// Advances until `done` holds or the deadline has passed.
fn advance_until(
    connection: &mut Connection,
    session: &mut Session<'_>,
    done: impl Fn(&Session<'_>) -> bool,
) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !done(session) {
        assert!(Instant::now() < deadline, "still waiting with {} answered", session.tally.answered);
        connection.advance(session)?;
        std::thread::yield_now();
    }
    Ok(())
}

#[test]
fn each_answer_brings_the_next_request_even_when_it_comes_in_pieces() {
    let (mut connection, mut server) = pair();
    let document = document(100).unwrap();
    let get = Workload::get(server.local_addr().unwrap(), &document);
    let mut session = Session { workload: &get, keys: Keys::once(0..2), pace: Pace::Window(1), tally: Tally::new() };
    connection.advance(&mut session).unwrap();
    for key in 0..2 {
        let request = request_of(&get, key);
        assert_eq!(read_exactly(&mut server, request.len()), request);
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n".to_vec();
        document.append(key, &mut answer);
        for piece in answer.chunks(37) {
            server.write_all(piece).unwrap();
            connection.advance(&mut session).unwrap();
        }
        advance_until(&mut connection, &mut session, |session| session.tally.answered > u64::from(key)).unwrap();
    }
    assert!(!connection.waits());
    assert_eq!(session.tally.reply_bytes, 2 * 140);
    assert_eq!(session.tally.latency_ns.len(), 2);
}

#[test]
fn pipelined_requests_go_out_together_and_answers_are_matched_in_order() {
    let (mut connection, mut server) = pair();
    let document = document(64).unwrap();
    let put = Workload::put(server.local_addr().unwrap(), &document);
    let mut session = Session { workload: &put, keys: Keys::once(0..3), pace: Pace::Window(3), tally: Tally::new() };
    connection.advance(&mut session).unwrap();
    let requests: Vec<u8> = (0..3).flat_map(|key| request_of(&put, key)).collect();
    assert_eq!(read_exactly(&mut server, requests.len()), requests);
    let body = |key| format!("{{\"key\":\"key:{key:08}\",\"version\":1}}\n");
    let answer = |key| format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{}", body(key).len(), body(key));
    let both = [answer(0), answer(1)].concat();
    // Behind the digits of the second key, so that the two halves cannot be taken for each other.
    let (one_and_a_half, rest) = both.as_bytes().split_at(answer(0).len() + 70);
    server.write_all(one_and_a_half).unwrap();
    advance_until(&mut connection, &mut session, |session| session.tally.answered == 1).unwrap();
    server.write_all(rest).unwrap();
    advance_until(&mut connection, &mut session, |session| session.tally.answered == 2).unwrap();
    server.write_all(answer(1).as_bytes()).unwrap();
    let error = advance_until(&mut connection, &mut session, |_| false).unwrap_err();
    assert!(error.to_string().starts_with("wrong answer to PUT of key 2: status 201"), "{error}");
}

#[test]
fn a_batch_is_followed_by_the_next_only_when_it_is_answered_whole() {
    let (mut connection, mut server) = pair();
    let document = document(64).unwrap();
    let get = Workload::get(server.local_addr().unwrap(), &document);
    let mut session = Session { workload: &get, keys: Keys::once(0..4), pace: Pace::Batch(2), tally: Tally::new() };
    connection.advance(&mut session).unwrap();
    let batch = |keys: [u32; 2]| keys.map(|key| request_of(&get, key)).concat();
    assert_eq!(read_exactly(&mut server, batch([0, 1]).len()), batch([0, 1]));
    let answer = |key| {
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n".to_vec();
        document.append(key, &mut answer);
        answer
    };
    server.write_all(&answer(0)).unwrap();
    advance_until(&mut connection, &mut session, |session| session.tally.answered == 1).unwrap();
    server.set_nonblocking(true).unwrap();
    assert_eq!(server.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    server.set_nonblocking(false).unwrap();
    server.write_all(&answer(1)).unwrap();
    advance_until(&mut connection, &mut session, |session| session.tally.answered == 2).unwrap();
    assert_eq!(read_exactly(&mut server, batch([2, 3]).len()), batch([2, 3]));
}

#[test]
fn a_connection_that_ends_early_is_an_error() {
    let (mut connection, server) = pair();
    let get = Workload::get(server.local_addr().unwrap(), &document(64).unwrap());
    let mut session = Session { workload: &get, keys: Keys::once(0..1), pace: Pace::Window(1), tally: Tally::new() };
    connection.advance(&mut session).unwrap();
    assert!(connection.waits());
    server.shutdown(std::net::Shutdown::Write).unwrap();
    let error = advance_until(&mut connection, &mut session, |_| false).unwrap_err();
    assert_eq!(error.to_string(), "the server closed a connection with 1 answers missing");
}
