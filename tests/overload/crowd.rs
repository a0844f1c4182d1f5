//! Many clients on one thread: each connects, says something, and then is slow, or silent, or does not read.
//!
//! Sockets do not block, and one thread looks at each in turn. Clients come from eight addresses of the loopback
//! network, so that their ports do not run out.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Addresses that clients come from.
const SOURCES: usize = 8;

/// How long a client waits to be connected.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);

/// How often a crowd is looked after.
const TICK: Duration = Duration::from_millis(50);

/// What each of a crowd does.
#[derive(Clone, Debug)]
pub struct Habit {
    /// What it says as soon as it is connected.
    pub opening: Vec<u8>,
    /// What it says then, byte by byte, over and over.
    pub drip: Vec<u8>,
    /// From one such byte to the next.
    pub drip_every: Duration,
    /// How it treats what it is sent.
    pub reading: Reading,
    /// What it does when it was shut out.
    pub afterwards: Afterwards,
}

/// What a client does when it was shut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It comes back, at the latest when it would have sent its next byte.
    ComesBack,
    /// It stays away.
    StaysAway,
}

impl Habit {
    /// A part of `drip_every`, another for each client: a crowd does not act in one moment.
    fn pause(&self, number: usize) -> Duration {
        self.drip_every.mul_f64((number % 97) as f64 / 97.0)
    }
}

/// How a client treats what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It reads everything.
    Everything,
    /// It takes a byte each time when it also sends one, out of a buffer that is as small as can be.
    ByteByByte,
}

/// Many clients.
pub struct Crowd {
    address: SocketAddr,
    habit: Habit,
    members: Vec<Member>,
    connected: usize,
    /// Connections that the server ended.
    pub ended: usize,
    /// Answers that began with a status of 200 to 299.
    pub served: usize,
    /// Answers that began with a status of 400 to 499.
    pub refused: usize,
}

struct Member {
    stream: Option<TcpStream>,
    said: usize,
    next: Instant,
}

impl Crowd {
    /// Connects `count` clients.
    pub fn gather(address: SocketAddr, count: usize, habit: Habit) -> Crowd {
        let mut crowd = Crowd { address, habit, members: Vec::new(), connected: 0, ended: 0, served: 0, refused: 0 };
        for _ in 0..count {
            let stream = crowd.connect().ok();
            let next = Instant::now() + crowd.habit.pause(crowd.connected);
            crowd.members.push(Member { stream, said: 0, next });
        }
        crowd
    }

    fn connect(&mut self) -> io::Result<TcpStream> {
        let stream = connect(self.address, self.connected, self.habit.reading)?;
        self.connected += 1;
        (&stream).write_all(&self.habit.opening)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    /// Goes on for `time`.
    pub fn go_on(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.tick();
            for number in 0..self.members.len() {
                let Member { stream, next, .. } = &self.members[number];
                let comes_back = self.habit.afterwards == Afterwards::ComesBack && stream.is_none();
                if comes_back && *next <= Instant::now() && Instant::now() < until {
                    let stream = self.connect().ok();
                    let next = Instant::now() + self.habit.pause(number);
                    self.members[number] = Member { stream, said: 0, next };
                }
            }
            std::thread::park_timeout(TICK);
        }
    }

    /// Has each who has something to do do it.
    pub fn tick(&mut self) {
        let now = Instant::now();
        for (number, member) in self.members.iter_mut().enumerate() {
            let Some(stream) = &mut member.stream else { continue };
            let is_due = member.next <= now;
            let mut is_there = true;
            if is_due {
                member.next = now + self.habit.drip_every;
                if !self.habit.drip.is_empty() {
                    let byte = self.habit.drip[member.said % self.habit.drip.len()];
                    member.said += 1;
                    is_there = goes_on(stream.write(&[byte]));
                }
            }
            let mut buffer = [0; 4096];
            match self.habit.reading {
                Reading::Everything => loop {
                    match stream.read(&mut buffer) {
                        Ok(0) => is_there = false,
                        Ok(count) => {
                            self.served += usize::from(buffer[..count].starts_with(b"HTTP/1.1 2"));
                            self.refused += usize::from(buffer[..count].starts_with(b"HTTP/1.1 4"));
                            continue;
                        }
                        Err(error) => is_there &= error.kind() == ErrorKind::WouldBlock,
                    }
                    break;
                },
                Reading::ByteByByte if is_due => {
                    let taken = stream.read(&mut buffer[..1]);
                    is_there &= !matches!(taken, Ok(0)) && goes_on(taken);
                }
                Reading::ByteByByte => {}
            }
            if !is_there || matches!(stream.take_error(), Ok(Some(_)) | Err(_)) {
                member.stream = None;
                member.next = now + self.habit.pause(number);
                self.ended += 1;
            }
        }
    }

    /// Clients that are connected, as far as they know.
    pub fn present(&self) -> usize {
        self.members.iter().filter(|member| member.stream.is_some()).count()
    }
}

/// True unless the connection has ended.
fn goes_on(moved: io::Result<usize>) -> bool {
    match moved {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// Connects the client with this number.
///
/// # Errors
/// The operating system's.
pub fn connect(address: SocketAddr, number: usize, reading: Reading) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    let source = Ipv4Addr::new(127, 0, 0, 2 + (number % SOURCES) as u8);
    if reading == Reading::ByteByByte {
        socket.set_recv_buffer_size(1)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.set_tcp_nodelay(true)?;
    socket.connect_timeout(&address.into(), CONNECT_PATIENCE)?;
    Ok(socket.into())
}

/// Has the connection be reset when it is dropped.
pub fn will_reset(stream: &TcpStream) {
    SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("a socket can be set to reset");
}
