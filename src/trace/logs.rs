//! The lines that the traced request left, out of those that were read.

use roundsman_checks::evidence::{Asked, Exchange, LogLine, Visit};
use roundsman_checks::logs::{By, Request, join};
use roundsman_checks::world::{TenantWorld, World};

use super::{Line, LogSide, Logs, Part, Setting};

/// Lines that may be another request's that are told.
const UNCLEAR: usize = 5;

pub(super) fn told(world: &World, seen: &TenantWorld, setting: &Setting) -> Logs {
    let Some(platform) = world.platform.known() else {
        let none = || Part::of(&world.platform, |_| LogSide::of(""));
        return Logs {
            edge: none(),
            app: none(),
        };
    };
    if setting.logs_left_out {
        let left_out = || Part::NotAsked {
            why: "--no-logs".to_owned(),
        };
        return Logs {
            edge: left_out(),
            app: left_out(),
        };
    }
    Logs {
        edge: side(world, seen, (&platform.edge_app, &seen.log.edge), false),
        app: side(world, seen, (&seen.tenant.app, &seen.log.app), true),
    }
}

impl LogSide {
    fn of(app: &str) -> Self {
        Self {
            app: app.to_owned(),
            request_sent: false,
            lines: Vec::new(),
            unclear: 0,
            unclear_lines: Vec::new(),
        }
    }
}

fn side(
    world: &World,
    seen: &TenantWorld,
    (app, asked): (&str, &Asked<Vec<LogLine>>),
    reached_directly: bool,
) -> Part<LogSide> {
    if let Asked::NotConfigured = asked {
        return Part::NotAsked {
            why: "the round ended before".to_owned(),
        };
    }
    let visit = seen.visit();
    Part::of(asked, |lines| match visit.and_then(|visit| visit.page.during()) {
        // Nothing was sent: what is there is what the proxy refused before.
        None => {
            let refused = lines.iter().filter(|line| line.error_code.is_some());
            LogSide {
                lines: refused.map(|found| line(Some(By::HostAndTime), found)).collect(),
                ..LogSide::of(app)
            }
        }
        Some(during) => {
            // The edge tells of the issuer document too, the app in a line of another path; only the app is reached
            // directly.
            let other = if reached_directly {
                seen.direct.as_ref().map(|direct| &direct.page)
            } else {
                visit.map(|visit| &visit.issuer)
            };
            let others = other.and_then(Exchange::during).into_iter().collect::<Vec<_>>();
            let request = Request {
                id: visit.and_then(request_id),
                host: &seen.tenant.hostname,
                domain: &world.domain,
                path: &seen.expectation.site.path,
                during,
                others: &others,
            };
            let joined = join(lines, &request, &seen.tenant.app);
            let (lines, unclear) = (joined.lines.into_iter(), joined.unclear.iter().take(UNCLEAR));
            LogSide {
                app: app.to_owned(),
                request_sent: true,
                lines: lines.map(|(by, found)| line(Some(by), found)).collect(),
                unclear: joined.unclear.len(),
                unclear_lines: unclear.map(|found| line(None, found)).collect(),
            }
        }
    })
}

fn request_id(visit: &Visit) -> Option<&str> {
    visit.page.answer.as_ref()?.header("fly-request-id")
}

fn line(by: Option<By>, found: &LogLine) -> Line {
    Line {
        at: found.at,
        by,
        provider: found.provider.clone(),
        region: found.region.clone(),
        instance: found.instance.clone(),
        error_code: found.error_code.clone(),
        message: found.message.clone(),
    }
}
