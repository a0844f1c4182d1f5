//! Fronts on ports of their own, with doubles of everything that they stand on.
//!
//! A fact that holds for both fronts asks a `Side` to serve; what is particular to one has that front's options.
#![allow(dead_code, unused_imports)]

#[path = "wire/client.rs"]
mod client;
#[path = "wire/double.rs"]
mod double;
#[path = "wire/feed.rs"]
mod feed;
#[path = "wire/ledger.rs"]
mod ledger;
#[path = "wire/pauses.rs"]
mod pauses;
#[path = "wire/steps.rs"]
mod steps;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use memory_tools::base::clock::SystemClock;
use memory_tools::base::health::Health;
use memory_tools::base::threads::{Job, Spawn};
use memory_tools::front::framing::HeadLimits;
use memory_tools::front::pool::{self, Pool, PoolOptions};
use memory_tools::front::reactor::context::Rules;
use memory_tools::front::reactor::{self, Listening, Reactor, ReactorOptions};
use memory_tools::front::requests::Counted;
use memory_tools::front::{Front, Seams};

pub use client::Client;
pub use double::{Double, LIBRARY_BYTES, parts};
pub use ledger::Ledger;

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long a peer may be silent in tests of silence.
pub const SILENCE: Duration = Duration::from_millis(300);

/// A request that is answered at once.
pub const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

/// A GET of `target`.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// A PUT to `target`, with a body or a part of one.
pub fn put(target: &str, fields: &str, body: &str) -> String {
    format!("PUT {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{body}")
}

/// `body` in chunks of at most `size` bytes, with its end.
pub fn chunked(body: &str, size: usize) -> String {
    let chunk = |chunk: &[u8]| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8(chunk.to_vec()).unwrap());
    let chunks: String = body.as_bytes().chunks(size).map(chunk).collect();
    format!("{chunks}0\r\n\r\n")
}

/// Waits until `condition` holds; fails the test when it does not within `PATIENCE`.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> u64 {
    memory_pages(1) * 4096
}

/// Memory that this process was given, touched or not, in bytes.
pub fn virtual_bytes() -> u64 {
    memory_pages(0) * 4096
}

fn memory_pages(field: usize) -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(field).unwrap().parse().unwrap()
}

/// Set in the processes that `alone` starts.
const ALONE: &str = "WIRE_ALONE";

/// Runs the body of the test `name` in a process of its own, for what a test does to its whole process or measures of
/// it. `case` is handed to the body; the parent gives it one case after the other.
#[track_caller]
pub fn alone(name: &str, cases: &[&str], body: impl FnOnce(&str)) {
    if let Ok(case) = std::env::var(ALONE) {
        return body(&case);
    }
    for case in cases {
        let output = child(name, case);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "case {case:?}: {text}");
        assert!(text.contains("1 passed"), "the child ran nothing: {text}");
    }
}

/// True in a process that `alone` or `child` started.
pub fn is_child() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs the test `name` in a process of its own, where `is_child` holds.
pub fn child(name: &str, case: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, case)
        .output()
        .unwrap()
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

/// Threads' jobs, which run when the test says so.
#[derive(Default)]
pub struct Withheld(std::sync::Mutex<Vec<Job>>);

impl Spawn for Withheld {
    fn spawn(&self, _: &str, _: usize, job: Job) -> io::Result<()> {
        self.0.lock().unwrap().push(job);
        Ok(())
    }
}

impl Withheld {
    /// Runs what was withheld, on threads of its own.
    pub fn run(&self) -> Vec<std::thread::JoinHandle<()>> {
        self.0.lock().unwrap().drain(..).map(std::thread::spawn).collect()
    }
}

/// What a front stands on, with the doubles behind it.
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
        counters: Arc::default(),
        clock: Arc::new(SystemClock::start()),
        spawn,
    };
    Stage { seams, double, ledger, health }
}

/// Which front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Pool,
    Reactor,
}

/// What both fronts can be told.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Connections at once.
    pub connections_max: usize,
    /// How long a peer may be silent, between requests and within one.
    pub silence: Duration,
    /// How long a body may take.
    pub read_timeout: Duration,
    /// How long a reply may wait.
    pub write_timeout: Duration,
}

impl Setting {
    /// Some connections, which may not be silent for long.
    pub fn brisk() -> Setting {
        let silence = Duration::from_secs(1);
        Setting { connections_max: 16, silence, ..Setting::patient(16) }
    }

    /// Room for `connections_max` connections, and every timeout out of the way.
    pub fn patient(connections_max: usize) -> Setting {
        Setting { connections_max, silence: PATIENCE, read_timeout: PATIENCE, write_timeout: PATIENCE }
    }
}

impl Side {
    /// A front with `setting`.
    pub fn serve(self, setting: Setting) -> Served {
        self.serve_on(Arc::new(Threads::default()), setting)
    }

    /// As `serve`, with threads from `spawn`.
    pub fn serve_on(self, spawn: Arc<dyn Spawn>, setting: Setting) -> Served {
        let Setting { connections_max, silence, read_timeout, write_timeout } = setting;
        match self {
            Side::Pool => {
                let options = PoolOptions {
                    threads: connections_max,
                    socket_timeout: silence,
                    read_timeout,
                    write_timeout,
                    ..pool_options()
                };
                serve_pool_on(spawn, options).0
            }
            Side::Reactor => {
                let rules = Rules { read_timeout, write_timeout, idle_timeout: silence, ..rules() };
                serve_reactor_on(spawn, ReactorOptions { connections_max, rules, ..reactor_options() })
            }
        }
    }
}

/// How large a head may be, in either front.
pub const HEAD: HeadLimits = HeadLimits { target_bytes_max: 8 << 10, head_bytes_max: 32 << 10, header_count_max: 100 };

/// A pool with short timeouts, on a port that the kernel chooses.
pub fn pool_options() -> PoolOptions {
    PoolOptions {
        threads: 16,
        socket_timeout: SILENCE,
        read_timeout: Duration::from_secs(5),
        write_timeout: Duration::from_secs(5),
        limits: HEAD,
        lost_threads_max: 1,
        ..PoolOptions::at("127.0.0.1:0".parse().unwrap())
    }
}

/// Limits that are out of the way.
pub fn rules() -> Rules {
    Rules {
        head: HEAD,
        read_timeout: PATIENCE,
        write_timeout: PATIENCE,
        idle_timeout: PATIENCE,
        transfer_bytes_per_second_min: 1024,
        pipelined_requests_max: 128,
        unsent_bytes_max: 1 << 20,
        stream_buffer_bytes: 256 << 10,
        bodies_bytes_max: 1 << 30,
    }
}

/// A reactor of two threads whose limits are out of the way.
pub fn reactor_options() -> ReactorOptions {
    ReactorOptions {
        threads: 2,
        connections_max: 4096,
        connections_per_address_max: 0,
        rules: rules(),
        stack_bytes: 512 << 10,
    }
}

/// How connections have fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Served now.
    pub open: usize,
    /// Served, ever.
    pub accepted: u64,
    /// Turned away.
    pub refused: u64,
    /// Failures to accept one.
    pub accept_errors: u64,
}

/// A running front with its doubles.
pub struct Served {
    pub front: Arc<dyn Front>,
    pub double: Arc<Double>,
    pub ledger: Arc<Ledger>,
    pub health: Arc<Health>,
}

/// Serves with a pool.
pub fn serve_pool(options: PoolOptions) -> (Served, Pool) {
    serve_pool_on(Arc::new(Threads::default()), options)
}

/// As `serve_pool`, with threads from `spawn`.
pub fn serve_pool_on(spawn: Arc<dyn Spawn>, options: PoolOptions) -> (Served, Pool) {
    let Stage { seams, double, ledger, health } = seams(spawn);
    let pool = pool::bind(options).unwrap().serve(seams).unwrap();
    (Served { front: Arc::new(pool.clone()), double, ledger, health }, pool)
}

/// Serves with a reactor.
pub fn serve_reactor(options: ReactorOptions) -> Served {
    serve_reactor_on(Arc::new(Threads::default()), options)
}

/// Serves with a reactor under `rules`, whose one thread makes the order of things sure.
pub fn serve_rules(rules: Rules) -> Served {
    serve_reactor(ReactorOptions { threads: 1, rules, ..reactor_options() })
}

/// As `serve_reactor`, with threads from `spawn`.
pub fn serve_reactor_on(spawn: Arc<dyn Spawn>, options: ReactorOptions) -> Served {
    let Stage { seams, double, ledger, health } = seams(spawn);
    let listening = Listening::tcp("127.0.0.1:0".parse().unwrap(), options.threads).unwrap();
    let reactor = reactor::serve(options, vec![listening], seams).unwrap();
    Served { front: Arc::new(reactor), double, ledger, health }
}

impl Served {
    pub fn address(&self) -> SocketAddr {
        self.front.endpoints()[0].tcp().unwrap()
    }

    /// What is answered to `request`, whose write finds no room however often there is some, and which is given up when
    /// `write_timeout`, here `SILENCE`, is over: tries in vain do not begin the time again.
    pub fn given_up(&self, client: &mut Client, request: &str) -> client::Reply {
        let started = Instant::now();
        client.send(request);
        until("it is answered", || {
            self.ledger.make_room();
            client.is_readable()
        });
        let elapsed = started.elapsed();
        assert!(elapsed >= SILENCE && elapsed < SILENCE * 4, "{elapsed:?}");
        client.reply()
    }

    pub fn connect(&self) -> Client {
        Client::to(self.address())
    }

    pub fn counts(&self) -> Counts {
        let counters = self.front.counters();
        Counts {
            open: counters.connections_open.load(Ordering::SeqCst),
            accepted: counters.connections_accepted.load(Ordering::SeqCst),
            refused: counters.connections_refused.load(Ordering::SeqCst),
            accept_errors: counters.accept_errors.load(Ordering::SeqCst),
        }
    }

    /// What the front has counted once all that is under way is counted: as many as `requests`.
    #[track_caller]
    pub fn counted(&self, requests: u64) -> Counted {
        let read = || self.front.counters().requests.read();
        // A reply may be read before it is counted.
        until("all are counted", || read().requests.values().sum::<u64>() >= requests);
        let counted = read();
        assert_eq!(counted.requests.values().sum::<u64>(), requests, "{:?}", counted.requests);
        counted
    }

    /// Has every connection that can go on do so, where there is one thread.
    #[track_caller]
    pub fn settle(&self) {
        (0..3).for_each(|_| self.check_serves());
    }

    /// Asks over a connection of its own, and expects to be served.
    #[track_caller]
    pub fn check_serves(&self) {
        let mut client = self.connect();
        client.send(&get("/still-here"));
        assert_eq!(client.reply().text(), "GET /still-here 1\n");
    }
}
