//! Every column of every table. To add one: add its entry here and push its value where the rows are built.

use super::table;

table! {
    /// One row is a certificate, or a key without certificate, seen in one store of one client.
    OBSERVATIONS = "observations", Observations {
        audit: Word, Repeats @ Run, "Name of the audit, from --audit.";
        observation_id: Text, Differs, "source_id:byte_offset, with .n where several records start at one offset. Unique in a report.";
        client: Word, Repeats @ Run, "Machine whose export this is, lower case, never shortened.";
        client_basis: Word, Repeats @ Run, "How the client is known: record, dir, stem, regex or name.";
        store_location: Word, Repeats @ Key, "local_machine, current_user, service, enterprise or group_policy.";
        store_name: Word, Repeats @ Key, "Store as the export names it (My, Root, CA).";
        user_sid: Word, Repeats @ Key, "Owner of a user store.";
        collected_at: Time, Repeats @ Run, "When the collection was made, by its own header.";
        collector: Word, Repeats @ Run, "Program that made the collection.";
        collector_version: Word, Repeats @ Run, "Version of that program.";
        thumbprint: OrOfCertificate, Certificate, "SHA-1 of the certificate, hex: the identity Windows uses. Computed here, or as claimed where no certificate is known.";
        sha256: OrOfCertificate, Certificate, "SHA-256 of the certificate, hex: joins certificates. Computed here, or as claimed.";
        spki_sha256: OfCertificate, Certificate, "";
        certificate_basis: Word, Repeats @ Key, "der: parsed here; joined: known elsewhere in this scan by its hash; printed: only as text; none: not known.";
        subject: OfCertificate, Certificate, "";
        subject_cn: OfCertificate, Certificate, "";
        issuer: OfCertificate, Repeats, "";
        serial: OfCertificate, Certificate, "";
        not_before: OfCertificate, Repeats, "";
        not_after: OfCertificate, Repeats, "";
        not_after_year: OfCertificate, Repeats, "";
        validity_days: OfCertificate, Repeats, "";
        key_algorithm: OfCertificate, Repeats, "";
        key_size_bits: OfCertificate, Repeats, "";
        curve: OfCertificate, Repeats, "";
        signature_algorithm: OfCertificate, Repeats, "";
        is_ca: OfCertificate, Repeats, "";
        is_self_signed: OfCertificate, Repeats, "";
        eku: OfCertificate, Repeats, "";
        is_client_auth: OfCertificate, Repeats, "";
        is_server_auth: OfCertificate, Repeats, "";
        is_smart_card_logon: OfCertificate, Repeats, "";
        san_dns: OfCertificate, Repeats, "";
        san_upn: OfCertificate, Repeats, "";
        template_name: OfCertificate, Repeats, "";
        template_oid: OfCertificate, Repeats, "";
        printed_subject: Word, Repeats, "Subject as a tool printed it; not a fact.";
        printed_issuer: Word, Repeats, "Issuer as a tool printed it; not a fact.";
        printed_serial: Text, Differs, "Serial number as a tool printed it; not a fact.";
        printed_not_before: Word, Repeats, "Start of validity as a tool printed it; not a fact.";
        printed_not_after: Word, Repeats, "End of validity as a tool printed it; not a fact.";
        friendly_name: Word, Repeats, "Friendly name (property 11), verbatim.";
        is_archived: Bool, Repeats @ Key, "Archived mark (property 19).";
        request_originator: Word, Repeats, "DNS name of the machine that requested the certificate (property 71).";
        key_encryption: Word, Repeats, "Encryption of a key that lies in an exported file (PKCS#12): pbes2_aes_256_cbc, pbe_sha1_3des and so on; none where it lies open.";
        key_id: Hex, Differs, "Identity of the key: client, owner and public key (thumbprint, else provider and container, where the public key is unknown; a key listed without certificate is that of the certificate with its public key or container). Null where no key is claimed.";
        key_presence: Word, Repeats @ Key, "opened: used or tested; declared: a provider claim exists; missing: claimed but absent or not openable; none; unknown.";
        has_private_key: Bool, Repeats @ Key, "True for opened and declared, false for none, null for missing and unknown.";
        provider_name: Word, Repeats @ Key, "Provider as claimed, verbatim.";
        provider_type: Int64, Repeats @ Key, "dwProvType as claimed: 0 is CNG, everything else CryptoAPI.";
        key_spec: Int64, Repeats @ Key, "dwKeySpec as claimed. Decides nothing.";
        key_flags: Int64, Repeats @ Key, "dwFlags as claimed: 32 is a machine key.";
        key_container: Text, Differs, "Key container as claimed, verbatim.";
        key_path: Text, Differs, "Path or unique name of the key as claimed, verbatim.";
        key_identifier: Hex, Differs, "Identifier of the key, hex: property 20, or what names a key without certificate in its store or listing. Joins subject_key_id and public_key_sha1 of certificates.";
        key_reader: Word, Repeats @ Key, "Smart card reader as claimed (property 101).";
        impl_flags: Int64, Repeats @ Key, "Implementation flags of the key, raw; impl_api tells how to decode them.";
        impl_api: Word, Repeats @ Key, "Flag set of impl_flags: cng (NCRYPT_IMPL_*) or capi (CRYPT_IMPL_*).";
        is_exportable: Bool, Repeats @ Key, "The key's export policy, or a plain statement, allows export.";
        key_api: Word, Repeats @ Key, "Verdict: capi, cng, none or unknown.";
        key_api_grade: Word, Repeats @ Key, "Strength of the evidence: attested, recorded, catalogued or inferred.";
        key_api_rule: Word, Repeats @ Key, "Rule that decided; certcensus explain RULE tells it.";
        key_api_conflict: Bool, Repeats @ Key, "Weaker evidence contradicts the verdict.";
        key_storage: Word, Repeats @ Key, "Verdict: software, tpm, smart_card, usb_token, virtual_smart_card, hsm, cloud_kms, vbs, other_hardware, none or unknown.";
        key_storage_grade: Word, Repeats @ Key, "Strength of the evidence: attested, recorded, catalogued or inferred.";
        key_storage_rule: Word, Repeats @ Key, "Rule that decided; certcensus explain RULE tells it.";
        key_storage_conflict: Bool, Repeats @ Key, "Weaker evidence contradicts the verdict.";
        hardware_backed: Bool, Repeats @ Key, "The key is in hardware. Null where that is not known or the evidence allows both.";
        attestation_assurance: Word, Repeats @ Key, "high, medium or low, by the TPM attestation policy in the certificate; the grade tells whether it was verified.";
        pqc_status: OfCertificate, Repeats, "";
        format: Word, Repeats @ Run, "Format of the source.";
        format_confidence: Word, Repeats @ Run, "How sure the form of the export is: seen (a specification or real exports), documented (the vendor's words alone) or inferred.";
        source_id: Word, Repeats @ Run, "First 16 hex digits of SHA-256 over the source's path inside its input and its member: joins sources.";
        source_path: Word, Repeats @ Run, "Path of the source inside its input.";
        source_member: Word, Repeats @ Run, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of the record in the source, after decompression and before decoding.";
        record_number: Int64, Differs, "The export's own number of the record.";
    }
}

table! {
    /// One row is a distinct certificate: exactly one row per DER.
    CERTIFICATES = "certificates", Certificates {
        audit: Word, Repeats @ Profile, "Name of the audit, from --audit.";
        sha256: Hex, Differs @ Own, "SHA-256 of the certificate, hex.";
        thumbprint: Hex, Differs @ Own, "SHA-1 of the certificate, hex: the identity Windows uses.";
        spki_sha256: Hex, Differs @ Own, "SHA-256 of the SubjectPublicKeyInfo, hex: same value, same key pair.";
        public_key_sha1: Hex, Differs @ Own, "SHA-1 of the public key bits, hex: the usual key identifier (RFC 5280 4.2.1.2, method 1).";
        der_bytes: Int32, Repeats @ Own, "Length of the certificate in bytes.";
        version: Int32, Repeats @ Profile, "X.509 version: 1, 2 or 3.";
        serial: Text, Differs @ Own, "Serial number: DER content octets in hex, one sign-padding 00 dropped.";
        serial_is_negative: Bool, Repeats @ Own, "The serial number is negative, against RFC 5280 4.1.2.2.";
        subject: Text, Differs @ Own, "Subject as RFC 4514 string, lossless.";
        subject_cn: Text, Differs @ Own, "Most specific common name of the subject.";
        issuer: Word, Repeats @ Profile, "Issuer as RFC 4514 string, lossless.";
        issuer_cn: Word, Repeats @ Profile, "Most specific common name of the issuer.";
        not_before: Time, Repeats @ Own, "Start of validity.";
        not_after: Time, Repeats @ Own, "End of validity.";
        not_after_year: Int32, Repeats @ Own, "Calendar year in which validity ends, UTC.";
        validity_days: Int32, Repeats @ Own, "Whole days from start to end of validity.";
        key_algorithm: Word, Repeats @ Profile, "rsa, ec, ed25519, ml_dsa_65 and so on, or the dotted OID.";
        key_size_bits: Int32, Repeats @ Profile, "Bits of the RSA modulus, of the EC field, or of the DSA prime.";
        curve: Word, Repeats @ Profile, "Named curve, or its dotted OID.";
        rsa_exponent: Int64, Repeats @ Profile, "RSA public exponent.";
        signature_algorithm: Word, Repeats @ Profile, "sha256_with_rsa, ecdsa_with_sha384, rsa_pss and so on, or the dotted OID.";
        signature_hash: Word, Repeats @ Profile, "Hash of the signature; for RSA-PSS from its parameters.";
        pss_salt_length: Int32, Repeats @ Profile, "RSA-PSS salt length in bytes.";
        pss_mgf_hash: Word, Repeats @ Profile, "RSA-PSS mask generation hash.";
        is_ca: Bool, Repeats @ Profile, "Basic constraints say CA.";
        path_length: Int32, Repeats @ Profile, "Path length constraint.";
        is_self_signed: Bool, Repeats @ Own, "Subject and issuer are the same name and the key identifiers agree; the signature is not verified.";
        key_usage: TextList, Repeats @ Profile, "Key usage bits by their RFC 5280 names.";
        eku: TextList, Repeats @ Profile, "Extended key usage OIDs.";
        application_policies: TextList, Repeats @ Profile, "Microsoft application policy OIDs.";
        certificate_policies: TextList, Repeats @ Profile, "Certificate policy OIDs.";
        is_client_auth: Bool, Repeats @ Profile, "Extended key usage allows client authentication; null where the certificate has none and so states no restriction.";
        is_server_auth: Bool, Repeats @ Profile, "Extended key usage allows server authentication; null where the certificate has none.";
        is_smart_card_logon: Bool, Repeats @ Profile, "Extended key usage has smart-card logon; null where the certificate has none.";
        san_dns: TextList, Differs @ Own, "DNS names of the subject alternative name.";
        san_upn: TextList, Differs @ Own, "User principal names of the subject alternative name.";
        san_email: TextList, Differs @ Own, "E-mail addresses of the subject alternative name.";
        san_ip: TextList, Differs @ Own, "IP addresses of the subject alternative name.";
        san_uri: TextList, Differs @ Own, "URIs of the subject alternative name.";
        san_directory: TextList, Differs @ Own, "Directory names of the subject alternative name, RFC 4514.";
        san_other: TextList, Differs @ Own, "Every other alternative name: its type and the hex of its DER.";
        sid: Text, Differs @ Own, "Security identifier for strong mapping (KB5014754).";
        template_name: Word, Repeats @ Profile, "Certificate template, version 1 extension.";
        template_oid: Word, Repeats @ Profile, "Certificate template, version 2 extension.";
        template_major: Int32, Repeats @ Profile, "Major version of the template.";
        template_minor: Int32, Repeats @ Profile, "Minor version of the template.";
        subject_key_id: Text, Differs @ Own, "Subject key identifier, hex.";
        authority_key_id: Word, Repeats @ Profile, "Authority key identifier, hex.";
        crl_urls: TextList, Repeats @ Profile, "CRL distribution points.";
        ocsp_urls: TextList, Repeats @ Profile, "OCSP responders.";
        ca_issuer_urls: TextList, Repeats @ Profile, "Where the issuer's certificate is published.";
        extension_oids: TextList, Repeats @ Profile, "Every extension, in order.";
        unknown_critical: TextList, Repeats @ Profile, "Critical extensions that certcensus does not interpret.";
        is_weak: Bool, Repeats @ Profile, "weak_reasons is not empty.";
        weak_reasons: TextList, Repeats @ Profile, "Why key or signature is weak: rsa_below_2048, sha1_signature and so on.";
        is_roca: Bool, Repeats @ Own, "The RSA modulus has the shape of keys of a vulnerable library (ROCA, CVE-2017-15361): they can be broken.";
        pqc_status: Word, Repeats @ Profile, "quantum_vulnerable, post_quantum or composite, by the key algorithm; null where the algorithm is unknown.";
        attestation_policies: TextList, Repeats @ Profile, "TPM attestation policies by name: endorsement_key (high), endorsement_certificate (medium), user_credentials (low). As stated by the issuer, not verified here.";
        tpm_role: Word, Repeats @ Profile, "Role of a TPM certificate by its extended key usage: endorsement_key, platform, attestation_identity_key, privacy_ca.";
        is_yubikey_attestation: Bool, Repeats @ Profile, "A YubiKey slot attestation certificate.";
        yubikey_firmware: Word, Repeats @ Profile, "YubiKey firmware version.";
        yubikey_serial: Int64, Repeats @ Profile, "YubiKey serial number.";
        yubikey_pin_policy: Word, Repeats @ Profile, "YubiKey PIN policy of the slot.";
        yubikey_touch_policy: Word, Repeats @ Profile, "YubiKey touch policy of the slot.";
        yubikey_form_factor: Int32, Repeats @ Profile, "YubiKey form factor byte, raw.";
        problems: TextList, Repeats @ Profile, "Fields that could not be parsed; rejects tells why.";
    }
}

table! {
    /// One row is a private key as known on one client, with the verdict of everything that the scan has on it.
    KEYS = "keys", Keys {
        audit: Word, Repeats @ Run, "Name of the audit, from --audit.";
        key_id: Hex, Differs, "Identity of the key: client, owner and public key (thumbprint where the public key is unknown). One row each; joins observations, evidence and findings.";
        client: Word, Repeats @ Run, "Machine, lower case.";
        client_basis: Word, Repeats @ Run, "How the client is known: record, dir, stem, regex or name.";
        user_sid: Word, Repeats, "Owner of the user store it was seen in.";
        store_location: Word, Repeats @ Key, "Kind of the store it was first seen in.";
        store_name: Word, Repeats @ Key, "Store it was first seen in.";
        spki_sha256: Hex, Differs, "SHA-256 of the SubjectPublicKeyInfo, hex.";
        thumbprint: Hex, Differs, "SHA-1 of its certificate, hex; of several the one that ends last.";
        sha256: Hex, Differs, "SHA-256 of that certificate, hex: joins certificates.";
        subject: Text, Differs, "Subject of that certificate, RFC 4514.";
        not_after: Time, Repeats, "End of that certificate's validity.";
        key_algorithm: Word, Repeats @ Profile, "As in certificates; without one, as its provider says it.";
        key_size_bits: Int32, Repeats @ Profile, "As in certificates; without one, as its provider says it.";
        pqc_status: Word, Repeats @ Profile, "As in certificates.";
        is_client_auth: Bool, Repeats @ Profile, "One of its certificates allows client authentication.";
        is_server_auth: Bool, Repeats @ Profile, "One of its certificates allows server authentication.";
        is_smart_card_logon: Bool, Repeats @ Profile, "One of its certificates is for smart-card logon.";
        template_name: Word, Repeats @ Profile, "Template of that certificate: by its extension, or by the scan's template of that OID.";
        template_oid: Word, Repeats @ Profile, "Template of that certificate.";
        certificates: Int32, Repeats, "Distinct certificates of this key that were seen with it.";
        key_presence: Word, Repeats @ Key, "opened, declared or missing, as the latest collection says.";
        provider_name: Word, Repeats @ Key, "Provider as the latest record claims it, verbatim.";
        provider_type: Int64, Repeats @ Key, "dwProvType of the same record.";
        is_exportable: Bool, Repeats @ Key, "Some record says that the key can be exported; false where others say that it cannot.";
        is_in_file: Bool, Repeats @ Key, "The key itself lies in an exported file.";
        key_api: Word, Repeats @ Key, "Verdict: capi, cng or unknown.";
        key_api_grade: Word, Repeats @ Key, "Strength of the evidence: attested, recorded, catalogued or inferred.";
        key_api_rule: Word, Repeats @ Key, "Rule that decided; certcensus explain RULE tells it.";
        key_api_conflict: Bool, Repeats @ Key, "Other evidence contradicts the verdict.";
        key_storage: Word, Repeats @ Key, "Verdict: software, tpm, smart_card, usb_token, virtual_smart_card, hsm, cloud_kms, vbs, other_hardware or unknown.";
        key_storage_grade: Word, Repeats @ Key, "Strength of the evidence: attested, recorded, catalogued or inferred.";
        key_storage_rule: Word, Repeats @ Key, "Rule that decided; certcensus explain RULE tells it.";
        key_storage_conflict: Bool, Repeats @ Key, "Other evidence contradicts the verdict.";
        conflict: Word, Repeats, "Both sides of each conflict, in words.";
        hardware_backed: Bool, Repeats @ Key, "The key is in hardware. Null where that is not known or the evidence allows both.";
        attestation_assurance: Word, Repeats @ Key, "high, medium or low, by the verified attestation where the storage is attested, else by the TPM attestation policy of a certificate, which nobody verified.";
        attestation_status: Word, Repeats, "verified, or why not (no_issuer, issuer_not_listed, bad_signature and so on); null without marks of attestation or without --attestation-issuers.";
        observations: Int32, Repeats, "Rows of observations that show it.";
        sources: Int32, Repeats, "Sources that they stand in.";
        enrolments: Int32, Repeats, "Rows of requests for this public key.";
        clients_with_key: Int32, Repeats, "Clients with a private key of this public key that is not missing.";
        source_id: Word, Repeats @ Run, "Where it was first seen: joins sources.";
        source_path: Word, Repeats @ Run, "Path of that source inside its input.";
        source_member: Word, Repeats @ Run, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of that record in the source.";
        record_number: Int64, Differs, "The export's own number of that record.";
    }
}

table! {
    /// One row is a piece of evidence about a key: what decided its verdict, agreed with it or contradicted it.
    EVIDENCE = "evidence", Evidence {
        audit: Word, Repeats @ Run, "Name of the audit, from --audit.";
        key_id: Hex, Repeats @ Own, "The key: joins keys.";
        client: Word, Repeats @ Run, "Its machine, lower case.";
        subject: Word, Repeats @ Key, "The verdict that it is about: api or storage.";
        kind: Word, Repeats @ Key, "Which claim or fact it is: provider_type, provider_name, key_path, declared_provider and so on.";
        rule: Word, Repeats @ Key, "Rule by which it is read; certcensus explain RULE tells it.";
        rank: Int32, Repeats @ Key, "Strength among the evidence on its subject, 1 the strongest.";
        value: Word, Repeats @ Key, "The claim, verbatim.";
        says: Word, Repeats @ Key, "What it says: an API or a kind of storage, with what else it allows.";
        outcome: Word, Repeats @ Key, "won, agreed or contradicted.";
        times: Int32, Repeats @ Key, "How many records say the same; the first one is named.";
        observation_id: Text, Repeats @ Own, "The observation that says it.";
        request_id: Text, Repeats @ Own, "The enrolment that says it.";
        template_id: Text, Repeats @ Own, "The template that says it.";
        source_id: Word, Repeats @ Run, "Where it stands: joins sources.";
        source_path: Word, Repeats @ Run, "Path of that source inside its input.";
        source_member: Word, Repeats @ Run, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Repeats @ Own, "Offset of that record in the source.";
        record_number: Int64, Repeats @ Own, "The export's own number of that record.";
    }
}

table! {
    /// One row is a provider registered on a client.
    PROVIDERS = "providers", Providers {
        audit: Word, Repeats, "Name of the audit, from --audit.";
        client: Word, Repeats, "Machine, lower case.";
        client_basis: Word, Repeats, "How the client is known: record, dir, stem, regex or name.";
        provider_name: Word, Repeats, "Provider, verbatim.";
        api: Word, Repeats, "Which enumeration listed it: capi or cng.";
        provider_type: Int64, Repeats, "CryptoAPI provider type.";
        impl_flags: Int64, Repeats, "Implementation flags of the provider, raw.";
        impl_api: Word, Repeats, "Flag set of impl_flags: cng or capi.";
        impl_status: Word, Repeats, "Why impl_flags is missing, as reported.";
        image: Word, Repeats, "Path of the provider's module.";
        smart_card: Word, Repeats, "Smart card that the client's registry assigns to this provider.";
        catalogue_name: Word, Repeats, "Row of the provider catalogue that its name matches.";
        catalogue_match: Word, Repeats, "exact, prefix or contains.";
        catalogue_api: Word, Repeats, "API by the catalogue: capi, cng or cng_primitive.";
        catalogue_storage: Word, Repeats, "Kind of key storage by the catalogue.";
        catalogue_confidence: Word, Repeats, "Confidence of that row.";
        format_confidence: Word, Repeats, "How sure the form of the export is: seen (a specification or real exports), documented (the vendor's words alone) or inferred.";
        source_id: Word, Repeats, "Joins sources.";
        source_path: Word, Repeats, "Path of the source inside its input.";
        source_member: Word, Repeats, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of the record in the source.";
        record_number: Int64, Differs, "The export's own number of the record.";
    }
}

table! {
    /// One row is an enrolment, as a request file or a CA's database records it. What the client says of its key is declared, not proved.
    REQUESTS = "requests", Requests {
        audit: Word, Repeats, "Name of the audit, from --audit.";
        request_id: Text, Differs, "source_id:byte_offset, with .n where several records start at one offset. Unique in a report.";
        client: Word, Repeats, "Machine whose export this is, lower case: of a CA's database the CA, not the machine that asked.";
        client_basis: Word, Repeats, "How the client is known: record, dir, stem, regex or name.";
        request_kind: Word, Repeats, "pkcs10, renewal or signed (both: PKCS#10 in signedData), cmc, crmf or ca_row.";
        request_number: Int64, Differs, "The CA's number of the request.";
        disposition: Word, Repeats, "What became of it, as the CA's database says.";
        printed_submitted_at: Word, Repeats, "When the CA received it, as a tool printed it in the CA's own time; not a fact.";
        requester: Word, Repeats, "Who asked, as the CA's database says.";
        subject: Text, Differs, "Subject asked for, RFC 4514.";
        spki_sha256: Hex, Differs, "SHA-256 of the SubjectPublicKeyInfo, hex: joins certificates and keys.";
        public_key_sha1: Hex, Differs, "SHA-1 of the public key bits, hex.";
        key_algorithm: Word, Repeats, "rsa, ec and so on, as in certificates.";
        key_size_bits: Int32, Repeats, "Bits of the key, as in certificates.";
        curve: Word, Repeats, "Named curve, or its dotted OID.";
        signature_algorithm: Word, Repeats, "Algorithm of the request's signature.";
        is_signed: Bool, Repeats, "False where nothing, or only a hash, stands in place of the signature. True says that one is there; it is not verified.";
        san_dns: TextList, Differs, "DNS names asked for.";
        san_upn: TextList, Differs, "User principal names asked for.";
        san_other: TextList, Differs, "Every other alternative name asked for: its type, a colon and its text (iPAddress:192.0.2.1), or # and the hex of its DER.";
        sid: Text, Differs, "Security identifier asked for (KB5014754).";
        eku: TextList, Repeats, "Extended key usage OIDs asked for.";
        provider_name: Word, Repeats, "Provider that the client declares to hold the key, verbatim.";
        key_spec: Int64, Repeats, "Key spec that the client declares. Decides nothing.";
        catalogue_name: Word, Repeats, "Row of the provider catalogue that the declared name matches.";
        catalogue_api: Word, Repeats, "API by the catalogue: capi, cng or cng_primitive.";
        catalogue_storage: Word, Repeats, "Kind of key storage by the catalogue.";
        catalogue_confidence: Word, Repeats, "Confidence of that row.";
        machine: Word, Repeats, "Machine that asked, as it declares.";
        user: Word, Repeats, "User that asked, as the client declares.";
        process: Word, Repeats, "Program that asked, as the client declares.";
        client_id: Int64, Repeats, "Component that asked ([MS-WCCE] 2.2.2.7.4): 5 default, 6 autoenrolment, 7 wizard, 9 certreq.";
        os_version: Word, Repeats, "major.minor.build.platform of the machine that asked, as it declares.";
        template_name: Word, Repeats, "Template asked for by name.";
        template_oid: Word, Repeats, "Template asked for by OID.";
        private_key_flags: Int64, Repeats, "Private key flags of the template when the certificate was issued, raw ([MS-CRTD] 2.27).";
        attestation: TextList, Repeats, "Marks of a key attestation that the client sent or the CA recorded. A claim, not a verdict.";
        attestation_platform: Word, Repeats, "Platform of the attestation statement: tpm_1_2, tpm_2_0, or its number.";
        attestation_provider: Word, Repeats, "Provider that made the attestation, as the client declares.";
        is_key_archived: Bool, Repeats, "True where the private key was sent along for archiving, so it was exportable; null where no mark says so.";
        attributes: TextList, Repeats, "Every attribute of the request, dotted, in order.";
        extensions: TextList, Repeats, "Every extension asked for, dotted, in order.";
        renewed_thumbprint: Hex, Differs, "SHA-1 of the certificate that is renewed, hex.";
        thumbprint: Hex, Differs, "SHA-1 of the certificate that the CA issued, hex.";
        sha256: Hex, Differs, "SHA-256 of the certificate that the CA issued, hex.";
        format_confidence: Word, Repeats, "How sure the form of the export is: seen (a specification or real exports), documented (the vendor's words alone) or inferred.";
        source_id: Word, Repeats, "Joins sources.";
        source_path: Word, Repeats, "Path of the source inside its input.";
        source_member: Word, Repeats, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of the record in the source.";
        record_number: Int64, Differs, "The export's own number of the record.";
    }
}

table! {
    /// One row is an endpoint or role on a client that uses a certificate.
    BINDINGS = "bindings", Bindings {
        audit: Word, Repeats, "Name of the audit, from --audit.";
        binding_id: Text, Differs, "source_id:byte_offset, with .n where several records start at one offset. Unique in a report.";
        client: Word, Repeats, "Machine, lower case.";
        client_basis: Word, Repeats, "How the client is known: record, dir, stem, regex or name.";
        binding_kind: Word, Repeats, "What uses the certificate: http_sys, iis, rdp, sql_server, winrm, adfs, cm_client, cm_role or other.";
        endpoint: Word, Repeats, "Endpoint as the export spells it.";
        ip: Word, Repeats, "Address of the endpoint.";
        port: Int32, Repeats, "Port of the endpoint.";
        sni_host: Word, Repeats, "Host name that clients ask for.";
        thumbprint: Hex, Differs, "SHA-1 of the certificate, hex: joins observations.";
        store_name: Word, Repeats, "Store that the certificate is looked for in.";
        app_id: Word, Repeats, "Application that made the binding: a GUID, lower case.";
        app_name: Word, Repeats, "Application of that GUID, where it is documented: IIS, AD FS, SSTP.";
        site_name: Word, Repeats, "Name of the web site.";
        ssl_flags: Int64, Repeats, "Flags of the binding: 1 needs SNI, 2 uses the central certificate store.";
        role: Word, Repeats, "Role of a site system, as Configuration Manager spells it.";
        site_code: Word, Repeats, "Configuration Manager site code.";
        site_version: Word, Repeats, "Configuration Manager site version.";
        ssl_state: Int64, Repeats, "SslState of the role.";
        format_confidence: Word, Repeats, "How sure the form of the export is: seen (a specification or real exports), documented (the vendor's words alone) or inferred.";
        source_id: Word, Repeats, "Joins sources.";
        source_path: Word, Repeats, "Path of the source inside its input.";
        source_member: Word, Repeats, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of the record in the source.";
        record_number: Int64, Differs, "The export's own number of the record.";
    }
}

table! {
    /// One row is a certificate template.
    TEMPLATES = "templates", Templates {
        audit: Word, Repeats, "Name of the audit, from --audit.";
        template_id: Text, Differs, "source_id:byte_offset, with .n where several records start at one offset. Unique in a report.";
        client: Word, Repeats, "Machine whose export this is, lower case.";
        client_basis: Word, Repeats, "How the client is known: record, dir, stem, regex or name.";
        template_name: Word, Repeats, "Common name of the template: joins template_name of certificates.";
        display_name: Word, Repeats, "Name for people.";
        template_oid: Word, Repeats, "Object identifier of the template: joins template_oid of certificates.";
        schema_version: Int32, Repeats, "msPKI-Template-Schema-Version: 1 to 4.";
        major_revision: Int32, Repeats, "Major revision.";
        minor_revision: Int32, Repeats, "Minor revision.";
        provider_category: Word, Repeats, "Provider category in Microsoft's words: legacy (cryptographic service providers) or key_storage_provider; null where version or flags are not said.";
        default_api: Word, Repeats, "API that clients use by default with this template: capi or cng. Policy, not proof.";
        providers: TextList, Repeats, "Providers in the order of preference; null where none is named.";
        any_provider: Bool, Repeats, "True where the export can name providers and names none: any provider of the category may be used.";
        ca_compatibility: Word, Repeats, "Oldest certification authority: windows_server_2003 to windows_server_2016.";
        recipient_compatibility: Word, Repeats, "Oldest recipient: windows_xp_server_2003 to windows_10_server_2016.";
        key_algorithm: Word, Repeats, "Asymmetric algorithm that the template asks for; versions 1 and 2 have none.";
        hash_algorithm: Word, Repeats, "Hash of the request's signature that the template asks for.";
        minimal_key_size: Int32, Repeats, "Smallest key size in bits.";
        key_spec: Int64, Repeats, "Default key spec: 1 exchange, 2 signature.";
        is_exportable: Bool, Repeats, "Keys may be exported.";
        requires_archival: Bool, Repeats, "The private key is archived at the CA.";
        is_strong_protection: Bool, Repeats, "The user is asked at every use.";
        uses_legacy_provider: Bool, Repeats, "Flag CTPRIVATEKEY_FLAG_USE_LEGACY_PROVIDER (0x100).";
        attestation: Word, Repeats, "Key attestation: none, preferred or required.";
        attestation_basis: TextList, Repeats, "What the CA trusts: trust_on_use, endorsement_certificate, endorsement_key, and without_policy.";
        subject_rules: TextList, Repeats, "Where the subject comes from: supplied_by_enrollee, or from_ad with common_name, dns_as_cn, email, directory_path.";
        san_rules: TextList, Repeats, "What the subject alternative name has from Active Directory: dns, upn, email, spn, guid, domain_dns; supplied_by_enrollee.";
        eku: TextList, Repeats, "Extended key usage OIDs.";
        application_policies: TextList, Repeats, "Application policy OIDs.";
        issuance_policies: TextList, Repeats, "Issuance policy OIDs.";
        ra_signatures: Int32, Repeats, "Signatures that a request needs.";
        validity_days: Int32, Repeats, "Whole days of validity.";
        renewal_days: Int32, Repeats, "Whole days before the end in which renewal begins.";
        general_flags: Int64, Repeats, "flags, raw.";
        private_key_flags: Int64, Repeats, "msPKI-Private-Key-Flag, raw, unsigned.";
        enrollment_flags: Int64, Repeats, "msPKI-Enrollment-Flag, raw, unsigned.";
        name_flags: Int64, Repeats, "msPKI-Certificate-Name-Flag, raw, unsigned.";
        format_confidence: Word, Repeats, "How sure the form of the export is: seen (a specification or real exports), documented (the vendor's words alone) or inferred.";
        source_id: Word, Repeats, "Joins sources.";
        source_path: Word, Repeats, "Path of the source inside its input.";
        source_member: Word, Repeats, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of the record in the source.";
        record_number: Int64, Differs, "The export's own number of the record.";
    }
}

table! {
    /// One row is the outcome of a rule for what it concerns.
    FINDINGS = "findings", Findings {
        audit: Word, Repeats @ Run, "Name of the audit, from --audit.";
        rule: Word, Repeats @ Key, "Rule; certcensus explain RULE tells it.";
        severity: Word, Repeats @ Key, "critical, high, medium, low or info.";
        status: Word, Repeats @ Key, "blocks, warns, ok, not_listed or unknown.";
        product: Word, Repeats @ Key, "Product whose rule it is; null for rules of hygiene.";
        scenario: Word, Repeats @ Key, "Use of the key that is judged.";
        client: Word, Repeats @ Run, "Machine concerned, lower case.";
        client_basis: Word, Repeats, "How the client is known: record, dir, stem, regex or name.";
        concerns: Word, Repeats @ Key, "Kind of thing concerned: private_key, key, binding, template, role, program or client.";
        concerned: Text, Differs, "The thing itself: its kind, name or id.";
        observation_id: Text, Differs, "The observation concerned.";
        key_id: Hex, Differs, "The key concerned.";
        thumbprint: Hex, Differs, "SHA-1 of the certificate concerned, hex.";
        spki_sha256: Hex, Differs, "SHA-256 of the SubjectPublicKeyInfo concerned, hex.";
        observed_at: Time, Repeats @ Key, "When what was found happened, where the export says it.";
        message: Word, Repeats @ Key, "One sentence for people.";
        rule_source: Word, Repeats @ Key, "Where it is said: the statement that decided, where there is one, else the rule.";
        source_id: Word, Repeats @ Run, "Joins sources.";
        source_path: Word, Repeats @ Run, "Path of the source inside its input.";
        source_member: Word, Repeats @ Run, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of the record in the source.";
        record_number: Int64, Differs, "The export's own number of the record.";
    }
}

table! {
    /// One row is a client: what is known about it, and its observations counted by verdict.
    CLIENTS = "clients", Clients {
        audit: Word, Repeats, "Name of the audit, from --audit.";
        client: Text, Differs, "Machine, lower case; null for observations whose client is not known.";
        fqdn: Text, Differs, "Fully qualified name, as its latest collection says.";
        domain: Word, Repeats, "Domain.";
        machine_guid: Text, Differs, "MachineGuid of the Windows installation.";
        smbios_uuid: Text, Differs, "SMBIOS UUID.";
        is_ambiguous: Bool, Repeats, "Collections of this name disagree about machine_guid or fqdn: it may be several machines.";
        collections: Int32, Repeats, "Collections read for this client.";
        incomplete_collections: Int32, Repeats, "Collections without their end record.";
        collected_at: Time, Repeats, "Time of the latest collection.";
        collector: Word, Repeats, "Program of the latest collection.";
        collector_version: Word, Repeats, "Its version.";
        os_version: Word, Repeats, "Windows version (10.0.x.y).";
        os_caption: Word, Repeats, "Windows edition in the client's language.";
        ubr: Int64, Repeats, "Update build revision.";
        arch: Word, Repeats, "Processor architecture.";
        elevated: Bool, Repeats, "The collector ran elevated.";
        tpm_present: Bool, Repeats, "A TPM is present.";
        tpm_ready: Bool, Repeats, "The TPM is ready.";
        tpm_spec: Word, Repeats, "TPM specification version.";
        vbs_running: Bool, Repeats, "Virtualization-based security is running.";
        cm_client_version: Word, Repeats, "Configuration Manager client version.";
        cm_client_id: Text, Differs, "Configuration Manager client id.";
        cm_site_code: Word, Repeats, "Configuration Manager site code.";
        cm_roles: TextList, Repeats, "Site system roles on this client.";
        calais_disable_capi_override: Int64, Repeats, "Registry value DisableCapiOverrideForRSA, raw; null where absent or not asked.";
        observations: Int64, Repeats, "Observations of this client.";
        with_key: Int64, Repeats, "Observations whose key is opened or declared.";
        missing_key: Int64, Repeats, "Observations whose key is claimed but missing.";
        api_capi: Int64, Repeats, "Observations with key_api capi.";
        api_cng: Int64, Repeats, "Observations with key_api cng.";
        api_unknown: Int64, Repeats, "Observations with key_api unknown.";
        storage_software: Int64, Repeats, "Observations with key_storage software.";
        storage_vbs: Int64, Repeats, "Observations with key_storage vbs.";
        storage_hardware: Int64, Repeats, "Observations with hardware_backed true.";
        storage_unknown: Int64, Repeats, "Observations with a key whose hardware_backed is null.";
        conflicts: Int64, Repeats, "Observations with a conflict in either verdict.";
        keys: Int64, Repeats, "Private keys, each once: rows of keys.";
        keys_capi: Int64, Repeats, "Keys with key_api capi: still to be moved.";
        keys_cng: Int64, Repeats, "Keys with key_api cng.";
        keys_api_unknown: Int64, Repeats, "Keys with key_api unknown.";
        keys_hardware: Int64, Repeats, "Keys with hardware_backed true.";
        keys_attested: Int64, Repeats, "Keys whose storage is attested.";
        keys_conflicting: Int64, Repeats, "Keys with a conflict in either verdict.";
        findings_block: Int64, Repeats, "Findings with status blocks: what does not work, or will not.";
        findings_warn: Int64, Repeats, "Findings with status warns.";
        findings_unknown: Int64, Repeats, "Findings with status unknown: what the exports do not tell.";
    }
}

table! {
    /// One row is a source: an input file, or a member of an archive.
    SOURCES = "sources", Sources {
        audit: Word, Repeats, "Name of the audit, from --audit.";
        source_id: Text, Differs, "First 16 hex digits of SHA-256 over the path inside the input and, after a NUL, the member.";
        source_path: Text, Differs, "Path inside its input, with forward slashes.";
        source_member: Word, Repeats, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        format: Word, Repeats, "Recognised format; certcensus formats lists them.";
        bytes: Int64, Differs, "Size in bytes, unpacked; null where the end was not reached and nothing says it.";
        sha256: Hex, Differs, "SHA-256 of the file or the unpacked member, with --hash-sources.";
        status: Word, Repeats, "complete, incomplete, failed, unsupported (recognised, not read yet), locked (encrypted, or a password is missing), unrecognised or empty.";
        records: Int64, Repeats, "Records met: yielded + skipped + rejected.";
        yielded: Int64, Repeats, "Records that gave rows.";
        observations: Int64, Repeats, "Rows in observations.";
        skipped: Int64, Repeats, "Records understood that give no row.";
        skip_reasons: TextList, Repeats, "Why records were skipped, as reason=count.";
        rejects: Int64, Repeats, "Records lost.";
        degraded: Int64, Repeats, "Rows kept with a doubt.";
    }
}

table! {
    /// One row is a record, field or source that could not be read.
    REJECTS = "rejects", Rejects {
        audit: Word, Repeats, "Name of the audit, from --audit.";
        observation_id: Text, Differs, "The observation that was kept, where the doubt is about one.";
        client: Word, Repeats, "Machine, lower case, where known.";
        stage: Word, Repeats, "walk, read, decode, parse or collect.";
        code: Word, Repeats, "Why; certcensus explain CODE tells it.";
        severity: Word, Repeats, "lost: not in the report; degraded: a row was kept with a doubt.";
        field: Word, Repeats, "Field concerned.";
        message: Word, Repeats, "One sentence for people.";
        sample: Word, Repeats, "A short escaped piece of the input; never key material.";
        source_id: Word, Repeats, "Joins sources.";
        source_path: Word, Repeats, "Path of the source inside its input.";
        source_member: Word, Repeats, "Member of an archive, through archives in archives: names joined by slashes; null for a file itself.";
        byte_offset: Int64, Differs, "Offset of the record in the source.";
        record_number: Int64, Differs, "The export's own number of the record.";
    }
}
