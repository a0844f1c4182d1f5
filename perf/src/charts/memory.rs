//! What a document takes in memory, by its size.

use crate::charts::axis::{Axis, short};
use crate::charts::frame::Frame;
use crate::charts::lines::{Line, Lines, Look, Stroke};
use crate::charts::source::Source;
use crate::charts::svg::{Mark, Point, Tone};
use crate::memory::{PROMISED_BYTES_EACH, PROMISED_FOR_BYTES};
use crate::sizes;
use crate::template::KEY_ZERO;

/// Resident bytes a document, over the bytes that it is sent with.
pub fn memory(source: &Source) -> Option<String> {
    let mut points: Vec<Point> = sizes::SIZES
        .iter()
        .filter_map(|size| Some((f64::from(*size), source.figure(&sizes::name(*size))?.median)))
        .collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    let raw: Vec<Point> = points.iter().map(|(size, _)| (*size, size + KEY_ZERO.len() as f64)).collect();
    let promise = vec![(PROMISED_FOR_BYTES as f64, PROMISED_BYTES_EACH)];
    let across = Axis::of_ratios("bytes of a document", points.iter().map(|(size, _)| *size))?;
    let values = [&points, &raw, &promise].into_iter().flatten().map(|(_, bytes)| *bytes);
    let up = Axis::logarithmic("resident bytes a document", values)?;
    let labels =
        points.iter().zip(&raw).map(|((_, bytes), (_, raw))| format!("{} (+{})", short(*bytes), short(bytes - raw)));
    let labels = labels.collect();
    let look = |tone, stroke, mark| Look { tone, stroke, mark };
    let lines = vec![
        Line {
            name: "key and document alone".to_owned(),
            look: look(Tone::Plain, Stroke::Dashed, Mark::None),
            values: raw,
            labels: Vec::new(),
        },
        Line {
            name: "Memory Tools".to_owned(),
            look: look(Tone::Ours, Stroke::Solid, Mark::Disc),
            values: points,
            labels,
        },
        Line {
            name: format!("promised: ≤ {PROMISED_BYTES_EACH}"),
            look: look(Tone::Plain, Stroke::Promise, Mark::Triangle),
            values: promise,
            labels: Vec::new(),
        },
    ];
    let conditions = format!(
        "Lower is better. What the resident memory of a fresh server grows by, over how many documents it was loaded \
         with; in brackets what is neither key ({} bytes) nor document. What was promised counts the server itself, too.",
        KEY_ZERO.len()
    );
    Lines { frame: Frame::new("Memory a document", conditions, source), across, up, lines }.draw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_document_takes_stands_beside_its_own_bytes() {
        let figure = |size: u32, bytes: f64| json!({"name": sizes::name(size), "median": bytes, "low": bytes, "high": bytes, "bound": null});
        let one = json!({"figures": [figure(100, 212.0)]});
        assert!(memory(&Source::of("", one)).is_none(), "one size is no curve");
        let figures: Vec<_> = sizes::SIZES.iter().map(|size| figure(*size, f64::from(*size) + 112.0)).collect();
        let chart = memory(&Source::of("", json!({"figures": figures}))).unwrap();
        for words in [">212 (+100)<", ">10.1k (+100)<", ">10k<", "promised: ≤ 260: 260", "logarithmic scale"] {
            assert!(chart.contains(words), "{words}: {chart}");
        }
        assert!(memory(&Source::of("", json!({}))).is_none());
    }
}
