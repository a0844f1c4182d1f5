# `make` alone lists the targets. Variables go behind the target: make run PORT=:9090

# Where `run` listens; empty means what config.json says.
PORT ?=
# Seed of random tests and of the benchmark; empty means another one at each run.
SEED ?=
# How often: cases of each random test in test-slow, rounds of the benchmark; empty means their defaults.
ROUNDS ?=
# Seconds of one run of the benchmark; empty means its default.
SECONDS ?=
# Seconds of fuzzing of each target in test-slow and fuzz, and which ones.
FUZZ_SECONDS ?= 60
FUZZ_TARGET ?= connection router patch pointer ndjson
# Further flags of the benchmark, such as "--only front --connections 256".
BENCH ?=
# Which front bench, bench-peers and bench-compare measure, reactor or pool; empty means their default.
FRONT ?=
# What bench asks, and how: connections, size of the documents, uniform or zipf keys, off, os, everysec or always for the
# journal, requests a second at a constant rate, requests sent together, a server that runs already instead of a new
# one; empty means its defaults. Words as common as these are not taken from the environment.
CONNECTIONS =
DOCUMENT_BYTES =
KEYS =
JOURNAL =
RATE =
DEPTH =
URL =
# The commit that bench-compare compares this tree with, and where it is built.
REF ?= HEAD~1
COMPARED = target/compare/$(shell git rev-parse --short $(REF) 2>/dev/null)
# Documents that bench-journal loads from a snapshot, bench-api lists the keys of and bench-scale grows to, and megabytes
# of the journal that bench-journal replays, and operations of test-soak; empty means their defaults.
DOCUMENTS ?=
JOURNAL_MB ?=
# Where test-ui leaves pictures of the page; empty means nowhere.
PICTURES ?=
# Where `install` puts things, and a folder to put before all of it (for packages).
PREFIX ?= /usr/local
DESTDIR ?=

CARGO ?= cargo
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
STATIC = target/static/memory-tools
DEB = target/deb/memory-tools.deb
# Tests that cargo runs only when they are named (Cargo.toml says why). Whatever builds tests says --workspace, or the
# packages below would be built again with other features.
NAMED = --test overload --test process_strace
# Tests that go further when they are told to: the longest first, so that two at a time end together. By lives of a
# whole server, by rounds, by the cases of each property, by losses of power at each call.
FURTHER = further-rounds further-lives further-cases further-losses
BY_ROUNDS = --test journal_snapshot --test fuzz_seeds --test process_journal --test process_changes \
	--test linearizability
BY_CASES = --lib --test journal_damage --test persist_damage
FUZZERS = $(FUZZ_TARGET:%=fuzz-%)
# The tests that the table of faults names.
NOTICING = $(shell sed -n 's/^| `[A-Za-z]*` | `\([a-z_]*\)::.*/--test \1/p' tests/README.md | sort -u)
# The binary that is shipped is the one that is killed, failed and attacked.
SHIPPED = SERVER_BINARY=$(abspath $(STATIC))
SEEDED = $(if $(SEED),PROPTEST_RNG_SEED=$(SEED) SEED=$(SEED))

.DEFAULT_GOAL := help
.PHONY: help run build test test-slow test-described test-ui test-package test-further test-hostile test-crashes test-planted test-soak further-rounds further-lives further-cases further-losses fuzz bench bench-peers bench-journal bench-api bench-scale bench-compare bench-micro charts static install install-service deb doc ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile
	@echo "variables: PORT SEED ROUNDS SECONDS FUZZ_SECONDS FUZZ_TARGET BENCH FRONT CONNECTIONS DOCUMENT_BYTES KEYS JOURNAL RATE DEPTH URL REF DOCUMENTS JOURNAL_MB PICTURES PREFIX DESTDIR; the Makefile says what each does"

run: ## build and serve with config.json (PORT=:9090 listens elsewhere)
	$(CARGO) run --release --locked --bin memory-tools -- --config config.json $(if $(PORT),--port $(PORT))

build: ## build the optimized binary, target/release/memory-tools
	$(CARGO) build --release --locked --bin memory-tools

test: ## formatting, lints and every test that takes seconds
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --workspace $(NAMED) --locked -- -D warnings
	$(CARGO) test --workspace --locked

test-slow: static ## everything that takes minutes, two parts at a time but for those that measure times
	$(MAKE) --jobs=2 --output-sync=target test-further test-planted fuzz test-described test-ui test-package test-crashes
	$(MAKE) test-hostile test-soak

test-described: static ## schemathesis against /openapi.json: answers are as described (needs python3 with venv)
	$(if $(SEED),SEED=$(SEED)) tests/schemathesis/run $(abspath $(STATIC))

test-ui: static ## click through the page at /ui in headless Chromium (needs chromium, chromedriver and python3; PICTURES=FOLDER)
	$(if $(PICTURES),PICTURES=$(abspath $(PICTURES))) tests/ui/run $(abspath $(STATIC))

test-package: static ## install, use, upgrade, remove and purge the Debian package in a folder of its own
	tests/deb/run $(abspath $(STATIC))

test-further: $(FURTHER) ## the random tests, for longer (ROUNDS=1000 SEED=7 repeats a run)

further-lives: ## of test-further: whole servers, started again and again
	PROPTEST_CASES=$(or $(ROUNDS),10000) $(SEEDED) $(CARGO) test --workspace --locked --test property
further-rounds: static ## of test-further: kills, interrupted snapshots, seeds of the fuzzer and mixes of them
	ROUNDS=$(or $(ROUNDS),10000) $(SHIPPED) $(SEEDED) $(CARGO) test --workspace --locked $(BY_ROUNDS)
further-cases: ## of test-further: properties of parts
	PROPTEST_CASES=$(or $(ROUNDS),1000) $(SEEDED) $(CARGO) test --workspace --locked $(BY_CASES)
further-losses: ## of test-further: losses of power at each call
	ROUNDS=$(or $(ROUNDS),100) $(SEEDED) $(CARGO) test --workspace --locked --test persist_crash

test-hostile: static ## hostile clients, and the static binary failed at every call that changes a file (needs strace)
	$(SHIPPED) $(SEEDED) $(CARGO) test --workspace --locked $(NAMED)

test-soak: static ## a million mixed requests on the static binary: neither memory, descriptors nor threads grow
	$(CARGO) build --release --locked -p memory-tools-bench
	target/release/memory-tools-bench scale --only soak --documents $(or $(DOCUMENTS),1000000) \
		--server $(abspath $(STATIC)) --results target/soak

test-crashes: ## more than 100,000 simulated crashes of the whole server (ROUNDS=30000 SEED=7 repeats a run)
	ROUNDS=$(or $(ROUNDS),30000) $(SEEDED) $(CARGO) test --workspace --locked --test journal_crash

test-planted: ## plant each mistake of src/base/fault.rs and see that the test named for it fails
	$(CARGO) test --locked --target-dir target/planted --features planted-faults $(NOTICING) --no-run
	$(CARGO) test --locked --target-dir target/planted --features planted-faults --test planted

fuzz: $(FUZZERS) ## fuzz each target (FUZZ_TARGET="router patch" FUZZ_SECONDS=60), stable toolchain and a C++ compiler

$(FUZZERS): fuzz-%:
	tests/fuzz/run $* $(FUZZ_SECONDS) $(if $(SEED),-seed=$(SEED))

bench: ## measure a release build in two minutes (SECONDS=0.9 ROUNDS=5 CONNECTIONS=64 DOCUMENT_BYTES=1000 URL=http://...)
	$(CARGO) build --release --locked --workspace
	target/release/memory-tools-bench $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(CONNECTIONS),--connections $(CONNECTIONS)) \
		$(if $(DOCUMENT_BYTES),--document-bytes $(DOCUMENT_BYTES)) $(if $(KEYS),--distribution $(KEYS)) \
		$(if $(FRONT),--front $(FRONT)) $(if $(JOURNAL),--journal $(JOURNAL)) $(if $(RATE),--rate $(RATE)) \
		$(if $(DEPTH),--depth $(DEPTH)) $(if $(URL),--url $(URL)) $(BENCH)

bench-peers: ## measure a release build beside nginx, Redis and webdis (SECONDS=0.8 ROUNDS=12 FRONT=reactor)
	$(CARGO) build --release --locked -p memory-tools -p memory-tools-bench
	target/release/memory-tools-bench peers $(if $(FRONT),--front $(FRONT)) $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(BENCH)

bench-journal: ## measure a release build with its journal beside Redis (SECONDS=2 ROUNDS=5 DOCUMENTS=1000000 JOURNAL_MB=256)
	$(CARGO) build --release --locked -p memory-tools -p memory-tools-bench
	target/release/memory-tools-bench journal $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(DOCUMENTS),--documents $(DOCUMENTS)) \
		$(if $(JOURNAL_MB),--journal-mb $(JOURNAL_MB)) $(BENCH)

bench-api: ## measure what patches, listings and bulks cost (SECONDS=2 ROUNDS=5 DOCUMENTS=10000000, which take 3 GB)
	$(CARGO) build --release --locked -p memory-tools -p memory-tools-constant -p memory-tools-bench
	target/release/memory-tools-bench api $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(DOCUMENTS),--documents $(DOCUMENTS)) $(BENCH)

bench-scale: ## measure memory, and what very many documents cost (ROUNDS=3 DOCUMENTS=10000000, which take 3 GB; BENCH="--only memory")
	$(CARGO) build --release --locked -p memory-tools -p memory-tools-constant -p memory-tools-bench
	target/release/memory-tools-bench scale $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(DOCUMENTS),--documents $(DOCUMENTS)) $(BENCH)

bench-compare: ## measure this tree against another commit, interleaved (REF=HEAD~1 SECONDS=1 ROUNDS=10 FRONT=reactor)
	$(CARGO) build --release --locked -p memory-tools -p memory-tools-bench
	git rev-parse --quiet --verify $(REF)^{commit} || { echo "there is no commit $(REF)"; exit 2; }
	rm -rf $(COMPARED) && mkdir -p $(COMPARED)
	git archive $(REF) | tar -x -C $(COMPARED)
	$(CARGO) build --release --locked --manifest-path $(COMPARED)/Cargo.toml --target-dir target/compare/target -p memory-tools
	target/release/memory-tools-bench compare --other target/compare/target/release/memory-tools \
		$(if $(FRONT),--front $(FRONT)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SEED),--seed $(SEED)) $(BENCH)

bench-micro: ## measure parts of the server in process (BENCH="store --save-baseline before"), about two minutes
	$(CARGO) bench --locked -p memory-tools-micro -- $(BENCH)

charts: ## draw the newest results again, perf/results/*.svg, as every bench does at its end
	$(CARGO) build --release --locked -p memory-tools-bench
	target/release/memory-tools-bench charts

static: ## build one static, stripped binary, target/static/memory-tools, and prove that it is static
	RUSTFLAGS="-C target-feature=+crt-static" $(CARGO) build --release --locked --target $(HOST) --bin memory-tools
	mkdir -p $(dir $(STATIC))
	strip -o $(STATIC) target/$(HOST)/release/memory-tools
	@ldd $(STATIC) 2>&1 | grep -E 'statically linked|not a dynamic executable' \
		|| { echo "$(STATIC) is not static, ldd says:"; ldd $(STATIC); exit 1; }
	@! grep -q TOOLS_FAULT $(STATIC) || { echo "$(STATIC) can be told to make mistakes"; exit 1; }
	@ls -l $(STATIC)

install: static ## install the static binary (PREFIX=/usr/local DESTDIR=)
	install -D -m 755 $(STATIC) $(DESTDIR)$(PREFIX)/bin/memory-tools

install-service: install ## install the systemd unit too, and /etc/memory-tools/config.json unless it is there
	install -d $(DESTDIR)/etc/systemd/system $(DESTDIR)/etc/memory-tools
	sed 's|/usr/local/bin/|$(PREFIX)/bin/|' deploy/memory-tools.service \
		> $(DESTDIR)/etc/systemd/system/memory-tools.service
	test -e $(DESTDIR)/etc/memory-tools/config.json \
		|| install -m 644 config.json $(DESTDIR)/etc/memory-tools/config.json

deb: static ## build a Debian package, target/deb/memory-tools.deb, with a user, a unit, a manual page and completions
	deploy/deb/build $(STATIC) $(DEB)

doc: ## build the documentation of the source, target/doc/memory_tools/index.html
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --package memory-tools --lib

ci: test doc test-slow ## exactly what CI runs

clean: ## remove what was built
	$(CARGO) clean
