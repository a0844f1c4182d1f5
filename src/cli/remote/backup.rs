//! `backup`: everything as it was at one moment, into a file or to standard output.
//!
//! The server makes the copy, and it is written as it comes: memory is one buffer, however much there is. Invariant: a
//! file has its name only when every checksum in it holds and it is on the disk; what goes wrong before that leaves
//! nothing.

use std::io::Write;
use std::time::{Duration, Instant};

use super::super::exit::Finished;
use super::action::{BackingUp, Stream};
use super::fault::Fault;
use super::partial::{Partial, beside};
use super::progress::{Measure, Progress};
use crate::base::disk::Disk;
use crate::client::{Bytes, Client, Download, Request};
use crate::persist::SnapshotReader;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// How long a server may take for the copy, during which it says nothing: the largest stores take minutes.
pub const SILENCE_MAX: Duration = Duration::from_secs(60 * 60);

/// What the server says of the copy.
struct Told {
    documents: u64,
    bytes: u64,
    lsn: u64,
}

/// Writes a backup to where `backing_up` says.
///
/// # Errors
/// `Exists`, `Backup` for one that does not hold, `Output`, and all that a server may say.
pub fn backup(
    client: &Client,
    backing_up: &BackingUp,
    disk: &dyn Disk,
    out: &mut dyn Write,
) -> Result<Finished, Fault> {
    let began = Instant::now();
    let summary = |Told { documents, bytes, lsn }: Told| match backing_up.is_quiet {
        true => String::new(),
        false => {
            let ms = began.elapsed().as_millis();
            format!("{{\"documents\":{documents},\"bytes\":{bytes},\"lsn\":{lsn},\"ms\":{ms}}}\n")
        }
    };
    match &backing_up.to {
        Stream::Standard => {
            let told = fetch(client, backing_up, out)?;
            out.flush().map_err(Fault::Output)?;
            Ok(Finished::said(summary(told)))
        }
        Stream::File(path) => {
            if !backing_up.replaces && disk.exists(path).map_err(Fault::Output)? {
                return Err(Fault::Exists(path.clone()));
            }
            let mut partial = Partial::create(disk, path).map_err(Fault::Output)?;
            let fetched = fetch(client, backing_up, &mut partial).and_then(|told| {
                partial.flush().map_err(Fault::Output)?;
                let written = SnapshotReader::open(disk, &beside(path), "").map_err(Fault::Backup)?;
                written.verify().map_err(Fault::Backup)?;
                Ok(told)
            });
            let finished = fetched.and_then(|told| partial.finish().map_err(Fault::Output).map(|()| told));
            // Half a backup is of no use to anybody.
            let told = finished.inspect_err(|_| drop(disk.remove(&beside(path))))?;
            Ok(Finished::done(summary(told)))
        }
    }
}

fn fetch(client: &Client, backing_up: &BackingUp, out: &mut dyn Write) -> Result<Told, Fault> {
    let mut bytes = match client.download(&Request::get("/v1/admin/backup", Vec::new()))? {
        Download::Bytes(bytes) => bytes,
        Download::Refused(reply) => return Err(Fault::Refused(reply)),
    };
    let told = told(&bytes).ok_or(Fault::Unexpected("a backup"))?;
    let progress = match backing_up.is_quiet {
        true => Progress::hidden(),
        false => Progress::new(Measure::Bytes, Some(told.bytes)),
    };
    let (mut buffer, mut taken) = (vec![0; BUFFER_BYTES], 0);
    loop {
        let count = bytes.read(&mut buffer)?;
        let (read, _) = buffer.split_at(count);
        if read.is_empty() {
            break;
        }
        out.write_all(read).map_err(Fault::Output)?;
        taken += count as u64;
        progress.at(taken, told.documents);
    }
    if taken == told.bytes { Ok(told) } else { Err(Fault::Unexpected("the whole of a backup, try again")) }
}

fn told(bytes: &Bytes) -> Option<Told> {
    let number = |name| bytes.head.field(name)?.parse().ok();
    Some(Told { documents: number("MT-Documents")?, bytes: number("MT-Bytes")?, lsn: number("MT-LSN")? })
}
