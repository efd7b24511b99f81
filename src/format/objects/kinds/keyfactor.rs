//! Keyfactor (windows-text 8): rows of the WinCert and IIS inventory, and configurations of its jobs, which name the
//! certificates of the last inventory.

use super::fields::Fields;
use crate::format::objects::{Kind, Object, Value, Visit};
use crate::record::{Code, FormatConfidence, Lineage, Reject, Stage};

/// A row of the inventory.
pub const ITEM: Kind = Kind {
    name: "keyfactor_inventory",
    title: "certificate of a Keyfactor inventory",
    yields: "a certificate with its provider",
    source: "Keyfactor IIS and WinCert orchestrator, inventory script",
    confidence: FormatConfidence::Seen,
    is: is_item,
    read: read_item,
};

/// What an orchestrator reports of one entry of a store.
pub const ENTRY: Kind = Kind {
    name: "keyfactor_entry",
    title: "inventory entry of a Keyfactor orchestrator",
    yields: "a certificate and its chain",
    source: "Keyfactor orchestrator SDK, CurrentInventoryItem",
    confidence: FormatConfidence::Documented,
    is: |object| ["alias", "certificates", "privatekeyentry"].iter().all(|name| object.has(name)),
    read: read_entry,
};

/// The configuration of a job.
pub const JOB: Kind = Kind {
    name: "keyfactor_job",
    title: "job configuration of Keyfactor",
    yields: "the certificates of the last inventory, by their hashes",
    source: "Keyfactor IIS and WinCert orchestrator, job configuration",
    confidence: FormatConfidence::Seen,
    is: |object| object.has("lastinventory") && object.has("certificatestoredetails"),
    read: read_job,
};

fn is_item(object: &Object<'_>) -> bool {
    let named = ["thumbprint", "storename", "hasprivatekey"].iter().all(|name| object.has(name));
    named && object.has("providername") && (object.has("base64data") || object.has("expirydate"))
}

fn read_item(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let mut fields = Fields::default();
    for (name, value) in &object.fields {
        // The subject stands in the column of this name.
        let name = if super::super::is_name(name, "certificate") { "Subject" } else { name };
        fields.add(name, value);
    }
    fields.push(visit, ITEM.confidence, true);
}

fn read_entry(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let certificates = object.get("certificates").map_or(&[][..], Value::items);
    let first = visit.lineage;
    for (part, certificate) in (first.part..).zip(certificates) {
        let mut fields = Fields::default();
        fields.add("Certificate", certificate);
        // The key, and what is said of it, is that of the first one; others are its chain.
        if part == first.part {
            if let Some(key) = object.get("privatekeyentry") {
                fields.add("PrivateKeyEntry", key);
            }
            let parameters = object.get("parameters").and_then(Value::object);
            if let Some(provider) = parameters.and_then(|parameters| parameters.get("providername")) {
                fields.add("ProviderName", provider);
            }
        }
        visit.lineage = Lineage { part, ..first };
        fields.push(visit, ENTRY.confidence, false);
    }
    if certificates.is_empty() {
        let message = "the entry has no certificate";
        visit.sink.reject(Reject::lost(first, Stage::Decode, Code::NoCertificate, message));
    }
}

fn read_job(object: &Object<'_>, visit: &mut Visit<'_, '_>) {
    let items = object.get("lastinventory").map_or(&[][..], Value::items);
    let store = object.get("certificatestoredetails").and_then(Value::object);
    let lineage = visit.lineage;
    let mut part = lineage.part;
    for item in items.iter().filter_map(Value::object) {
        let hashes = item.get("thumbprints").map_or(&[][..], Value::items);
        // The key is that of the first one; others are its chain.
        for (at, hash) in hashes.iter().enumerate() {
            let mut fields = Fields::default();
            fields.add("Thumbprint", hash);
            if at == 0
                && let Some(key) = item.get("privatekeyentry")
            {
                fields.add("PrivateKeyEntry", key);
            }
            for (name, own) in [("ClientMachine", "clientmachine"), ("StorePath", "storepath")] {
                if let Some(value) = store.and_then(|store| store.get(own)) {
                    fields.add(name, value);
                }
            }
            visit.lineage = Lineage { part, ..lineage };
            part += 1;
            fields.push(visit, JOB.confidence, false);
        }
        if hashes.is_empty() {
            let lineage = Lineage { part, ..lineage };
            part += 1;
            let message = "the entry of the last inventory has no thumbprint";
            visit.sink.reject(Reject::lost(lineage, Stage::Decode, Code::NoCertificate, message));
        }
    }
    if part == lineage.part {
        visit.sink.skip("keyfactor_empty_inventory");
    }
}
