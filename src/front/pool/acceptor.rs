//! The thread that accepts: one poll(2) over the listener, the stop flag and those being turned away.
//!
//! Invariant: it never waits anywhere but in that poll, and no error ends it: whatever accepting fails with is
//! logged once per burst, and tried again after a pause. It does not read requests.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, getrlimit};
use tiny_http::{Listener, SslContextWrap};

use crate::base::log::{self, Level, Value};
use crate::front::date::DateCache;
use crate::front::framing::Version;
use crate::front::problem::{self, Unavailable};
use crate::front::reply::{self, Manner};
use crate::front::requests::{Ended, Origin, Recorder};

use super::lost::{LOST_AFTER_TIMEOUTS, Watch};
use super::mark::Mark;
use super::turned_away::TurnedAway;
use super::worker::Worker;
use super::{Connection, Shared, panics};

/// Connections that are taken between two looks at everything else.
const BATCH: usize = 64;

/// The first pause after an error; doubles up to the last.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// The longest time between two looks at the workers.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Time without an error after which the next one is logged again.
const BURST: Duration = Duration::from_secs(10);

/// Descriptors that the library takes for a connection: it clones the socket.
const DESCRIPTORS_PER_CONNECTION: u64 = 2;

pub(super) struct Acceptor {
    // Constant after construction.
    shared: Arc<Shared>,
    listener: Listener,
    plain: SslContextWrap,
    descriptors_max: u64,
    look_every: Duration,
    // This thread's own.
    connections: Sender<Connection>,
    watch: Watch,
    next_look: Instant,
    turned_away: TurnedAway,
    threads_started: usize,
    pause: Duration,
    paused_until: Option<Instant>,
    last_complaint: Option<Instant>,
    date: DateCache,
    reply: Vec<u8>,
    recorder: Recorder,
}

/// What came of one attempt to accept.
enum Accepted {
    /// A connection, served or turned away.
    One,
    /// Nobody is waiting.
    Nobody,
    /// The operating system or the library failed.
    Failed,
}

impl Acceptor {
    /// # Errors
    /// The library's, when it cannot be told to do without TLS.
    pub(super) fn new(
        shared: Arc<Shared>,
        connections: Sender<Connection>,
        listener: TcpListener,
    ) -> io::Result<Acceptor> {
        let lost_after = shared.options.socket_timeout * LOST_AFTER_TIMEOUTS;
        Ok(Acceptor {
            listener: Listener::from(listener),
            plain: SslContextWrap::build_ssl_capabilities(None).map_err(io::Error::other)?,
            descriptors_max: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
            look_every: (lost_after / 8).min(LOOK_MAX),
            connections,
            watch: Watch::new(lost_after),
            next_look: Instant::now(),
            turned_away: TurnedAway::default(),
            threads_started: 0,
            pause: PAUSE_MIN,
            paused_until: None,
            last_complaint: None,
            date: DateCache::default(),
            reply: Vec::new(),
            recorder: shared.seams.counters.requests.recorder(),
            shared,
        })
    }

    /// Accepts until the stop flag is raised; then tells those in the backlog and closes the listener.
    pub(super) fn run(mut self) {
        while !self.shared.stopping.is_raised() {
            let is_waiting = self.wait();
            let now = Instant::now();
            self.turned_away.sweep(now);
            self.look(now);
            if self.paused_until.is_some_and(|until| until <= now) {
                self.paused_until = None;
            }
            if is_waiting && !self.shared.stopping.is_raised() {
                self.accept_batch(now);
            }
        }
        while matches!(self.turn_away(Unavailable::Draining), Accepted::One) {}
        self.linger();
    }

    /// Waits for something to do; true when connections wait to be accepted.
    fn wait(&self) -> bool {
        let now = Instant::now();
        let wake_at =
            [self.paused_until, self.turned_away.next_end()].into_iter().flatten().fold(self.next_look, Instant::min);
        let listener = PollFd::new(&self.listener, PollFlags::IN);
        let mut polled = vec![PollFd::new(&self.shared.stopping, PollFlags::IN)];
        polled.extend(self.turned_away.sockets().map(|socket| PollFd::new(socket, PollFlags::IN)));
        if self.paused_until.is_none() {
            polled.push(listener);
        }
        if let Err(error) = poll(&mut polled, Some(&timespec(wake_at.saturating_duration_since(now)))) {
            if error != rustix::io::Errno::INTR {
                // Nothing can be polled now (no memory, or a limit below what lingers): wait without it.
                let _ = crossbeam_channel::after(PAUSE_MIN).recv();
            }
            return false;
        }
        self.paused_until.is_none() && polled.last().is_some_and(|listener| !listener.revents().is_empty())
    }

    fn accept_batch(&mut self, now: Instant) {
        for _ in 0..BATCH {
            let accepted = match self.room() {
                Ok(()) => self.accept(),
                Err(why) => self.turn_away(why),
            };
            match accepted {
                Accepted::One => self.pause = PAUSE_MIN,
                Accepted::Nobody => return,
                Accepted::Failed => {
                    self.paused_until = Some(now + self.pause);
                    self.pause = (self.pause * 2).min(PAUSE_MAX);
                    return;
                }
            }
        }
    }

    /// Makes sure that there is a thread for one more connection, and descriptors.
    fn room(&mut self) -> Result<(), Unavailable> {
        if !self.has_descriptors() {
            return Err(Unavailable::TooFewDescriptors);
        }
        if self.shared.free.load(Ordering::Acquire) > 0 || self.start_thread() {
            return Ok(());
        }
        Err(Unavailable::TooManyConnections { option: "pool_threads" })
    }

    /// True when one more connection leaves the descriptors that are kept. The lowest free number says how full the
    /// table is: a new descriptor gets it.
    fn has_descriptors(&self) -> bool {
        rustix::io::fcntl_dupfd_cloexec(&self.listener, 0).is_ok_and(|lowest| {
            let lowest = u64::try_from(lowest.as_raw_fd()).unwrap_or(u64::MAX);
            let needed = DESCRIPTORS_PER_CONNECTION.saturating_add(self.shared.options.descriptors_kept);
            lowest.saturating_add(needed) <= self.descriptors_max
        })
    }

    /// Starts one more worker, unless there are as many as there may be.
    fn start_thread(&mut self) -> bool {
        let shared = &self.shared;
        let threads_max = shared.options.threads.saturating_add(shared.lost.replaced());
        if shared.thread_counters.threads.load(Ordering::Acquire) >= threads_max {
            return false;
        }
        let number = self.threads_started;
        let mark: Arc<Mark> = Arc::default();
        let worker = Worker::new(Arc::clone(shared), Arc::clone(&mark));
        let job = Box::new(move || panics::ours("serving a connection", || worker.run()));
        if let Err(error) = shared.seams.spawn.spawn(&format!("mt-http-{number}"), shared.options.stack_bytes, job) {
            self.complain("thread_not_started", format_args!("no thread for another connection: {error}"));
            return false;
        }
        shared.thread_counters.threads.fetch_add(1, Ordering::AcqRel);
        shared.free.fetch_add(1, Ordering::AcqRel);
        shared.marks.lock().push(Arc::clone(&mark));
        self.watch.add(mark, number, Instant::now());
        self.threads_started += 1;
        true
    }

    /// Has the library accept a connection, and hands it to a free thread.
    fn accept(&mut self) -> Accepted {
        let accepted = panics::librarys(|| tiny_http::Server::accept_connection(&self.listener, &self.plain));
        let connection = match accepted {
            Some(Ok(Some(connection))) => connection,
            Some(Ok(None)) => return Accepted::One,
            Some(Err(error)) => return self.failed(&error),
            // It unwraps a descriptor clone, which fails for want of descriptors.
            None => {
                return self.failed(&io::Error::other("the HTTP library failed, most likely for want of descriptors"));
            }
        };
        let counters = &self.shared.seams.counters;
        self.shared.free.fetch_sub(1, Ordering::AcqRel);
        counters.connections_open.fetch_add(1, Ordering::Relaxed);
        counters.connections_accepted.fetch_add(1, Ordering::Relaxed);
        self.connections
            .send(Box::new(connection.map_while(Result::ok)))
            .expect("the workers' end of the channel lives in Shared, which this thread holds");
        Accepted::One
    }

    /// Accepts a connection without the library, to say why it is not served.
    fn turn_away(&mut self, why: Unavailable) -> Accepted {
        let Listener::Tcp(listener) = &self.listener else {
            return Accepted::Nobody;
        };
        let (stream, peer) = match listener.accept() {
            Ok((stream, peer)) => (stream, Some(peer.ip().to_canonical())),
            Err(error) => return self.failed(&error),
        };
        self.shared.seams.counters.connections_refused.fetch_add(1, Ordering::Relaxed);
        if let Some(limit) = why.limit() {
            self.complain("connections_refused", format_args!("connections are refused: {limit} is reached"));
        }
        let date = self.date.at(self.shared.seams.clock.now());
        self.reply.clear();
        let manner = Manner { version: Version::Http11, close: true, date };
        let response = problem::of_unavailable(why);
        reply::begin(&mut self.reply, &response, manner);
        self.turned_away.tell(stream, &self.reply, Instant::now());
        let bytes = response.body_length().unwrap_or(0) as u64;
        self.recorder.count(Origin::unknown(self.recorder.now()), Ended::With(response.status), bytes, peer);
        Accepted::One
    }

    fn failed(&mut self, error: &io::Error) -> Accepted {
        match error.kind() {
            io::ErrorKind::WouldBlock => Accepted::Nobody,
            // The peer has gone between its handshake and now.
            io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => Accepted::One,
            _ => {
                self.shared.seams.counters.accept_errors.fetch_add(1, Ordering::Relaxed);
                self.complain("accept_failed", format_args!("cannot accept connections for now: {error}"));
                Accepted::Failed
            }
        }
    }

    /// Logs, unless the burst that this belongs to has been logged.
    fn complain(&mut self, name: &'static str, text: std::fmt::Arguments<'_>) {
        let now = Instant::now();
        if self.last_complaint.is_none_or(|last| now.duration_since(last) > BURST) {
            log::event(Level::Warn, name, text, &[]);
        }
        self.last_complaint = Some(now);
    }

    /// Looks for lost threads, when it is time.
    fn look(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + self.look_every;
        let shared = &self.shared;
        self.watch.look(now, |number| {
            let lost = shared.lost.add(&shared.thread_counters.threads_lost);
            log::event(
                Level::Warn,
                "thread_lost",
                format_args!(
                    "thread mt-http-{number} is lost inside the HTTP library; {lost} lost now, up to {} are replaced",
                    shared.options.lost_threads_max
                ),
                &[("lost", Value::Said(&lost.into()))],
            );
        });
    }

    /// Keeps those that were told at last until they have read it.
    fn linger(&mut self) {
        while let Some(end) = self.turned_away.next_end() {
            let mut polled: Vec<PollFd<'_>> =
                self.turned_away.sockets().map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
            let timeout = timespec(end.saturating_duration_since(Instant::now()));
            if poll(&mut polled, Some(&timeout)).is_err_and(|error| error != rustix::io::Errno::INTR) {
                return;
            }
            self.turned_away.sweep(Instant::now());
        }
    }
}

/// Rounded up to a millisecond, so that a wait never ends just before its moment.
fn timespec(duration: Duration) -> Timespec {
    let rounded = duration + Duration::from_millis(1);
    Timespec {
        tv_sec: i64::try_from(rounded.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(rounded.subsec_nanos()),
    }
}
