//! Which key comes next: uniform over a range from a seed, or in order, each once.
//!
//! Equal seeds give equal sequences on every machine, so that the servers that are compared are asked the same.

use std::iter::StepBy;
use std::ops::Range;

/// A source of key numbers.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Uniform over `0..count`, without end.
    Uniform {
        /// Where the numbers come from.
        random: SplitMix64,
        /// How many keys there are.
        count: u32,
    },
    /// Those of the range once, in order.
    Once(StepBy<Range<u32>>),
}

impl Keys {
    /// Uniform over `0..count`, the sequence of `seed`.
    pub fn uniform(seed: u64, count: u32) -> Keys {
        Keys::Uniform { random: SplitMix64::new(seed), count }
    }

    /// Each of `range` once, in order.
    pub fn once(range: Range<u32>) -> Keys {
        Keys::sparse(range, 1)
    }

    /// One in `step` of `range` once, in order; `step` is not 0.
    pub fn sparse(range: Range<u32>, step: usize) -> Keys {
        Keys::Once(range.step_by(step))
    }

    /// No key at all.
    pub fn none() -> Keys {
        Keys::once(0..0)
    }

    /// The next key; `None` when each has been given out.
    pub fn draw(&mut self) -> Option<u32> {
        match self {
            Keys::Uniform { random, count } => Some(random.below(*count)),
            Keys::Once(range) => range.next(),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014): one addition and two
/// multiplications a number, and good for any seed.
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`, or 0 when `bound` is 0. Multiplies and shifts instead of dividing: off uniform by at
    /// most `bound` in 2^64.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_its_published_sequence() {
        let mut random = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn equal_seeds_give_equal_keys_and_others_do_not() {
        let draw = |seed| {
            let mut keys = Keys::uniform(seed, 100_000);
            (0..100).map(|_| keys.draw().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn uniform_keys_fill_every_tenth_alike() {
        let mut keys = Keys::uniform(42, 1000);
        let mut tenths = [0u32; 10];
        for _ in 0..100_000 {
            tenths[keys.draw().unwrap() as usize / 100] += 1;
        }
        // 10,000 expected in each, standard deviation 95: five of them are a broken generator.
        assert!(tenths.iter().all(|&count| count.abs_diff(10_000) < 475), "seed 42: {tenths:?}");
    }

    #[test]
    fn keys_in_order_come_once_each_and_end() {
        let drawn = |mut keys: Keys| std::iter::from_fn(move || keys.draw()).collect::<Vec<_>>();
        assert_eq!(drawn(Keys::once(2..5)), [2, 3, 4]);
        assert_eq!(drawn(Keys::sparse(0..10, 4)), [0, 4, 8]);
        assert!(drawn(Keys::none()).is_empty());
    }
}
