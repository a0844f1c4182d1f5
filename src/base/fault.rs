//! Mistakes that a test build can be told to make, one at a time, to prove that a test would notice.
//!
//! A site in the code reads `if is_planted(Fault::SkipFolderSync)` and does the wrong thing then. Without the feature
//! `planted-faults`, which no build that is shipped has, the question is a constant `false` and nothing of the site is
//! left. `tests/planted.rs` sets the variable and runs the test that must fail; the table is in `tests/README.md`.

/// The variable that names the fault to commit.
#[cfg(feature = "planted-faults")]
const VARIABLE: &str = "MEMORY_TOOLS_FAULT";

/// The mistakes, and all of them in a list.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A mistake that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every one, in the order of the table in `tests/README.md`.
            pub const ALL: &[Fault] = &[$(Fault::$name,)*];

            /// What the variable holds to plant it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Fault::$name => stringify!($name),)*
                }
            }
        }
    };
}

faults! {
    /// A folder is not synced after a file in it was created or renamed.
    SkipFolderSync,
    /// A reply leaves before its record was written.
    ReleaseBeforeWrite,
    /// A reply leaves before its record was synced, where that is promised.
    ReleaseBeforeSync,
    /// A sync that failed is tried again on the same file, and its success believed.
    RetrySync,
    /// Frames and headers do not say up to where the journal is durable.
    DropWatermark,
    /// A start that was not clean goes on behind the last LSN found, and not from the ceiling.
    ReuseLsn,
    /// A snapshot is published while records below its end are not durable.
    PublishBeforeDurable,
    /// A record is appended after the lock was given back under which its change was made.
    AppendOutsideShardLock,
    /// A record is replayed over an entry that is newer.
    ReplayWithoutVersionCheck,
    /// What has expired is dropped before the replay.
    ExpireBeforeReplay,
    /// A segment is left for the next without a sync.
    SkipRotationSync,
    /// A batch is cut over two frames.
    SplitBatch,
    /// Segments that only the snapshot before the newest needs are removed.
    FreeTooEarly,
    /// In `always` a read shows what is not durable.
    ReadUnreleased,
    /// Files are sealed with a salt of zero.
    SaltZero,
    /// The rest of a write that took less than it was given is forgotten.
    IgnoreShortWrite,
}

/// True when this process was told to make the mistake `fault`.
#[cfg(feature = "planted-faults")]
#[must_use]
pub fn is_planted(fault: Fault) -> bool {
    use std::sync::OnceLock;

    static PLANTED: OnceLock<Option<Fault>> = OnceLock::new();
    let planted = PLANTED.get_or_init(|| {
        let name = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty())?;
        let fault = Fault::ALL.iter().copied().find(|fault| fault.name() == name);
        assert!(fault.is_some(), "{VARIABLE} is {name:?}, which is no fault");
        fault
    });
    *planted == Some(fault)
}

/// False: this build makes no mistakes on purpose.
#[cfg(not(feature = "planted-faults"))]
#[inline(always)]
#[must_use]
pub const fn is_planted(_: Fault) -> bool {
    false
}
