"""Times commands against each other, and compares what they wrote. Called by compare.sh; standard library only.

Rounds are interleaved (A B C, A B C, ...) after one warm-up each, because machines drift: a ratio is taken inside a
round, and the median of the ratios is what counts. Times are of the whole process, start to exit. Where others use
the machine too, processor seconds say more than the clock does.
"""

import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path


def size(folder):
    """Bytes and certificate records of the NDJSON files of a folder."""
    total = records = 0
    for path in sorted(Path(folder).rglob("*.ndjson")):
        total += path.stat().st_size
        with path.open("rb") as lines:
            records += sum(b'"type":"certificate"' in line[:200] for line in lines)
    return total, records


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def once(command, output):
    """Runs a command into a fresh output: wall seconds, processor seconds, peak resident MiB."""
    remove(output)
    start = time.perf_counter()
    child = subprocess.Popen(shlex.split(command), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"exit code {child.returncode}: {command}")
    # ru_maxrss is in KiB on Linux and in bytes on macOS.
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit


def run(options):
    total, records = size(options.input)
    names = [name for name, _, _ in options.peer]
    for name, command, output in options.peer:
        print(f"{name}: {command}")
        once(command, output)
    results = {name: [] for name in names}
    print("\n| round | " + " | ".join(f"{name}, s" for name in names) + " |")
    print("|---|" + "---|" * len(names))
    for number in range(1, options.rounds + 1):
        for name, command, output in options.peer:
            results[name].append(once(command, output))
        print(f"| {number} | " + " | ".join(f"{results[name][-1][0]:.3f}" for name in names) + " |", flush=True)
    first = names[0]
    print(f"\n| | median wall s | cpu s | records/s | MB/s | peak RSS MiB | faster than {first} (range) | by cpu s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        walls, cpus, peaks = zip(*results[name])
        wall = statistics.median(walls)
        ratios = [base[0] / this[0] for base, this in zip(results[first], results[name])]
        by_cpu = statistics.median(base[1] / this[1] for base, this in zip(results[first], results[name]))
        print(
            f"| {name} | {wall:.3f} | {statistics.median(cpus):.2f} | {records / wall:,.0f} | {total / wall / 1e6:,.0f} "
            f"| {max(peaks):.0f} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {by_cpu:.2f} |"
        )


# What both wrote about a record, in one spelling: certcensus, then the peer. Names and lists are spelled too
# differently to compare; the peer keeps the octet that pads a serial number's sign.
COLUMNS = [
    ("lower(client)", "lower(client)"),
    ("store_name", "store"),
    ("thumbprint", "sha1"),
    ("sha256", "sha256"),
    ("serial", r"regexp_replace(serial, '^00([89a-f])', '\1')"),
    ("epoch(not_before)::bigint", "not_before"),
    ("epoch(not_after)::bigint", "not_after"),
    ("upper(key_algorithm)", "key_alg"),
    ("key_size_bits", "key_bits"),
    ("template_name", "if(template similar to '[0-9.]+', null, template)"),
    ("template_oid", "if(template similar to '[0-9.]+', template, null)"),
    ("provider_name", "provider"),
    ("provider_type", "provider_type"),
    ("key_container", "key_container"),
    ("key_api", "class"),
]


def agree(options):
    """Ends the run where the two outputs differ."""
    try:
        import duckdb
    except ImportError:
        print("agreement: skipped, this Python has no DuckDB")
        return
    ours = f"'{options.report}/observations/*.parquet'"
    theirs = f"'{options.naive}'"
    our_columns, their_columns = (", ".join(side) for side in zip(*COLUMNS))
    same = f"""
        with ours as (select {our_columns} from {ours}), theirs as (select {their_columns} from {theirs})
        select (select count(*) from ours), (select count(*) from theirs),
               (select count(*) from (from ours except all from theirs)),
               (select count(*) from (from theirs except all from ours))"""
    rows, peer_rows, only_ours, only_theirs = duckdb.sql(same).fetchall()[0]
    print(f"agreement: {rows:,} and {peer_rows:,} rows; in {len(COLUMNS)} columns, {only_ours:,} rows are only here and "
          f"{only_theirs:,} only there")
    by_provider = f"select provider_name, count(*) n from {ours} group by all order by n desc, 1"
    peer_by_provider = f"select provider, count(*) n from {theirs} group by all order by n desc, 1"
    counts = duckdb.sql(by_provider).fetchall()
    if counts != duckdb.sql(peer_by_provider).fetchall() or only_ours or only_theirs:
        sys.exit("the outputs differ")
    print(f"agreement: equal counts of {len(counts)} providers")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    timing = commands.add_parser("run")
    timing.add_argument("--rounds", type=int, default=5)
    timing.add_argument("--input", required=True)
    timing.add_argument("--peer", nargs=3, action="append", required=True, metavar=("NAME", "COMMAND", "OUTPUT"))
    timing.set_defaults(do=run)
    check = commands.add_parser("agree")
    check.add_argument("naive")
    check.add_argument("report")
    check.set_defaults(do=agree)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
