//! Whoever started the process and wants to hear how it is: systemd, by the protocol of sd_notify(3).
//!
//! Datagrams to the socket that NOTIFY_SOCKET names, a path or an abstract name; without one nobody is told anything.
//! `mt-watch` says when the server is ready, and as often as WATCHDOG_USEC wants that it is alive. Invariant: it says so
//! only while each thread that must never wait has come back to its rest since it last looked, so that a server which
//! hangs is ended and started again. A slow disk is no reason: it has answers of its own.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::base::clock::monotonic_micros;
use crate::base::health::Health;
use crate::base::log::{self, Level, Value};

/// How often it is looked whether the server is ready.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How long it may take to hand a datagram over.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Beats within the time after which a process is taken for dead: one or two may come late.
const BEATS: u32 = 3;

/// Whoever started the process; perhaps nobody who wants to hear.
#[derive(Debug)]
pub struct Supervisor {
    // Constant after construction.
    at: Option<(UnixDatagram, SocketAddr)>,
    /// After how long without a beat the process is taken for dead.
    dead_after: Option<Duration>,
    // Own synchronization.
    has_been_ready: AtomicBool,
    has_complained: AtomicBool,
}

/// Watches a server for as long as it is there.
#[derive(Debug)]
pub struct Watch {
    _stop: Sender<()>,
}

impl Supervisor {
    /// The one that the environment names. What it says wrong is in the log, and stops nothing.
    pub fn of_environment() -> Supervisor {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let watchdog = |name| env::var(name).ok();
        let dead_after = dead_after(watchdog("WATCHDOG_USEC"), watchdog("WATCHDOG_PID"), std::process::id());
        Supervisor::at(socket.as_deref(), dead_after)
    }

    fn at(socket: Option<&OsStr>, dead_after: Option<Duration>) -> Supervisor {
        let open = |name: &OsStr| {
            let datagrams = UnixDatagram::unbound()?;
            datagrams.set_write_timeout(Some(SEND_TIMEOUT))?;
            Ok::<_, io::Error>((datagrams, address(name)?))
        };
        let at = socket.and_then(|name| {
            let complain = |error: &io::Error| {
                let text = format_args!("NOTIFY_SOCKET={}: nobody is notified: {error}", name.display());
                log::event(Level::Warn, "supervisor_unreachable", text, &[]);
            };
            open(name).inspect_err(complain).ok()
        });
        let (has_been_ready, has_complained) = (AtomicBool::new(false), AtomicBool::new(false));
        Supervisor { at, dead_after, has_been_ready, has_complained }
    }

    /// Says that the server stops.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that the server reads its files again, does so by `reload`, and says that it has.
    pub fn reloading<T>(&self, reload: impl FnOnce() -> T) -> T {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_micros()));
        let reloaded = reload();
        if self.has_been_ready.load(Ordering::SeqCst) {
            self.tell("READY=1");
        }
        reloaded
    }

    /// The loop of `mt-watch`, where there is somebody to tell, and what ends it when it is dropped.
    pub(super) fn watch(self: &Arc<Self>, health: Arc<Health>) -> Option<(Watch, impl FnOnce() + Send + 'static)> {
        self.at.as_ref()?;
        let (stop, stopped) = bounded::<()>(0);
        let supervisor = Arc::clone(self);
        Some((Watch { _stop: stop }, move || supervisor.tell_until(&stopped, &health)))
    }

    fn tell_until(&self, stopped: &Receiver<()>, health: &Health) {
        let interval = self.dead_after.map(|time| time / BEATS);
        let (mut was_ready, mut was_alive) = (false, true);
        loop {
            let is_ready = health.is_ready();
            if is_ready && !self.has_been_ready.swap(true, Ordering::SeqCst) {
                self.tell("READY=1\nSTATUS=ready");
            } else if is_ready != was_ready {
                let reasons: Vec<&str> = health.reasons().map(|reason| reason.code()).collect();
                self.tell(&match is_ready {
                    true => "STATUS=ready".to_owned(),
                    false => format!("STATUS=not ready: {}", reasons.join(", ")),
                });
            }
            was_ready = is_ready;
            let stuck = health.pulses().stuck();
            match (interval, stuck.is_empty()) {
                (Some(_), true) => self.tell("WATCHDOG=1"),
                // Once for each silence: a log is not filled by what does not change.
                (Some(interval), false) if was_alive => {
                    let threads = stuck.join(", ");
                    log::event(
                        Level::Error,
                        "thread_stuck",
                        format_args!(
                            "{threads} has not come back for {} ms; the watchdog is not told that the server is alive",
                            interval.as_millis()
                        ),
                        &[("threads", Value::Said(&(&threads).into())), ("silent_ms", Value::Said(&interval.into()))],
                    );
                }
                (Some(_), false) | (None, _) => {}
            }
            was_alive = stuck.is_empty();
            let wait = match interval {
                Some(interval) if self.has_been_ready.load(Ordering::SeqCst) => interval,
                Some(interval) => interval.min(LOOK_INTERVAL),
                None => LOOK_INTERVAL,
            };
            // Nothing is ever sent: it is time, or the server is gone.
            if stopped.recv_timeout(wait) == Err(crossbeam_channel::RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn tell(&self, text: &str) {
        let Some((datagrams, address)) = &self.at else { return };
        if let Err(error) = datagrams.send_to_addr(text.as_bytes(), address)
            && !self.has_complained.swap(true, Ordering::Relaxed)
        {
            let text = format_args!("the supervisor at NOTIFY_SOCKET does not hear: {error}");
            log::event(Level::Warn, "supervisor_unreachable", text, &[]);
        }
    }
}

/// The address that NOTIFY_SOCKET spells: an absolute path, or an abstract name behind an `@`.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', rest @ ..] if !rest.is_empty() => SocketAddr::from_abstract_name(rest),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "it is neither an absolute path nor an @ with a name")),
    }
}

/// After how long without a beat process `own` is taken for dead; nothing when it is another that is meant.
fn dead_after(micros: Option<String>, pid: Option<String>, own: u32) -> Option<Duration> {
    let micros: u64 = micros?.parse().ok()?;
    let is_meant = pid.is_none_or(|pid| pid.parse() == Ok(own));
    (is_meant && micros > 0).then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::health::Reason;

    /// A socket that hears, and the name that leads to it.
    fn ear(folder: &tempfile::TempDir) -> (UnixDatagram, std::ffi::OsString) {
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        (socket, path.into_os_string())
    }

    fn heard(ear: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let count = ear.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    #[test]
    fn a_stuck_thread_silences_the_watchdog_until_it_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (ear, name) = ear(&folder);
        let supervisor = Arc::new(Supervisor::at(Some(&name), Some(Duration::from_millis(30))));
        let health = Arc::new(Health::default());
        health.raise(Reason::Loading);
        let mut pulse = health.pulses().begin();
        let (watch, job) = supervisor.watch(Arc::clone(&health)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(job);
            for _ in 0..3 {
                assert_eq!(heard(&ear), "WATCHDOG=1", "it is alive while it loads");
            }
            health.lower(Reason::Loading);
            while heard(&ear) != "READY=1\nSTATUS=ready" {}
            pulse.works();
            ear.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            let mut buffer = [0; 64];
            let beats = (0..100).take_while(|_| ear.recv(&mut buffer).is_ok()).count();
            assert!(beats < 100, "they go on");
            ear.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            pulse.rests();
            assert_eq!(heard(&ear), "WATCHDOG=1");
            health.raise(Reason::JournalUnavailable);
            while heard(&ear) != "STATUS=not ready: journal_unavailable" {}
            assert_eq!(supervisor.reloading(|| 7), 7);
            while !heard(&ear).starts_with("RELOADING=1\nMONOTONIC_USEC=") {}
            while heard(&ear) != "READY=1" {}
            drop(watch);
        });
    }

    #[test]
    fn a_reload_of_one_that_was_never_ready_does_not_make_it_so() {
        let folder = tempfile::tempdir().unwrap();
        let (ear, name) = ear(&folder);
        let supervisor = Supervisor::at(Some(&name), None);
        supervisor.reloading(|| ());
        supervisor.stopping();
        assert!(heard(&ear).starts_with("RELOADING=1\n"));
        assert_eq!(heard(&ear), "STOPPING=1");
    }

    #[test]
    fn a_supervisor_is_a_path_or_an_abstract_name_and_any_other_hears_nothing() {
        assert_eq!(address(OsStr::new("/run/x")).unwrap().as_pathname().unwrap(), "/run/x");
        assert_eq!(address(OsStr::new("@x/y")).unwrap().as_abstract_name().unwrap(), b"x/y");
        for name in ["@", "x", "vsock:2:1"] {
            assert!(address(OsStr::new(name)).is_err(), "{name}");
            let deaf = Arc::new(Supervisor::at(Some(OsStr::new(name)), None));
            assert!(deaf.watch(Arc::default()).is_none());
            deaf.stopping();
        }
        // Whoever was there has gone.
        Supervisor::at(Some(OsStr::new("/nonexistent/socket")), None).stopping();
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_it_names() {
        let some = |text: &str| Some(text.to_owned());
        for (micros, pid, expected) in [
            (some("3000000"), None, Some(Duration::from_secs(3))),
            (some("3000000"), some("7"), Some(Duration::from_secs(3))),
            (some("3000000"), some("8"), None),
            (some("3000000"), some("x"), None),
            (some("0"), None, None),
            (some("soon"), None, None),
            (None, some("7"), None),
        ] {
            assert_eq!(dead_after(micros.clone(), pid.clone(), 7), expected, "{micros:?} {pid:?}");
        }
    }
}
