//! Reads Prometheus' exposition format 0.0.4 more strictly than Prometheus does: what is not a whole family, in order,
//! with nothing twice, is an error that names its line.

use std::collections::BTreeMap;

/// The families of a page by name; of each its samples in order: the name with its labels, and the value.
pub type Page = BTreeMap<String, Vec<(String, f64)>>;

/// The value of the sample `series`: a name with its labels, as it stands on the page.
pub fn value(page: &Page, series: &str) -> Option<f64> {
    let mut samples = page.values().flatten();
    samples.find(|(name, _)| name == series).map(|(_, value)| *value)
}

/// Reads a page.
pub fn parse(text: &str) -> Result<Page, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line does not end".to_owned());
    }
    let mut page = Page::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let fault = |what: &str| format!("line {}: {what}: {line}", number + 1);
        let (name, help) = word(line, "# HELP ").ok_or_else(|| fault("a family begins with its help"))?;
        if !is_name(name) || help.is_empty() || !help.ends_with('.') {
            return Err(fault("a name and a sentence"));
        }
        let (_, line) = lines.next().ok_or_else(|| fault("its type follows"))?;
        let (typed, kind) = word(line, "# TYPE ").ok_or_else(|| fault("its type follows"))?;
        if typed != name || !matches!(kind, "counter" | "gauge" | "histogram") {
            return Err(fault("its type is known"));
        }
        if (kind == "counter") != name.ends_with("_total") {
            return Err(fault("a counter, and nothing else, is a total"));
        }
        let mut samples = Vec::new();
        while let Some((number, line)) = lines.next_if(|(_, line)| !line.starts_with('#')) {
            let sample = sample(line).filter(|(series, _)| belongs(series, name, kind));
            let (series, value) = sample.ok_or_else(|| format!("line {}: no sample of {name}: {line}", number + 1))?;
            if samples.iter().any(|(known, _)| *known == series) {
                return Err(format!("line {}: a second time: {line}", number + 1));
            }
            samples.push((series, value));
        }
        if kind == "histogram" && !is_histogram(name, &samples) {
            return Err(format!("{name} has not the buckets of a histogram: {samples:?}"));
        }
        if page.insert(name.to_owned(), samples).is_some() {
            return Err(fault("a second time"));
        }
    }
    Ok(page)
}

fn word<'l>(line: &'l str, start: &str) -> Option<(&'l str, &'l str)> {
    line.strip_prefix(start)?.split_once(' ')
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    starts && name.chars().all(|character| character.is_ascii_lowercase() || matches!(character, '_' | '0'..='9'))
}

/// `NAME VALUE` or `NAME{LABEL="TEXT"} VALUE`; our texts need no escape.
fn sample(line: &str) -> Option<(String, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').map_or((series, None), |(name, rest)| (name, Some(rest)));
    let is_good = match labels {
        None => true,
        Some(labels) => {
            let (label, text) = labels.strip_suffix("\"}")?.split_once("=\"")?;
            is_name(label) && !text.contains(['"', '\\'])
        }
    };
    let value = value.strip_prefix('+').unwrap_or(value).parse().ok()?;
    (is_name(name) && is_good).then(|| (series.to_owned(), value))
}

fn belongs(series: &str, name: &str, kind: &str) -> bool {
    let of = series.split('{').next().unwrap_or(series);
    let parts = ["_bucket", "_sum", "_count"];
    if kind == "histogram" { parts.iter().any(|part| of.strip_suffix(part) == Some(name)) } else { of == name }
}

/// Bounds that ascend to infinity, counts that never fall, and a total that is the last of them.
fn is_histogram(name: &str, samples: &[(String, f64)]) -> bool {
    let bound = |series: &str| {
        let bound = series.strip_prefix(&format!("{name}_bucket{{le=\""))?.strip_suffix("\"}")?;
        bound.strip_prefix('+').unwrap_or(bound).parse::<f64>().ok()
    };
    let buckets: Vec<(f64, f64)> = samples.iter().map_while(|(series, count)| Some((bound(series)?, *count))).collect();
    let rest: Vec<&str> = samples[buckets.len()..].iter().map(|(series, _)| series.as_str()).collect();
    let ascends = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
    let ends = buckets.last().map(|(bound, count)| (*bound, Some(*count)));
    let total = samples.last().map(|(_, value)| *value);
    ascends && rest == [format!("{name}_sum"), format!("{name}_count")] && ends == Some((f64::INFINITY, total))
}
