//! The file by which a Unix socket is found: looked at, given its mode, removed.
//!
//! Beside `disk` and `proc` the only file that calls `std::fs`: what is here is no data, has no content and survives
//! nothing. It does not bind, and does not know who listens.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No file.
    Nothing,
    /// A socket, whether or not anybody listens on it.
    Socket,
    /// Anything else, a symbolic link included.
    Other,
}

/// Looks at `path`.
///
/// # Errors
/// The operating system's, but for a path that leads nowhere.
pub fn look(path: &Path) -> io::Result<Found> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => Ok(Found::Socket),
        Ok(_) => Ok(Found::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

/// Removes the file `path`; one that has gone already is no error.
///
/// # Errors
/// The operating system's.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file of a socket that this process has bound. Dropping it removes the file, unless another one has taken its
/// place.
///
/// Drop it before the socket: as long as that is open, no other file can have its number.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Takes charge of the file `path`, which a socket of this process has just been bound to, and gives it the
    /// permission bits `mode`.
    ///
    /// # Errors
    /// The operating system's; the file is then removed.
    pub fn of_bound(path: &Path, mode: u32) -> io::Result<SocketFile> {
        let metadata = fs::symlink_metadata(path)?;
        let file = SocketFile { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() };
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        Ok(file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // What stays is found stale by the next start, and replaced.
            let _ = remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_link_to_a_socket_is_no_socket() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, link, file) = (folder.path().join("s"), folder.path().join("l"), folder.path().join("f"));
        let _listener = UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        fs::write(&file, "").unwrap();
        let found = [&socket, &link, &file, &folder.path().join("nothing")].map(|path| look(path).unwrap());
        assert_eq!(found, [Found::Socket, Found::Other, Found::Other, Found::Nothing]);
    }

    #[test]
    fn the_file_goes_with_its_owner_and_a_successor_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let first = UnixListener::bind(&path).unwrap();
        let file = SocketFile::of_bound(&path, 0o600).unwrap();
        drop(file);
        assert_eq!(look(&path).unwrap(), Found::Nothing);
        drop(first);

        let second = UnixListener::bind(&path).unwrap();
        let file = SocketFile::of_bound(&path, 0o600).unwrap();
        remove(&path).unwrap();
        let _successor = UnixListener::bind(&path).unwrap();
        drop(file);
        assert_eq!(look(&path).unwrap(), Found::Socket);
        drop(second);
    }
}
