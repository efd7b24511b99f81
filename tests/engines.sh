#!/usr/bin/env bash
# Opens reports in DuckDB, Polars and pyarrow, and compares what they see: tests/engines.sh REPORT...
#
# The engines come from PyPI at fixed versions, into a virtual environment below target/: nothing else on the machine
# is touched, and `rm -r target/engines-venv` forgets it.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: tests/engines.sh REPORT..." >&2; exit 2; }

here="$(cd "$(dirname "$0")" && pwd)"
pins="duckdb==2.0.0 polars==2.1.0 pyarrow==26.0.1"
venv="$here/../target/engines-venv"

# The list of versions is written last, so that an interrupted or older installation is made anew.
if [ "$(cat "$venv/pins.txt" 2>/dev/null)" != "$pins" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    # shellcheck disable=SC2086 # one argument a package
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: $pins
    echo "$pins" > "$venv/pins.txt"
fi

for report in "$@"; do
    "$venv/bin/python" "$here/engines.py" "$report"
done
