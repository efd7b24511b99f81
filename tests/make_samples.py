#!/usr/bin/env python3
"""Makes the binary samples from the certificates in samples/certificate_der, byte for byte the same each time.

The certificates were made once with OpenSSL under made-up names; their private keys were thrown away. Everything
else is built here from the layouts in the specifications: MS-OSHARED 2.3.2.5 (serialized store), MS-GPEF 2.2.1.1.1
(element, key provider info), RFC 5652 (PKCS#7), RFC 7468 (PEM), RFC 9881 (ML-DSA certificates), MS-GPREG 2.2.1
(policy files), regedit's text, census/1, and "Windows registry file format specification" by M. Suhanov (hives).

Run from anywhere: python3 tests/make_samples.py
"""

import base64
import gzip
import hashlib
import io
import json
import lzma
import struct
import tarfile
import zipfile
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


class Hive:
    """A registry hive of one bin. Keys are dictionaries; a value is `(type, data)`, its name stands before the keys."""

    def __init__(self, tree, lists=None):
        """`lists` says of a key, by its name, how its subkeys are listed (`lf`, `lh`, `li`, `ri`); `lh` if not."""
        self.cells, self.lists, self.places = bytearray(), lists or {}, {}
        self.root = self.key("ROOT", tree, "")

    def cell(self, content):
        at = 32 + len(self.cells)
        size = (4 + len(content) + 7) // 8 * 8
        self.cells += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return at

    def value(self, name, kind, data):
        size, place = len(data), 0xFFFFFFFF
        if 0 < size <= 4:
            size, place = size | 0x80000000, int.from_bytes(data, "little")
        elif size > 16344:
            parts = [self.cell(data[at:at + 16344]) for at in range(0, size, 16344)]
            listed = self.cell(struct.pack(f"<{len(parts)}I", *parts))
            place = self.cell(b"db" + struct.pack("<HI", len(parts), listed))
        elif size:
            place = self.cell(data)
        coded, flag = self.name(name)
        return self.cell(b"vk" + struct.pack("<HIIIHH", len(coded), size, place, kind, flag, 0) + coded)

    @staticmethod
    def name(name):
        try:
            return name.encode("latin-1"), 1
        except UnicodeEncodeError:
            return name.encode("utf-16-le"), 0

    def leaf(self, kind, keys):
        pairs = {"li": "", "lf": "lf", "lh": "lh"}[kind]
        content = kind.encode() + struct.pack("<H", len(keys))
        for name, at in keys:
            content += struct.pack("<I", at)
            if pairs == "lf":
                content += name.encode("latin-1", "replace")[:4].ljust(4, b"\0")
            elif pairs == "lh":
                code = 0
                for unit in name.upper():
                    code = (37 * code + ord(unit)) % 2**32
                content += struct.pack("<I", code)
        return self.cell(content)

    def key(self, name, tree, path):
        values = [(n, v) for n, v in tree.items() if isinstance(v, tuple)]
        below = sorted(((n, t) for n, t in tree.items() if isinstance(t, dict)), key=lambda k: k[0].upper())
        keys = [(n, self.key(n, t, path + "\\" + n if path else n)) for n, t in below]
        listed = [self.value(n, *v) for n, v in values]
        value_list = self.cell(struct.pack(f"<{len(listed)}I", *listed)) if listed else 0xFFFFFFFF
        kind, key_list = self.lists.get(name, "lh"), 0xFFFFFFFF
        if keys and kind == "ri":
            parts = [self.leaf("li", keys[:1]), self.leaf("lh", keys[1:])]
            key_list = self.cell(b"ri" + struct.pack("<H2I", 2, *parts))
        elif keys:
            key_list = self.leaf(kind, keys)
        coded, flag = self.name(name)
        flags = (0x20 if flag else 0) | (0 if path or name != "ROOT" else 0x0C)
        at = self.cell(b"nk" + struct.pack("<HQIIIIIIIIIIIIIIIHH", flags, 0, 0, 0xFFFFFFFF, len(keys), 0, key_list,
                       0xFFFFFFFF, len(listed), value_list, 0xFFFFFFFF, 0xFFFFFFFF, 64, 0, 64, 65536, 0, len(coded),
                       0) + coded)
        for _, child in keys:
            self.put(child + 20, at)
        self.places[path] = (at, key_list, value_list, listed)
        return at

    def put(self, at, value):
        """Overwrites four bytes, as a damage or to complete a cell; `at` is a reference."""
        struct.pack_into("<I", self.cells, at - 32, value % 2**32)

    def file(self, begun=7, ended=7):
        size = (32 + len(self.cells) + 4095) // 4096 * 4096
        free = size - 32 - len(self.cells)
        bin_ = b"hbin" + struct.pack("<IIQQI", 0, size, 0, 0, 0) + self.cells
        bin_ += struct.pack("<i", free).ljust(free, b"\0") if free else b""
        base = b"regf" + struct.pack("<IIQIIIIIII", begun, ended, 0, 1, 5, 0, 1, self.root, size, 1)
        base = base.ljust(508, b"\0")
        check = 0
        for (word,) in struct.iter_unpack("<I", base):
            check ^= word
        return (base + struct.pack("<I", check)).ljust(4096, b"\0") + bin_


SZ, BINARY, DWORD = 1, 3, 4


def text(value):
    return SZ, wide(value)


def number(value):
    return DWORD, struct.pack("<I", value)


def elements(*objects):
    """`Certificates` of a store: one key an element, called by the SHA-1 of its certificate."""
    keys = {}
    for element, certificate in objects:
        keys[hashlib.sha1(certificate).hexdigest().upper()] = {"Blob": (BINARY, element)}
    return {"Certificates": keys, "CRLs": {}, "CTLs": {}}


def plain(certificate):
    """An element with the hash that Windows keeps and no word of a key."""
    return record(SHA1, hashlib.sha1(certificate).digest()) + record(CERTIFICATE, certificate), certificate


def machine_hive():
    """A SOFTWARE hive with every kind of list and name, and keys that are passed by."""
    large = record(0x8002, filler(17000)) + plain(WEAK)[0]
    return Hive({
        "Classes": {"Example.Document": {"": text("passed by")}},
        "Microsoft": {
            "Cryptography": {
                "MachineGuid": text("00000000-0000-4000-8000-0000000000aa"),
                "Calais": {"SmartCards": {"Example Card": {"Crypto Provider": text("Example Card CSP")}}},
                "Defaults": {"Provider": {"Example Card CSP": {
                    "Image Path": text("C:\\Example\\csp.dll"), "Type": number(CAPI_RSA_FULL)}}},
                "Services": {"NTDS": {"SystemCertificates": {"My": elements(plain(UNENDING))}}}},
            "EnterpriseCertificates": {"NTAuth": elements(plain(CA))},
            "SystemCertificates": {
                "AuthRoot": {**elements(), "AutoUpdate": {"Flags": number(1)}},
                "MY": elements((CAPI_ELEMENT, RSA), (CNG_ELEMENT, EC)),
                "Ωμέγα": {**elements((large, WEAK)), "CRLs": {"00": {"Blob": (BINARY, record(CRL, der(0x30)))}}}},
            "Windows NT": {"CurrentVersion": {
                "CurrentBuildNumber": text("26100"), "ProductName": text("Windows Example"), "UBR": number(2033),
                "Fonts": {"Example": text("passed by")}}}},
        "Policies": {"Microsoft": {"SystemCertificates": {"EFS": elements(plain(ODD))}}},
        "WOW6432Node": {"Microsoft": {"Cryptography": {"Defaults": {"Provider": {"Example Card CSP": {
            "Type": number(CAPI_RSA_FULL)}}}}}},
    }, {"Microsoft": "ri", "Cryptography": "li", "SystemCertificates": "lf"})


def user_hive(*objects):
    return Hive({"Software": {"Microsoft": {"SystemCertificates": {"My": elements(*objects)}}}})


def damaged_hive():
    """Eight stores with one element each and one damage each; those of F and H can be read."""
    store = {f"Damage {letter}": elements(plain(CA)) for letter in "ABCDEFGH"}
    hive = Hive({"Microsoft": {"SystemCertificates": store}, "Policies": {}})
    tree = "Microsoft\\SystemCertificates\\Damage "
    ca = "\\Certificates\\" + hashlib.sha1(CA).hexdigest().upper()
    at = lambda letter, below="": hive.places[tree + letter + below]
    hive.put(at("A", ca)[3][0], 0x30)                    # the value's cell is free
    hive.put(at("B", ca)[3][0] + 4 + 8, 0x7FFFFFF0)      # its data stands outside
    hive.put(at("C", ca)[3][0] + 4 + 4, 20 << 20)        # its data is too long
    hive.put(at("D", ca)[3][0] + 4 + 4, 4000)            # its data does not fit its cell
    hive.put(at("E", "\\Certificates")[1] + 8, at("E")[0])   # a key below itself
    hive.put(at("F")[0] + 4 + 20, 9)                     # more subkeys than listed
    hive.put(at("G")[1] + 4, int.from_bytes(b"xx\x03\0", "little"))     # no list
    hive.put(hive.places["Policies"][0] + 4, 0)          # no key
    return hive


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
    # A certificate without a word on its key, which stands apart, under the identifier that the certificate has.
    own = "E9F9D8F3C289C0E6328323AE42E65515AAF02E11"
    assert bytes.fromhex(own) in EC
    write(f"{user}/{below}/Certificates/{thumbprint(EC)}", record(CERTIFICATE, EC))
    write(f"{user}/{below}/Certificates/{thumbprint(CA)}", record(CERTIFICATE, CA))
    write(f"{user}/{below}/Keys/{own}", KEY_ELEMENT)
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


def flat_lines(*clients):
    """Flat NDJSON: one software key in CryptoAPI a client."""
    return "".join(json.dumps({"ComputerName": name, "Thumbprint": hashlib.sha1(RSA).hexdigest(), "Store": "My",
                               "ProviderName": "Microsoft Enhanced RSA and AES Cryptographic Provider"}) + "\n"
                   for name in clients)


def zip_archive(*members):
    """Members as (name, bytes, method, changes); changes are attributes of zipfile.ZipInfo."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, method, changes in members:
            info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            info.filename = name
            info.compress_type = method
            info.create_system = 0
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return out.getvalue()


def encrypted(archive, name):
    """The same archive, whose entry of this name says that it is encrypted (general purpose bit 0)."""
    archive, name = bytearray(archive), name.encode()
    for magic, flags, start in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = archive.find(magic)
        while archive[at + start:at + start + len(name)] != name:
            at = archive.index(magic, at + 1)
        archive[at + flags] |= 1
    return bytes(archive)


def tar_archive(format, *members):
    """Members as (name, bytes or None, changes); changes are attributes of tarfile.TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, content, changes in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


def gzipped(content):
    return gzip.compress(content, 9, mtime=0)


def zstd_stored(content):
    """One Zstandard frame whose one block is stored (RFC 8878 3.1.1), for contents of 256 to 65,791 bytes."""
    return (b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(content) - 256)
            + struct.pack("<I", len(content) << 3 | 1)[:3] + content)


def archives(chain):
    stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
    lines = flat_lines("PC-0001", "PC-0002", "PC-0003").encode()
    deep = tar_archive(tarfile.USTAR_FORMAT, ("deep/", None, {"type": tarfile.DIRTYPE}),
                       ("deep/chain.p7b.gz", gzipped(chain), {}))
    inner = zip_archive(("inner.tar", deep, deflated, {}))
    write("zip/collection.zip", encrypted(zip_archive(
        ("PC-0001/", b"", stored, {}),
        ("PC-0001/My/capi-software.bin", CAPI_ELEMENT, deflated, {}),
        ("PC-0001/My/capi-software.bin", CNG_ELEMENT, deflated, {}),
        ("lines.ndjson", lines, deflated, {}),
        ("inner.zip", inner, stored, {}),
        ("locked.cer", EC, deflated, {}),
        ("bzip2.cer", EC, zipfile.ZIP_BZIP2, {}),
        ("notes.txt", b"nothing that is known\n", stored, {}),
        ("link.cer", b"PC-0001/ec.cer", stored, {"create_system": 3, "external_attr": 0o120777 << 16}),
        ("empty.cer", b"", stored, {}),
        ("../../outside.cer", EC, stored, {}),
        ("/root.cer", EC, stored, {}),
        ("C:\\Users\\m\u00fcller\\old.cer", RSA, stored, {})), "locked.cer"))
    short = zip_archive(("first.cer", EC, stored, {}), ("second.cer", RSA, stored, {}))
    write("zip/cut-off.zip", short[:len(EC) + 200])
    write("zip/wrong-checksum.zip", short.replace(EC, EC[:-1] + bytes([EC[-1] ^ 1])))
    write("zip/empty.zip", zip_archive())

    long = "/".join(["a-folder-with-a-name-of-some-length"] * 4) + "/ec.cer"
    link = {"type": tarfile.SYMTYPE, "linkname": "ca.cer"}
    write("tar/gnu.tar", tar_archive(tarfile.GNU_FORMAT, ("PC-0001", None, {"type": tarfile.DIRTYPE}),
                                     ("PC-0001/ca.cer", CA, {}), ("PC-0001/link.cer", None, link), (long, EC, {})))
    write("tar/pax.tar", tar_archive(tarfile.PAX_FORMAT, (long, EC, {}), ("m\u00fcller/lines.ndjson", lines, {})))
    ustar = tar_archive(tarfile.USTAR_FORMAT, (long, EC, {}), ("rsa.cer", RSA, {}))
    write("tar/cut-off.tar", ustar[:1024 + len(EC) // 512 * 512 + 700])
    write("tar/no-end-mark.tar", ustar[:512 + -len(EC) // 512 * -512])

    half = lines.index(b"\n") + 1
    write("gzip/lines.ndjson.gz", gzipped(lines[:half]) + gzipped(lines[half:]) + b"behind")
    write("gzip/cut-off.ndjson.gz", gzipped(lines[:half]) + gzipped(lines[half:])[:-20])
    write("gzip/collection.tgz", gzipped(tar_archive(tarfile.GNU_FORMAT, ("ca.cer", CA, {}))))
    write("zstd/lines.ndjson.zst", struct.pack("<2I", 0x184D2A50, 4) + b"skip" + zstd_stored(lines) + zstd_stored(lines))
    write("zstd/cut-off.cer.zst", zstd_stored(EC)[:300])
    write("xz/chain.p7b.xz", lzma.compress(chain))
    write("xz/damaged.ndjson.xz", lzma.compress(lines[:half]) + lzma.compress(lines[half:])[:-100] + bytes(100))
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

    machine = machine_hive()
    write("registry_hive/SOFTWARE", machine.file())
    write("registry_hive/NTUSER.DAT", user_hive((CAPI_ELEMENT, RSA), plain(CA)).file())
    write("registry_hive/dirty.DAT", user_hive((CNG_ELEMENT, EC)).file(begun=8))
    write("registry_hive/damaged", damaged_hive().file())

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

    archives(chain)
    pkcs12_samples()

    write("bare_base64/ec-leaf.b64", base64_lines(EC))
    write("bare_base64/chain-utf16.b64", b"\xff\xfe" + base64_lines(chain, 76, "\r\n").encode("utf-16-le"))


if __name__ == "__main__":
    main()
