#!/usr/bin/env python3
"""Makes the binary samples from the certificates in samples/der, byte for byte the same each time.

The certificates were made once with OpenSSL under made-up names; their private keys were thrown away. Everything
else is built here from the layouts in the specifications: MS-OSHARED 2.3.2.5 (serialized store), MS-GPEF 2.2.1.1.1
(element, key provider info), RFC 5652 (PKCS#7), RFC 7468 (PEM).

Run from anywhere: python3 tests/make_samples.py
"""

import base64
import hashlib
import struct
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
CA, RSA, EC, ODD = ((SAMPLES / "certificate_der" / name).read_bytes() for name in (
    "ca.cer", "rsa-leaf.cer", "ec-leaf.cer", "odd-negative-serial.cer"))

KEY_PROV_INFO, SHA1, FRIENDLY_NAME, ARCHIVED, KEY_IDENTIFIER = 2, 3, 11, 19, 20
REQUEST_ORIGINATOR, READER, READER_NON_REMOVABLE, SHA256 = 71, 101, 106, 107
CERTIFICATE, CRL, CTL, KEY = 32, 33, 34, 35
CAPI_RSA_FULL, CAPI_RSA_AES, CNG = 1, 24, 0
MACHINE = 0x20


def record(number, value=b"", encoding=1):
    return struct.pack("<3I", number, encoding, len(value)) + value


def wide(text):
    return (text + "\0").encode("utf-16-le")


def key_prov_info(container, provider, kind, flags=0, key_spec=0, pad=True):
    """Property 2; `pad` rounds each string up to 8 bytes as Windows does."""
    names = [wide(container), wide(provider)]
    if pad:
        names = [name + bytes(-len(name) % 8) for name in names]
    second = 28 + len(names[0])
    return record(KEY_PROV_INFO, struct.pack("<7I", 28, second, kind, flags, 0, 0, key_spec) + b"".join(names))


def store(*elements):
    return b"\0\0\0\0CERT" + b"".join(elements) + bytes(12)


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def certificates_only(*certificates):
    """signedData without content and signers (RFC 5652 section 5)."""
    data, signed = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("06092a864886f70d010702")
    listed = [der(0xA0, *certificates)] if certificates else []
    body = der(0x30, b"\x02\x01\x01", der(0x31), der(0x30, data), *listed, der(0x31))
    return der(0x30, signed, der(0xA0, body))


def base64_lines(value, width=64, end="\n"):
    text = base64.b64encode(value).decode()
    return "".join(text[at:at + width] + end for at in range(0, len(text), width))


def pem(label, value, width=64, end="\n"):
    return f"-----BEGIN {label}-----{end}{base64_lines(value, width, end)}-----END {label}-----{end}"


def write(name, content):
    path = SAMPLES / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


CAPI_ELEMENT = (
    key_prov_info("{0E9D2C6A-5B2F-4D44-9C1A-000000000001}", "Microsoft Enhanced RSA and AES Cryptographic Provider",
                  CAPI_RSA_AES, MACHINE, 1)
    + record(SHA1, hashlib.sha1(RSA).digest())
    + record(FRIENDLY_NAME, wide("Web server (made up)"))
    + record(CERTIFICATE, RSA))
CNG_ELEMENT = (
    key_prov_info("te-Machine-00000000-0000-0000-0000-000000000002", "Microsoft Software Key Storage Provider",
                  CNG, MACHINE)
    + record(SHA256, hashlib.sha256(EC).digest())
    + record(CERTIFICATE, EC))


def main():
    write("element/capi-software.bin", CAPI_ELEMENT)
    write("element/cng-software.bin", CNG_ELEMENT)
    # Named as Windows names the files of a user's store; here the SHA-1 of the certificate.
    write(f"element/{hashlib.sha1(EC).hexdigest().upper()}", record(CERTIFICATE, EC))
    write("element/key-only.bin", key_prov_info("tp-User-key-without-certificate", "Microsoft Platform Crypto Provider",
                                                CNG) + record(KEY, bytes(range(20))))

    write("sst/key-kinds.sst", store(
        CAPI_ELEMENT,
        CNG_ELEMENT,
        key_prov_info("tq-User-00000000-0000-0000-0000-000000000003", "Microsoft Platform Crypto Provider", CNG,
                      pad=False) + record(REQUEST_ORIGINATOR, wide("pc-0001.example.test")) + record(CERTIFICATE, EC),
        key_prov_info("le-User-00000000-0000-0000-0000-000000000004", "Microsoft Base Smart Card Crypto Provider",
                      CAPI_RSA_FULL, 0, 1) + record(READER, wide("Example Reader 0")) + record(CERTIFICATE, RSA),
        record(READER, wide("Example Virtual Reader 0")) + record(READER_NON_REMOVABLE)
        + key_prov_info("00000000-0000-0000-0000-000000000005", "Microsoft Smart Card Key Storage Provider", CNG)
        + record(CERTIFICATE, RSA),
        record(ARCHIVED) + record(KEY_IDENTIFIER, bytes(8)) + record(0x8001, b"\x01\x02") + record(CERTIFICATE, ODD),
        record(CERTIFICATE, CA),
        record(CRL, der(0x30)),
        record(CTL, der(0x30))))
    write("sst/empty.sst", store())
    write("sst/bad-records.sst", store(
        record(FRIENDLY_NAME, wide("encoding 2"), encoding=2) + record(CERTIFICATE, CA),
        record(KEY_PROV_INFO, bytes(27)) + record(SHA1, bytes(19)) + record(CERTIFICATE, CA),
        record(FRIENDLY_NAME, wide("no object"))) + b"trailing")

    chain = certificates_only(RSA, EC, CA)
    write("pkcs7/chain.p7b", chain)
    write("pkcs7/empty.p7b", certificates_only())
    write("pem/chain.p7b", pem("PKCS7", chain))
    write("pem/empty.p7c", pem("PKCS7", certificates_only()))

    parameters = der(0x30, b"\x02\x01\x17", b"\x02\x01\x05")
    write("pem/bundle.pem",
          "Subject: CN=www.example.test\r\n" + pem("CERTIFICATE", RSA, 76, "\r\n")
          + "text between blocks\r\n\r\n" + pem("X509 CERTIFICATE", EC, 10**6, "\r\n")
          + pem("DH PARAMETERS", parameters, 64, "\r\n")
          + pem("CERTIFICATE", CA, 64, "\r\n").rstrip("\r\n") + pem("CERTIFICATE", ODD, 64, "\r\n"))
    write("pem/utf16.cer", b"\xff\xfe" + pem("CERTIFICATE", RSA, 64, "\r\n").encode("utf-16-le"))
    write("pem/certutil-encode-element.txt", pem("CERTIFICATE", CAPI_ELEMENT, 64, "\r\n"))
    write("pem/damaged.pem",
          pem("CERTIFICATE", CA).replace("=", "").replace("M", "*", 1)
          + pem("CERTIFICATE", EC).split("-----END")[0]
          + pem("CERTIFICATE", RSA)
          + "-----END CERTIFICATE-----\n"
          + pem("CERTIFICATE", b"not a certificate")
          + pem("CERTIFICATE", EC).split("-----END")[0])

    write("bare_base64/ec-leaf.b64", base64_lines(EC))
    write("bare_base64/chain-utf16.b64", b"\xff\xfe" + base64_lines(chain, 76, "\r\n").encode("utf-16-le"))


if __name__ == "__main__":
    main()
