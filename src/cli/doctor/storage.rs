//! The data folder: where it lies, how much room it has, and how long a flush takes there.

use std::io::{self, IoSlice};
use std::path::Path;
use std::time::{Duration, Instant};

use super::finding::{Finding, size};
use crate::base::disk::Disk;
use crate::base::limits::OUTGROWING_JOURNAL_BYTES_MIN;

/// Flushes that are measured, and how long all of them may take together.
const FLUSHES: usize = 64;
const FLUSHES_TAKE_MAX: Duration = Duration::from_secs(3);

/// Bytes that each of them makes durable: a small group of the journal.
const FLUSH_BYTES: usize = 4096;

/// What a flush may take without anybody noticing.
const FLUSH_MEDIAN_MAX: Duration = Duration::from_millis(10);

/// What no flush takes that reaches a device.
const FLUSH_MEDIAN_MIN: Duration = Duration::from_micros(5);

/// What a flush may take before `everysec` refuses writes.
const FLUSH_WORST_MAX: Duration = Duration::from_secs(2);

/// Where a folder lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The type of the file system.
    kind: String,
    /// The options of the mount and of the file system, with commas between.
    options: String,
}

impl Mount {
    /// The mount that `path`, which is absolute and without links, lies on, from a text such as /proc/self/mountinfo.
    pub fn of(table: &str, path: &Path) -> Option<Mount> {
        let row = |line: &str| {
            let (mount, kind) = line.split_once(" - ")?;
            let mount: Vec<&str> = mount.split(' ').collect();
            let kind: Vec<&str> = kind.split(' ').collect();
            let point = unescaped(mount.get(4)?);
            let is_around = path.starts_with(&point);
            let options = format!("{},{}", mount.get(5)?, kind.get(2).unwrap_or(&""));
            let kind = (*kind.first()?).to_owned();
            is_around.then_some((point.len(), Mount { kind, options }))
        };
        // Of two at the same place the later one hides the other.
        table.lines().filter_map(row).max_by_key(|(length, _)| *length).map(|(_, mount)| mount)
    }

    fn has(&self, option: &str) -> bool {
        self.options.split(',').any(|word| word == option)
    }
}

/// A path as the kernel's tables have it: a space, a tab, a line's end and a backslash are octal there.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// What the file system promises.
pub fn file_system(mount: Option<&Mount>) -> Finding {
    let about = "file system";
    let Some(mount) = mount else { return Finding::untold(about, "/proc/self/mountinfo") };
    let kind = mount.kind.as_str();
    let elsewhere = "a data_dir on a local disk (ext4, xfs)";
    if mount.has("ro") {
        return Finding::bad(about, format!("{kind}, read-only"), "nothing can be written", "mount -o remount,rw");
    }
    let is_remote = matches!(kind, "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "ceph" | "afs" | "virtiofs")
        || kind.starts_with("fuse.");
    match kind {
        "tmpfs" | "ramfs" => Finding::warn(about, kind, "it is memory: a restart of the machine loses it", elsewhere),
        "overlay" => Finding::warn(about, kind, "a container's own layer goes with it", "a volume for data_dir"),
        _ if is_remote => {
            let why = "what a flush and a lock mean is up to the other side, and its silence stops writes";
            Finding::warn(about, kind, why, elsewhere)
        }
        _ if mount.has("nobarrier") || mount.has("barrier=0") => {
            let why = "flushes do not reach the device: a loss of power can lose and damage anything";
            Finding::bad(about, format!("{kind} without barriers"), why, "mount -o remount,barrier")
        }
        _ => Finding::ok(about, kind, "a local file system that is flushed when it is asked"),
    }
}

/// The room on the disk, beside what the next snapshot and the journal until then take.
pub fn room(free: u64, snapshot: u64, segment_bytes: u64) -> Finding {
    let about = "disk space";
    // The two snapshots that are kept are there. One more is written while the journal goes on.
    let journal = snapshot.max(OUTGROWING_JOURNAL_BYTES_MIN).saturating_add(segment_bytes);
    let needed = snapshot.saturating_add(journal);
    let figure = format!("{} free, {} are needed for the next snapshot and the journal", size(free), size(needed));
    let change = "free space, or a data_dir on a larger disk";
    if free < needed {
        Finding::bad(about, figure, "writes are refused when it is full", change)
    } else if free < needed.saturating_mul(2) {
        Finding::warn(about, figure, "it does not suffice for twice the documents", change)
    } else {
        Finding::ok(about, figure, "there is room to grow")
    }
}

/// How long flushes of a scratch file in `folder` take, which is removed again.
///
/// # Errors
/// The disk's.
pub fn flush_times(disk: &dyn Disk, folder: &Path, pid: u32) -> io::Result<Vec<Duration>> {
    let path = folder.join(format!("doctor-{pid}.scratch"));
    let times = disk.create(&path).and_then(|file| {
        let block = [b'.'; FLUSH_BYTES];
        let mut times = Vec::with_capacity(FLUSHES);
        let begin = Instant::now();
        for number in 0..FLUSHES as u64 {
            if begin.elapsed() > FLUSHES_TAKE_MAX {
                break;
            }
            let each = Instant::now();
            file.write_all_at(&[IoSlice::new(&block)], number * FLUSH_BYTES as u64)?;
            file.sync_data()?;
            times.push(each.elapsed());
        }
        Ok(times)
    });
    let removed = disk.remove(&path);
    let mut times = times?;
    removed?;
    times.sort_unstable();
    Ok(times)
}

/// What `times`, in order, say of the disk.
pub fn flushes(times: &[Duration]) -> Finding {
    let about = "disk flush";
    let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) else {
        return Finding::untold(about, "the data folder");
    };
    let figure = format!("{:.2} ms, the worst {:.2} ms", milliseconds(*median), milliseconds(*worst));
    let faster = "a disk with a cache that survives a loss of power, or journal everysec in place of always";
    if *worst >= FLUSH_WORST_MAX {
        return Finding::bad(about, figure, "after 2 s without a flush writes are refused", faster);
    }
    if *median < FLUSH_MEDIAN_MIN {
        let why = "no device is that fast: nothing is flushed, and a loss of power can lose what was acknowledged";
        return Finding::warn(about, figure, why, "a data_dir on a disk, and a disk that honours flush");
    }
    let a_second = 1.0 / median.as_secs_f64();
    let why = format!("with journal always a lone client writes about {a_second:.0} times a second");
    if *median > FLUSH_MEDIAN_MAX {
        return Finding::warn(about, figure, why, faster);
    }
    Finding::ok(about, figure, why)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, Bad, Ok, Warn};
    use super::*;
    use crate::base::disk::RealDisk;

    const TABLE: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
23 22 0:20 / /var/lib rw,nosuid shared:2 master:1 - xfs /dev/sdb rw,nobarrier\n\
24 22 0:21 / /mnt/two\\040words rw - nfs4 host:/x rw,vers=4.2\n\
25 22 0:22 / /mnt rw - tmpfs tmpfs rw,size=1k\n\
26 22 0:23 / /mnt/ro ro,relatime - btrfs /dev/sdc rw\n\
27 22 0:24 / /c rw - tmpfs none rw\n\
28 27 0:25 / /c rw - overlay overlay rw,lowerdir=/x\n\
garbage\n";

    #[test]
    fn a_folder_lies_on_the_innermost_mount_around_it() {
        for (path, kind, verdict) in [
            ("/data", "ext4", Ok),
            ("/var/library", "ext4", Ok),
            ("/var/lib/memory-tools", "xfs", Bad),
            ("/mnt/two words/data", "nfs4", Warn),
            ("/mnt/two", "tmpfs", Warn),
            ("/mnt/ro", "btrfs", Bad),
            ("/c/d", "overlay", Warn),
        ] {
            let mount = Mount::of(TABLE, Path::new(path)).unwrap();
            assert_eq!((mount.kind.as_str(), file_system(Some(&mount)).verdict), (kind, verdict), "{path}");
        }
        assert_eq!(Mount::of("", Path::new("/")), None);
        assert_eq!(file_system(None).verdict, Warn);
    }

    #[test]
    fn room_is_needed_for_a_snapshot_and_the_journal_until_the_next() {
        let least = OUTGROWING_JOURNAL_BYTES_MIN;
        let verdict = |free, snapshot| -> Verdict { room(free, snapshot, 10).verdict };
        assert_eq!([verdict(least + 9, 0), verdict(least + 10, 0), verdict(2 * least + 20, 0)], [Bad, Warn, Ok]);
        let large = 5 * least;
        assert_eq!([verdict(2 * large + 9, large), verdict(4 * large + 20, large)], [Bad, Ok]);
        assert_eq!(verdict(0, u64::MAX), Bad);
    }

    #[test]
    fn a_flush_is_weighed_by_its_median_and_its_worst() {
        let times = |median: u64, worst: u64| [1, median, worst].map(Duration::from_micros);
        for (median, worst, verdict) in
            [(500, 5000, Ok), (1, 2, Warn), (10_001, 20_000, Warn), (500, 2_000_000, Bad), (10_000, 1_999_999, Ok)]
        {
            let found = flushes(&times(median, worst));
            assert_eq!(found.verdict, verdict, "{found}");
        }
        let found = flushes(&times(500, 5000));
        assert_eq!(found.figure, "0.50 ms, the worst 5.00 ms");
        assert!(found.why.ends_with("about 2000 times a second"), "{found}");
        assert_eq!(flushes(&[]).verdict, Warn);
    }

    #[test]
    fn the_scratch_file_is_gone_after_the_flushes() {
        let folder = tempfile::tempdir().unwrap();
        let times = flush_times(&RealDisk, folder.path(), 7).unwrap();
        assert!(!times.is_empty() && times.is_sorted());
        assert_eq!(RealDisk.list(folder.path()).unwrap(), []);
        assert!(flush_times(&RealDisk, &folder.path().join("absent"), 7).is_err());
    }
}
