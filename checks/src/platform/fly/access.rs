//! What a token lets read of an organization, a call for each piece: the token itself, the organization by GraphQL, the names
//! of its apps and its machines by the Machines API.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::graphql;
use crate::evidence::{Fault, Reason};
use crate::platform::access::TokenScope;
use crate::platform::bulk::{Allowance, Bulk};
use crate::platform::http::{Api, Path};

/// Calls and room for one piece: a call that is lost may be repeated.
const CALLS: usize = 3;
const ROOM: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    tokens: Vec<CurrentToken>,
}

#[derive(Deserialize)]
struct CurrentToken {
    org_slug: Option<String>,
    apps: Option<Vec<String>>,
    restricted_to_machine: Option<String>,
}

/// Whom the token belongs to, and what it is narrowed to.
pub(super) async fn token(rest: &Api) -> Result<TokenScope, Fault> {
    let allowance = Allowance::of(CALLS, ROOM);
    let path = Path::of(&["v1", "tokens", "current"]);
    let answer = Bulk::new(rest, &allowance).ask("current-token", &path, None).await?;
    let tokens = answer.read::<Tokens>()?.tokens;
    let mut scope = TokenScope::default();
    // Several tokens may be sent together; what one of them may is allowed.
    let narrow = tokens
        .iter()
        .all(|token| token.apps.as_ref().is_some_and(|apps| !apps.is_empty()));
    for token in tokens {
        scope.organizations.extend(token.org_slug);
        scope.machine = scope
            .machine
            .or(token.restricted_to_machine.filter(|machine| !machine.is_empty()));
        if narrow {
            scope.apps.extend(token.apps.into_iter().flatten());
        }
    }
    scope.organizations.sort_unstable();
    scope.organizations.dedup();
    Ok(scope)
}

/// How many apps an organization has, by the question that reads them all: a page of one.
pub(super) async fn apps_total(graphql: &Api, organization: &str) -> Result<Option<u64>, Fault> {
    let allowance = Allowance::of(CALLS, ROOM);
    graphql::total(Bulk::new(graphql, &allowance), organization).await
}

/// The names of an organization's apps.
pub(super) async fn app_names(rest: &Api, organization: &str) -> Result<Vec<String>, Fault> {
    #[derive(Deserialize)]
    struct Apps {
        apps: Vec<AppName>,
    }
    #[derive(Deserialize)]
    struct AppName {
        name: String,
    }
    let allowance = Allowance::of(CALLS, ROOM);
    let path = Path {
        segments: &["v1", "apps"],
        query: &[("org_slug", organization)],
    };
    let answer = Bulk::new(rest, &allowance).ask("apps", &path, None).await?;
    let apps = answer.made(|answer| answer.read::<Apps>()).await?.apps;
    Ok(apps.into_iter().map(|app| app.name).collect())
}

/// Whether an organization's machines are listed: the beginning of the list.
pub(super) async fn machines(rest: &Api, organization: &str) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Machines<'a> {
        #[serde(borrow)]
        machines: Vec<&'a RawValue>,
        error_regions: Option<Vec<String>>,
    }
    let allowance = Allowance::of(CALLS, ROOM);
    let path = Path {
        segments: &["v1", "orgs", organization, "machines"],
        query: &[("summary", "true"), ("limit", "1")],
    };
    let answer = Bulk::new(rest, &allowance).ask("org-machines", &path, None).await?;
    let listed = answer.read::<Machines<'_>>()?;
    let silent = listed.error_regions.unwrap_or_default();
    match silent.is_empty() {
        true => Ok(()),
        false => {
            let detail = format!(
                "machines: {} after {} entries: no answer from these regions",
                silent.join(", "),
                listed.machines.len()
            );
            Err(Fault::new(Reason::PlatformPartial, detail))
        }
    }
}
