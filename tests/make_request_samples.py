#!/usr/bin/env python3
"""Makes the samples of certificate requests and of the neighbours of certificates, byte for byte the same each time.

The keys are those of the certificates in samples/certificate_der, so that rows of both join. Signatures are bytes that
nobody made, except the null signature. Layouts: RFC 2986 (PKCS#10), RFC 5272 (CMC), RFC 4211 (CRMF), MS-WCCE 2.2.2.5 to
2.2.2.7 (what Windows adds), RFC 5280 (CRL), RFC 5755 (attribute certificate). samples/pkcs10_request/openssl.csr was made
once with OpenSSL; its private key was thrown away.

Run from anywhere: python3 tests/make_request_samples.py
"""

import hashlib
import struct

from make_samples import CA, EC, RSA, base64_lines, der, filler, pem, write

BOOLEAN, INTEGER, BITS, OCTETS, OID, UTF8, SEQ, SET = 1, 2, 3, 4, 6, 12, 0x30, 0x31
PRINTABLE, TELETEX, IA5, UTC_TIME, BMP = 19, 20, 22, 23, 30
MICROSOFT, YUBICO = "1.3.6.1.4.1.311", "1.3.6.1.4.1.41482.3"
SIGNED_DATA, DATA, PKI_DATA, PKI_RESPONSE = (
    "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.1", "1.3.6.1.5.5.7.12.2", "1.3.6.1.5.5.7.12.3")
SHA1_RSA, SHA256_RSA, SHA256_ECDSA, SHA256 = (
    "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.2.1")
EXTENSIONS, OLDER_EXTENSIONS = "1.2.840.113549.1.9.14", MICROSOFT + ".2.1.14"


def oid(dotted):
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (first * 40 + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.insert(0, arc & 0x7F | 0x80)
        content += bytes(digits)
    return der(OID, content)


def integer(value):
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bmp(text):
    return der(BMP, text.encode("utf-16-be"))


def utf8(text):
    return der(UTF8, text.encode())


def name(*values, kind=UTF8):
    """A name of common names."""
    return der(SEQ, *(der(SET, der(SEQ, oid("2.5.4.3"), der(kind, value.encode("latin-1")))) for value in values))


def values(element):
    """The elements inside an element."""
    at, found = 2 if element[1] < 0x80 else 2 + (element[1] & 0x7F), []
    while at < len(element):
        size = element[at + 1]
        head = 2
        if size >= 0x80:
            head += size & 0x7F
            size = int.from_bytes(element[at + 2:at + head], "big")
        found.append(element[at:at + head + size])
        at += head + size
    return found


def public_key(certificate):
    """SubjectPublicKeyInfo of a version 3 certificate."""
    return values(values(certificate)[0])[6]


def algorithm(dotted, *parameters):
    return der(SEQ, oid(dotted), *parameters)


def attribute(dotted, *content):
    return der(SEQ, oid(dotted), der(SET, *content))


def extension(dotted, value, critical=False):
    return der(SEQ, oid(dotted), *([b"\x01\x01\xff"] if critical else []), der(OCTETS, value))


def other_name(dotted, value):
    return der(0xA0, oid(dotted), der(0xA0, value))


def request(subject, key, attributes, signed_with=SHA256_RSA, signature=None, tail=b""):
    body = der(SEQ, b"\x02\x01\x00", subject, key, der(0xA0, *attributes), tail)
    return der(SEQ, body, algorithm(signed_with), der(BITS, b"\0" + (filler(256) if signature is None else signature)))


def csp(key_spec, provider, bits=b""):
    return attribute(MICROSOFT + ".13.2.2", der(SEQ, integer(key_spec), bmp(provider), der(BITS, b"\0" + bits)))


def os_version(text, kind=IA5):
    return attribute(MICROSOFT + ".13.2.3", der(kind, text.encode()))


def client(number, machine, user, process, encode=utf8):
    return attribute(MICROSOFT + ".21.20", der(SEQ, integer(number), encode(machine), encode(user), encode(process)))


def signed_data(kind, content, certificates=(), signers=(), digest=SHA256):
    """signedData with definite lengths; `content` is the whole element inside `[0]`, or nothing."""
    inside = [der(0xA0, content)] if content else []
    sets = [der(0xA0, *certificates)] if certificates else []
    body = der(SEQ, b"\x02\x01\x03", der(SET, algorithm(digest)), der(SEQ, oid(kind), *inside), *sets,
               der(SET, *signers))
    return der(SEQ, oid(SIGNED_DATA), der(0xA0, body))


def signer(*unsigned):
    attributes = [der(0xA1, *unsigned)] if unsigned else []
    return der(SEQ, b"\x02\x01\x03", der(0x80, bytes(20)), algorithm(SHA256), algorithm("1.2.840.113549.1.1.1"),
               der(OCTETS, filler(256)), *attributes)


def open_ended(tag, *parts):
    """An element of indefinite length (X.690 8.1.3.6)."""
    return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"


RSA_KEY, EC_KEY = public_key(RSA), public_key(EC)
SOFTWARE, PLATFORM = "Microsoft Software Key Storage Provider", "Microsoft Platform Crypto Provider"
WINDOWS_11 = os_version("10.0.26100.2")
SERVER_AUTH, CLIENT_AUTH = oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2")
TEMPLATE = extension(MICROSOFT + ".21.7", der(SEQ, oid(MICROSOFT + ".21.8.1.2"), integer(100), integer(7)))
USAGE = extension("2.5.29.15", b"\x03\x02\x05\xa0", critical=True)


def dns_names(*names):
    return extension("2.5.29.17", der(SEQ, *(der(0x82, text.encode()) for text in names)))


def windows_ksp():
    names = der(SEQ, der(0x82, b"pc-0001.example.test"),
                other_name(MICROSOFT + ".20.2.3", utf8("ada@example.test")), der(0x81, b"ada@example.test"),
                der(0x87, bytes([192, 0, 2, 1])), der(0x88, b"\x2a\x03"))
    sid = der(SEQ, other_name(MICROSOFT + ".25.2.1", der(OCTETS, b"S-1-5-21-1-2-3-1104")))
    asked = der(SEQ, TEMPLATE, extension("2.5.29.37", der(SEQ, CLIENT_AUTH)), USAGE,
                extension("2.5.29.17", names), extension(MICROSOFT + ".25.2", sid))
    return request(name("Ada Pear"), RSA_KEY, [
        WINDOWS_11, client(9, "pc-0001.example.test", "ORCHARD\\ada", "certreq"), csp(0, SOFTWARE),
        attribute(EXTENSIONS, asked)])


def windows_csp():
    """As Windows Server 2003 wrote them: a provider of CryptoAPI with its bit string, and the older extensions."""
    asked = der(SEQ, USAGE, extension("2.5.29.37", der(SEQ, SERVER_AUTH)),
                extension(MICROSOFT + ".20.2", bmp("WebServer")))
    return request(name("www.example.test", "B\xe4rlauch & Co", kind=TELETEX), RSA_KEY, [
        os_version("5.2.3790.2", PRINTABLE), attribute(MICROSOFT + ".13.2.1", der(SEQ, bmp("CertificateTemplate"),
                                                                                bmp("WebServer"))),
        attribute(OLDER_EXTENSIONS, asked),
        csp(1, "Microsoft RSA SChannel Cryptographic Provider", bytes(136)),
        client(1, "SRV-ELM", "ORCHARD\\iis-admin", "InetInfo.exe", bmp)], SHA1_RSA)


def attestation_statement(platform):
    statement = struct.pack("<7I", 0x5453414B, 1, platform, 28, 8, 16, 4) + filler(28)
    return attribute(MICROSOFT + ".21.24", der(OCTETS, statement))


def attested():
    envelope = der(SEQ, oid("1.2.840.113549.1.7.3"), der(0xA0, der(SEQ)))
    return request(name("pc-0002.example.test"), EC_KEY, [
        WINDOWS_11, client(6, "pc-0002.example.test", "ORCHARD\\pc-0002$", "taskhostw.exe"), csp(0, PLATFORM),
        attestation_statement(2), attribute(MICROSOFT + ".21.23", envelope), attribute(MICROSOFT + ".21.39", envelope),
        attribute(MICROSOFT + ".21.25", bmp(PLATFORM)), attribute(EXTENSIONS, der(SEQ, TEMPLATE))],
        SHA256_ECDSA, filler(70))


def yubikey():
    """The numbers of a request: 11 and 1 for the slot's certificate, 2 for the device's, here without certificates."""
    stand_in = der(SEQ, der(0x86, b"no certificate"))
    asked = der(SEQ, extension(YUBICO + ".11", stand_in), extension(YUBICO + ".2", stand_in),
                extension(YUBICO + ".3", stand_in))
    return request(name("token.example.test"), EC_KEY, [attribute(EXTENSIONS, asked)], SHA256_ECDSA, filler(70))


def null_signed(subject, key, attributes):
    body = der(SEQ, b"\x02\x01\x00", name(subject), key, der(0xA0, *attributes))
    return der(SEQ, body, algorithm(SHA256, der(5)), der(BITS, b"\0" + hashlib.sha256(body).digest()))


def damaged():
    """Readable, and wrong in as many places as one request can be."""
    asked = der(SEQ, extension("2.5.29.17", der(SEQ, der(0x82, b"b\xfccher.example.test"), der(0x82, b"ok.example.test"))),
                extension("2.5.29.37", b"\x04\x00"))
    return request(name("damaged.example.test"), RSA_KEY, [
        WINDOWS_11, os_version("6.1.7601.2"),
        attribute(MICROSOFT + ".21.20", der(SEQ, utf8("no number"))),
        attribute(MICROSOFT + ".13.2.2", der(SEQ, integer(0), der(OCTETS, b"no name"))),
        attribute(MICROSOFT + ".21.33", der(OCTETS, b"TSAK" + bytes(24))),
        attribute(MICROSOFT + ".13.1", der(OCTETS, b"no certificate")),
        attribute("1.2.840.113549.1.9.7", utf8("a value that is never shown")),
        der(SEQ, oid("1.2.3.4")),
        attribute(EXTENSIONS, asked)], "1.2.3.4.5", tail=der(OCTETS, b"?")) + bytes(3)


def pki_data(controls, requests, messages=(), others=()):
    return der(SEQ, der(SEQ, *controls), der(SEQ, *requests), der(SEQ, *messages), der(SEQ, *others))


def control(number, dotted, part, added):
    reference = der(SEQ, integer(0), der(SEQ, integer(part)), added)
    return der(SEQ, integer(number), oid(dotted), der(SET, reference))


def tagged(part, pkcs10):
    return der(0xA0, integer(part), pkcs10)


def cmc():
    """What the certificate console sends for a template with key archival: the client stands in a control, the key beside
    the signature."""
    said = client(5, "pc-0003.example.test", "ORCHARD\\bo", "mmc.exe")
    inner = null_signed("Bo Quince", RSA_KEY, [WINDOWS_11, csp(1, "Microsoft Enhanced Cryptographic Provider v1.0"),
                                               attribute(EXTENSIONS, der(SEQ, TEMPLATE))])
    data = pki_data([control(2, MICROSOFT + ".10.10.1", 1, der(SET, said, attribute(MICROSOFT + ".21.21", der(OCTETS, bytes(20)))))],
                    [tagged(1, inner)])
    key = attribute(MICROSOFT + ".21.13", der(SEQ, oid("1.2.840.113549.1.7.3"), der(0xA0, der(SEQ))))
    return signed_data(PKI_DATA, der(OCTETS, data), signers=[signer(key)])


def cmc_mixed():
    """Every kind of part, with indefinite lengths and the content in pieces as BER allows."""
    inner = request(name("mixed.example.test"), EC_KEY, [csp(0, SOFTWARE)], SHA256_ECDSA, filler(70))
    second = request(name("second.example.test"), RSA_KEY, [csp(2, "Microsoft Base DSS Cryptographic Provider")])
    template = der(SEQ, der(0xA5, name("crmf.example.test")), b"\xa6" + EC_KEY[1:])
    crmf = der(0xA1, der(SEQ, integer(7), template))
    other = der(0xA2, integer(8), oid("1.2.3"), utf8("x"))
    data = pki_data([control(9, "1.3.6.1.5.5.7.7.8", 1, der(SEQ, dns_names("added.example.test")))],
                    [tagged(1, inner), tagged(2, second), crmf, other],
                    [der(SEQ, integer(3), der(SEQ, oid(DATA)))], [der(SEQ, integer(4), oid("1.2.3"), utf8("x"))])
    pieces = [der(OCTETS, data[at:at + 100]) for at in range(0, len(data), 100)]
    return open_ended(SEQ, oid(SIGNED_DATA), open_ended(0xA0, open_ended(
        SEQ, b"\x02\x01\x03", der(SET, algorithm(SHA256)),
        open_ended(SEQ, oid(PKI_DATA), open_ended(0xA0, open_ended(0x24, *pieces))),
        open_ended(0xA0, CA), der(SET, signer()))))


def renewal():
    inner = request(name("www.example.test"), EC_KEY, [WINDOWS_11, attribute(MICROSOFT + ".13.1", RSA), csp(0, SOFTWARE)],
                    SHA256_ECDSA, filler(70))
    return signed_data(DATA, der(OCTETS, inner), [RSA, CA], [signer()])


def by_agent():
    inner = request(name("Card Holder"), EC_KEY, [csp(0, "Microsoft Smart Card Key Storage Provider")], SHA256_ECDSA,
                    filler(70))
    return signed_data(DATA, der(OCTETS, inner), [RSA], [signer()])


def revocation_list():
    body = der(SEQ, integer(1), algorithm(SHA256_RSA), name("Example CA"), der(UTC_TIME, b"260101000000Z"),
               der(UTC_TIME, b"260201000000Z"))
    return der(SEQ, body, algorithm(SHA256_RSA), der(BITS, b"\0" + filler(256)))


def trust_list():
    """PKCS #7 1.5: the list is no OCTET STRING."""
    listed = der(SEQ, der(SEQ, oid(MICROSOFT + ".10.3.30")), integer(1), der(UTC_TIME, b"260101000000Z"),
                 algorithm("1.3.14.3.2.26"))
    return signed_data(MICROSOFT + ".10.1", listed, [RSA, CA], [signer()])


def attribute_certificate():
    issuer = der(SEQ, der(0xA4, name("Example Maker")))
    body = der(SEQ, integer(1), der(SEQ, der(0xA0, issuer, integer(5))), der(0xA0, issuer), algorithm(SHA256_RSA),
               integer(6), der(SEQ, der(24, b"20260101000000Z"), der(24, b"20360101000000Z")), der(SEQ))
    return der(SEQ, body, algorithm(SHA256_RSA), der(BITS, b"\0" + filler(256)))


def response():
    status = der(SEQ, integer(1), oid("1.3.6.1.5.5.7.7.1"), der(SET, der(SEQ, integer(0), der(SEQ, integer(1)))))
    return signed_data(PKI_RESPONSE, der(OCTETS, der(SEQ, der(SEQ, status), der(SEQ), der(SEQ))), [RSA, CA], [signer()])


def main():
    ksp = windows_ksp()
    write("pkcs10_request/windows-ksp.csr", ksp)
    write("pkcs10_request/windows-csp-2003.req", windows_csp())
    write("pkcs10_request/attested-tpm.csr", attested())
    write("pkcs10_request/attested-yubikey.csr", yubikey())
    write("pkcs10_request/null-signature.csr", null_signed("null.example.test", EC_KEY, [csp(0, SOFTWARE)]))
    write("pkcs10_request/damaged.csr", damaged())
    write("cmc_request/archived-key.req", cmc())
    write("cmc_request/mixed-ber.req", cmc_mixed())
    write("pkcs7/renewal.p7b", renewal())
    write("pkcs7/by-agent.p7b", by_agent())
    write("pem/requests.pem", pem("NEW CERTIFICATE REQUEST", ksp, 64, "\r\n")
          + pem("CERTIFICATE", cmc_mixed(), 64, "\r\n") + pem("PKCS7", renewal(), 64, "\r\n")
          + pem("X509 CRL", revocation_list(), 64, "\r\n") + pem("CERTIFICATE REQUEST", ksp[:-1], 64, "\r\n"))
    write("bare_base64/request.b64", base64_lines(ksp))
    write("crl/example.crl", revocation_list())
    write("ctl/example.stl", trust_list())
    write("attribute_certificate/platform.cer", attribute_certificate())
    write("public_key/rsa.pub", RSA_KEY)
    write("cmc_response/issued.rsp", response())


if __name__ == "__main__":
    main()
