#!/usr/bin/env python3
"""Makes the binary samples from the certificates in samples/certificate_der, byte for byte the same each time.

The certificates were made once with OpenSSL under made-up names; their private keys were thrown away. Everything
else is built here from the layouts in the specifications: MS-OSHARED 2.3.2.5 (serialized store), MS-GPEF 2.2.1.1.1
(element, key provider info), RFC 5652 (PKCS#7), RFC 7468 (PEM), RFC 9881 (ML-DSA certificates), census/1.

Run from anywhere: python3 tests/make_samples.py
"""

import base64
import hashlib
import json
import struct
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
CA, RSA, EC, ODD, WEAK, UNENDING = ((SAMPLES / "certificate_der" / name).read_bytes() for name in (
    "ca.cer", "rsa-leaf.cer", "ec-leaf.cer", "odd-negative-serial.cer", "weak-rsa-1024-sha1.cer",
    "no-expiration.cer"))

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


def filler(size):
    """Bytes that stand for a public key or a signature nobody made."""
    return hashlib.shake_128(b"certcensus sample").digest(size)


def post_quantum_certificate():
    """The shape of an ML-DSA-65 certificate (FIPS 204 table 2: key 1952 bytes, signature 3309). Verifies nothing."""
    algorithm = der(0x30, bytes.fromhex("0609608648016503040312"))
    common_name = der(0x0C, b"pq.example.test")
    name = der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403"), common_name)))
    validity = der(0x30, der(0x17, b"260101000000Z"), der(0x17, b"360101000000Z"))
    key = der(0x30, algorithm, der(0x03, b"\0" + filler(1952)))
    body = der(0x30, der(0xA0, b"\x02\x01\x02"), b"\x02\x02\x65\x65", algorithm, name, validity, name, key)
    return der(0x30, body, algorithm, der(0x03, b"\0" + filler(3309)))


def census(host, providers, certificates, serial):
    """One collection in census/1: `providers` and `certificates` are the fields that matter, the rest is null."""
    run = f"5d0c2b54-0b8e-4f6e-9a3c-{serial:012d}"
    told = [("client", {
        "fqdn": f"{host.lower()}.example.test", "domain": "example.test", "machine_guid": None, "smbios_uuid": None,
        "collected_utc": "2026-05-04T03:02:01Z", "collector": "grove-collect", "collector_version": "1.4.0",
        "os_version": "10.0.26100.2033", "arch": "AMD64", "elevated": True, "user_sid": None, "tpm_present": True,
        "tpm_ready": True, "tpm_spec": "2.0", "vbs_running": True, "cm_client_version": None, "cm_client_id": None,
        "cm_site_code": None, "cm_roles": [], "calais_disable_capi_override": None, "ubr": None})]
    told += [("provider", {"name": name, "api": api, "prov_type": kind, "impl_flags": flags,
                           "impl_api": "ncrypt" if api == "cng" else "capi", "impl_status": None, "image": None})
             for name, api, kind, flags in providers]
    for store, certificate, key, acquire in certificates:
        told.append(("certificate", {
            "store_location": "LocalMachine", "store": store, "sid": None,
            "sha1": hashlib.sha1(certificate).hexdigest(), "sha256": hashlib.sha256(certificate).hexdigest(),
            "der": base64.b64encode(certificate).decode(), "archived": False, "friendly_name_display": None,
            "request_originator": None,
            "key_prov_info": key and dict(zip(("container", "provider", "prov_type", "flags", "key_spec"), key)),
            "ncrypt_key_handle": False,
            "acquire": acquire and dict(zip(("hresult", "key_spec", "unique_name", "impl_flags", "impl_api",
                                             "export_policy", "virtual_iso"), acquire)),
            "enrolled_template": None}))
    kinds = [kind for kind, _ in told]
    told.append(("end", {"counts": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}, "duration_ms": 5}))
    common = {"schema": "census/1", "run": run, "host": host}
    return "".join(json.dumps({**common, "type": kind, "seq": seq, **fields}, separators=(",", ":")) + "\n"
                   for seq, (kind, fields) in enumerate(told))


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


def verdicts(post_quantum):
    """A client whose keys contradict themselves, are weak, strange, or in two stores; and one with a third provider."""
    ksp, csp = "Microsoft Software Key Storage Provider", "Microsoft Enhanced RSA and AES Cryptographic Provider"
    vault, opened, ncrypt = "Example Vault", "00000000", 0xFFFFFFFF
    machine_keys = "C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys\\"
    registered = [(ksp, "cng", None, 2), (csp, "capi", 24, 2), (vault, "cng", None, 1)]
    elm = census("SRV-ELM", registered, [
        # Weak and in use: CryptoAPI by type, handle, flags and path alike.
        ("My", WEAK, ("printer", csp, CAPI_RSA_AES, MACHINE, 1),
         (opened, 1, machine_keys + "00000000000000000000000000000001_elm", 2, "capi", 1, None)),
        # The property says CNG, the handle is one of CryptoAPI: the property wins, and the conflict is shown.
        ("My", RSA, ("web-1", ksp, CNG, MACHINE, 0), (opened, 1, None, 2, "ncrypt", 0, None)),
        # The same key in a second store.
        ("WebHosting", RSA, ("web-1", ksp, CNG, MACHINE, 0), (opened, 1, None, 2, "ncrypt", 0, None)),
        # A software provider whose key calls itself hardware: the provider's documented class wins.
        ("My", EC, ("web-2", ksp, CNG, MACHINE, 0), (opened, ncrypt, None, 1, "ncrypt", 0, None)),
        # A type that contradicts the provider's name and the client's registry.
        ("My", ODD, ("odd", ksp, CAPI_RSA_FULL, MACHINE, 1), None),
        # Nobody knows this provider; its own flag says hardware.
        ("My", UNENDING, ("device", vault, CNG, MACHINE, 0), (opened, ncrypt, None, 1, "ncrypt", 0, None)),
        # A post-quantum key in software.
        ("My", post_quantum, ("pq", ksp, CNG, MACHINE, 0), (opened, ncrypt, None, 2, "ncrypt", 0, None)),
        # Exactly one certificate without a key.
        ("Root", CA, None, None)], 1)
    oak = census("SRV-OAK", [(ksp, "cng", None, 2), (vault, "cng", None, 1)], [
        # Only the provider speaks of hardware, and only of itself: the weakest evidence there is.
        ("My", UNENDING, ("device", vault, CNG, MACHINE, 0), None),
        # Nothing but a provider that nobody registered or catalogued.
        ("My", EC, ("x", "Example Unheard Of", CNG, MACHINE, 0), None),
        # A provider type without a provider: no word on the interface.
        ("My", RSA, ("y", "", CNG, MACHINE, 0), None)], 2)
    return elm + oak


def oid(text):
    first, second, *rest = (int(arc) for arc in text.split("."))
    out = b""
    for arc in [40 * first + second, *rest]:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        out += bytes(reversed(digits))
    return der(0x06, out)


def attribute(name, *values):
    return der(0x30, oid(name), der(0x31, *values))


def bmp(text):
    return der(0x1E, text.encode("utf-16-be"))


def pkcs12(*safes, version=3):
    """A PFX (RFC 7292) without MAC whose safes all lie open."""
    data = lambda content: der(0x30, oid("1.2.840.113549.1.7.1"), der(0xA0, der(0x04, content)))
    return der(0x30, der(0x02, bytes([version])), data(der(0x30, *(data(der(0x30, *bags)) for bags in safes))))


def bag(number, value, *attributes):
    parts = [oid(f"1.2.840.113549.1.12.10.1.{number}"), der(0xA0, value)]
    return der(0x30, *parts, *([der(0x31, *attributes)] if attributes else []))


def certificate_bag(certificate, *attributes):
    return bag(3, der(0x30, oid("1.2.840.113549.1.9.22.1"), der(0xA0, der(0x04, certificate))), *attributes)


def in_pieces(value):
    """BER: the same value with indefinite lengths, every long octet string in pieces."""
    tag, rest = value[0], value[2 + (value[1] & 0x7F if value[1] & 0x80 else 0):]
    if tag == 0x04 and len(rest) > 64:
        pieces = (der(0x04, rest[at:at + 500]) for at in range(0, len(rest), 500))
        return b"\x24\x80" + b"".join(pieces) + bytes(2)
    if not tag & 0x20:
        return value
    inner = b""
    while rest:
        size = rest[1]
        header = 2
        if size & 0x80:
            header += size & 0x7F
            size = int.from_bytes(rest[2:header], "big")
        inner += in_pieces(rest[:header + size])
        rest = rest[header + size:]
    return bytes([tag, 0x80]) + inner + bytes(2)


def pkcs12_samples():
    """What OpenSSL does not write. The encrypted key is filler: nobody can decrypt it, and nothing tries."""
    microsoft, local_key_id, friendly_name = "1.3.6.1.4.1.311.17", "1.2.840.113549.1.9.21", "1.2.840.113549.1.9.20"
    shrouded = der(0x30, der(0x30, oid("1.2.840.113549.1.12.1.3"), der(0x30, der(0x04, filler(8)), b"\x02\x02\x07\xd0")),
                   der(0x04, filler(64)))
    counter = lambda number: attribute(local_key_id, der(0x04, struct.pack("<I", number)))
    name = lambda text: attribute(friendly_name, bmp(text))
    provider = lambda text: attribute(microsoft + ".1", bmp(text))
    windows = pkcs12(
        [bag(2, shrouded, counter(1), name("{3F1E88A2-6C0B-4D57-9E21-84B7A0C5D913}"),
             provider("Microsoft Strong Cryptographic Provider")),
         bag(2, shrouded, counter(2), name("le-Grove-6b0f3c1d-52a8-4e97-b1c4-0d9e8f7a6b52"),
             provider("Microsoft Smart Card Key Storage Provider"), attribute(microsoft + ".2"))],
        [certificate_bag(EC, counter(2), name("\0"), attribute(microsoft + ".3.71", der(0x04, wide("pc-1.example.test")))),
         certificate_bag(RSA, counter(1), name("Grove web server")),
         certificate_bag(CA)])
    write("pkcs12/windows.pfx", windows + bytes(8))
    write("pkcs12/ber-pieces.p12", in_pieces(windows))
    write("pkcs12/truncated.pfx", windows[:-400])
    write("pkcs12/empty.pfx", pkcs12())
    write("pkcs12/odd.pfx", pkcs12(
        [bag(6, der(0x30, certificate_bag(WEAK, name("in a safe in a safe")), bag(6, der(0x30)))),
         bag(4, der(0x30)), bag(5, der(0x30)), bag(99, der(0x30)),
         bag(3, der(0x30, oid("1.2.840.113549.1.9.22.2"), der(0xA0, der(0x16, b"sdsi")))),
         bag(2, der(0x04, b"no key")),
         bag(2, shrouded, attribute(local_key_id, der(0x04, hashlib.sha1(ODD).digest())),
             attribute(friendly_name, der(0x1E, b"\xd8\x00\x00")), provider(""))],
        [b"\x05\x00"]))


def main():
    write("empty/nothing.cer", b"")
    write("empty/blank-lines.txt", b"\xff\xfe" + "\r\n\r\n".encode("utf-16-le"))

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

    post_quantum = post_quantum_certificate()
    write("certificate_der/ml-dsa-65.cer", post_quantum)
    write("census_1/verdicts.ndjson", verdicts(post_quantum))

    pkcs12_samples()

    write("bare_base64/ec-leaf.b64", base64_lines(EC))
    write("bare_base64/chain-utf16.b64", b"\xff\xfe" + base64_lines(chain, 76, "\r\n").encode("utf-16-le"))


if __name__ == "__main__":
    main()
