//! A body that is made while it is sent: pulled part by part, as fast as its reader takes it.
//!
//! Invariant: nothing here waits. A stream that has nothing yet says so and is left alone until it is woken; the front
//! does the waiting. It does not know who reads.

use std::time::Duration;

use super::Part;

/// A body that is made while it is sent. A front may drop it at any time, when its reader has gone or the server stops.
pub trait BodyStream: Send {
    /// Appends the next bytes to `part`, and says what comes next: some tens of KiB at most, unless one document is
    /// larger. It may append nothing, and may append something whatever it says. Holds no lock between calls. The part
    /// leaves when what it rests on may be seen (`Part::rest`).
    fn pull(&mut self, part: &mut Part) -> Pulled;

    /// Asked once behind each `Waits`: sees to it that `wake` is called when there may be more, in place of what it was
    /// given before, and gives the longest time after which it is pulled in any case. Never blocks. It may call `wake` at
    /// once; dropping it uncalled leaves only the time.
    ///
    /// A stream that never waits need not answer: by default there is more at once.
    fn when_ready(&mut self, wake: Wake) -> Duration {
        wake();
        Duration::ZERO
    }
}

/// The body of the answer to a HEAD: the length of what a GET would get would take as long as that.
pub struct Nothing;

impl BodyStream for Nothing {
    fn pull(&mut self, _: &mut Part) -> Pulled {
        Pulled::Ended
    }
}

/// What a stream says when it was pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// There is more. With nothing appended: it has looked for long, and others have their turn before it goes on.
    More,
    /// There is nothing more now: what there is goes to its reader, and the stream is asked when to go on
    /// (`BodyStream::when_ready`). However long it waits, its connection counts as busy, but when its reader sends
    /// nothing more, and when the server stops, the body ends here.
    Waits,
    /// That was all.
    Ended,
}

/// Has a stream that waits pulled again. Called once, from any thread; never blocks.
pub type Wake = Box<dyn FnOnce() + Send>;
