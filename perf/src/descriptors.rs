//! How many files and sockets a process may have open. What we may, a server that we start may too.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors beside those of connections: files, listeners, event loops.
const SPARE: u64 = 256;

/// Raises our limit to what we may raise it to, and returns how many connections that is good for.
pub fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is "no limit". A refusal leaves the limit as it was, and that is what we return.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let now = getrlimit(Resource::Nofile).current.or(current).unwrap_or(u64::MAX);
    now.saturating_sub(SPARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_its_ceiling() {
        let connections = raise();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert_eq!(connections, current.map_or(u64::MAX, |limit| limit) - SPARE.min(current.unwrap_or(SPARE)));
    }
}
