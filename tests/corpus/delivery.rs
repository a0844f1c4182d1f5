//! What is held against the corpus, and the ways in which a row's bytes come to it.

use super::dice::Dice;
use super::row::{Fate, Row};

/// Something that takes the bytes of a connection and gives bytes back: a front behind a socket, or the state machine
/// of one without any.
pub trait Subject {
    /// Delivers `slices` one after another over a fresh connection, does then as `then` says, and gives back what came
    /// of it. A slice is held back until as many replies have begun as it names; without sockets that is a matter of
    /// course.
    fn deliver(&mut self, slices: &[Slice<'_>], then: Then) -> Outcome;

    /// True when every last reply says `Connection: close`, as it must (RFC 9112 §9.6).
    fn says_when_it_closes(&self) -> bool {
        true
    }
}

/// Bytes that arrive together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// How many replies must have begun before they are sent.
    pub replies_before: usize,
}

/// What the client does once everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It reads to the end of the connection, which has every reason to come at once.
    Reads,
    /// It says that it sends no more, and reads to the end.
    HalfCloses,
    /// It is silent, and reads to the end, which comes with the next deadline.
    FallsSilent,
}

/// What came of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that came back.
    pub output: Vec<u8>,
    /// How the connection ended.
    pub end: End,
    /// What the handler was asked: method and target.
    pub asked: Vec<Vec<u8>>,
    /// What ran: method, target and body.
    pub ran: Vec<Vec<u8>>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By an end of what is sent.
    Closed,
    /// By a reset, which may cost the client the last reply.
    Reset,
    /// Not at all.
    StillOpen,
}

/// A request that must be answered behind a row whose connection is kept, and never run behind any other.
pub const PROBE: &[u8] = b"GET /probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// What runs when the probe does.
pub const PROBE_RAN: &[u8] = b"GET /probe";

/// Slices of one byte at the start and at the end of a long row; what is between them comes as one.
const SINGLE_BYTES: usize = 256;

/// Most slices of a random split.
const PARTS_MAX: u64 = 12;

/// Random splits of each row.
const RANDOM_SPLITS: usize = 3;

/// One way to deliver a row.
pub struct Way<'a> {
    /// Its name, for messages.
    pub name: String,
    /// The row's bytes, and the probe where it is sent.
    pub slices: Vec<Slice<'a>>,
    /// What follows.
    pub then: Then,
}

/// The bytes of a row's turns, with the probe behind the last where it may be glued to it.
pub struct Script {
    turns: Vec<(Vec<u8>, usize)>,
    replies: usize,
}

impl Script {
    /// The script of `row`.
    pub fn of(row: &Row) -> Script {
        let mut replies = 0;
        let turns = row.turns.iter().map(|turn| {
            let before = replies;
            replies += turn.replies.iter().filter(|reply| !reply.is_optional).count();
            (turn.bytes.clone(), before)
        });
        Script { turns: turns.collect(), replies }
    }

    /// The same with the probe glued to the last bytes.
    pub fn probed(&self) -> Script {
        let mut turns = self.turns.clone();
        if let Some((bytes, _)) = turns.last_mut() {
            bytes.extend_from_slice(PROBE);
        }
        Script { turns, replies: self.replies }
    }

    /// Slices of the lengths that `cut` gives for the bytes of a turn; what is left of them is the last.
    fn cut(&self, mut cut: impl FnMut(&[u8]) -> Vec<usize>) -> Vec<Slice<'_>> {
        let slices = self.turns.iter().flat_map(|(bytes, replies_before)| {
            let mut rest = bytes.as_slice();
            let mut parts = Vec::new();
            for length in cut(bytes) {
                let (part, behind) = rest.split_at(length);
                parts.push(Slice { bytes: part, replies_before: *replies_before });
                rest = behind;
            }
            parts.push(Slice { bytes: rest, replies_before: *replies_before });
            parts
        });
        slices.filter(|slice| !slice.bytes.is_empty()).collect()
    }
}

fn byte_by_byte(bytes: &[u8]) -> Vec<usize> {
    let between = bytes.len().saturating_sub(2 * SINGLE_BYTES);
    let mut lengths = vec![1; bytes.len().min(SINGLE_BYTES)];
    lengths.push(between);
    lengths.extend(vec![1; bytes.len().saturating_sub(SINGLE_BYTES + between)]);
    lengths
}

fn at_random(bytes: &[u8], dice: &mut Dice) -> Vec<usize> {
    let mut rest = bytes.len();
    let mut lengths = Vec::new();
    for _ in 0..dice.below(PARTS_MAX) {
        let length = usize::try_from(dice.below(rest as u64 + 1)).expect("below a usize");
        // Short ones more often than long ones: faults lie at the edges.
        let length = if dice.below(2) == 0 { length.min(3) } else { length };
        lengths.push(length);
        rest -= length;
    }
    lengths
}

/// The ways to deliver `row` when the client then does as `then` says; none when that does not decide the row.
pub fn ways<'a>(row: &Row, script: &'a Script, probed: &'a Script, then: Then, dice: &mut Dice) -> Vec<Way<'a>> {
    let is_open = matches!(row.fate, Fate::Unfinished | Fate::Idle);
    if is_open == (then == Then::Reads) {
        return Vec::new();
    }
    let way = |name: &str, slices| Way { name: format!("{name}, {then:?}"), slices, then };
    let mut whole = script.cut(|_| Vec::new());
    if row.fate == Fate::Kept {
        whole.push(Slice { bytes: PROBE, replies_before: script.replies });
    }
    let mut ways = vec![way("whole", whole)];
    if then == Then::FallsSilent {
        return ways;
    }
    let glued = if is_open { script } else { probed };
    if !is_open {
        ways.push(way("whole with a request behind it", glued.cut(|_| Vec::new())));
    }
    ways.push(way("byte by byte", glued.cut(byte_by_byte)));
    for round in 0..RANDOM_SPLITS {
        ways.push(way(&format!("random split {round}"), glued.cut(|bytes| at_random(bytes, dice))));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_adds_up_to_the_whole() {
        for length in [0, 1, 2, SINGLE_BYTES, 2 * SINGLE_BYTES, 2 * SINGLE_BYTES + 1, 5000] {
            let script = Script { turns: vec![(vec![b'x'; length], 0), (b"yz".to_vec(), 1)], replies: 2 };
            let mut dice = Dice::of(length as u64);
            let all = |slices: &[Slice<'_>]| slices.iter().map(|slice| slice.bytes.len()).sum::<usize>();
            assert_eq!(all(&script.cut(byte_by_byte)), length + 2);
            for _ in 0..50 {
                let slices = script.cut(|bytes| at_random(bytes, &mut dice));
                assert_eq!(all(&slices), length + 2);
                assert!(slices.iter().all(|slice| !slice.bytes.is_empty()));
                assert!(slices.is_sorted_by_key(|slice| slice.replies_before));
            }
        }
    }
}
