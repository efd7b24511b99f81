"""The job in Python: cryptography reads the certificates, pyarrow writes Parquet, two processes share the files.

    census.py INPUT_DIR OUTPUT_DIR [--processes 2]

Reads every *.ndjson file below a folder and writes one Parquet file for each, with one row of 21 columns for each
certificate record. Each process keeps a dict of the certificates that it has parsed. It stops at the first line that
it cannot read: it is a yardstick, not a scanner.
"""

import argparse
import base64
import hashlib
import multiprocessing
import time
from functools import lru_cache, partial
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

# Rows of a batch; a file of any size is written in row groups of so many rows.
BATCH = 16_384
# Certificates that a process remembers before it forgets all of them: some 100 MiB.
KNOWN = 20_000

TIME = pa.timestamp("s", tz="UTC")
SCHEMA = pa.schema(
    [
        ("client", pa.string()),
        ("location", pa.string()),
        ("store", pa.string()),
        ("has_private_key", pa.bool_()),
        ("provider", pa.string()),
        ("provider_type", pa.int64()),
        ("key_container", pa.string()),
        ("class", pa.string()),
        ("sha1", pa.string()),
        ("sha256", pa.string()),
        ("serial", pa.string()),
        ("subject", pa.string()),
        ("issuer", pa.string()),
        ("not_before", TIME),
        ("not_after", TIME),
        ("key_alg", pa.string()),
        ("key_bits", pa.int64()),
        ("sig_alg", pa.string()),
        ("san", pa.string()),
        ("eku", pa.string()),
        ("template", pa.string()),
    ]
)

TEMPLATE_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2")

# The certificates of this process, by their base64 text.
known = {}


def certificate_columns(text):
    """The 13 columns that a certificate decides, from its base64 text."""
    found = known.get(text)
    if found is None:
        if len(known) >= KNOWN:
            known.clear()
        found = known[text] = parse(base64.b64decode(text))
    return found


def parse(der):
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key_alg, key_bits = "RSA", key.key_size
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key_alg, key_bits = "EC", key.key_size
    else:
        key_alg, key_bits = certificate.public_key_algorithm_oid.dotted_string, None
    extensions = {extension.oid: extension.value for extension in certificate.extensions}
    san = ";".join(map(general_name, extensions.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ())))
    eku = ";".join(usage.dotted_string for usage in extensions.get(ExtensionOID.EXTENDED_KEY_USAGE, ()))
    template = None
    if (value := extensions.get(ExtensionOID.MS_CERTIFICATE_TEMPLATE)) is not None:
        template = value.template_id.dotted_string
    elif (value := extensions.get(TEMPLATE_NAME)) is not None:
        # A bare BMPString of short length.
        template = value.value[2:].decode("utf-16-be")
    serial = f"{certificate.serial_number:x}"
    return (
        hashlib.sha1(der).hexdigest(),
        hashlib.sha256(der).hexdigest(),
        serial if len(serial) % 2 == 0 else "0" + serial,
        certificate.subject.rfc4514_string(),
        issuer_text(certificate.issuer),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        key_alg,
        key_bits,
        certificate.signature_algorithm_oid.dotted_string,
        san,
        eku,
        template,
    )


@lru_cache(maxsize=1024)
def issuer_text(name):
    """Few authorities issue many certificates."""
    return name.rfc4514_string()


def general_name(name):
    if isinstance(name, x509.DNSName):
        return f"dns:{name.value}"
    if isinstance(name, x509.RFC822Name):
        return f"email:{name.value}"
    if isinstance(name, x509.UniformResourceIdentifier):
        return f"uri:{name.value}"
    if isinstance(name, x509.OtherName):
        # The user principal name: a UTF8String of short length.
        return f"{name.type_id.dotted_string}:{name.value[2:].decode(errors='replace')}"
    return str(name.value)


def row(record):
    info = record.get("key_prov_info")
    if info is None:
        key = (False, None, None, None, "none")
    else:
        kind = info["prov_type"]
        key = (True, info["provider"], kind, info["container"], "cng" if kind == 0 else "capi")
    return (
        record["host"],
        record.get("store_location"),
        record.get("store"),
        *key,
        *certificate_columns(record["der"]),
    )


def scan(path, output):
    """Reads one file into one Parquet file; returns its rows."""
    count, rows = 0, []
    target = output / f"{path.stem}.parquet"
    with path.open("rb") as lines, pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:

        def flush():
            columns = zip(*rows) if rows else [()] * len(SCHEMA)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA)]
            writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
            rows.clear()

        for line in lines:
            record = orjson.loads(line)
            if record["type"] != "certificate":
                continue
            rows.append(row(record))
            count += 1
            if len(rows) == BATCH:
                flush()
        flush()
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    start = time.perf_counter()
    options.output.mkdir(parents=True)
    files = sorted(options.input.rglob("*.ndjson"))
    with multiprocessing.Pool(options.processes) as pool:
        rows = sum(pool.imap_unordered(partial(scan, output=options.output), files))
    seconds = time.perf_counter() - start
    print(f"{rows} rows in {seconds:.3f} s with {options.processes} processes: {rows / seconds:.0f} rows/s")


if __name__ == "__main__":
    main()
