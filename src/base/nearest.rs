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
