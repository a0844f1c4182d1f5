//! The help, the parser and the limits agree.

use super::*;

fn parse(line: &str) -> Result<Option<Options>> {
    Options::parse(line.split_whitespace().map(OsString::from))
}

#[test]
fn without_arguments_the_bounds_own_conditions_are_measured() {
    let options = parse("").unwrap().unwrap();
    assert_eq!((options.connections, options.document_bytes, options.rounds), (64, 1000, 5));
    assert!(Part::ALL.iter().all(|&part| options.measures(part)));
    assert_eq!((options.depth, options.mixes().count()), (1, MIXES.len()));
    let options = parse("peers").unwrap().unwrap();
    assert_eq!((options.mode, options.rounds, options.depth), (Mode::Peers, 12, 16));
}

#[test]
fn every_option_of_the_help_is_understood_in_its_mode() {
    let both = "--server a --server-argument --shards=1 --results r --connections 2 --document-bytes 64 --keys 3 \
                --distribution zipf --rounds 1 --seconds 0.5 --warm-up 0 --seed 9";
    let constant = "--constant b";
    let alone = "--only mixes --starts 2 --memory-documents 5 --mix 90/10 --mix bulk --url http://127.0.0.1:81 \
                 --rate 5000 --journal always";
    let compared = "--front pool --depth 4";
    let peers = "--busy 100 --idle 200";
    let other = "--other c";
    let documents = "--documents 7";
    let journal = "--journal-mb 8";
    let scale = "--only soak";
    for name in HELP.split_whitespace().filter(|word| word.starts_with("--")) {
        let all = [both, constant, alone, compared, peers, other, documents, journal].concat();
        assert!(all.contains(name), "{name} is in the help but not tried here");
    }
    let options =
        parse(&format!("{both} {constant} {alone} {compared} --keys 100 --document-bytes 112")).unwrap().unwrap();
    assert_eq!((options.mode, options.duration), (Mode::Alone, Duration::from_millis(500)));
    assert_eq!(options.server_arguments, ["--shards=1"]);
    assert!(options.measures(Part::Mixes) && !options.measures(Part::Memory));
    assert_eq!((options.rate, options.journal, options.front), (Some(5000.0), Journal::Always, Front::Pool));
    assert_eq!(options.mixes().map(|mix| mix.name).collect::<Vec<_>>(), ["90/10", "bulk"]);
    assert_eq!((options.url, options.depth), (Some(([127, 0, 0, 1], 81).into()), 4));
    let options = parse(&format!("peers {both} {compared} {peers}")).unwrap().unwrap();
    assert_eq!((options.mode, options.front, options.rounds), (Mode::Peers, Front::Pool, 1));
    assert_eq!((options.depth, options.busy, options.idle), (4, 100, 200));
    let options = parse(&format!("api {both} {constant} {documents}")).unwrap().unwrap();
    assert_eq!((options.mode, options.documents), (Mode::Api, 7));
    let options = parse(&format!("journal {both} {documents} {journal}")).unwrap().unwrap();
    assert_eq!((options.mode, options.documents, options.journal_mb), (Mode::Journal, 7, 8));
    let options = parse(&format!("scale {both} {constant} {documents} {scale} --only memory")).unwrap().unwrap();
    assert_eq!((options.mode, options.documents), (Mode::Scale, 7));
    assert_eq!(options.scale, [scale::Part::Soak, scale::Part::Memory]);
    let options = parse(&format!("compare {both} {compared} {other} --rounds 6")).unwrap().unwrap();
    assert_eq!((options.mode, options.other.to_str(), options.depth), (Mode::Compare, Some("c"), 4));
    for pair in [constant, alone, compared, peers, other, documents, journal]
        .into_iter()
        .flat_map(|of_mode| of_mode.split(" --"))
    {
        let mode = if [constant, alone].concat().contains(pair) {
            "peers "
        } else if compared.contains(pair) {
            "journal "
        } else {
            ""
        };
        assert!(parse(&format!("{mode}--{}", pair.trim_start_matches("--"))).is_err(), "{mode}{pair}");
    }
}

#[test]
fn what_cannot_be_measured_is_refused_with_its_reason() {
    for (line, reason) in [
        ("--connections 0", "--connections must be 1 to 10000"),
        ("--document-bytes 63", "--document-bytes must be 64 to 1048576"),
        ("--keys 100000001", "--keys must be 1 to 100000000"),
        ("--distribution flat", "--distribution knows uniform, zipf, not \"flat\""),
        ("--rounds 0", "--rounds must be 1 to 1000"),
        ("--starts 0", "--starts must be 1 to 1000"),
        ("--memory-documents 0", "--memory-documents must be 1 to 100000000"),
        ("--seconds 0.05", "--seconds must be 0.1 or more"),
        ("--seconds nan", "a time must be 0 to 3600 seconds, not NaN"),
        ("--only get", "--only knows mixes, front, ready, memory, not \"get\""),
        ("scale --only front", "--only knows memory, growth, snapshot, expiry, cores, soak, not \"front\""),
        ("peers --front tower", "--front knows reactor, pool, not \"tower\""),
        ("--mix both", "--mix knows get, put, 90/10, patch, ttl, conditional, bulk, not \"both\""),
        ("--keys 99", "--keys must be 100 or more in mixes, a bulk's"),
        ("--document-bytes 111", "--document-bytes must be 112 or more in mixes"),
        ("--rate 0", "--rate must be 1 to 10000000"),
        ("--url 127.0.0.1:81 --only ready", "--url can be asked for mixes only; the rest starts servers of its own"),
        ("peers --depth 0", "--depth must be 1 to 1000"),
        ("peers --busy 10001", "--busy must be 1 to 10000"),
        ("peers --idle 0", "--idle must be 1 to 50000"),
        ("journal --documents 0", "--documents must be 1 to 100000000"),
        ("journal --journal-mb 0", "--journal-mb must be 1 to 100000"),
        ("compare", "--other must name the server to compare with"),
        ("compare --other c --rounds 5", "--rounds must be 6 or more, or chance could be all there is"),
        ("journal peers", "unexpected argument \"peers\""),
        ("--rounds 1 peers", "unexpected argument \"peers\""),
        ("--conections 3", "invalid option '--conections'"),
        ("extra", "unexpected argument \"extra\""),
    ] {
        assert_eq!(parse(line).unwrap_err().to_string(), reason, "{line}");
    }
}

#[test]
fn help_wins_over_everything_after_it() {
    assert!(parse("--help --rounds 0").unwrap().is_none());
}
