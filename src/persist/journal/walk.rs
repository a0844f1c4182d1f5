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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixMillis;
    use crate::base::disk::{Disk, RealDisk};
    use crate::model::{Key, Scope};
    use crate::persist::database_id::DatabaseId;
    use crate::persist::journal::record::encode_record;
    use crate::persist::seal::Stamp;

    const CHAIN: u32 = 5;

    fn seal() -> Seal {
        Seal::of(Stamp { database_id: DatabaseId([1; 16]), salt: 7 })
    }

    /// A payload of `count` deletions.
    fn payload(count: u32) -> Vec<u8> {
        let mut payload = Vec::new();
        for _ in 0..count {
            let record = Record::Delete { scope: Scope::Main, key: Key::new("k").unwrap() };
            assert!(encode_record(&record, Batch::Ends, &mut payload).is_none());
        }
        payload
    }

    /// A head that fits `payload`, as the first in its file.
    fn head(payload: &[u8], count: u32) -> FrameHead {
        FrameHead {
            kind: FrameKind::Records,
            ordinal: 0,
            payload_bytes: payload.len() as u32,
            count,
            first_lsn: Lsn(10),
            durable_lsn: Lsn(9),
            written_at: UnixMillis(1),
            payload_crc: seal().over(Part::FramePayload, 0, payload),
            chain: 0,
        }
        .chained(CHAIN)
    }

    /// Walks frames with these heads and payloads, and says how many it passed and where it met a flaw.
    fn walk(frames: &[(FrameHead, &[u8])]) -> (u32, Option<usize>) {
        let mut content = Vec::new();
        for (head, payload) in frames {
            content.extend_from_slice(&head.encode(seal()));
            content.extend_from_slice(payload);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        RealDisk.create(&path).unwrap().write_all(&content).unwrap();
        let file = RealDisk.open(&path).unwrap();
        let [stepping, reading] = [false, true].map(|reads| {
            let window = Window::new(&path, file.as_ref(), content.len() as u64);
            let mut walk = Walk::new(window, seal(), 0, CHAIN, Lsn(10));
            while walk.offset() < content.len() as u64 {
                let step = if reads { walk.step_with(&mut |_, _| ()) } else { walk.step() };
                match step.unwrap() {
                    Ok(_) => (),
                    Err(Fault::Flaw(flaw)) => return (walk.ordinal(), Some(flaw.at)),
                    Err(Fault::Newer(what)) => panic!("{what}"),
                }
            }
            (walk.ordinal(), None)
        });
        // What a frame's checksum vouches for is looked into only by the one that reads.
        assert!(stepping == reading || stepping.1.is_none(), "{stepping:?} and {reading:?}");
        reading
    }

    #[test]
    fn a_frame_that_does_not_belong_where_it_stands_is_refused_by_the_field_that_tells() {
        let payload = payload(2);
        let first = head(&payload, 2);
        let crc = seal().over(Part::FramePayload, 1, &payload);
        let next = FrameHead { ordinal: 1, first_lsn: Lsn(12), durable_lsn: Lsn(11), payload_crc: crc, ..first };
        let next = next.chained(first.chain);
        assert_eq!(walk(&[(first, &payload), (next, &payload)]), (2, None));

        let later = FrameHead { first_lsn: Lsn(100), ..next }.chained(first.chain);
        assert_eq!(walk(&[(first, &payload), (later, &payload)]), (2, None), "LSNs may jump");
        let earlier = FrameHead { first_lsn: Lsn(11), durable_lsn: Lsn(10), ..next }.chained(first.chain);
        assert_eq!(walk(&[(first, &payload), (earlier, &payload)]), (1, Some(20)), "an LSN again");
        let elsewhere = FrameHead { ordinal: 2, ..next }.chained(first.chain);
        assert_eq!(walk(&[(first, &payload), (elsewhere, &payload)]), (1, Some(8)), "an ordinal too far");
        let unchained = next.chained(first.chain ^ 1);
        assert_eq!(walk(&[(first, &payload), (unchained, &payload)]), (1, Some(48)), "a frame of another history");
        assert_eq!(walk(&[(first, &payload), (next, &payload[1..])]), (1, Some(HEAD_BYTES)), "a payload cut short");
        assert_eq!(walk(&[(first, &[&payload[1..], b"\0"].concat())]), (0, Some(HEAD_BYTES)), "another payload");
    }

    #[test]
    fn nothing_stands_behind_a_clean_stop() {
        let (payload, stop) = (payload(1), FrameKind::CleanStop);
        let empty = seal().over(Part::FramePayload, 0, b"");
        let first = FrameHead { kind: stop, payload_crc: empty, ..head(b"", 0) }.chained(CHAIN);
        let crc = seal().over(Part::FramePayload, 1, &payload);
        let next = FrameHead { ordinal: 1, payload_crc: crc, ..head(&payload, 1) }.chained(first.chain);
        assert_eq!(walk(&[(first, b""), (next, &payload)]), (1, Some(0)));
        let mark = FrameHead { kind: FrameKind::Mark, ..first }.chained(CHAIN);
        let next = next.chained(mark.chain);
        assert_eq!(walk(&[(mark, b""), (next, &payload)]), (2, None));
    }

    #[test]
    fn a_payload_of_more_or_fewer_records_than_its_head_says_is_refused() {
        let payload = payload(2);
        assert_eq!(walk(&[(head(&payload, 1), &payload)]), (0, Some(HEAD_BYTES + 9)));
        assert_eq!(walk(&[(head(&payload, 3), &payload)]), (0, Some(HEAD_BYTES + 18)));
    }
}
