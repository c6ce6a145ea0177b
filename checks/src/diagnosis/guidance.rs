//! What proves each cause, and what to do about it, for a person: the text of `explain` and of `docs/causes.md`. What the
//! rules do is the truth; this says it in words.

use super::Cause;

/// What a person should know of a cause besides its row in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guidance {
    /// The evidence that proves it: then it is `confirmed`.
    pub confirmed: &'static str,
    /// The weaker evidence by which it is told as `likely`; `None`: it is told as confirmed or not at all.
    pub likely: Option<&'static str>,
    /// What to do.
    pub remedy: &'static str,
}

const fn proven(confirmed: &'static str, remedy: &'static str) -> Guidance {
    Guidance {
        confirmed,
        likely: None,
        remedy,
    }
}

const fn or_likely(confirmed: &'static str, likely: &'static str, remedy: &'static str) -> Guidance {
    Guidance {
        confirmed,
        likely: Some(likely),
        remedy,
    }
}

/// Where the platform's word is missing, what it alone could rule out stays possible.
const WITHOUT_PLATFORM: &str =
    "without a platform, or without its whole lists: nobody can say that no certificate is missing or held elsewhere";
const RENEW: &str = "find out why renewal fails, and renew the certificate at the edge";
const NEW: &str = "issue a new certificate at the edge";
const WHOLE: &str = "serve the whole chain: the leaf and the intermediates that the authority gives out";
const TRUSTED: &str = "what the certificate named in the evidence needs; else a certificate of a trusted authority (a private one: name its root in `[edge] ca_file`)";
const PAGE: &str = "look at the app; where the expectation is wrong, change it in `[site]`";

impl Cause {
    /// What proves it, and what to do about it.
    #[must_use]
    pub fn guidance(self) -> Guidance {
        agent(self)
            .or_else(|| fleet(self))
            .or_else(|| of_the_wildcard(self))
            .or_else(|| of_names(self))
            .or_else(|| of_certificates(self))
            .or_else(|| of_apps(self))
            .or_else(|| of_pages(self))
            .unwrap_or(proven(
                "the failing checks with what they saw; no rule fits, and nothing is guessed",
                "read the evidence from the first failing check on: DNS, TLS, HTTP",
            ))
    }
}

fn agent(cause: Cause) -> Option<Guidance> {
    Some(match cause {
        Cause::AgentExhausted => proven(
            "a probe of the agent failed because descriptors, ports or memory ran out",
            "raise the limit that the evidence names, or lower `--concurrency`",
        ),
        Cause::InventoryShrunk => proven(
            "two readings in a row name more than a tenth and more than ten tenants fewer than are known, or none at all",
            "look at the source of the tenants; where they really left, `roundsman incidents ack ID` says so",
        ),
        Cause::NotificationUndelivered => proven(
            "the channel's own answer, or ten minutes without one",
            "look at the evidence, correct the channel in [[alerts.channels]], try it with `roundsman alerts test CHANNEL`, then send what waits with `roundsman alerts outbox --retry`",
        ),
        Cause::VantageOffline => proven(
            "every control fails, and no server of the zone and no address of the edge answers",
            "check the network of the machine that roundsman runs on, then run it again",
        ),
        Cause::VantageDnsBlocked => or_likely(
            "the zone's servers are silent to the agent while a resolver gives a fresh label the edge's addresses",
            "a resolver gives a fresh label something else, so it may have a view of its own",
            "open port 53 to the zone's servers for the agent, or set `[dns] ask = \"resolvers\"`",
        ),
        Cause::ClockWrong => or_likely(
            "never: other clocks are no proof",
            "chains fail by their dates alone, and the `Date` of the edge's answer is a time at which they are valid; or, as a warning, the `Date` of two sources (the edge, the APIs) is more than five minutes off the agent's clock",
            "set the clock of the machine that roundsman runs on",
        ),
        Cause::PlatformApiUnauthorized => proven(
            "the API answers 401 or 403, or refuses the token in its own words",
            "make a new token that may read, and set it",
        ),
        Cause::PlatformApiRateLimited => proven(
            "the API answers 429",
            "verify less often, or wait until the limit is over",
        ),
        Cause::PlatformApiUnavailable => proven(
            "the API does not answer, fails, or its lists are not whole; the evidence says which and why",
            "what the evidence says: the API's status page, a proxy that stands between, the organization's or the zone's name",
        ),
        Cause::EdgeRateLimited => proven(
            "the edge answers tenants and a name that exists nowhere with 429, or with 503 and a time to wait",
            "run with a lower `--concurrency`, or set `[schedule] rate` below the edge's limit; or raise the limit for the agent",
        ),
        Cause::EdgeAppMismatch => proven(
            "the configured edge app does not exist or holds no certificate for the wildcard, another app does, and handshakes work",
            "set `[edge] app` (--edge-app) to the app that the evidence names; change nothing at the platform",
        ),
        _ => return None,
    })
}

fn fleet(cause: Cause) -> Option<Guidance> {
    Some(match cause {
        Cause::EdgeMissing => proven(
            "the platform's complete list has no such app, or the app's complete list no public address",
            "bring the edge app back, or give it addresses",
        ),
        Cause::EdgeUnreachable => proven(
            "connections to the edge's address fail for a name that exists nowhere, too",
            "check that the edge listens on the addresses named, and the firewalls on the way",
        ),
        Cause::EdgeTlsFailing => or_likely(
            "handshakes fail for a name that exists nowhere, the repeated one too, and the platform knows of no missing or conflicting wildcard",
            WITHOUT_PLATFORM,
            "check the edge app's TLS: its logs and its certificates",
        ),
        Cause::EdgeSlow => Guidance {
            confirmed: "never: the network between the agent and the edge may be slow instead",
            likely: Some(
                "the last visits of all tenants, in the middle, against the same hour of three to seven days before",
            ),
            remedy: "look at the edge app's load, its machines and its last deploy; `roundsman trace TENANT` from another place tells whether it is the network in between",
        },
        Cause::EdgeThrottled => proven(
            "many handshakes were cut at once, and an unhurried one afterwards succeeds",
            "nothing: roundsman goes slower by itself; `[schedule] rate` sets a limit",
        ),
        Cause::EdgeAccessDenied => or_likely(
            "two tenants or more, most of those that answered, and a name that exists nowhere get the same refusal, bot wall or login page, and no tenant is let through",
            "one tenant alone gets it",
            "let the probe through: send what the edge asks for with `[site] request_headers`, or allow the agent's address or its User-Agent",
        ),
        Cause::DnsServersFailing => or_likely(
            "servers of the zone fail, refuse or are silent while others answer, or contradict each other about one fresh label",
            "all are silent, and no resolver tells whether they answer others",
            "look at the servers named, and at the zone's transfer between them",
        ),
        Cause::DnssecBogus => proven(
            "a validating resolver answers SERVFAIL, and answers with checking disabled",
            "repair the zone's signatures or its DS record; `delv` says which",
        ),
        Cause::AcmeChallengeBroken => proven(
            "the delegation that the platform asks for is not at the zone's servers",
            "set the CNAME that the evidence names: without it the wildcard can't be renewed",
        ),
        Cause::ReleaseFailing | Cause::RegionFailing => or_likely(
            "never: that tenants have it in common is no proof of the reason",
            "at least 80 % of those who share it fail in the same way, and at most 5 % of the others do",
            "roll the release back, or look at the region",
        ),
        Cause::PlatformOutage => or_likely(
            "never: nothing deeper was found",
            "more than half of the visited tenants (at least 3) fail with one reason that nothing else explains",
            "look at what all tenants share: the edge app, its upstreams, the platform's status page",
        ),
        _ => return None,
    })
}

fn of_the_wildcard(cause: Cause) -> Option<Guidance> {
    let served = |what, remedy| Some(proven(what, remedy));
    match cause {
        Cause::WildcardDnsMissing => Some(or_likely(
            "the zone's servers answer that `*.DOMAIN` and a fresh label have no address",
            "only resolvers or forwarding servers say so, or a resolver says that the domain does not exist",
            "create the wildcard record, with the edge's addresses",
        )),
        Cause::WildcardDnsMismatch => Some(or_likely(
            "the servers' answers for a fresh label hold addresses that are not among the edge's, all of which are known, and the DNS provider lists the zone",
            "the same without a listing: a CDN's proxy may answer, and the record behind it be right",
            "point the wildcard at the edge's addresses",
        )),
        Cause::WildcardCertificateMissing => served(
            "handshakes for a name that exists nowhere are cut, and the edge app's complete list holds no ready certificate for the wildcard",
            "add the wildcard's certificate to the edge app",
        ),
        Cause::WildcardCertificateConflict => served(
            "another app's list holds a certificate for the wildcard beside the edge app's, or instead of it while handshakes for a name that exists nowhere are cut",
            "look at both apps, and remove it from the one that is not the edge, by hand",
        ),
        Cause::WildcardCertificateExpired | Cause::WildcardCertificateNotYetValid => served(
            "the edge serves that chain for a name that exists nowhere; the evidence names the certificate of it that is to blame",
            "renew the certificate; where an intermediate is to blame, serve the authority's current ones",
        ),
        Cause::WildcardCertificateNameMismatch => served(
            "what the edge serves for a name under the wildcard does not cover it",
            "configure the wildcard's certificate at the edge",
        ),
        Cause::WildcardCertificateChainIncomplete => {
            served("the leaf came alone, and its issuer is no trusted root", WHOLE)
        }
        Cause::WildcardCertificateUntrusted => served(
            "the chain that the edge serves for a name that exists nowhere was refused; the evidence names the certificate and its fault",
            TRUSTED,
        ),
        Cause::WildcardCertificateExpiring => served(
            "the served leaf has less of its lifetime left than `[certificate]` allows, or an intermediate that no path does without ends within 14 days",
            RENEW,
        ),
        Cause::CaaForbidsIssuance => served(
            "the closest CAA set does not allow the authority that issued what is served",
            "allow that authority in the set, or delete the set",
        ),
        _ => None,
    }
}

fn of_names(cause: Cause) -> Option<Guidance> {
    Some(match cause {
        Cause::DnsOverride => or_likely(
            "the record in the zone's listing; or twice the same answer, that is not the wildcard's, by a server of the zone that gives fresh labels the wildcard's",
            "one such answer, or one by resolvers or forwarding servers only, where nobody lists the zone",
            "delete the records of the name that the fix lists",
        ),
        Cause::DnsBlocked => or_likely(
            "a server of the zone says that the name exists and has no address, while it gives fresh labels the wildcard's",
            "only resolvers or forwarding servers say so, or a resolver gives the name what it gives a fresh label",
            "delete the records that the fix lists: any record stops the wildcard (RFC 4592)",
        ),
        Cause::DnsDelegated => or_likely(
            "a server of the zone refers the name elsewhere, or NS records stand at it",
            "only resolvers or forwarding servers say so, or a resolver gives the name what it gives a fresh label",
            "delete the NS records of the name",
        ),
        Cause::DnsProxied => proven(
            "the zone's listing holds a record of the name that goes through the proxy",
            "switch the proxy off for the record, or delete it",
        ),
        Cause::DnsStaleResolver => proven(
            "the zone's servers are right, and the resolver gives the old answer for the name while it gives a fresh label what the servers do",
            "wait until the record's TTL is over",
        ),
        _ => return None,
    })
}

fn of_certificates(cause: Cause) -> Option<Guidance> {
    Some(match cause {
        Cause::CertificateConflict => proven(
            "the list of an app other than the edge holds a certificate for the name, or the tenant's app one for any name under the domain",
            "remove it there: one app alone may hold the name",
        ),
        Cause::CertificateRateLimited | Cause::CertificateIssuing => proven(
            "the platform says so of the edge's own certificate for the name",
            "wait: the evidence says until when, where that is known",
        ),
        Cause::CertificateAwaitingConfiguration | Cause::CertificateStuck => proven(
            "the platform says so of the edge's own certificate for the name, with its validation errors",
            "fix what validation misses; where the wildcard covers the name, take the certificate back",
        ),
        Cause::CertificateMissing => proven(
            "the handshake is cut while a name that exists nowhere passes, and the edge's complete list covers the name with nothing",
            "add a certificate for the name at the edge (a wildcard covers one label only)",
        ),
        Cause::CertificateExpired => proven(
            "the edge serves that chain for the name; the evidence names the certificate of it that is to blame",
            "renew the certificate; where an intermediate is to blame, serve the authority's current ones",
        ),
        Cause::CertificateNotYetValid => proven("the edge serves a chain for the name that is not valid yet", NEW),
        Cause::CertificateNameMismatch => proven(
            "what the edge serves for the name does not cover it",
            "install a certificate that covers the name, or remove the tenant's own: the wildcard then serves the name",
        ),
        Cause::CertificateChainIncomplete => proven("the leaf came alone, and its issuer is no trusted root", WHOLE),
        Cause::CertificateUntrusted => proven(
            "the chain that the edge serves for the name was refused; the evidence names the certificate and its fault",
            TRUSTED,
        ),
        Cause::CertificateExpiring => proven(
            "the served leaf has less of its lifetime left than `[certificate]` allows, or an intermediate that no path does without ends within 14 days",
            RENEW,
        ),
        _ => return None,
    })
}

fn of_apps(cause: Cause) -> Option<Guidance> {
    Some(match cause {
        Cause::AppMissing => proven(
            "the platform's complete list has no app of that name, and no page shows that it answers; or nobody's source names the tenant that was asked for",
            "create the app again, or take the tenant out of the inventory",
        ),
        Cause::AppHostDown => proven(
            "the platform says that the host of the app's only running machine does not answer, and no page shows otherwise",
            "run the app on another host; look at the platform's status page",
        ),
        Cause::AppStopped => proven(
            "the machines' own states: none that serves requests runs, and none will wake, or one is stuck on its way for more than five minutes; and no page shows otherwise",
            "start the machine that the fix names",
        ),
        Cause::AppCrashed => proven(
            "the machine's own state, or its last exit, which nobody asked for and which was not 0",
            "look at the app's log, then restart the machine",
        ),
        Cause::AppStarting => or_likely(
            "the machine's own state",
            "the app itself answers that it is starting",
            "wait: it passes by itself",
        ),
        Cause::AppUnhealthy => proven(
            "the app fails in the same way through the edge and asked directly",
            "look at the app's log",
        ),
        Cause::ReleaseMismatch => proven(
            "a machine's image, or the version in the answer, is not the one that the run was told to expect",
            "wait until the deploy has replaced every machine, or deploy again",
        ),
        _ => return None,
    })
}

fn of_pages(cause: Cause) -> Option<Guidance> {
    Some(match cause {
        Cause::TenantUnknownToEdge => or_likely(
            "the page fails, and the edge answers as it does for a name that exists nowhere: same status, Location and body",
            "only `route` fails: nothing identifies who answered",
            "register the tenant at the edge app",
        ),
        Cause::RouteWrongApp => proven(
            "the edge's own log says that it replays the name to another app",
            "correct the edge's route of the name",
        ),
        Cause::RouteWrongTenant => or_likely(
            "the answer names another known tenant, its app or its machine",
            "the answer names somebody that nobody knows",
            "correct the edge's route of the name",
        ),
        Cause::RouteBroken => or_likely(
            "the page is right when the app is asked directly, and fails through the edge",
            "the app has no public address, and its own health checks pass",
            "what lies between, where the platform knows: a service on 443, replays across networks; else the edge's log",
        ),
        Cause::SiteRedirect | Cause::SiteProtocol | Cause::SiteBody | Cause::SiteHeader | Cause::SiteStatus => proven(
            "the answer itself, beside what was expected; nothing deeper explains it",
            PAGE,
        ),
        Cause::TenantVanished => proven(
            "two readings of the inventory in a row do not name it",
            "bring it back into the inventory, or acknowledge the incident where it is meant to be gone",
        ),
        Cause::SiteSlow => proven(
            "the answer took longer than `[site] slow` from the connection to its last byte",
            "look at the app's load and its log; a higher limit: `[site] slow`",
        ),
        _ => return None,
    })
}
