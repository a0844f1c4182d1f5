//! Hostile clients against the real binary and its reactor, while somebody else asks for a document every 10 ms.
//!
//! Each test starts a server, measures it at rest, lets a crowd do its worst, and then wants three things. Whoever
//! behaved was served with a 99th percentile under `P99_MAX`, on top of what it is meanwhile at a second server that
//! nobody attacks: that part is the machine's and the crowd's own doing. Memory stayed under a bound that the test
//! states. Descriptors, threads and memory came back to what they were.
//! They need a machine for themselves, so they run one at a time, and only when they are named (`make test-slow`).

mod support;

#[path = "overload/crowd.rs"]
mod crowd;
#[path = "overload/probe.rs"]
mod probe;
#[path = "overload/vitals.rs"]
mod vitals;

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crowd::{Afterwards, Crowd, Habit, Reading};
use parking_lot::{Mutex, MutexGuard};
use probe::{Probe, Seen};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use support::left_out;
use support::process::{Ground, PATIENCE, Server, until};
use vitals::{Kernel, Vitals, Watch};

/// What a GET may take, 99 times of 100, beyond what it takes at a server that is not attacked.
const P99_MAX: Duration = Duration::from_millis(50);

/// Resident memory that an attack may leave behind: free memory that the allocator keeps, and tables that do not
/// shrink.
const LEFT_BEHIND_KIB: u64 = 16 << 10;

/// Descriptors that these tests need.
const DESCRIPTORS: u64 = 12_000;

/// How long an attack lasts that has no end of its own.
const SIEGE: Duration = Duration::from_secs(8);

/// A flood of connections: so many, and then a pause. Whoever waits for nothing could fill the queue before any
/// server, and then the probe would measure the queue.
const FLOOD_AT_ONCE: usize = 100;

/// As above.
const FLOOD_PAUSE: Duration = Duration::from_millis(30);

/// The document that is asked for meanwhile.
const WANTED: &str = "/v1/docs/wanted";

static ALONE: Mutex<()> = Mutex::new(());

/// A server, and how it was before the attack.
struct Siege {
    name: &'static str,
    server: Server,
    /// A server that nobody attacks: what asking it takes is the machine's.
    control: Server,
    base: Vitals,
    // Dropped last.
    _grounds: [Ground; 2],
    _alone: MutexGuard<'static, ()>,
}

/// What was measured during an attack.
struct Course {
    seen: Seen,
    /// The same at the server that is not attacked.
    elsewhere: Seen,
    /// The most that the server held, as far as it was looked at.
    peak: Vitals,
}

impl Siege {
    /// Starts a server with `flags` and `documents`, and measures it at rest.
    fn lay(name: &'static str, flags: &[&str], documents: &[(&str, &str)]) -> Siege {
        let alone = ALONE.lock();
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("the hard limit is allowed");
        assert!(
            limit.maximum.is_none_or(|most| most >= DESCRIPTORS),
            "{DESCRIPTORS} descriptors are needed (ulimit -Hn)"
        );
        let grounds = [Ground::over("reactor"), Ground::over("reactor")];
        let [server, control] = grounds
            .each_ref()
            .map(|ground| ground.start(&[&["--read-timeout", "2s", "--write-timeout", "2s"], flags].concat()));
        let vitals = || Vitals::of(server.process.pid());
        let descriptors = vitals().descriptors;
        assert_eq!(control.client().send("PUT", WANTED, &[], b"{\"wanted\":true}").status, 201);
        let mut client = server.client();
        for (target, document) in documents.iter().chain(&[(WANTED, "{\"wanted\":true}")]) {
            assert_eq!(client.send("PUT", target, &[], document.as_bytes()).status, 201);
        }
        drop(client);
        let probe = Probe::of(server.address, WANTED);
        std::thread::park_timeout(Duration::from_secs(2));
        let Seen { fresh, kept } = probe.finish();
        assert!(fresh.is_only(&["200"]) && kept.is_only(&["200"]), "{name}: {fresh} {kept}");
        until("the end of the probe's connections", || vitals().descriptors == descriptors);
        let base = vitals();
        Siege { name, server, control, base, _grounds: grounds, _alone: alone }
    }

    fn vitals(&self) -> Vitals {
        Vitals::of(self.server.process.pid())
    }

    /// Has `attack` go on while somebody asks for a document.
    fn during<T>(&self, attack: impl FnOnce() -> T) -> (T, Course) {
        let [probe, elsewhere] = [&self.server, &self.control].map(|server| Probe::of(server.address, WANTED));
        let watch = Watch::over(self.server.process.pid());
        let outcome = attack();
        (outcome, Course { seen: probe.finish(), elsewhere: elsewhere.finish(), peak: watch.finish() })
    }

    /// Whoever asked during the attack was served, and in time.
    #[track_caller]
    fn assert_served(&self, course: &Course) {
        self.assert_answered(course, &["200"]);
    }

    /// As `assert_served`, where a new connection may also be given one of `allowed`.
    #[track_caller]
    fn assert_answered(&self, course: &Course, allowed: &[&str]) {
        let Course { seen, elsewhere, peak } = course;
        println!("{}: at rest {}; peak {peak}", self.name, self.base);
        println!("{}: new connections: {}; elsewhere {}", self.name, seen.fresh, elsewhere.fresh);
        println!("{}: kept connection: {}; elsewhere {}", self.name, seen.kept, elsewhere.kept);
        assert!(seen.fresh.is_only(allowed), "{}: new connections: {}", self.name, seen.fresh);
        assert!(seen.kept.is_only(&["200"]), "{}: the kept connection: {}", self.name, seen.kept);
        for (kind, here, there) in [("new", &seen.fresh, &elsewhere.fresh), ("kept", &seen.kept, &elsewhere.kept)] {
            let (p99, bound) = (here.p99(), P99_MAX + there.p99());
            assert!(p99 < bound, "{}: p99 {p99:?} over a {kind} connection, at most {bound:?}", self.name);
        }
    }

    /// The server never held more than `kib` beyond what it held at rest.
    #[track_caller]
    fn assert_held_at_most(&self, course: &Course, kib: u64) {
        let held = course.peak.resident_kib.saturating_sub(self.base.resident_kib);
        assert!(held <= kib, "{}: {held} KiB more than at rest, at most {kib}", self.name);
    }

    /// The server comes back to what it held at rest, and stops cleanly.
    #[track_caller]
    fn lift(self) {
        self.lift_leaving(LEFT_BEHIND_KIB);
    }

    /// As `lift`, with so much memory left behind.
    #[track_caller]
    fn lift_leaving(self, kib: u64) {
        let (name, base) = (self.name, self.base);
        let began = Instant::now();
        let mut client = self.server.client();
        loop {
            let now = self.vitals();
            // This client has one.
            if (now.descriptors, now.threads) == (base.descriptors + 1, base.threads)
                && now.resident_kib <= base.resident_kib + kib
            {
                println!("{name}: {:.1?} later {now}", began.elapsed());
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{name}: at rest it held {base}, now and with one client {now}");
            // A server gives memory back while it works.
            client.send("GET", WANTED, &[], b"");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        drop(client);
        self.server.stop();
    }
}

/// A crowd that sends a byte each second, and comes back when it is shut out.
fn drips(opening: &str, drip: &str) -> Habit {
    Habit {
        opening: opening.into(),
        drip: drip.into(),
        drip_every: Duration::from_secs(1),
        reading: Reading::Everything,
        afterwards: Afterwards::ComesBack,
    }
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_go_by_themselves() {
    const CONNECTIONS: usize = 10_000;
    const KIB_EACH_MAX: u64 = 6;
    let siege = Siege::lay("idle", &["--idle-timeout", "12s"], &[]);
    let get = format!("GET {WANTED} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut crowd = Crowd::gather(siege.server.address, CONNECTIONS, Habit { drip: Vec::new(), ..drips(&get, "") });
    // All are there, and read their answers: then they are silent.
    crowd.tick();
    let ((), course) = siege.during(|| crowd.go_on(Duration::from_secs(5)));
    let held = siege.vitals();
    assert!(held.descriptors >= siege.base.descriptors + CONNECTIONS, "{held}");
    let kib = held.resident_kib.saturating_sub(siege.base.resident_kib);
    println!("idle: {kib} KiB for {CONNECTIONS} connections: {} bytes each", kib * 1024 / CONNECTIONS as u64);
    assert!(kib <= KIB_EACH_MAX * CONNECTIONS as u64, "{kib} KiB for {CONNECTIONS} idle connections");
    assert_eq!((crowd.present(), crowd.ended), (CONNECTIONS, 0));
    siege.assert_served(&course);
    // Nobody hangs up here; idle_timeout ends them.
    siege.lift();
    drop(crowd);
}

#[test]
fn slow_heads_are_shut_out() {
    let siege = Siege::lay("slow heads", &[], &[]);
    let habit = drips("GET / HTTP/1.1\r\nHost: localhost\r\nSlow: ", "x");
    check_slow_senders(siege, habit, 8 << 10);
}

#[test]
fn slow_bodies_are_shut_out() {
    let siege = Siege::lay("slow bodies", &[], &[]);
    let habit = drips("PUT /v1/docs/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", "x");
    check_slow_senders(siege, habit, 8 << 10);
}

#[test]
fn slow_chunks_are_shut_out() {
    let siege = Siege::lay("slow chunks", &[], &[]);
    let opening = "PUT /v1/docs/slow HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_slow_senders(siege, drips(opening, "1\r\nx\r\n"), 8 << 10);
}

/// Clients of this kind are answered 408 and put out, and come back, for a while.
fn check_slow_senders(siege: Siege, habit: Habit, kib_beside_connections: u64) {
    const CLIENTS: usize = 5_000;
    let (crowd, course) = siege.during(|| {
        let mut crowd = Crowd::gather(siege.server.address, CLIENTS, habit);
        crowd.go_on(SIEGE);
        crowd
    });
    println!("{}: {} answered, {} ended", siege.name, crowd.refused, crowd.ended);
    assert!(crowd.refused >= CLIENTS, "{} of {CLIENTS} were told 408", crowd.refused);
    siege.assert_served(&course);
    siege.assert_held_at_most(&course, 6 * CLIENTS as u64 + kib_beside_connections);
    drop(crowd);
    siege.lift();
}

#[test]
fn slow_readers_are_shut_out_and_leave_nothing_in_the_kernel() {
    const CLIENTS: usize = 5_000;
    let document = format!("\"{}\"", "x".repeat(256 << 10));
    let siege = Siege::lay("slow readers", &[], &[("/v1/docs/large", &document)]);
    let kernel = Kernel::now();
    let opening = "GET /v1/docs/large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (reading, afterwards) = (Reading::ByteByByte, Afterwards::StaysAway);
    let habit = Habit { drip: Vec::new(), reading, afterwards, ..drips(opening, "") };
    let (crowd, course) = siege.during(|| {
        let mut crowd = Crowd::gather(siege.server.address, CLIENTS, habit);
        crowd.go_on(Duration::from_secs(1));
        let buffers_kib = Kernel::now().buffers_kib.saturating_sub(kernel.buffers_kib);
        println!("slow readers: {buffers_kib} KiB of buffers in the kernel");
        crowd.go_on(SIEGE);
        crowd
    });
    println!("{}: {} ended, {:?}", siege.name, crowd.ended, Kernel::now());
    assert_eq!(crowd.ended, CLIENTS, "not all were put out");
    siege.assert_served(&course);
    // The document is sent by reference; each client costs its connection.
    siege.assert_held_at_most(&course, 8 * CLIENTS as u64);
    until("the kernel to be free of their replies", || Kernel::now().orphans <= kernel.orphans + 10);
    drop(crowd);
    siege.lift();
}

#[test]
fn a_flood_of_connections_that_close_at_once_is_survived() {
    for (name, ending) in [("FIN", Ending::Fin), ("RST", Ending::Rst), ("request and RST", Ending::AskAndRst)] {
        let siege = Siege::lay(name, &[], &[]);
        let (count, course) = siege.during(|| {
            let began = Instant::now();
            let mut count = 0;
            while began.elapsed() < SIEGE / 2 {
                let Ok(mut stream) = crowd::connect(siege.server.address, count, Reading::Everything) else { continue };
                count += 1;
                if count % FLOOD_AT_ONCE == 0 {
                    std::thread::park_timeout(FLOOD_PAUSE);
                }
                match ending {
                    // The peer closes first, or this side's ports would be used up.
                    Ending::Fin => stream.shutdown(std::net::Shutdown::Write).expect("it is connected"),
                    Ending::Rst => crowd::will_reset(&stream),
                    Ending::AskAndRst => {
                        crowd::will_reset(&stream);
                        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is connected");
                    }
                }
                if matches!(ending, Ending::Fin) {
                    let _ = stream.read(&mut [0; 1]);
                    crowd::will_reset(&stream);
                }
            }
            count
        });
        println!("{name}: {count} connections");
        assert!(count > 1000, "{name}: {count} connections were no flood");
        siege.assert_served(&course);
        siege.assert_held_at_most(&course, 8 << 10);
        siege.lift();
    }
}

/// How a client of a flood ends its connection.
#[derive(Clone, Copy)]
enum Ending {
    Fin,
    Rst,
    AskAndRst,
}

#[test]
fn connections_beyond_connections_max_are_told_so_and_those_within_are_served() {
    const ROOM: usize = 500;
    const WITHIN: usize = 450;
    let room = ROOM.to_string();
    let flags = ["--connections-max", &room, "--idle-timeout", "60s"];
    let siege = Siege::lay("connections_max", &flags, &[]);
    let get = format!("GET {WANTED} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let habit = Habit { drip: Vec::new(), ..drips(&get, "") };
    let (crowds, course) = siege.during(|| {
        // The probe has one, and those that it has just closed.
        let mut within = Crowd::gather(siege.server.address, WITHIN, habit.clone());
        // Each thread has its own queue: a later one could pass them in the other.
        until("an answer to each of those within", || {
            within.tick();
            within.served == WITHIN
        });
        let mut full =
            Crowd::gather(siege.server.address, 2 * (ROOM - WITHIN), Habit { drip: Vec::new(), ..drips("", "") });
        until("a connection that is turned away", || {
            full.tick();
            full.ended > 0
        });
        let told = siege.server.client().send("GET", WANTED, &[], b"");
        assert_eq!((told.status, told.header("Retry-After")), (503, Some("1")), "{told:?}");
        drop(full);
        let mut beyond = Crowd::gather(siege.server.address, 2_000, habit);
        let until = Instant::now() + SIEGE;
        while Instant::now() < until {
            within.tick();
            beyond.go_on(Duration::from_millis(200));
        }
        assert_eq!((within.present(), within.ended), (WITHIN, 0), "those within were served");
        (within, beyond)
    });
    println!("connections_max: {} were turned away", crowds.1.ended);
    assert!(crowds.1.ended >= 2_000);
    // More than a few hundred at a time are turned away without a word.
    siege.assert_answered(&course, &["200", "503", "connection reset", "unexpected end of file"]);
    assert!(course.seen.fresh.count("503") > 0, "{}", course.seen.fresh);
    siege.assert_held_at_most(&course, 16 << 10);
    drop(crowds);
    siege.lift();
}

#[test]
fn endless_header_lines_are_refused_at_the_limit() {
    let siege = Siege::lay("header lines", &[], &[]);
    let part = "x".repeat(1 << 20);
    let ((), course) = siege.during(|| {
        let began = Instant::now();
        while began.elapsed() < SIEGE / 2 {
            for opening in ["GET / HTTP/1.1\r\nLong: ", "GET /", ""] {
                check_refused(&siege, 0, opening.as_bytes(), part.as_bytes(), 200);
            }
        }
    });
    siege.assert_served(&course);
    siege.assert_held_at_most(&course, 8 << 10);
    siege.lift();
}

/// Sends `opening` and then `part` so many `times`; the server ends that early, with a refusal if the client comes to
/// read it.
fn check_refused(siege: &Siege, number: usize, opening: &[u8], part: &[u8], times: usize) {
    let mut stream = crowd::connect(siege.server.address, number, Reading::Everything).expect("connect");
    stream.write_all(opening).expect("it is connected");
    let sent = (0..times).take_while(|_| stream.write_all(part).is_ok()).count();
    assert!(sent < times, "{}: all of {times} parts were taken", siege.name);
    let mut answer = Vec::new();
    // The reset that ended the sending may have overtaken the answer.
    if stream.read_to_end(&mut answer).is_ok() {
        // A method without an end is a 501, a target a 414, anything else a 431.
        let is_refusal = answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.1 501");
        assert!(is_refusal, "{}: {:?}", siege.name, String::from_utf8_lossy(&answer));
    }
}

#[test]
fn bodies_beyond_the_limit_are_refused_announced_or_not() {
    const LIMIT_KIB: u64 = 1024;
    const CLIENTS: usize = 64;
    let flags = ["--document-bytes-max", "1MiB", "--bodies-bytes-max", "16MiB"];
    let siege = Siege::lay("large bodies", &flags, &[]);
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let head = "PUT /v1/docs/large HTTP/1.1\r\nHost: localhost\r\n";
    let announced = format!("{head}Content-Length: 100000000000\r\n\r\n");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let address = siege.server.address;
    let ((), course) = siege.during(|| {
        let part = "x".repeat(0x10000);
        let began = Instant::now();
        for number in (0..).take_while(|_| began.elapsed() < SIEGE / 2) {
            check_refused(&siege, number, announced.as_bytes(), part.as_bytes(), 4096);
            check_refused(&siege, number, chunked.as_bytes(), chunk.as_bytes(), 4096);
        }
        // And all at once, each as much as it may, none to its end.
        let mut together: Vec<_> =
            (0..CLIENTS).map(|number| crowd::connect(address, number, Reading::Everything).expect("connect")).collect();
        for stream in &mut together {
            stream.write_all(chunked.as_bytes()).expect("it is connected");
            for _ in 0..15 {
                // Some are told 503 before: all together are over bodies_bytes_max.
                let _ = stream.write_all(chunk.as_bytes());
            }
        }
    });
    siege.assert_served(&course);
    // What bodies may take together, in buffers that grow to twice what they hold.
    siege.assert_held_at_most(&course, 16 * LIMIT_KIB * 2 + LEFT_BEHIND_KIB);
    // The allocator keeps what bodies had for the next ones: freed memory goes back when its thread allocates again.
    siege.lift_leaving(16 * LIMIT_KIB * 2 + LEFT_BEHIND_KIB);
}

#[test]
fn a_flood_of_http2_prefaces_is_refused() {
    let siege = Siege::lay("prefaces", &[], &[]);
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let habit = Habit { drip: Vec::new(), ..drips(preface, "") };
    let (ended, course) = siege.during(|| {
        let mut crowd = Crowd::gather(siege.server.address, 1_000, habit);
        crowd.go_on(SIEGE / 2);
        crowd.ended
    });
    println!("prefaces: {ended} were refused");
    assert!(ended >= 1_000, "{ended}");
    siege.assert_served(&course);
    siege.assert_held_at_most(&course, 16 << 10);
    siege.lift();
}

#[test]
fn downloads_that_nobody_reads_cost_their_documents_once() {
    const CLIENTS: usize = 64;
    let document = format!("\"{}\"", "x".repeat(5 << 20));
    let names = ["/v1/docs/a", "/v1/docs/b", "/v1/docs/c", "/v1/docs/d"];
    let siege = Siege::lay("downloads", &[], &names.map(|name| (name, document.as_str())));
    let (clients, course) = siege.during(|| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let mut stream = crowd::connect(siege.server.address, number, Reading::ByteByByte).expect("connect");
                let name = names[number % names.len()];
                write!(stream, "GET {name} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is connected");
                let mut status = [0; 12];
                stream.read_exact(&mut status).expect("the reply begins");
                assert_eq!(&status, b"HTTP/1.1 200");
                stream
            })
            .collect();
        // The documents go while they are downloaded: what a client still needs stays, once for all.
        for name in names {
            assert_eq!(siege.server.client().send("DELETE", name, &[], b"").status, 204);
        }
        let began = Instant::now();
        until("write_timeout", || siege.vitals().descriptors < siege.base.descriptors + CLIENTS / 2);
        assert!(began.elapsed() > Duration::from_secs(1), "they were given their two seconds");
        clients
    });
    siege.assert_served(&course);
    siege.assert_held_at_most(&course, 4 << 10);
    siege.lift();
    drop(clients);
}

#[test]
fn a_server_without_descriptors_says_so_and_recovers() {
    let siege = Siege::lay("descriptors", &["--idle-timeout", "60s"], &[]);
    let pid = Pid::from_raw(siege.server.process.pid().cast_signed());
    let few = Some(siege.base.descriptors as u64 + 50);
    let limit = prlimit(pid, Resource::Nofile, Rlimit { current: few, maximum: few }).expect("a limit can be lowered");
    println!("descriptors: {few:?} instead of {:?}", limit.current);
    let get = format!("GET {WANTED} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let habit = Habit { drip: Vec::new(), ..drips(&get, "") };
    let ((), course) = siege.during(|| {
        let mut crowd = Crowd::gather(siege.server.address, 100, habit);
        crowd.go_on(SIEGE);
    });
    // Nothing can be promised to new connections; that somebody says so, and whoever is inside is served.
    assert!(course.seen.kept.is_only(&["200"]), "{}", course.seen.kept);
    println!("descriptors: new connections: {}", course.seen.fresh);
    assert!(course.seen.fresh.count("503") > 0, "nobody was told: {}", course.seen.fresh);
    let ((), after) = siege.during(|| std::thread::park_timeout(Duration::from_secs(2)));
    siege.assert_served(&after);
    siege.lift();
}

#[test]
fn slowhttptest_of_debian_finds_nothing() {
    const PROGRAM: &str = "slowhttptest";
    if Command::new(PROGRAM).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        left_out::say(PROGRAM, "it is not installed (apt-get install slowhttptest)");
        return;
    }
    let document = format!("\"{}\"", "x".repeat(1 << 20));
    for (name, flags) in [
        ("slowhttptest -H", &["-H", "-i", "1"][..]),
        ("slowhttptest -B", &["-B", "-i", "1", "-s", "100000", "-t", "PUT"]),
        ("slowhttptest -X", &["-X", "-w", "1", "-y", "1", "-n", "1", "-z", "1"]),
    ] {
        let siege = Siege::lay(name, &[], &[("/v1/docs/large", &document)]);
        let url = format!("http://{}/v1/docs/large", siege.server.address);
        let (output, course) = siege.during(|| {
            let common = ["-c", "5000", "-r", "1500", "-l", "8", "-p", "2", "-u", &url];
            Command::new(PROGRAM).args(flags).args(common).stdin(Stdio::null()).output().expect("it runs")
        });
        let said = String::from_utf8_lossy(&output.stdout);
        let verdict: Vec<&str> = said.lines().filter(|line| line.contains(':')).collect();
        println!("{name}: {:#?}", verdict.iter().rev().take(8).collect::<Vec<_>>());
        siege.assert_served(&course);
        siege.lift();
    }
}
