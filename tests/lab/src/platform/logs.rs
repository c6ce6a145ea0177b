//! What the edge, the apps and the proxy log, and the API that gives it: late, the newest hundred lines, from a token
//! on. What is worth a line is decided where requests are answered.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Platform;
use super::build::{self, region};
use super::estate::{EDGE_APP, FOREIGN_APP};
use super::reply::{Call, Reply};
use super::server::{self, Outcome};
use crate::clock;
use crate::edge::answer;
use crate::fault::FaultSet;
use crate::snapshot::Shared;
use crate::world::World;

/// Lines of one answer.
const PAGE: usize = 100;
/// Lines that are kept of one app.
const KEPT: usize = 2_000;

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The app itself, on the machine of this name.
    App(String),
    /// The proxy, refusing a request: the code, and the request's id and URL.
    Proxy {
        code: &'static str,
        request: String,
        url: String,
        status: u16,
    },
}

#[derive(Debug, Clone)]
struct Line {
    stamp: String,
    /// When it can be read.
    readable: Instant,
    message: String,
    writer: Writer,
    region: &'static str,
}

/// The lines of one app; `gone` older ones are not kept.
#[derive(Debug, Default)]
struct Log {
    gone: usize,
    lines: VecDeque<Line>,
}

/// The logs of all apps.
#[derive(Debug, Default)]
pub(crate) struct Logs(Mutex<HashMap<String, Log>>);

impl Logs {
    /// Writes a line that can be read after `delay`.
    pub(crate) fn write(&self, app: &str, writer: Writer, message: String, delay: Duration, offset: i64) {
        let line = Line {
            stamp: clock::precise(offset),
            readable: clock::monotonic() + delay,
            message,
            region: match &writer {
                Writer::App(machine) => region(machine),
                Writer::Proxy { .. } => region(app),
            },
            writer,
        };
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = logs.entry(app.to_owned()).or_default();
        log.lines.push_back(line);
        if log.lines.len() > KEPT {
            log.lines.pop_front();
            log.gone += 1;
        }
    }

    /// The page behind a token, or the newest; and the token of what comes after it.
    fn page(&self, app: &str, after: Option<usize>, wanted: impl Fn(&Value) -> bool) -> (Vec<Value>, usize) {
        let now = clock::monotonic();
        let logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = logs.get(app) else {
            return (Vec::new(), 0);
        };
        // A line that is not there yet holds up those behind it, as a queue does.
        let readable = log.lines.iter().take_while(|line| line.readable <= now).count();
        let end = log.gone + readable;
        let from = after.unwrap_or_else(|| end.saturating_sub(PAGE)).clamp(log.gone, end);
        let to = end.min(from + PAGE);
        let lines = (from..to).filter_map(|at| Some((at, log.lines.get(at - log.gone)?)));
        let entries = lines.map(|(at, line)| entry(app, at, line)).filter(wanted);
        (entries.collect(), to)
    }
}

fn entry(app: &str, at: usize, line: &Line) -> Value {
    let (provider, instance, level) = match &line.writer {
        Writer::App(machine) => ("app", answer::machine(machine), "info"),
        Writer::Proxy { .. } => ("proxy", answer::machine(app), "error"),
    };
    let mut meta = json!({ "instance": instance, "region": line.region, "event": { "provider": provider } });
    if let Writer::Proxy {
        code,
        request,
        url,
        status,
    } = &line.writer
    {
        let number = code
            .trim_start_matches(|c: char| !c.is_ascii_digit())
            .trim_start_matches('0');
        meta["http"] = json!({
            "request": { "id": request, "method": "GET", "version": "h2" },
            "response": { "status_code": status },
        });
        meta["error"] = json!({ "code": number.parse::<u16>().unwrap_or_default(), "message": line.message });
        meta["url"] = json!({ "full": url });
    }
    json!({
        "id": format!("{app}-{at}"),
        "type": "log",
        "attributes": {
            "timestamp": line.stamp,
            "message": line.message,
            "level": level,
            "instance": instance,
            "region": line.region,
            "meta": meta,
        },
    })
}

/// Answers a call below `/api`.
pub(crate) fn answer(shared: &Shared, platform: &Platform, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let ["api", "v1", "apps", app, "logs"] = path.as_slice() else {
        return Reply::error(404, "not found").into();
    };
    shared.counters.api("logs", "app-logs");
    let faults = &shared.current().faults;
    let refusal = || Reply::error(401, "Authenticate: token validation error");
    if let Some(outcome) = server::gate(faults, call, refusal) {
        return outcome;
    }
    // A macaroon is taken here in its own scheme alone, though the Machines API takes it as a bearer token.
    if !call.authorized(super::FLY_TOKEN, &["FlyV1 "]) {
        return refusal().into();
    }
    if faults.everywhere("logs-refused").is_some() || *app == FOREIGN_APP {
        return Reply::error(403, "unauthorized").into();
    }
    if !platform.estate().apps.contains_key(*app) {
        return Reply::error(404, "app not found").into();
    }
    let token = call.parameter("next_token").filter(|token| !token.is_empty());
    let after = match token.map(super::rest::read_cursor) {
        None => None,
        Some(Some(at)) => Some(at),
        Some(None) => return Reply::error(400, "invalid next_token").into(),
    };
    if faults.everywhere("logs-empty").is_some() {
        return Reply::json(200, &json!({ "data": [], "meta": { "next_token": "" } })).into();
    }
    let wanted = |entry: &Value| {
        ["instance", "region"].iter().all(|key| {
            let asked = call.parameter(key).filter(|text| !text.is_empty());
            asked.is_none_or(|text| entry["attributes"][key] == text)
        })
    };
    let (data, next) = platform.logs.page(app, after, wanted);
    let meta = json!({ "next_token": super::rest::cursor(next) });
    Reply::json(200, &json!({ "data": data, "meta": meta })).into()
}

/// One request as it went through the edge, to be told in the logs.
pub(crate) struct Passage<'a> {
    pub(crate) request: &'a str,
    pub(crate) host: &'a str,
    pub(crate) subdomain: &'a str,
    pub(crate) path: &'a str,
}

impl Platform {
    /// The edge app says where it replays a request to.
    pub(crate) fn log_replay(&self, shared: &Shared, passage: &Passage<'_>, app: &str) {
        let message = format!(
            "INFO Replaying request to tenant app subdomain={} fly_app={app}",
            passage.subdomain
        );
        // Which of the edge's machines took the request depends on who asks; here it is always the first.
        self.log(shared, EDGE_APP, Writer::App(format!("{EDGE_APP}-lhr")), message);
    }

    /// An app says that it got a request.
    pub(crate) fn log_received(&self, shared: &Shared, app: &str, path: &str) {
        let machine = app.strip_prefix("sp-").unwrap_or(app).to_owned();
        let message = format!("INFO Request received path={path} method=GET");
        self.log(shared, app, Writer::App(machine), message);
    }

    /// Apps that crash from now on say so, as the platform's init does that looks after them.
    pub(super) fn log_crashes(&self, world: &World, old: &FaultSet, new: &FaultSet) {
        for (tenant, fault) in new.of_tenants() {
            if fault.cause() != "app-crashed" || old.at(tenant, "app-crashed") == Some(fault) {
                continue;
            }
            let lines = match fault.word() {
                "oom" => vec![
                    "Out of memory: Killed process 314 (app) total-vm:262144kB".to_owned(),
                    "INFO Main child exited with signal (with signal 'SIGKILL', core dumped? false)".to_owned(),
                    "INFO Process appears to have been OOM killed!".to_owned(),
                ],
                how => {
                    let code = how.strip_prefix("exit:").unwrap_or("1");
                    vec![
                        "thread 'main' panicked at src/main.rs:12:5: the database does not answer".to_owned(),
                        format!("INFO Main child exited normally with code: {code}"),
                    ]
                }
            };
            let app = build::app_name(tenant);
            for line in lines {
                let writer = Writer::App(tenant.to_owned());
                self.logs.write(&app, writer, line, world.log_delay, new.clock_offset());
            }
        }
    }

    /// The proxy says why it reached no app.
    pub(crate) fn log_refusal(&self, shared: &Shared, passage: &Passage<'_>, app: &str, status: u16) {
        let estate = self.estate();
        let (at, code, text) = match estate.apps.get(app) {
            None => (
                EDGE_APP,
                "PA04",
                format!("could not find target app '{app}' for replay"),
            ),
            Some(target) if target.network != "default" => (
                EDGE_APP,
                "PA05",
                format!("replay to app '{app}' is not allowed from '{EDGE_APP}'"),
            ),
            Some(_) => (
                app,
                "PR03",
                "could not find a good candidate within 90 attempts at load balancing. last error: no known healthy \
                 instances found for route tcp/443"
                    .to_owned(),
            ),
        };
        drop(estate);
        let writer = Writer::Proxy {
            code,
            request: passage.request.to_owned(),
            url: format!("https://{}{}", passage.host, passage.path),
            status,
        };
        self.log(shared, at, writer, format!("[{code}] {text}"));
    }

    fn log(&self, shared: &Shared, app: &str, writer: Writer, message: String) {
        let faults = &shared.current().faults;
        let late = faults.everywhere("logs-late").map(|fault| {
            let milliseconds = u64::try_from(fault.number_or(60_000)).unwrap_or(60_000);
            Duration::from_millis(milliseconds)
        });
        let delay = late.unwrap_or(shared.world.log_delay);
        self.logs.write(app, writer, message, delay, faults.clock_offset());
    }
}
