//! What a connection needs of its thread while it is at work.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;

use crate::api::Handle;
use crate::api::message::{Deliver, Wake};
use crate::front::framing::HeadLimits;
use crate::front::requests::{Ended, Moment, Origin, Recorder};
use crate::model::{Durability, Rest, RoomWaker, Waker};

use super::mail::{Address, Post};
use super::sections::Sections;

/// Milliseconds since the thread began.
pub type Millis = u64;

/// The limits that hold for each connection.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How large a head may be.
    pub head: HeadLimits,
    /// How long a head may take from its first byte to its last, and a body on top of what its bytes earn.
    pub read_timeout: Duration,
    /// How long a peer may take nothing of a reply, a reply may wait to become durable, and a write for room.
    pub write_timeout: Duration,
    /// How long a connection may be silent between two requests.
    pub idle_timeout: Duration,
    /// Bytes that a body, or a peer that reads a reply, moves in a second, or it runs into its timeout.
    pub transfer_bytes_per_second_min: u64,
    /// Requests of one connection that have begun and whose replies are not sent.
    pub pipelined_requests_max: usize,
    /// Bytes of finished replies that one connection may leave unsent before its next request is begun.
    pub unsent_bytes_max: usize,
    /// Bytes of a stream that are made ahead of what its reader takes.
    pub stream_buffer_bytes: usize,
    /// Bytes of bodies that are still arriving or wait for room, over all connections of a thread.
    pub bodies_bytes_max: usize,
}

impl Rules {
    /// What `bytes` earn of time, in milliseconds.
    pub(super) fn earned(&self, bytes: u64) -> Millis {
        bytes.saturating_mul(1000) / self.transfer_bytes_per_second_min.max(1)
    }
}

/// A thread's things, lent to one connection.
pub struct Context<'t> {
    /// Who answers.
    pub handler: &'t dyn Handle,
    /// Who says when a reply may leave.
    pub durability: &'t dyn Durability,
    /// The limits.
    pub rules: &'t Rules,
    /// The value of the `Date` field.
    pub date: &'t str,
    /// The time.
    pub now: Millis,
    /// When what is run now was noticed.
    pub came: Moment,
    /// Who counts the requests of this thread.
    pub recorder: &'t Recorder,
    /// True when every reply is to be its connection's last.
    pub is_draining: bool,
    /// Where replies are put together; sent ahead of what the connection keeps itself.
    pub out: &'t mut Vec<u8>,
    /// Fields that were read before.
    pub sections: &'t Sections,
    /// Bytes of bodies that are still arriving or wait for room, of all connections of the thread.
    pub bodies_bytes: &'t Cell<usize>,
    /// Set when `Durability` was asked when a reply may leave: the thread hurries it when all have had their turns.
    pub has_asked: &'t Cell<bool>,
    /// How other threads reach this one.
    pub post: &'t Post,
    /// How they name the connection.
    pub address: Address,
    /// Who is at its other end, where that is known.
    pub peer: Option<IpAddr>,
}

impl Context<'_> {
    /// Counts a request that ended now, with so many bytes in the body of its reply.
    #[inline]
    pub(super) fn count(&self, origin: Origin, ended: Ended, reply_bytes: u64) {
        self.recorder.count(origin, ended, reply_bytes, self.peer);
    }

    pub(super) fn is_released(&self, rest: Rest) -> bool {
        self.durability.is_released(rest)
    }

    pub(super) fn waker(&self, ticket: u64) -> Waker {
        self.post.waker(self.address, ticket)
    }

    pub(super) fn room_waker(&self, ticket: u64) -> RoomWaker {
        self.post.room_waker(self.address, ticket)
    }

    pub(super) fn stream_waker(&self, ticket: u64) -> Wake {
        self.post.stream_waker(self.address, ticket)
    }

    pub(super) fn deliver(&self, ticket: u64) -> Deliver {
        self.post.deliver(self.address, ticket)
    }
}

/// A duration as the thread counts time.
pub(super) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}
