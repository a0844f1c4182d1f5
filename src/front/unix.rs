//! Listening on a Unix socket: what stands in its place already, who may connect, and the file's end.
//!
//! Invariant: nobody can connect before the file has its mode; no file is removed but a socket that nobody listens on,
//! and at the end our own. Two servers that start on the same path at the same moment may both take the other's socket
//! for a stale one; the lock on the data folder is what keeps two servers apart.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::base::socket_file::{self, Found, SocketFile};

use super::tcp;

/// Listens at `path`, whose file gets the permission bits `mode`, whatever the umask. A socket that nobody listens on
/// any more is replaced. The listener does not block; the file is removed when its guard is dropped, which must be
/// before the listener is closed.
///
/// # Errors
/// `AddrInUse` when somebody listens there, `AlreadyExists` when the path is something else than a socket, else the
/// operating system's.
pub fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    make_room(path)?;
    let socket = stream_socket()?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Until listen(2) whoever connects is refused, so that nobody sees the mode that the umask made.
    let file = SocketFile::of_bound(path, mode)?;
    socket.listen(tcp::BACKLOG)?;
    Ok((OwnedFd::from(socket).into(), file))
}

/// Removes what a server that was killed has left at `path`.
fn make_room(path: &Path) -> io::Result<()> {
    match socket_file::look(path)? {
        Found::Nothing => Ok(()),
        Found::Socket if is_listened_on(path)? => Err(io::ErrorKind::AddrInUse.into()),
        Found::Socket => socket_file::remove(path),
        Found::Other => {
            let text = "there is something else than a socket, which is not removed";
            Err(io::Error::new(io::ErrorKind::AlreadyExists, text))
        }
    }
}

/// True when somebody listens on the socket at `path`.
fn is_listened_on(path: &Path) -> io::Result<bool> {
    match stream_socket()?.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            // So many wait there already that one more would have to wait for room.
            io::ErrorKind::WouldBlock => Ok(true),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(false),
            _ => Err(error),
        },
    }
}

fn stream_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::path::PathBuf;

    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mt.sock");
        (folder, path)
    }

    #[test]
    fn the_file_has_its_mode_whatever_the_umask_and_goes_at_the_end() {
        for mode in [0o600, 0o660, 0o777, 0] {
            let (_folder, path) = place();
            let (listener, file) = bind(&path, mode).unwrap();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            assert!(metadata.file_type().is_socket());
            assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{mode:o}");
            assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            let _client = UnixStream::connect(&path).unwrap();
            listener.accept().unwrap();
            drop(file);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_stale_socket_is_replaced() {
        let (_folder, path) = place();
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let (_listener, _file) = bind(&path, 0o600).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_that_somebody_listens_on_is_taken_however_many_wait_there() {
        let (_folder, path) = place();
        let socket = stream_socket().unwrap();
        socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        socket.listen(0).unwrap();
        for waiting in 0..3 {
            assert_eq!(bind(&path, 0o600).unwrap_err().kind(), io::ErrorKind::AddrInUse, "{waiting}");
        }
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_socket_of_ours_is_refused_and_never_removed() {
        let (folder, path) = place();
        std::fs::write(&path, "precious").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/nowhere", &link).unwrap();
        for path in [path.as_path(), folder.path(), link.as_path()] {
            assert_eq!(bind(path, 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists, "{path:?}");
            assert!(std::fs::symlink_metadata(path).is_ok());
        }
        // A socket of another type: whose it is cannot be asked.
        let datagram = folder.path().join("datagram");
        let _socket = UnixDatagram::bind(&datagram).unwrap();
        assert!(bind(&datagram, 0o600).is_err());
        assert!(datagram.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_the_systems_error() {
        let (folder, _) = place();
        assert_eq!(bind(&folder.path().join("no/mt.sock"), 0).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
