#!/usr/bin/env python3
"""Opens a report in DuckDB, Polars and pyarrow, and compares what they see with each other and with the contract.

One line a check; exits with 1 if any fails. Run by tests/engines.sh, which brings the engines: engines.py REPORT
"""

import hashlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

QUERIES = Path(__file__).resolve().parent.parent / "samples" / "queries"

# What every engine that we promise reads without a setting.
TYPES = {pa.string(), pa.int32(), pa.int64(), pa.bool_(), pa.timestamp("us", tz="UTC"),
         pa.list_(pa.field("element", pa.string()))}
ENCODINGS = {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY", "BIT_PACKED"}
COMPRESSIONS = {"ZSTD", "SNAPPY", "UNCOMPRESSED"}
BLOOM = ("thumbprint", "sha256", "serial")

# The words of the verdicts, and which storage may go with which answer on hardware.
HARDWARE = {"tpm", "smart_card", "usb_token", "virtual_smart_card", "hsm", "other_hardware"}
GRADES = {"attested", "recorded", "catalogued", "inferred", None}
WORDS = {
    "key_api": {"capi", "cng", "none", "unknown"},
    "key_storage": HARDWARE | {"software", "vbs", "cloud_kms", "none", "unknown"},
    "key_presence": {"opened", "declared", "missing", "none", "unknown"},
    "key_api_grade": GRADES,
    "key_storage_grade": GRADES,
    "hardware_backed": {True, False, None},
    "certificate_basis": {"der", "joined", "printed", "none"},
}

# 9999-12-31T23:59:59Z in microseconds: "no well-defined expiration date" (RFC 5280 4.1.2.5).
UNENDING = 253_402_300_799_000_000
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"

failures = 0


def check(name, wrong, note=""):
    """One line; `wrong` is empty (or false) where all is well, else says what is not."""
    global failures
    failures += bool(wrong)
    told = f": {wrong}" if wrong else f" ({note})" if note else ""
    print(f"{'FAIL' if wrong else 'ok  '} {name}{told}"[:2000])


def differ(**answers):
    """The answers of the engines where they are not all the same."""
    first = next(iter(answers.values()))
    return "" if all(answer == first for answer in answers.values()) else answers


class Table:
    """One table of the report, in each engine."""

    def __init__(self, name, parts):
        self.name = name
        self.parts = parts
        self.glob = f"{name}/*.parquet"
        self.lazy = pl.scan_parquet(self.glob)
        self.dataset = ds.dataset(name, format="parquet")
        self.schema = self.dataset.schema

    def sql(self, select):
        """Rows of a statement on this table, which it calls t. By way of Arrow: Python's own times end early."""
        rows = duckdb.sql(f"WITH t AS (FROM '{self.glob}') {select}").to_arrow_table().to_pylist()
        return [tuple(row.values()) for row in rows]

    def column(self, name, where=None):
        return self.dataset.to_table(columns=[name], filter=where)[name].combine_chunks()


def files(table):
    """The bytes are those of the manifest, and in the plainest Parquet that does the job."""
    wrong = []
    for part in table.parts:
        path = Path(part["file"])
        if path.stat().st_size != part["bytes"] or hashlib.sha256(path.read_bytes()).hexdigest() != part["sha256"]:
            wrong.append(f"{path} differs from its manifest")
        meta = pq.read_metadata(path)
        if meta.format_version != "1.0":
            wrong.append(f"format version {meta.format_version}")
        for group in range(meta.num_row_groups):
            for at in range(meta.num_columns):
                chunk = meta.row_group(group).column(at)
                name = chunk.path_in_schema
                if not set(chunk.encodings) <= ENCODINGS or chunk.compression not in COMPRESSIONS:
                    wrong.append(f"{name}: {chunk.encodings} {chunk.compression}")
                if not (chunk.has_column_index and chunk.has_offset_index):
                    wrong.append(f"{name}: no page statistics")
                if name in BLOOM and chunk.bloom_filter_offset is None:
                    wrong.append(f"{name}: no bloom filter")
        wrong += [f"{column.path}: {column.physical_type} {column.logical_type}" for column in columns(meta)
                  if column.logical_type.type == "TIMESTAMP"
                  and (column.physical_type != "INT64" or "isAdjustedToUTC=true" not in str(column.logical_type)
                       or "microseconds" not in str(column.logical_type))]
    listed = sorted(part["file"] for part in table.parts)
    if listed != sorted(path.as_posix() for path in Path(table.name).iterdir()):
        wrong.append("files and manifest name different parts")
    check(f"{table.name}: files", wrong)


def columns(meta):
    return [meta.schema.column(at) for at in range(len(meta.schema))]


def types(table):
    """Types that everybody reads, with a description at each column and all of them at the file."""
    wrong = [f"{field.name}: {field.type}" for field in table.schema if field.type not in TYPES]
    wrong += [f"{field.name}: no description" for field in table.schema
              if not (field.metadata or {}).get(b"description")]
    for part in table.parts:
        told = pq.read_metadata(part["file"]).metadata
        if set(json.loads(told.get(b"certcensus.columns", b"{}"))) != set(table.schema.names):
            wrong.append(f"{part['file']}: its dictionary names other columns")
    names = duckdb.sql(f"FROM '{table.glob}'").columns
    wrong += [differ(duckdb=names, polars=table.lazy.collect_schema().names(), pyarrow=table.schema.names)]
    check(f"{table.name}: types and descriptions", [w for w in wrong if w], f"{len(names)} columns")


def counts(table):
    expected = sum(part["rows"] for part in table.parts)
    answers = differ(manifest=expected, duckdb=table.sql("SELECT count(*) FROM t")[0][0],
                     polars=table.lazy.select(pl.len()).collect().item(), pyarrow=table.dataset.count_rows())
    check(f"{table.name}: rows", answers, f"{expected}")


def whole(table):
    """Every value of every column decodes in every engine, and comes out the same: nulls are counted."""
    names = table.schema.names
    by_duckdb = table.sql("SELECT " + ", ".join(f'count(*) - count("{name}")' for name in names) + " FROM t")[0]
    by_polars = table.lazy.collect().null_count().row(0)
    by_pyarrow = tuple(column.null_count for column in table.dataset.to_table().columns)
    wrong = differ(duckdb=by_duckdb, polars=by_polars, pyarrow=by_pyarrow)
    check(f"{table.name}: every value decodes, same nulls", wrong)
    texts = [field.name for field in table.schema if field.type == pa.string()]
    empty = table.sql("SELECT " + ", ".join(f"count(*) FILTER (\"{name}\" = '')" for name in texts) + " FROM t")[0]
    check(f"{table.name}: unknown is null, never empty text", [name for name, n in zip(texts, empty) if n])


def verdicts(table):
    for name, words in WORDS.items():
        by_duckdb = dict(table.sql(f"SELECT {name}, count(*) FROM t GROUP BY ALL"))
        by_polars = dict(table.lazy.group_by(name).len().collect().iter_rows())
        by_pyarrow = dict(Counter(table.column(name).to_pylist()))
        wrong = differ(duckdb=by_duckdb, polars=by_polars, pyarrow=by_pyarrow) or set(by_duckdb) - words
        told = ", ".join(f"{word} {count}" for word, count in sorted(by_duckdb.items(), key=lambda entry: -entry[1]))
        check(f"{table.name}: {name}", wrong, told)
    pairs = table.sql("SELECT DISTINCT key_storage, hardware_backed FROM t")
    allowed = {**{word: {True, None} for word in HARDWARE}, "cloud_kms": {True, None}, "software": {False, None},
               "vbs": {False, None}, "none": {None}, "unknown": {None}}
    check(f"{table.name}: hardware_backed fits key_storage", [p for p in pairs if p[1] not in allowed.get(p[0], set())])
    bare = "SELECT count(*) FROM t WHERE {0} NOT IN ('none', 'unknown') AND ({0}_grade IS NULL OR {0}_rule IS NULL)"
    for name in ("key_api", "key_storage"):
        check(f"{table.name}: every {name} has its grade and rule", table.sql(bare.format(name))[0][0])


def look_ups(table, certificates):
    """One certificate by its thumbprint, which is what bloom filters are for."""
    found = certificates.sql("SELECT min(thumbprint) FROM t")[0][0]
    if found is None:
        return check("look-up by thumbprint", "", "no certificates in this report")
    answers = differ(
        duckdb=table.sql(f"SELECT count(*) FROM t WHERE thumbprint = '{found}'")[0][0],
        polars=table.lazy.filter(pl.col("thumbprint") == found).select(pl.len()).collect().item(),
        pyarrow=table.dataset.count_rows(filter=ds.field("thumbprint") == found))
    check("look-up by thumbprint", answers, found)
    probe = "SELECT bloom_filter_excludes FROM parquet_bloom_probe('{0}', 'thumbprint', '{1}')"
    is_excluded = [row[0] for row in duckdb.sql(probe.format(certificates.glob, found)).fetchall()]
    check("bloom filters keep a thumbprint that is there", "" if not all(is_excluded) else f"{found} is excluded")
    strangers = [hashlib.sha1(str(n).encode()).hexdigest() for n in range(32)]
    rows = [row for name in strangers for row in duckdb.sql(probe.format(certificates.glob, name)).fetchall()]
    kept = sum(not excluded for excluded, in rows)
    check("bloom filters exclude strangers", f"{kept} of {len(rows)} kept" if kept > len(rows) // 4 else "")


def lists(certificates):
    lengths = pc.list_value_length(certificates.column("eku"))
    column = certificates.column("eku")
    parents = pc.filter(pc.list_parent_indices(column), pc.equal(pc.list_flatten(column), CLIENT_AUTH))
    check("list columns: elements", differ(
        duckdb=certificates.sql("SELECT coalesce(sum(len(eku)), 0)::BIGINT FROM t")[0][0],
        polars=certificates.lazy.select(pl.col("eku").list.len().sum()).collect().item(),
        pyarrow=pc.sum(lengths).as_py() or 0))
    check("list columns: membership", differ(
        duckdb=certificates.sql(f"SELECT count(*) FROM t WHERE list_contains(eku, '{CLIENT_AUTH}')")[0][0],
        polars=certificates.lazy.filter(pl.col("eku").list.contains(CLIENT_AUTH)).select(pl.len()).collect().item(),
        pyarrow=pc.count_distinct(parents).as_py()))


def times(certificates):
    """Times as numbers and as calendar years, to the last second of 9999."""
    micros = certificates.column("not_after").cast(pa.int64())
    by_pyarrow = sorted(micros.drop_null().to_pylist())
    by_polars = certificates.lazy.select(pl.col("not_after").dt.timestamp("us")).collect().to_series()
    by_polars = by_polars.drop_nulls().to_list()
    by_duckdb = [row[0] for row in certificates.sql("SELECT epoch_us(not_after) FROM t WHERE not_after IS NOT NULL")]
    check("times: microseconds", differ(duckdb=sorted(by_duckdb), polars=sorted(by_polars), pyarrow=by_pyarrow))
    wrong_years = {
        "duckdb": certificates.sql(
            "SELECT count(*) FROM t WHERE year(not_after AT TIME ZONE 'UTC') <> not_after_year")[0][0],
        "polars": certificates.lazy.filter(pl.col("not_after").dt.year() != pl.col("not_after_year"))
        .select(pl.len()).collect().item(),
        "pyarrow": pc.sum(pc.not_equal(pc.year(certificates.column("not_after")),
                                       certificates.column("not_after_year"))).as_py() or 0,
    }
    check("times: years", wrong_years if any(wrong_years.values()) else "")
    if UNENDING not in by_pyarrow:
        return check("times: a certificate without end", "", "none in this report")
    when = certificates.sql(
        f"SELECT DISTINCT strftime(not_after AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S') FROM t "
        f"WHERE epoch_us(not_after) = {UNENDING}")[0][0]
    unending = certificates.lazy.filter(pl.col("not_after").dt.timestamp("us") == UNENDING)
    seen = unending.select(pl.col("not_after").dt.strftime("%Y-%m-%d %H:%M:%S")).collect().row(0)[0]
    last = pc.strftime(pa.scalar(UNENDING, pa.timestamp("us")), "%Y-%m-%d %H:%M:%S").as_py().split(".")[0]
    expected = "9999-12-31 23:59:59"
    wrong = differ(expected=expected, duckdb=when, polars=seen, pyarrow=last)
    return check("times: a certificate without end", wrong, when)


def joins(tables):
    """Rows find what they name, and nothing is there twice."""
    total = "(SELECT coalesce(sum(observations), 0) FROM {0}) - (SELECT count(*) FROM observations)"
    without = "(SELECT count(*) FROM {0} ANTI JOIN {1} USING ({2}))"
    twice = "(SELECT count(*) - count(DISTINCT {1}) FROM {0})"
    parsed = "(FROM observations WHERE certificate_basis IN ('der', 'joined'))"
    wanted_zero = {
        "observations without source": without.format("observations", "sources", "source_id"),
        "rejects without source": without.format("rejects", "sources", "source_id"),
        "parsed observations without certificate": without.format(parsed, "certificates", "sha256"),
        "certificates that nobody observed": without.format("certificates", "observations", "sha256"),
        "certificates told twice": twice.format("certificates", "sha256"),
        "observations told twice": twice.format("observations", "observation_id"),
        "sources that do not add up": "(SELECT count(*) FROM sources WHERE records <> yielded + skipped + rejects)",
        "observations missing in sources": total.format("sources"),
        "observations missing in clients": total.format("clients"),
    }
    for table in tables:
        duckdb.sql(f"CREATE OR REPLACE TEMP VIEW {table.name} AS FROM '{table.glob}'")
    for what, count in wanted_zero.items():
        check(f"no {what}", int(duckdb.sql(f"SELECT {count}").fetchall()[0][0]))
    empty = [table.name for table in tables if not sum(part["rows"] for part in table.parts)]
    check("tables without rows open", "", ", ".join(empty) or "every table of this report has rows")


def queries(tables):
    """The questions of the samples, as they are."""
    answered = 0
    files_of_queries = sorted(QUERIES.glob("*.sql"))
    for path in files_of_queries:
        try:
            rows = duckdb.sql(path.read_text(encoding="utf-8")).to_arrow_table().num_rows
            answered += rows > 0
            check(f"query {path.stem}", "", f"{rows} rows")
        except duckdb.Error as error:
            check(f"query {path.stem}", str(error))
    has_keys = tables["observations"].sql("SELECT count(key_id) FROM t")[0][0] > 0
    few = has_keys and answered * 2 < len(files_of_queries)
    told = f"{answered} of {len(files_of_queries)}"
    check("most queries have an answer", told if few else "", told)


def main(report):
    os.chdir(report)
    duckdb.sql("SET enable_progress_bar = false")
    manifest = json.loads(Path("manifest.json").read_text(encoding="utf-8"))
    print(f"{report}: duckdb {duckdb.__version__}, polars {pl.__version__}, pyarrow {pa.__version__}")
    folders = sorted(path.name for path in Path(".").iterdir() if path.is_dir())
    check("tables are those of the manifest", differ(folders=folders, manifest=sorted(manifest["tables"])))
    tables = {name: Table(name, parts) for name, parts in sorted(manifest["tables"].items())}
    for table in tables.values():
        files(table)
        types(table)
        counts(table)
        whole(table)
    verdicts(tables["observations"])
    look_ups(tables["observations"], tables["certificates"])
    lists(tables["certificates"])
    times(tables["certificates"])
    joins(tables.values())
    queries(tables)
    print(f"{failures} failed" if failures else "all engines agree")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: engines.py REPORT")
    sys.exit(main(sys.argv[1]))
