//! The content of one file of the simulated disk: what calls see, what a loss of power would leave, and which ranges
//! of bytes differ.
//!
//! Only what was written since the last sync is compared, copied or torn, so a sync of a long file costs what was
//! appended to it.

use std::ops::Range;

use super::{Random, SECTOR_BYTES};

/// The two images of a file.
#[derive(Debug, Default)]
pub struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Written since the last sync, in the order of writing; may reach past the end of `live` after a cut.
    dirty: Vec<Range<usize>>,
    /// A sync has failed and let go of what it should have written: the images differ beyond `dirty`.
    has_lost: bool,
}

impl Inode {
    /// A file that was always there.
    pub fn durable(content: &[u8]) -> Inode {
        Inode { live: content.to_vec(), durable: content.to_vec(), ..Inode::default() }
    }

    /// What calls see.
    pub fn live(&self) -> &[u8] {
        &self.live
    }

    /// Writes `bytes` at `offset`, over zeros where the file ends before.
    pub fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if bytes.is_empty() {
            return;
        }
        if self.live.len() < end {
            self.resize(end);
        }
        self.live[offset..end].copy_from_slice(bytes);
        self.touch(offset..end);
    }

    /// Cuts the file, or extends it with zeros.
    pub fn resize(&mut self, bytes: usize) {
        let before = self.live.len();
        self.live.resize(bytes, 0);
        if before < bytes {
            self.touch(before..bytes);
        }
    }

    fn touch(&mut self, range: Range<usize>) {
        match self.dirty.last_mut() {
            Some(last) if last.start <= range.start && range.start <= last.end => last.end = last.end.max(range.end),
            _ => self.dirty.push(range),
        }
    }

    /// What was written is durable.
    pub fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for range in self.dirty.drain(..) {
            let range = range.start.min(self.live.len())..range.end.min(self.live.len());
            self.durable[range.clone()].copy_from_slice(&self.live[range]);
        }
    }

    /// The kernel could not write what was dirty and calls it clean from now on: it is seen until the machine goes
    /// down, and no later sync writes it.
    pub fn lose_sync(&mut self) {
        self.dirty.clear();
        self.has_lost = true;
    }

    /// The power was lost: some of the sectors that were dirty are kept, and some length between the two.
    pub fn lose_power(&mut self, random: &mut Random) {
        if self.dirty.is_empty() && !self.has_lost && self.live.len() == self.durable.len() {
            return;
        }
        let (old, new) = (self.durable.len(), self.live.len());
        let bytes = match random.below(4) {
            0 => old,
            1 => new,
            _ => old.min(new) + random.below(old.abs_diff(new) + 1),
        };
        self.durable.resize(bytes, 0);
        let mut sectors: Vec<usize> = Vec::new();
        for range in self.dirty.drain(..) {
            sectors.extend(range.start / SECTOR_BYTES..range.end.div_ceil(SECTOR_BYTES));
        }
        sectors.sort_unstable();
        sectors.dedup();
        for sector in sectors.into_iter().filter(|_| random.coin()) {
            let start = sector * SECTOR_BYTES;
            let end = (start + SECTOR_BYTES).min(bytes).min(new);
            if start < end {
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
        self.has_lost = false;
        self.live.clone_from(&self.durable);
    }
}
