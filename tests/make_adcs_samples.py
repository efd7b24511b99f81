#!/usr/bin/env python3
"""Makes the samples of AD CS database exports, byte for byte the same each time.

The requests and certificates in them are those of samples/pkcs10_request, samples/cmc_request and
samples/certificate_der, so that rows join. Layout: what certutil -view prints. Every name is made up.

Run from anywhere, after make_request_samples.py: python3 tests/make_adcs_samples.py
"""

import hashlib

from make_samples import SAMPLES, pem, write

# Name, English label, type and length, and the label in German.
COLUMNS = [
    ("Request.RequestID", "Request ID", "Long", "4 -- Indexed", "Anforderungs-ID"),
    ("Request.RawRequest", "Binary Request", "Binary", "65536", "Binäre Anforderung"),
    ("Request.RawArchivedKey", "Archived Key", "Binary", "65536", "Archivierter Schlüssel"),
    ("Request.KeyRecoveryHashes", "Key Recovery Agent Hashes", "String", "8192", "Hashes der Schlüsselagenten"),
    ("Request.RawOldCertificate", "Old Certificate", "Binary", "16384", "Altes Zertifikat"),
    ("Request.RequestAttributes", "Request Attributes", "String", "32768", "Anforderungsattribute"),
    ("Request.RequestType", "Request Type", "Long", "4", "Anforderungstyp"),
    ("Request.Disposition", "Request Disposition", "Long", "4 -- Indexed", "Anforderungsdisposition"),
    ("Request.DispositionMessage", "Request Disposition Message", "String", "8192", "Dispositionsmeldung"),
    ("Request.SubmittedWhen", "Request Submission Date", "Date", "8 -- Indexed", "Anforderungsdatum"),
    ("Request.RequesterName", "Requester Name", "String", "2048 -- Indexed", "Anforderername"),
    ("Request.DistinguishedName", "Request Distinguished Name", "String", "8192", "Definierter Name"),
    ("Request.AttestationChallenge", "Attestation Challenge", "Binary", "4096", "Nachweisanfrage"),
    ("Request.EndorsementKeyHash", "Endorsement Key Hash", "String", "144 -- Indexed", "Hash des Schlüssels"),
    ("Request.EndorsementCertificateHash", "Endorsement Certificate Hash", "String", "144 -- Indexed",
     "Hash des Zertifikats"),
    ("RequestID", "Issued Request ID", "Long", "4 -- Indexed", "Ausgestellte Anforderungs-ID"),
    ("RawCertificate", "Binary Certificate", "Binary", "16384", "Binäres Zertifikat"),
    ("CertificateHash", "Certificate Hash", "String", "128 -- Indexed", "Zertifikathash"),
    ("CertificateTemplate", "Certificate Template", "String", "254 -- Indexed", "Zertifikatvorlage"),
    ("PrivatekeyFlags", "Template Private Key Flags", "Long", "4", "Flags für private Schlüssel"),
    ("SerialNumber", "Serial Number", "String", "128 -- Indexed", "Seriennummer"),
    ("RawPublicKey", "Binary Public Key", "Binary", "4096", "Binärer öffentlicher Schlüssel"),
    ("PublicKeyAlgorithm", "Public Key Algorithm", "String", "254", "Algorithmus für öffentlichen Schlüssel"),
    ("CommonName", "Issued Common Name", "String", "8192 -- Indexed", "Ausgestellter allgemeiner Name"),
]
ATTRIBUTES = [
    ("AttributeRequestId", "Request ID", "Long", "4 -- Indexed", ""),
    ("AttributeName", "Attribute Name", "String", "254 -- Indexed", ""),
    ("AttributeValue", "Attribute Value", "String", "8192", ""),
]
CHANNEL = "Microsoft RSA SChannel Cryptographic Provider"
ENHANCED = "Microsoft Enhanced Cryptographic Provider v1.0"
SOFTWARE = "Microsoft Software Key Storage Provider"


def sample(name):
    return (SAMPLES / name).read_bytes()


def label(column, language):
    return column[4] if language == "de" else column[1]


def schema(columns, language="en"):
    title = {"en": ("Schema:", "Column Name", "Localized Name", "Type", "MaxLength"),
             "de": ("Schema:", "Spaltenname", "Lokalisierter Name", "Typ", "MaxLänge")}[language]
    types = {"de": {"Long": "Lang", "String": "Zeichenfolge", "Binary": "Binär", "Date": "Datum"}}.get(language, {})
    lines = [title[0], line(*title[1:]), line("-" * 28, "-" * 28, "-" * 6, "-" * 9)]
    for column in columns:
        lines.append(line(column[0], label(column, language), types.get(column[2], column[2]), column[3]))
    return "\n".join(lines) + "\n\n"


def line(name, localized, kind, length):
    return f"  {name:28}  {localized:28}  {kind:6}  {length}"


def number(value, words=""):
    text = f"0x{value:x}" + (f" ({value})" if value > 9 else "")
    return text + (f" -- {words}" if words else "")


def quoted(text):
    return f'"{text}"'


def dump(value):
    rows = []
    for at in range(0, len(value), 16):
        part = value[at:at + 16]
        hexes = " ".join(f"{byte:02x}" for byte in part[:8]) + ("  " if len(part) > 8 else "")
        hexes += " ".join(f"{byte:02x}" for byte in part[8:])
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        rows.append(f"{at:04x}\t{hexes:49}  {letters}\n")
    return "\n" + "".join(rows)


def blob(kind, value):
    return "\n" + pem(kind, value)


def hard_broken(text):
    """Lines are cut after 258 characters."""
    lines = []
    for whole in text.split("\n"):
        while len(whole) > 258:
            lines.append(whole[:258])
            whole = whole[258:]
        lines.append(whole)
    return "\n".join(lines)


def row(index, columns, values, language="en", attributes=None, extensions=False):
    word = {"en": "Row", "de": "Zeile"}[language]
    lines = [f"{word} {index}:"]
    for column in columns:
        value = values.get(column[0], "EMPTY")
        lines.append(f"  {label(column, language)}:" + ("" if value.startswith("\n") else " ") + value)
    if attributes:
        lines += ["", "  " + {"en": "Request Attributes:", "de": "Anforderungsattribute:"}[language]]
        lines += [f'    {name}: "{value}"' for name, value in attributes]
    if extensions:
        lines += ["", "  " + {"en": "Certificate Extensions:", "de": "Zertifikaterweiterungen:"}[language]]
        lines += ["    2.5.29.37: Flags = 20000(Origin=Policy), Length = c", "    Enhanced Key Usage",
                  "        Client Authentication (1.3.6.1.5.5.7.3.2)", "",
                  "    2.5.29.31: Flags = 40000(Origin=Server), Length = 4", "    CRL Distribution Points",
                  "                       URL=ldap:///CN=" + "Fabrikam%20Issuing%20CA%203," * 10 + "DC=test", ""]
    return hard_broken("\n".join(lines) + "\n\n")


def footer(rows, language="en", attributes=0, greatest=None):
    greatest = rows if greatest is None else greatest
    if language == "de":
        return (f"Maximaler Zeilenindex: {greatest}\n\n{rows} Zeilen\n  16 Zeileneigenschaften, Gesamt = 438\n"
                f"   {attributes} Anforderungsattribute, Gesamt = 0\n   0 Zertifikaterweiterungen, Gesamt = 0\n"
                "CertUtil: -view-Befehl wurde erfolgreich ausgeführt.\n")
    return (f"Maximum Row Index: {greatest}\n\n{rows} Rows\n"
            "  16 Row Properties, Total Size = 438, Max Size = 54, Ave Size = 27\n"
            f"   {attributes} Request Attributes, Total Size = 0, Max Size = 0, Ave Size = 0\n"
            "   0 Certificate Extensions, Total Size = 0, Max Size = 0, Ave Size = 0\n"
            "  16 Total Fields, Total Size = 438, Max Size = 54, Ave Size = 27\n"
            "CertUtil: -view command completed successfully.\n")


def spaced(value):
    return quoted(value.hex(" "))


def issued(certificate):
    return {"RawCertificate": blob("CERTIFICATE", certificate),
            "CertificateHash": spaced(hashlib.sha1(certificate).digest())}


def rows():
    """Values, attributes and extensions of the rows of the Request table."""
    leaf = sample("certificate_der/rsa-leaf.cer")
    csp = {
        "Request.RequestID": number(4),
        "Request.RawRequest": blob("NEW CERTIFICATE REQUEST", sample("pkcs10_request/windows-csp-2003.req")),
        "Request.RequestAttributes": '"\nCertificateTemplate:FabrikamUser\nrmd:web-07.fabrikam.test\n\n'
                                     'ccm:web-07.fabrikam.test"',
        "Request.RequestType": "0x40400 (263168) -- CMC, Full Response",
        "Request.Disposition": number(21, "Revoked"),
        "Request.DispositionMessage": quoted("Revoked by FABRIKAM\\anna"),
        "Request.SubmittedWhen": "5/6/2026 5:39 PM",
        "Request.RequesterName": quoted("FABRIKAM\\jörg"),
        "RequestID": number(4),
        "CertificateTemplate": '"1.3.6.1.4.1.311.21.8.1.2.3" Fabrikam User',
        "PrivatekeyFlags": "0x5030010 (84082704)\n    CTPRIVATEKEY_FLAG_EXPORTABLE_KEY -- 10 (16)",
        "SerialNumber": quoted("4400000004"),
        "RawPublicKey": dump(b"\x30\x12" + bytes(range(18))),
        "PublicKeyAlgorithm": '"1.2.840.113549.1.1.1" RSA (RSA_SIGN)',
        "CommonName": quoted("web-07.fabrikam.test"),
        **issued(leaf),
    }
    ksp = {
        "Request.RequestID": number(17),
        "Request.RawRequest": blob("NEW CERTIFICATE REQUEST", sample("pkcs10_request/windows-ksp.csr")),
        "Request.Disposition": number(20, "Issued"),
        "Request.RequesterName": quoted("FABRIKAM\\web-08$"),
        "RequestID": number(17),
        "CertificateHash": spaced(hashlib.sha1(b"nowhere").digest()),
        "CertificateTemplate": quoted("Machine"),
    }
    cmc = {
        "Request.RequestID": number(18),
        "Request.RawRequest": blob("NEW CERTIFICATE REQUEST", sample("cmc_request/archived-key.req")),
        "Request.RawArchivedKey": dump(b"\x30\x03\x02\x01\x05"),
        "Request.Disposition": number(9, "Under Submission"),
        "Request.RequesterName": quoted("FABRIKAM\\carla"),
    }
    denied = {
        "Request.RequestID": number(19),
        "Request.Disposition": number(31, "Denied"),
        "Request.DispositionMessage": quoted("Denied: " + "there is more to say than one line holds; " * 9),
        "Request.RequesterName": quoted("FABRIKAM\\pc-0003$"),
        "Request.AttestationChallenge": dump(bytes(40)),
        "Request.EndorsementKeyHash": spaced(bytes(range(32))),
        "Request.DistinguishedName": quoted("CN=pc-0003.fabrikam.test, O=" + "Fabrikam " * 30 + "Works"),
        "RawPublicKey": dump(b"\x04" + bytes(range(64))),
    }
    block = [("RequestOSVersion", "5.2.3790.2"), ("RequestCSPProvider", CHANNEL), ("cdc", "dc1.fabrikam.test"),
             ("rmd", "web-07.fabrikam.test"), ("ccm", "web-07.fabrikam.test")]
    other = [("RequestCSPProvider", "Fabrikam Key Storage Provider"), ("ccm", "web-08.fabrikam.test")]
    return [(csp, block, True), (ksp, other, False), (cmc, None, False), (denied, None, False)]


def full(language):
    text = schema(COLUMNS, language)
    for index, (values, attributes, extensions) in enumerate(rows(), 1):
        text += row(index, COLUMNS, values, language, attributes, extensions)
    return text + footer(4, language, 7)


def chosen(names):
    return [column for column in COLUMNS if column[0] in names]


def selection():
    """Two outputs in one capture: a selection of columns, and one that gives nothing."""
    columns = chosen(["Request.RequestID", "Request.Disposition", "Request.RequesterName", "CertificateHash"])
    text = "C:\\>certutil -view -out \"RequestID,Disposition,RequesterName,CertificateHash\"\n" + schema(columns)
    names = ["jo", "the \"quoted\" one", "maria"]
    for index, (name, state) in enumerate(zip(names, [(20, "Issued"), (30, "Error"), (12, "Foreign")]), 1):
        text += row(index, columns, {
            "Request.RequestID": number(99 + index), "Request.Disposition": number(*state),
            "Request.RequesterName": quoted(f"FABRIKAM\\{name}"),
            "CertificateHash": spaced(hashlib.sha1(sample("certificate_der/ec-leaf.cer")).digest()),
        })
    names = [COLUMNS[-1]]
    other = row(1, names, {"CommonName": quoted("web-09.fabrikam.test")})
    return text + footer(3) + "\nC:\\>certutil -view -out CommonName\n" + schema(names) + other + footer(1)


def attribute_table():
    text = schema(ATTRIBUTES)
    attributes = [(4, "RequestOSVersion", "10.0.20348.2"), (4, "RequestCSPProvider", ENHANCED),
                  (4, "cdc", "dc1.fabrikam.test"), (4, "rmd", "web-07.fabrikam.test"),
                  (4, "ccm", "web-07.fabrikam.test"), (17, "RequestCSPProvider", SOFTWARE),
                  (17, "CertificateTemplate", "Machine"), (18, "cdc", "dc1.fabrikam.test")]
    for index, (request, name, value) in enumerate(attributes, 1):
        text += row(index, ATTRIBUTES, {"AttributeRequestId": number(request), "AttributeName": quoted(name),
                                        "AttributeValue": quoted(value)})
    return text + footer(len(attributes))


def damaged():
    """A row without some columns, a request that is cut, a wrong hash, a lost quote, a gap, and no end."""
    columns = chosen(["Request.RequestID", "Request.RawRequest", "Request.Disposition", "Request.RequesterName",
                      "RawCertificate", "CertificateHash", "RawPublicKey"])
    some = [column for column in columns if column[0] not in ("Request.Disposition", "RawPublicKey")]
    request = blob("NEW CERTIFICATE REQUEST", sample("pkcs10_request/windows-ksp.csr")).rsplit("-----END", 1)[0]
    text = schema(columns) + row(1, some, {"Request.RequestID": number(1), "Request.RawRequest": request,
                                           "Request.RequesterName": quoted("FABRIKAM\\one")})
    leaf = sample("certificate_der/ec-leaf.cer")
    text += row(2, columns, {"Request.RequestID": number(2), "Request.Disposition": number(20, "Issued"),
                             "Request.RequesterName": quoted("FABRIKAM\\two"), **issued(leaf),
                             "CertificateHash": spaced(hashlib.sha1(b"another").digest()),
                             "RawPublicKey": dump(bytes(48)).replace("0010\t", "0011\t")})
    values = {"Request.RequestID": "0xfour", "Request.RequesterName": '"FABRIKAM\\four'}
    text += row(4, columns, values).replace("EMPTY", "", 1)
    return text + row(5, columns, {"Request.RequestID": number(5), "Request.Disposition": "Revoked?",
                                   "CertificateHash": quoted("12 34")})


def csv(columns, records, separator=","):
    escape = '"{}"'.format
    lines = [[column[1] for column in columns]]
    lines += [[record.get(column[0], "EMPTY") for column in columns] for record in records]
    return "".join(separator.join(escape(value.replace('"', '""')) for value in line) + "\r\n" for line in lines)


def csv_rows():
    """Sizes in place of binary values, and decimal numbers."""
    leaf = sample("certificate_der/rsa-leaf.cer")
    return [
        {"Request.RequestID": "4", "Request.RawRequest": "1657 Bytes", "Request.RequestAttributes":
         "CertificateTemplate:FabrikamUser\nccm:web-07.fabrikam.test", "Request.Disposition": "21 -- Revoked",
         "Request.SubmittedWhen": "5/6/2026 5:39 PM", "Request.RequesterName": "FABRIKAM\\anna \"the admin\"",
         "RequestID": "4", "RawCertificate": "1537 Bytes", "CertificateHash": hashlib.sha1(leaf).digest().hex(" "),
         "CertificateTemplate": "1.3.6.1.4.1.311.21.8.1.2.3 Fabrikam User", "CommonName": "web-07.fabrikam.test"},
        {"Request.RequestID": "19", "Request.RawArchivedKey": "1900 Bytes", "Request.Disposition": "31 -- Denied",
         "Request.RequesterName": "FABRIKAM\\pc-0003$", "Request.AttestationChallenge": "40 Bytes",
         "Request.EndorsementKeyHash": bytes(range(32)).hex(" "), "CertificateTemplate": "Machine"},
    ]


def csv_attributes():
    columns = [(name, name, *rest) for name, _, *rest in ATTRIBUTES]
    records = [(4, "RequestCSPProvider", CHANNEL), (4, "ccm", "web-07.fabrikam.test"),
               (17, "RequestCSPProvider", SOFTWARE)]
    names = [column[0] for column in columns]
    return csv(columns, [dict(zip(names, map(str, record))) for record in records], ";")


def main():
    write("adcs_csv/view.csv", csv(COLUMNS, csv_rows()) + "CertUtil: -view command completed successfully.\r\n")
    write("adcs_csv/attributes.csv", csv_attributes())
    write("adcs_csv/damaged.csv", csv(chosen(["Request.RequestID", "Request.RequesterName", "Request.Disposition"]), [
        {"Request.RequestID": "1", "Request.RequesterName": "FABRIKAM\\one", "Request.Disposition": "Gone"},
        {"Request.RequestID": "2"}]).replace(',"EMPTY"\r\n', "\r\n") + '"3","FABRIKAM\\three')
    write("adcs_text/full.txt", full("en"))
    write("adcs_text/full-german-utf16.txt", full("de").replace("\n", "\r\n").encode("utf-16"))
    write("adcs_text/selection.txt", selection())
    write("adcs_text/attribute-table.txt", attribute_table())
    write("adcs_text/damaged.txt", damaged())


if __name__ == "__main__":
    main()
