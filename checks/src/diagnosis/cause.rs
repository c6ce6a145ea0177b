//! The catalog: every cause with its name, what is wrong in a few words, and what that means. Decides nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($variant:ident = $name:literal, $title:literal, $meaning:literal;)*) => {
        /// What is wrong, named by the thing that is wrong and not by where it showed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Cause {
            $(#[doc = $title] $variant,)*
        }

        impl Cause {
            /// Every cause: agent, fleet, tenant, in the order in which they are looked for.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in reports, configuration and messages.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What is wrong, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means for users, in a sentence or two.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

causes! {
    AgentExhausted = "agent-exhausted", "the agent ran out of descriptors, ports or memory",
        "The agent could not look. This says nothing about the tenants that it hides.";
    VantageOffline = "vantage-offline", "the agent has no working network",
        "No control, no server of the zone and no edge address answers the agent. This says nothing about the tenants.";
    VantageDnsBlocked = "vantage-dns-blocked", "the agent can't reach the zone's DNS servers",
        "The zone's servers are silent to the agent while a resolver gets fresh names from them: port 53 is closed to the agent.";
    ClockWrong = "clock-wrong", "the agent's clock is wrong",
        "Certificates fail by their dates alone, and another clock says a time at which they are valid.";
    PlatformApiUnauthorized = "platform-api-unauthorized", "an API does not accept the agent's token",
        "What only this API can tell is not known. Nothing is said of the tenants that it hides.";
    PlatformApiRateLimited = "platform-api-rate-limited", "an API asks the agent to slow down",
        "What only this API can tell is not known in this round. Nothing is said of the tenants that it hides.";
    PlatformApiUnavailable = "platform-api-unavailable", "an API does not answer the agent",
        "What only this API can tell is not known. Nothing is said of the tenants that it hides.";
    EdgeMissing = "edge-missing", "the edge app is missing or has no public address",
        "There is nothing that users could reach: every tenant behind the edge is down.";
    DnsServersFailing = "dns-servers-failing", "the zone's DNS servers fail",
        "Resolvers that ask these servers get no answer, or different ones: users reach the tenants by chance or not at all.";
    WildcardDnsMissing = "wildcard-dns-missing", "the wildcard record is missing",
        "Names that only the wildcard answers have no address: users reach no tenant that relies on it.";
    WildcardDnsMismatch = "wildcard-dns-mismatch", "the wildcard record points elsewhere than the edge",
        "Users are sent to an address that is not the edge's.";
    EdgeUnreachable = "edge-unreachable", "the edge can't be reached",
        "Connections to the edge's address are refused, reset or time out before any tenant matters.";
    WildcardCertificateExpired = "wildcard-certificate-expired", "the wildcard certificate has expired",
        "Browsers refuse every tenant that the wildcard certificate serves.";
    WildcardCertificateNotYetValid = "wildcard-certificate-not-yet-valid", "the wildcard certificate is not valid yet",
        "Browsers refuse every tenant that the wildcard certificate serves.";
    WildcardCertificateNameMismatch = "wildcard-certificate-name-mismatch", "the edge serves a certificate for other names",
        "Browsers refuse every tenant that has no certificate of its own.";
    WildcardCertificateChainIncomplete = "wildcard-certificate-chain-incomplete", "the edge does not send the wildcard's intermediate",
        "Clients that do not know the intermediate refuse every tenant; browsers may hide it by fetching or caching it.";
    WildcardCertificateUntrusted = "wildcard-certificate-untrusted", "the wildcard's chain ends at no trusted root",
        "Clients refuse every tenant that the wildcard certificate serves.";
    WildcardCertificateExpiring = "wildcard-certificate-expiring", "the wildcard certificate is not being renewed",
        "Little of its lifetime is left: renewal, which normally happens after two thirds of it, has not happened.";
    WildcardCertificateMissing = "wildcard-certificate-missing", "the edge app holds no wildcard certificate",
        "Handshakes for names that only the wildcard covers are cut: users reach no tenant without a certificate of its own.";
    WildcardCertificateConflict = "wildcard-certificate-conflict", "another app holds the wildcard certificate too",
        "Where two apps hold a certificate for one name the platform's router does not know who handles TLS: handshakes are cut, now or after the next change.";
    EdgeTlsFailing = "edge-tls-failing", "the edge fails TLS handshakes, whatever the name",
        "A name that exists nowhere fails the same way: the edge is to blame, no tenant.";
    EdgeThrottled = "edge-throttled", "the edge limits our handshakes",
        "Many handshakes at once were cut and unhurried ones succeed: the agent was too fast, users are not affected.";
    AcmeChallengeBroken = "acme-challenge-broken", "the delegation that the wildcard's renewal needs is gone",
        "The wildcard certificate works until its renewal, which then fails for all tenants at once.";
    DnssecBogus = "dnssec-bogus", "the zone's signatures do not validate",
        "Validating resolvers refuse to answer for the zone: their users reach no tenant.";
    ReleaseFailing = "release-failing", "tenants on one image fail alike",
        "Tenants that run this image fail with one reason and those on others do not: the release is to blame.";
    RegionFailing = "region-failing", "tenants in one region fail alike",
        "Tenants whose machines are in this region fail with one reason and those elsewhere do not.";
    PlatformOutage = "platform-outage", "most tenants fail alike",
        "More than half of the visited tenants fail with one reason, and nothing else explains it.";
    DnsDelegated = "dns-delegated", "an NS record takes the name out of the zone",
        "Other name servers decide where the name leads; the wildcard does not reach it.";
    DnsBlocked = "dns-blocked", "a record stops the wildcard without giving an address",
        "A name that exists with any type, or has anything below it, is not answered by the wildcard (RFC 4592): it has no address.";
    DnsProxied = "dns-proxied", "an own record goes through the CDN's proxy",
        "The name has a record of its own that sends users through the CDN's proxy and past the wildcard.";
    DnsOverride = "dns-override", "an own record shadows the wildcard",
        "The name has an address record of its own, which differs from the wildcard: users are sent elsewhere than the edge.";
    DnsStaleResolver = "dns-stale-resolver", "a resolver still has an old answer",
        "The zone's servers are right and the resolver's cache is not: users of that resolver go elsewhere until its time to live ends.";
    CertificateConflict = "certificate-conflict", "an app other than the edge holds a certificate for the name",
        "Where two apps hold a certificate for one name the platform's router does not know who handles TLS: handshakes are cut, now or after the next change.";
    CertificateRateLimited = "certificate-rate-limited", "the authority refuses to issue for now",
        "The tenant's own certificate at the edge can't be issued until the authority's limit is over.";
    CertificateAwaitingConfiguration = "certificate-awaiting-configuration", "validation of the tenant's certificate fails",
        "The edge app's own certificate for the name is not issued: the platform says what its validation misses.";
    CertificateStuck = "certificate-stuck", "the tenant's certificate is not being issued",
        "The edge app's own certificate for the name has been awaited for more than two minutes, where 30 to 60 seconds are usual.";
    CertificateIssuing = "certificate-issuing", "the tenant's certificate is being issued",
        "The edge app's own certificate for the name was asked for a moment ago. This passes by itself.";
    CertificateMissing = "certificate-missing", "the edge has no certificate that covers the name",
        "The edge cuts the handshake: neither the wildcard, which covers one label only, nor another certificate is for this name.";
    CertificateExpired = "certificate-expired", "the tenant's own certificate has expired",
        "The edge serves the name with a certificate of its own, and browsers refuse it.";
    CertificateNotYetValid = "certificate-not-yet-valid", "the tenant's own certificate is not valid yet",
        "The edge serves the name with a certificate of its own, and browsers refuse it.";
    CertificateNameMismatch = "certificate-name-mismatch", "the certificate served is for other names",
        "Browsers refuse the certificate that the edge serves for the name.";
    CertificateChainIncomplete = "certificate-chain-incomplete", "the edge does not send the intermediate",
        "Clients that do not know the intermediate refuse the chain; browsers may hide it by fetching or caching it.";
    CertificateUntrusted = "certificate-untrusted", "the chain served ends at no trusted root",
        "Clients refuse the certificate that the edge serves for the name.";
    CertificateExpiring = "certificate-expiring", "the tenant's own certificate is not being renewed",
        "Little of its lifetime is left: renewal, which normally happens after two thirds of it, has not happened.";
    AppMissing = "app-missing", "the tenant has no app",
        "No app of that name is in the organization: the edge has nothing to replay requests to.";
    AppStopped = "app-stopped", "no machine runs and none will wake",
        "No machine of the app runs, and the proxy is not allowed to start one on a request.";
    AppCrashed = "app-crashed", "the app's machine failed",
        "A machine of the app failed, or ended by itself with a fault, and none runs.";
    AppStarting = "app-starting", "the app is still booting",
        "The app itself says so. This passes by itself.";
    TenantUnknownToEdge = "tenant-unknown-to-edge", "the edge does not know the tenant",
        "The edge answers as it does for a name that exists nowhere: it has no route for this tenant.";
    RouteWrongApp = "route-wrong-app", "the edge replays the name to another app",
        "The edge's own log says so: users of this tenant get what another app answers, or an error where there is none.";
    RouteWrongTenant = "route-wrong-tenant", "another tenant's app answers",
        "Users of this tenant see another tenant's site.";
    RouteBroken = "route-broken", "the app answers directly but not through the edge",
        "The app is well; what lies between the edge and the app is not.";
    AppUnhealthy = "app-unhealthy", "the app itself answers wrongly, directly too",
        "The app fails whichever way it is asked: the edge is not to blame.";
    ReleaseMismatch = "release-mismatch", "another release than the expected one",
        "A machine runs, or the site answers with, another release than this run was told to expect. A deploy under way passes by itself.";
    SiteRedirect = "site-redirect", "the page redirects",
        "The page answers with a redirect where none was expected.";
    SiteProtocol = "site-protocol", "the page answers over another HTTP version",
        "The edge did not agree on the expected HTTP version for this name.";
    SiteBody = "site-body", "the page says something else",
        "The status is right and the body is not what was expected.";
    SiteHeader = "site-header", "a header is missing or differs",
        "The status is right and a header is not what was expected.";
    SiteStatus = "site-status", "the page answers with another status",
        "The request reaches a server, which answers with another status than expected.";
    SiteSlow = "site-slow", "the page is slow",
        "The answer is right and took longer than the limit, from connect to the last byte.";
    CaaForbidsIssuance = "caa-forbids-issuance", "CAA forbids the authority that issues the certificate",
        "The certificate works until its renewal, which the authority must refuse (RFC 8659).";
    Unexplained = "unexplained", "no rule explains this failure",
        "The evidence is listed as it is; nothing is guessed.";
}

impl Cause {
    /// Whether it passes by itself, as in the middle of a deploy.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::AppStarting | Self::CertificateIssuing | Self::ReleaseMismatch
        )
    }

    /// Whether no waiting mends it: somebody must change a record, a certificate or a route.
    #[must_use]
    pub fn is_lasting(self) -> bool {
        use Cause::{CaaForbidsIssuance, CertificateConflict, DnsBlocked, DnsDelegated, DnsOverride, DnsProxied};
        use Cause::{
            CertificateChainIncomplete, CertificateExpired, CertificateNameMismatch, CertificateNotYetValid,
            CertificateUntrusted, RouteWrongApp, RouteWrongTenant, WildcardCertificateChainIncomplete,
            WildcardCertificateConflict, WildcardCertificateExpired, WildcardCertificateNameMismatch,
            WildcardCertificateNotYetValid, WildcardCertificateUntrusted,
        };
        let record = matches!(self, DnsOverride | DnsProxied | DnsBlocked | DnsDelegated);
        let authority = matches!(
            self,
            CertificateConflict | WildcardCertificateConflict | CaaForbidsIssuance | RouteWrongApp | RouteWrongTenant
        );
        let served = matches!(
            self,
            CertificateExpired
                | CertificateNotYetValid
                | CertificateNameMismatch
                | CertificateUntrusted
                | CertificateChainIncomplete
        );
        let wildcard = matches!(
            self,
            WildcardCertificateExpired
                | WildcardCertificateNotYetValid
                | WildcardCertificateNameMismatch
                | WildcardCertificateUntrusted
                | WildcardCertificateChainIncomplete
        );
        record || authority || served || wildcard
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cause that roundsman knows")]
pub struct UnknownCause(pub String);

impl FromStr for Cause {
    type Err = UnknownCause;
    fn from_str(text: &str) -> Result<Self, UnknownCause> {
        Self::ALL
            .iter()
            .copied()
            .find(|cause| cause.as_str() == text)
            .ok_or_else(|| UnknownCause(text.to_owned()))
    }
}

impl TryFrom<String> for Cause {
    type Error = UnknownCause;
    fn try_from(text: String) -> Result<Self, UnknownCause> {
        text.parse()
    }
}

impl From<Cause> for String {
    fn from(cause: Cause) -> Self {
        cause.as_str().to_owned()
    }
}
