//! A server that is nothing but its system calls: poll, one recv and one send a request, always the same reply. What it
//! takes is what the kernel takes of any server that answers over sockets in this way; the rest is the server's own.
//!
//! It is this program itself, started as a child. It reads no request: whatever comes at once is taken for one, which
//! is true of small requests that are not pipelined, over loopback. Whoever asks otherwise is disconnected.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::child::{Knock, Serve};
use crate::template::Template;

/// The first argument of this program that makes it such a server; address and the file of the reply follow.
pub const COMMAND: &str = "bare";

/// More than a request has.
const REQUEST_BYTES: usize = 4096;

/// Events taken from one poll.
const EVENTS: usize = 1024;

const LISTENER: Token = Token(usize::MAX);

/// This program, as such a server.
#[derive(Debug)]
pub struct Bare {
    program: PathBuf,
    reply: Vec<u8>,
}

impl Bare {
    /// Answering with `document` of key 0, and with the fields that ours sends.
    ///
    /// # Errors
    /// This program's own file is not known.
    pub fn new(document: &Template) -> Result<Bare> {
        let body = document.zero();
        let mut reply = format!(
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"100000\"\r\nCache-Control: no-cache\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        reply.extend_from_slice(body);
        Ok(Bare { program: std::env::current_exe().context("this program's own file is not known")?, reply })
    }
}

impl Serve for Bare {
    fn binary(&self) -> &Path {
        &self.program
    }

    fn arguments(&self, address: SocketAddr, scratch: &Path) -> Result<Vec<OsString>> {
        let file = scratch.join("reply");
        fs::write(&file, &self.reply)?;
        Ok(vec![COMMAND.into(), address.to_string().into(), file.into()])
    }

    fn knock(&self, address: SocketAddr) -> Knock {
        Knock::http(address, "/")
    }
}

/// Serves until it is killed; `arguments` are what stands behind `COMMAND`.
///
/// # Errors
/// The arguments are not an address and a file, or sockets cannot be had.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let [address, file] = arguments.as_slice() else { anyhow::bail!("{COMMAND} takes an address and a file") };
    let address = address.to_str().and_then(|text| text.parse().ok()).context("there is no such address")?;
    let reply = fs::read(file).with_context(|| format!("cannot read {}", Path::new(file).display()))?;
    serve(TcpListener::bind(address)?, &reply)
}

fn serve(mut listener: TcpListener, reply: &[u8]) -> Result<()> {
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(EVENTS);
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut asked = Vec::new();
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept_all(&listener, &poll, &mut streams)?;
            } else if let Some(stream) = streams.get_mut(event.token().0) {
                match stream.as_mut().map(read_once) {
                    Some(Ok(true)) => asked.push(event.token().0),
                    Some(Ok(false)) | None => {}
                    Some(Err(_)) => *stream = None,
                }
            }
        }
        for at in asked.drain(..) {
            let Some(place) = streams.get_mut(at) else { continue };
            let is_sent =
                place.as_mut().is_some_and(|stream| stream.write(reply).is_ok_and(|sent| sent == reply.len()));
            if !is_sent {
                *place = None;
            }
        }
    }
}

fn accept_all(listener: &TcpListener, poll: &Poll, streams: &mut Vec<Option<TcpStream>>) -> Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        stream.set_nodelay(true)?;
        let free = streams.iter().position(Option::is_none).unwrap_or(streams.len());
        poll.registry().register(&mut stream, Token(free), Interest::READABLE)?;
        if free == streams.len() {
            streams.push(None);
        }
        if let Some(place) = streams.get_mut(free) {
            *place = Some(stream);
        }
    }
}

/// True when a request has come.
fn read_once(stream: &mut TcpStream) -> Result<bool> {
    let mut request = [0; REQUEST_BYTES];
    match stream.read(&mut request) {
        Ok(0) => anyhow::bail!("closed"),
        Ok(read) => {
            ensure!(read < REQUEST_BYTES, "more than a request");
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;
    use crate::workload::document;

    #[test]
    fn each_request_on_each_connection_has_the_same_whole_reply() {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let bare = Bare::new(&document(1000).unwrap()).unwrap();
        let reply = bare.reply.clone();
        // It serves until the process of the tests ends.
        std::thread::spawn(move || serve(listener, &reply));
        for _ in 0..3 {
            let mut stream = BufReader::new(std::net::TcpStream::connect(address).unwrap());
            for _ in 0..2 {
                stream.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                let mut read = vec![0; bare.reply.len()];
                stream.read_exact(&mut read).unwrap();
                assert_eq!(read, bare.reply);
            }
            assert!(stream.buffer().is_empty(), "nothing is sent unasked");
        }
    }

    #[test]
    fn what_is_no_small_request_is_disconnected() {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || serve(listener, b"HTTP/1.1 200 OK\r\n\r\n"));
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(&[b'x'; 2 * REQUEST_BYTES]).unwrap();
        let mut rest = Vec::new();
        // A reset or an end, depending on what was left unread.
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty());
    }
}
