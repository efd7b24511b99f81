#!/usr/bin/env python3
"""Makes samples/fleet: a few made-up clients in which every rule of `findings` has something to say, and something on
which it stays silent. The same bytes each time.

Every certificate is built here from RFC 5280, with numbers in place of keys and signatures that nobody made: nothing in
the fleet can be verified or used.

Run from anywhere: python3 tests/make_fleet_sample.py
"""

import base64
import hashlib
import json
from pathlib import Path

FLEET = Path(__file__).resolve().parent.parent / "samples" / "fleet"

SOFTWARE_KSP = "Microsoft Software Key Storage Provider"
PLATFORM = "Microsoft Platform Crypto Provider"
ENHANCED = "Microsoft Enhanced Cryptographic Provider v1.0"
CARD_CSP = "Microsoft Base Smart Card Crypto Provider"

CLIENT_AUTH, SERVER_AUTH, CODE_SIGNING = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.3"
CARD_LOGON = "1.3.6.1.4.1.311.20.2.2"
TEMPLATES = "1.3.6.1.4.1.311.21.8.1000003.2000003."


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray([40 * first + second])
    for arc in rest:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return der(0x06, bytes(out))


def integer(number):
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def filler(name, size):
    return hashlib.shake_128(b"certcensus fleet " + name.encode()).digest(size)


def name(common_name):
    return der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0C, common_name.encode()))))


def time(year, month=1):
    return der(0x18, f"{year}{month:02}01000000Z".encode()) if year > 2049 else der(
        0x17, f"{year % 100:02}{month:02}01000000Z".encode())


def rsa(seed, bits=2048):
    """An odd number of that many bits; nobody knows its factors, if it has any of use."""
    number = int.from_bytes(filler(seed, bits // 8), "big") | 1 << bits - 1 | 1
    return rsa_key(number)


def rsa_key(modulus):
    key = der(0x30, integer(modulus), integer(65537))
    return der(0x30, der(0x30, oid("1.2.840.113549.1.1.1"), der(0x05)), der(0x03, b"\0" + key))


def roca():
    """A number of the shape of CVE-2017-15361: a power of 65537 modulo all primes up to 167."""
    product = 1
    for candidate in range(2, 168):
        if all(candidate % divisor for divisor in range(2, candidate)):
            product *= candidate
    rest = pow(65537, 11, product)
    factor = (1 << 2047) // product + 12345
    return rsa_key(factor * product + rest if (factor * product + rest) % 2 else (factor + 1) * product + rest)


def ec(seed):
    parameters = der(0x30, oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"))
    return der(0x30, parameters, der(0x03, b"\0\x04" + filler(seed, 64)))


def extension(number, value, critical=False):
    return der(0x30, oid(number), *([der(0x01, b"\xff")] if critical else []), der(0x04, value))


def certificate(subject, key, eku=(), years=(2026, 2028), issuer="Fabricated Issuing CA", usage=0xA0, ca=False, upn=None,
                sid=False, template=None, sha1=False, end_month=1):
    algorithm = der(0x30, oid("1.2.840.113549.1.1." + ("5" if sha1 else "11")), der(0x05))
    extensions = [extension("2.5.29.19", der(0x30, *([der(0x01, b"\xff")] if ca else [])), True)]
    unused = (usage & -usage).bit_length() - 1
    extensions.append(extension("2.5.29.15", der(0x03, bytes([unused, usage])), True))
    if eku:
        extensions.append(extension("2.5.29.37", der(0x30, *map(oid, eku))))
    if upn:
        other = der(0xA0, oid("1.3.6.1.4.1.311.20.2.3"), der(0xA0, der(0x0C, upn.encode())))
        extensions.append(extension("2.5.29.17", der(0x30, other)))
    if sid:
        value = der(0xA0, der(0x04, b"S-1-5-21-1000000001-1000000002-1000000003-1104"))
        other = der(0xA0, oid("1.3.6.1.4.1.311.25.2.1"), value)
        extensions.append(extension("1.3.6.1.4.1.311.25.2", der(0x30, other)))
    if template:
        extensions.append(extension("1.3.6.1.4.1.311.21.7", der(0x30, oid(template), integer(100), integer(3))))
    serial = integer(int.from_bytes(filler(subject + repr((years, eku)), 8), "big") >> 1)
    validity = der(0x30, time(years[0]), time(years[1], end_month))
    body = der(0x30, der(0xA0, integer(2)), serial, algorithm, name(issuer), validity, name(subject), key,
               der(0xA3, der(0x30, *extensions)))
    return der(0x30, body, algorithm, der(0x03, b"\0" + filler(subject + " signature", 256)))


def sha1(certificate):
    return hashlib.sha1(certificate).hexdigest()


class Client:
    """One collection, as lines of census/1."""

    def __init__(self, host, **about):
        self.host, self.lines = host, []
        self.add("client", fqdn=f"{host.lower()}.fleet.test", collected_utc="2026-11-01T08:00:00Z",
                 collector="made by hand", collector_version="1", **about)

    def add(self, record, **fields):
        common = {"schema": "census/1", "type": record, "run": f"run-{self.host}", "seq": len(self.lines),
                  "host": self.host}
        self.lines.append({**common, **fields})

    def key(self, certificate, provider, kind, location="LocalMachine", exportable=None, impl=None, sid=None):
        property = {"container": f"c-{len(self.lines)}", "provider": provider, "prov_type": kind, "flags": 32,
                    "key_spec": 0 if kind == 0 else 1}
        acquire = {"hresult": "0x00000000", "key_spec": 0xFFFFFFFF if kind == 0 else 1}
        if exportable is not None:
            acquire["export_policy"] = 3 if exportable else 0
        if impl is not None:
            acquire |= {"impl_flags": impl, "impl_api": "ncrypt" if kind == 0 else "capi"}
        self.add("certificate", store_location=location, store="My", sid=sid, sha1=sha1(certificate),
                 der=base64.b64encode(certificate).decode(), key_prov_info=property, acquire=acquire)

    def binding(self, certificate, kind="http.sys", port=443, **more):
        self.add("binding", kind=kind, endpoint=f"0.0.0.0:{port}", ip="0.0.0.0", port=port, store="My",
                 sha1=certificate and sha1(certificate), **more)

    def text(self):
        self.add("end", counts={kind: sum(line["type"] == kind for line in self.lines)
                                for kind in sorted({line["type"] for line in self.lines})})
        return "".join(json.dumps(line) + "\n" for line in self.lines)


def clients():
    logon = [CLIENT_AUTH, CARD_LOGON]
    # A client whose one key nobody has anything against.
    sound = Client("WS-0001", os_version="10.0.26100", ubr=4061, cm_site_code="FL1", calais_disable_capi_override=1)
    sound.key(certificate("ws-0001.fleet.test", rsa("ws1"), [CLIENT_AUTH]), SOFTWARE_KSP, 0)
    yield sound

    # Clients of Configuration Manager: an EC key, and a key usage that does not do.
    client = Client("WS-0002", cm_site_code="FL1")
    client.key(certificate("ws-0002.fleet.test", ec("ws2"), [CLIENT_AUTH], usage=0x80), SOFTWARE_KSP, 0)
    yield client
    client = Client("WS-0003", cm_site_code="FL1", cm_client_version="5.00.9122.1000")
    client.key(certificate("ws-0003.fleet.test", rsa("ws3"), [CLIENT_AUTH], usage=0x80), ENHANCED, 1)
    yield client

    # Keys that were to be in a TPM: one is, one is not.
    client = Client("WS-0004", tpm_present=True)
    client.key(certificate("ws-0004.fleet.test", rsa("ws4"), [CLIENT_AUTH], template=TEMPLATES + "4"), PLATFORM, 0, impl=1)
    yield client
    client = Client("WS-0005", tpm_present=True)
    client.key(certificate("ws-0005.fleet.test", rsa("ws5"), [CLIENT_AUTH], template=TEMPLATES + "4"), SOFTWARE_KSP, 0)
    yield client

    # Smart cards: one bound to the CSP, one to the KSP, the second with the identifier for strong mapping.
    user = "S-1-5-21-1000000001-1000000002-1000000003-1104"
    client = Client("WS-0006", os_version="10.0.26100", ubr=6899, calais_disable_capi_override=0)
    client.key(certificate("Ash Bell", rsa("card1"), logon, upn="ash.bell@fleet.test"), CARD_CSP, 1, "CurrentUser", sid=user)
    yield client
    client = Client("WS-0007")
    client.key(certificate("Bay Crane", rsa("card2"), logon, upn="bay.crane@fleet.test", sid=True),
               "Microsoft Smart Card Key Storage Provider", 0, "CurrentUser", sid=user)
    yield client

    # Weak keys and signatures, and certificates at their end.
    client = Client("SRV-0001")
    client.key(certificate("old.fleet.test", rsa("old", 1024), [SERVER_AUTH], (2020, 2024)), ENHANCED, 1)
    client.key(certificate("sha1.fleet.test", rsa("sha1"), [SERVER_AUTH], sha1=True), ENHANCED, 1)
    client.key(certificate("token.fleet.test", roca(), [SERVER_AUTH]), SOFTWARE_KSP, 0)
    client.key(certificate("soon.fleet.test", rsa("soon"), [SERVER_AUTH], (2026, 2026), end_month=12), SOFTWARE_KSP, 0)
    client.key(certificate("long.fleet.test", rsa("long"), [SERVER_AUTH], (2026, 2036)), SOFTWARE_KSP, 0)
    client.key(certificate("Fleet Code Signing", rsa("code"), [CODE_SIGNING], usage=0x80), ENHANCED, 1, exportable=True)
    yield client

    # One key on two servers; roles of Configuration Manager on one of them, one of which takes no CNG key.
    shared = certificate("web.fleet.test", rsa("web"), [SERVER_AUTH])
    client = Client("CM-0001", cm_site_code="FL1", cm_roles=["SMS Management Point", "SMS Distribution Point"])
    client.key(shared, SOFTWARE_KSP, 0)
    client.key(certificate("cm-0001.fleet.test", rsa("cm1"), [CLIENT_AUTH]), SOFTWARE_KSP, 0)
    client.binding(shared, "iis", site_name="Default Web Site")
    yield client
    client = Client("CM-0002", cm_site_code="FL1")
    client.key(shared, SOFTWARE_KSP, 0)
    client.binding(shared, "iis", site_name="Default Web Site")
    yield client

    # AD FS, SQL Server and Exchange.
    sts = certificate("sts.fleet.test", rsa("sts"), [SERVER_AUTH])
    client = Client("FS-0001")
    client.key(sts, SOFTWARE_KSP, 0)
    client.binding(sts, app_id="{5d89a20c-beab-4389-9447-324788eb944a}")
    yield client
    sql = certificate("sql.fleet.test", rsa("sql"), [SERVER_AUTH])
    client = Client("SQL-0001")
    client.key(sql, SOFTWARE_KSP, 0)
    client.binding(sql, "sqlserver", 1433)
    yield client
    mail = certificate("mail.fleet.test", rsa("mail"), [SERVER_AUTH])
    client = Client("EX-0001")
    client.key(mail, SOFTWARE_KSP, 0)
    client.binding(mail, "iis", 443, site_name="Default Web Site")
    client.binding(mail, "iis", 444, site_name="Exchange Back End")
    yield client


def template(cn, number, eku, schema, private, names, providers, algorithm=None):
    lines = [f"dn: CN={cn},CN=Certificate Templates,DC=fleet,DC=test", "objectClass: pKICertificateTemplate", f"cn: {cn}",
             f"displayName: {cn}", "flags: 131649", "revision: 100", f"pKIExtendedKeyUsage: {eku}"]
    lines += [f"pKIDefaultCSPs: {at},{provider}" for at, provider in enumerate(providers, 1)]
    lines += ["msPKI-RA-Signature: 0", "msPKI-Enrollment-Flag: 0", f"msPKI-Private-Key-Flag: {private}",
              f"msPKI-Certificate-Name-Flag: {names}", "msPKI-Minimal-Key-Size: 2048",
              f"msPKI-Template-Schema-Version: {schema}", "msPKI-Template-Minor-Revision: 3",
              f"msPKI-Cert-Template-OID: {TEMPLATES}{number}"]
    if algorithm:
        lines.append(f"msPKI-RA-Application-Policies: msPKI-Asymmetric-Algorithm`PZPWSTR`{algorithm}`"
                     "msPKI-Hash-Algorithm`PZPWSTR`SHA256`")
    return "\n".join(lines) + "\n\n"


def templates():
    # [MS-CRTD] 2.27: bits 16 to 19 the oldest CA, bits 24 to 27 the oldest recipient; 0x2000 attestation is required.
    newest, dns = 0x06060000, 0x08000000 | 0x10000000
    return (template("FleetWeb", 1, SERVER_AUTH, 1, 0, 1, ["Microsoft RSA SChannel Cryptographic Provider"])
            + template("FleetOld", 2, CLIENT_AUTH, 2, 0x01010000, 0x42000000, [ENHANCED])
            + template("FleetCurve", 3, CLIENT_AUTH, 4, newest, 0x24000000, [PLATFORM, SOFTWARE_KSP], "ECDH_P256")
            + template("FleetTpm", 4, CLIENT_AUTH, 4, newest | 0x2000 | 0x400, dns, [PLATFORM], "RSA")
            + template("FleetSound", 5, CLIENT_AUTH, 4, newest, dns, [SOFTWARE_KSP], "RSA"))


ROLES = '''"SiteCode","RoleName","NetworkOSPath","SslState"
"FL1","SMS Management Point","\\\\\\\\cm-0001.fleet.test","1"
"FL1","SMS Enrollment Server","\\\\\\\\cm-0002.fleet.test","1"
"FL1","SMS SQL Server","\\\\\\\\sql-0001.fleet.test",""
'''.replace("\\\\\\\\", "\\\\")

# Get-CMSite | Export-Csv
SITES = '''"BuildNumber","ServerName","SiteCode","SiteName","Type","Version"
"9122","cm-0001.fleet.test","FL1","Fleet","2","5.00.9122.1000"
'''

EVENTS = '''"TimeCreated","Id","ProviderName","MachineName","Message"
"2026-11-02T07:00:00Z","624","SCardSvr","WS-0006","Audit: C:\\Tools\\oldvpn.exe, CryptoAPI"
'''


def private_key():
    """The shape of an EC key in PKCS#8 (RFC 5208, RFC 5915) with a number that nobody drew."""
    inner = der(0x30, integer(1), der(0x04, filler("key", 32)))
    outer = der(0x30, integer(0), der(0x30, oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), der(0x04, inner))
    text = base64.b64encode(outer).decode()
    lines = "".join(text[at:at + 64] + "\n" for at in range(0, len(text), 64))
    return f"-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n"


def main():
    FLEET.mkdir(parents=True, exist_ok=True)
    for file, text in {
        "clients.ndjson": "".join(client.text() for client in clients()),
        "templates.ldif": templates(),
        "site-roles.csv": ROLES,
        "sites.csv": SITES,
        "events.csv": EVENTS,
        "forgotten.key": private_key(),
    }.items():
        (FLEET / file).write_bytes(text.encode())


main()
