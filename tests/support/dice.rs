//! Random numbers that a seed repeats.

/// SplitMix64 (Steele, Lea, Flood 2014): a counter behind a mixing function. Good enough to choose operations.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of `seed`.
    pub fn of(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// Another die, for a thread of its own.
    pub fn split(&mut self) -> Dice {
        Dice(self.roll())
    }
}

/// The seed in the variable SEED, or a new one. Prints it with the command that repeats the run of `test`; the
/// harness shows that when the test fails.
pub fn seed(test: &str) -> u64 {
    let given = std::env::var("SEED").ok().map(|text| text.parse().expect("SEED is a number"));
    let seed = given.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("randomness");
        u64::from_le_bytes(bytes)
    });
    println!("SEED={seed} cargo test --test {test}");
    seed
}
