"""Races certcensus against the peers and against itself, and prints the result as Markdown. Called by run.sh.

Rounds are interleaved (A B C, A B C, ...) after one warm-up each, because machines drift: a ratio is taken inside a
round, and the median of the ratios is what counts. Times are of the whole process, start to exit. Where others use the
machine too, processor time says more than the clock does.

This process stays small and imports no engine: a child's peak memory is never less than what its parent had when it
started the child.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import agree
import limit

HERE = Path(__file__).parent
CLIENTS = {"distinct": 4_000, "fleet": 20_000}
# Floor and goal of certcensus' speed over each peer's.
WANTED = {
    "distinct": {"python": (10, 12), "go": (4, 5), "naive": (2.3, 3)},
    "fleet": {"python": (10, 11), "go": (5.5, 6), "naive": (6.5, 7), "duckdb": (0.65, 1)},
}
TITLES = {
    "python": "Python: cryptography, pyarrow, a dict of parsed certificates",
    "go": "Go: crypto/x509, CSV",
    "naive": "naive Rust: serde_json, base64, x509-parser, ArrowWriter zstd-3, remembers nothing",
    "duckdb": "DuckDB: only reads and counts by provider",
}
SLOW = ("python", "go")
# What recognising repeated certificates may cost where none repeats, as a part of the time.
REMEMBERING = 0.05
# Memory that certcensus may use in bytes: in all, and beyond that for each distinct certificate and each client.
MEMORY, PER_CERTIFICATE, PER_CLIENT = 192 << 20, 96, 1024


class Runner:
    """One program with its arguments, and what its runs took."""

    def __init__(self, name, command, output, rounds=None):
        self.name, self.command, self.output, self.rounds = name, [str(part) for part in command], output, rounds
        self.walls, self.cpus, self.peaks = [], [], []

    def once(self):
        """Runs into a fresh output: wall seconds, processor seconds, peak MiB of the largest process."""
        remove(self.output)
        start = time.perf_counter()
        child = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"exit code {child.returncode}: {' '.join(self.command)}")
        # ru_maxrss is in KiB on Linux and in bytes on macOS.
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit

    def wall(self):
        return statistics.median(self.walls)

    def ratios(self, base):
        """Wall time of each round over that of the base in the same round."""
        return [mine / other for mine, other in zip(self.walls, base.walls)]

    def cpu_ratio(self, base):
        return statistics.median(mine / other for mine, other in zip(self.cpus, base.cpus))


def race(runners, rounds, between):
    for runner in runners:
        runner.once()
    for number in range(rounds):
        between()
        for runner in runners:
            if number < (runner.rounds or rounds):
                for series, value in zip((runner.walls, runner.cpus, runner.peaks), runner.once()):
                    series.append(value)


def pin():
    """Keeps this process on one processor, where that can be done."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def digests(report):
    """SHA-256 of every table file of a report, by its place."""
    found = {}
    for path in report.rglob("*.parquet"):
        with path.open("rb") as file:
            found[str(path.relative_to(report))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def spread(ratios):
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def met(value, floor, goal=None):
    if goal is not None and value >= goal:
        return "goal"
    return "floor" if value >= floor else "**no**"


def yes(good):
    return "yes" if good else "**no**"


def say(*lines):
    print(*lines, sep="\n", flush=True)


class Bench:
    def __init__(self, options, environment):
        self.options, self.work = options, options.work
        self.rounds = int(environment.get("ROUNDS", 5))
        self.peer_rounds = min(self.rounds, int(environment.get("PEER_ROUNDS", 3)))
        self.threads = int(environment.get("THREADS", 2))
        self.corpora = environment.get("CORPORA", "distinct fleet").split()
        self.peers = environment.get("PEERS", "python go naive duckdb").split()
        self.itself = environment.get("ITSELF", "yes") != "no"
        self.clients = {name: int(environment.get(f"{name.upper()}_CLIENTS", usual)) for name, usual in CLIENTS.items()}
        for chosen, known in ((self.corpora, CLIENTS), (self.peers, TITLES)):
            if unknown := set(chosen) - set(known):
                sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        self.commands = {}

    def scan(self, name, corpus, *more, threads=None, report=None):
        """certcensus with all its tables, whatever more it is told."""
        report = self.work / (report or f"report-{name}")
        threads = threads or self.threads
        command = [self.options.certcensus, "scan", corpus, "-o", report, "-j", threads, "-q", *more]
        return Runner(name, command, report)

    def synth(self, preset, clients, name, *more):
        folder = self.work / name
        command = [self.options.certcensus, "synth", "--preset", preset, "--clients", str(clients), "-o", folder, *more]
        self.note(command)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return folder

    def summary(self, corpus):
        """What certcensus itself says of a scan."""
        command = [*self.scan("summary", corpus).command, "--json"]
        remove(self.work / "report-summary")
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        remove(self.work / "report-summary")
        return found

    def note(self, command):
        """Keeps a command for the list at the end, with places of this machine left out."""
        named = {"naive": self.options.naive, "itself": self.options.itself, "census": self.options.go}
        names = {str(path): name for name, path in named.items()} | {sys.executable: "python"}
        words = [names.get(str(word), str(word)).replace(str(self.work), "WORK") for word in command]
        self.commands[" ".join(Path(word).name if os.path.isabs(word) else word for word in words)] = None

    def run_all(self, runners, between=lambda: None, rounds=None):
        for runner in runners:
            self.note(runner.command)
        before = load()
        race(runners, rounds or self.rounds, between)
        return f"Load before {before}, after {load()}."

    def peer(self, name, corpus, preset):
        threads, python = str(self.threads), sys.executable
        rounds = self.peer_rounds if name in SLOW else None
        command, output = {
            "python": ([python, HERE / "census.py", corpus, "OUT", "--processes", threads], "python"),
            # A map of parsed certificates costs more than it gives where nothing repeats.
            "go": ([self.options.go, *["-map"][: preset == "fleet"], "-threads", threads, corpus, "OUT"], "go.csv"),
            "naive": ([self.options.naive, corpus, "OUT", threads], "naive.parquet"),
            "duckdb": ([python, HERE / "providers.py", corpus, "OUT", "--threads", threads], "duckdb.csv"),
        }[name]
        output = self.work / output
        return Runner(name, [output if part == "OUT" else part for part in command], output, rounds)

    def against_peers(self, preset, corpus, found):
        ours = self.scan("certcensus", corpus)
        peers = [self.peer(name, corpus, preset) for name in WANTED[preset] if name in self.peers]
        if not peers:
            return
        loads = self.run_all([ours, *peers])
        records, total = found["observations"], found["bytes"]
        say(
            f"\n## {preset}: {found['clients']:,} clients, {records:,} certificate records, "
            f"{found['certificates']:,} distinct, {total / 1e9:.2f} GB\n",
            "| | wall s | records/s | MB/s | peak MiB | certcensus is faster by (range) | by processor time "
            "| floor | goal | met |",
            "|---|---|---|---|---|---|---|---|---|---|",
        )
        for runner in [ours, *peers]:
            wall = runner.wall()
            cells = [f"{wall:.3f}", f"{records / wall:,.0f}", f"{total / wall / 1e6:,.0f}", f"{max(runner.peaks):.0f}"]
            if runner is ours:
                cells += ["1", "1", "", "", ""]
                title = f"certcensus, all tables, {self.threads} threads"
            else:
                floor, goal = WANTED[preset][runner.name]
                ratios = runner.ratios(ours)
                cells += [spread(ratios), f"{runner.cpu_ratio(ours):.2f}", f"{floor}", f"{goal}"]
                cells += [met(statistics.median(ratios), floor, goal)]
                title = TITLES[runner.name] + (", a map of parsed certificates" if "-map" in runner.command else "")
            say(f"| {title} | {' | '.join(cells)} |")
        say(f"\n{loads}\n")
        for runner in peers:
            command = [sys.executable, HERE / "agree.py", ours.output, runner.name, runner.output]
            command += ["--temporary", self.work / "duckdb"]
            say(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
        if any(runner.name in agree.SPELLINGS for runner in peers):
            say(f"\nAll that write columns differ in spelling by: {'; '.join(agree.SHARED)}.")
        for runner in [ours, *peers]:
            remove(runner.output)

    def against_itself(self, preset, corpus, found):
        """Rows of the table that needs no peer."""
        usual = self.scan("usual", corpus)
        one = self.scan("one", corpus, threads=1)
        hashed = self.scan("hashed", corpus, "--hash-sources")
        runners = [usual, one, hashed]
        if preset == "fleet":
            tree = self.synth("fleet", self.clients["fleet"], "tree", "--layout", "tree")
            runners.append(self.scan("tree", tree))
        calibrations = []
        loads = self.run_all(runners, lambda: calibrations.append(self.calibrate()))
        rows = []

        def row(what, value, floor="", good=""):
            rows.append(f"| {preset} | {what} | {value} | {floor} | {good} |")

        costs = self.share(preset, usual, statistics.median(calibrations), row)
        scaling = one.ratios(usual)
        good = statistics.median(scaling) >= 1.8
        asked = self.threads == 2
        verdict = yes(good) if asked else "stated"
        row(f"1 to {self.threads} threads, times faster", spread(scaling), "1.8" if asked else "", verdict)
        if preset == "fleet":
            single = runners[-1].ratios(usual)
            good = statistics.median(single) <= 1.10
            what = f"{self.clients['fleet']:,} files, one a client, against shards, times the time"
            row(what, spread(single), "at most 1.10", yes(good))
        row("`--hash-sources`, times the time", spread(hashed.ratios(usual)), "stated", "stated")
        if preset == "distinct":
            self.remembering(corpus, row)
            each = sum(size(usual.output / table) for table in ("observations", "certificates")) / found["certificates"]
            row("bytes a distinct certificate in both tables", f"{each:.1f}", "at most 380", yes(each <= 380))
        else:
            each = size(usual.output / "observations") / found["observations"]
            row("`observations`, bytes a row", f"{each:.1f}", "at most 35", yes(each <= 35))
        if preset == "fleet":
            remove(tree)
        rows += self.memory(preset, found, max(usual.peaks))
        rows += self.determinism(preset, corpus, digests(usual.output))
        for runner in runners:
            remove(runner.output)
        return rows, loads, costs

    def calibrate(self):
        """Nanoseconds of the stage that was measured where the costs of the limit come from, by processor time: a
        clock would count the load of others and raise the limit by it."""
        command = [self.options.itself, "calibrate"]
        self.note(command)
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pin)
        _, messages = child.stdout.read().split()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"exit code {child.returncode}: {command[0]} calibrate")
        return (used.ru_utime + used.ru_stime) * 1e9 / int(messages)

    def share(self, preset, usual, calibration, row):
        """Adds the rows of the limit; returns a column of the table of its stages."""
        command = [sys.executable, HERE / "limit.py", usual.output]
        needed = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        costs = limit.stages(preset, needed, size(usual.output))
        scale, floor = calibration / limit.CALIBRATION, limit.FLOOR[preset]
        records = needed["records"]
        ours = usual.wall() * self.threads * 1e9 / records
        busy = statistics.median(usual.cpus) * 1e9 / records
        total = sum(costs.values())
        for what, there in (
            ("share of its own limit", total),
            ("the same with Parquet not scaled by bytes", limit.strict(preset, costs)),
        ):
            least = there * scale
            of = f"{least:,.0f} of {ours:,.0f} ns a record and core"
            value = f"{least / ours:.2f} ({of}; {least / busy:.2f} by processor time)"
            row(what, value, f"{floor}", yes(least / ours >= floor))
        return {**costs, "sum": total, f"sum scaled to this machine, by {scale:.3f}": total * scale}

    def remembering(self, corpus, row):
        """With and without recognising certificates by their text, in one process."""
        output = self.work / "report-itself"
        command = [str(part) for part in (self.options.itself, "remember", corpus, output, self.rounds, self.threads)]
        self.note(command)
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rounds = [tuple(map(float, line.split())) for line in said.splitlines()]
        ratios = [with_it / without for with_it, without in rounds]
        good = statistics.median(ratios) <= 1 + REMEMBERING
        what = "recognising repeated certificates where none repeats, times the time"
        row(what, spread(ratios), f"at most {1 + REMEMBERING}", yes(good))
        remove(output)

    def memory(self, preset, found, peak):
        def allowance(summary):
            return summary["certificates"] * PER_CERTIFICATE + summary["clients"] * PER_CLIENT

        mib = 1 << 20
        bound = (MEMORY + allowance(found)) / mib
        rows = [f"| {preset} | peak MiB | {peak:.0f} | at most {bound:.0f} | {yes(peak <= bound)} |"]
        if preset == "fleet":
            # Fourfold from here, not up to here: a smaller fleet leaves tables of fixed size half empty.
            large = self.synth("fleet", 4 * self.clients["fleet"], "fourfold")
            fourfold = self.scan("fourfold", large)
            self.run_all([fourfold], rounds=3)
            grown, after = self.summary(large), max(fourfold.peaks)
            more = (allowance(grown) - allowance(found)) / mib
            bound = peak * 1.05 + more
            rows.append(
                f"| {preset} | peak MiB from {found['clients']:,} to {grown['clients']:,} clients "
                f"| {peak:.0f} to {after:.0f} | at most {bound:.0f}: 5 % and {more:.0f} for what is distinct "
                f"| {yes(after <= bound)} |"
            )
            remove(large)
            remove(fourfold.output)
        return rows

    def determinism(self, preset, corpus, expected):
        same = True
        for threads in (1, 2, 3):
            runner = self.scan("same", corpus, threads=threads)
            runner.once()
            same &= digests(runner.output) == expected
            remove(runner.output)
        said = f"{len(expected)} files, SHA-256 of each"
        return [f"| {preset} | the same tables with 1, 2 and 3 threads | {said} | always | {yes(same)} |"]

    def run(self):
        say("# certcensus, its peers and itself\n", *self.about())
        rows, loads, limits = [], [], {}
        for preset in self.corpora:
            corpus = self.synth(preset, self.clients[preset], preset)
            found = self.summary(corpus)
            self.against_peers(preset, corpus, found)
            if self.itself:
                more, load_of, limits[preset] = self.against_itself(preset, corpus, found)
                rows += more
                loads.append(f"{preset}: {load_of}")
            remove(corpus)
        if rows:
            say("\n## certcensus against itself\n", "| corpus | what | measured | floor | met |")
            say("|---|---|---|---|---|", *rows, "", *loads)
        for preset, costs in limits.items():
            say(f"\n## The limit of {preset}\n", "| stage, at the best cost known | ns a record |", "|---|---|")
            say(*(f"| {stage} | {cost:,.0f} |" for stage, cost in costs.items()))
        say("\n## Commands\n", *(f"    {command}" for command in self.commands))

    def about(self):
        def output(*command):
            try:
                return subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE).stdout.strip()
            except (OSError, subprocess.CalledProcessError):
                return "unknown"

        packages = ", ".join(f"{name} {version(name)}" for name in ("cryptography", "pyarrow", "duckdb"))
        peer_rounds = f", {self.peer_rounds} for Python and Go" if self.peer_rounds != self.rounds else ""
        given = [name for name in ("CERTCENSUS", "NAIVE", "ITSELF_PROGRAM") if os.environ.get(name)]
        small = [name for name in self.corpora if self.clients[name] < CLIENTS[name]]
        return [
            f"- machine: {machine()}",
            f"- commit: {output('git', 'describe', '--always', '--dirty')}",
            f"- versions: {output(self.options.certcensus, '--version')}, {output('rustc', '--version')} with the release "
            f"profile, Go {self.options.go_version.removeprefix('go')}, Python {platform.python_version()}, {packages}",
            f"- {self.rounds} interleaved rounds{peer_rounds}, one warm-up; medians; ratios within a round; "
            "peak memory is the largest of all rounds, and of the largest process",
            *([f"- given and not built here, so perhaps of another commit: {', '.join(given)}"] if given else []),
            *([f"- smaller than the benchmark, no rate counts: {', '.join(small)}"] if small else []),
        ]


def machine():
    model = platform.processor() or platform.machine()
    memory = ""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        kib = int(Path("/proc/meminfo").read_text().split(None, 2)[1])
        memory = f", {kib / (1 << 20):.0f} GiB"
    except (OSError, ValueError):
        # Not Linux: the kind of processor is said all the same.
        pass
    return f"{os.cpu_count()} cores, {model}{memory}, {platform.system()} {platform.release()}"


def load():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--certcensus", "--naive", "--itself", "--go", "--work"):
        parser.add_argument(name, type=lambda text: Path(text).absolute(), required=True)
    parser.add_argument("--go-version", required=True)
    Bench(parser.parse_args(), os.environ).run()


if __name__ == "__main__":
    main()
