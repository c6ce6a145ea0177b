//! What people and tools write beside a DNS record about who looks after it.

use crate::evidence::ZoneRecord;

/// Tools that keep records as their own files say, and the words that say so.
const TOOLS: [&str; 11] = [
    "terraform",
    "opentofu",
    "pulumi",
    "ansible",
    "external-dns",
    "octodns",
    "dnscontrol",
    "crossplane",
    "kubernetes",
    "managed by",
    "managed-by",
];

/// Whether somebody marked a record as none of ours to change: the tag `roundsman:off`, or a comment that holds `roundsman`
/// followed by `off`.
#[must_use]
pub fn is_hands_off(record: &ZoneRecord) -> bool {
    let comment = record.comment.iter().any(|comment| says_off(comment));
    let tag = |tag: &String| tag.trim().eq_ignore_ascii_case("roundsman:off");
    comment || record.tags.iter().any(tag)
}

fn says_off(comment: &str) -> bool {
    let comment = comment.to_ascii_lowercase();
    comment.split_once("roundsman").is_some_and(|(_, rest)| {
        let mut words = rest.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word == "off")
    })
}

/// The tool that a record's comment or one of its tags names as who keeps it, where one does.
#[must_use]
pub fn manager(record: &ZoneRecord) -> Option<&'static str> {
    let texts = record.comment.iter().chain(&record.tags);
    let texts = texts.map(|text| text.to_ascii_lowercase()).collect::<Vec<_>>();
    TOOLS
        .into_iter()
        .find(|tool| texts.iter().any(|text| text.contains(tool)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(comment: &str, tags: &[&str]) -> ZoneRecord {
        ZoneRecord {
            comment: Some(comment.to_owned()),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..ZoneRecord::default()
        }
    }

    #[test]
    fn a_mark_is_read_in_every_form_that_people_write() {
        for comment in [
            "roundsman=off",
            "Roundsman: OFF",
            "by Ann (roundsman = \"off\")",
            "roundsman stays off",
        ] {
            assert!(is_hands_off(&record(comment, &[])), "{comment}");
        }
        assert!(is_hands_off(&record("", &["team:web", "roundsman:off"])));
        for comment in [
            "",
            "roundsman",
            "off",
            "off roundsman",
            "roundsman:on",
            "roundsman offers",
            "office",
        ] {
            assert!(!is_hands_off(&record(comment, &["roundsman:on"])), "{comment}");
        }
    }

    #[test]
    fn a_tool_that_keeps_a_record_is_named() {
        assert_eq!(manager(&record("Managed by the web team", &[])), Some("managed by"));
        assert_eq!(manager(&record("", &["owner:External-DNS"])), Some("external-dns"));
        assert_eq!(manager(&record("we managed it", &["env:prod"])), None);
    }
}
