//! Goes from frame to frame, and takes a step only when everything about the frame holds.
//!
//! Invariant: behind `offset` nothing is believed; before it every head, every payload and the chain over them hold.
//! Segments and the replay section of a snapshot are walked alike. What a fault means is for others to decide.

use super::frame::{FrameHead, FrameKind, HEAD_BYTES};
use super::record::{Batch, RecordView};
use super::window::Window;
use crate::model::{Lsn, Record};
use crate::persist::error::{Error, Fault, Flaw};
use crate::persist::fields::Fields;
use crate::persist::seal::{Part, Seal};

/// Bytes of a payload that are summed at once.
const SUMMED_BYTES: usize = 1 << 18;

/// A place between two frames.
#[derive(Debug)]
pub(in crate::persist) struct Walk<'f> {
    // Constant after construction.
    seal: Seal,
    // The file, read ahead.
    window: Window<'f>,
    // Where the walk stands.
    offset: u64,
    ordinal: u32,
    chain: u32,
    next_lsn: Lsn,
    last_kind: Option<FrameKind>,
}

/// What one step found: a frame, or how it does not hold.
pub(in crate::persist) type Step<T> = Result<Result<T, Fault>, Error>;

impl<'f> Walk<'f> {
    /// Before the first frame at `offset`, whose chain goes on from `chain`, with LSNs from `next_lsn` on.
    pub fn new(window: Window<'f>, seal: Seal, offset: u64, chain: u32, next_lsn: Lsn) -> Walk<'f> {
        Walk { seal, window, offset, ordinal: 0, chain, next_lsn, last_kind: None }
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The number of the next frame.
    pub fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// The chain up to here.
    pub fn chain(&self) -> u32 {
        self.chain
    }

    /// The least LSN that may follow.
    pub fn next_lsn(&self) -> Lsn {
        self.next_lsn
    }

    /// True when the last frame says that the server stopped in order.
    pub fn is_stopped(&self) -> bool {
        self.last_kind == Some(FrameKind::CleanStop)
    }

    /// The file, for reading what cannot be walked.
    pub fn window(&mut self) -> &mut Window<'f> {
        &mut self.window
    }

    /// Steps over the next frame without looking into its records.
    pub fn step(&mut self) -> Step<FrameHead> {
        let head = match self.head()? {
            Ok(head) => head,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut crc = self.seal.begin(Part::FramePayload, self.ordinal);
        let mut left = head.payload_bytes as usize;
        let mut offset = self.offset + HEAD_BYTES as u64;
        while left > 0 {
            let part = self.window.read(offset, left.min(SUMMED_BYTES))?;
            crc = crc32c::crc32c_append(crc, part);
            offset += part.len() as u64;
            left -= part.len();
        }
        if crc != head.payload_crc {
            return Ok(Err(Flaw::checksum(HEAD_BYTES, head.payload_crc, crc).into()));
        }
        self.pass(head);
        Ok(Ok(head))
    }

    /// Steps over the next frame and hands each of its records on, when its checksums hold. Should a record not decode
    /// all the same, those before it have been handed on.
    pub fn step_with(&mut self, each: &mut dyn FnMut(Lsn, Record<'_>)) -> Step<FrameHead> {
        let head = match self.head()? {
            Ok(head) => head,
            Err(fault) => return Ok(Err(fault)),
        };
        let payload = self.window.read(self.offset + HEAD_BYTES as u64, head.payload_bytes as usize)?;
        let crc = self.seal.over(Part::FramePayload, self.ordinal, payload);
        if crc != head.payload_crc {
            return Ok(Err(Flaw::checksum(HEAD_BYTES, head.payload_crc, crc).into()));
        }
        if let Err(fault) = hand_on(payload, &head, each) {
            return Ok(Err(fault));
        }
        self.pass(head);
        Ok(Ok(head))
    }

    /// The head of the next frame, when it belongs here and its payload lies within the file.
    fn head(&mut self) -> Step<FrameHead> {
        let bytes = self.window.read(self.offset, HEAD_BYTES)?;
        let judged = FrameHead::decode(bytes, self.seal).and_then(|head| {
            self.check_place(&head)?;
            Ok(head)
        });
        Ok(judged)
    }

    fn check_place(&self, head: &FrameHead) -> Result<(), Flaw> {
        if self.is_stopped() {
            return Err(Flaw::new(0, "nothing behind a clean stop", "a frame"));
        }
        if head.ordinal != self.ordinal {
            return Err(Flaw::number(8, "frame", self.ordinal, head.ordinal));
        }
        let chained = head.chained(self.chain);
        if chained.chain != head.chain {
            let (expected, found) = (chained.chain, head.chain);
            return Err(Flaw::new(48, format!("chain {expected:08x}"), format!("{found:08x}")));
        }
        if head.first_lsn < self.next_lsn {
            return Err(Flaw::number(20, "an LSN from", self.next_lsn, head.first_lsn));
        }
        let room = self.window.remaining(self.offset + HEAD_BYTES as u64);
        if u64::from(head.payload_bytes) > room {
            return Err(Flaw::new(
                HEAD_BYTES,
                format!("{} bytes", head.payload_bytes),
                format!("the end after {room}"),
            ));
        }
        Ok(())
    }

    fn pass(&mut self, head: FrameHead) {
        self.offset += HEAD_BYTES as u64 + u64::from(head.payload_bytes);
        self.ordinal = self.ordinal.saturating_add(1);
        self.chain = head.chain;
        self.next_lsn = head.next_lsn();
        self.last_kind = Some(head.kind);
    }
}

/// Hands on the records of a payload that its checksum vouches for. Faults are counted from the frame's beginning.
fn hand_on(payload: &[u8], head: &FrameHead, each: &mut dyn FnMut(Lsn, Record<'_>)) -> Result<(), Fault> {
    let mut fields = Fields::of(payload);
    let mut batch = Batch::Ends;
    let mut lsn = head.first_lsn;
    for _ in 0..head.count {
        let view = RecordView::decode(&mut fields).map_err(|fault| moved(fault, HEAD_BYTES))?;
        batch = view.batch;
        view.with(|record| each(lsn, record));
        lsn = lsn.next();
    }
    let at = HEAD_BYTES + fields.offset();
    if fields.remaining() != 0 {
        return Err(Flaw::new(at, "the end of the payload", "more bytes").into());
    }
    if batch == Batch::GoesOn {
        return Err(Flaw::new(at, "the rest of a batch", "the end of the payload").into());
    }
    Ok(())
}

/// The same fault in a part that begins `by` earlier.
fn moved(fault: Fault, by: usize) -> Fault {
    match fault {
        Fault::Flaw(flaw) => Fault::Flaw(Flaw { at: flaw.at + by, ..flaw }),
        Fault::Newer(what) => Fault::Newer(what),
    }
}
