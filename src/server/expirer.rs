//! `mt-expire`: frees documents whose deadline has passed, and those of dropped collections. They are invisible already;
//! this gives the memory back.
//! And it keeps the clock in step with the wall clock, which is what deadlines mean.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, select, tick};

use crate::base::health::Health;
use crate::base::log::{self, Level};
use crate::base::threads::Job;
use crate::engine::Engine;

/// How often the clock is compared with the wall clock, and what was dropped is freed.
const STEER_INTERVAL: Duration = Duration::from_secs(1);

/// The expirer.
pub struct Expirer {
    /// What it sweeps.
    pub engine: Arc<Engine>,
    /// Where it is seen that it comes back from the shards' locks.
    pub health: Arc<Health>,
}

impl Expirer {
    /// The thread's loop: a sweep each `interval` until `stopped` is disconnected. A sweep costs what is due, not
    /// what is stored.
    pub fn into_job(self, interval: Duration, stopped: Receiver<()>) -> Job {
        Box::new(move || {
            let ticks = tick(interval);
            let seconds = tick(STEER_INTERVAL);
            let is_stopping = || stopped.try_recv() == Err(TryRecvError::Disconnected);
            let mut pulse = self.health.pulses().begin();
            loop {
                pulse.rests();
                select! {
                    recv(ticks) -> _ => {
                        pulse.works();
                        self.sweep(&is_stopping);
                    }
                    recv(seconds) -> _ => {
                        pulse.works();
                        self.engine.steer_clock();
                        self.engine.reclaim(&is_stopping);
                    }
                    recv(stopped) -> _ => return,
                }
            }
        })
    }

    fn sweep(&self, is_stopping: &dyn Fn() -> bool) {
        let begun = Instant::now();
        let documents = self.engine.reap(is_stopping);
        if documents > 0 {
            let fields = [("documents", documents.into()), ("took_ms", begun.elapsed().into())];
            log::event(Level::Debug, "expired", format_args!("documents past their deadline are freed"), &fields);
        }
    }
}
