//! The ways into a server that a scenario is run over: straight into the service, and over a front's sockets.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use memory_tools::api::Handle;
use memory_tools::api::message::{
    Answer, Finished, Headers, Method, Part, Pulled, Request, RequestBody, Response, ResponseBody, Step, Taken, Work,
};
use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::base::disk::RealDisk;
use memory_tools::config::{self, Sources};
use memory_tools::server::{Parts, Server};
use tempfile::TempDir;

use super::delivery::Delivery;
use super::dice::{self, Dice};
use super::http::{self, Client, Sent};
use super::memory::SaidMemory;
pub use super::reply::Reply;
use super::reply::written;

/// When every scenario begins: 2026-11-22T19:00:00.000Z.
pub const START: UnixMillis = UnixMillis(1_795_374_000_000);

/// How long a reply may take that comes from another thread.
const PATIENCE: Duration = Duration::from_secs(20);

/// A way into a server whose clock the test moves.
pub trait Door {
    /// What it is, for messages.
    fn name(&self) -> &str;
    /// Sends one request.
    fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply;
    /// Sends several requests, as close behind one another as the door can; gives the replies in order.
    fn send_all(&mut self, requests: &[Sent<'_>]) -> Vec<Reply> {
        requests.iter().map(|sent| self.send(sent.method, sent.target, sent.headers, sent.body)).collect()
    }
    /// Moves the clock.
    fn advance(&mut self, millis: u64);
    /// Has so many bytes of memory be in use.
    fn use_memory(&mut self, bytes: u64) {
        self.house().memory.say(bytes);
        // They are looked at for it.
        assert_eq!(self.send("GET", "/v1/stats", &[], b"").status, 200);
    }
    /// The server behind it.
    fn house(&self) -> &House;
    /// Stops the server cleanly and starts it on the same folder.
    fn restart(&mut self);
}

/// A whole server in this process, on a port of its own, with a folder of its own.
pub struct House {
    /// The server; `None` only while it is being restarted.
    server: Option<Server>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// What it takes for its memory.
    pub memory: Arc<SaidMemory>,
    /// Its data folder.
    pub folder: TempDir,
    listens: Listens,
    flags: Vec<(String, String)>,
}

/// Where a house listens.
#[derive(Clone, Copy, Debug)]
pub enum Listens {
    /// On a free port of the loopback interface.
    OnTcp,
    /// On a Unix socket in its folder.
    OnUnixSocket,
}

impl House {
    /// Starts one with `flags` beside those that a test needs.
    pub fn start(flags: &[(&str, &str)]) -> House {
        House::listening(Listens::OnTcp, flags)
    }

    /// As `start`, elsewhere.
    pub fn listening(listens: Listens, flags: &[(&str, &str)]) -> House {
        let folder = tempfile::tempdir().expect("a folder");
        let flags = flags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (clock, memory) = (Arc::new(ManualClock::at(START)), Arc::default());
        let mut house = House { server: None, clock, memory, folder, listens, flags };
        house.open();
        house
    }

    /// The server.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    /// Starts the server on the folder.
    pub fn open(&mut self) {
        let in_folder = |name: &str| self.folder.path().join(name).to_str().expect("UTF-8").to_owned();
        let mut flags = vec![
            ("data-dir".to_owned(), in_folder("data")),
            ("shards".to_owned(), "16".to_owned()),
            ("pool-threads".to_owned(), "16".to_owned()),
            match self.listens {
                Listens::OnTcp => ("port".to_owned(), "127.0.0.1:0".to_owned()),
                Listens::OnUnixSocket => ("listen".to_owned(), format!("unix:{}", in_folder("socket"))),
            },
        ];
        flags.extend(self.flags.iter().cloned());
        let settings = config::load(&Sources { file: None, environment: Vec::new(), flags }).expect("a good config");
        let parts = Parts {
            clock: self.clock.clone(),
            disk: Arc::new(RealDisk),
            memory: self.memory.clone(),
            import_skip: false,
        };
        self.server = Some(Server::start(&settings, parts).expect("the server starts"));
    }

    /// Stops the server cleanly.
    pub fn close(&mut self) {
        self.server.take().expect("the server runs").stop().expect("the server stops cleanly");
    }

    /// A connection to it.
    pub fn client(&self) -> Client {
        self.client_delivering(Delivery::Whole)
    }

    /// A connection to it that delivers what it sends so.
    pub fn client_delivering(&self, delivery: Delivery) -> Client {
        Client::to(self.server().endpoints()[0].clone(), delivery).expect("connect")
    }
}

/// Straight into the service: no sockets.
pub struct Direct(pub House);

/// Over a front's sockets.
pub struct Wire {
    name: String,
    house: House,
    client: Client,
    delivery: Delivery,
    sends: Sends,
}

/// When the next request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    /// After the reply to the last one.
    OneByOne,
    /// At once.
    Pipelined,
}

impl Wire {
    fn over(name: impl Into<String>, house: House, delivery: Delivery, sends: Sends) -> Wire {
        let client = house.client_delivering(delivery.clone());
        Wire { name: name.into(), house, client, delivery, sends }
    }

    fn reactor(name: impl Into<String>, flags: &[(&str, &str)], delivery: Delivery, sends: Sends) -> Wire {
        Wire::over(name, House::start(&[REACTOR, flags].concat()), delivery, sends)
    }
}

/// The reactor, with more than one thread.
pub const REACTOR: &[(&str, &str)] = &[("front", "reactor"), ("reactor-threads", "2")];

/// Header fields of a request that comes without a front.
pub struct Fields<'a>(pub &'a [(&'a str, &'a str)]);

impl Headers for Fields<'_> {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        self.0.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name)).for_each(|(_, value)| each(value));
    }
}

/// The reply to a request whose body, if any, is here.
#[track_caller]
pub fn reply_to(handler: &dyn Handle, request: Request<'_>) -> Response {
    match handler.handle(request) {
        Answer::Reply(response) => response,
        Answer::Gather { .. } => panic!("the body is here"),
        Answer::Again => panic!("the journal is off"),
        Answer::Stream(mut intake) => {
            let RequestBody::Bytes(mut rest) = request.body else { panic!("{:?} is not here", request.body) };
            let mut taken = if rest.is_empty() { Taken::More } else { Taken::Again };
            while let Taken::Again = taken {
                taken = intake.take(std::mem::take(&mut rest));
            }
            match taken {
                Taken::More => match intake.finish(Ok(())) {
                    Finished::Reply(response) => response,
                    Finished::Work(work) => work_off(work),
                },
                Taken::Done(response) => response,
                Taken::Again | Taken::NoRoom => panic!("the journal is off"),
            }
        }
        Answer::Work(work) => work_off(work),
        Answer::Later(later) => {
            let (deliver, delivered) = crossbeam_channel::bounded(1);
            later(Box::new(move |response| deliver.send(response).expect("somebody listens")));
            delivered.recv_timeout(PATIENCE).expect("the reply comes")
        }
    }
}

fn work_off(mut work: Box<dyn Work>) -> Response {
    loop {
        match work.step() {
            Step::More => {}
            Step::NoRoom => panic!("the journal is off"),
            Step::Done(response) => return response,
        }
    }
}

impl Door for Direct {
    fn name(&self) -> &str {
        "the service itself"
    }

    fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let response = reply_to(
            self.0.server().api(),
            Request {
                method: Method::from_name(method),
                target,
                headers: &Fields(headers),
                body: RequestBody::Bytes(body),
            },
        );
        let headers = written(&response);
        let mut text = Vec::new();
        match response.body {
            ResponseBody::Pieces(pieces) => pieces.iter().for_each(|piece| text.extend_from_slice(piece.bytes())),
            ResponseBody::Stream(mut stream) => {
                let mut part = Part::new();
                loop {
                    let pulled = stream.pull(&mut part);
                    part.pieces().iter().for_each(|piece| text.extend_from_slice(piece.bytes()));
                    part.clear();
                    match pulled {
                        Pulled::More => {}
                        Pulled::Waits => {
                            let (wake, woken) = crossbeam_channel::bounded(1);
                            let at_most = stream.when_ready(Box::new(move || wake.send(()).unwrap_or_default()));
                            // Woken or not, it is pulled.
                            let _ = woken.recv_timeout(at_most);
                        }
                        Pulled::Ended => break,
                    }
                }
            }
        }
        if response.head_only {
            text.clear();
        }
        Reply { status: response.status, headers, body: text }
    }

    fn advance(&mut self, millis: u64) {
        self.0.clock.advance(millis);
    }

    fn house(&self) -> &House {
        &self.0
    }

    fn restart(&mut self) {
        self.0.close();
        self.0.open();
    }
}

impl Door for Wire {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        Reply::from(self.client.send(method, target, headers, body))
    }

    fn send_all(&mut self, requests: &[Sent<'_>]) -> Vec<Reply> {
        match self.sends {
            Sends::OneByOne => {
                requests.iter().map(|sent| self.send(sent.method, sent.target, sent.headers, sent.body)).collect()
            }
            Sends::Pipelined => {
                let answers = self.client.send_pipelined(requests);
                let answers = answers.unwrap_or_else(|error| panic!("over {}: {error}", self.name));
                answers.into_iter().map(Reply::from).collect()
            }
        }
    }

    fn advance(&mut self, millis: u64) {
        self.house.clock.advance(millis);
    }

    fn house(&self) -> &House {
        &self.house
    }

    fn restart(&mut self) {
        // A server that stops gives its clients a moment to close; this one has.
        self.client.half_close().expect("the connection is there");
        self.house.close();
        self.house.open();
        self.client = self.house.client_delivering(self.delivery.clone());
    }
}

impl From<http::Answer> for Reply {
    fn from(answer: http::Answer) -> Reply {
        Reply { status: answer.status, headers: answer.headers, body: answer.body }
    }
}

/// Every door, each to a fresh server.
pub fn every_door() -> Vec<Box<dyn Door>> {
    every_door_with(&[])
}

/// As `every_door`, each server with `flags`.
pub fn every_door_with(flags: &[(&str, &str)]) -> Vec<Box<dyn Door>> {
    let seed = seed();
    let splits = Delivery::InSplits(Dice::of(seed));
    let on_socket = House::listening(Listens::OnUnixSocket, &[REACTOR, flags].concat());
    let wires = [
        Wire::over(
            "the pool front",
            House::start(&[&[("front", "pool")], flags].concat()),
            Delivery::Whole,
            Sends::OneByOne,
        ),
        Wire::reactor("the reactor", flags, Delivery::Whole, Sends::OneByOne),
        Wire::reactor("the reactor, pipelined", flags, Delivery::Whole, Sends::Pipelined),
        Wire::reactor("the reactor, byte by byte", flags, Delivery::ByteByByte, Sends::OneByOne),
        Wire::reactor("the reactor, byte by byte and pipelined", flags, Delivery::ByteByByte, Sends::Pipelined),
        Wire::reactor(format!("the reactor, in splits of SEED={seed}"), flags, splits.clone(), Sends::OneByOne),
        Wire::reactor(format!("the reactor, pipelined in splits of SEED={seed}"), flags, splits, Sends::Pipelined),
        Wire::over("the reactor, on a Unix socket", on_socket, Delivery::Whole, Sends::OneByOne),
    ];
    let direct: Box<dyn Door> = Box::new(Direct(House::start(flags)));
    std::iter::once(direct).chain(wires.into_iter().map(|wire| Box::new(wire) as Box<dyn Door>)).collect()
}

/// Straight into the service, and over the reactor's sockets: for corpora, whose subject lies behind the fronts.
pub fn two_doors() -> [Box<dyn Door>; 2] {
    let direct = Direct(House::start(&[]));
    [Box::new(direct), Box::new(Wire::reactor("the reactor, pipelined", &[], Delivery::Whole, Sends::Pipelined))]
}

/// One seed for all doors of this process.
fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| dice::seed(env!("CARGO_CRATE_NAME")))
}
