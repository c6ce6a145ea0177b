//! The binary as a person or a pipeline meets it.

mod bad_days;
mod bad_input;
mod baseline;
mod completions;
mod doctor;
mod explain;
mod forms;
mod forms_ci;
mod gate;
mod handed_over;
mod init;
mod inventory;
mod leftovers;
mod limits;
mod manual;
mod options;
mod pipeline;
pub(crate) mod platform;
mod replay;
mod trace;
mod traces;
mod wake;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::Duration;

use roundsman_lab::{Fault, Lab, LabOptions};

/// A lab with its configuration on disk, served by threads of its own.
pub(crate) struct Served {
    pub(crate) lab: Lab,
    pub(crate) config: PathBuf,
    pub(crate) dir: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

/// Serves a lab with these faults.
pub(crate) fn serve(options: LabOptions, faults: &[&str]) -> Served {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let lab = runtime.block_on(Lab::start(options)).expect("the lab starts");
    let faults = faults
        .iter()
        .map(|fault| fault.parse::<Fault>().expect("a fault"))
        .collect::<Vec<_>>();
    runtime.block_on(lab.stage_all(faults)).expect("faults can be staged");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = lab.write_config(dir.path()).expect("the configuration is written");
    Served {
        lab,
        config,
        dir,
        runtime,
    }
}

/// A platform whose logs have each line at once, for what is not about lines that are late.
pub(crate) fn platform_with_prompt_logs() -> LabOptions {
    LabOptions {
        log_delay: Duration::ZERO,
        ..LabOptions::with_platform()
    }
}

/// How many labs are served side by side.
const TOGETHER: usize = 4;

/// What `look` says of each item, in the order of the items. Each has a lab of its own meanwhile, and several are looked
/// at side by side: the binary mostly waits.
pub(crate) fn with_each<T: Send, R: Send>(
    serve: impl Fn() -> Served + Sync,
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    look: impl Fn(&Served, T) -> R + Sync,
) -> Vec<R> {
    let queue = Mutex::new(items.into_iter().enumerate());
    let work = || {
        let served = serve();
        // The queue is free again before `look` begins.
        let next = || queue.lock().expect("nobody panicked").next();
        let work = std::iter::from_fn(next).map(|(at, item)| (at, look(&served, item)));
        work.collect::<Vec<_>>()
    };
    let mut done = std::thread::scope(|scope| {
        let threads = [(); TOGETHER].map(|()| scope.spawn(work));
        let done = threads.map(|thread| thread.join().expect("no panic"));
        done.into_iter().flatten().collect::<Vec<_>>()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, said)| said).collect()
}

impl Served {
    /// With timeouts that suit a lab, for what is not about them. A page that the lab calls slow is still waited for.
    pub(crate) fn impatient(self) -> Self {
        let text = std::fs::read_to_string(&self.config).expect("the configuration");
        let text = text.replace("[dns]\n", "[dns]\ntimeout = \"500ms\"\n");
        let text = text.replace("[site]\n", "[site]\nconnect_timeout = \"1s\"\ntimeout = \"3s\"\n");
        std::fs::write(&self.config, text).expect("the configuration can be written");
        self
    }

    /// Runs `roundsman verify` over it.
    pub(crate) fn verify(&self, arguments: &[&str]) -> Ran {
        let config = self.config.display().to_string();
        let mut all = vec!["verify", "--config", &config];
        all.extend(arguments);
        roundsman(&all, self.dir.path())
    }

    /// `roundsman verify` over it with the tokens of its platform, ready for more.
    pub(crate) fn command(&self) -> Command {
        let mut command = command(self.dir.path());
        command
            .env("FLY_API_TOKEN", self.lab.fly_token())
            .env("CLOUDFLARE_API_TOKEN", self.lab.cloudflare_token())
            .args(["verify", "--config"])
            .arg(&self.config);
        command
    }

    /// The JSON report of a round over it.
    pub(crate) fn report(&self, arguments: &[&str]) -> serde_json::Value {
        let ran = self.verify(&[&["--format", "json"], arguments].concat());
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
    }

    /// The machines of an app, as the platform tells them in detail.
    pub(crate) fn machines(&self, app: &str) -> Vec<serde_json::Value> {
        let machines = self.get_json(&format!("/v1/apps/{app}/machines"));
        machines.as_array().expect("a list of machines").clone()
    }

    /// Stages exactly these faults.
    pub(crate) fn stage(&self, faults: &[&str]) {
        let faults = faults
            .iter()
            .map(|fault| fault.parse::<Fault>().expect("a fault"))
            .collect::<Vec<_>>();
        self.runtime.block_on(async {
            self.lab.clear_all().await.expect("faults can be cleared");
            self.lab.stage_all(faults).await.expect("faults can be staged");
        });
    }
}

/// Where the records of a lab's zone are.
const RECORDS: &str = "/client/v4/zones/1ab00000000000000000000000000d05/dns_records";

impl Served {
    /// Stages one fault more.
    pub(crate) fn stage_also(&self, fault: &str) {
        let fault = fault.parse::<Fault>().expect("a fault");
        self.runtime
            .block_on(self.lab.stage(fault))
            .expect("the fault can be staged");
    }

    /// Stages a fault anew: what was repaired of it breaks again.
    pub(crate) fn restage(&self, fault: &str) {
        if self.lab.staged().iter().any(|staged| staged.to_string() == fault) {
            self.unstage(fault);
        }
        self.stage_also(fault);
    }

    /// What an API of its platform answers.
    pub(crate) fn get_json(&self, path: &str) -> serde_json::Value {
        self.api(reqwest::Method::GET, path, None)
    }

    /// Makes a record in its zone, as another tool would.
    pub(crate) fn make_record(&self, record: &serde_json::Value) {
        let made = self.api(reqwest::Method::POST, RECORDS, Some(record));
        assert_eq!(made["success"], true, "{made}");
    }

    /// Deletes a record of its zone, as another tool would.
    pub(crate) fn delete_record(&self, id: &str) {
        let gone = self.api(reqwest::Method::DELETE, &format!("{RECORDS}/{id}"), None);
        assert_eq!(gone["success"], true, "{gone}");
    }

    fn api(&self, method: reqwest::Method, path: &str, body: Option<&serde_json::Value>) -> serde_json::Value {
        let url = format!("{}{path}", self.lab.api_url().expect("a platform"));
        let token = match path.starts_with("/client") {
            true => self.lab.cloudflare_token(),
            false => self.lab.fly_token(),
        };
        // Another test may have installed the same provider already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        self.runtime.block_on(async {
            let mut request = reqwest::Client::new().request(method, url).bearer_auth(token);
            if let Some(body) = body {
                request = request.body(body.to_string());
            }
            let body = request
                .send()
                .await
                .expect("an answer")
                .bytes()
                .await
                .expect("all of it");
            serde_json::from_slice(&body).expect("JSON")
        })
    }

    /// Ends one fault.
    pub(crate) fn unstage(&self, fault: &str) {
        let fault = fault.parse::<Fault>().expect("a fault");
        self.runtime
            .block_on(self.lab.clear(&fault))
            .expect("the fault can be cleared");
    }
}

/// How the binary ended and what it said.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// The binary, ready to run without the caller's settings.
pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roundsman"));
    command
        .current_dir(dir)
        .env_remove("ROUNDSMAN_CONFIG")
        .env_remove("FLY_REGION")
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("NO_COLOR")
        .env_remove("ROUNDSMAN_WEB_TOKEN")
        .env_remove("TRACEPARENT")
        .env_remove("TRACESTATE");
    // Whoever runs the tests may be traced; nothing of them is.
    let telemetry = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_"));
    for (name, _) in telemetry {
        command.env_remove(name);
    }
    command
}

/// Runs the binary.
pub(crate) fn roundsman(arguments: &[&str], dir: &Path) -> Ran {
    command(dir).args(arguments).output().expect("the binary runs").into()
}
