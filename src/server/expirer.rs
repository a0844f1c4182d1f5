//! `mt-expire`: frees documents whose deadline has passed, and those of dropped collections. They are invisible already;
//! this gives the memory back.
//! And it keeps the clock in step with the wall clock, which is what deadlines mean.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, select, tick};

use crate::base::threads::Job;
use crate::engine::Engine;

/// How often the clock is compared with the wall clock, and what was dropped is freed.
const STEER_INTERVAL: Duration = Duration::from_secs(1);

/// The expirer.
pub struct Expirer {
    /// What it sweeps.
    pub engine: Arc<Engine>,
}

impl Expirer {
    /// The thread's loop: a sweep each `interval` until `stopped` is disconnected. A sweep costs what is due, not
    /// what is stored.
    pub fn into_job(self, interval: Duration, stopped: Receiver<()>) -> Job {
        Box::new(move || {
            let ticks = tick(interval);
            let seconds = tick(STEER_INTERVAL);
            let is_stopping = || stopped.try_recv() == Err(TryRecvError::Disconnected);
            loop {
                select! {
                    recv(ticks) -> _ => { self.engine.reap(&is_stopping); }
                    recv(seconds) -> _ => {
                        self.engine.steer_clock();
                        self.engine.reclaim(&is_stopping);
                    }
                    recv(stopped) -> _ => return,
                }
            }
        })
    }
}
