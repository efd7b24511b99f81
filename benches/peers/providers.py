"""The yardstick of reading: DuckDB counts certificate records by the provider of their key.

    providers.py INPUT_DIR OUT.csv [--threads 2]

It reads every byte of the corpus and parses no certificate. Only the columns it needs are named, with their types, so
that nothing is guessed from a sample.
"""

import argparse

import duckdb

QUERY = """
    SELECT key_prov_info.provider AS provider, count(*) AS n
    FROM read_json(
        ?,
        format = 'newline_delimited',
        columns = {type: 'VARCHAR', key_prov_info: 'STRUCT(provider VARCHAR)'},
        maximum_object_size = 16777216
    )
    WHERE type = 'certificate'
    GROUP BY ALL
    ORDER BY n DESC, provider"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    connection = duckdb.connect(config={"threads": options.threads, "preserve_insertion_order": False})
    connection.sql(QUERY, params=[f"{options.input}/**/*.ndjson"]).write_csv(options.output)


if __name__ == "__main__":
    main()
