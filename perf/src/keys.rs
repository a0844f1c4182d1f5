//! Which key comes next: from a seed, uniform over a range or a few of it much oftener than others; or in order, each
//! once.
//!
//! Equal seeds give equal sequences on every machine, so that the servers that are compared are asked the same.

use std::convert::Infallible;
use std::iter::StepBy;
use std::ops::Range;

use rand_distr::Distribution;

/// How skewed `Keys::zipf` is: what YCSB takes, and most published figures with it.
pub const THETA: f64 = 0.99;

/// Spreads the ranks of `Keys::zipf` over the keys. A prime above every count of keys, so that each has its own.
const SPREAD: u64 = 2_654_435_761;

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
    /// Zipf's over `0..count`, without end: the key of rank `r` in proportion to `r` to the power of -`THETA`.
    Zipf {
        /// Where the numbers come from.
        random: SplitMix64,
        /// The ranks.
        ranks: rand_distr::Zipf<f64>,
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

    /// Zipf's over `0..count`, the sequence of `seed`. Which keys are asked for often is the same for every seed, and
    /// they are no neighbours.
    pub fn zipf(seed: u64, count: u32) -> Keys {
        let ranks =
            rand_distr::Zipf::new(f64::from(count.max(1)), THETA).expect("a count from 1 on and a skew above 0");
        Keys::Zipf { random: SplitMix64::new(seed), ranks, count: count.max(1) }
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
            Keys::Zipf { random, ranks, count } => Some(key_of_rank(ranks.sample(random) as u64 - 1, *count)),
            Keys::Once(range) => range.next(),
        }
    }

    /// True when there is no next key.
    pub fn is_used_up(&self) -> bool {
        match self {
            Keys::Uniform { .. } | Keys::Zipf { .. } => false,
            Keys::Once(range) => range.len() == 0,
        }
    }
}

/// The key of the rank `rank` of `count`, both from 0 on; each rank has its own.
fn key_of_rank(rank: u64, count: u32) -> u32 {
    // Below 2^32 times 2^32, and the remainder below `count`.
    (rank * SPREAD % u64::from(count)) as u32
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

impl rand_core::TryRng for SplitMix64 {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.bits() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for part in out.chunks_mut(8) {
            let bytes = self.bits().to_le_bytes();
            part.copy_from_slice(bytes.get(..part.len()).unwrap_or_default());
        }
        Ok(())
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

    /// How often each key comes in so many draws, the most frequent first.
    fn frequencies(mut keys: Keys, count: u32, draws: u32) -> Vec<u32> {
        let mut frequencies = vec![0; count as usize];
        (0..draws).for_each(|_| frequencies[keys.draw().unwrap() as usize] += 1);
        frequencies.sort_unstable_by(|one, other| other.cmp(one));
        frequencies
    }

    #[test]
    fn zipf_keys_are_as_skewed_as_their_exponent_says() {
        let (count, draws) = (1000, 1_000_000);
        let shares: Vec<f64> = (1..=count).map(|rank| f64::from(rank).powf(-THETA)).collect();
        let whole: f64 = shares.iter().sum();
        let found = frequencies(Keys::zipf(42, count), count, draws);
        // 130,000 expected of the first, standard deviation 340; 1300 of the hundredth, 36.
        for rank in [1, 2, 10, 100] {
            let expected = f64::from(draws) * shares[rank - 1] / whole;
            let error = (f64::from(found[rank - 1]) - expected).abs();
            assert!(error < 6.0 * expected.sqrt(), "seed 42, rank {rank}: {} of {expected:.0}", found[rank - 1]);
        }
        let first_tenth = f64::from(found.iter().take(100).sum::<u32>()) / f64::from(draws);
        assert!((0.65..0.75).contains(&first_tenth), "seed 42: {first_tenth}");
        assert!(frequencies(Keys::uniform(42, count), count, draws)[0] < 1300);
    }

    #[test]
    fn every_rank_has_a_key_of_its_own_and_the_first_are_no_neighbours() {
        for count in [1, 2, 97, 1000, 65_536, 100_000] {
            let keys: std::collections::BTreeSet<u32> =
                (0..u64::from(count)).map(|rank| key_of_rank(rank, count)).collect();
            assert_eq!((keys.len(), keys.last().copied()), (count as usize, Some(count - 1)));
        }
        let [first, second] = [0, 1].map(|rank| key_of_rank(rank, 100_000));
        assert!(first.abs_diff(second) > 1000, "{first} {second}");
        assert_eq!(frequencies(Keys::zipf(7, 1), 1, 100), [100]);
    }

    #[test]
    fn keys_in_order_come_once_each_and_end() {
        let drawn = |mut keys: Keys| std::iter::from_fn(move || keys.draw()).collect::<Vec<_>>();
        assert_eq!(drawn(Keys::once(2..5)), [2, 3, 4]);
        assert_eq!(drawn(Keys::sparse(0..10, 4)), [0, 4, 8]);
        assert!(drawn(Keys::none()).is_empty());
    }

    #[test]
    fn keys_are_used_up_with_the_last_of_an_order_and_never_without_one() {
        let mut ordered = Keys::sparse(0..10, 4);
        let are_left = [(); 3].map(|()| !ordered.is_used_up() && ordered.draw().is_some());
        assert!(are_left == [true; 3] && ordered.is_used_up());
        assert!(Keys::none().is_used_up());
        assert!(!Keys::uniform(1, 10).is_used_up() && !Keys::zipf(1, 10).is_used_up());
    }
}
