//! What `--help` prints: every option, its default, and the modes that know it.

/// What `--help` prints.
pub const HELP: &str = "\
Measures a Memory Tools server from outside, prints one table and stores it as JSON.

  memory-tools-bench [bench] [OPTIONS] what the server promises by itself
  memory-tools-bench peers [OPTIONS]   what it promises beside nginx, Redis and webdis
  memory-tools-bench journal [OPTIONS] what it promises with its journal, beside Redis
  memory-tools-bench api [OPTIONS]     what it promises of patches, listings and bulks
  memory-tools-bench scale [OPTIONS]   what it promises of memory and of very many documents
  memory-tools-bench compare --other PATH [OPTIONS]   whether it is cheaper or dearer than another build of it
  memory-tools-bench charts            draws what was measured, beside the results

  --server PATH           the server [target/release/memory-tools]
  --server-argument ARG   passed on to the server, once per argument
  --results FOLDER        where the JSON goes [perf/results]
  --connections N         keep-alive connections of the runs [64]
  --document-bytes N      size of their documents [1000]
  --keys N                how many documents they use [100000]
  --distribution NAME     of the keys: uniform, or zipf, where few are asked for much oftener [uniform]
  --rounds N              how often everything is repeated [5; scale: 3; compare: 10; peers: 12]
  --seconds S             length of each run [0.9; peers: 0.8; compare: 1; journal and api: 2]
  --warm-up S             time before a run is measured [0.1; peers: 0.2; the others: 0.3]
  --seed N                of the order of the keys [1]

With bench, api and scale:
  --constant PATH         the same front answering a constant [target/release/memory-tools-constant]

With bench:
  --only PART             mixes, front, ready or memory; may be repeated [all four]
  --mix MIX               get, put, 90/10, patch, ttl, conditional or bulk; may be repeated [all seven]
  --url URL               mixes of a server that runs already, in a collection that is dropped afterwards
  --rate N                requests a second at a constant rate [half of what is answered at saturation]
  --journal MODE          off, os, everysec or always, in mixes [off]
  --starts N              starts whose ready time is measured [7]
  --memory-documents N    documents of 100 bytes whose memory is measured [1000000]

With bench (its mixes), peers and compare:
  --front FRONT           the server's front, reactor or pool [reactor]
  --depth N               requests sent together where they are pipelined [1; peers and compare: 16]

With peers:
  --busy N                connections where there are many [2000]
  --idle N                connections whose memory is measured [10000]

With scale:
  --only PART             memory, growth, snapshot, expiry, cores or soak; may be repeated [all six]

With journal, api and scale:
  --documents N           documents of 200 bytes that are loaded from a snapshot [1000000]; api: of 100 bytes among
                          which keys are listed [10000000]; scale: of 100 bytes, a tenth of them for memory and
                          expiry, and operations of the soak [10000000]

With journal:
  --journal-mb N          size of the journal that is replayed [256]

With compare:
  --other PATH            the other server

Exit codes: 0 every bound is held, 1 a bound is missed, 2 nothing could be measured. With peers, journal, api and
compare what is missed or dearer is said in its line, and the code is 0 all the same.
";
