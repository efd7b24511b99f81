#!/usr/bin/env bash
# certcensus against the naive peer (benches/naive.rs): the same input, one interleaved run, all tables.
#
#   benches/compare.sh                      the benchmark corpora: 1.1 GB and 2.6 GB, made in memory
#   DISTINCT_CLIENTS=200 FLEET_CLIENTS=1000 benches/compare.sh      a quick look
#
# Variables: ROUNDS (5), PEER_THREADS (2), THREADS ("2", a list: "1 2" adds a run with one thread),
# CORPORA ("distinct fleet"), DISTINCT_CLIENTS (4000), FLEET_CLIENTS (20000), PYTHON (python3), and TMPDIR, where
# corpora and reports go: a file system in memory, or the disk is measured.
# Needs bash, coreutils, cargo and python3. With DuckDB for that python3 the two outputs are compared as well.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-5} peer_threads=${PEER_THREADS:-2} threads=${THREADS:-2} python=${PYTHON:-python3}
declare -A clients=([distinct]=${DISTINCT_CLIENTS:-4000} [fleet]=${FLEET_CLIENTS:-20000})
parent=${TMPDIR:-/dev/shm}
[ -d "$parent" ] || parent=/tmp
work=$(mktemp -d "$parent/certcensus-compare.XXXXXX")
trap 'rm -rf "$work"' EXIT

cargo build --release --locked --bin certcensus --bench naive
target=${CARGO_TARGET_DIR:-target}
certcensus=$target/release/certcensus
# Cargo names the executable of a bench by a hash that only its messages tell.
naive=$(cargo build --release --locked --bench naive --message-format json 2>/dev/null | "$python" -c '
import json, sys
messages = [json.loads(line) for line in sys.stdin]
print([m["executable"] for m in messages if m.get("target", {}).get("name") == "naive" and m.get("executable")][-1])')

echo "commit:  $(git describe --always --dirty 2>/dev/null || echo unknown)"
echo "machine: $(nproc) cores, $(lscpu 2>/dev/null | sed -n 's/^Model name: *//p' | head -n 1), load $(cut -d' ' -f1-3 /proc/loadavg)"
echo "build:   $(rustc --version), release profile"

for corpus in ${CORPORA:-distinct fleet}; do
    echo
    echo "== $corpus: $("$certcensus" synth --preset "$corpus" --clients "${clients[$corpus]}" -o "$work/$corpus")"
    peers=(--peer "naive $peer_threads" "$naive $work/$corpus $work/naive.parquet $peer_threads" "$work/naive.parquet")
    for n in $threads; do
        peers+=(--peer "certcensus -j $n" "$certcensus scan $work/$corpus -o $work/report-$n -j $n -q" "$work/report-$n")
    done
    "$python" benches/compare.py run --rounds "$rounds" --input "$work/$corpus" "${peers[@]}"
    "$python" benches/compare.py agree "$work/naive.parquet" "$work/report-${threads##* }"
    rm -rf "${work:?}/$corpus" "$work"/report-* "$work/naive.parquet"
done
