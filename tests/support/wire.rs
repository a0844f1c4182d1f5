//! A raw HTTP client with deadlines, and doubles of everything that a front stands on.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use memory_tools::api::Handle;
use memory_tools::api::message::{
    Answer, BodyFault, BodyStream, Deliver, Intake, Method, Part, Piece, Request, RequestBody, Response, ResponseBody,
    Value,
};
use memory_tools::base::clock::SystemClock;
use memory_tools::base::health::Health;
use memory_tools::base::threads::{Job, Spawn};
use memory_tools::front::Seams;
use memory_tools::front::pool::{Pool, PoolOptions, bind};
use memory_tools::model::{Document, Durability, Key, Lsn, NotDurable, Rest, Waker};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The socket timeout of most tests.
pub const SOCKET_TIMEOUT: Duration = Duration::from_millis(300);

/// Waits until `condition` holds; fails the test when it does not within `PATIENCE`.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Real threads.
#[derive(Default)]
pub struct Threads {
    /// True when no thread is to be had.
    pub exhausted: AtomicBool,
}

impl Spawn for Threads {
    fn spawn(&self, name: &str, stack_bytes: usize, job: Job) -> io::Result<()> {
        assert!(name.len() <= 15, "{name} is cut by the kernel");
        if self.exhausted.load(Ordering::SeqCst) {
            return Err(ErrorKind::WouldBlock.into());
        }
        std::thread::Builder::new().name(name.to_owned()).stack_size(stack_bytes).spawn(job).map(drop)
    }
}

/// Releases LSNs up to a bound that the test moves.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<(u64, Vec<(Lsn, Waker)>)>,
}

impl Ledger {
    /// Releases every reply up to `lsn`.
    pub fn release(&self, lsn: u64) {
        self.settle(|released| *released = lsn, Ok(()));
    }

    /// Tells every waiting reply that it never will be durable.
    pub fn fail(&self) {
        self.settle(|_| {}, Err(NotDurable));
    }

    /// Replies that wait.
    pub fn waiting(&self) -> usize {
        self.state.lock().unwrap().1.len()
    }

    fn settle(&self, change: impl FnOnce(&mut u64), outcome: Result<(), NotDurable>) {
        let mut state = self.state.lock().unwrap();
        change(&mut state.0);
        let released = state.0;
        let (leave, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.1).into_iter().partition(|(lsn, _)| outcome.is_err() || lsn.0 <= released);
        state.1 = stay;
        drop(state);
        for (_, waker) in leave {
            waker(outcome);
        }
    }
}

impl Durability for Ledger {
    fn is_released(&self, rest: Rest) -> bool {
        rest.lsn().0 <= self.state.lock().unwrap().0
    }

    fn when_durable(&self, rest: Rest, waker: Waker) {
        let mut state = self.state.lock().unwrap();
        if rest.lsn().0 <= state.0 {
            drop(state);
            return waker(Ok(()));
        }
        state.1.push((rest.lsn(), waker));
    }
}

/// Answers by path, and counts what it was asked.
///
/// `/echo` gives back the body, `/gather?N` too if it has at most N bytes, `/intake` counts what it is given and breaks
/// off at a part with "stop" in it, `/ignore` and `/forget` do not want the body, `/big?N` has N bytes, `/parts` is a
/// stream, `/slow` waits for the gate, `/later` has another thread wait for it, `/lost` never delivers, `/lsn/N` rests
/// on N, anything else says its target.
pub struct Double {
    /// Requests that reached the handler; one that is asked again with its body is the same.
    pub handled: AtomicUsize,
    /// Targets in order.
    pub targets: Mutex<Vec<String>>,
    /// Opens `/slow` and `/later`, one message per request.
    pub gate: (Sender<()>, Receiver<()>),
    /// What became of bodies that will never be whole.
    pub faults: Arc<Mutex<Vec<BodyFault>>>,
}

impl Default for Double {
    fn default() -> Double {
        Double {
            handled: AtomicUsize::new(0),
            targets: Mutex::default(),
            gate: crossbeam_channel::unbounded(),
            faults: Arc::default(),
        }
    }
}

/// Parts as bytes, and at last a document that is too large to be copied.
struct Parts(VecDeque<&'static str>);

impl BodyStream for Parts {
    fn pull(&mut self, part: &mut Part) -> bool {
        match self.0.pop_front() {
            Some("document") => part.push_document(large_document()),
            Some(bytes) => part.push_bytes(bytes.as_bytes()),
            None => return false,
        }
        true
    }
}

/// What ends `/parts`.
pub fn large_document() -> Document {
    Document::new(Key::new("k").unwrap(), "7".repeat(100_000).as_bytes())
}

/// Counts, and notes how it ended.
struct Count {
    bytes: usize,
    faults: Arc<Mutex<Vec<BodyFault>>>,
}

impl Intake for Count {
    fn take(&mut self, part: &[u8]) -> ControlFlow<Response> {
        assert!(!part.is_empty());
        self.bytes += part.len();
        if part.windows(4).any(|window| window == b"stop") {
            return ControlFlow::Break(text(422, format!("stopped after {} bytes\n", self.bytes)));
        }
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>, end: Result<(), BodyFault>) -> Response {
        match end {
            Ok(()) => text(200, format!("{} bytes\n", self.bytes)),
            Err(fault) => failed(&self.faults, fault),
        }
    }
}

fn text(status: u16, text: String) -> Response {
    Response::new(status).with_piece(Piece::Owned(text.into_bytes()))
}

fn failed(faults: &Mutex<Vec<BodyFault>>, fault: BodyFault) -> Response {
    faults.lock().unwrap().push(fault);
    let status = match fault {
        BodyFault::TooLarge => 413,
        BodyFault::EndUnclear => 411,
        BodyFault::Malformed => 400,
        BodyFault::Stalled { .. } | BodyFault::Incomplete { .. } => 408,
    };
    text(status, format!("{fault:?}\n"))
}

impl Handle for Double {
    fn handle(&self, request: Request<'_>) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
        let bytes_max = match path {
            "/echo" => Some(usize::MAX),
            "/gather" => Some(query.parse().unwrap()),
            _ => None,
        };
        if let (Some(bytes_max), RequestBody::Awaited { .. }) = (bytes_max, request.body) {
            return Answer::Gather { bytes_max };
        }
        self.handled.fetch_add(1, Ordering::SeqCst);
        self.targets.lock().unwrap().push(request.target.to_owned());
        let mut response = match path {
            "/echo" | "/gather" => match request.body {
                RequestBody::Bytes(bytes) => Response::new(200).with_piece(Piece::Owned(bytes.to_vec())),
                RequestBody::Failed(fault) => failed(&self.faults, fault),
                RequestBody::Awaited { .. } => unreachable!("it was gathered"),
            },
            "/intake" => return Answer::Stream(Box::new(Count { bytes: 0, faults: self.faults.clone() })),
            "/later" => {
                let gate = self.gate.1.clone();
                return Answer::Later(Box::new(move |deliver| deliver_later(gate, deliver)));
            }
            "/lost" => return Answer::Later(Box::new(drop)),
            "/ignore" => Response::new(413).with_piece(Piece::Static(b"not read\n")),
            "/big" => Response::new(200).with_piece(Piece::Owned(vec![b'x'; query.parse().unwrap()])),
            "/parts" => {
                let mut response = Response::new(200);
                response.body = ResponseBody::Stream(Box::new(Parts(["one ", "", "two ", "document"].into())));
                response
            }
            "/slow" => {
                let _ = self.gate.1.recv_timeout(PATIENCE);
                Response::new(200).with_piece(Piece::Static(b"slow\n"))
            }
            "/forget" => Response::new(200),
            "/none" => Response::new(204),
            _ => {
                let mut hosts = 0;
                request.headers.each("hOsT", &mut |_| hosts += 1);
                let line = format!("{} {} {hosts}\n", request.method.name(), request.target);
                text(200, line).with("ETag", Value::EntityTag(7))
            }
        };
        if let Some(lsn) = path.strip_prefix("/lsn/") {
            response = response.resting_on(Rest::Written(Lsn(lsn.parse().unwrap())));
        }
        response.head_only = request.method == Method::Head;
        Answer::Reply(response)
    }
}

/// Delivers from another thread when the gate opens. The reply rests on 10.
fn deliver_later(gate: Receiver<()>, deliver: Deliver) {
    std::thread::spawn(move || {
        let _ = gate.recv_timeout(PATIENCE);
        deliver(text(200, "later\n".to_owned()).resting_on(Rest::Written(Lsn(10))));
    });
}

impl Double {
    /// Requests that reached the handler.
    pub fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }
}

/// A pool on a port of its own, with its doubles.
pub struct Served {
    pub pool: Pool,
    pub double: Arc<Double>,
    pub ledger: Arc<Ledger>,
    pub health: Arc<Health>,
    pub threads: Arc<Threads>,
}

/// Options with short timeouts, on a port that the kernel chooses.
pub fn options() -> PoolOptions {
    PoolOptions {
        threads: 16,
        socket_timeout: SOCKET_TIMEOUT,
        read_timeout: Duration::from_secs(5),
        write_timeout: Duration::from_secs(5),
        lost_threads_max: 1,
        ..PoolOptions::at("127.0.0.1:0".parse().unwrap())
    }
}

/// What a pool stands on, with the doubles behind it.
pub struct Stage {
    pub seams: Seams,
    pub double: Arc<Double>,
    pub ledger: Arc<Ledger>,
    pub health: Arc<Health>,
}

/// Doubles, and threads from `spawn`.
pub fn seams(spawn: Arc<dyn Spawn>) -> Stage {
    let double = Arc::new(Double::default());
    let ledger = Arc::new(Ledger::default());
    let health = Arc::new(Health::default());
    let seams = Seams {
        handler: double.clone(),
        durability: ledger.clone(),
        health: health.clone(),
        clock: Arc::new(SystemClock::start()),
        spawn,
    };
    Stage { seams, double, ledger, health }
}

/// Serves with `options`.
pub fn serve(options: PoolOptions) -> Served {
    let threads = Arc::new(Threads::default());
    let Stage { seams, double, ledger, health } = seams(threads.clone());
    let pool = bind(options).unwrap().serve(seams).unwrap();
    Served { pool, double, ledger, health, threads }
}

impl Served {
    pub fn connect(&self) -> Client {
        Client::to(self.pool.local_address())
    }

    /// Asks over a connection of its own, and expects to be served.
    #[track_caller]
    pub fn check_serves(&self) {
        let mut client = self.connect();
        client.send("GET /still-here HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.reply().text(), "GET /still-here 1\n");
    }
}

/// A reply, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The value of the field `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    pub fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, read: Vec::new() }
    }

    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).unwrap();
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends no more; nothing, where the other side has closed already.
    pub fn half_close(&mut self) {
        if let Err(error) = self.stream.shutdown(Shutdown::Write) {
            assert_eq!(error.kind(), ErrorKind::NotConnected);
        }
    }

    /// The next reply, which must come.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        self.reply_to("GET").expect("a reply")
    }

    /// The next reply to a HEAD.
    #[track_caller]
    pub fn head_reply(&mut self) -> Reply {
        self.reply_to("HEAD").expect("a reply")
    }

    /// The next reply, or how the connection ended before it.
    pub fn try_reply(&mut self) -> io::Result<Reply> {
        self.reply_to("GET")
    }

    fn reply_to(&mut self, method: &str) -> io::Result<Reply> {
        let end = self.find(b"\r\n\r\n")?;
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let status =
            head.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(|| io::Error::other(head.clone()))?;
        let mut reply = Reply { status, head, body: Vec::new() };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Ok(reply);
        }
        if let Some(length) = reply.field("Content-Length") {
            let length = length.parse().map_err(io::Error::other)?;
            self.fill(length)?;
            reply.body = self.read.drain(..length).collect();
        } else if reply.field("Transfer-Encoding") == Some("chunked") {
            loop {
                let end = self.find(b"\r\n")?;
                let line: Vec<u8> = self.read.drain(..end + 2).collect();
                let length =
                    usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).map_err(io::Error::other)?;
                self.fill(length + 2)?;
                reply.body.extend(self.read.drain(..length));
                assert_eq!(self.read.drain(..2).collect::<Vec<u8>>(), b"\r\n");
                if length == 0 {
                    break;
                }
            }
        } else {
            while self.more()? {}
            reply.body = std::mem::take(&mut self.read);
        }
        Ok(reply)
    }

    /// Everything that still comes, up to the end of the connection; a reset is an end.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        loop {
            match self.more() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the connection is still open: {error}"),
            }
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// Reads to the end of the connection, which must come as one.
    #[track_caller]
    pub fn check_ends_without_reset(&mut self) {
        while self.more().expect("no reset") {}
        assert_eq!(self.read, b"");
    }

    /// True once the other side has closed; does not wait.
    pub fn is_closed(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let closed = loop {
            match self.more() {
                Ok(true) => {}
                Ok(false) => break true,
                Err(error) => break error.kind() != ErrorKind::WouldBlock,
            }
        };
        self.stream.set_nonblocking(false).unwrap();
        closed
    }

    fn find(&mut self, pattern: &[u8]) -> io::Result<usize> {
        loop {
            if let Some(at) = self.read.windows(pattern.len()).position(|window| window == pattern) {
                return Ok(at);
            }
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.read.len() < length {
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 << 10];
        let read = self.stream.read(&mut buffer)?;
        self.read.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
