//! Reads Prometheus' exposition format 0.0.4 more strictly than Prometheus does: what is not a whole family, in order,
//! with nothing twice and named as its conventions have it, is an error that names its line.

use std::collections::{BTreeMap, BTreeSet};

/// The families of a page by name; of each its samples in order: the name with its labels, and the value.
pub type Page = BTreeMap<String, Vec<(String, f64)>>;

/// Words that no name has: units that are not the base units, and what a name says that its type says already.
const BANNED: &[&str] = &[
    "ns",
    "us",
    "ms",
    "nanoseconds",
    "microseconds",
    "milliseconds",
    "millis",
    "minutes",
    "hours",
    "days",
    "kb",
    "mb",
    "kilobytes",
    "megabytes",
    "bits",
    "percent",
    "counter",
    "gauge",
    "histogram",
    "summary",
];

/// The value of the sample `series`: a name with its labels, as it stands on the page.
pub fn value(page: &Page, series: &str) -> Option<f64> {
    let mut samples = page.values().flatten();
    samples.find(|(name, _)| name == series).map(|(_, value)| *value)
}

/// Makes sure that `after` can follow `before` on the pages of one process: no series that counts is lost or falls.
pub fn grows(before: &Page, after: &Page) -> Result<(), String> {
    let counts = |series: &str| {
        let name = series.split('{').next().unwrap_or(series);
        ["_total", "_bucket", "_sum", "_count"].iter().any(|end| name.ends_with(end))
    };
    for (series, was) in before.values().flatten().filter(|(series, _)| counts(series)) {
        match value(after, series) {
            Some(is) if is >= *was => {}
            is => return Err(format!("{series} was {was} and is {is:?}")),
        }
    }
    Ok(())
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
        is_well_called(name, kind).map_err(fault)?;
        let mut samples = Vec::new();
        let mut labelled: Option<Vec<String>> = None;
        while let Some((number, line)) = lines.next_if(|(_, line)| !line.starts_with('#')) {
            let fault = |what: &str| format!("line {}: {what}: {line}", number + 1);
            let sample = Sample::read(line).ok_or_else(|| fault("no sample"))?;
            if !sample.belongs(name, kind) {
                return Err(fault("of another family"));
            }
            if kind != "gauge" && (sample.value < 0.0 || !sample.value.is_finite()) {
                return Err(fault("no count"));
            }
            let labels = labelled.get_or_insert_with(|| sample.label_names());
            if *labels != sample.label_names() {
                return Err(fault("other labels than its sister"));
            }
            if samples.iter().any(|known: &Sample| known.series == sample.series) {
                return Err(fault("a second time"));
            }
            samples.push(sample);
        }
        if kind == "histogram" {
            is_histogram(name, &samples).map_err(|why| format!("{name}: {why}"))?;
        }
        let samples = samples.into_iter().map(|sample| (sample.series, sample.value)).collect();
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

fn is_well_called(name: &str, kind: &str) -> Result<(), &'static str> {
    if (kind == "counter") != name.ends_with("_total") {
        return Err("a counter, and nothing else, is a total");
    }
    if kind == "histogram" && !name.ends_with("_seconds") && !name.ends_with("_bytes") {
        return Err("a histogram ends with its unit");
    }
    if ["_bucket", "_sum", "_count"].iter().any(|end| name.ends_with(end)) {
        return Err("a name that a histogram's parts have");
    }
    if name.split('_').any(|word| BANNED.contains(&word)) {
        return Err("a word that no name has");
    }
    Ok(())
}

/// A line of a family: `NAME VALUE` or `NAME{LABEL="TEXT",…} VALUE`.
struct Sample {
    series: String,
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Sample {
    fn read(line: &str) -> Option<Sample> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, labels(rest)?),
            None => (series, Vec::new()),
        };
        let value = value.strip_prefix('+').unwrap_or(value).parse().ok()?;
        is_name(name).then(|| Sample { series: series.to_owned(), name: name.to_owned(), labels, value })
    }

    /// The names of its labels, but for the bound of a bucket.
    fn label_names(&self) -> Vec<String> {
        self.others().map(|(name, _)| name.clone()).collect()
    }

    fn others(&self) -> impl Iterator<Item = &(String, String)> {
        self.labels.iter().filter(|(name, _)| name != "le")
    }

    fn bound(&self) -> Option<f64> {
        let (_, bound) = self.labels.last().filter(|(name, _)| name == "le")?;
        bound.strip_prefix('+').unwrap_or(bound).parse().ok()
    }

    fn belongs(&self, name: &str, kind: &str) -> bool {
        let has_bound = self.labels.iter().any(|(name, _)| name == "le");
        match self.name.strip_prefix(name) {
            Some("_bucket") if kind == "histogram" => has_bound,
            Some("_sum" | "_count") if kind == "histogram" => !has_bound,
            Some("") => kind != "histogram" && !has_bound,
            _ => false,
        }
    }
}

/// The labels in front of the brace that ends `text`, unescaped; each once, and none without a text.
fn labels(text: &str) -> Option<Vec<(String, String)>> {
    let mut labels: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    loop {
        let (name, behind) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = behind.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    _ => return None,
                }),
                (_, character) => value.push(character),
            }
        };
        // To Prometheus a label without a text is none, and of all that is told apart only the main store has no name.
        let is_told = !value.is_empty() || name == "collection";
        if !is_name(name) || !is_told || labels.iter().any(|(known, _)| known == name) {
            return None;
        }
        labels.push((name.to_owned(), value));
        rest = &behind[end + 1..];
        match rest {
            "}" => return Some(labels),
            _ => rest = rest.strip_prefix(',')?,
        }
    }
}

/// Of each set of labels: bounds that ascend to infinity, counts that never fall, a sum, and a total that is the last of
/// them; one behind the other.
fn is_histogram(name: &str, samples: &[Sample]) -> Result<(), String> {
    let of = |sample: &Sample| sample.others().cloned().collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    for group in samples.chunk_by(|one, next| of(one) == of(next)) {
        let labels = of(&group[0]);
        let buckets: Vec<(f64, f64)> = group.iter().map_while(|sample| Some((sample.bound()?, sample.value))).collect();
        let [sum, count] = &group[buckets.len()..] else { return Err(format!("parts that are missing: {labels:?}")) };
        let ascends = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let named = sum.name == format!("{name}_sum") && count.name == format!("{name}_count");
        let ends = buckets.last() == Some(&(f64::INFINITY, count.value));
        if !(ascends && named && ends) || (count.value == 0.0 && sum.value != 0.0) {
            return Err(format!("not the buckets of a histogram: {labels:?} {buckets:?}"));
        }
        if !seen.insert(labels.clone()) {
            return Err(format!("in two places: {labels:?}"));
        }
    }
    Ok(())
}
