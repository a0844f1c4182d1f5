//! What was promised of a request beside another, and the figures that tell.

use crate::api::shelf::Asked;
use crate::figure::Figure;
use crate::options::Options;
use crate::run::{self, Run};
use crate::statistics::Summary;

/// CPU of the one over CPU of the other.
struct Promise {
    over: Asked,
    under: Asked,
    bound: f64,
    aim: Option<f64>,
}

const PROMISES: [Promise; 3] = [
    Promise { over: Asked::Merge, under: Asked::Put, bound: 2.5, aim: Some(2.0) },
    Promise { over: Asked::Increment, under: Asked::Put, bound: 1.5, aim: Some(1.2) },
    Promise { over: Asked::Revalidate, under: Asked::Get, bound: 1.0, aim: None },
];

/// A part of a large document over its validation, by itself and in process: promised, and aimed at.
const PART_RATIO: (f64, f64) = (1.2, 1.0);

/// The size of documents for which all of it is promised.
const PROMISED_DOCUMENT_BYTES: usize = 1000;

/// Every figure of the `runs`, and of the `validations`, one a round, of a large document in microseconds.
pub fn figures(runs: &[Run], validations: &[f64], options: &Options) -> Vec<Figure> {
    let of = |asked: Asked| run::select(runs, asked.name(), "server");
    let cpu = |asked: Asked| of(asked).iter().map(|run| run.server_cpu_us).collect::<Vec<_>>();
    let mut figures = Vec::new();
    for asked in Asked::ALL {
        figures.extend(Figure::new(format!("{}: server CPU", asked.name()), "µs", cpu(asked)));
        let bytes = of(asked).into_iter().map(|run| run.reply_bytes);
        figures.extend(Figure::new(format!("{}: bytes of an answer", asked.name()), "B", bytes));
    }
    let part = Asked::Part.name();
    figures.extend(Figure::new(format!("{part}: validation of the document"), "µs", validations.iter().copied()));
    let is_promised = options.document_bytes == PROMISED_DOCUMENT_BYTES;
    let judged = |name: String, ratio: Summary, bound: f64, aim: Option<f64>| {
        let (bound, aim) = (is_promised.then_some(bound), aim.filter(|_| is_promised));
        Figure::of(name, "", ratio).at_most(bound).aiming_at(aim)
    };
    for Promise { over, under, bound, aim } in PROMISES {
        let ratio = run::ratio_of(&cpu(over), &cpu(under));
        figures.extend(ratio.map(|ratio| judged(format!("{} over {}", over.name(), under.name()), ratio, bound, aim)));
    }
    let (bound, aim) = PART_RATIO;
    let ratio = run::ratio_of(&cpu(Asked::Part), validations);
    figures.extend(ratio.map(|ratio| judged(format!("{part} over validation"), ratio, bound, Some(aim))));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_judged_for_the_promised_size_of_documents_only() {
        let cost = |asked| match asked {
            Asked::Put => 10.0,
            Asked::Merge => 26.0,
            Asked::Increment => 15.0,
            Asked::Get | Asked::Revalidate => 8.0,
            Asked::Part => 120.0,
        };
        let runs: Vec<Run> = Asked::ALL.map(|asked| Run::sample(1, asked.name(), "server", cost(asked))).into();
        let verdicts = |options: &Options| {
            let figures = figures(&runs, &[100.0], options);
            figures.iter().filter_map(Figure::verdict).map(|verdict| verdict.word()).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(&Options::default()), ["MISSED", "held", "held", "held"]);
        assert!(verdicts(&Options { document_bytes: 500, ..Options::default() }).is_empty());
    }
}
