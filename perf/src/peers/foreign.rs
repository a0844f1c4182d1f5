//! The same servers asked by the clients that others measure with: wrk where HTTP is spoken, redis-benchmark where Redis
//! is. Were our generator kinder to one server than to another, their figures would part from ours.
//!
//! They ask for one document over and over, since redis-benchmark writes the keys of a command as it likes, and they
//! have no warm-up: connecting is in the CPU time. It does not know what is done with the figures.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::options::Options;
use crate::peers::case::{Case, Load, Who};
use crate::peers::contestant::Contestant;
use crate::peers::program;
use crate::proc;
use crate::run::{QUANTILES, Run};

/// What asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    name: &'static str,
    binary: PathBuf,
}

/// The packages of Debian that they come from.
pub const PACKAGES: [&str; 2] = ["wrk", "redis-tools"];

/// What a client says of its run. wrk counts; redis-benchmark is told how many.
#[derive(Debug, PartialEq)]
struct Told {
    requests: u64,
    latency_us: Named,
}

/// Latencies by the names that `QUANTILES` gives them.
type Named = Vec<(&'static str, f64)>;

impl Client {
    /// The one for `who`, if it is installed.
    pub fn of(who: Who) -> Option<Client> {
        let name = Client::name_for(who);
        Some(Client { name, binary: program::find(name)? })
    }

    /// The name of the one for `who`.
    pub fn name_for(who: Who) -> &'static str {
        if who == Who::Redis { "redis-benchmark" } else { "wrk" }
    }

    /// Has it ask `contestant` for one document over all connections, as `case` says, for as long as a run lasts at
    /// `rate` requests a second.
    ///
    /// # Errors
    /// It fails, or was answered otherwise than with the document.
    pub fn run(
        &self,
        options: &Options,
        (round, case): (u32, &Case),
        contestant: &Contestant,
        rate: f64,
    ) -> Result<Run> {
        let depth = if case.load == Load::Pipelined { options.depth } else { 1 };
        let address = contestant.server.address;
        let requests = (rate * options.duration.as_secs_f64()).max(1.0) as u64;
        let mut script = tempfile::NamedTempFile::new().context("no scratch file")?;
        script.write_all(pipelining(depth).as_bytes())?;
        let arguments = match contestant.who {
            Who::Redis => redis_benchmark(address, options.connections, requests, depth),
            _ => wrk(address, options.connections, options.duration, script.path()),
        };
        let before = (Instant::now(), proc::cpu_us(&contestant.pids)?, proc::children_cpu_us()?);
        let output =
            Command::new(&self.binary).args(&arguments).output().with_context(|| format!("no {}", self.name))?;
        let elapsed = before.0.elapsed();
        let server_cpu_us = proc::cpu_us(&contestant.pids)? - before.1;
        let generator_cpu_us = proc::children_cpu_us()? - before.2;
        let printed = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{} ended with {}: {printed}", self.name, output.status);
        let told = match contestant.who {
            Who::Redis => told_by_redis_benchmark(&printed).map(|latency_us| Told { requests, latency_us }),
            _ => told_by_wrk(&printed),
        };
        let told = told.with_context(|| format!("{} on {} printed: {printed}", self.name, contestant.who.name()))?;
        ensure!(told.requests > 0, "{} got no answer from {}", self.name, contestant.who.name());
        let each = |value: u64| value as f64 / told.requests as f64;
        Ok(Run {
            round,
            workload: case.name,
            on: contestant.who.name(),
            requests: told.requests,
            requests_per_second: told.requests as f64 / elapsed.as_secs_f64(),
            server_cpu_us: each(server_cpu_us),
            generator_cpu_us: each(generator_cpu_us),
            switches: f64::NAN,
            reply_bytes: f64::NAN,
            latency_us: QUANTILES.map(|(name, _)| of_quantile(&told.latency_us, name)),
            due_per_second: None,
            unsent: 0,
            slices: Vec::new(),
        })
    }
}

fn wrk(address: SocketAddr, connections: usize, duration: Duration, script: &Path) -> Vec<String> {
    let seconds = duration.as_secs_f64().ceil().max(1.0);
    let url = format!("http://{address}/v1/docs/key:00000000");
    let script = script.display().to_string();
    let counts = ["--threads", "1", "--connections", &connections.to_string(), "--duration", &format!("{seconds}s")];
    counts.into_iter().chain(["--latency", "--script", &script, &url]).map(str::to_owned).collect()
}

/// wrk finds out by itself how many requests what it sends at once holds.
fn pipelining(depth: usize) -> String {
    format!(
        "local together\n\
         function init()\n\
           local one = wrk.format()\n\
           together = string.rep(one, {depth})\n\
         end\n\
         function request()\n\
           return together\n\
         end\n"
    )
}

fn redis_benchmark(address: SocketAddr, connections: usize, requests: u64, depth: usize) -> Vec<String> {
    let [port, connections, requests, depth] =
        [address.port().to_string(), connections.to_string(), requests.to_string(), depth.to_string()];
    let host = address.ip().to_string();
    let counts = ["-h", &host, "-p", &port, "-c", &connections, "-n", &requests, "-P", &depth];
    counts.into_iter().chain(["--csv", "GET", "key:00000000"]).map(str::to_owned).collect()
}

/// Reads `    50%  1.23ms` and `  123456 requests in 2.00s, 140.00MB read`.
fn told_by_wrk(printed: &str) -> Result<Told> {
    let (mut requests, mut latency_us) = (None, Named::new());
    for line in printed.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["Non-2xx", ..] | ["Socket", "errors:", ..] => bail!("not every request was answered as it should be"),
            ["50%", time] => latency_us.push(("p50", microseconds(time)?)),
            ["75%", time] => latency_us.push(("p75", microseconds(time)?)),
            ["90%", time] => latency_us.push(("p90", microseconds(time)?)),
            ["99%", time] => latency_us.push(("p99", microseconds(time)?)),
            ["Latency", _, _, most, _] => latency_us.push(("max", microseconds(most)?)),
            [count, "requests", "in", ..] => requests = Some(count.parse()?),
            _ => {}
        }
    }
    Ok(Told { requests: requests.context("no count of requests")?, latency_us })
}

/// Reads `1.23ms`, `45.00us`, `1.02s`. wrk says nought of what it has no room for, as its tail where it pipelines.
fn microseconds(time: &str) -> Result<f64> {
    for (unit, factor) in [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 60e6)] {
        if let Some(Ok(number)) = time.strip_suffix(unit).map(str::parse::<f64>) {
            return Ok(if number == 0.0 { f64::NAN } else { number * factor });
        }
    }
    bail!("{time} is no time")
}

/// Reads the line behind the names of its columns, by these.
fn told_by_redis_benchmark(printed: &str) -> Result<Named> {
    let mut lines = printed.lines();
    let mut cells = || Some(lines.next()?.trim_matches('"').split("\",\"").map(str::to_owned).collect::<Vec<_>>());
    let (names, values) = (cells().context("no columns")?, cells().context("no figures")?);
    let milliseconds = |name: &str| -> Result<f64> {
        let column = names.iter().position(|one| one == name).with_context(|| format!("no column {name}"))?;
        Ok(values.get(column).context("a short line")?.parse::<f64>()? * 1000.0)
    };
    let columns =
        [("p50", "p50_latency_ms"), ("p95", "p95_latency_ms"), ("p99", "p99_latency_ms"), ("max", "max_latency_ms")];
    columns.into_iter().map(|(name, column)| Ok((name, milliseconds(column)?))).collect()
}

/// Of what a client told the latency called `name`; not a number where it did not.
fn of_quantile(told: &Named, name: &str) -> f64 {
    told.iter().find(|(one, _)| *one == name).map_or(f64::NAN, |&(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: &str = "\
Running 2s test @ http://127.0.0.1:8080/v1/docs/key:00000000
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   678.20us   91.24us   5.64ms   92.11%
    Req/Sec    94.12k     2.44k   97.02k    75.00%
  Latency Distribution
     50%  667.00us
     75%  702.00us
     90%  748.00us
     99%    1.02ms
  187432 requests in 2.00s, 205.77MB read
Requests/sec:  93698.44
Transfer/sec:    102.87MB
";

    #[test]
    fn what_wrk_prints_is_read_by_its_words() {
        let told = told_by_wrk(WRK).unwrap();
        assert_eq!(told.requests, 187_432);
        let of = |name| of_quantile(&told.latency_us, name);
        assert_eq!([of("p50"), of("p75"), of("p90"), of("p99"), of("max")], [667.0, 702.0, 748.0, 1020.0, 5640.0]);
        assert!(of("p99.9").is_nan());
    }

    #[test]
    fn a_wrong_answer_is_a_failed_run() {
        for line in ["  Non-2xx or 3xx responses: 12", "  Socket errors: connect 0, read 3, write 0, timeout 0"] {
            assert!(told_by_wrk(&format!("{WRK}{line}\n")).is_err(), "{line}");
        }
        assert!(told_by_wrk("").is_err());
        assert!(microseconds("0.00us").unwrap().is_nan());
        assert!(microseconds("5.0h").is_err() && microseconds("ms").is_err());
    }

    #[test]
    fn what_redis_benchmark_prints_is_read_by_its_columns() {
        let printed = "\"test\",\"rps\",\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n\
                       \"GET key:00000000\",\"47619.05\",\"0.855\",\"1.255\",\"1.687\",\"4.543\"\n";
        let told = told_by_redis_benchmark(printed).unwrap();
        assert_eq!(told, [("p50", 855.0), ("p95", 1255.0), ("p99", 1687.0), ("max", 4543.0)]);
        for broken in ["", "\"test\"\n", "\"p50_latency_ms\"\n\"x\"\n", "\"test\",\"rps\"\n\"GET\",\"1\"\n"] {
            assert!(told_by_redis_benchmark(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn http_is_asked_by_wrk_and_redis_by_its_own() {
        assert_eq!(Client::name_for(Who::Redis), "redis-benchmark");
        assert!([Who::Ours, Who::Nginx].into_iter().all(|who| Client::name_for(who) == "wrk"));
        assert!(pipelining(16).contains("string.rep(one, 16)"));
        let address = "127.0.0.1:81".parse().unwrap();
        let told = wrk(address, 64, Duration::from_millis(1500), Path::new("/s.lua"));
        assert!(told.windows(2).any(|pair| pair == ["--duration", "2s"]), "{told:?}");
        assert!(redis_benchmark(address, 64, 1000, 16).windows(2).any(|pair| pair == ["-P", "16"]));
    }
}
