//! What a thread lends to its connections, to one after the other.
//!
//! Invariant: what is lent is whole again before it is lent to another. It does not know to whom.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::front::date::DateCache;
use crate::front::requests::{Moment, Recorder};

use super::context::{Context, Millis};
use super::mail::{Address, Mailbox};
use super::sections::Sections;
use super::shared::Shared;

/// A thread's things.
pub(super) struct Tools {
    shared: Arc<Shared>,
    pub(super) mailbox: Mailbox,
    pub(super) has_asked: Cell<bool>,
    pub(super) date: DateCache,
    pub(super) recorder: Recorder,
    /// When the thread has last looked who has come.
    pub(super) came: Cell<Moment>,
    sections: Sections,
    bodies_bytes: Cell<usize>,
}

impl Tools {
    pub(super) fn new(shared: Arc<Shared>, mailbox: Mailbox) -> Tools {
        Tools {
            recorder: shared.seams.counters.requests.recorder(),
            came: Cell::default(),
            shared,
            mailbox,
            has_asked: Cell::new(false),
            date: DateCache::default(),
            sections: Sections::default(),
            bodies_bytes: Cell::new(0),
        }
    }

    /// Lends all to the connection with this address and peer, with `out` to put its replies together in.
    pub(super) fn lend<'t>(
        &'t self,
        out: &'t mut Vec<u8>,
        address: Address,
        peer: Option<IpAddr>,
        now: Millis,
    ) -> Context<'t> {
        let shared = &*self.shared;
        Context {
            handler: &*shared.seams.handler,
            durability: &*shared.seams.durability,
            rules: &shared.options.rules,
            date: self.date.text(),
            now,
            came: self.came.get(),
            recorder: &self.recorder,
            is_draining: shared.is_draining.load(Ordering::Relaxed),
            out,
            sections: &self.sections,
            bodies_bytes: &self.bodies_bytes,
            has_asked: &self.has_asked,
            post: self.mailbox.post(),
            address,
            peer,
        }
    }
}
