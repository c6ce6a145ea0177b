//! The lines that the traced request left, out of those that were read.

use roundsman_checks::evidence::{ApiAnswer, LogLine};
use roundsman_checks::logs::{By, Log, Request, join};
use roundsman_checks::world::{TenantEvidence, World};

use super::{Line, LogSide, Logs, Part, Setting};

/// Lines that may be another request's that are told.
const UNCLEAR: usize = 5;

pub(super) fn told(world: &World, seen: &TenantEvidence, setting: &Setting) -> Logs {
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
        edge: side(world, seen, (&platform.edge_app, &seen.log.edge), Log::Edge),
        app: side(world, seen, (&seen.tenant.app, &seen.log.app), Log::App),
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
    seen: &TenantEvidence,
    (app, asked): (&str, &ApiAnswer<Vec<LogLine>>),
    log: Log,
) -> Part<LogSide> {
    if let ApiAnswer::NotConfigured = asked {
        return Part::NotAsked {
            why: "the round ended before".to_owned(),
        };
    }
    Part::of(asked, |lines| match Request::of_page(seen, &world.domain, log) {
        // Nothing was sent: what is there is what the proxy refused before.
        None => {
            let refused = lines.iter().filter(|line| line.error_code.is_some());
            LogSide {
                lines: refused.map(|found| line(Some(By::HostAndTime), found)).collect(),
                ..LogSide::of(app)
            }
        }
        Some(request) => {
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
