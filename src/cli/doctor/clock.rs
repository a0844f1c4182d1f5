//! The kernel: its version, where its time comes from, and whether something keeps that time right.

use super::Told;
use super::finding::Finding;

/// The first kernel that tells every open file of a write that failed in the background.
const KERNEL_MIN: (u32, u32) = (4, 13);

/// Clocks that are read without a system call.
const FAST_SOURCES: [&str; 6] =
    ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "timebase", "riscv_clocksource"];

/// Processes that keep the clock in step, by the first 15 characters of their names.
pub const KEEPERS: [&str; 6] = ["systemd-timesyn", "chronyd", "ntpd", "ntpsec", "ptp4l", "phc2sys"];

/// Whether something keeps the clock in step: `keeper`, which is running.
pub fn synchronised(told: Told<'_>, keeper: Option<&str>) -> Finding {
    let about = "clock";
    let is_synchronised = told("/run/systemd/timesync/synchronized").is_some();
    match keeper {
        _ if is_synchronised => Finding::ok(about, "synchronised by systemd-timesyncd", "deadlines are moments of it"),
        Some("systemd-timesyn") => Finding::warn(
            about,
            "systemd-timesyncd runs and has not synchronised",
            "deadlines are moments of the wall clock",
            "timedatectl timesync-status says what it waits for",
        ),
        Some(keeper) => Finding::ok(about, format!("{keeper} runs"), "deadlines are moments of it"),
        None => Finding::warn(
            about,
            "nothing is seen to keep it in step",
            "deadlines are moments of the wall clock; in a container the machine may see to it",
            "apt-get install chrony, or timedatectl set-ntp true",
        ),
    }
}

/// How dear it is to read the clock.
pub fn source(told: Told<'_>) -> Finding {
    let (about, place) = ("clock source", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let Some(source) = told(place) else { return Finding::untold(about, place) };
    let source = source.trim();
    if FAST_SOURCES.contains(&source) {
        return Finding::ok(about, source, "it is read without a system call");
    }
    let why = "each reading is a system call, and each request reads it";
    Finding::warn(about, source, why, format!("echo tsc > {place}, where the machine has one that is stable"))
}

/// The kernel's version.
pub fn kernel(told: Told<'_>) -> Finding {
    let (about, place) = ("kernel", "/proc/sys/kernel/osrelease");
    let Some(release) = told(place) else { return Finding::untold(about, place) };
    let release = release.trim();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Finding::untold(about, place);
    };
    if (major, minor) >= KERNEL_MIN {
        return Finding::ok(about, release, "a write that failed in the background is told to the next fsync");
    }
    let why = "an fsync can succeed although what was written before is lost";
    Finding::bad(about, release, why, format!("a kernel of version {}.{} or later", KERNEL_MIN.0, KERNEL_MIN.1))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{Bad, Ok, Warn};
    use super::*;

    #[test]
    fn a_clock_is_right_when_something_keeps_it_so() {
        let none = |_: &str| None;
        let flag = |place: &str| (place == "/run/systemd/timesync/synchronized").then(String::new);
        assert_eq!(synchronised(&none, Some("chronyd")).verdict, Ok);
        assert_eq!(synchronised(&none, Some("systemd-timesyn")).verdict, Warn);
        assert_eq!(synchronised(&flag, Some("systemd-timesyn")).verdict, Ok);
        assert_eq!(synchronised(&none, None).verdict, Warn);
        assert!(KEEPERS.iter().all(|name| name.len() <= 15));
    }

    #[test]
    fn a_clock_source_is_one_that_is_read_without_a_call_or_slow() {
        let with = |text: &'static str| source(&move |_| Some(text.to_owned())).verdict;
        assert_eq!([with("tsc\n"), with("kvm-clock\n"), with("hpet\n"), with("acpi_pm\n")], [Ok, Ok, Warn, Warn]);
        assert_eq!(source(&|_| None).verdict, Warn);
    }

    #[test]
    fn a_kernel_that_forgets_failed_writes_is_bad() {
        for (release, verdict) in [
            ("6.18.44-fc\n", Ok),
            ("4.13.0\n", Ok),
            ("5.0-rc1", Ok),
            ("4.12.14-150\n", Bad),
            ("3.10.0-1160.el7.x86_64\n", Bad),
            ("unknown", Warn),
        ] {
            assert_eq!(kernel(&|_| Some(release.to_owned())).verdict, verdict, "{release}");
        }
    }
}
