//! `mt-memory`: looks how much memory is in use, ten times a second, and says so when it becomes scarce. Where
//! documents are evicted, it evicts what is too much for other reasons than writes.
//!
//! Invariant: one line when nine tenths of the limit are in use, and one when they are not any more; a figure that swings
//! about that mark is not worth two. What is refused, and why, is `engine::Memory`'s.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, select, tick};

use crate::base::log::{self, Level, Value};
use crate::base::memory::{Meter, granted};
use crate::base::proc;
use crate::base::threads::Job;
use crate::config::{self, Config, MemoryMax};
use crate::engine::{Engine, Eviction, Memory};

/// How often it looks. What is no write and comes in between is what the limit may be overshot by.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Hundredths of the limit at which memory is scarce, ...
const SCARCE_PERCENT: u64 = 90;

/// ... and below which it is not any more.
const AMPLE_PERCENT: u64 = 85;

/// The limit that `config` sets, of what `meter` tells.
pub fn limited(config: &Config, meter: Arc<dyn Meter>) -> Memory {
    let there = granted(&|place| proc::text(Path::new(place)), "self").map(|granted| granted.bytes);
    let limit = config.memory_bytes_max.bytes(there);
    if limit.is_none() && config.memory_bytes_max != MemoryMax::Off {
        let set = &config.memory_bytes_max;
        let why = "but the kernel does not say how much memory there is: there is no limit; set a size";
        log::event(Level::Warn, "memory_unlimited", format_args!("memory_bytes_max is {set}, {why}"), &[]);
    }
    Memory::new(limit, meter)
}

/// What `config` says that goes where memory is full.
pub fn eviction(config: &Config) -> Eviction {
    match config.eviction {
        config::Eviction::Off => Eviction::Off,
        config::Eviction::Lru => Eviction::Lru,
        config::Eviction::Ttl => Eviction::Ttl,
    }
}

/// Looks at the memory of an engine.
pub struct MemoryWatch {
    engine: Arc<Engine>,
    is_scarce: bool,
}

impl MemoryWatch {
    /// Looks once, when everything is loaded: that may be more than the limit.
    pub fn begin(engine: Arc<Engine>) -> MemoryWatch {
        let mut watch = MemoryWatch { engine, is_scarce: false };
        watch.look();
        watch
    }

    /// The thread's loop, until `stopped` is disconnected. Without a limit there is nothing to look for.
    pub fn into_job(mut self, stopped: Receiver<()>) -> Job {
        Box::new(move || {
            if self.engine.memory().limit_bytes().is_none() {
                return;
            }
            let ticks = tick(LOOK_INTERVAL);
            let is_stopping = || stopped.try_recv() == Err(TryRecvError::Disconnected);
            loop {
                select! {
                    recv(ticks) -> _ => {
                        self.look();
                        self.engine.evict_excess(&is_stopping);
                    }
                    recv(stopped) -> _ => return,
                }
            }
        })
    }

    fn look(&mut self) {
        let used = self.engine.look_at_memory();
        let Some(limit) = self.engine.memory().limit_bytes() else { return };
        let line = said(&mut self.is_scarce, used, limit);
        let Some(line) = line else { return };
        let (level, name) = match self.is_scarce {
            true => (Level::Warn, "memory_scarce"),
            false => (Level::Info, "memory_ample"),
        };
        let (used, limit) = (Value::from(used), Value::from(limit));
        let fields = [("used_bytes", Value::Said(&used)), ("limit_bytes", Value::Said(&limit))];
        log::event(level, name, format_args!("{line}"), &fields);
    }
}

/// What there is to say when `used` bytes are in use of `limit`, after `is_scarce` of which it says what is true now.
fn said(is_scarce: &mut bool, used: u64, limit: u64) -> Option<String> {
    let percent = |share: u64| limit / 100 * share;
    let was_scarce = *is_scarce;
    *is_scarce = used >= percent(if was_scarce { AMPLE_PERCENT } else { SCARCE_PERCENT });
    match (was_scarce, *is_scarce) {
        (false, true) => {
            let share = used / (limit / 100).max(1);
            let then = match used < limit {
                true => "at the limit writes that grow are refused with 507",
                false => "writes that grow are refused with 507, reads and deletes go on",
            };
            Some(format!(
                "memory becomes scarce: {used} bytes are in use, {share} % of memory_bytes_max, {limit}; {then}"
            ))
        }
        (true, false) => Some(format!("memory is not scarce any more: {used} bytes are in use, of {limit}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crossing_is_said_once() {
        let mut is_scarce = false;
        let mut said = |used| said(&mut is_scarce, used, 1000);
        assert_eq!(said(899), None);
        let line = said(900).unwrap();
        assert!(line.contains("900 bytes are in use, 90 % of memory_bytes_max, 1000; at the limit"), "{line}");
        assert_eq!((said(1000), said(950), said(890), said(850)), (None, None, None, None));
        assert_eq!(said(849).as_deref(), Some("memory is not scarce any more: 849 bytes are in use, of 1000"));
        assert_eq!((said(851), said(899)), (None, None));
        assert!(said(2000).unwrap().contains("200 % of memory_bytes_max, 1000; writes that grow are refused"));
    }
}
