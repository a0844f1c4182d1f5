//! The limit on descriptors, raised as far as it goes, and how many connections that leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::base::log::{self, Level, Value};

use super::StartError;

/// What connections ask of the limit on descriptors.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Connections that are wanted at once.
    pub connections: usize,
    /// The option that says so.
    pub option: &'static str,
    /// Descriptors that each takes.
    pub per_connection: u64,
    /// Descriptors that everything else takes.
    pub kept: u64,
}

/// Raises the soft limit on descriptors to the hard one and returns how many of the wanted connections there is room
/// for. Warns when it is not all of them.
///
/// # Errors
/// There is not even room for one.
pub fn raise(demand: Demand) -> Result<usize, StartError> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let Some(descriptors) = current else { return Ok(demand.connections) };
    let room = room(descriptors, demand)?;
    if room < demand.connections {
        log::event(
            Level::Warn,
            "descriptors_few",
            format_args!(
                "{descriptors} descriptors leave room for {room} connections, not for the {} of {}; raise the limit \
                 (ulimit -n, LimitNOFILE=)",
                demand.connections, demand.option
            ),
            &[("descriptors", Value::Said(&descriptors.into())), ("connections_max", Value::Said(&room.into()))],
        );
    }
    Ok(room)
}

/// How many of the wanted connections have room in `descriptors`.
fn room(descriptors: u64, demand: Demand) -> Result<usize, StartError> {
    let left = descriptors.saturating_sub(demand.kept) / demand.per_connection;
    match usize::try_from(left).unwrap_or(usize::MAX).min(demand.connections) {
        0 => Err(StartError::Descriptors { descriptors, needed: demand.kept + demand.per_connection }),
        room => Ok(room),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_what_is_left_of_the_limit() {
        for (descriptors, per_connection, connections) in
            [(1024, 2, Some(480)), (1024, 1, Some(960)), (65_536, 1, Some(1000)), (66, 2, Some(1)), (65, 2, None)]
        {
            let demand = Demand { connections: 1000, option: "connections_max", per_connection, kept: 64 };
            assert_eq!(room(descriptors, demand).ok(), connections, "{descriptors}");
        }
        let demand = Demand { connections: 1000, option: "pool_threads", per_connection: 2, kept: 64 };
        let error = room(10, demand).unwrap_err().to_string();
        assert!(error.starts_with("10 descriptors are too few, at least 66 are needed"), "{error}");
    }
}
