"""Compares what certcensus and a peer wrote of the same records: all 21 columns of every row, both ways.

    agree.py REPORT PEER OUTPUT --temporary FOLDER

The peers spell some things differently. Each difference is named and undone here; whatever else differs ends the run.
"""

import argparse
import sys

# certcensus' side of each column, where it needs more than the name; `o` are observations, `c` certificates.
OURS = {
    "client": "o.client",
    "location": "o.store_location",
    "store": "o.store_name",
    "has_private_key": "o.provider_name IS NOT NULL",
    "provider": "o.provider_name",
    "provider_type": "o.provider_type",
    "key_container": "o.key_container",
    "class": "o.key_api",
    "sha1": "o.thumbprint",
    "sha256": "o.sha256",
    "serial": "o.serial",
    "subject": "o.subject",
    "issuer": "o.issuer",
    "not_before": "epoch(o.not_before)::BIGINT",
    "not_after": "epoch(o.not_after)::BIGINT",
    "key_alg": "upper(o.key_algorithm)",
    "key_bits": "o.key_size_bits",
    "sig_alg": """coalesce(MAP {
        'sha1_with_rsa': '1.2.840.113549.1.1.5', 'sha256_with_rsa': '1.2.840.113549.1.1.11',
        'sha384_with_rsa': '1.2.840.113549.1.1.12', 'sha512_with_rsa': '1.2.840.113549.1.1.13',
        'ecdsa_with_sha256': '1.2.840.10045.4.3.2', 'ecdsa_with_sha384': '1.2.840.10045.4.3.3',
        'ecdsa_with_sha512': '1.2.840.10045.4.3.4'}[o.signature_algorithm], o.signature_algorithm)""",
    "san": """array_to_string(list_sort(
        list_transform(coalesce(c.san_dns, []), lambda name: 'dns:' || name)
        || list_transform(coalesce(c.san_email, []), lambda name: 'email:' || name)
        || list_transform(coalesce(c.san_uri, []), lambda name: 'uri:' || name)
        || list_transform(coalesce(c.san_upn, []), lambda name: '1.3.6.1.4.1.311.20.2.3:' || name)
        || list_transform(coalesce(c.san_other, []), lambda name: 'other:' || name)), ';')""",
    "eku": "array_to_string(list_sort(o.eku), ';')",
    "template": "coalesce(o.template_oid, o.template_name)",
}

# The peers' side, where all of them need more than the name.
THEIRS = {
    "client": "lower(client)",
    "location": r"lower(regexp_replace(location, '([a-z])([A-Z])', '\1_\2'))",
    "san": "array_to_string(list_sort(string_split(san, ';')), ';')",
    "eku": "array_to_string(list_sort(string_split(eku, ';')), ';')",
}

# What the two tables above undo, for every peer.
SHARED = [
    "clients and store locations in other case",
    "has_private_key, by which the peers mean that a provider is claimed: it is compared with our provider_name",
    "algorithms of keys in upper case and of signatures as OID",
    "lists as one text, whose entries are sorted before they are compared",
    "empty text or null where there is nothing",
]

# x509-parser writes a name in the order of the certificate, without escapes.
FORWARD = r"""regexp_replace(replace(array_to_string(list_reverse(string_split(replace(replace(
    {}, '\,', chr(1)), 'emailAddress=', 'Email='), ',')), ', '), chr(1), ','), '\\(.)', '\1', 'g')"""
EPOCH = {name: f"epoch({name})::BIGINT" for name in ("not_before", "not_after")}
DOTTED = "replace({}, 'emailAddress=', '1.2.840.113549.1.9.1=')"

# For each peer: its table, our columns in its spelling, its columns in ours, and what that is about.
SPELLINGS = {
    "naive": (
        "read_parquet('{}')",
        {name: FORWARD.format(OURS[name]) for name in ("subject", "issuer")},
        {"serial": r"regexp_replace(serial, '^00([89a-f])', '\1')"},
        [
            "names least specific part first, without escapes, with Email for emailAddress",
            "serial numbers with the octet that pads their sign",
        ],
    ),
    "python": (
        "read_parquet('{}/*.parquet')",
        {name: DOTTED.format(OURS[name]) for name in ("subject", "issuer")},
        EPOCH,
        ["the e-mail attribute of names as dotted OID"],
    ),
    "go": (
        "read_csv('{}', header = true, all_varchar = true, quote = '\"', escape = '\"', strict_mode = true)",
        {},
        {name: f"epoch({name}::TIMESTAMPTZ)::BIGINT" for name in ("not_before", "not_after")}
        | {
            "key_alg": "replace(key_alg, 'ECDSA', 'EC')",
            "sig_alg": """coalesce(MAP {
                'SHA1-RSA': '1.2.840.113549.1.1.5', 'SHA256-RSA': '1.2.840.113549.1.1.11',
                'SHA384-RSA': '1.2.840.113549.1.1.12', 'SHA512-RSA': '1.2.840.113549.1.1.13',
                'ECDSA-SHA256': '1.2.840.10045.4.3.2', 'ECDSA-SHA384': '1.2.840.10045.4.3.3',
                'ECDSA-SHA512': '1.2.840.10045.4.3.4'}[sig_alg], sig_alg)""",
        },
        ["elliptic curve keys as ECDSA, signature algorithms by name"],
    ),
}


def same_rows(connection, report, peer, output):
    """Ends the run where a peer's rows differ; returns what to say of the comparison."""
    table, our_spelling, their_spelling, differences = SPELLINGS[peer]
    ours, theirs = OURS | our_spelling, THEIRS | their_spelling
    for view, source, columns in (
        (
            "ours",
            f"read_parquet('{report}/observations/*.parquet') o"
            f" LEFT JOIN read_parquet('{report}/certificates/*.parquet') c ON c.sha256 = o.sha256",
            ours,
        ),
        ("theirs", table.format(output), {name: theirs.get(name, name) for name in OURS}),
    ):
        text = ", ".join(f"coalesce(({sql})::VARCHAR, '') AS {name}" for name, sql in columns.items())
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {text} FROM {source}")
    # A digest stands for a row, or comparing needs as much memory as both tables.
    for view in ("ours", "theirs"):
        row = " || chr(31) || ".join(OURS)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {view}_rows AS SELECT md5_number({row}) AS row FROM {view}")
    counts = """
        SELECT (SELECT count(*) FROM ours_rows), (SELECT count(*) FROM theirs_rows),
               (SELECT count(*) FROM (FROM ours_rows EXCEPT ALL FROM theirs_rows)),
               (SELECT count(*) FROM (FROM theirs_rows EXCEPT ALL FROM ours_rows))"""
    rows, peer_rows, only_ours, only_theirs = connection.execute(counts).fetchone()
    if only_ours or only_theirs or rows == 0:
        counts = f"{rows:,} rows against {peer_rows:,}; {only_ours:,} only ours, {only_theirs:,} only theirs"
        print(f"{peer}: {counts}", file=sys.stderr)
        for name in OURS:
            for here, there in (("ours", "theirs"), ("theirs", "ours")):
                only = f"SELECT {name} FROM {here} EXCEPT ALL SELECT {name} FROM {there}"
                count, example = connection.execute(f"SELECT count(*), min({name}) FROM ({only})").fetchone()
                if count:
                    print(f"  {name}: {count:,} only in {here}, such as {example!r}", file=sys.stderr)
        sys.exit("the outputs differ")
    return f"{rows:,} rows equal in {len(OURS)} columns, both ways. Spelled differently: {'; '.join(differences)}"


def same_counts(connection, report, output):
    """The same for a peer that only counts providers."""
    ours = f"""SELECT provider_name, count(*) AS n FROM read_parquet('{report}/observations/*.parquet')
               GROUP BY ALL ORDER BY n DESC, provider_name"""
    theirs = f"SELECT provider, n FROM read_csv('{output}', header = true) ORDER BY n DESC, provider"
    counts = connection.execute(ours).fetchall()
    if not counts or counts != connection.execute(theirs).fetchall():
        sys.exit("the counts of providers differ")
    return f"equal counts of {sum(name is not None for name, _ in counts)} providers and of certificates without one"


def main():
    # Not above: run.py takes SHARED from here and has to stay small.
    import duckdb

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report")
    parser.add_argument("peer", choices=[*SPELLINGS, "duckdb"])
    parser.add_argument("output")
    parser.add_argument("--temporary", required=True)
    options = parser.parse_args()
    connection = duckdb.connect(config={"memory_limit": "4GB", "temp_directory": options.temporary})
    connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    if options.peer in SPELLINGS:
        said = same_rows(connection, options.report, options.peer, options.output)
    else:
        said = same_counts(connection, options.report, options.output)
    print(f"- {options.peer} agrees: {said}.")


if __name__ == "__main__":
    main()
