//! The rules, each list in the order of precedence: what stands further up wins. Reading from top to bottom is the whole
//! truth about which cause is told; each rule names the function of a topic's file that proves it.

use super::agent;
use super::agent_platform::{self as api, inventory, platform};
use super::catalog::Cause;
use super::cause::Scope;
use super::correlation::{Common, Correlation};
use super::fleet_certificate::{self as wildcard, faults, serves};
use super::tenant_answer::own_app_answered;
use super::tenant_certificate::served;
use super::tenant_platform::{self as app, pending};
use super::tenant_rules::Prove::{Each, One};
use super::tenant_rules::{Rule, Table};
use super::{Proof, TenantFacts, Totals};
use super::{
    fleet_answer, fleet_dns, fleet_edge, fleet_platform, tenant_answer, tenant_dns, tenant_override, tenant_release,
    tenant_replay,
};
use crate::evidence::Reason;
use crate::finding::{Check, FleetCheck};
use crate::fleet::FleetContext;

/// A rule about the agent or the fleet: what proves its cause, and which checks of which tenants that explains.
pub(super) struct SharedRule {
    pub cause: Cause,
    pub scope: Scope,
    /// The fleet check whose outcome it decides.
    pub check: FleetCheck,
    /// The guilty objects; none where the rule does not apply.
    pub proofs: fn(&FleetContext, &Totals) -> Vec<Proof>,
    /// Whether it, once proven, is why this check of this tenant is as it is.
    pub explains: fn(&FleetContext, &TenantFacts, Check) -> bool,
    /// The causes below it that say nothing while it fails: what the agent can't see is no finding about the fleet, and
    /// where one failure fits several fleet causes only the first is told.
    pub suppresses: Suppresses,
}

/// Which causes a rule suppresses.
#[derive(Clone, Copy)]
pub(super) enum Suppresses {
    Nothing,
    These(&'static [Cause]),
    Everything,
}

impl Suppresses {
    pub(super) fn has(self, cause: Cause) -> bool {
        match self {
            Self::Nothing => false,
            Self::These(causes) => causes.contains(&cause),
            Self::Everything => true,
        }
    }
}

type Proofs = fn(&FleetContext, &Totals) -> Vec<Proof>;
type Explains = fn(&FleetContext, &TenantFacts, Check) -> bool;

const fn of_agent(cause: Cause, proofs: Proofs, explains: Explains) -> SharedRule {
    SharedRule {
        cause,
        scope: Scope::Agent,
        check: FleetCheck::Vantage,
        proofs,
        explains,
        suppresses: Suppresses::Nothing,
    }
}

const fn of_fleet(cause: Cause, check: FleetCheck, proofs: Proofs, explains: Explains) -> SharedRule {
    SharedRule {
        cause,
        scope: Scope::Fleet,
        check,
        proofs,
        explains,
        suppresses: Suppresses::Nothing,
    }
}

impl SharedRule {
    const fn suppressing(mut self, suppresses: Suppresses) -> Self {
        self.suppresses = suppresses;
        self
    }
}

/// For causes that a fleet has and no tenant suffers from.
fn nothing(_: &FleetContext, _: &TenantFacts, _: Check) -> bool {
    false
}

use Cause as C;
use FleetCheck::{Dnssec, Edge, WildcardCertificate, WildcardDns};
use Suppresses::{Everything, These};

/// The rules about agent and fleet: the first that explains a check of a tenant is why it is as it is.
#[rustfmt::skip]
pub(super) const SHARED: &[SharedRule] = &[
    of_agent(C::VantageOffline, agent::offline, agent::looks_outward).suppressing(Everything),
    of_agent(C::AgentExhausted, agent::exhausted, agent::was_exhausted),
    of_agent(C::VantageDnsBlocked, agent::dns_blocked, agent::is_silent_dns),
    of_agent(C::ClockWrong, agent::clock, agent::fails_by_clock)
        .suppressing(These(&[C::WildcardCertificateExpired, C::WildcardCertificateNotYetValid])),
    of_agent(C::ClockWrong, agent::clock_off, nothing),
    of_agent(C::PlatformApiUnauthorized, |c, _| platform(c, C::PlatformApiUnauthorized), api::hides),
    of_agent(C::PlatformApiRateLimited, |c, _| platform(c, C::PlatformApiRateLimited), api::hides),
    of_agent(C::PlatformApiUnavailable, |c, _| platform(c, C::PlatformApiUnavailable), api::hides),
    of_agent(C::PlatformApiUnauthorized, |c, _| inventory(c, C::PlatformApiUnauthorized), nothing),
    of_agent(C::PlatformApiRateLimited, |c, _| inventory(c, C::PlatformApiRateLimited), nothing),
    of_agent(C::PlatformApiUnavailable, |c, _| inventory(c, C::PlatformApiUnavailable), nothing),
    of_agent(C::EdgeAppMismatch, |c, _| api::wrong_edge(c), api::by_wrong_edge)
        .suppressing(These(&[C::EdgeMissing, C::WildcardCertificateMissing, C::WildcardCertificateConflict, C::AcmeChallengeBroken])),
    of_agent(C::EdgeRateLimited, fleet_answer::rate_limited, fleet_answer::by_rate_limit),
    of_fleet(C::EdgeMissing, Edge, fleet_platform::edge_missing, fleet_platform::by_edge_missing)
        .suppressing(These(&[C::WildcardDnsMismatch, C::EdgeUnreachable, C::WildcardCertificateMissing])),
    of_fleet(C::DnsServersFailing, WildcardDns, fleet_dns::servers, fleet_dns::by_servers)
        .suppressing(These(&[C::WildcardDnsMissing, C::WildcardDnsMismatch])),
    of_fleet(C::WildcardDnsMissing, WildcardDns, fleet_dns::missing, fleet_dns::by_missing),
    of_fleet(C::WildcardDnsMismatch, WildcardDns, fleet_dns::mismatch, fleet_dns::by_mismatch),
    of_fleet(C::EdgeUnreachable, Edge, fleet_edge::unreachable, fleet_edge::by_unreachable),
    of_fleet(C::WildcardCertificateMissing, WildcardCertificate, fleet_platform::wildcard_missing, fleet_platform::by_cut_wildcard)
        .suppressing(These(&[C::EdgeTlsFailing])),
    of_fleet(C::WildcardCertificateConflict, WildcardCertificate, fleet_platform::wildcard_conflict, fleet_platform::by_wildcard_conflict)
        .suppressing(These(&[C::EdgeTlsFailing])),
    of_fleet(C::WildcardCertificateExpired, WildcardCertificate, |c, _| faults(c, Reason::TlsExpired), |c, t, k| serves(c, t, k, Reason::TlsExpired)),
    of_fleet(C::WildcardCertificateNotYetValid, WildcardCertificate, |c, _| faults(c, Reason::TlsNotYetValid), |c, t, k| serves(c, t, k, Reason::TlsNotYetValid)),
    of_fleet(C::WildcardCertificateNameMismatch, WildcardCertificate, |c, _| faults(c, Reason::TlsNameMismatch), |c, t, k| serves(c, t, k, Reason::TlsNameMismatch)),
    of_fleet(C::WildcardCertificateChainIncomplete, WildcardCertificate, |c, _| faults(c, Reason::TlsIncompleteChain), |c, t, k| serves(c, t, k, Reason::TlsIncompleteChain)),
    of_fleet(C::WildcardCertificateUntrusted, WildcardCertificate, |c, _| faults(c, Reason::TlsUnknownIssuer), |c, t, k| serves(c, t, k, Reason::TlsUnknownIssuer)),
    of_fleet(C::WildcardCertificateExpiring, WildcardCertificate, wildcard::expiring, |c, t, k| serves(c, t, k, Reason::TlsExpiring)),
    of_fleet(C::EdgeTlsFailing, Edge, fleet_edge::tls_failing, fleet_edge::by_tls),
    of_fleet(C::EdgeThrottled, Edge, fleet_edge::throttled, fleet_edge::by_throttle),
    of_fleet(C::EdgeAccessDenied, Edge, fleet_answer::access_denied, fleet_answer::by_access_denied),
    of_fleet(C::DnssecBogus, Dnssec, fleet_dns::bogus, fleet_dns::by_bogus),
    of_fleet(C::AcmeChallengeBroken, WildcardCertificate, fleet_platform::acme_broken, nothing),
    of_fleet(C::CaaForbidsIssuance, WildcardCertificate, wildcard::caa, nothing),
];

/// The rules about one tenant. Tables stand in the order in which its first cause is looked for, and the checks of a table
/// too; in a table the first rule that applies explains what fails or warns and is not explained yet. What nothing
/// explains is told as `unexplained`.
#[rustfmt::skip]
pub(super) const TENANT: &[Table] = &[
    Table {
        checks: &[Check::Dns],
        rules: &[
            rule(C::DnsDelegated, One(tenant_dns::delegated)),
            rule(C::DnsBlocked, One(tenant_dns::blocked)),
            rule(C::DnsProxied, One(tenant_override::proxied)),
            rule(C::DnsOverride, One(tenant_override::overridden)),
            rule(C::DnsStaleResolver, One(tenant_dns::stale)),
        ],
        besides: &[rule(C::DnsStaleResolver, Each(tenant_dns::further_stale))],
    },
    Table {
        checks: &[Check::Certificate],
        rules: &[
            rule(C::CertificateConflict, Each(app::conflicts_that_cut)),
            rule(C::CertificateRateLimited, One(|t| pending(t, C::CertificateRateLimited))),
            rule(C::CertificateAwaitingConfiguration, One(|t| pending(t, C::CertificateAwaitingConfiguration))),
            rule(C::CertificateStuck, One(|t| pending(t, C::CertificateStuck))),
            rule(C::CertificateIssuing, One(|t| pending(t, C::CertificateIssuing))),
            rule(C::CertificateMissing, One(app::missing)),
            rule(C::CertificateExpired, One(|t| served(t, Reason::TlsExpired))),
            rule(C::CertificateNotYetValid, One(|t| served(t, Reason::TlsNotYetValid))),
            rule(C::CertificateNameMismatch, One(|t| served(t, Reason::TlsNameMismatch))),
            rule(C::CertificateChainIncomplete, One(|t| served(t, Reason::TlsIncompleteChain))),
            rule(C::CertificateUntrusted, One(|t| served(t, Reason::TlsUnknownIssuer))),
            rule(C::CertificateExpiring, One(|t| served(t, Reason::TlsExpiring))),
        ],
        besides: &[rule(C::CaaForbidsIssuance, One(super::tenant_certificate::forbidden))],
    },
    Table {
        checks: &[Check::App, Check::Route, Check::Site],
        rules: &[
            rule(C::ReleaseMismatch, One(tenant_release::machines)),
            rule(C::AppMissing, One(app::app_missing)),
            rule(C::AppHostDown, One(app::app_host_down)),
            rule(C::AppStopped, One(app::app_stopped)),
            rule(C::AppCrashed, One(app::app_crashed)),
            rule(C::AppStarting, One(app::app_starting)),
            rule(C::AppStarting, One(tenant_answer::starting)),
            rule(C::TenantUnknownToEdge, One(tenant_answer::unknown_to_edge)).unless(own_app_answered),
            rule(C::RouteWrongApp, One(tenant_replay::wrong_app)).unless(own_app_answered),
            rule(C::RouteWrongTenant, One(tenant_answer::wrong_tenant)).unless(own_app_answered),
            rule(C::RouteBroken, One(tenant_answer::route_broken)).unless(own_app_answered),
            rule(C::SiteRedirect, One(|t| tenant_answer::site(t, &[Reason::HttpRedirect]))),
            rule(C::SiteProtocol, One(|t| tenant_answer::site(t, &[Reason::HttpProtocol]))),
            rule(C::SiteBody, One(|t| tenant_answer::site(t, &[Reason::HttpBody, Reason::HttpTooLarge, Reason::HttpMalformed]))),
            rule(C::SiteHeader, One(|t| tenant_answer::site(t, &[Reason::HttpHeader]))),
            rule(C::AppUnhealthy, One(tenant_answer::app_unhealthy)),
            rule(C::SiteStatus, One(|t| tenant_answer::site(t, &[Reason::HttpStatus]))),
            rule(C::SiteSlow, One(tenant_answer::slow)),
            rule(C::ReleaseMismatch, One(tenant_release::answer)),
        ],
        besides: &[],
    },
    Table {
        checks: &[Check::Conflicts],
        rules: &[rule(C::CertificateConflict, Each(app::conflicts))],
        besides: &[],
    },
];

/// What failing tenants have in common, the narrower first: over what nothing above explains, or explains by a cause that
/// may be taken in.
pub(super) const COMMON: &[Correlation] = &[
    Correlation {
        cause: C::ReleaseFailing,
        common: Common::Group(|facts| facts.release),
    },
    Correlation {
        cause: C::RegionFailing,
        common: Common::Group(|facts| facts.region),
    },
    Correlation {
        cause: C::PlatformOutage,
        common: Common::Visited,
    },
];

const fn rule(cause: Cause, prove: super::tenant_rules::Prove) -> Rule {
    Rule {
        cause,
        prove,
        refuted: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_rule() {
        let of_tenants = TENANT.iter().flat_map(|table| table.rules.iter().chain(table.besides));
        let told = SHARED
            .iter()
            .map(|rule| rule.cause)
            .chain(of_tenants.map(|rule| rule.cause))
            .chain(COMMON.iter().map(|correlation| correlation.cause))
            .collect::<Vec<_>>();
        for cause in Cause::ALL {
            // What no check can show is told by whoever watches: who left, and who could not be told.
            let by_watch = cause.row().shown_by.is_empty();
            assert!(
                told.contains(cause) || by_watch || *cause == Cause::Unexplained,
                "{cause} has no rule"
            );
        }
    }
}
