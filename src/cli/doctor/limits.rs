//! What the system allows a process, from a text such as /proc/self/limits, and the network's queues.

use super::Told;
use super::finding::{Finding, Verdict, size};
use crate::server::Needs;

/// Connections that have not shaken hands yet and are remembered, below which a burst of them is dropped.
const SYN_BACKLOG_MIN: u64 = 1024;

/// The soft and the hard limit called `name`; `u64::MAX` is none.
fn limit(limits: &str, name: &str) -> Option<(u64, u64)> {
    let mut figures = limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace();
    let mut figure = || match figures.next()? {
        "unlimited" => Some(u64::MAX),
        digits => digits.parse().ok(),
    };
    Some((figure()?, figure()?))
}

/// Descriptors, beside those that the configured connections need. A server raises its soft limit to the hard one.
pub fn descriptors(limits: &str, needs: &Needs) -> Finding {
    let about = "descriptors";
    let Some((_, hard)) = limit(limits, "Max open files") else { return Finding::untold(about, "ulimit -Hn") };
    let (option, connections, needed) = (needs.connections_option, needs.connections, needs.descriptors);
    let figure = format!("{hard}, {needed} are needed for {connections} of {option}");
    let change = format!("LimitNOFILE={needed} in the unit, or ulimit -n {needed}");
    match hard {
        hard if hard >= needed => Finding::ok(about, figure, "there is room for every connection"),
        hard if hard >= needs.descriptors_min => {
            Finding::warn(about, figure, "connections beyond that are turned away with 503", change)
        }
        _ => Finding::bad(about, figure, "the server does not start", change),
    }
}

/// The size of a file, beside the `snapshot` that there is.
pub fn file_size(limits: &str, snapshot: u64) -> Finding {
    let about = "file size";
    match limit(limits, "Max file size") {
        None => Finding::untold(about, "ulimit -f"),
        Some((u64::MAX, _)) => Finding::ok(about, "no limit", "snapshots and segments may grow"),
        Some((soft, _)) => {
            let why = "a snapshot or a segment beyond it is refused, and writes with it";
            let change = "LimitFSIZE=infinity in the unit, or ulimit -f unlimited";
            let verdict = if soft <= snapshot { Verdict::Bad } else { Verdict::Warn };
            Finding { verdict, ..Finding::warn(about, size(soft), why, change) }
        }
    }
}

/// The address space.
pub fn address_space(limits: &str) -> Finding {
    let about = "addresses";
    match limit(limits, "Max address space") {
        None => Finding::untold(about, "ulimit -v"),
        Some((u64::MAX, _)) => Finding::ok(about, "no limit", "the memory that there is can be used"),
        Some((soft, _)) => Finding::warn(
            about,
            size(soft),
            "an allocation beyond it ends the process, and far more addresses are reserved than memory is used",
            "LimitAS=infinity in the unit, with MemoryMax= for the memory",
        ),
    }
}

/// Memory that may be locked.
pub fn locked_memory(limits: &str) -> Finding {
    let about = "locked memory";
    let Some((soft, _)) = limit(limits, "Max locked memory") else { return Finding::untold(about, "ulimit -l") };
    let figure = if soft == u64::MAX { "no limit".to_owned() } else { size(soft) };
    Finding::ok(about, figure, "no memory is locked, so that this does not matter")
}

/// Connections that wait to be accepted.
pub fn accept_queue(told: Told<'_>, needs: &Needs) -> Finding {
    let (about, place) = ("accept queue", "/proc/sys/net/core/somaxconn");
    let Some(somaxconn) = number(told, place) else { return Finding::untold(about, place) };
    let backlog = needs.backlog;
    let figure = format!("{somaxconn}, the server asks for {backlog}");
    if somaxconn >= backlog {
        return Finding::ok(about, figure, "a burst of connections waits, and is not dropped");
    }
    let why = "in a burst of connections those beyond it wait for a second or more";
    Finding::warn(about, figure, why, format!("sysctl -w net.core.somaxconn={backlog}"))
}

/// Connections that are shaking hands.
pub fn syn_queue(told: Told<'_>) -> Finding {
    let (about, place) = ("syn queue", "/proc/sys/net/ipv4/tcp_max_syn_backlog");
    let Some(backlog) = number(told, place) else { return Finding::untold(about, place) };
    match number(told, "/proc/sys/net/ipv4/tcp_syncookies") {
        Some(1 | 2) => Finding::ok(about, format!("{backlog} and cookies"), "a flood leaves room for others"),
        _ if backlog >= SYN_BACKLOG_MIN => Finding::ok(about, backlog.to_string(), "a burst of connections fits"),
        _ => Finding::warn(
            about,
            format!("{backlog} without cookies"),
            "a burst of connections is dropped",
            "sysctl -w net.ipv4.tcp_syncookies=1",
        ),
    }
}

/// The number that the file at `place` holds.
pub fn number(told: Told<'_>, place: &str) -> Option<u64> {
    told(place)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{Bad, Ok, Warn};
    use super::*;

    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units     \n\
Max file size             unlimited            unlimited            bytes     \n\
Max open files            1024                 20000                files     \n\
Max locked memory         8388608              8388608              bytes     \n\
Max address space         4294967296           unlimited            bytes     \n";

    fn needs(descriptors: u64) -> Needs {
        let connections_option = "connections_max";
        Needs { connections_option, connections: 100, descriptors, descriptors_min: descriptors - 99, backlog: 1024 }
    }

    #[test]
    fn descriptors_are_weighed_by_the_hard_limit() {
        for (needed, verdict) in [(20_000, Ok), (20_001, Warn), (20_099, Warn), (20_100, Bad)] {
            let found = descriptors(LIMITS, &needs(needed));
            assert_eq!(found.verdict, verdict, "{found}");
            assert_eq!(found.change.contains(&format!("LimitNOFILE={needed}")), verdict != Ok, "{found}");
        }
        assert_eq!(descriptors("", &needs(100)).verdict, Warn);
    }

    #[test]
    fn limits_on_sizes_are_read_from_their_lines() {
        let small = LIMITS.replace("Max file size             unlimited", "Max file size             1048576  ");
        assert_eq!(file_size(LIMITS, 1 << 40).verdict, Ok);
        assert_eq!(file_size(&small, (1 << 20) - 1).verdict, Warn);
        assert_eq!(file_size(&small, 1 << 20).verdict, Bad);
        assert_eq!((address_space(LIMITS).verdict, address_space(LIMITS).figure.as_str()), (Warn, "4.0 GiB"));
        assert_eq!(address_space(&LIMITS.replace("4294967296", "unlimited ")).verdict, Ok);
        assert_eq!(locked_memory(LIMITS).figure, "8.0 MiB");
        for found in [file_size("", 0), address_space(""), locked_memory("Max locked memory much\n")] {
            assert_eq!((found.verdict, found.figure.as_str()), (Warn, "not known"), "{found}");
        }
    }

    #[test]
    fn queues_are_weighed_by_what_the_server_asks_for() {
        let accept = |text: &str| accept_queue(&|_| Some(text.to_owned()), &needs(100)).verdict;
        assert_eq!([accept("4096\n"), accept("1024"), accept("128\n"), accept("many")], [Ok, Ok, Warn, Warn]);
        let syn = |backlog: &str, cookies: &str| -> Verdict {
            syn_queue(&|place| Some(if place.ends_with("syncookies") { cookies } else { backlog }.to_owned())).verdict
        };
        assert_eq!([syn("128\n", "1\n"), syn("128\n", "0\n"), syn("1024\n", "0\n")], [Ok, Warn, Ok]);
    }
}
