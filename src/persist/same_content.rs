//! Whether two files hold the same bytes, at constant memory.

use std::path::Path;

use super::error::Error;
use crate::base::disk::Disk;

const CHUNK_BYTES: u64 = 1 << 20;

/// True when the files at `left` and `right` hold the same bytes.
///
/// # Errors
/// The disk's.
pub fn have_same_content(disk: &dyn Disk, left: &Path, right: &Path) -> Result<bool, Error> {
    let (first, second) =
        (disk.open(left).map_err(Error::io(left, "open"))?, disk.open(right).map_err(Error::io(right, "open"))?);
    let bytes = first.bytes().map_err(Error::io(left, "read the size of"))?;
    if bytes != second.bytes().map_err(Error::io(right, "read the size of"))? {
        return Ok(false);
    }
    let (mut here, mut there) = (Vec::new(), Vec::new());
    let mut offset = 0;
    while offset < bytes {
        let chunk_bytes = CHUNK_BYTES.min(bytes - offset);
        here.resize(chunk_bytes as usize, 0);
        there.resize(chunk_bytes as usize, 0);
        first.read_exact_at(&mut here, offset).map_err(Error::io(left, "read"))?;
        second.read_exact_at(&mut there, offset).map_err(Error::io(right, "read"))?;
        if here != there {
            return Ok(false);
        }
        offset += chunk_bytes;
    }
    Ok(true)
}
