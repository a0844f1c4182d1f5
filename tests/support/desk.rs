//! What a session needs of its thread, where there is neither a thread nor a socket.

use std::cell::Cell;
use std::sync::Arc;

use memory_tools::api::Handle;
use memory_tools::front::framing::HeadLimits;
use memory_tools::front::reactor::context::{Context, Millis, Rules};
use memory_tools::front::reactor::mail::{Address, Mailbox};
use memory_tools::front::reactor::sections::Sections;
use memory_tools::front::requests::{Recorder, Requests};
use memory_tools::model::Durability;

/// A `Date` as any other.
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A thread's things.
pub struct Desk {
    /// The limits.
    pub rules: Rules,
    /// The time.
    pub now: Millis,
    /// Where replies are put together.
    pub out: Vec<u8>,
    sections: Sections,
    bodies_bytes: Cell<usize>,
    has_asked: Cell<bool>,
    mailbox: Mailbox,
    recorder: Recorder,
}

impl Desk {
    /// With `rules`, at the beginning of time.
    pub fn new(rules: Rules) -> Desk {
        let mailbox = Mailbox::new(Arc::new(|| {}));
        Desk {
            rules,
            now: 0,
            out: Vec::new(),
            sections: Sections::default(),
            bodies_bytes: Cell::new(0),
            has_asked: Cell::new(false),
            mailbox,
            recorder: Arc::new(Requests::default()).recorder(),
        }
    }

    /// For one turn of a session.
    pub fn context<'d>(&'d mut self, handler: &'d dyn Handle, durability: &'d dyn Durability) -> Context<'d> {
        Context {
            handler,
            durability,
            rules: &self.rules,
            date: DATE,
            now: self.now,
            came: self.recorder.latest(),
            recorder: &self.recorder,
            is_draining: false,
            out: &mut self.out,
            sections: &self.sections,
            bodies_bytes: &self.bodies_bytes,
            has_asked: &self.has_asked,
            post: self.mailbox.post(),
            address: Address::default(),
            peer: None,
        }
    }
}

/// Limits as they are by default.
pub fn rules() -> Rules {
    let seconds = std::time::Duration::from_secs;
    Rules {
        head: HeadLimits { target_bytes_max: 8 << 10, head_bytes_max: 32 << 10, header_count_max: 100 },
        read_timeout: seconds(30),
        write_timeout: seconds(30),
        idle_timeout: seconds(30),
        transfer_bytes_per_second_min: 1024,
        pipelined_requests_max: 128,
        unsent_bytes_max: 1 << 20,
        stream_buffer_bytes: 256 << 10,
        bodies_bytes_max: 1 << 30,
    }
}
