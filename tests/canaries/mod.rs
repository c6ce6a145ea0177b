//! Canaries: every secret that a configuration may hold has a value of its own, and no output holds any of them, in no form,
//! also where everybody whom they are shown to says them back.

mod echo;
mod secrets;

use std::io::Read as _;
use std::process::{Command, Stdio};

use roundsman_lab::LabOptions;

use self::echo::{Echo, Login, MailEcho};
use self::secrets::{CANARIES, Said, found, leaks, said, value};
use crate::cli::{Served, command, platform_with_prompt_logs, serve};
use crate::daemon::api_calls::get;
use crate::daemon::{Daemon, eventually, listens};
use crate::remediation::writes;
use crate::support::collector::{Collector, Mood};

/// What answers the daemon and says back what it was told.
struct Others {
    echo: Echo,
    welcoming: MailEcho,
    refusing: MailEcho,
}

/// Statuses that clients treat in different ways: taken, refused for good, tried again.
const STATUSES: [u16; 4] = [200, 400, 401, 500];

impl Others {
    fn start() -> Self {
        Self {
            echo: Echo::start(),
            welcoming: MailEcho::start(Login::Accepted),
            refusing: MailEcho::start(Login::Refused),
        }
    }

    /// The channels, each at servers that answer each of the statuses.
    fn channels(&self) -> String {
        let mut text = "[alerts]\ngroup_wait = \"0s\"\n".to_owned();
        for (name, server) in [("mail-taken", &self.welcoming), ("mail-refused", &self.refusing)] {
            text += &format!(
                "[[alerts.channels]]\nname = \"{name}\"\nkind = \"email\"\nserver = \"smtp://{}\"\nusername = \"roundsman\"\n\
                 password = {{ env = \"MAIL_PASSWORD\" }}\nfrom = \"roundsman@example.com\"\nto = [\"ops@example.com\"]\n",
                server.address
            );
        }
        for status in STATUSES {
            text += &format!(
                "[[alerts.channels]]\nname = \"hook-{status}\"\nkind = \"webhook\"\nurl = {{ env = \"HOOK_URL_{status}\" }}\n\
                 secret = {{ env = \"HOOK_SECRET\" }}\n\
                 [[alerts.channels]]\nname = \"slack-{status}\"\nkind = \"slack\"\nurl = {{ env = \"SLACK_URL_{status}\" }}\n\
                 [[alerts.channels]]\nname = \"pager-{status}\"\nkind = \"pagerduty\"\nurl = \"{}/pager\"\n\
                 routing_key = {{ env = \"PAGER_KEY\" }}\n\
                 [[alerts.channels]]\nname = \"manager-{status}\"\nkind = \"alertmanager\"\nurl = {{ env = \"MANAGER_URL_{status}\" }}\n",
                self.echo.url(status)
            );
        }
        text
    }

    fn environment(&self, command: &mut Command) {
        let part = value("alerts.channels[].url");
        for status in STATUSES {
            let url = self.echo.url(status);
            let password = value("userinfo of alerts.channels[].url");
            let manager = url.replacen("http://", &format!("http://ann:{password}@"), 1);
            command
                .env(format!("HOOK_URL_{status}"), format!("{url}/hook/{part}?key={part}"))
                .env(format!("SLACK_URL_{status}"), format!("{url}/services/T00/B00/{part}"))
                .env(format!("MANAGER_URL_{status}"), format!("{manager}/{part}"));
        }
    }
}

/// A lab whose configuration has every secret.
struct World {
    served: Served,
    others: Others,
    otlp: String,
}

impl World {
    /// With this platform: the lab's own, or, with a status, one that says back what it is told.
    fn new(faults: &[&str], platform: Option<u16>) -> Self {
        let options = LabOptions {
            tenants: ["q7f9", "a3b1", "c04e", "d9a2"].map(str::to_owned).into(),
            ..platform_with_prompt_logs()
        };
        let (served, others) = (serve(options, faults).impatient(), Others::start());
        let mut text = std::fs::read_to_string(&served.config).expect("the configuration");
        let listing = if platform.is_some() { "tenants" } else { "listing" };
        let tenants = format!(
            "[tenants]\nevery = \"1s\"\nurl = \"{}/{listing}\"\ntoken = {{ env = \"TENANTS_TOKEN\" }}\n",
            others.echo.url(200)
        );
        let site = "[site]\nrequest_headers = { \"x-site-key\" = { env = \"SITE_KEY\" } }\n";
        for (before, after) in [
            ("[tenants]\n", tenants.as_str()),
            ("source = \"list\"", "source = [\"list\", \"http\"]"),
            ("[site]\n", site),
        ] {
            assert!(text.contains(before), "{before}: {text}");
            text = text.replacen(before, after, 1);
        }
        if let Some(status) = platform {
            let api = served.lab.api_url().expect("a platform");
            text = text.replace(&api, &format!("{}/api", others.echo.url(status)));
        }
        text += "[[overrides]]\nmatch = { tenant = \"a*\" }\nsite = { request_headers = { \"x-key\" = { env = \"OVERRIDE_KEY\" } } }\n\
                 [schedule]\nevery = \"1s\"\nfleet_every = \"1s\"\n[incidents]\nconfirm_for = \"0s\"\nclear_for = \"0s\"\n\
                 [web]\nlisten = \"127.0.0.1:0\"\ntoken = { env = \"ROUNDSMAN_WEB_TOKEN\" }\n\
                 [remediation]\nallow = [\"remove-certificate\"]\nverify_for = \"5s\"\n\
                 fly_token = { env = \"FLY_WRITE_TOKEN\" }\ncloudflare_token = { env = \"CLOUDFLARE_WRITE_TOKEN\" }\n";
        text += &format!(
            "[heartbeat]\nurl = \"{}/ping/{}\"\nevery = \"1s\"\n",
            others.echo.url(500),
            value("heartbeat.url")
        );
        text += &others.channels();
        std::fs::write(&served.config, text).expect("the configuration can be written");
        let otlp = format!("{}/otlp/{}", others.echo.url(401), value("telemetry.otlp_endpoint"));
        Self { served, others, otlp }
    }

    /// The binary with every secret in its environment.
    fn command(&self) -> Command {
        let mut command = command(self.served.dir.path());
        for canary in CANARIES {
            command.env(canary.variable, canary.value);
        }
        // What the lab takes goes along with what it does not know.
        let (lab, (fly, cloudflare)) = (&self.served.lab, self.served.lab.read_tokens());
        let with = |known: &str, key: &str| format!("{known},{}", value(key));
        command
            .env("FLY_API_TOKEN", with(fly, "fly.token"))
            .env("CLOUDFLARE_API_TOKEN", with(cloudflare, "cloudflare.token"))
            .env("FLY_WRITE_TOKEN", with(lab.fly_token(), "remediation.fly_token"))
            .env(
                "CLOUDFLARE_WRITE_TOKEN",
                with(lab.cloudflare_token(), "remediation.cloudflare_token"),
            )
            .env("ROUNDSMAN_CONFIG", &self.served.config)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &self.otlp)
            .env(
                "OTEL_EXPORTER_OTLP_HEADERS",
                format!("x-otlp-key={}", escaped(value("OTEL_EXPORTER_OTLP_HEADERS"))),
            )
            .env("OTEL_METRIC_EXPORT_INTERVAL", "500")
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            .env("OTEL_BLRP_SCHEDULE_DELAY", "200")
            .env("OTEL_TRACES_SAMPLER", "always_on")
            .env("RUST_BACKTRACE", "full")
            .stdin(Stdio::null());
        self.others.environment(&mut command);
        command
    }

    /// What a command says.
    fn says(&self, arguments: &[&str]) -> Vec<Said> {
        let mut command = self.command();
        let output = command.args(arguments).output().expect("the binary runs");
        let name = arguments.join(" ");
        assert!(
            !output.stderr.is_empty() || !output.stdout.is_empty() || output.status.success(),
            "{name}"
        );
        vec![
            said(format!("`{name}`, standard output"), output.stdout),
            said(format!("`{name}`, standard error"), output.stderr),
        ]
    }

    fn files(&self, named: impl Fn(&str) -> bool) -> Vec<Said> {
        let files = std::fs::read_dir(self.served.dir.path()).expect("a folder").flatten();
        let files = files.map(|file| (file.file_name().to_string_lossy().into_owned(), file.path()));
        let wanted = files.filter(|(name, path)| named(name) && path.is_file());
        wanted
            .map(|(name, path)| said(format!("the file {name}"), std::fs::read(path).expect("a file")))
            .collect()
    }

    /// Everything that commands say and write which need no daemon.
    fn commands(&self) -> Vec<Said> {
        let mut all = Vec::new();
        let recording = self.served.dir.path().join("evidence.gz");
        let record = recording.display().to_string();
        all.extend(self.says(&["verify", "-v", "--record", &record]));
        for form in ["json", "junit", "github", "markdown"] {
            all.extend(self.says(&["verify", "--format", form]));
        }
        all.extend(self.says(&["verify", "--wait", "1s", "a3b1"]));
        let mut unpacked = Vec::new();
        let packed = std::fs::File::open(&recording).expect("a recording");
        flate2::read::MultiGzDecoder::new(packed)
            .read_to_end(&mut unpacked)
            .expect("gzip");
        all.push(said("the recording", unpacked));
        all.extend(self.says(&["replay", &record, "--format", "json"]));
        for tenant in ["q7f9", "a3b1"] {
            all.extend(self.says(&["trace", tenant]));
            all.extend(self.says(&["trace", tenant, "--format", "json"]));
        }
        for arguments in [
            &["tenants"][..],
            &["tenants", "--format", "json"],
            &["config", "check"],
            &["doctor"],
            &["doctor", "--format", "json"],
            &["remediate"],
            &["remediate", "--format", "json"],
            &["alerts", "preview", "certificate-conflict", "--as", "webhook"],
            &["alerts", "preview", "certificate-conflict", "--as", "pagerduty"],
        ] {
            all.extend(self.says(arguments));
        }
        for name in ["mail-taken", "mail-refused"] {
            all.extend(self.says(&["alerts", "test", name]));
        }
        for status in STATUSES {
            for kind in ["hook", "slack", "pager", "manager"] {
                all.extend(self.says(&["alerts", "test", &format!("{kind}-{status}")]));
            }
        }
        all
    }

    /// Everything that a daemon says, answers and keeps, until all who can be told were.
    fn daemon(&self, repairs: bool) -> Vec<Said> {
        let mut child = self.command();
        let mut daemon = Daemon::start_with(&self.served, &mut child);
        let address = listens(&mut daemon);
        let ask = |path: &str| {
            get(path)
                .with("authorization", &format!("Bearer {}", value("web.token")))
                .send(&address)
        };
        let kinds = ["hook", "slack", "pager"];
        let named = |status| kinds.map(|kind| format!(" to {kind}-{status}"));
        let mut untold = STATUSES.into_iter().flat_map(named).collect::<Vec<_>>();
        while !untold.is_empty() {
            let line = daemon.hears(&["notification"]);
            untold.retain(|channel| !line.contains(channel));
        }
        eventually("both mail servers are told", || {
            let (welcoming, refusing) = (&self.others.welcoming, &self.others.refusing);
            (welcoming.mails().len() > 1 && refusing.logins().len() > 1).then_some(())
        });
        let mut all = Vec::new();
        if repairs {
            all.extend(self.says(&["remediate", "--apply", "--yes", "--format", "json"]));
            all.extend(self.says(&["remediate", "ledger", "--format", "json"]));
            assert!(!writes(&self.served).is_empty(), "the tokens that may write were used");
        }
        let pages = roundsman::daemon::openapi();
        for (path, verbs) in pages["paths"].as_object().expect("paths") {
            if verbs["get"].is_object() {
                let named = path.replace("{id}", "inc-1").replace("{tenant}", "a3b1");
                let named = if path == "/probe" {
                    "/probe?target=a3b1&debug=true".to_owned()
                } else {
                    named
                };
                all.push(said(format!("GET {named}"), ask(&named).text));
            }
        }
        let bare = get("/api/v1/incidents").with("authorization", &format!("Bearer {}x", value("web.token")));
        all.push(said("a refusal", bare.send(&address).text));
        for arguments in [
            &["status", "--format", "json"][..],
            &["incidents", "--all", "--format", "json"],
            &["incidents", "show", "inc-1"],
            &["alerts", "outbox", "--format", "json"],
            &["alerts", "outbox"],
        ] {
            all.extend(self.says(arguments));
        }
        eventually("the heart beats and is heard", || {
            let taken = self.others.echo.taken();
            let beats = |request: &echo::Request| request.head.contains("/ping/");
            taken.iter().any(beats).then_some(())
        });
        // While it runs what was written last stands in the log of the database.
        all.extend(self.files(|name| name.starts_with("roundsman.db") && !name.ends_with(".sock")));
        let raw = std::sync::Arc::clone(&daemon.raw);
        assert_eq!(daemon.stop(), Some(0));
        let lines = raw.lock().expect("nobody panicked").join("\n");
        all.push(said("what `watch` says", lines));
        all.extend(self.files(|name| name.starts_with("roundsman.db")));
        all
    }

    /// What others were sent, but for what lets in there.
    fn sent(&self) -> Vec<Said> {
        let mut all = Vec::new();
        for request in self.others.echo.taken() {
            let path = request.head.lines().next().unwrap_or_default().to_owned();
            let but: &[&str] = if path.contains("/pager") {
                &["alerts.channels[].routing_key"]
            } else {
                &[]
            };
            let body = match request.header("content-encoding") {
                Some("gzip") => {
                    let mut plain = Vec::new();
                    let mut packed = flate2::read::GzDecoder::new(&request.body[..]);
                    packed.read_to_end(&mut plain).expect("gzip");
                    plain
                }
                _ => request.body.clone(),
            };
            let text = String::from_utf8_lossy(&body);
            all.extend(
                found(&text, but)
                    .into_iter()
                    .map(|leak| said(format!("the body of {path}"), leak)),
            );
        }
        let mails = [&self.others.welcoming, &self.others.refusing]
            .into_iter()
            .flat_map(MailEcho::mails);
        all.extend(mails.map(|mail| said("a mail", mail.replace("=\n", "").replace("=3D", "="))));
        all
    }

    /// What the heads of requests and the logins held: a canary that nobody was shown proves nothing.
    fn shown(&self) -> Vec<&'static str> {
        let taken = self.others.echo.taken();
        let heads = taken
            .iter()
            .map(|request| request.head.clone() + &String::from_utf8_lossy(&request.body));
        let logins = [&self.others.welcoming, &self.others.refusing]
            .into_iter()
            .flat_map(MailEcho::logins);
        let all = heads.chain(logins).collect::<Vec<_>>().join("\n");
        let shown = CANARIES
            .iter()
            .filter(|canary| !found(&all, &[]).iter().all(|leak| !leak.starts_with(canary.key)));
        shown.map(|canary| canary.key).collect()
    }
}

/// A value as `OTEL_EXPORTER_OTLP_HEADERS` has it.
fn escaped(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Panics with all that leaked.
fn silent(all: &[Said]) {
    let leaks = leaks(all);
    let places = all.iter().map(|said| said.text.len()).sum::<usize>();
    assert!(places > 10_000, "hardly anything was said");
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

/// Several things that look at secrets on their way: a conflict to repair, a page that fails, an override, a crashed app.
const FAULTS: [&str; 4] = [
    "certificate-conflict@q7f9",
    "site-status@a3b1",
    "dns-override@c04e",
    "app-crashed@d9a2",
];

#[test]
fn nothing_is_told_of_a_secret_while_much_is_broken_at_once() {
    let collector = Collector::start(Mood::Takes);
    let mut world = World::new(&FAULTS, None);
    world.otlp = format!("http://{}", collector.http);
    let mut all = world.commands();
    all.extend(world.daemon(true));
    all.extend(world.sent());
    let headers = collector.headers();
    let key = value("OTEL_EXPORTER_OTLP_HEADERS");
    assert!(
        headers
            .iter()
            .any(|headers| headers.get("x-otlp-key").is_some_and(|value| value == key))
    );
    assert!(!collector.spans().is_empty() && !collector.lines().is_empty() && !collector.metrics().is_empty());
    let told = format!(
        "{:?}\n{:?}\n{:?}",
        collector.spans(),
        collector.lines(),
        collector.metrics()
    );
    all.push(said("what the collector was told", told));
    all.push(said(
        "whose telemetry it is",
        format!("{:?}", collector.resource_of_spans()),
    ));
    silent(&all);
}

/// The worst of all days: everybody says back, with every status, what lets in there.
#[test]
fn nothing_is_told_of_a_secret_that_others_say_back() {
    for status in STATUSES {
        let world = World::new(&["site-status@a3b1"], Some(status));
        let mut all = world.commands();
        if status == 401 {
            all.extend(world.daemon(false));
            let shown = world.shown();
            // Those were really shown: the others write, which nothing here is to, are sent by nobody, or to pages.
            for key in [
                "alerts.channels[].password",
                "alerts.channels[].routing_key",
                "alerts.channels[].url",
                "cloudflare.token",
                "fly.token",
                "tenants.token",
                "heartbeat.url",
                "telemetry.otlp_endpoint",
                "OTEL_EXPORTER_OTLP_HEADERS",
                "userinfo of alerts.channels[].url",
            ] {
                assert!(shown.contains(&key), "nobody was shown {key}: {shown:?}");
            }
        }
        all.extend(world.sent());
        silent(&all);
    }
}

/// What a panic would print of the values that it meets.
#[test]
fn no_value_prints_a_secret() {
    let world = World::new(&[], None);
    let text = std::fs::read_to_string(&world.served.config).expect("the configuration");
    // Headers and addresses may stand in the file as they are.
    let plain = text
        .replace(
            "{ env = \"SITE_KEY\" }",
            &serde_json::Value::from(value("site.request_headers")).to_string(),
        )
        .replace(
            "{ env = \"OVERRIDE_KEY\" }",
            &serde_json::Value::from(value("overrides[].site.request_headers")).to_string(),
        )
        .replace(
            "{ env = \"SLACK_URL_200\" }",
            &format!("\"{}/{}\"", world.others.echo.url(200), value("alerts.channels[].url")),
        );
    let config = roundsman::config::Config::parse(&plain, &world.served.config).expect("it is valid");
    let but = ["heartbeat.url"];
    assert_eq!(found(&format!("{config:?}"), &but), Vec::<String>::new());
    // And what is said of a file that is wrong in every line.
    let wrong = plain.replace(" = ", " = = ");
    std::fs::write(&world.served.config, wrong).expect("it can be written");
    let mut all = world.says(&["config", "check"]);
    std::fs::write(&world.served.config, plain.replace("\"x-", "\"x ")).expect("it can be written");
    all.extend(world.says(&["config", "check"]));
    assert_eq!(leaks(&all), Vec::<String>::new());
}
