//! How much two threads do beside one, on `Execute` in a process of its own: no front, no sockets, no journal.

use anyhow::{Result, bail};

use super::growth::tell;
use super::{Report, promised};
use crate::figure::Figure;
use crate::options::Options;
use crate::progress::Progress;

/// On keys of their own: promised, and aimed at.
const OWN: (f64, f64) = (1.7, 1.9);

/// Reading in one shard.
const ONE_SHARD: f64 = 1.5;

/// Runs it in each round.
///
/// # Errors
/// The program cannot be run.
pub fn measure(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let (mut gets, mut puts) = (Vec::new(), Vec::new());
    let (mut gets_in_one_shard, mut gets_of_one_key) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        progress.step(&format!("round {round} of {}: two threads beside one", options.rounds));
        let told = tell(options, "--two-threads", &options.duration.as_secs_f64().to_string())?;
        let [get, put, in_one_shard, of_one_key] = told[..] else { bail!("{} numbers instead of four", told.len()) };
        gets.push(get);
        puts.push(put);
        gets_in_one_shard.push(in_one_shard);
        gets_of_one_key.push(of_one_key);
    }
    let (bound, aim) = OWN;
    for (name, values) in [("GET", gets), ("PUT", puts)] {
        let figure = Figure::new(format!("two threads over one: {name}, keys of their own"), "", values);
        let judged = figure.map(|it| it.at_least(promised(options, bound)).aiming_at(promised(options, aim)));
        report.figures.extend(judged);
    }
    let one_shard = Figure::new("two threads over one: GET, all keys in one shard", "", gets_in_one_shard);
    report.figures.extend(one_shard.map(|it| it.at_least(promised(options, ONE_SHARD))));
    report.figures.extend(Figure::new("two threads over one: GET of one key", "", gets_of_one_key));
    Ok(())
}
