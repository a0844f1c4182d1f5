//! Opens a segment for reading and judges its header.

use std::path::Path;

use super::segment::{HEADER_BYTES, SegmentHeader, SegmentId};
use crate::base::disk::{Disk, DiskFile};
use crate::persist::error::{Damage, Error, Fault, Flaw};

/// The part of a segment that damage is named in.
const PART: &str = "the header";

/// An open segment: the file, its size in bytes, and its header or how that does not hold.
type Opened = (Box<dyn DiskFile>, u64, Result<SegmentHeader, Damage>);

/// Opens the file at `path`, which must hold segment `id`.
///
/// # Errors
/// `Newer`, or the disk's.
pub fn open(disk: &dyn Disk, path: &Path, id: SegmentId) -> Result<Opened, Error> {
    let file = disk.open(path).map_err(Error::io(path, "open"))?;
    let bytes = file.bytes().map_err(Error::io(path, "read the size of"))?;
    let mut header = vec![0; HEADER_BYTES.min(usize::try_from(bytes).unwrap_or(HEADER_BYTES))];
    file.read_exact_at(&mut header, 0).map_err(Error::io(path, "read"))?;
    let header = SegmentHeader::decode(&header).and_then(|header| match header.id {
        found if found == id => Ok(header),
        found => Err(Flaw::number(44, "segment", id, found).into()),
    });
    match header {
        Ok(header) => Ok((file, bytes, Ok(header))),
        Err(Fault::Flaw(flaw)) => Ok((file, bytes, Err(flaw.in_file(path, PART, 0)))),
        Err(Fault::Newer(what)) => Err(Error::Newer { path: path.to_owned(), what }),
    }
}
