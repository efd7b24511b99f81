#!/usr/bin/env python3
"""Makes the binary samples from the certificates in samples/certificate_der, byte for byte the same each time.

The certificates were made once with OpenSSL under made-up names; their private keys were thrown away. Everything
else is built here from the layouts in the specifications: MS-OSHARED 2.3.2.5 (serialized store), MS-GPEF 2.2.1.1.1
(element, key provider info), RFC 5652 (PKCS#7), RFC 7468 (PEM), RFC 9881 (ML-DSA certificates), MS-GPREG 2.2.1
(policy files), regedit's text, census/1.

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
    path.parent.mkdir(parents=True, exist_ok=True)
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


KEY_IDENTIFIER_OF_EC = "A1" * 20
KEY_ELEMENT = (
    key_prov_info("tp-User-key-without-certificate", "Microsoft Platform Crypto Provider", CNG)
    + record(KEY))


def thumbprint(certificate):
    return hashlib.sha1(certificate).hexdigest().upper()


def reg_hex(name, value, kind="hex", width=80, end="\r\n", indent="  "):
    """A value as regedit writes it: bytes in hex, lines of at most `width` columns that end with a backslash."""
    lines, line = [], f'"{name}"={kind}:'
    for at, byte in enumerate(value):
        more = "," if at + 1 < len(value) else ""
        if len(line) + 3 > width - 1:
            lines, line = [*lines, line + "\\"], indent
        line += f"{byte:02x}{more}"
    return end.join([*lines, line]) + end


def reg_key(path, *values):
    return f"[{path}]\r\n" + "".join(values) + "\r\n"


def reg_machine():
    """SOFTWARE of a made-up machine, and one user's hive: the facts of an audit and every tree of stores."""
    software, stores = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft", "SystemCertificates"
    crypto = f"{software}\\Cryptography"
    vault_element = key_prov_info("vault-1", "Example Vault CSP", CAPI_RSA_FULL, MACHINE, 1) + record(CERTIFICATE, ODD)
    expand = wide("%SystemRoot%\\system32\\rsaenh.dll")
    text = "Windows Registry Editor Version 5.00\r\n\r\n" + "".join([
        reg_key(f"{crypto}", '"MachineGuid"="11111111-2222-4333-8444-555555555555"\r\n'),
        reg_key(f"{crypto}\\Calais", '"DisableCapiOverrideForRSA"=dword:00000001\r\n'),
        reg_key(f"{crypto}\\Calais\\SmartCards\\Example Card", reg_hex("ATR", bytes.fromhex("3b020000")),
                '"Crypto Provider"="Microsoft Base Smart Card Crypto Provider"\r\n',
                '"Smart Card Key Storage Provider"="Microsoft Smart Card Key Storage Provider"\r\n'),
        reg_key(f"{crypto}\\Defaults\\Provider\\Microsoft Enhanced RSA and AES Cryptographic Provider",
                reg_hex("Image Path", expand, "hex(2)"), '"SigInFile"=dword:00000000\r\n"Type"=dword:00000018\r\n'),
        reg_key(f"{crypto}\\Defaults\\Provider\\Example Vault CSP",
                '"Image Path"="C:\\\\Program Files\\\\Example\\\\vault.dll"\r\n"Type"=dword:00000001\r\n'),
        reg_key(f"{crypto}\\Services\\NTDS\\{stores}\\My\\Certificates\\{thumbprint(RSA)}",
                reg_hex("Blob", CAPI_ELEMENT)),
        reg_key(f"{software}\\EnterpriseCertificates\\NTAuth\\Certificates\\{thumbprint(CA)}",
                reg_hex("Blob", record(CERTIFICATE, CA))),
        "; The key of the second certificate stands apart from it.\r\n",
        reg_key(f"{software}\\{stores}\\MY\\Certificates\\{thumbprint(ODD)}", reg_hex("Blob", vault_element)),
        reg_key(f"{software}\\{stores}\\MY\\Certificates\\{thumbprint(EC)}",
                reg_hex("Blob", record(KEY_IDENTIFIER, bytes.fromhex(KEY_IDENTIFIER_OF_EC)) + record(CERTIFICATE, EC),
                        "hex(3)")),
        reg_key(f"{software}\\{stores}\\MY\\Keys\\{KEY_IDENTIFIER_OF_EC}", reg_hex("Blob", KEY_ELEMENT)),
        reg_key(f"{software}\\{stores}\\CA\\CRLs\\{'0' * 40}", reg_hex("Blob", record(CRL, der(0x30)))),
        reg_key(f"{software}\\{stores}\\AuthRoot\\AutoUpdate", reg_hex("EncodedCtl", der(0x30))),
        reg_key(f"-{software}\\{stores}\\Root\\Certificates\\{thumbprint(WEAK)}"),
        reg_key(f"{software}\\{stores}\\Root\\Certificates\\{thumbprint(UNENDING)}", '"Blob"=-\r\n'),
        reg_key(f"{software}\\Windows NT\\CurrentVersion",
                '"CurrentBuild"="19045"\r\n"CurrentBuildNumber"="19045"\r\n'
                '"CurrentMajorVersionNumber"=dword:0000000a\r\n"CurrentMinorVersionNumber"=dword:00000000\r\n'
                '"CurrentVersion"="6.3"\r\n"ProductName"="Windows 10 Fabricated"\r\n"UBR"=dword:00001234\r\n'),
        reg_key(f"HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\{stores}\\EFS\\Certificates\\{thumbprint(RSA)}",
                reg_hex("Blob", record(CERTIFICATE, RSA))),
        reg_key(f"HKEY_USERS\\S-1-5-21-1111111111-222222222-333333333-1001\\Software\\Microsoft\\{stores}"
                f"\\Example\\Certificates\\{thumbprint(EC)}", reg_hex("Blob", CNG_ELEMENT))])
    return b"\xff\xfe" + text.encode("utf-16-le")


def reg_samples():
    user = "HKEY_CURRENT_USER\\Software\\Microsoft\\SystemCertificates"
    write("reg_text/machine.reg", reg_machine())
    write("reg_text/regedit4-ansi.reg", ("REGEDIT4\r\n\r\n" + reg_key(
        f"{user}\\Prüfung\\Certificates\\{thumbprint(RSA)}", reg_hex("Blob", CAPI_ELEMENT))).encode("cp1252"))
    # Saved as UTF-8 with other line ends and widths by an editor, a text of several lines in it.
    write("reg_text/rewrapped-utf8.reg", "\n".join([
        "Windows Registry Editor Version 5.00", "", "[HKEY_CURRENT_USER\\Software\\Example]",
        '"Note"="first', "[second]", 'third \\"quoted\\""', "",
        f"[{user}\\Größe\\Certificates\\{thumbprint(EC)}]",
        reg_hex("Blob", CNG_ELEMENT, width=33, end="\n", indent="\t")]))
    key = f"{user}\\Damaged\\Certificates\\"
    damaged = reg_hex("Blob", CNG_ELEMENT)
    write("reg_text/damaged.reg", "Windows Registry Editor Version 5.00\r\n\r\n" + "".join([
        "neither key nor value\r\nnor this\r\n\r\n",
        reg_key(key + "wrong-digit", damaged.replace("00,", "0x,", 1)),
        reg_key(key + "lines-missing", damaged.split("\r\n")[0] + "\r\n"),
        reg_key(key + "of-another-type", reg_hex("Blob", CNG_ELEMENT, "hex(1)")),
        reg_key(key + thumbprint(RSA), damaged),
        reg_key(key + thumbprint(EC), reg_hex("Blob", CNG_ELEMENT[:-1]), '"Other"="no end\r\n'),
        reg_key(key + thumbprint(EC), reg_hex("Blob", CNG_ELEMENT + b"more")),
        reg_key(key + "properties-alone", reg_hex("Blob", record(ARCHIVED))),
        f"[{key}no-end\r\n",
        f"[{key}{thumbprint(EC)}]\r\n" + "\r\n".join(damaged.split("\r\n")[:3]) + "\r\n"]))


def policy_entry(key, name, kind, value):
    numbers = b";\0" + struct.pack("<I", kind) + b";\0" + struct.pack("<I", len(value)) + b";\0"
    return b"[\0" + wide(key) + b";\0" + wide(name) + numbers + value + b"]\0"


def policy_samples():
    stores = "Software\\Policies\\Microsoft\\SystemCertificates"
    trusted = policy_entry(f"{stores}\\Root\\Certificates\\{thumbprint(CA)}", "Blob", 3, record(CERTIFICATE, CA))
    machine = b"PReg\x01\0\0\0" + b"".join([
        policy_entry("Software\\Policies\\Example", "Setting", 4, struct.pack("<I", 1)),
        policy_entry(f"{stores}\\Root\\Certificates", "**DelVals.", 1, wide(" ")),
        trusted,
        policy_entry(f"{stores}\\EFS\\Certificates\\{thumbprint(RSA)}", "Blob", 3, CAPI_ELEMENT),
        policy_entry(f"{stores}\\EFS\\CRLs", "", 0, b""),
        policy_entry(f"{stores}\\EFS\\CTLs\\{'0' * 40}", "Blob", 3, record(CTL, der(0x30)))])
    write("registry_pol/Machine/Registry.pol", machine)
    write("registry_pol/User/Registry.pol", b"PReg\x01\0\0\0" + trusted)
    # An entry that has lost its bracket, a whole one, and one that is cut.
    write("registry_pol/damaged.pol", b"PReg\x01\0\0\0" + b"{" + trusted[1:] + trusted + trusted[:-30])


def store_tree():
    """`My` of a user and of a service, as files."""
    user, below = "element/S-1-5-21-1111111111-222222222-333333333-1001", "Microsoft/SystemCertificates/My"
    write(f"{user}/{below}/Certificates/{thumbprint(RSA)}", CAPI_ELEMENT)
    write(f"{user}/{below}/Keys/{KEY_IDENTIFIER_OF_EC}", KEY_ELEMENT)
    write(f"element/ServiceProfiles/LocalService/AppData/Roaming/{below}/Certificates/{thumbprint(EC)}", CNG_ELEMENT)


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


def main():
    write("empty/nothing.cer", b"")
    write("empty/blank-lines.txt", b"\xff\xfe" + "\r\n\r\n".encode("utf-16-le"))

    write("element/capi-software.bin", CAPI_ELEMENT)
    write("element/cng-software.bin", CNG_ELEMENT)
    # Named as Windows names the files of a user's store; here the SHA-1 of the certificate.
    write(f"element/{hashlib.sha1(EC).hexdigest().upper()}", record(CERTIFICATE, EC))
    write("element/key-only.bin", key_prov_info("tp-User-key-without-certificate", "Microsoft Platform Crypto Provider",
                                                CNG) + record(KEY, bytes(range(20))))

    store_tree()
    reg_samples()
    policy_samples()

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

    write("bare_base64/ec-leaf.b64", base64_lines(EC))
    write("bare_base64/chain-utf16.b64", b"\xff\xfe" + base64_lines(chain, 76, "\r\n").encode("utf-16-le"))


if __name__ == "__main__":
    main()
