//! Which process of this machine listens on an address, as far as /proc tells whoever asks.

use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The state LISTEN in /proc/net/tcp.
const LISTEN: &str = "0A";

/// The process that listens on `address`; `None` when it runs elsewhere or is hidden from us.
pub fn process(address: SocketAddr) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: Vec<String> = tables.iter().flat_map(|table| sockets(table, address)).collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.find(|pid| holds(*pid, &sockets))
}

/// The names, as a process's open files have them, of the sockets in `table` that take connections to `address`.
fn sockets(table: &str, address: SocketAddr) -> Vec<String> {
    let port = format!(":{:04X}", address.port());
    let own = hexadecimal(address.ip());
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let bound_to = local.strip_suffix(&port)?;
        // Bound to the address itself, or to every one; an IPv6 socket for every one takes IPv4 too.
        let takes = bound_to == own || bound_to.bytes().all(|digit| digit == b'0');
        (takes && *state == LISTEN).then(|| format!("socket:[{inode}]"))
    };
    table.lines().filter_map(of_line).collect()
}

/// As the kernel prints it: words of 32 bits, each in the machine's own order.
fn hexadecimal(ip: IpAddr) -> String {
    let octets = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    octets.chunks_exact(4).map(|word| format!("{:08X}", word.try_into().map_or(0, u32::from_ne_bytes))).collect()
}

/// True when one of the open files of process `pid` is one of `sockets`.
fn holds(pid: u32, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut targets = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
    targets.any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn our_own_listener_is_ours() {
        for bind in ["127.0.0.1:0", "0.0.0.0:0"] {
            let listener = TcpListener::bind(bind).unwrap();
            let port = listener.local_addr().unwrap().port();
            assert_eq!(process(SocketAddr::new([127, 0, 0, 1].into(), port)), Some(std::process::id()), "{bind}");
        }
    }

    #[test]
    fn only_sockets_that_listen_on_that_address_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 71 1\n\
                     1: 0100007F:1F90 0100007F:A000 01 00000000:00000000 00:00000000 00000000  0  0 72 1\n\
                     2: 0200007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 73 1\n\
                     3: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 74 1\n\
                     4: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 75 1\n";
        let found = sockets(table, "127.0.0.1:8080".parse().unwrap());
        if cfg!(target_endian = "little") {
            assert_eq!(found, ["socket:[71]", "socket:[74]"]);
        }
        assert_eq!(hexadecimal("::1".parse().unwrap()).len(), 32);
    }
}
