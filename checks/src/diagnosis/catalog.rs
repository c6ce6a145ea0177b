//! The catalog: one row per cause with everything that is true of it. Decides nothing.

use super::{Class, Effect, Scope, Severity, Shown};
use crate::finding::{Check, FleetCheck};

/// Everything that is true of a cause, wherever it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The cause.
    pub cause: Cause,
    /// Its name in reports, configuration and messages.
    pub name: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What it means for users, in a sentence or two.
    pub meaning: &'static str,
    /// Whom it is about, as a rule: a few are told of the fleet and of a tenant alike.
    pub scope: Scope,
    /// The checks that could show it. Where it is not told, it is gone only if one of them was judged.
    pub shown_by: &'static [Shown],
    /// What it does to the checks that it explains, at the worst.
    pub effect: Effect,
    /// Whether waiting fixes it.
    pub class: Class,
    /// Whether a cause that tenants have in common (a release, a region, an outage) takes it in.
    pub absorbable: bool,
    /// Whether a `dns` that fails by it skips what depends on `dns`, as one that fails by itself does.
    pub skips_dependents: bool,
    /// How urgent it is where the configuration says nothing else.
    pub severity: Severity,
}

macro_rules! flag {
    ($wanted:ident) => {
        false
    };
    (absorbable absorbable) => {
        true
    };
    (skips skips) => {
        true
    };
    ($wanted:ident $other:ident) => {
        false
    };
}

macro_rules! shown {
    (Dns) => {
        Shown::By(Check::Dns)
    };
    (Certificate) => {
        Shown::By(Check::Certificate)
    };
    (Site) => {
        Shown::By(Check::Site)
    };
    (Conflicts) => {
        Shown::By(Check::Conflicts)
    };
    (App) => {
        Shown::By(Check::App)
    };
    (Route) => {
        Shown::By(Check::Route)
    };
    ($fleet:ident) => {
        Shown::ByFleet(FleetCheck::$fleet)
    };
}

macro_rules! causes {
    ($($variant:ident = $name:literal: $scope:ident $effect:ident $class:ident $severity:ident $($flag:ident)?,
        shown by [$($shown:ident),*], $title:literal, $meaning:literal;)*) => {
        /// What is wrong, named by the thing that is wrong and not by where it showed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum Cause {
            $(#[doc = $title] $variant,)*
        }

        impl Cause {
            /// Every cause, as lists have them: agent, fleet, tenant. Which wins is said by the lists of rules.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Everything that is true of it.
            #[must_use]
            pub fn row(self) -> &'static Row {
                match self {
                    $(Self::$variant => const {
                        &Row {
                            cause: Self::$variant,
                            name: $name,
                            title: $title,
                            meaning: $meaning,
                            scope: Scope::$scope,
                            shown_by: &[$(shown!($shown)),*],
                            effect: Effect::$effect,
                            class: Class::$class,
                            absorbable: flag!(absorbable $($flag)?),
                            skips_dependents: flag!(skips $($flag)?),
                            severity: Severity::$severity,
                        }
                    },)*
                }
            }
        }
    };
}

causes! {
    AgentExhausted = "agent-exhausted": Agent Hides Neither Critical, shown by [Vantage],
        "the agent ran out of descriptors, ports or memory",
        "The agent could not look at everything. Nothing is said of the tenants that this hides.";
    VantageOffline = "vantage-offline": Agent Hides Neither Critical, shown by [Vantage],
        "the agent has no working network",
        "No control, no server of the zone and no edge address answers the agent. Nothing is said of the tenants.";
    VantageDnsBlocked = "vantage-dns-blocked": Agent Hides Neither Critical, shown by [Vantage],
        "the agent can't reach the zone's DNS servers",
        "The zone's servers are silent to the agent, while a resolver gets answers from them: port 53 is closed to the agent.";
    ClockWrong = "clock-wrong": Agent Hides Neither Critical, shown by [Vantage],
        "the agent's clock is wrong",
        "The agent's clock is more than five minutes off, or at a time at which good certificates are not valid. Nothing is said of what that hides.";
    PlatformApiUnauthorized = "platform-api-unauthorized": Agent Hides Neither Critical, shown by [Vantage],
        "an API does not accept the agent's token",
        "What only this API can tell is not known. Nothing is said of the tenants that this hides.";
    PlatformApiRateLimited = "platform-api-rate-limited": Agent Hides Neither Critical, shown by [Vantage],
        "an API asks the agent to slow down",
        "What only this API can tell is not known in this round. Nothing is said of the tenants that this hides.";
    PlatformApiUnavailable = "platform-api-unavailable": Agent Hides Neither Critical, shown by [Vantage],
        "an API does not answer the agent",
        "What only this API can tell is not known. Nothing is said of the tenants that this hides.";
    EdgeAppMismatch = "edge-app-mismatch": Agent Hides Neither Critical, shown by [Vantage],
        "the configured edge app is not the edge",
        "Another app holds the wildcard's certificate, and handshakes work: the setting is wrong, not the platform.";
    EdgeRateLimited = "edge-rate-limited": Agent Hides Neither Warning, shown by [Vantage],
        "the edge limits our requests",
        "The edge tells the agent to slow down (429, or 503 with a time to wait), also for a made-up name. Nothing is said of the tenants that this hides.";
    InventoryShrunk = "inventory-shrunk": Agent Hides Neither Critical, shown by [],
        "too many tenants left the inventory at once",
        "Two readings in a row name far fewer tenants than before. The known tenants are verified on until they are back, or until somebody acknowledges that they left.";
    NotificationUndelivered = "notification-undelivered": Agent Hides Neither Critical, shown by [],
        "a notification can't be delivered",
        "Somebody who should hear of incidents does not: the channel refused a message for good, or could not be reached for ten minutes.";
    EdgeMissing = "edge-missing": Fleet Fails Neither Critical, shown by [Edge],
        "the edge app is missing or has no public address",
        "Users reach nothing: every tenant behind the edge is down.";
    DnsServersFailing = "dns-servers-failing": Fleet Fails Neither Critical skips, shown by [WildcardDns],
        "the zone's DNS servers fail",
        "Resolvers that ask these servers get no answer, or different ones: users reach the tenants by chance or not at all.";
    WildcardDnsMissing = "wildcard-dns-missing": Fleet Fails Neither Critical skips, shown by [WildcardDns],
        "the wildcard record is missing",
        "Names that only the wildcard answers have no address: users reach no tenant that relies on it.";
    WildcardDnsMismatch = "wildcard-dns-mismatch": Fleet Fails Neither Critical skips, shown by [WildcardDns],
        "the wildcard record points to other addresses than the edge's",
        "Users of every tenant are sent to an address that is not the edge's.";
    EdgeUnreachable = "edge-unreachable": Fleet Fails Neither Critical, shown by [Edge],
        "the edge can't be reached",
        "Connections to the edge's address are refused, reset or time out: users reach no tenant there.";
    WildcardCertificateExpired = "wildcard-certificate-expired": Fleet Fails Lasting Critical, shown by [WildcardCertificate],
        "the wildcard certificate has expired",
        "Browsers refuse every tenant that the wildcard certificate serves.";
    WildcardCertificateNotYetValid = "wildcard-certificate-not-yet-valid": Fleet Fails Lasting Critical, shown by [WildcardCertificate],
        "the wildcard certificate is not valid yet",
        "Browsers refuse every tenant that the wildcard certificate serves.";
    WildcardCertificateNameMismatch = "wildcard-certificate-name-mismatch": Fleet Fails Lasting Critical, shown by [WildcardCertificate],
        "the edge serves a certificate for other names",
        "Browsers refuse every tenant that has no certificate of its own.";
    WildcardCertificateChainIncomplete = "wildcard-certificate-chain-incomplete": Fleet Fails Lasting Critical, shown by [WildcardCertificate],
        "the edge does not send the wildcard's intermediate",
        "Clients that do not know the intermediate refuse every tenant; browsers may hide it by fetching or caching it.";
    WildcardCertificateUntrusted = "wildcard-certificate-untrusted": Fleet Fails Lasting Critical, shown by [WildcardCertificate],
        "the wildcard's chain ends at no trusted root",
        "Clients refuse every tenant that the wildcard certificate serves.";
    WildcardCertificateExpiring = "wildcard-certificate-expiring": Fleet Fails Neither Critical, shown by [WildcardCertificate],
        "the wildcard certificate is not being renewed",
        "Little of its lifetime is left: renewal, which normally happens after two thirds of it, has not happened.";
    WildcardCertificateMissing = "wildcard-certificate-missing": Fleet Fails Neither Critical, shown by [WildcardCertificate],
        "the edge app holds no wildcard certificate",
        "Handshakes for names that only the wildcard covers fail: users reach no tenant without a certificate of its own.";
    WildcardCertificateConflict = "wildcard-certificate-conflict": Fleet Fails Lasting Critical, shown by [WildcardCertificate],
        "another app holds the wildcard certificate too",
        "Two apps hold a certificate for one name, so the platform's router does not know which one handles TLS: handshakes fail now or after the next change.";
    EdgeTlsFailing = "edge-tls-failing": Fleet Fails Neither Critical, shown by [Edge],
        "the edge fails TLS handshakes, whatever the name",
        "A made-up name fails the same way: the edge is to blame, not a tenant.";
    EdgeThrottled = "edge-throttled": Fleet Hides Neither Warning, shown by [Edge],
        "the edge limits our handshakes",
        "Many handshakes at once failed and slow ones succeed: the agent was too fast, users are not affected.";
    EdgeAccessDenied = "edge-access-denied": Fleet Fails Neither Critical, shown by [Edge],
        "the edge refuses the agent's requests",
        "Tenants and a made-up name get the same refusal, challenge or login page: whether users get the sites behind it is not known.";
    EdgeSlow = "edge-slow": Fleet Warns Neither Warning, shown by [],
        "every tenant is slower than at this hour of the last days",
        "In the median of all tenants, one part of a visit takes at least twice as long as it used to: the edge, or the network between it and the agent.";
    AcmeChallengeBroken = "acme-challenge-broken": Fleet Warns Neither Warning, shown by [WildcardCertificate],
        "the delegation that the wildcard's renewal needs is gone",
        "The wildcard certificate works until its renewal, which then fails for all tenants at once.";
    DnssecBogus = "dnssec-bogus": Fleet Fails Neither Critical, shown by [Dnssec],
        "the zone's signatures do not validate",
        "Validating resolvers refuse to answer for the zone: their users reach no tenant.";
    ReleaseFailing = "release-failing": Fleet Fails Neither Critical, shown by [Certificate, Site, App, Route],
        "tenants on one image fail in the same way",
        "Tenants that run this image fail for one reason and those on others do not: the release is to blame.";
    RegionFailing = "region-failing": Fleet Fails Neither Critical, shown by [Certificate, Site, App, Route],
        "tenants in one region fail in the same way",
        "Tenants whose machines are in this region fail for one reason and those elsewhere do not.";
    PlatformOutage = "platform-outage": Fleet Fails Neither Critical, shown by [Certificate, Site, App, Route],
        "most tenants fail in the same way",
        "More than half of the visited tenants fail for one reason, and nothing else explains it.";
    DnsDelegated = "dns-delegated": Tenant Fails Lasting Warning, shown by [Dns],
        "an NS record takes the name out of the zone",
        "Other name servers decide where the name leads; the wildcard does not reach it.";
    DnsBlocked = "dns-blocked": Tenant Fails Lasting Warning, shown by [Dns],
        "a record stops the wildcard without giving an address",
        "The wildcard does not answer a name that has any record, or one below it (RFC 4592): users get no address.";
    DnsProxied = "dns-proxied": Tenant Fails Lasting Warning, shown by [Dns],
        "the tenant's own record goes through the CDN's proxy",
        "Users are sent through the CDN's proxy and past the wildcard.";
    DnsOverride = "dns-override": Tenant Fails Lasting Warning, shown by [Dns],
        "the tenant has its own record, which overrides the wildcard",
        "Its addresses differ from the wildcard's: users are sent somewhere else than to the edge.";
    DnsStaleResolver = "dns-stale-resolver": Tenant Warns Neither Warning, shown by [Dns],
        "a resolver still has an old answer",
        "The zone's servers are right and the resolver's cache is old: users of that resolver go to the old address until the cache expires.";
    CertificateConflict = "certificate-conflict": Tenant Fails Lasting Warning, shown by [Conflicts, Certificate],
        "an app other than the edge holds a certificate for the name",
        "Two apps hold a certificate for one name, so the platform's router does not know which one handles TLS: handshakes fail now or after the next change.";
    CertificateRateLimited = "certificate-rate-limited": Tenant Fails Neither Warning, shown by [Certificate],
        "the certificate authority refuses to issue for now",
        "The tenant's own certificate at the edge can't be issued until the authority's rate limit is over.";
    CertificateAwaitingConfiguration = "certificate-awaiting-configuration": Tenant Fails Neither Warning, shown by [Certificate],
        "validation of the tenant's certificate fails",
        "The edge app's own certificate for the name is not issued: the platform says what its validation misses.";
    CertificateStuck = "certificate-stuck": Tenant Fails Neither Warning, shown by [Certificate],
        "the tenant's certificate is not being issued",
        "The edge app's own certificate for the name has been awaited for more than two minutes, where 30 to 60 seconds are usual.";
    CertificateIssuing = "certificate-issuing": Tenant Fails Transient Warning, shown by [Certificate],
        "the tenant's certificate is being issued",
        "The edge app's own certificate for the name was asked for a moment ago. This passes by itself.";
    CertificateMissing = "certificate-missing": Tenant Fails Neither Warning, shown by [Certificate],
        "the edge has no certificate that covers the name",
        "The TLS handshake fails: neither the wildcard, which covers one label only, nor another certificate is for this name.";
    CertificateExpired = "certificate-expired": Tenant Fails Lasting Warning, shown by [Certificate],
        "the tenant's own certificate has expired",
        "The edge serves the name with a certificate of its own, and browsers refuse it.";
    CertificateNotYetValid = "certificate-not-yet-valid": Tenant Fails Lasting Warning, shown by [Certificate],
        "the tenant's own certificate is not valid yet",
        "The edge serves the name with a certificate of its own, and browsers refuse it.";
    CertificateNameMismatch = "certificate-name-mismatch": Tenant Fails Lasting Warning, shown by [Certificate],
        "the certificate served is for other names",
        "Browsers refuse the certificate that the edge serves for the name.";
    CertificateChainIncomplete = "certificate-chain-incomplete": Tenant Fails Lasting Warning, shown by [Certificate],
        "the edge does not send the intermediate",
        "Clients that do not know the intermediate refuse the chain; browsers may hide it by fetching or caching it.";
    CertificateUntrusted = "certificate-untrusted": Tenant Fails Lasting Warning, shown by [Certificate],
        "the chain served ends at no trusted root",
        "Clients refuse the certificate that the edge serves for the name.";
    CertificateExpiring = "certificate-expiring": Tenant Fails Neither Warning, shown by [Certificate],
        "the tenant's own certificate is not being renewed",
        "Little of its lifetime is left: renewal, which normally happens after two thirds of it, has not happened.";
    AppMissing = "app-missing": Tenant Fails Neither Warning, shown by [App, Route, Site],
        "the tenant has no app",
        "No app of that name is in the organization: the edge has nothing to replay requests to.";
    AppHostDown = "app-host-down": Tenant Fails Neither Warning absorbable, shown by [App, Route, Site],
        "the host of the app's machine does not answer",
        "The platform says that the machine's host is unreachable. The app can't be started there: it needs another host.";
    AppStopped = "app-stopped": Tenant Fails Neither Warning absorbable, shown by [App, Route, Site],
        "no machine is running and none will start by itself",
        "The site is down until somebody starts a machine: the proxy is not allowed to start one on a request.";
    AppCrashed = "app-crashed": Tenant Fails Neither Warning absorbable, shown by [App, Route, Site],
        "the app's machine failed",
        "A machine of the app failed, or ended by itself with an error, and none is running.";
    AppStarting = "app-starting": Tenant Fails Transient Warning absorbable, shown by [App, Route, Site],
        "the app is still booting",
        "The app says itself that it is starting. This passes by itself.";
    TenantUnknownToEdge = "tenant-unknown-to-edge": Tenant Fails Neither Warning, shown by [Route, Site],
        "the edge does not know the tenant",
        "The edge answers as it does for a made-up name: it has no route for this tenant.";
    RouteWrongApp = "route-wrong-app": Tenant Fails Lasting Warning, shown by [Route, Site],
        "the edge replays the name to another app",
        "The edge's own log says so: users of this tenant get what another app answers, or an error if there is none.";
    RouteWrongTenant = "route-wrong-tenant": Tenant Fails Lasting Warning, shown by [Route, Site],
        "another tenant's app answers",
        "Users of this tenant see another tenant's site.";
    RouteBroken = "route-broken": Tenant Fails Neither Warning absorbable, shown by [Route, Site],
        "the app answers directly but not through the edge",
        "The app is well; what lies between the edge and the app is not.";
    AppUnhealthy = "app-unhealthy": Tenant Fails Neither Warning absorbable, shown by [Route, Site],
        "the app itself answers wrongly, directly too",
        "The app fails whichever way it is asked: the edge is not to blame.";
    ReleaseMismatch = "release-mismatch": Tenant Fails Transient Warning, shown by [App, Site],
        "another release than the expected one",
        "A machine runs, or the site answers with, another release than this run was told to expect. A deploy under way passes by itself.";
    SiteRedirect = "site-redirect": Tenant Fails Neither Warning absorbable, shown by [Site, Route],
        "the page redirects",
        "The page answers with a redirect where none was expected.";
    SiteProtocol = "site-protocol": Tenant Fails Neither Warning absorbable, shown by [Site, Route],
        "the page answers over another HTTP version",
        "The edge did not agree on the expected HTTP version for this name.";
    SiteBody = "site-body": Tenant Fails Neither Warning absorbable, shown by [Site, Route],
        "the body of the page is not as expected",
        "The status is right, but users see something else than expected.";
    SiteHeader = "site-header": Tenant Fails Neither Warning absorbable, shown by [Site, Route],
        "a header is missing or differs",
        "The status is right, but a header is not as expected.";
    SiteStatus = "site-status": Tenant Fails Neither Warning absorbable, shown by [Site, Route],
        "the page answers with another status",
        "The request reaches a server, which answers with another status than expected.";
    TenantVanished = "tenant-vanished": Tenant Warns Neither Warning, shown by [],
        "no source names the tenant any more",
        "Two readings in a row no longer name this tenant. It is not examined any more, and its other incidents are closed.";
    SiteSlow = "site-slow": Tenant Warns Neither Warning, shown by [Site, Route],
        "the page is slow",
        "The answer is right, but took longer than the limit, from connect to the last byte.";
    CaaForbidsIssuance = "caa-forbids-issuance": Tenant Warns Lasting Warning, shown by [Certificate, WildcardCertificate],
        "CAA forbids the authority that issues the certificate",
        "The certificate works until its renewal, which the authority must refuse (RFC 8659).";
    Unexplained = "unexplained": Tenant Fails Neither Warning absorbable, shown by [Dns, Certificate, Site, Conflicts, App, Route],
        "no rule explains this failure",
        "The evidence is shown as it is; nothing is guessed.";
}
