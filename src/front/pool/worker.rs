//! A thread of the pool: takes a connection, answers its requests one after another, takes the next.
//!
//! Invariant: around every call into the library that may wait, the mark says so; whoever was declared lost and
//! comes back takes itself out of the count and retires when its connection is over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::exchange::{Exchange, Then};
use super::mark::{Mark, Place};
use super::steps::Steps;
use super::{Connection, Shared, panics};

pub(super) struct Worker {
    steps: Steps,
    exchange: Exchange,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, mark: Arc<Mark>) -> Worker {
        let exchange = Exchange::new(shared.seams.counters.requests.recorder());
        Worker { steps: Steps::new(shared, mark), exchange }
    }

    /// Serves connections until there are no more, or until this thread was lost and found.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(self.steps.shared());
        while let Ok(connection) = shared.connections.recv() {
            self.serve(&shared, connection);
            shared.seams.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
            self.steps.enter(Place::Free);
            if self.steps.retires() {
                break;
            }
            shared.free.fetch_add(1, Ordering::AcqRel);
        }
        self.steps.enter(Place::Retired);
        shared.marks.lock().retain(|mark| !self.steps.are_marked_by(mark));
        shared.thread_counters.threads.fetch_sub(1, Ordering::AcqRel);
    }

    fn serve(&mut self, shared: &Shared, mut connection: Connection) {
        loop {
            self.steps.enter(Place::AwaitingRequest);
            let request = panics::librarys(|| connection.next());
            self.steps.enter(Place::Answering);
            if request.is_none() {
                shared.thread_counters.library_panics.fetch_add(1, Ordering::Relaxed);
            }
            let Some(request) = request.flatten() else { break };
            let then = self.exchange.answer(shared, &self.steps, request);
            if shared.stopping.is_raised() {
                // A drain may be waiting for this one; one report is as good as many.
                let _ = shared.finished.0.try_send(());
            }
            if then == Then::Close {
                break;
            }
        }
        self.steps.enter(Place::Leaving);
        // Dropping flushes and shuts the socket down.
        let _ = panics::librarys(move || drop(connection));
    }
}
