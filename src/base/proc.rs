//! What /proc and /sys tell: about this process, for metrics; about others, for error messages, who listens on a port or
//! on a Unix socket; about the machine, for whoever asks how it is set up.
//!
//! Best effort: without /proc, or without the right to look, there is no answer, and that is no error.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of a text that the kernel tells; what is longer is no setting.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// What the kernel tells in the file at `path`, such as one under /proc, whose size nobody knows before.
pub fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(TEXT_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// `path` from the top, without links, as the kernel's tables have it.
pub fn resolved(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// The first of `names` that a process has, by the 15 bytes that the kernel keeps of a name.
pub fn running<'a>(names: &[&'a str]) -> Option<&'a str> {
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let processes = processes.filter(|entry| entry.file_name().to_str().is_some_and(is_process));
    let running: Vec<String> = processes.filter_map(|entry| text(&entry.path().join("comm"))).collect();
    names.iter().copied().find(|name| running.iter().any(|comm| comm.trim_end() == *name))
}

/// The numbers of the device and the file that standard error is, by which a supervisor names a stream of its own.
pub fn standard_error() -> Option<(u64, u64)> {
    let stream = fs::metadata("/proc/self/fd/2").ok()?;
    Some((stream.dev(), stream.ino()))
}

/// Bytes of this process that are in memory.
pub fn resident_bytes() -> Option<u64> {
    bytes_in(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS")
}

/// Bytes of this process that are in memory and in no file: what the kernel cannot get back but by swapping it out.
pub fn anonymous_bytes() -> Option<u64> {
    bytes_in(&fs::read_to_string("/proc/self/status").ok()?, "RssAnon")
}

/// File descriptors that this process has open.
pub fn open_descriptors() -> Option<u64> {
    // Since Linux 6.2 the folder's size is their number, at the cost of a look; before, it is 0, and they are counted.
    let folder = "/proc/self/fd";
    let known = fs::metadata(folder).ok()?.len();
    if known > 0 {
        return Some(known);
    }
    // The one that reads the folder is among them.
    Some((fs::read_dir(folder).ok()?.count() as u64).saturating_sub(1))
}

/// The figure in the line `name` of a text such as /proc/self/status or /proc/meminfo, which count in units of 1024 bytes.
pub fn bytes_in(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The process that listens on TCP `port`, as "NAME (pid N)".
pub fn listener_on(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    holder_of(&inodes)
}

/// The process that listens on the Unix socket at `path`, as "NAME (pid N)".
pub fn listener_at(path: &Path) -> Option<String> {
    let table = fs::read_to_string("/proc/net/unix").ok()?;
    holder_of(&listening_inodes_at(&table, path.to_str()?))
}

/// The first process that holds one of the sockets with these inodes.
fn holder_of(inodes: &[String]) -> Option<String> {
    let sockets: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    if sockets.is_empty() {
        return None;
    }
    fs::read_dir("/proc").ok()?.filter_map(Result::ok).find_map(|process| {
        let name = process.file_name();
        let pid: u32 = name.to_str()?.parse().ok()?;
        let holds = fs::read_dir(process.path().join("fd")).ok()?.filter_map(Result::ok).any(|descriptor| {
            let target = fs::read_link(descriptor.path()).unwrap_or_default();
            target.to_str().is_some_and(|target| sockets.iter().any(|socket| socket == target))
        });
        holds.then(|| format!("{} (pid {pid})", command_of(&process.path())))
    })
}

fn command_of(process: &Path) -> String {
    let command = fs::read_to_string(process.join("comm")).unwrap_or_default();
    let command = command.trim();
    if command.is_empty() { "a process".to_owned() } else { command.to_owned() }
}

/// The inodes of listening sockets on `port` in a table such as /proc/net/tcp: the local address is the second
/// column, the state (0A is LISTEN) the fourth, the inode the tenth.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let wanted = format!(":{port:04X}");
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_listening = columns.get(1)?.ends_with(&wanted) && *columns.get(3)? == "0A";
        is_listening.then(|| columns.get(9).copied().map(str::to_owned)).flatten()
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// The inodes of listening sockets at `path` in /proc/net/unix: the flags are the fourth column (10000 is listening),
/// the inode the seventh, and the path the rest of the line.
fn listening_inodes_at(table: &str, path: &str) -> Vec<String> {
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().take(7).collect();
        let inode = *columns.get(6)?;
        let is_listening = *columns.get(3)? == "00010000" && line.ends_with(&format!(" {inode} {path}"));
        is_listening.then(|| inode.to_owned())
    };
    table.lines().skip(1).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_memory_is_read_from_its_line() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nRssAnon:\t 1 kB\n";
        assert_eq!((bytes_in(status, "VmRSS"), bytes_in(status, "RssAnon")), (Some(2 << 20), Some(1 << 10)));
        assert_eq!(bytes_in("Name:\tVmRSS:\nVmRSS: many kB\n", "VmRSS"), None);
        assert_eq!(bytes_in("", "VmRSS"), None, "a kernel thread has none");
        let anonymous = anonymous_bytes().unwrap();
        assert!(anonymous > 100_000 && anonymous <= resident_bytes().unwrap() + (64 << 20), "{anonymous}");
    }

    /// Other tests open and close files meanwhile, so the bounds are wide.
    #[test]
    fn this_process_knows_its_own_size() {
        assert!(resident_bytes().unwrap() > 1 << 20);
        let held: Vec<_> = (0..200).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let open = open_descriptors().unwrap();
        assert!((200..100_000).contains(&open), "{open} are open, {} by this test", held.len());
    }

    #[test]
    fn a_text_without_a_size_is_read_and_this_process_runs() {
        let name = text(Path::new("/proc/self/comm")).unwrap();
        assert_eq!(running(&["no such name", name.trim_end()]), Some(name.trim_end()));
        assert_eq!(running(&["no such name"]), None);
        assert_eq!(text(Path::new("/proc/self/absent")), None);
        assert_eq!(resolved(Path::new("/proc/self")).unwrap(), Path::new(&format!("/proc/{}", std::process::id())));
    }

    #[test]
    fn only_the_listener_on_that_port_is_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n\
             1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n\
             2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1\n";
        assert_eq!(listening_inodes(table, 8080), ["4711"]);
        assert_eq!(listening_inodes(table, 8082), Vec::<String>::new());
    }

    #[test]
    fn only_the_listener_at_that_path_is_found() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path\n\
             0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/mt.sock\n\
             0000000000000000: 00000003 00000000 00000000 0001 03 4712 /run/mt.sock\n\
             0000000000000000: 00000002 00000000 00010000 0001 01 4713 /run/a b\n\
             0000000000000000: 00000003 00000000 00000000 0001 03 4714\n";
        assert_eq!(listening_inodes_at(table, "/run/mt.sock"), ["4711"]);
        assert_eq!(listening_inodes_at(table, "/run/a b"), ["4713"]);
        assert_eq!(listening_inodes_at(table, "b"), Vec::<String>::new());
    }

    #[test]
    fn this_process_is_named_as_the_listener_at_its_own_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mt.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let holder = listener_at(&path).unwrap();
        assert!(holder.ends_with(&format!("(pid {})", std::process::id())), "{holder}");
    }

    #[test]
    fn this_process_is_named_as_the_listener_on_its_own_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = listener_on(listener.local_addr().unwrap().port()).unwrap();
        assert!(holder.ends_with(&format!("(pid {})", std::process::id())), "{holder}");
    }
}
