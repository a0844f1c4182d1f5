//! What the kernel knows about a process: CPU time, resident memory, context switches, and the machine's stolen time.
//!
//! Parsing is apart from reading, so that it is tested on sample text. CPU time is user and system time of all
//! threads of a process, living and dead, as the kernel sums them; its unit there is the tick, mostly 10 ms.

use std::fs;

use anyhow::{Context, Result};

/// CPU time of the processes `pids` so far, in microseconds, over all their threads.
///
/// # Errors
/// One of them is gone.
pub fn cpu_us(pids: &[u32]) -> Result<u64> {
    let mut ticks = 0u64;
    for pid in pids {
        let stat = read(&format!("/proc/{pid}/stat"))?;
        ticks += cpu_ticks(&stat).context("/proc/PID/stat has another shape than proc(5) says")?;
    }
    Ok(ticks.saturating_mul(1_000_000) / rustix::param::clock_ticks_per_second().max(1))
}

/// CPU time of the programs that this process has started and that have ended, in microseconds.
///
/// # Errors
/// No /proc here.
pub fn children_cpu_us() -> Result<u64> {
    let ticks = ended_children_ticks(&read("/proc/self/stat")?).context("/proc/self/stat has another shape")?;
    Ok(ticks.saturating_mul(1_000_000) / rustix::param::clock_ticks_per_second().max(1))
}

/// Process `pid` and those that it and its children started, as far as they live; `pid` comes first.
///
/// # Errors
/// No /proc here.
pub fn family(pid: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").context("no /proc here")? {
        let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that ends between the listing and the reading is nobody's child any more.
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        parents.extend(parent(&stat).map(|parent| (child, parent)));
    }
    Ok(descendants(pid, &parents))
}

/// `pid` and its descendants, given pairs of a process and its parent.
fn descendants(pid: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(&elder) = family.get(at) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == elder).map(|(child, _)| child));
        at += 1;
    }
    family
}

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Now.
    pub now: u64,
    /// The most there ever was.
    pub peak: u64,
}

/// Resident memory of the processes `pids` together. What they share counts for each of them, and their peaks are
/// added up whenever they were.
///
/// # Errors
/// One of them is gone.
pub fn resident(pids: &[u32]) -> Result<Resident> {
    let mut sum = Resident { now: 0, peak: 0 };
    for pid in pids {
        let status = read(&format!("/proc/{pid}/status"))?;
        let bytes = |name| field(&status, name).with_context(|| format!("no {name} in /proc/{pid}/status"));
        sum.now += bytes("VmRSS")? * 1024;
        sum.peak += bytes("VmHWM")? * 1024;
    }
    Ok(sum)
}

/// Context switches of all living threads of the processes `pids`, wanted and unwanted ones. Reads a file per thread.
///
/// # Errors
/// One of them is gone.
pub fn context_switches(pids: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")? {
            // A thread that ends between the listing and the reading has nothing more to tell.
            if let Ok(status) = fs::read_to_string(task?.path().join("status")) {
                sum += switches(&status).unwrap_or(0);
            }
        }
    }
    Ok(sum)
}

/// Time of all CPUs of the machine so far, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineTime {
    /// All of it, idle included.
    pub total: u64,
    /// What the hypervisor gave to others while we wanted to run.
    pub steal: u64,
}

impl MachineTime {
    /// The counters now.
    ///
    /// # Errors
    /// No /proc/stat here.
    pub fn read() -> Result<MachineTime> {
        machine_time(&read("/proc/stat")?).context("/proc/stat has another shape than proc(5) says")
    }

    /// Percent of the time since `earlier` that was stolen.
    pub fn steal_percent_since(&self, earlier: &MachineTime) -> f64 {
        let total = self.total.saturating_sub(earlier.total).max(1);
        100.0 * self.steal.saturating_sub(earlier.steal) as f64 / total as f64
    }
}

/// How many processes wanted a CPU over the last minute, on average; `None` where /proc does not tell.
pub fn load_average() -> Option<f64> {
    first_number(&fs::read_to_string("/proc/loadavg").ok()?)
}

fn first_number(text: &str) -> Option<f64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// utime + stime, the 14th and 15th field of `/proc/PID/stat`.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = fields_behind_name(stat)?.skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// cutime + cstime, the 16th and 17th field of `/proc/PID/stat`.
fn ended_children_ticks(stat: &str) -> Option<u64> {
    let mut fields = fields_behind_name(stat)?.skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The fourth field of `/proc/PID/stat`.
fn parent(stat: &str) -> Option<u32> {
    fields_behind_name(stat)?.nth(1)?.parse().ok()
}

/// The fields of `/proc/PID/stat` from the third one on. The second, the program's name in brackets, may hold blanks
/// and brackets itself, so we count from the last closing one.
fn fields_behind_name(stat: &str) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    let (_, after) = stat.rsplit_once(')')?;
    Some(after.split_ascii_whitespace())
}

/// The number after `name:` in a status file, without its unit.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn switches(status: &str) -> Option<u64> {
    Some(field(status, "voluntary_ctxt_switches")? + field(status, "nonvoluntary_ctxt_switches")?)
}

/// Of the line `cpu`: user, nice, system, idle, iowait, irq, softirq, steal. (The guest times after them are already
/// part of user and nice.)
fn machine_time(stat: &str) -> Option<MachineTime> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Option<Vec<u64>> = line.split_ascii_whitespace().take(8).map(|field| field.parse().ok()).collect();
    let ticks = ticks.filter(|ticks| ticks.len() == 8)?;
    Some(MachineTime { total: ticks.iter().sum(), steal: *ticks.last()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tmemory-tools\nVmHWM:\t  270000 kB\nVmRSS:\t  260004 kB\n\
                          voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t25\n";

    #[test]
    fn cpu_time_is_counted_from_the_last_bracket_of_the_name() {
        let stat = "812 (memory) tools (1) S 7 812 812 0 -1 4194560 1131 0 0 0 250 75 9 9 20 0 8 0 7210 90112 1500";
        assert_eq!((cpu_ticks(stat), ended_children_ticks(stat), parent(stat)), (Some(325), Some(18), Some(7)));
        assert_eq!(cpu_ticks("812 (memory-tools) S 1 812"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn memory_and_switches_are_found_by_their_whole_name() {
        assert_eq!(field(STATUS, "VmRSS"), Some(260_004));
        assert_eq!(field(STATUS, "VmHWM"), Some(270_000));
        assert_eq!(field(STATUS, "Vm"), None);
        assert_eq!(switches(STATUS), Some(175));
    }

    #[test]
    fn steal_is_the_eighth_time_of_the_machine() {
        let stat = "cpu  100 1 50 800 10 2 3 34 7 0\ncpu0 50 1 25 400 5 1 1 17 3 0\nintr 1\n";
        let before = machine_time(stat).unwrap();
        assert_eq!(before, MachineTime { total: 1000, steal: 34 });
        let after = MachineTime { total: 1200, steal: 39 };
        assert_eq!(after.steal_percent_since(&before), 2.5);
        assert_eq!(machine_time("cpu  1 2 3\n"), None);
    }

    #[test]
    fn the_load_is_that_of_the_last_minute() {
        assert_eq!(first_number("9.53 5.68 3.90 1/164 4711\n"), Some(9.53));
        assert_eq!(first_number(""), None);
    }

    #[test]
    fn our_own_process_can_be_read() {
        let pid = std::process::id();
        let memory = resident(&[pid]).unwrap();
        assert!(memory.now > 0 && memory.peak >= memory.now);
        assert_eq!(resident(&[]).unwrap(), Resident { now: 0, peak: 0 });
        assert!(cpu_us(&[pid]).is_ok() && MachineTime::read().is_ok());
        assert!(context_switches(&[pid]).unwrap() > 0);
    }

    #[test]
    fn a_family_is_a_process_with_its_children_and_theirs() {
        assert_eq!(descendants(2, &[(1, 0), (2, 1), (9, 8), (8, 2), (3, 1), (4, 2)]), [2, 8, 4, 9]);
        let mut shell = std::process::Command::new("sh");
        let mut child = shell.args(["-c", "read line"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert!(family(std::process::id()).unwrap().contains(&child.id()));
        assert_eq!(family(child.id()).unwrap(), [child.id()]);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
