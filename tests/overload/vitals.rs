//! What a process holds, read from /proc: memory, descriptors, threads, processor time.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A page of memory where these tests run (x86-64, and most of arm64).
const PAGE_KIB: u64 = 4;

/// How often a watched process is looked at.
const EVERY: Duration = Duration::from_millis(50);

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Resident memory.
    pub resident_kib: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: u64,
}

impl Vitals {
    /// Of the process `pid`.
    pub fn of(pid: u32) -> Vitals {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of status");
            line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
        };
        Vitals {
            resident_kib: number("VmRSS:"),
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is there").count(),
            threads: number("Threads:"),
        }
    }
}

impl fmt::Display for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Vitals { resident_kib, descriptors, threads } = self;
        write!(f, "{resident_kib} KiB, {descriptors} descriptors, {threads} threads")
    }
}

/// What TCP holds on this machine, for all processes together.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Connections that no process holds any more and that there are still bytes for.
    pub orphans: u64,
    /// Memory in buffers.
    pub buffers_kib: u64,
}

impl Kernel {
    /// At this moment.
    pub fn now() -> Kernel {
        let stat = fs::read_to_string("/proc/net/sockstat").expect("the kernel's count of sockets");
        let line = stat.lines().find_map(|line| line.strip_prefix("TCP:")).expect("a line of TCP");
        let number = |name: &str| {
            let mut words = line.split_whitespace().skip_while(|word| *word != name);
            words.nth(1).and_then(|count| count.parse::<u64>().ok()).expect("a number")
        };
        Kernel { orphans: number("orphan"), buffers_kib: number("mem") * PAGE_KIB }
    }
}

/// A thread that looks at a process again and again, and keeps the most of each.
pub struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vitals>,
}

impl Watch {
    /// Watches the process `pid`.
    pub fn over(pid: u32) -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut peak = Vitals::default();
            while !told.load(Ordering::Acquire) {
                let now = Vitals::of(pid);
                peak.resident_kib = peak.resident_kib.max(now.resident_kib);
                peak.descriptors = peak.descriptors.max(now.descriptors);
                peak.threads = peak.threads.max(now.threads);
                std::thread::park_timeout(EVERY);
            }
            peak
        });
        Watch { is_over, thread }
    }

    /// Stops watching.
    pub fn finish(self) -> Vitals {
        self.is_over.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().expect("the process is there while it is watched")
    }
}
