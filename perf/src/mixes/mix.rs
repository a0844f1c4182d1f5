//! What is asked together: the mixes, and the kinds of requests that they are made of.

use crate::keys::SplitMix64;

/// Documents of a bulk.
pub const LINES: u32 = 100;

/// The TTL of churning documents: so short that most of what is written in a run expires in it.
pub const TTL_MS: u64 = 200;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads a document.
    Get,
    /// Replaces it by one of the same size.
    Put,
    /// Replaces two of its members, by a merge patch.
    Patch,
    /// Reads it unless it is still what it was: `If-None-Match` with its newest tag.
    Revalidate,
    /// The same with a tag that it never had.
    Outdated,
    /// Replaces it if it is still what it was: `If-Match` with its newest tag.
    Replace,
    /// Writes it if it is not there: `If-None-Match: *`. It is.
    Create,
    /// Writes a document that expires soon.
    PutLeased,
    /// Reads one, or finds that it has expired.
    GetLeased,
    /// Writes `LINES` documents that follow each other.
    Bulk,
}

impl Op {
    /// All of them.
    pub const ALL: [Op; 10] = [
        Op::Get,
        Op::Put,
        Op::Patch,
        Op::Revalidate,
        Op::Outdated,
        Op::Replace,
        Op::Create,
        Op::PutLeased,
        Op::GetLeased,
        Op::Bulk,
    ];

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Op::Get => "GET",
            Op::Put => "PUT",
            Op::Patch => "PATCH",
            Op::Revalidate => "GET, If-None-Match its tag",
            Op::Outdated => "GET, If-None-Match another tag",
            Op::Replace => "PUT, If-Match",
            Op::Create => "PUT, If-None-Match: *",
            Op::PutLeased => "PUT with a TTL",
            Op::GetLeased => "GET of what expires",
            Op::Bulk => ":bulk",
        }
    }
}

/// Requests that are asked together.
#[derive(Debug)]
pub struct Mix {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// What the table and results call it.
    pub title: &'static str,
    /// The same at a constant rate.
    pub paced: &'static str,
    /// Its requests, with how many of a hundred they are.
    pub shares: &'static [(Op, u32)],
}

/// Loads the documents. It is no mix that is measured.
pub const LOAD: Mix = Mix { name: "load", title: "load", paced: "", shares: &[(Op::Put, 100)] };

/// Reads documents back. It is no mix that is measured.
pub const READ_BACK: Mix = Mix { name: "read back", title: "read back", paced: "", shares: &[(Op::Get, 100)] };

/// The mixes, in their order within a round.
pub const MIXES: &[Mix] = &[
    Mix { name: "get", title: "GET", paced: "GET, constant rate", shares: &[(Op::Get, 100)] },
    Mix { name: "put", title: "PUT", paced: "PUT, constant rate", shares: &[(Op::Put, 100)] },
    Mix {
        name: "90/10",
        title: "90 GET, 10 PUT",
        paced: "90 GET, 10 PUT, constant rate",
        shares: &[(Op::Get, 90), (Op::Put, 10)],
    },
    Mix { name: "patch", title: "PATCH", paced: "PATCH, constant rate", shares: &[(Op::Patch, 100)] },
    Mix {
        name: "ttl",
        title: "TTL churn",
        paced: "TTL churn, constant rate",
        shares: &[(Op::PutLeased, 50), (Op::GetLeased, 50)],
    },
    Mix {
        name: "conditional",
        title: "conditional",
        paced: "conditional, constant rate",
        shares: &[(Op::Revalidate, 60), (Op::Outdated, 10), (Op::Replace, 25), (Op::Create, 5)],
    },
    Mix { name: "bulk", title: "bulk of 100", paced: "bulk of 100, constant rate", shares: &[(Op::Bulk, 100)] },
];

impl Mix {
    /// The kind of the next request.
    pub fn draw(&self, random: &mut SplitMix64) -> Op {
        let mut at = random.below(100);
        for &(op, share) in self.shares {
            if at < share {
                return op;
            }
            at -= share;
        }
        unreachable!("the shares of a mix add up to a hundred")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_names_are_different() {
        let names: std::collections::BTreeSet<_> = MIXES.iter().map(|mix| mix.name).collect();
        assert_eq!(names.len(), MIXES.len());
        for mix in MIXES.iter().chain([&LOAD, &READ_BACK]) {
            assert_eq!(mix.shares.iter().map(|(_, share)| share).sum::<u32>(), 100, "{}", mix.name);
        }
        for op in Op::ALL {
            assert!(MIXES.iter().any(|mix| mix.shares.iter().any(|(other, _)| *other == op)), "{op:?} is in no mix");
        }
    }

    #[test]
    fn requests_are_drawn_by_their_shares() {
        let mix = MIXES.iter().find(|mix| mix.name == "90/10").unwrap();
        let mut random = SplitMix64::new(5);
        let gets = (0..10_000).filter(|_| mix.draw(&mut random) == Op::Get).count();
        // Standard deviation 30.
        assert!(gets.abs_diff(9000) < 180, "seed 5: {gets}");
    }
}
