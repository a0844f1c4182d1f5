//! A supervisor such as systemd hears how the real binary is: ready, alive, reloading, stopping.

mod support;

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Instant;

use rustix::process::Signal;
use support::process::{FRONTS, Ground, PATIENCE, Server};

/// The socket of a supervisor.
struct Ear(UnixDatagram);

impl Ear {
    fn on(socket: UnixDatagram) -> Ear {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Ear(socket)
    }

    #[track_caller]
    fn hears(&self) -> String {
        let mut buffer = [0; 1024];
        let count = self.0.recv(&mut buffer).expect("a message");
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    /// What is heard next that is no beat of the watchdog.
    #[track_caller]
    fn hears_beside_beats(&self) -> String {
        let started = Instant::now();
        loop {
            let heard = self.hears();
            if heard != "WATCHDOG=1" {
                return heard;
            }
            assert!(started.elapsed() < PATIENCE, "nothing but beats");
        }
    }
}

fn start(ground: &Ground, front: &str, notify: &OsStr, beats: &[(&str, &str)]) -> Server {
    let mut command = ground.command(&["--port", "127.0.0.1:0", "--front", front]);
    command.env("NOTIFY_SOCKET", notify).envs(beats.iter().copied());
    Server::start(command)
}

fn is_ready(server: &Server) -> bool {
    server.client().send("GET", "/readyz", &[], b"").status == 200
}

#[test]
fn a_supervisor_hears_of_readiness_beats_reloads_and_the_stop() {
    for front in FRONTS {
        let ground = Ground::new();
        let path = ground.path("notify");
        let ear = Ear::on(UnixDatagram::bind(&path).unwrap());
        let server = start(&ground, front, path.as_os_str(), &[("WATCHDOG_USEC", "90000")]);
        assert_eq!(ear.hears_beside_beats(), "READY=1\nSTATUS=ready");
        assert!(is_ready(&server));
        for _ in 0..5 {
            assert_eq!(ear.hears(), "WATCHDOG=1");
        }
        server.process.signal(Signal::HUP);
        let reloading = ear.hears_beside_beats();
        let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").map(str::parse::<u64>);
        assert!(matches!(micros, Some(Ok(1..))), "{reloading}");
        assert_eq!(ear.hears_beside_beats(), "READY=1");
        server.process.signal(Signal::TERM);
        assert_eq!(ear.hears_beside_beats(), "STOPPING=1");
        assert_eq!(server.process.wait().code, Some(0));
        ear.0.set_nonblocking(true).unwrap();
        let mut buffer = [0; 64];
        while let Ok(count) = ear.0.recv(&mut buffer) {
            let heard = String::from_utf8_lossy(&buffer[..count]);
            assert!(heard == "WATCHDOG=1" || heard.starts_with("STATUS=not ready: draining"), "{heard}");
        }
    }
}

#[test]
fn an_abstract_socket_hears_too_and_beats_are_only_for_the_process_they_are_meant_for() {
    let ground = Ground::new();
    let name = format!("memory-tools-test-{}-{}", std::process::id(), ground.path("").display());
    let ear = Ear::on(UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap());
    let of_another = [("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")];
    let server = start(&ground, "reactor", OsStr::new(&format!("@{name}")), &of_another);
    assert_eq!(ear.hears(), "READY=1\nSTATUS=ready");
    server.process.signal(Signal::TERM);
    assert_eq!(ear.hears(), "STOPPING=1");
    assert_eq!(server.process.wait().code, Some(0));
}

#[test]
fn a_supervisor_that_cannot_be_reached_stops_nobody() {
    for name in ["vsock:2:1", "/nonexistent/notify"] {
        let ground = Ground::new();
        let server = start(&ground, "reactor", OsStr::new(name), &[("WATCHDOG_USEC", "1000")]);
        server.process.wait_for_stderr("NOTIFY_SOCKET");
        assert!(is_ready(&server));
        server.process.signal(Signal::TERM);
        assert_eq!(server.process.wait().code, Some(0));
    }
}
