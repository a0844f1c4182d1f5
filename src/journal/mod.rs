//! The journal while the server runs: every mutation gets its number here and leaves its record, in one order.
//!
//! A mutation takes a `Room` before any lock; inside its critical section it appends a record and so gets its LSN, in
//! one hold of one mutex. So the order of the records is the order in which mutations happen, per key and beside the
//! catalogue. Invariant: appending never waits and never fails, because the room for it was taken before.
//! What rests on a record leaves as the mode says (`Durability`). It does not know what a document means, nor how many
//! shards there are; the bytes of a record are persist's.

mod alarm;
mod buffer;
mod commit;
mod committer;
mod durability;
mod feed;
mod figures;
mod follow;
mod group;
mod head;
mod healing;
mod release;
mod ring;
mod room;
mod sequence;
mod space;
mod standing;
mod syncer;
mod tee;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::base::clock::{Clock, SystemClock};
use crate::base::health::Health;
use crate::base::limits::JOURNAL_BUFFER_BYTES_MIN;
use crate::model::{Lsn, Record, Refusal};
use crate::persist::journal::{Growth, SegmentFile, SegmentId};
use crate::persist::{DataFolder, Error, Next};

use alarm::Alarm;
use buffer::Buffer;
use commit::{Commit, Phase};
use feed::Feed;
use figures::Counters;
use head::Head;
use release::Releases;
use space::Space;
use standing::Post;
use syncer::Lag;

pub use committer::{Committer, Stepped};
pub use feed::{ChangesFigures, ChangesLimits};
pub use figures::Figures;
pub use healing::Healing;
pub use room::Room;
pub use sequence::{Raise, Sequence};
pub use standing::Standing;
pub use syncer::Syncer;
pub use tee::Tee;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything, power loss included: a reply waits for the fsync of its group.
    Always,
    /// The end of the process. Power loss takes at most the last second and one running fsync.
    Everysec,
    /// The end of the process. Power loss takes what the kernel had not written.
    Os,
    /// A clean stop: there is no journal on disk, only snapshots.
    Off,
}

impl Mode {
    /// How the file of a segment grows: ahead of the frames where a reply waits for the sync of each.
    fn growth(self) -> Growth {
        if self == Mode::Always { Growth::Ahead } else { Growth::ByFrames }
    }
}

/// What the journal is told at the start.
pub struct JournalOptions {
    /// What an acknowledged write survives.
    pub mode: Mode,
    /// Bytes of records that may be on their way to the disk.
    pub buffer_bytes: usize,
    /// Bytes after which a segment ends.
    pub segment_bytes: u64,
    /// Called once each time the disk has refused the journal, with the cause. Must not wait.
    pub on_given_up: Box<dyn Fn(&str) + Send + Sync>,
}

/// Numbers mutations and keeps their records. One for a server: the engine writes to it, the fronts ask it what may
/// leave.
///
/// # Locks
/// `commit`, then `syncing`, then one of the others at a time; wakers are called with none but these two held.
pub struct Journal {
    // Constant after construction.
    options: JournalOptions,
    clock: Arc<dyn Clock>,
    /// Where its files are, from its beginning to the end of the server. Only asked what the disk has left.
    folder: OnceLock<Weak<DataFolder>>,
    // With synchronization of their own.
    sequence: Sequence,
    space: Space,
    releases: Releases,
    post: Post,
    lag: Lag,
    alarm: Alarm,
    figures: Counters,
    /// What was changed last; `None` when nobody may follow it.
    feed: Option<Box<Feed>>,
    /// A leaf among the locks: nothing is called, waited for or freed under it.
    head: Mutex<Head>,
    /// Held by whoever writes to the files.
    commit: Mutex<Commit>,
    /// Held while a segment is synced.
    syncing: Mutex<()>,
    /// The segment that is written to, for `mt-sync`.
    current: Mutex<Option<SegmentFile>>,
    /// Where an attempt to heal waits for rooms to go.
    leaving: Mutex<()>,
    room_left: Condvar,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("mode", &self.options.mode)
            .field("next", &self.next())
            .field("standing", &self.post)
            .field("releases", &self.releases)
            .field("space", &self.space)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// A journal that goes on with `sequence`, and whose first segment will be the one behind `newest`. Until it
    /// begins, it numbers and keeps no record.
    pub fn new(
        options: JournalOptions,
        sequence: Sequence,
        newest: SegmentId,
        clock: Arc<dyn Clock>,
        health: Arc<Health>,
    ) -> Journal {
        let now = Instant::now();
        Journal {
            space: Space::new(options.buffer_bytes),
            releases: Releases::new(options.mode, sequence.last()),
            post: Post::new(health),
            lag: Lag::new(now),
            alarm: Alarm::default(),
            figures: Counters::new(),
            feed: None,
            head: Mutex::new(Head::new(sequence.next())),
            commit: Mutex::new(Commit::new(newest, now)),
            syncing: Mutex::new(()),
            current: Mutex::new(None),
            leaving: Mutex::new(()),
            room_left: Condvar::new(),
            options,
            clock,
            folder: OnceLock::new(),
            sequence,
        }
    }

    /// A journal in mode `Off`, which goes on with `sequence`: it numbers, keeps no record, and lets every reply leave
    /// at once.
    pub fn off(sequence: Sequence) -> Journal {
        let options = JournalOptions {
            mode: Mode::Off,
            buffer_bytes: JOURNAL_BUFFER_BYTES_MIN,
            segment_bytes: u64::MAX,
            on_given_up: Box::new(|_| {}),
        };
        Journal::new(options, sequence, SegmentId(0), Arc::new(SystemClock::start()), Arc::default())
    }

    /// Begins to keep records, in the segment `next` of `folder`; in `Off` none is kept. Everything that was numbered
    /// before is durable by itself.
    ///
    /// # Errors
    /// The disk's.
    pub fn begin(&self, folder: Arc<DataFolder>, next: Next) -> Result<(), Error> {
        let mut commit = self.commit.lock();
        // A journal begins once.
        let _ = self.folder.set(Arc::downgrade(&folder));
        commit.folder = Some(folder);
        commit.newest = SegmentId(next.id.0.saturating_sub(1));
        self.releases.restart(self.last());
        self.feed.iter().for_each(|feed| feed.begin(self.last()));
        if self.options.mode != Mode::Off {
            self.begin_segment(&mut commit, next.id, self.next(), next.link)?;
            self.head.lock().buffer = Some(Buffer::new(self.options.buffer_bytes));
        }
        commit.phase = Phase::Begun;
        Ok(())
    }

    /// Takes room for `records`: what a mutation is going to append at most, as far as that is known before it has its
    /// locks. What it appends may have other deadlines.
    ///
    /// It never waits for room. When nobody has kept ahead, it writes IDENTITY to raise the ceiling of the LSNs.
    ///
    /// # Errors
    /// Writes are refused for now.
    ///
    /// # Locks
    /// None may be held.
    pub fn room(&self, records: &[Record<'_>]) -> Result<Room<'_>, Refusal> {
        Room::take(self, records)
    }

    /// Issues an LSN for what has no record: what is imported at the start, which a snapshot holds before anybody is
    /// served.
    ///
    /// # Errors
    /// The ceiling cannot be made durable.
    pub fn number(&self) -> Result<Lsn, Refusal> {
        self.sequence.promise(1)?;
        let lsn = self.head.lock().issue(1, &self.sequence);
        self.sequence.give_back(1);
        Ok(lsn)
    }

    /// Makes sure that LSNs can be issued: at the start, before anybody is served.
    ///
    /// # Errors
    /// The ceiling cannot be made durable.
    pub fn prepare(&self) -> Result<(), Refusal> {
        self.sequence.prepare()
    }

    /// Makes LSNs available before mutations run out of them, and again when they are refused for want of them: writes
    /// IDENTITY then, and costs nothing else. Call it about once a second.
    pub fn keep_ahead(&self) {
        self.sequence.keep_ahead();
    }

    /// True when what is written is kept before a snapshot has it: in every mode but `Off`.
    pub fn keeps_records(&self) -> bool {
        self.options.mode != Mode::Off
    }

    /// True when it has every record up to the newest LSN, and a loss of power would leave them: also after it was given
    /// up, when that came with nothing on its way. Never in `Off`.
    pub fn is_durable(&self) -> bool {
        self.keeps_records() && self.releases.durable() >= self.last()
    }

    /// What it has counted, and how far it has come.
    pub fn figures(&self) -> Figures {
        // Read in this order, none is ahead of the next.
        let (durable, written) = (self.releases.durable(), self.releases.written());
        self.figures.read([durable, written, self.last()])
    }

    /// The LSN that will be issued next.
    pub fn next(&self) -> Lsn {
        self.sequence.next()
    }

    /// The newest LSN that was issued; 0 when none was.
    pub fn last(&self) -> Lsn {
        self.sequence.last()
    }
}
