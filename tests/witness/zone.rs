//! The zone that all witnesses serve: RFC 4592's cases in terms of tenants.

use std::net::IpAddr;

use roundsman_checks::reading::DnsAnswer;

pub(crate) const DOMAIN: &str = "tenants.test";

/// What the zone's servers say of a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// What the wildcard says.
    Wildcard,
    /// These addresses.
    Addresses(&'static [&'static str]),
    /// An alias that ends outside the zone.
    Alias(&'static str),
    NoData,
    NxDomain,
    /// A referral at this name to this server.
    Delegated(&'static str, &'static str),
}

impl Says {
    pub(crate) fn said(self) -> DnsAnswer {
        let addresses = |texts: &[&str]| DnsAnswer::Addresses {
            addresses: texts.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect(),
            aliases: Vec::new(),
        };
        match self {
            Self::Wildcard => addresses(&["127.0.0.1", "::1"]),
            Self::Addresses(texts) => addresses(texts),
            Self::Alias(target) => DnsAnswer::Addresses {
                addresses: Default::default(),
                aliases: vec![target.to_owned()],
            },
            Self::NoData => DnsAnswer::NoData,
            Self::NxDomain => DnsAnswer::NxDomain,
            Self::Delegated(at, server) => DnsAnswer::Delegated {
                at: at.to_owned(),
                servers: vec![server.to_owned()],
            },
        }
    }
}

/// A tenant, what stands at its name or below it, the lab's fault that puts the same there, and what comes of it.
pub(crate) struct Case {
    pub tenant: &'static str,
    pub records: &'static str,
    pub fault: Option<&'static str>,
    pub says: Says,
}

const fn case(tenant: &'static str, records: &'static str, fault: &'static str, says: Says) -> Case {
    Case {
        tenant,
        records,
        fault: Some(fault),
        says,
    }
}

pub(crate) const CASES: &[Case] = &[
    Case {
        tenant: "healthy",
        records: "",
        fault: None,
        says: Says::Wildcard,
    },
    case(
        "own-a",
        "own-a A 203.0.113.9",
        "dns-override@own-a=a",
        Says::Addresses(&["203.0.113.9"]),
    ),
    case(
        "own-aaaa",
        "own-aaaa AAAA 2001:db8::bad",
        "dns-override@own-aaaa=aaaa",
        Says::Addresses(&["2001:db8::bad"]),
    ),
    case(
        "own-both",
        "own-both A 203.0.113.9\nown-both AAAA 2001:db8::bad",
        "dns-override@own-both=both",
        Says::Addresses(&["203.0.113.9", "2001:db8::bad"]),
    ),
    case(
        "own-equal",
        "own-equal A 127.0.0.1\nown-equal AAAA ::1",
        "dns-override@own-equal=equal",
        Says::Wildcard,
    ),
    case(
        "own-cname",
        "own-cname CNAME other-host.example.",
        "dns-override@own-cname=cname",
        Says::Alias("other-host.example"),
    ),
    case(
        "txt",
        "txt TXT \"a record of another type\"",
        "dns-blocked@txt=txt",
        Says::NoData,
    ),
    case("mx", "mx MX 10 mail.example.", "dns-blocked@mx=mx", Says::NoData),
    case(
        "caa",
        "caa CAA 0 issue \"letsencrypt.org\"",
        "dns-blocked@caa=caa",
        Says::NoData,
    ),
    case("https", "https HTTPS 1 .", "dns-blocked@https=https", Says::NoData),
    case(
        "challenge",
        "_acme-challenge.challenge TXT \"left-over-challenge\"",
        "dns-blocked@challenge=acme-challenge",
        Says::NoData,
    ),
    case(
        "ownership",
        "_fly-ownership.ownership TXT \"app-left-over\"",
        "dns-blocked@ownership=fly-ownership",
        Says::NoData,
    ),
    case(
        "below",
        "x.below TXT \"a record below\"",
        "dns-blocked@below=below",
        Says::NoData,
    ),
    case(
        "delegated",
        "delegated NS ns1.other-host.example.",
        "dns-delegated@delegated",
        Says::Delegated("delegated.tenants.test", "ns1.other-host.example"),
    ),
];

/// Names that are no tenant's own.
pub(crate) const OTHERS: &[(&str, Says)] = &[
    // The wildcard answers for every depth, but not below a name that exists, empty or not.
    ("a.b.nobody.tenants.test", Says::Wildcard),
    ("_acme-challenge.healthy.tenants.test", Says::Wildcard),
    ("*.tenants.test", Says::Wildcard),
    ("nothing.own-a.tenants.test", Says::NxDomain),
    ("nothing.own-cname.tenants.test", Says::NxDomain),
    ("nothing.txt.tenants.test", Says::NxDomain),
    ("nothing.challenge.tenants.test", Says::NxDomain),
    ("nothing._acme-challenge.challenge.tenants.test", Says::NxDomain),
    ("nothing.*.tenants.test", Says::NxDomain),
    ("x.below.tenants.test", Says::NoData),
    ("y.below.tenants.test", Says::NxDomain),
    (
        "deep.below.delegated.tenants.test",
        Says::Delegated("delegated.tenants.test", "ns1.other-host.example"),
    ),
    ("tenants.test", Says::NoData),
    ("ns1.tenants.test", Says::Addresses(&["127.0.0.1"])),
];

/// Every name with what is said of it.
pub(crate) fn names() -> impl Iterator<Item = (String, Says)> {
    let tenants = CASES.iter().map(|case| (host(case.tenant), case.says));
    tenants.chain(OTHERS.iter().map(|(name, says)| ((*name).to_owned(), *says)))
}

/// A tenant's host name.
pub(crate) fn host(tenant: &str) -> String {
    format!("{tenant}.{DOMAIN}")
}

/// The zone with these wildcard records.
pub(crate) fn text(wildcard: &str) -> String {
    let head = "$TTL 300
@ SOA ns1 hostmaster 2026112401 7200 3600 1209600 300
@ NS ns1
@ NS ns2
ns1 A 127.0.0.1
ns2 A 127.0.0.1";
    let own = CASES.iter().map(|case| case.records).collect::<Vec<_>>().join("\n");
    format!("$ORIGIN {DOMAIN}.\n{head}\n{wildcard}\n{own}\n")
}

/// The wildcard as it should be.
pub(crate) const WILDCARD: &str = "* A 127.0.0.1\n* AAAA ::1";
