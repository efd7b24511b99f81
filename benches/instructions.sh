#!/usr/bin/env bash
# Instructions a record, counted by callgrind: a gate against regressions that no noise of the machine can trip.
#
#   benches/instructions.sh            count, and compare with benches/instructions.txt: more than 3 % above fails
#   benches/instructions.sh --update   count, and write benches/instructions.txt
#
# Each corpus is scanned in two sizes, and the difference counts: what every scan costs once is left out. The hash
# functions are subtracted: under valgrind they run in software, three quarters of everything where nothing repeats.
# Other ways that depend on the processor are those that valgrind knows (AVX2 at most), on every processor alike. Counts
# repeat to some millionths with one C library; another one moves them, by a percent or so.
# Needs bash, cargo and valgrind; takes half a minute and 200 MB of memory for corpora and reports.
set -euo pipefail
cd "$(dirname "$0")/.."

expected=benches/instructions.txt slack=3
parent=${TMPDIR:-/dev/shm}
[ -d "$parent" ] || parent=/tmp
work=$(mktemp -d "$parent/certcensus-instructions.XXXXXX")
trap 'rm -rf "$work"' EXIT

cargo build --release --locked --bin certcensus
certcensus=${CARGO_TARGET_DIR:-target}/release/certcensus

# corpus, clients: the records of a scan, its instructions, and those of them that hash
scan() {
    rm -rf "$work/corpus" "$work/report"
    "$certcensus" synth --preset "$1" --clients "$2" -o "$work/corpus" >/dev/null
    valgrind --tool=callgrind --callgrind-out-file="$work/counts" \
        "$certcensus" scan "$work/corpus" -o "$work/report" -j 1 -q --json >"$work/summary.json" 2>"$work/log" ||
        { cat "$work/log" >&2; return 1; }
    sed -n 's/.*"observations":\([0-9]*\).*/\1/p' "$work/summary.json"
    # "1,234 (5.67%)  file:function [object]"
    callgrind_annotate --auto=no --threshold=100 "$work/counts" >"$work/functions"
    awk '{ n = $1; gsub(",", "", n) }
        /PROGRAM TOTALS/ { all = n }
        $2 ~ /^\(/ && /:(sha1|sha2)::/ { hash += n }
        END { printf "%.0f\n%.0f\n", all, hash }' "$work/functions"
}

# corpus, clients, more clients: a line of the file of counts
count() {
    local few many
    few=$(scan "$1" "$2")
    many=$(scan "$1" "$3")
    # shellcheck disable=SC2086 # three numbers each
    set -- "$1" $few $many
    local records=$(($5 - $2)) hash=$(($7 - $4))
    local rest=$(($6 - $3 - hash))
    if [ "$hash" -le 0 ]; then
        echo "no hash function was found in what callgrind counted" >&2
        return 1
    fi
    echo "$1 $((rest / records))"
    echo "$1: $((rest / records)) instructions a record, and $((hash / records)) that hash" >&2
}

count distinct 60 300 >"$work/counted.txt"
count fleet 150 1050 >>"$work/counted.txt"
if [ "${1:-}" = --update ]; then
    cp "$work/counted.txt" "$expected"
    exit
fi
awk -v slack="$slack" '
    NR == FNR { expected[$1] = $2; next }
    !($1 in expected) { failed = 1; print $1 ": no figure to compare with; run benches/instructions.sh --update"; next }
    { change = 100 * ($2 / expected[$1] - 1)
      printf "%s: %d instructions a record, %+.1f %% of the %d expected\n", $1, $2, change, expected[$1]
      if (change > slack) { failed = 1; print "  too many: find out why, or say why in the commit that runs benches/instructions.sh --update" }
      if (change < -slack) print "  fewer: run benches/instructions.sh --update, so that the gate keeps what was won" }
    END { exit failed }' "$expected" "$work/counted.txt"
