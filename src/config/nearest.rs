//! The option that was probably meant.

use crate::base::nearest::nearest;

use super::option::OptionSpec;
use super::table::{OPTIONS, option};

/// The option whose name is most like `name`; `None` when none is like it.
pub fn nearest_option(name: &str) -> Option<&'static OptionSpec> {
    nearest(name, OPTIONS.iter().map(|option| option.name)).and_then(option)
}

#[cfg(test)]
mod tests {
    fn nearest_option(name: &str) -> Option<&'static str> {
        super::nearest_option(name).map(|option| option.name)
    }

    #[test]
    fn typing_mistakes_find_what_was_meant() {
        for (name, meant) in [
            ("snapshot_intervall", "snapshot_interval"),
            ("snapshotInterval", "snapshot_interval"),
            ("READ-TIMEOUT", "read_timeout"),
            ("read_timout", "read_timeout"),
            ("Port", "port"),
            ("thread_pool", "pool_threads"),
            ("max_document_bytes", "document_bytes_max"),
        ] {
            assert_eq!(nearest_option(name), Some(meant), "{name}");
        }
    }

    #[test]
    fn keys_of_the_go_servers_later_versions_find_their_neighbours() {
        assert_eq!(nearest_option("num_shards"), Some("shards"));
        assert_eq!(nearest_option("backup_intervals"), Some("backup_interval"));
    }

    #[test]
    fn what_is_like_nothing_gets_no_suggestion() {
        assert_eq!(nearest_option("xyzzy"), None);
        assert_eq!(nearest_option(""), None);
    }
}
