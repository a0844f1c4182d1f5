//! What is done to a connection, read from any bytes: a line of options and steps, then the conversation.
//!
//! The line is made of pairs, a letter and an amount, so that a seed can be written by hand:
//!
//! ```text
//!   P1 Rt a9 x0 f0
//!   GET / HTTP/1.1 …
//! ```
//!
//! Capital letters are options, small ones steps in their order; spaces do not count, any other byte is one of the
//! steps. An amount is a digit, or a letter for a power of two (a = 1, b = 2, k = 1024, t = 512 Ki), or any other byte
//! as it is. Input without a line end is all conversation. A script never fails to be one.

use std::time::Duration;

use memory_tools::front::framing::HeadLimits;
use memory_tools::front::reactor::context::{Millis, Rules};

use super::double::BODIES_BYTES;

/// Steps of one script. More are not done, or a run takes long.
const STEPS_MAX: usize = 400;

/// Long enough to play no role.
const LONG: Duration = Duration::from_secs(1000);

/// The smallest limit on heads: an empty line before a request has to fit.
const HEAD_BYTES_MIN: usize = 16;

/// Something that happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next so many bytes of the conversation arrive.
    Arrive(usize),
    /// The peer takes so many bytes.
    Take(usize),
    /// The peer takes whatever comes from now on.
    Flow,
    /// The peer takes nothing from now on.
    Stall,
    /// Time passes.
    Pass(Millis),
    /// Time passes up to the next deadline.
    Expire,
    /// So many further LSNs are durable.
    Release(u64),
    /// What waits to be durable never will be.
    Deny,
    /// The reply that was asked for first, of those that come later, is made.
    Make,
    /// The reply that was asked for first, of those that come later, never will be made.
    Forget,
    /// The thread reads its mail.
    Mail,
    /// A step of work is run, if there is one to run.
    Work,
    /// There may be room.
    Room,
    /// Streams that wait are woken.
    Wake,
    /// The peer may have gone: streams end where they wait.
    Leave,
    /// The server begins to stop.
    Drain,
    /// The peer sends nothing more.
    End,
    /// The peer is gone.
    Reset,
}

/// Options, steps and a conversation.
#[derive(Clone, Debug)]
pub struct Script<'i> {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The bytes that the peer has to send.
    pub conversation: &'i [u8],
    rules: Rules,
    is_disturbed: bool,
}

impl<'i> Script<'i> {
    /// Reads `input`.
    pub fn of(input: &'i [u8]) -> Script<'i> {
        let mut script = Script::at_once(input, wide().head);
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return script };
        let (line, rest) = input.split_at(end);
        script.conversation = &rest[1..];
        let mut bytes = line.iter().filter(|byte| **byte != b' ');
        while let (Some(letter), Some(amount)) = (bytes.next(), bytes.next()) {
            script.take(*letter, amount_of(*amount));
        }
        script
    }

    /// The whole of `conversation` arrives as fast as it is read, replies are taken as fast as they come, and no limit
    /// but that on heads plays a role.
    pub fn at_once(conversation: &'i [u8], head: HeadLimits) -> Script<'i> {
        Script { steps: Vec::new(), conversation, rules: Rules { head, ..wide() }, is_disturbed: false }
    }

    /// The limits.
    pub fn rules(&self) -> Rules {
        self.rules.clone()
    }

    /// True when nothing happens that may change what is replied: only the pace of bytes, LSNs and mail.
    pub fn is_undisturbed(&self) -> bool {
        !self.is_disturbed
    }

    /// What the peer has sent when `bytes` have arrived and it sends nothing more.
    pub fn sent(&self, bytes: usize) -> &'i [u8] {
        &self.conversation[..bytes]
    }

    fn take(&mut self, letter: u8, amount: usize) {
        let rules = &mut self.rules;
        let duration = Duration::from_millis(amount.max(1) as u64);
        match letter {
            b'P' => rules.pipelined_requests_max = amount.clamp(1, 8),
            b'U' => rules.unsent_bytes_max = amount.max(1),
            b'S' => rules.stream_buffer_bytes = amount.max(1),
            b'B' => {
                rules.bodies_bytes_max = amount;
                self.is_disturbed = true;
            }
            b'H' => rules.head.head_bytes_max = amount.max(HEAD_BYTES_MIN),
            b'T' => rules.head.target_bytes_max = amount.max(1),
            b'F' => rules.head.header_count_max = amount,
            b'R' => rules.read_timeout = duration,
            b'W' => rules.write_timeout = duration,
            b'I' => rules.idle_timeout = duration,
            b'M' => rules.transfer_bytes_per_second_min = amount.max(1) as u64,
            _ => self.step(letter, amount),
        }
    }

    fn step(&mut self, letter: u8, amount: usize) {
        let step = match letter {
            b'a' => Step::Arrive(amount),
            b't' => Step::Take(amount),
            b'f' => Step::Flow,
            b's' => Step::Stall,
            b'p' => Step::Pass(amount as Millis),
            b'x' => Step::Expire,
            b'l' => Step::Release(amount as u64),
            b'n' => Step::Deny,
            b'k' => Step::Make,
            b'o' => Step::Forget,
            b'm' => Step::Mail,
            b'w' => Step::Work,
            b'r' => Step::Room,
            b'g' => Step::Wake,
            b'y' => Step::Leave,
            b'd' => Step::Drain,
            b'e' => Step::End,
            b'q' => Step::Reset,
            other => return self.step(b"atasafslkmpxwrgw"[usize::from(other) % 16], amount),
        };
        self.is_disturbed |= matches!(
            step,
            Step::Pass(_) | Step::Expire | Step::Deny | Step::Forget | Step::Drain | Step::Leave | Step::Reset
        );
        if self.steps.len() < STEPS_MAX {
            self.steps.push(step);
        }
    }
}

/// Limits that play no role.
fn wide() -> Rules {
    Rules {
        head: HeadLimits { target_bytes_max: 4 << 10, head_bytes_max: 8 << 10, header_count_max: 40 },
        read_timeout: LONG,
        write_timeout: LONG,
        idle_timeout: LONG,
        transfer_bytes_per_second_min: 1,
        pipelined_requests_max: 128,
        unsent_bytes_max: 1 << 20,
        stream_buffer_bytes: 256 << 10,
        bodies_bytes_max: BODIES_BYTES,
    }
}

fn amount_of(byte: u8) -> usize {
    match byte {
        b'0'..=b'9' => usize::from(byte - b'0'),
        b'a'..=b't' => 1 << (byte - b'a'),
        other => usize::from(other),
    }
}
