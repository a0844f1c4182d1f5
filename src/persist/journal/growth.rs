//! How the file of a segment grows: by each frame, or ahead of the frames.
//!
//! A sync of bytes that were appended writes those and, in the file system's own journal, the file's new size and
//! place. To overwrite what is there changes neither. So where a sync is waited for, a small frame that reaches beyond
//! the end of the file is written together with zeros behind it, which the next frames overwrite.
//! Invariant: behind the last frame of a file there is nothing but zeros. It decides how many, and writes none.

/// Zeros that are written behind a frame at once: hundreds of writes of a lone client, or some groups of 64, to one
/// change of the file's size; few enough that whoever waits for that frame hardly notices them.
const AHEAD_BYTES: usize = 256 << 10;

/// A larger frame takes its place by itself: to write as many zeros before it would cost more than they save.
const SMALL_FRAME_BYTES: u64 = 128 << 10;

/// How the file of a segment grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// By each frame, so that nothing is written twice: for a file whose syncs nobody waits for.
    ByFrames,
    /// Ahead of small frames, in zeros: for a file that is synced behind each.
    Ahead,
}

/// How far the file of a segment has been filled.
#[derive(Debug)]
pub(super) struct Filling {
    /// What is written of it at once; none when the file grows by its frames.
    zeros: Box<[u8]>,
    /// Where the zeros end that have been written last.
    filled: u64,
}

impl Filling {
    /// Nothing is filled yet.
    pub fn new(growth: Growth) -> Filling {
        let bytes = match growth {
            Growth::ByFrames => 0,
            Growth::Ahead => AHEAD_BYTES,
        };
        Filling { zeros: vec![0; bytes].into_boxed_slice(), filled: 0 }
    }

    /// The zeros that are to be written behind a frame of `bytes`, in one write with it, when that is at `offset`: none
    /// as long as it lies within those that are there.
    pub fn behind(&mut self, offset: u64, bytes: u64) -> &[u8] {
        let end = offset.saturating_add(bytes);
        if bytes > SMALL_FRAME_BYTES || end <= self.filled || self.zeros.is_empty() {
            return &[];
        }
        self.filled = end.saturating_add(self.zeros.len() as u64);
        &self.zeros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grows_by_its_frames_is_never_filled() {
        let mut filling = Filling::new(Growth::ByFrames);
        assert!((0..100).all(|frame| filling.behind(frame * 1000, 1000).is_empty()));
    }

    #[test]
    fn small_frames_lie_within_zeros_that_were_written_behind_one_of_them() {
        let mut filling = Filling::new(Growth::Ahead);
        let lengths: Vec<usize> = (0..=1001).map(|frame| filling.behind(100 + frame * 1024, 1024).len()).collect();
        let filled: Vec<usize> = (0..=1001).filter(|frame| lengths[*frame] > 0).collect();
        assert_eq!(filled, [0, 257, 514, 771], "the last of those before ends where the zeros end");
        assert!(lengths.iter().all(|length| [0, AHEAD_BYTES].contains(length)));
    }

    #[test]
    fn a_large_frame_takes_its_place_by_itself_and_the_next_small_one_is_ahead_again() {
        let mut filling = Filling::new(Growth::Ahead);
        assert_eq!(filling.behind(0, SMALL_FRAME_BYTES).len(), AHEAD_BYTES);
        let large = SMALL_FRAME_BYTES + 1;
        assert!(filling.behind(SMALL_FRAME_BYTES, large).is_empty(), "within the zeros");
        assert!(filling.behind(1 << 20, large).is_empty(), "beyond them");
        assert_eq!(filling.behind((1 << 20) + large, 100).len(), AHEAD_BYTES);
    }
}
