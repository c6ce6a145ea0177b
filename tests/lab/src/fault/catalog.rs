//! The table of all faults. A person reads it from top to bottom; the program looks names up.

use super::FaultError;
use super::detail::Detail::{
    self, App, Edge, Machines, None, Number, NumberOr, Prefixed, Rate, Server, Tenant as Other, Words,
};
use crate::dns::hostile;
use crate::edge::{behaviour, flood};
use crate::platform::harm::TRIES;
use crate::platform::lie::LIES;

/// Whom a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One tenant, which must be named.
    Tenant,
    /// Everybody.
    Fleet,
    /// One tenant if one is named, else everybody.
    Either,
    /// The network, the names or the clock of whoever watches.
    Agent,
}

/// One fault of the catalog.
#[derive(Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// The name.
    pub name: &'static str,
    /// Whom it hits.
    pub scope: Scope,
    /// What it does, in one line.
    pub does: &'static str,
    /// Whether it needs a lab with the simulated platform.
    pub platform: bool,
    detail: Detail,
}

impl CatalogEntry {
    /// What can be written behind the `=`, in words.
    #[must_use]
    pub fn details(&self) -> String {
        self.detail.expectation()
    }

    pub(super) fn check(&self, detail: Option<&str>) -> Result<(), FaultError> {
        match detail {
            Some(text) if !self.detail.accepts(text) => Err(FaultError::Detail {
                cause: self.name,
                expected: self.details(),
                found: text.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

pub(super) fn find(name: &str) -> Option<&'static CatalogEntry> {
    CATALOG.iter().find(|entry| entry.name == name)
}

const fn tenant(name: &'static str, detail: Detail, does: &'static str) -> CatalogEntry {
    CatalogEntry {
        name,
        scope: Scope::Tenant,
        does,
        platform: false,
        detail,
    }
}

const fn fleet(name: &'static str, detail: Detail, does: &'static str) -> CatalogEntry {
    CatalogEntry {
        name,
        scope: Scope::Fleet,
        does,
        platform: false,
        detail,
    }
}

const fn agent(name: &'static str, detail: Detail, does: &'static str) -> CatalogEntry {
    CatalogEntry {
        name,
        scope: Scope::Agent,
        does,
        platform: false,
        detail,
    }
}

/// Marks a fault of the simulated platform.
const fn platform(mut entry: CatalogEntry) -> CatalogEntry {
    entry.platform = true;
    entry
}

const PERCENT: Detail = Number(0, 100);
const CLOCK: Detail = Number(-250_000_000, 250_000_000);
const UNTRUSTED: Detail = Words(&[
    "other-root",
    "self-signed",
    "client",
    "critical",
    "authority",
    "constrained",
]);
const EXPIRING: Detail = NumberOr(0, 100, "intermediate");
const EXPIRED: Detail = Words(&["intermediate"]);
const OVERRIDE: Detail = Words(&["a", "aaaa", "cname", "both", "equal", "alias"]);
const BLOCKED: Detail = Words(&["txt", "acme-challenge", "fly-ownership", "mx", "caa", "https", "below"]);
const CONFLICT: Detail = Prefixed(&["cut", "latent", "reset", "many", "imported"], "other");
const PENDING: Detail = Words(&["served", "cut"]);
const REGIONS: Detail = Words(&["lhr", "iad"]);
const RESOLVER: Detail = Words(&[
    "nxdomain", "nodata", "private", "place", "dns64", "sinkhole", "no-a", "no-aaaa",
]);
const ODD: Detail = Words(&[
    "formerr",
    "notimp",
    "refuses-types",
    "one-family",
    "forwards",
    "upper-case",
    "unordered",
    "extra",
    "truncates",
]);
const SERVERS: Detail = Server(&["servfail", "refused", "timeout", "lame", "disagree"]);

pub(super) static CATALOG: &[CatalogEntry] = &[
    tenant(
        "dns-override",
        OVERRIDE,
        "own records at the name shadow the wildcard; `equal` and `alias` lead to the edge all the same",
    ),
    tenant(
        "dns-blocked",
        BLOCKED,
        "a record of another type, or one below, stops the wildcard",
    ),
    tenant("dns-delegated", None, "an NS record takes the name out of the zone"),
    tenant("dns-stale-resolver", None, "the resolver still has an old address"),
    tenant(
        "certificate-expiring",
        EXPIRING,
        "own certificate, 8 % of its lifetime left; or its intermediate ends in 10 days",
    ),
    tenant(
        "certificate-expired",
        EXPIRED,
        "own certificate, expired 10 days ago; or its intermediate did yesterday",
    ),
    tenant("certificate-not-yet-valid", None, "own certificate, valid in 2 days"),
    tenant("certificate-name-mismatch", None, "own certificate, for another name"),
    tenant(
        "certificate-untrusted",
        UNTRUSTED,
        "own certificate, of a CA that nobody trusts; or one that may not serve here",
    ),
    tenant(
        "certificate-chain-incomplete",
        None,
        "own certificate, without its intermediate",
    ),
    CatalogEntry {
        name: "caa-forbids-issuance",
        scope: Scope::Either,
        does: "a CAA record allows another CA only: at the tenant, or at the domain",
        platform: false,
        detail: None,
    },
    fleet(
        "dns-rotating",
        None,
        "no fault: each answer of the zone holds a random half of the addresses",
    ),
    fleet(
        "dns-servers-odd",
        ODD,
        "no fault: the zone's servers know less of DNS than we ask (formerr: no EDNS), or answer in a form of their own",
    ),
    fleet(
        "resolver-differs",
        RESOLVER,
        "no fault: the resolver gives every name of the domain something else: none, 10.1.2.3, the edge's last addresses …",
    ),
    fleet(
        "wildcard-rewritten",
        None,
        "no fault: the zone rewrites each name below it: NAME is an alias of NAME.rewritten.example",
    ),
    fleet(
        "wildcard-caa",
        None,
        "no fault: `*.DOMAIN` itself has a CAA record that allows another CA, which no CA asks for",
    ),
    tenant("route-wrong-tenant", Other, "another tenant's app answers"),
    tenant(
        "tenant-unknown-to-edge",
        None,
        "the edge answers as for a name that does not exist",
    ),
    tenant(
        "site-status",
        Number(200, 599),
        "the app answers 500, or the given status",
    ),
    tenant("site-protocol", None, "the name gets HTTP/1.1 only"),
    tenant("site-redirect", None, "the app redirects to a login page elsewhere"),
    tenant("site-body", None, "the app answers 200 with another body"),
    tenant("site-header", None, "the header `x-lab: ok` is missing"),
    tenant(
        "site-slow",
        Number(0, 600_000),
        "the answer takes 2500 ms, or as many as given",
    ),
    tenant("site-closed", None, "the connection is closed after the request"),
    tenant(
        "app-starting",
        Words(&["machine"]),
        "the app answers 503 `service starting`; or its machine (of the platform) is `starting`",
    ),
    tenant(
        "site-malformed",
        Words(&["connection", "upper-case", "length", "no-status", "gzip", "cut"]),
        "an answer that no browser reads: a header of another protocol, a length that is not kept, a body that is not packed",
    ),
    tenant("site-mark", None, "no fault: a byte order mark stands before the JSON"),
    tenant(
        "tls-client-certificate",
        None,
        "the name is for clients with a certificate: others get an alert after the handshake",
    ),
    tenant("tls-eof", None, "the connection ends after the ClientHello"),
    tenant("tls-reset", None, "the connection is reset after the ClientHello"),
    tenant(
        "tls-alert",
        None,
        "the ClientHello is answered by the alert `unrecognized_name`",
    ),
    tenant("tls-timeout", None, "the ClientHello is never answered"),
    tenant("tls-plain", None, "the ClientHello is answered in plain HTTP"),
    tenant("endless-body", None, "the body never ends"),
    tenant("gzip-bomb", None, "a small compressed body that unpacks to 64 MiB"),
    tenant("long-chain", None, "a chain of 1,000 certificates"),
    tenant("huge-head", None, "megabytes of response headers"),
    tenant(
        "slow-drip",
        Words(&["body", "tls"]),
        "one byte a second, of the body or of TLS",
    ),
    tenant(
        "http2-hostile",
        Words(flood::HTTP2),
        "HTTP/2 that harms: floods of pings that reads nothing, of settings, of heads without an end; or no answer at all",
    ),
    tenant(
        "http1-hostile",
        Words(flood::HTTP1),
        "HTTP/1.1 that harms: no answer, or interim answers, fields, chunks without an end",
    ),
    tenant(
        "tls-hostile",
        Words(behaviour::TLS),
        "TLS that harms: records without an end, half a handshake, messages of 16 MiB, 20,000 tickets",
    ),
    tenant(
        "dns-hostile",
        Words(hostile::ANSWERS),
        "the zone's servers do harm under this name: 2,000 addresses, aliases without an end, half an answer",
    ),
    fleet("wildcard-dns-missing", None, "the wildcard record is gone"),
    fleet(
        "wildcard-dns-mismatch",
        Words(&["a", "aaaa"]),
        "the wildcard points elsewhere",
    ),
    fleet(
        "wildcard-cname",
        None,
        "no fault: the wildcard is a CNAME to the edge's own name",
    ),
    fleet(
        "dns-servers-failing",
        SERVERS,
        "the servers of the zone fail or disagree",
    ),
    fleet(
        "dnssec-bogus",
        None,
        "the zone does not validate: SERVFAIL unless CD is set",
    ),
    fleet(
        "wildcard-certificate-expiring",
        EXPIRING,
        "the wildcard certificate, 8 % left",
    ),
    fleet(
        "wildcard-certificate-expired",
        EXPIRED,
        "the wildcard certificate, expired",
    ),
    fleet(
        "wildcard-certificate-not-yet-valid",
        None,
        "the wildcard certificate, valid in 2 days",
    ),
    fleet(
        "wildcard-certificate-name-mismatch",
        None,
        "the wildcard certificate, of another domain",
    ),
    fleet(
        "wildcard-certificate-untrusted",
        UNTRUSTED,
        "the wildcard certificate, of another CA",
    ),
    fleet(
        "wildcard-certificate-chain-incomplete",
        None,
        "the wildcard certificate alone",
    ),
    fleet(
        "edge-unreachable",
        Edge(&["closed", "reset", "timeout"]),
        "an address of the edge (or all) refuses, resets or swallows connections",
    ),
    fleet(
        "edge-tls-failing",
        Edge(&["eof", "reset", "alert"]),
        "handshakes with any name fail, at one address of the edge or at all",
    ),
    fleet("edge-throttled", Rate, "handshakes over 20 a second (burst 40) are cut"),
    fleet(
        "edge-goes-away",
        Number(0, 600_000),
        "no fault: for 1000 ms, or as many as given, requests are refused unprocessed (GOAWAY)",
    ),
    fleet(
        "edge-access-denied",
        Words(&["401", "403", "login", "challenge"]),
        "the edge refuses the agent, whatever the name: 403, or a login, or a challenge",
    ),
    fleet(
        "edge-rate-limited",
        Number(0, 600_000),
        "the edge answers 429 to every request; with a number, for as many ms",
    ),
    fleet(
        "catch-all",
        None,
        "no fault: every name gets one page, which names nobody",
    ),
    fleet("platform-outage", PERCENT, "75 % of the tenants answer 503"),
    agent("vantage-offline", None, "DNS is silent, the edge refuses"),
    agent(
        "vantage-dns-blocked",
        None,
        "the zone's servers are silent, the resolver is not",
    ),
    agent(
        "clock-wrong",
        CLOCK,
        "the world's clock is 400 days ahead of ours, certificates too",
    ),
    platform(tenant(
        "certificate-conflict",
        CONFLICT,
        "the tenant's app (or another: among `many`, or `other:APP`) holds a certificate for the name, perhaps an imported one",
    )),
    platform(tenant(
        "certificate-missing",
        None,
        "the tenant's host name has two labels, which the wildcard does not cover",
    )),
    platform(tenant(
        "certificate-issuing",
        PENDING,
        "own certificate, awaited for 15 s",
    )),
    platform(tenant(
        "certificate-stuck",
        PENDING,
        "own certificate, awaited for 10 min",
    )),
    platform(tenant(
        "certificate-awaiting-configuration",
        PENDING,
        "own certificate, which cannot be validated",
    )),
    platform(tenant(
        "certificate-rate-limited",
        PENDING,
        "own certificate, refused by the CA for an hour",
    )),
    platform(tenant(
        "app-missing",
        Words(&["dangling"]),
        "the tenant has no app, the edge answers 502; perhaps a CNAME still points at the app",
    )),
    platform(tenant(
        "app-stopped",
        Words(&["by-hand", "failed"]),
        "the machine is stopped and nothing wakes it, perhaps by a person, or it failed; 502",
    )),
    platform(tenant(
        "deploying",
        Words(&["release", "lease", "updated"]),
        "no fault: a deploy of the tenant's app goes on, by its release, by a lease on its machine, or by a change of it",
    )),
    platform(tenant(
        "hands-off",
        Words(&["machine", "record", "tag", "terraform"]),
        "no fault: the tenant's machine, or its records, are marked as none of roundsman's, or as a tool's",
    )),
    platform(tenant(
        "app-asleep",
        None,
        "no fault: the machine sleeps, and the next request wakes it",
    )),
    platform(tenant(
        "app-machines",
        Machines,
        "the app has these machines: process groups, states, services that start by themselves or not",
    )),
    platform(tenant(
        "app-crashed",
        Prefixed(&["oom"], "exit"),
        "the machine exits again and again; 502",
    )),
    tenant("app-unhealthy", None, "the app answers 503 `unhealthy`, directly too"),
    platform(tenant(
        "route-broken",
        Words(&["no-service", "network", "private"]),
        "the app answers directly, the edge says 502; `private`: it has no public address",
    )),
    platform(tenant(
        "route-wrong-app",
        App,
        "the edge replays the name to another app: another tenant's, or the given one, which need not exist",
    )),
    platform(tenant(
        "release-mismatch",
        Words(&["old", "half", "replacing", "serving", "done"]),
        "a deploy on two machines: both old, one old, one being replaced, both new with the old one answering, or done",
    )),
    platform(tenant(
        "dns-proxied",
        None,
        "an own record through the CDN's proxy: DNS gives the CDN's addresses",
    )),
    platform(tenant(
        "custom-domain",
        None,
        "no fault: the tenant's app holds a certificate for www.customer.example",
    )),
    platform(tenant(
        "lookalike",
        None,
        "no fault: the tenant's app holds a certificate for notDOMAIN",
    )),
    platform(tenant(
        "explicit-ready",
        None,
        "no fault: the edge holds a certificate for the name, and serves it",
    )),
    platform(fleet(
        "wildcard-certificate-missing",
        None,
        "the edge has no wildcard certificate: handshakes are cut",
    )),
    platform(fleet(
        "wildcard-certificate-conflict",
        Words(&["cut", "latent"]),
        "the app `legacy-gateway` holds the wildcard, too",
    )),
    platform(fleet(
        "acme-challenge-broken",
        Words(&["missing", "elsewhere"]),
        "the CNAME that the wildcard's renewal needs is gone, or points elsewhere",
    )),
    platform(fleet(
        "edge-missing",
        Words(&["app", "addresses"]),
        "the edge app is gone, or has no address; connections are refused",
    )),
    platform(agent(
        "edge-app-mismatch",
        Words(&["missing"]),
        "the configured edge app holds no certificate, or is gone: `edge-gateway` is the edge",
    )),
    platform(fleet(
        "release-failing",
        PERCENT,
        "25 % of the tenants run an image that answers 500",
    )),
    platform(fleet(
        "one-image",
        None,
        "no fault: all apps run one tag, as where they are deployed from one image",
    )),
    platform(fleet("region-failing", REGIONS, "apps in lhr, or iad, answer 503")),
    platform(fleet(
        "wildcard-proxied",
        None,
        "no fault: the wildcard goes through the CDN's proxy",
    )),
    platform(agent("platform-api-unauthorized", None, "the platform takes no token")),
    platform(agent(
        "platform-api-unavailable",
        Prefixed(&["500", "timeout"], "region"),
        "the platform answers 503, or 500, never, or without a region",
    )),
    platform(agent(
        "platform-api-rate-limited",
        NumberOr(0, 86_400, "no-header"),
        "the platform answers 429, `Retry-After: 30`",
    )),
    platform(agent(
        "lists-lie",
        Words(LIES),
        "a list of an API is not what it says: short of q7f9, in circles, or without its end",
    )),
    platform(agent(
        "api-hostile",
        Words(TRIES),
        "an API does harm: answers of 15 MiB, pages without an end, refusals as long, a byte a second",
    )),
    platform(agent("logs-refused", None, "the log API takes no token")),
    platform(agent("logs-empty", None, "the log API has no line")),
    platform(agent(
        "logs-late",
        Number(0, 600_000),
        "lines of the log can be read after 60000 ms, or as many as given",
    )),
    platform(agent("cloudflare-refused", None, "the DNS provider takes no token")),
    platform(agent("cloudflare-unavailable", None, "the DNS provider answers 503")),
];
