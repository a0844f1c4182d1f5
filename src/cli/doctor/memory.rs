//! Memory: how much there may be, whether it can be swapped out, and how the kernel gives it.

use crate::base::memory::{Granted, Grantor, granted};
use crate::base::proc::bytes_in;

use super::Told;
use super::finding::{Finding, size};
use super::limits::number;

/// How gladly the kernel swaps, above which it does so before it has to.
const SWAPPINESS_MAX: u64 = 10;

/// Mappings of a process that the kernel grants by default; an allocator may need as many.
const MAPPINGS_MIN: u64 = 65_530;

/// How much memory there may be, beside the newest `snapshot`, which is about what is in memory.
pub fn memory(told: Told<'_>, process: &str, snapshot: u64) -> Finding {
    let about = "memory";
    let Some(Granted { bytes: usable, by }) = granted(told, process) else {
        return Finding::untold(about, "/proc/meminfo");
    };
    let whose = match by {
        Grantor::Group => "the limit of the control group",
        Grantor::Machine => "all of the machine",
    };
    let figure = match snapshot {
        0 => format!("{}, {whose}", size(usable)),
        bytes => format!("{}, {whose}, with a snapshot of {}", size(usable), size(bytes)),
    };
    let change = "more memory (MemoryMax= in the unit), or fewer documents";
    if snapshot >= usable {
        Finding::bad(about, figure, "the documents do not fit, and the kernel ends the process", change)
    } else if snapshot > usable / 2 {
        let why = "an import that replaces everything takes it twice, and the kernel ends who takes too much";
        Finding::warn(about, figure, why, change)
    } else {
        Finding::ok(about, figure, "all documents must fit in it")
    }
}

/// Whether documents can be swapped out, or are.
pub fn swap(told: Told<'_>, process: &str) -> Finding {
    let (about, place) = ("swap", "/proc/meminfo");
    let text = told(place).unwrap_or_default();
    let (Some(total), Some(free)) = (bytes_in(&text, "SwapTotal"), bytes_in(&text, "SwapFree")) else {
        return Finding::untold(about, place);
    };
    if total == 0 {
        return Finding::ok(about, "none", "every document is read at the speed of memory");
    }
    let own = told(&format!("/proc/{process}/status")).and_then(|text| bytes_in(&text, "VmSwap")).unwrap_or(0);
    let swappiness = number(told, "/proc/sys/vm/swappiness");
    let named = swappiness.map_or_else(|| "not known".to_owned(), |number| number.to_string());
    let used = total.saturating_sub(free);
    let figure = format!(
        "{} of {} in use, {} by the server, vm.swappiness {named}",
        size(used),
        size(total),
        if own == 0 { "nothing".to_owned() } else { size(own) }
    );
    if own == 0 && swappiness.is_some_and(|number| number <= SWAPPINESS_MAX) {
        return Finding::ok(about, figure, "the kernel swaps when it has to");
    }
    let why = "a document that was swapped out is read at the speed of the disk, and others wait with it";
    Finding::warn(about, figure, why, "sysctl -w vm.swappiness=1, MemorySwapMax=0 in the unit, or swapoff -a")
}

/// Huge pages, which the server refuses for itself. `status` is what the kernel says of this process, which has
/// refused them too.
pub fn huge_pages(told: Told<'_>, status: &str) -> Finding {
    let (about, place) = ("huge pages", "/sys/kernel/mm/transparent_hugepage/enabled");
    let Some(modes) = told(place) else {
        return Finding::ok(about, "none", "this kernel has no transparent huge pages");
    };
    let Some(mode) = modes.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']')) else {
        return Finding::untold(about, place);
    };
    let is_refused = status.lines().find_map(|line| line.strip_prefix("THP_enabled:")).map(str::trim) == Some("0");
    if is_refused || mode != "always" {
        return Finding::ok(about, mode, "the server refuses them for itself");
    }
    let why = "clearing 2 MiB at a first touch delays requests by up to 20 ms, and the kernel did not take the refusal";
    Finding::warn(about, mode, why, format!("echo madvise > {place}"))
}

/// Whether memory may be promised that is not there.
pub fn overcommit(told: Told<'_>) -> Finding {
    let (about, place) = ("overcommit", "/proc/sys/vm/overcommit_memory");
    match number(told, place) {
        None => Finding::untold(about, place),
        Some(2) => Finding::warn(
            about,
            "2, never",
            "an allocation is refused, and the process ends, while there is memory left",
            "sysctl -w vm.overcommit_memory=0",
        ),
        Some(mode) => Finding::ok(about, mode.to_string(), "memory is taken when it is used"),
    }
}

/// Mappings of a process.
pub fn mappings(told: Told<'_>) -> Finding {
    let (about, place) = ("mappings", "/proc/sys/vm/max_map_count");
    match number(told, place) {
        None => Finding::untold(about, place),
        Some(count) if count >= MAPPINGS_MIN => {
            Finding::ok(about, count.to_string(), "the allocator may map what it needs")
        }
        Some(count) => Finding::warn(
            about,
            count.to_string(),
            "the allocator maps memory in pieces, and the process ends when it may not",
            format!("sysctl -w vm.max_map_count={MAPPINGS_MIN}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{Bad, Ok, Warn};
    use super::*;

    /// Files with these texts, and no others.
    fn files(texts: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |place| texts.iter().find(|(name, _)| *name == place).map(|(_, text)| (*text).to_owned())
    }

    #[test]
    fn the_smallest_limit_around_the_process_counts() {
        let told = files(&[
            ("/proc/meminfo", "MemTotal:        1024 kB\n"),
            ("/proc/7/cgroup", "0::/system.slice/x.service\n"),
            ("/sys/fs/cgroup/system.slice/x.service/memory.max", "max\n"),
            ("/sys/fs/cgroup/system.slice/memory.max", "524288\n"),
            ("/sys/fs/cgroup/memory.max", "786432\n"),
        ]);
        for (process, snapshot, verdict) in
            [("7", 0, Ok), ("7", 262_144, Ok), ("7", 262_145, Warn), ("7", 524_288, Bad), ("8", 524_288, Ok)]
        {
            let found = memory(&told, process, snapshot);
            assert_eq!(found.verdict, verdict, "{found}");
        }
        assert!(memory(&told, "7", 0).figure.starts_with("512.0 KiB, the limit of"), "{}", memory(&told, "7", 0));
        assert_eq!(memory(&|_| None, "7", 0).verdict, Warn);
    }

    #[test]
    fn swap_matters_when_it_is_used_or_will_be() {
        const SOME: (&str, &str) = ("/proc/meminfo", "SwapTotal:    2048 kB\nSwapFree:     1024 kB\n");
        const CALM: (&str, &str) = ("/proc/sys/vm/swappiness", "1\n");
        assert_eq!(swap(&files(&[("/proc/meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB\n")]), "7").verdict, Ok);
        assert_eq!(swap(&files(&[SOME, CALM]), "7").verdict, Ok);
        assert_eq!(swap(&files(&[SOME, ("/proc/sys/vm/swappiness", "60\n")]), "7").verdict, Warn);
        let found = swap(&files(&[SOME, CALM, ("/proc/7/status", "VmSwap:\t      64 kB\n")]), "7");
        assert_eq!(found.verdict, Warn);
        assert_eq!(found.figure, "1.0 MiB of 2.0 MiB in use, 64.0 KiB by the server, vm.swappiness 1");
        assert_eq!(swap(&|_| None, "7").verdict, Warn);
    }

    #[test]
    fn huge_pages_matter_where_the_kernel_did_not_take_the_refusal() {
        let told = files(&[("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n")]);
        assert_eq!(huge_pages(&told, "Name:\tx\nTHP_enabled:\t0\n").verdict, Ok);
        assert_eq!(huge_pages(&told, "THP_enabled:\t1\n").verdict, Warn);
        assert_eq!(huge_pages(&told, "").verdict, Warn);
        let told = files(&[("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")]);
        assert_eq!((huge_pages(&told, "").verdict, huge_pages(&told, "").figure.as_str()), (Ok, "madvise"));
        assert_eq!(huge_pages(&|_| None, "").verdict, Ok);
    }

    #[test]
    fn the_kernel_is_to_give_memory_when_it_is_asked() {
        let with = |text: &'static str| move |_: &str| Some(text.to_owned());
        let modes = ["0\n", "1\n", "2\n", ""].map(|text| overcommit(&with(text)).verdict);
        assert_eq!(modes, [Ok, Ok, Warn, Warn]);
        assert_eq!(["65530\n", "1000\n", "x"].map(|text| mappings(&with(text)).verdict), [Ok, Warn, Warn]);
    }
}
