//! The little that the threads of a reactor share: counters, the cap on connections, and how they are told to stop.
//!
//! Invariant: nothing here is touched between the accepting of a connection and its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ahash::AHashMap;
use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

use crate::front::Seams;
use crate::front::problem::Unavailable;

use super::ReactorOptions;

/// What the threads share.
pub(super) struct Shared {
    // Constant after construction.
    pub(super) options: ReactorOptions,
    pub(super) seams: Seams,
    // With synchronization of their own.
    pub(super) is_draining: AtomicBool,
    pub(super) is_abandoned: AtomicBool,
    /// Threads that have not ended.
    pub(super) threads: AtomicUsize,
    /// A message whenever one ends.
    pub(super) ended: (Sender<()>, Receiver<()>),
    /// Connections by address, while these are limited.
    addresses: Mutex<AHashMap<IpAddr, usize>>,
}

impl Shared {
    pub(super) fn new(options: ReactorOptions, seams: Seams) -> Arc<Shared> {
        Arc::new(Shared {
            options,
            seams,
            is_draining: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            threads: AtomicUsize::new(0),
            ended: crossbeam_channel::unbounded(),
            addresses: Mutex::default(),
        })
    }

    /// Counts a connection in.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub(super) fn admit(&self, peer: Option<IpAddr>) -> Result<(), Unavailable> {
        let counters = &self.seams.counters;
        if self.is_draining.load(Ordering::Relaxed) {
            return Err(Unavailable::Draining);
        }
        if counters.connections_open.fetch_add(1, Ordering::AcqRel) >= self.options.connections_max {
            counters.connections_open.fetch_sub(1, Ordering::AcqRel);
            return Err(Unavailable::TooManyConnections { option: "connections_max" });
        }
        let limit = self.options.connections_per_address_max;
        if let Some(address) = peer.filter(|_| limit > 0) {
            let mut addresses = self.addresses.lock();
            let count = addresses.entry(address).or_default();
            if *count >= limit {
                counters.connections_open.fetch_sub(1, Ordering::AcqRel);
                return Err(Unavailable::TooManyFromAddress);
            }
            *count += 1;
        }
        counters.connections_accepted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Counts a connection out.
    pub(super) fn dismiss(&self, peer: Option<IpAddr>) {
        self.seams.counters.connections_open.fetch_sub(1, Ordering::AcqRel);
        let Some(address) = peer.filter(|_| self.options.connections_per_address_max > 0) else { return };
        let mut addresses = self.addresses.lock();
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}
