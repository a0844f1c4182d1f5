//! From a collection and a key to a shard and a hash inside it.
//!
//! Invariant: the bits that pick the shard are not among those used inside, so that the entries of one shard spread
//! over its whole table. The keys of the hash are random per process and never reach the disk.

use std::hash::{BuildHasher, Hasher};

use ahash::RandomState;

use super::CollectionId;

/// The most shards that a store can have: their number must fit the 32 bits of the hash that pick one.
pub(super) const SHARDS_MAX: usize = 1 << 16;

/// The number of a shard, from 0 up to the store's `shard_count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardIndex(pub usize);

/// The part of a key's hash that is used, and stored, inside its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShardHash(u32);

impl ShardHash {
    /// The 64 bits that a hash table wants: it takes the bucket from the low ones and the tag from the high ones,
    /// so the 32 bits that we keep stand in both halves.
    pub(super) fn widened(self) -> u64 {
        (u64::from(self.0) << 32) | u64::from(self.0)
    }
}

/// Where an entry lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) shard: ShardIndex,
    pub(super) hash: ShardHash,
}

/// Places keys.
#[derive(Debug)]
pub(super) struct Hashing {
    keys: RandomState,
    shard_mask: u64,
}

impl Hashing {
    /// Spreads over `shards`, a power of two up to `SHARDS_MAX`.
    pub(super) fn new(shards: usize, keys: RandomState) -> Hashing {
        assert!(
            shards.is_power_of_two() && shards <= SHARDS_MAX,
            "shards are a power of two up to {SHARDS_MAX}, not {shards}"
        );
        Hashing { keys, shard_mask: shards as u64 - 1 }
    }

    /// The random keys of the hash.
    pub(super) fn keys(&self) -> RandomState {
        self.keys.clone()
    }

    pub(super) fn address(&self, id: CollectionId, key: &[u8]) -> Address {
        let mut hasher = self.keys.build_hasher();
        hasher.write_u64(id.number());
        hasher.write(key);
        let hash = hasher.finish();
        let shard = usize::try_from((hash >> 32) & self.shard_mask).expect("the mask is below SHARDS_MAX");
        Address { shard: ShardIndex(shard), hash: ShardHash(hash as u32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_and_hashes_inside_a_shard_are_spread_evenly() {
        let hashing = Hashing::new(256, RandomState::with_seeds(1, 2, 3, 4));
        let mut per_shard = vec![0_usize; 256];
        let mut buckets_of_shard_0 = vec![0_usize; 64];
        let mut tags_of_shard_0 = vec![0_usize; 64];
        for number in 0..1_000_000 {
            let address = hashing.address(CollectionId::MAIN, format!("key:{number:09}").as_bytes());
            per_shard[address.shard.0] += 1;
            if address.shard.0 == 0 {
                let hash = address.hash.widened();
                buckets_of_shard_0[(hash & 63) as usize] += 1;
                tags_of_shard_0[(hash >> 58) as usize] += 1;
            }
        }
        // Expected 3906 a shard with a standard deviation of 62, and 61 a bucket with one of 8.
        assert!(per_shard.iter().all(|count| (3500..4300).contains(count)), "{per_shard:?}");
        assert!(buckets_of_shard_0.iter().all(|count| (20..110).contains(count)), "{buckets_of_shard_0:?}");
        assert!(tags_of_shard_0.iter().all(|count| (20..110).contains(count)), "{tags_of_shard_0:?}");
    }

    #[test]
    fn the_same_key_in_two_collections_has_two_addresses() {
        let hashing = Hashing::new(SHARDS_MAX, RandomState::with_seeds(1, 2, 3, 4));
        assert_eq!(hashing.address(CollectionId::MAIN, b"a"), hashing.address(CollectionId::MAIN, b"a"));
        assert_ne!(hashing.address(CollectionId::MAIN, b"a"), hashing.address(CollectionId::MAIN.next(), b"a"));
    }
}
