//! What certutil prints in the languages that were seen (specification section 4.6).
//!
//! The tables are incomplete by nature, so shape is asked first and a label only where a shape has two meanings. Copies
//! lose or change letters beyond ASCII, so a label is compared by its ASCII letters and digits alone; one that has none is
//! compared by its own letters.

/// The words of one meaning.
pub(super) type Words = &'static [&'static str];

/// Serial number.
pub(super) const SERIAL: Words = &[
    "Serial Number",
    "Seriennummer",
    "Numéro de série",
    "Número de serie",
    "Número de Série",
    "Numero di serie",
    "序列号",
    "일련 번호",
];
/// Issuer.
pub(super) const ISSUER: Words =
    &["Issuer", "Aussteller", "Émetteur", "Emisor", "Emissor", "Autorità emittente", "颁发者", "발급자", "発行者"];
/// Subject.
pub(super) const SUBJECT: Words =
    &["Subject", "Antragsteller", "Objet", "Requerente", "Soggetto", "使用者", "주체", "サブジェクト"];
/// Start of validity.
pub(super) const NOT_BEFORE: Words = &["NotBefore", "Nicht vor"];
/// End of validity.
pub(super) const NOT_AFTER: Words = &["NotAfter", "Nicht nach"];
/// Name of the key container.
pub(super) const CONTAINER: Words = &[
    "Key Container",
    "Schlüsselcontainer",
    "Conteneur de clé",
    "Contenedor de claves",
    "Contêiner da chave",
    "密钥容器",
    "키 컨테이너",
];
/// The name that the provider gives the container.
pub(super) const UNIQUE_NAME: Words = &[
    "Unique container name",
    "Eindeutiger Containername",
    "Nombre de contenedor exclusivo",
    "Nome de contêiner exclusivo",
];
/// The name that the owner gives the container.
pub(super) const SIMPLE_NAME: Words = &["Simple container name"];
/// Provider.
pub(super) const PROVIDER: Words = &["Provider", "Anbieter", "Fournisseur", "Proveedor", "提供程序"];
/// Type of the provider.
pub(super) const PROVIDER_TYPE: Words = &["ProviderType", "Tipo de proveedor", "提供程序类型"];
/// Flags of the key property.
pub(super) const FLAGS: Words = &["Flags", "Marcas", "标志"];
/// Key spec.
pub(super) const KEY_SPEC: Words = &["KeySpec", "Especificación de clave"];
/// The hash of the certificate.
pub(super) const HASH: Words = &[
    "Cert Hash",
    "Zertifikathash",
    "Hach. cert.",
    "Hash de cert",
    "Hash certificato",
    "Hash Cert",
    "证书哈希",
    "인증서 해시",
    "証明書ハッシュ",
];
/// The key was opened and used.
pub(super) const PASSED: Words = &[
    "Encryption test passed",
    "Signature test passed",
    "Verschlüsselungstest wurde durchgeführt",
    "Test de chiffrement réussi",
    "Prueba de cifrado correcta",
    "Se ha pasado la prueba de firma",
    "Verifica firma riuscita",
    "Teste de assinatura aprovado",
];
/// The key cannot be exported at all.
pub(super) const NOT_EXPORTABLE: Words = &[
    "Private key is NOT exportable",
    "Der private Schlüssel ist NICHT exportierbar",
    "A chave privada NÃO é exportável",
];
/// The key can be exported wrapped only; no word on exportability.
pub(super) const NOT_PLAIN: Words = &["Private key is NOT plain text exportable", "无法以纯文本方式导出私钥"];
/// The certificate has no key property.
pub(super) const NO_PROPERTY: Words = &[
    "No key provider information",
    "Aucune information sur le fournisseur de clé",
    "Nenhuma informação de provedor de chave",
    "没有密钥提供程序信息",
];
/// What certutil says after that; nothing new.
pub(super) const NO_KEY: Words = &[
    "Cannot find the certificate and private key for decryption.",
    "Impossible de trouver le certificat et la clé privée pour le déchiffrement.",
    "Não é possível localizar o certificado e a chave privada para decodificação.",
    "找不到解密的证书和私钥。",
];
/// The container was not found, or cannot be seen by the caller.
pub(super) const MISSING: Words = &["Missing stored keyset", "Falta el conjunto de claves almacenado"];
/// Remarks on the certificate, which end the value before them where line ends were lost.
pub(super) const REMARKS: Words = &[
    "Signature matches Public Key",
    "Root Certificate: Subject matches Issuer",
    "Non-root Certificate",
    "Kein Stammzertifikat",
    "Il ne s’agit pas d’un certificat racine",
    "La firma elettronica corrisponde alla chiave pubblica",
    "Assinatura coincide com Chave pública",
    "Certificado raiz: requerente coincide com o emissor",
    "非根证书",
    "루트가 아닌 인증서",
];
/// Labels of no use here, which end the value before them where line ends were lost.
pub(super) const TEMPLATE: Words =
    &["Certificate Template Name (Certificate Type)", "CA Version", "Template", "Vorlage", "Modèle"];
/// Words of a banner over a revocation list.
pub(super) const CRL: Words = &["CRL", "perrliste", "vocation", "revoca", "吊销列表", "해지 목록", "失効リスト"];
/// Words of a banner over a trust list.
pub(super) const CTL: Words = &["CTL", "vertrauensliste", "liste de confiance", "信任列表", "信頼リスト"];

/// Stores by the names that certutil prints, in lower case: a name alone in its line is a header only if it is one of them.
const STORES: Words = &[
    "my",
    "root",
    "ca",
    "trust",
    "authroot",
    "disallowed",
    "trustedpublisher",
    "trustedpeople",
    "trusteddevices",
    "smartcardroot",
    "addressbook",
    "request",
    "userds",
    "webhosting",
    "ntauth",
    "clientauthissuer",
    "sms",
];

/// A store that Windows has.
pub(super) fn is_known_store(name: &str) -> bool {
    STORES.iter().any(|store| store.eq_ignore_ascii_case(name))
}

/// The text is one of the words.
pub(super) fn is(text: &str, words: Words) -> bool {
    // A line is asked for dozens of words; nearly all differ in their first letter.
    let first = letters(text).next();
    words.iter().any(|word| {
        let begins = word.as_bytes().first().filter(|byte| byte.is_ascii_alphanumeric());
        begins.is_none_or(|byte| first == Some(byte.to_ascii_lowercase())) && (text == *word || same(text, word))
    })
}

/// One of the words stands in the text as it is.
pub(super) fn has(text: &str, words: Words) -> bool {
    words.iter().any(|word| text.contains(word))
}

fn same(text: &str, word: &str) -> bool {
    if letters(word).next().is_some() {
        letters(text).eq(letters(word))
    } else {
        // The word has no letter of ASCII, so a text of nothing else is another one.
        !text.is_ascii() && own_letters(text).eq(own_letters(word))
    }
}

fn letters(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase())
}

fn own_letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_what_copies_do_to_letters() {
        for text in ["Schlüsselcontainer", "Schl\u{fffd}sselcontainer", "Schl\u{81}sselcontainer", "SCHL?SSELCONTAINER"]
        {
            assert!(is(text, CONTAINER), "{text}");
        }
        assert!(is("提供程序 ", PROVIDER) && !is("提供程序类型", PROVIDER) && !is("\u{cc}\u{e1}", PROVIDER));
        assert!(!is("Provider Name", PROVIDER) && !is("", PROVIDER) && !is("、", SERIAL));
    }
}
