//! Puts frames behind one another in a file: head, chain and checksums are made here, one write for each frame.
//!
//! Invariant: what stands in the file up to `offset` is whole frames, each chained to the one before. After an error
//! nothing is known of what was written, and the writer must not be used again.
//! It neither creates nor syncs the file, and does not know whether it is a segment or a replay section.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::{self, FrameHead, FrameKind};
use crate::base::clock::UnixMillis;
use crate::base::disk::DiskFile;
use crate::model::Lsn;
use crate::persist::error::Error;
use crate::persist::seal::{Part, Seal};

/// A frame to be written; its place in the file is the writer's to say.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What it is for.
    pub kind: FrameKind,
    /// LSN of the first record; without records the next LSN to be issued.
    pub first_lsn: Lsn,
    /// Records in `parts`.
    pub count: u32,
    /// The records' bytes, behind one another.
    pub parts: &'a [IoSlice<'a>],
    /// Everything up to here is durable.
    pub durable_lsn: Lsn,
    /// Wall time.
    pub written_at: UnixMillis,
}

/// Where in a file the next frame goes, and what it goes on from.
#[derive(Debug)]
pub(in crate::persist) struct FrameWriter {
    // Constant after construction.
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    seal: Seal,
    // The file so far.
    offset: u64,
    ordinal: u32,
    chain: u32,
    next_lsn: Lsn,
}

impl Frame<'_> {
    /// Bytes that it takes in the file.
    pub(in crate::persist) fn bytes(&self) -> u64 {
        (frame::HEAD_BYTES + self.payload_bytes()) as u64
    }

    fn payload_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }
}

impl FrameWriter {
    /// Begins at `offset` of `file`, with a chain that goes on from `chain` and LSNs from `next_lsn` on.
    pub fn new(
        path: &Path,
        file: Arc<dyn DiskFile>,
        seal: Seal,
        offset: u64,
        chain: u32,
        next_lsn: Lsn,
    ) -> FrameWriter {
        FrameWriter { path: path.to_owned(), file, seal, offset, ordinal: 0, chain, next_lsn }
    }

    /// Writes `frame` behind those before, and `zeros` behind it for the next frames to overwrite, all in one write.
    /// Returns the frame's bytes.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Panics
    /// When the frame is one that no reader would take: without the records that its kind has, too large, or with LSNs
    /// that do not go on from those before.
    pub fn append(&mut self, frame: &Frame<'_>, zeros: &[u8]) -> Result<u64, Error> {
        let begin = self.seal.begin(Part::FramePayload, self.ordinal);
        let payload_crc = frame.parts.iter().fold(begin, |crc, part| crc32c::crc32c_append(crc, part));
        let head = FrameHead {
            kind: frame.kind,
            ordinal: self.ordinal,
            payload_bytes: u32::try_from(frame.payload_bytes()).expect("a frame's payload is within PAYLOAD_BYTES_MAX"),
            count: frame.count,
            first_lsn: frame.first_lsn,
            durable_lsn: frame.durable_lsn,
            written_at: frame.written_at,
            payload_crc,
            chain: 0,
        };
        let head = head.chained(self.chain);
        assert!(head.check().is_ok(), "a frame that its reader would refuse: {head:?}");
        assert!(head.first_lsn >= self.next_lsn, "LSN {} stands before {}", head.first_lsn, self.next_lsn);

        let encoded = head.encode(self.seal);
        let mut parts = Vec::with_capacity(2 + frame.parts.len());
        parts.push(IoSlice::new(&encoded));
        parts.extend_from_slice(frame.parts);
        parts.push(IoSlice::new(zeros));
        self.file.write_all_at(&parts, self.offset).map_err(Error::io(&self.path, "write"))?;
        let bytes = frame.bytes();
        self.offset += bytes;
        self.ordinal = self.ordinal.checked_add(1).expect("fewer than 2^32 frames in a file");
        self.chain = head.chain;
        self.next_lsn = head.next_lsn();
        Ok(bytes)
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file.
    pub fn file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }

    /// Offset behind the last frame.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The chain behind the last frame.
    pub fn chain(&self) -> u32 {
        self.chain
    }

    /// The least LSN that the next frame may begin with.
    pub fn next_lsn(&self) -> Lsn {
        self.next_lsn
    }
}
