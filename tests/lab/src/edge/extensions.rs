//! Extensions that public CAs put into a leaf, so that the lab's are as large and as awkward.

use rcgen::CustomExtension;

const AUTHORITY_INFORMATION_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
const TIMESTAMP_LIST: [u64; 10] = [1, 3, 6, 1, 4, 1, 11_129, 2, 4, 2];
/// `1.3.6.1.5.5.7.48.2`, encoded.
const CA_ISSUERS: [u8; 10] = [0x06, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2];

/// Where the issuer's certificate could be fetched.
pub(crate) fn issuer_location() -> CustomExtension {
    let mut description = CA_ISSUERS.to_vec();
    description.extend(der(0x86, b"http://e7.ca.roundsman.test/"));
    let content = der(0x30, &der(0x30, &description));
    CustomExtension::from_oid_content(&AUTHORITY_INFORMATION_ACCESS, content)
}

/// Two timestamps of certificate logs that do not exist.
pub(crate) fn log_timestamps(seconds: i64) -> CustomExtension {
    let milliseconds = seconds.saturating_mul(1000).to_be_bytes();
    let mut list = Vec::new();
    for log in [0x11, 0x22] {
        let mut entry = vec![0];
        entry.extend([log; 32]);
        entry.extend(milliseconds);
        entry.extend([0, 0, 4, 3, 0, 71]);
        entry.extend([log; 71]);
        list.extend([0, 118]);
        list.extend(entry);
    }
    let mut framed = vec![0, 240];
    framed.extend(list);
    CustomExtension::from_oid_content(&TIMESTAMP_LIST, der(0x04, &framed))
}

/// A critical extension that nobody knows (the number that RFC 5612 reserves for documents).
pub(crate) fn unknown() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32_473, 1], der(0x04, b"?"));
    extension.set_criticality(true);
    extension
}

/// A DER value of fewer than 256 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    let mut value = if length < 128 {
        vec![tag, length]
    } else {
        vec![tag, 0x81, length]
    };
    value.extend_from_slice(content);
    value
}
