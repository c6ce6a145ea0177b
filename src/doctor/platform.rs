//! The accounts: whether the platform and the DNS provider take the tokens, and what these may read there.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use roundsman_checks::clock::now;
use roundsman_checks::diagnosis::{Instruction, PlatformStep};
use roundsman_checks::evidence::{App, Fault, Reason, SourceClock};
use roundsman_checks::platform::access::{TokenEnd, TokenScope};
use roundsman_checks::platform::cloudflare::Zone;
use roundsman_checks::platform::{Calls, PlatformClient};

use super::settings::Counted;
use super::{Checkup, LONGEST_ENTRY, api_fix, aside, by_platform, new_token, some, within};
use crate::agent::{USER_AGENT, edge_addresses, platform_client, zone_client};
use crate::config::{CloudTable, Config, Source, nearest};
use crate::text::{counted, shorten};

/// What is looked at here, in its order.
pub(super) const NAMES: &[&str] = &[
    "token",
    "organization",
    "edge-app",
    "certificates",
    "machines",
    "logs",
    "zone-listing",
];
/// How long before its end a token is worth a warning.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
const LISTING: &str = "zone-listing";
const NOT_CONFIGURED: &str = "no platform is configured ([fly], --edge-app)";

/// The clients of the APIs, as far as there are any, or what is said in the place of their answers.
pub(super) struct Asked {
    platform: Result<Option<PlatformClient>, Checkup>,
    zone: Result<Option<Zone>, Checkup>,
}

/// What the platform said.
pub(super) struct PlatformSaid {
    pub checks: Vec<Checkup>,
    /// The edge app, where it is known.
    pub edge: Option<Arc<App>>,
    /// The tenants by the platform's word, where that names them, or why it does not.
    pub tenants: Result<Counted, String>,
}

impl Asked {
    /// Reads the tokens.
    pub(super) async fn read(config: &Arc<Config>) -> Self {
        let calls = Calls::default();
        let (first, second, of_zone) = (Arc::clone(config), Arc::clone(config), calls.clone());
        let (platform, zone) = tokio::join!(
            aside(move || platform_client(&first, USER_AGENT, &calls)),
            aside(move || zone_client(&second, USER_AGENT, &of_zone))
        );
        let platform = platform.map(|client| client.map_err(|error| Checkup::refuse("token", &error)));
        let zone = zone.map(|client| client.map_err(|error| Checkup::refuse(LISTING, &error)));
        Self {
            platform: platform.unwrap_or_else(|| Err(Checkup::late("token"))),
            zone: zone.unwrap_or_else(|| Err(Checkup::late(LISTING))),
        }
    }

    /// What clocks the APIs keep, by their latest answers.
    pub(super) fn clocks(&self) -> Vec<SourceClock> {
        let platform = self
            .platform
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .map(PlatformClient::clocks);
        let zone = self.zone.as_ref().ok().and_then(Option::as_ref).and_then(Zone::clock);
        platform.into_iter().flatten().chain(zone).collect()
    }

    /// Asks the platform, what depends on an answer after it.
    pub(super) async fn platform(&self, config: &Config) -> PlatformSaid {
        let mut said = PlatformSaid {
            checks: Vec::new(),
            edge: None,
            tenants: Err(NOT_CONFIGURED.to_owned()),
        };
        let client = match &self.platform {
            Ok(Some(client)) => client,
            Ok(None) => {
                said.skip_rest(NOT_CONFIGURED);
                return said;
            }
            Err(error) => {
                said.checks.push(error.clone());
                said.skip_rest("there is no token to ask with");
                return said;
            }
        };
        let scope = within("machines", client.token()).await;
        let named = config.cloud().and_then(CloudTable::organization).map(str::to_owned);
        let organization = named.or_else(|| scope.as_ref().ok().and_then(only_organization));
        said.checks
            .push(token(&scope, client.token_end(), organization.is_some(), now()));
        let refused = matches!(&scope, Err(fault) if fault.reason == Reason::PlatformUnauthorized);
        match (organization, refused, &scope) {
            (_, true, _) => said.skip_rest("the token is refused"),
            (None, ..) => said.skip_rest("which organization is not known"),
            (Some(_), _, Err(fault))
                if fault.reason == Reason::PlatformTimeout || fault.reason == Reason::PlatformUnavailable =>
            {
                said.skip_rest("the platform's API does not answer");
            }
            (Some(organization), ..) => said.organization(client, config, &organization).await,
        }
        said
    }

    /// Whether the zone's records can be listed.
    pub(super) async fn listing(&self) -> Checkup {
        let name = LISTING;
        let zone = match &self.zone {
            Ok(Some(zone)) => zone,
            Ok(None) => {
                return Checkup::skip(
                    name,
                    "not configured ([cloudflare]): records that stand in the way are not named",
                );
            }
            Err(error) => return error.clone(),
        };
        match within("the zone's API", zone.readable()).await {
            Ok((zone, Some(0))) => {
                Checkup::warn(name, format!("zone {zone}: no record, where the wildcard is at least"))
                    .act("give the token `DNS Read` on the zone that serves the domain, or set `[cloudflare] zone`")
            }
            Ok((zone, Some(total))) => Checkup::ok(name, format!("zone {zone}: {total} records")),
            Ok((zone, None)) => Checkup::ok(name, format!("zone {zone}: its records are listed")),
            Err(fault) => Checkup::warn(name, format!("{}; verifying goes on without it", fault.detail))
                .with_fix(listing_fix(&fault)),
        }
    }
}

fn listing_fix(fault: &Fault) -> Vec<Instruction> {
    match fault.reason {
        Reason::PlatformUnauthorized | Reason::PlatformForbidden => {
            vec![Instruction::act(
                "make a token with `DNS Read` on the zone, and set the variable or file that [cloudflare] names",
            )]
        }
        Reason::PlatformNotFound => vec![Instruction::act(
            "set `[cloudflare] zone` to the zone that the domain lies in, or give the token `DNS Read` on that zone",
        )],
        Reason::PlatformMalformed => vec![Instruction::act(
            "set `[cloudflare] api_url` to the provider's own, or leave it out",
        )],
        _ => api_fix(fault),
    }
}

/// The organization of a token that belongs to one.
fn only_organization(scope: &TokenScope) -> Option<String> {
    match scope.organizations.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn token(scope: &Result<TokenScope, Fault>, end: TokenEnd, known: bool, now: Timestamp) -> Checkup {
    let name = "token";
    let until = match end {
        TokenEnd::At(end) => format!(", valid until {}", second(end)),
        TokenEnd::Never => ", without an end".to_owned(),
        TokenEnd::Unknown => String::new(),
    };
    let scope = match scope {
        Ok(scope) => scope,
        Err(fault) => {
            let ended = matches!(end, TokenEnd::At(end) if end < now);
            let why = if ended {
                format!("{}{until}: it is over", fault.detail)
            } else {
                fault.detail.clone()
            };
            // What a token belongs to is asked for only where nobody says; other kinds of refusal hinder nothing else.
            let minor = known
                && matches!(
                    fault.reason,
                    Reason::PlatformForbidden | Reason::PlatformNotFound | Reason::PlatformMalformed
                );
            let checkup = if minor {
                Checkup::warn(name, why)
            } else {
                Checkup::fail(name, why)
            };
            return checkup.with_fix(api_fix(fault));
        }
    };
    let of = some(&scope.organizations);
    let of = if of.is_empty() {
        "no organization".to_owned()
    } else {
        format!("organization {of}")
    };
    let said = format!("accepted, of {of}{until}");
    match (&scope.machine, scope.apps.as_slice()) {
        _ if !known => Checkup::fail(
            name,
            format!("{said}; which organization is to be verified is not said"),
        )
        .act("set `organization` of [fly], or give --org SLUG"),
        (_, apps) if !apps.is_empty() => {
            let warning = Checkup::warn(name, format!("{said}, for these apps alone: {}", some(apps)));
            warning.with_fix(new_token())
        }
        (Some(machine), _) => Checkup::warn(name, format!("{said}, for machine {machine} alone")).with_fix(new_token()),
        _ if matches!(end, TokenEnd::At(end) if end.duration_since(now) < SOON) => {
            Checkup::warn(name, said).with_fix(new_token())
        }
        _ => Checkup::ok(name, said),
    }
}

fn second(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

impl PlatformSaid {
    fn skip_rest(&mut self, why: &str) {
        if self.tenants.is_err() {
            self.tenants = Err(why.to_owned());
        }
        let platform = &NAMES[..NAMES.len() - 1];
        let seen = self.checks.len();
        self.checks
            .extend(platform[seen..].iter().map(|name| Checkup::skip(name, why)));
    }

    async fn organization(&mut self, client: &PlatformClient, config: &Config, organization: &str) {
        let (total, names, machines) = tokio::join!(
            within("graphql", client.apps_total(organization)),
            within("machines", client.app_names(organization)),
            within("machines", client.machines_listed(organization))
        );
        let prefix = &config.tenants.app_prefix;
        let edge_app = config.edge.app.clone().unwrap_or_default();
        let of_tenants = names.as_ref().ok().map(|names| {
            let others = names.iter().filter(|name| **name != edge_app);
            others.filter(|name| name.starts_with(prefix.as_str())).count()
        });
        let shown = shorten(organization, LONGEST_ENTRY);
        self.tenants = match (&names, of_tenants) {
            (Err(fault), _) => Err(fault.detail.clone()),
            (_, Some(tenants)) if config.tenants.sources.first() == Some(&Source::Fly) => {
                Ok((by_prefix(tenants, prefix, &shown), Some(tenants)))
            }
            _ => Err("the platform does not say who should exist".to_owned()),
        };
        let total = match total {
            Ok(total) => total,
            Err(fault) => {
                self.checks
                    .push(Checkup::fail("organization", fault.detail.clone()).with_fix(api_fix(&fault)));
                return self.skip_rest("the organization is not known");
            }
        };
        let apps = total
            .and_then(|total| usize::try_from(total).ok())
            .map(|total| counted(total, "app"));
        let with = of_tenants.map(|tenants| format!(", {tenants} of them with the prefix {prefix}"));
        let said = format!(
            "{shown} has {}{}",
            apps.unwrap_or_else(|| "apps".into()),
            with.unwrap_or_default()
        );
        self.checks.push(Checkup::ok("organization", said));
        self.edge_app(client, config, organization, names.as_deref().unwrap_or_default())
            .await;
        self.checks.insert(4, listed_machines(organization, machines));
    }

    /// The edge app, with what is read of it; the machines of the organization stand between.
    async fn edge_app(&mut self, client: &PlatformClient, config: &Config, organization: &str, names: &[String]) {
        let app = config.edge.app.clone().unwrap_or_default();
        let (found, log) = tokio::join!(
            within("machines and graphql", client.app(organization, &app)),
            within("logs", client.log(&app, None))
        );
        let edge = match found {
            Ok(Some(edge)) => edge,
            other => {
                self.checks
                    .push(no_edge(config, &app, organization, names, other.err()));
                for name in ["certificates", "logs"] {
                    self.checks.push(Checkup::skip(name, "the edge app is not known"));
                }
                return;
            }
        };
        self.checks.push(addresses(config, &edge));
        self.checks.push(certificates(config, &edge));
        self.checks.push(match log {
            Ok(page) => Checkup::ok(
                "logs",
                format!("the log of {app} is read: {}", counted(page.lines.len(), "line")),
            ),
            Err(fault) => Checkup::warn("logs", format!("{}; `route-wrong-app` is then not told", fault.detail))
                .with_fix(api_fix(&fault)),
        });
        self.edge = Some(Arc::new(edge));
    }
}

fn by_prefix(tenants: usize, prefix: &str, organization: &str) -> Checkup {
    let said = format!(
        "{} from organization {organization}: its apps that begin with {prefix}",
        counted(tenants, "tenant")
    );
    match tenants {
        0 => Checkup::warn("tenants", said)
            .act("set `app_prefix` of [tenants] (--app-prefix) to what the tenants' apps begin with"),
        _ => Checkup::ok("tenants", said),
    }
}

fn listed_machines(organization: &str, listed: Result<(), Fault>) -> Checkup {
    let organization = shorten(organization, LONGEST_ENTRY);
    match listed {
        Ok(()) => Checkup::ok(
            "machines",
            format!("those of {organization} are listed, in every region"),
        ),
        Err(fault) if fault.reason == Reason::PlatformPartial => {
            Checkup::warn("machines", fault.detail.clone()).with_fix(api_fix(&fault))
        }
        Err(fault) => Checkup::fail("machines", fault.detail.clone()).with_fix(api_fix(&fault)),
    }
}

fn no_edge(config: &Config, app: &str, organization: &str, names: &[String], fault: Option<Fault>) -> Checkup {
    let name = "edge-app";
    let organization = shorten(organization, LONGEST_ENTRY);
    let key = match config.path {
        Some(_) => "`app` of [edge]",
        None => "--edge-app",
    };
    match fault {
        Some(fault) if fault.reason != Reason::PlatformNotFound => {
            Checkup::fail(name, format!("{app}: {}", fault.detail)).with_fix(api_fix(&fault))
        }
        _ => {
            let near = nearest(app, names.iter().map(String::as_str), 1);
            let checkup = Checkup::fail(name, format!("{organization} has no app {app}"));
            match near.first() {
                Some(near) => checkup.act(format!("set {key} to {near}, where that is meant")),
                None => checkup
                    .act(format!("set {key} to the app that the wildcard leads to"))
                    .run("fly apps list"),
            }
        }
    }
}

fn addresses(config: &Config, edge: &App) -> Checkup {
    let name = "edge-app";
    let (visited, missing) = edge_addresses(config, edge);
    let given = !config.edge.addresses.is_empty();
    let said = format!("{} exists", edge.name);
    match (visited.is_empty(), given, missing) {
        (true, true, _) => Checkup::warn(
            name,
            format!("{said}, without a public address; those of [edge] are used"),
        ),
        (true, false, Some(fault)) => {
            Checkup::fail(name, format!("{said}: {}", fault.detail)).act("set `addresses` of [edge]")
        }
        (true, false, None) => Checkup::fail(name, format!("{said}, without a public address"))
            .with_fix(by_platform(PlatformStep::ShowApp(edge.name.clone()))),
        (false, _, Some(fault)) => {
            Checkup::warn(name, format!("{said}, addresses {}; {}", some(visited), fault.detail))
                .act("set `addresses` of [edge]")
        }
        (false, _, None) => Checkup::ok(name, format!("{said}, addresses {}", some(visited))),
    }
}

fn certificates(config: &Config, edge: &App) -> Checkup {
    let name = "certificates";
    if let Some(fault) = &edge.certificates_missing {
        return Checkup::fail(name, fault.detail.clone()).with_fix(api_fix(fault));
    }
    let wildcard = format!("*.{}", config.domain);
    let held = format!(
        "{} holds {}",
        edge.name,
        counted(edge.certificates.len(), "certificate")
    );
    match edge.holds(&wildcard) {
        true => Checkup::ok(name, format!("{held}, that of {wildcard} among them")),
        false => Checkup::warn(name, format!("{held}, none of {wildcard}")).act(
            "check that `app` of [edge] and `domain` belong together; `roundsman verify` says what it means for users",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn scope(apps: &[&str]) -> Result<TokenScope, Fault> {
        Ok(TokenScope {
            organizations: vec!["acme".into()],
            apps: apps.iter().map(|app| (*app).to_owned()).collect(),
            machine: None,
        })
    }

    #[test]
    fn a_token_that_ends_soon_or_is_narrow_is_a_warning() {
        let now = Timestamp::UNIX_EPOCH;
        let in_days = |days: i64| TokenEnd::At(Timestamp::from_second(days * 86_400).unwrap_or(now));
        let status = |scope: &_, end| token(scope, end, true, now).status;
        assert_eq!(status(&scope(&[]), TokenEnd::Unknown), Status::Ok);
        assert_eq!(status(&scope(&[]), in_days(15)), Status::Ok);
        assert_eq!(status(&scope(&[]), in_days(13)), Status::Warn);
        assert_eq!(status(&scope(&["sp-a"]), TokenEnd::Never), Status::Warn);
        assert_eq!(token(&scope(&[]), TokenEnd::Never, false, now).status, Status::Fail);
        let refused = Err(Fault::new(Reason::PlatformUnauthorized, "machines answers 401"));
        let told = token(&refused, in_days(-1), true, now);
        assert_eq!(
            told.seen,
            "machines answers 401, valid until 1969-12-31 00:00 UTC: it is over"
        );
        assert_eq!((told.status, told.fix.len()), (Status::Fail, 2));
    }
}
