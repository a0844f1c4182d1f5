//! The name that was probably meant.

/// Below this likeness (0 to 1) a suggestion confuses more than it helps.
const LIKENESS_MIN: f64 = 0.3;

/// The candidate most like `name`; `None` when none is like it.
///
/// Case, `-` against `_` and the order of words do not count: `--thread-pool` is like `pool_threads`.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| {
        let as_written = strsim::normalized_damerau_levenshtein(&plain(name), &plain(candidate));
        let in_any_order = strsim::normalized_damerau_levenshtein(&sorted_words(name), &sorted_words(candidate));
        as_written.max(in_any_order)
    };
    candidates
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn sorted_words(name: &str) -> String {
    let plain = plain(name);
    let mut words: Vec<&str> = plain.split('_').collect();
    words.sort_unstable();
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OPTIONS;

    fn nearest_option(name: &str) -> Option<&'static str> {
        nearest(name, OPTIONS.iter().map(|option| option.name))
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
        assert_eq!(nearest_option("backup_interval"), Some("snapshot_interval"));
    }

    #[test]
    fn what_is_like_nothing_gets_no_suggestion() {
        assert_eq!(nearest_option("xyzzy"), None);
        assert_eq!(nearest_option(""), None);
    }
}
