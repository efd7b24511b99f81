"""What a scan would take if every stage cost no more than the best that was ever measured for it, one after the other.

    limit.py REPORT        counts what the report needed, as JSON

The costs come from throw-away programs on one machine (two cores of an x86-64 server with SHA-NI and AVX-512), one pinned
thread, data in the cache. Another machine is faster or slower: the sum is scaled by a stage that was measured there and
is measured here, too. A machine without AVX-512 cannot reach the cost of hashes.
"""

import json
import sys

# Nanoseconds for one certificate of 1,680 bytes through the sha1 and sha2 crates, there.
CALIBRATION = 1_719

# Nanoseconds a record.
# A megabyte at a time from the page cache; lines of 2.7 KB and of 1.9 KB.
READ = {"distinct": 350, "fleet": 340}
# One pass over the base64 text: its end is looked for, or it is compared with one that is known.
TEXT = 31
# The short fields of a record, by a scan that parses nothing else.
FIELDS = 190

# Nanoseconds a certificate that has to be parsed.
# 2.2 KB of text with AVX-512 VBMI.
BASE64 = 61
# A walk over the DER that finds all fields.
WALK = 124
# Names, alternative names, usages, template and serial number as text: the walk with all text, less the walk.
NAMES = 397
# SHA-1 and SHA-256 of 1,680 bytes, sixteen at a time in AVX-512 lanes: 737 for 27 blocks of 64 bytes.
BLOCK = 737 / 27

# Nanoseconds a record for Parquet with Zstandard level 1, and the bytes a record of those files, which had 21 columns:
# 45.3 MB for 400,000 and 23.7 MB for 1,360,000. A report with more in it costs more.
PARQUET = {"distinct": (820, 45.3e6 / 400_000), "fleet": (197, 23.7e6 / 1_360_000)}

# Least share of the limit that is asked for.
FLOOR = {"distinct": 0.5, "fleet": 0.65}


def blocks(length):
    """Blocks of 64 bytes that either hash takes for a message: nine bytes at least are added."""
    return (length + 9 + 63) // 64


def key_blocks(algorithm, bits):
    """Blocks of a public key: its bits for SHA-1, which are also the greater part of what SHA-256 is made of."""
    if algorithm == "rsa":
        # Modulus and exponent 65537 with their frames.
        return blocks(bits // 8 + 14)
    # An uncompressed point.
    return blocks(2 * (bits // 8) + 1)


def count(report):
    """What the report needed: records, certificates, keys, and blocks to hash."""
    # Not above: run.py takes the rest of this file and has to stay small.
    import duckdb

    certificates = f"read_parquet('{report}/certificates/*.parquet')"
    kinds = duckdb.sql(
        f"SELECT key_algorithm, key_size_bits, count(*), sum((der_bytes + 72) // 64) FROM {certificates} GROUP BY ALL"
    ).fetchall()
    observations = f"read_parquet('{report}/observations/*.parquet')"
    [(rows, keys)] = duckdb.sql(f"SELECT count(*), count(key_id) FROM {observations}").fetchall()
    return {
        "records": rows,
        "keys": keys,
        "certificates": sum(number for _, _, number, _ in kinds),
        "blocks": sum(int(of_all) for *_, of_all in kinds),
        "key_blocks": sum(number * key_blocks(algorithm, bits) for algorithm, bits, number, _ in kinds),
    }


def stages(preset, needed, report_bytes):
    """Nanoseconds a record of every stage, there. The last one is Parquet."""
    records = needed["records"]
    parsed = needed["certificates"] / records
    parquet, usual = PARQUET[preset]
    return {
        "read": READ[preset],
        "end of the text, or comparison": TEXT,
        "short fields": FIELDS,
        "base64": BASE64 * parsed,
        "SHA-1 and SHA-256 of certificates": BLOCK * needed["blocks"] / records,
        "SHA-1 and SHA-256 of public keys": BLOCK * needed["key_blocks"] / records,
        # Two blocks, client and owner and the key's hash; SHA-256 alone is taken for half of both.
        "key identities": BLOCK / 2 * 2 * needed["keys"] / records,
        "walk over the DER": WALK * parsed,
        "names and lists as text": NAMES * parsed,
        f"Parquet, {report_bytes / records:.1f} bytes a record": parquet * report_bytes / records / usual,
    }


def strict(preset, costs):
    """The sum with Parquet as it was measured there, however much more the report says."""
    return sum([*costs.values()][:-1]) + PARQUET[preset][0]


if __name__ == "__main__":
    print(json.dumps(count(sys.argv[1])))
