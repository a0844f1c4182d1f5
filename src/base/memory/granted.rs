//! How much memory this process may have before the kernel ends it: that of the machine, or of a control group around it.
//!
//! Invariant: it is a function of the texts that the kernel tells; where they come from is the caller's affair. Both
//! versions of control groups are known, and the smallest limit of the groups around the process counts.

use crate::base::proc::bytes_in;

/// What the kernel tells in the file at a place; nothing when it may not be read.
pub type Told<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Memory that there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Bytes of it.
    pub bytes: u64,
    /// Whose limit that is.
    pub by: Grantor,
}

/// Who bounds the memory of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantor {
    /// There is no more in the machine.
    Machine,
    /// A control group around the process may have no more.
    Group,
}

/// How much memory `process` may have: a pid, or "self". `None` where the kernel does not say how much there is.
pub fn granted(told: Told<'_>, process: &str) -> Option<Granted> {
    let machine = told("/proc/meminfo").and_then(|text| bytes_in(&text, "MemTotal"))?;
    let groups = told(&format!("/proc/{process}/cgroup")).unwrap_or_default();
    let limits = group_limits(&groups);
    let limit = limits.iter().filter_map(|place| told(place)?.trim().parse::<u64>().ok()).min();
    Some(match limit.filter(|limit| *limit < machine) {
        Some(bytes) => Granted { bytes, by: Grantor::Group },
        None => Granted { bytes: machine, by: Grantor::Machine },
    })
}

/// Where the limits on memory are of the groups that a text such as /proc/self/cgroup names, and of those around them.
fn group_limits(groups: &str) -> Vec<String> {
    let mut places = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (top, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        loop {
            places.push(format!("{top}{path}/{file}"));
            let Some((around, _)) = path.rsplit_once('/') else { break };
            path = around;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_all_groups_around_a_process_are_looked_for() {
        assert_eq!(
            group_limits("4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/\n"),
            [
                "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory.max"
            ]
        );
    }

    #[test]
    fn the_smallest_limit_counts_whoever_sets_it() {
        const MACHINE: (&str, &str) = ("/proc/meminfo", "MemTotal:        1024 kB\n");
        const NONE_V1: &str = "9223372036854771712\n";
        let of = |files: &[(&str, &str)]| {
            granted(&|place| files.iter().find(|(name, _)| *name == place).map(|(_, text)| (*text).to_owned()), "self")
        };
        let machine = Some(Granted { bytes: 1 << 20, by: Grantor::Machine });
        let group = |bytes| Some(Granted { bytes, by: Grantor::Group });
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[MACHINE]), machine);
        let v2 = ("/proc/self/cgroup", "0::/a\n");
        assert_eq!(of(&[MACHINE, v2, ("/sys/fs/cgroup/a/memory.max", "max\n")]), machine);
        assert_eq!(of(&[MACHINE, v2, ("/sys/fs/cgroup/a/memory.max", "4096\n")]), group(4096));
        let around = ("/sys/fs/cgroup/memory.max", "1000\n");
        assert_eq!(of(&[MACHINE, v2, ("/sys/fs/cgroup/a/memory.max", "4096\n"), around]), group(1000));
        let v1 = ("/proc/self/cgroup", "7:hugetlb:/x\n4:memory:/a\n");
        assert_eq!(of(&[MACHINE, v1, ("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", NONE_V1)]), machine);
        assert_eq!(of(&[MACHINE, v1, ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "8192\n")]), group(8192));
    }
}
