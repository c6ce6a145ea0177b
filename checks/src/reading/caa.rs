//! Certification authority authorization (RFC 8659): whether the closest CAA set allows a CA to issue for a name.

use super::dns_answer::chain;
use crate::evidence::{DnsQuery, DnsRecord};

/// The domains by which authorities name themselves in CAA, by the organisation in the certificates that they issue.
const AUTHORITIES: &[(&str, &[&str])] = &[
    ("Let's Encrypt", &["letsencrypt.org"]),
    ("(STAGING) Let's Encrypt", &["letsencrypt.org"]),
    ("Google Trust Services", &["pki.goog"]),
    ("ZeroSSL", &["sectigo.com", "zerossl.com"]),
    (
        "Sectigo Limited",
        &[
            "sectigo.com",
            "comodoca.com",
            "comodo.com",
            "usertrust.com",
            "trust-provider.com",
        ],
    ),
    (
        "DigiCert Inc",
        &[
            "digicert.com",
            "digicert.ne.jp",
            "symantec.com",
            "thawte.com",
            "geotrust.com",
            "rapidssl.com",
        ],
    ),
    (
        "Amazon",
        &[
            "amazon.com",
            "amazontrust.com",
            "awstrust.com",
            "amazonaws.com",
            "aws.amazon.com",
        ],
    ),
    ("GlobalSign nv-sa", &["globalsign.com"]),
    ("Buypass AS-983163327", &["buypass.com", "buypass.no"]),
    ("SSL Corporation", &["ssl.com"]),
    ("GoDaddy.com, Inc.", &["godaddy.com", "starfieldtech.com"]),
    ("Entrust, Inc.", &["entrust.net", "affirmtrust.com"]),
    ("Actalis S.p.A.", &["actalis.it"]),
];

/// One CAA set: the records at one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The name that holds the set.
    pub owner: String,
    /// The records as they stand there.
    pub records: Vec<String>,
}

/// The set in the answer to a CAA question, where the name holds one, or the name that it is an alias of (RFC 8659,
/// section 3: aliases are followed).
#[must_use]
pub fn set(look: &DnsQuery) -> Option<Set> {
    let reply = look.reply.as_ref()?;
    let (_, owner) = chain(look, reply);
    let here = |record: &&DnsRecord| record.kind == "CAA" && record.name.eq_ignore_ascii_case(owner);
    let records = reply.answers.iter().filter(here);
    let records = records.map(|record| record.data.clone()).collect::<Vec<_>>();
    (!records.is_empty()).then(|| Set {
        owner: owner.to_owned(),
        records,
    })
}

/// Whether the set forbids the authority that calls itself `organization` in its certificates. `None` where that is
/// an authority whose CAA domains we do not know: then nothing is said.
#[must_use]
pub fn forbids(set: &Set, organization: &str, wildcard: bool) -> Option<bool> {
    let (_, domains) = AUTHORITIES.iter().find(|(name, _)| starts_alike(organization, name))?;
    let properties = set
        .records
        .iter()
        .filter_map(|record| Property::read(record))
        .collect::<Vec<_>>();
    let known = |tag: &str| {
        matches!(
            tag,
            "issue" | "issuewild" | "iodef" | "issuemail" | "issuevmc" | "contactemail" | "contactphone"
        )
    };
    if properties
        .iter()
        .any(|property| property.critical && !known(&property.tag))
    {
        return Some(true);
    }
    let of = |tag: &str| {
        properties
            .iter()
            .filter(|property| property.tag == tag)
            .collect::<Vec<_>>()
    };
    let mut relevant = if wildcard { of("issuewild") } else { Vec::new() };
    if relevant.is_empty() {
        relevant = of("issue");
    }
    if relevant.is_empty() {
        return Some(false);
    }
    Some(
        !relevant
            .iter()
            .any(|property| domains.contains(&property.issuer.as_str())),
    )
}

fn starts_alike(organization: &str, known: &str) -> bool {
    organization
        .to_ascii_lowercase()
        .starts_with(&known.to_ascii_lowercase())
}

/// One property in presentation form: `0 issue "letsencrypt.org; validationmethods=dns-01"`.
struct Property {
    critical: bool,
    tag: String,
    issuer: String,
}

impl Property {
    fn read(record: &str) -> Option<Self> {
        let mut parts = record.splitn(3, ' ');
        let flags = parts.next()?.parse::<u8>().ok()?;
        let tag = parts.next()?.to_ascii_lowercase();
        let value = parts.next().unwrap_or_default().trim();
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        let issuer = issuer(value).unwrap_or_default();
        Some(Self {
            critical: flags & 0x80 != 0,
            tag,
            issuer,
        })
    }
}

/// The issuer that a value names, lower case; empty where it names none. A value that is malformed allows nobody
/// (RFC 8659, section 4.2).
fn issuer(value: &str) -> Option<String> {
    let mut parts = value.split(';').map(|part| part.trim_matches([' ', '\t']));
    let issuer = parts.next()?;
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_name = issuer.is_empty() || issuer.split('.').all(is_label);
    (is_name && parts.all(is_parameter)).then(|| issuer.to_ascii_lowercase())
}

/// `tag=value`, with spaces around the equals sign; or nothing, as behind a last semicolon.
fn is_parameter(text: &str) -> bool {
    let Some((tag, value)) = text.split_once('=') else {
        return text.is_empty();
    };
    let (tag, value) = (tag.trim_end(), value.trim_start());
    let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !tag.is_empty() && tag.bytes().all(is_tag) && value.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(records: &[&str]) -> Set {
        Set {
            owner: "example.com".into(),
            records: records.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn allows_whom_it_names_and_forbids_others() {
        assert_eq!(
            forbids(&with(&["0 issue \"letsencrypt.org\""]), "Let's Encrypt", false),
            Some(false)
        );
        assert_eq!(
            forbids(&with(&["0 issue \"digicert.com\""]), "Let's Encrypt", false),
            Some(true)
        );
        assert_eq!(forbids(&with(&["0 issue \";\""]), "Let's Encrypt", true), Some(true));
    }

    #[test]
    fn issuewild_goes_before_issue_for_a_wildcard_only() {
        let set = with(&["0 issue \"letsencrypt.org\"", "0 issuewild \"digicert.com\""]);
        assert_eq!(forbids(&set, "Let's Encrypt", true), Some(true));
        assert_eq!(forbids(&set, "Let's Encrypt", false), Some(false));
    }

    #[test]
    fn a_set_without_issue_restricts_nothing() {
        assert_eq!(
            forbids(&with(&["0 iodef \"mailto:a@example.com\""]), "Let's Encrypt", false),
            Some(false)
        );
    }

    #[test]
    fn a_critical_property_that_nobody_knows_forbids() {
        assert_eq!(forbids(&with(&["128 tbs \"x\""]), "Let's Encrypt", false), Some(true));
    }

    #[test]
    fn says_nothing_of_an_authority_that_it_does_not_know() {
        assert_eq!(forbids(&with(&["0 issue \"digicert.com\""]), "My Own CA", false), None);
    }

    #[test]
    fn parameters_do_not_hide_the_issuer() {
        let set = with(&["0 issue \"letsencrypt.org; validationmethods=dns-01\""]);
        assert_eq!(forbids(&set, "Let's Encrypt", false), Some(false));
    }

    #[test]
    fn case_does_not_matter_and_what_is_malformed_allows_nobody() {
        for (record, forbidden) in [
            ("0 ISSUE \"LetsEncrypt.ORG\"", false),
            (
                "0 issue \"  letsencrypt.org  ;  accounturi = https://ca.example/1 ; \"",
                false,
            ),
            ("0 issue \"letsencrypt.org; accounturi\"", true),
            ("0 issue \"letsencrypt.org; a=b c\"", true),
            ("0 issue \"letsencrypt.org sectigo.com\"", true),
            ("0 issue \"%%%%%\"", true),
            ("0 issue \"\"", true),
            ("128 issue \"letsencrypt.org\"", false),
            ("1 tbs \"x\"", false),
        ] {
            assert_eq!(
                forbids(&with(&[record]), "Let's Encrypt", false),
                Some(forbidden),
                "{record}"
            );
        }
    }

    #[test]
    fn issuewild_alone_restricts_no_single_name() {
        let set = with(&["0 issuewild \";\""]);
        assert_eq!(forbids(&set, "Let's Encrypt", true), Some(true));
        assert_eq!(forbids(&set, "Let's Encrypt", false), Some(false));
    }
}
