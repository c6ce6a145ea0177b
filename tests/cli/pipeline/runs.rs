//! The shell parts at work: the real binary over a lab, with `fly`, `cargo` and `rustup` that only write down what they
//! are asked.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use roundsman_lab::LabOptions;
use serde_json::{Map, Value, json};

use super::package::release;
use super::{ACTION, GITLAB, SCRIPT, lines, root, steps, yaml};
use crate::cli::{Ran, Served, platform_with_prompt_logs, serve};

/// A runner's folders and a `PATH` with the real binary and stubs.
struct Runner<'s> {
    served: &'s Served,
    bin: PathBuf,
    temp: PathBuf,
}

impl<'s> Runner<'s> {
    fn new(served: &'s Served) -> Self {
        let (bin, temp) = (served.dir.path().join("bin"), served.dir.path().join("temp"));
        fs::create_dir_all(&bin).expect("a folder");
        fs::create_dir_all(temp.join("roundsman-bin")).expect("a folder");
        let program = env!("CARGO_BIN_EXE_roundsman");
        symlink(program, bin.join("roundsman")).expect("a link");
        symlink(program, temp.join("roundsman-bin/roundsman")).expect("a link");
        let runner = Self { served, bin, temp };
        // What is called is written down, and ends as it is told to.
        for name in ["fly", "flyctl", "rustup"] {
            runner.stub(
                name,
                &format!("echo \"{name} $*\" >>\"$CALLS\"; exit \"${{FLY_ENDS:-0}}\""),
            );
        }
        runner
    }

    fn stub(&self, name: &str, body: &str) {
        let file = self.bin.join(name);
        // A link leads to the program itself, which must not be written over.
        let _ = fs::remove_file(&file);
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).expect("a stub");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a stub that runs");
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.temp.join("calls")).unwrap_or_default()
    }

    /// `bash` as GitHub starts it, in the lab's folder.
    fn bash(&self, script: &str) -> Command {
        let file = self.temp.join("script.sh");
        fs::write(&file, script).expect("the script is written");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(file)
            .current_dir(self.served.dir.path())
            .env("PATH", format!("{}:{path}", self.bin.display()))
            .env("CALLS", self.temp.join("calls"))
            .env("GITHUB_OUTPUT", self.temp.join("output"))
            .env("FLY_API_TOKEN", self.served.lab.fly_token())
            .env("CLOUDFLARE_API_TOKEN", self.served.lab.cloudflare_token())
            .env_remove("ROUNDSMAN_CONFIG")
            .env_remove("GITHUB_STEP_SUMMARY")
            .env_remove("GITHUB_ACTIONS");
        command
    }

    /// Runs a step with these inputs, and gives what it put out.
    fn step(&self, step: &Value, inputs: &[(&str, &str)]) -> (Ran, Map<String, Value>) {
        let mut command = self.bash(step["run"].as_str().expect("a script"));
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, self.evaluate(value.as_str().expect("a text"), inputs));
        }
        let output = self.temp.join("output");
        fs::write(&output, "").expect("a file for outputs");
        let ran = command.output().expect("bash runs").into();
        let outputs = fs::read_to_string(output).expect("the outputs");
        let outputs = outputs.lines().filter_map(|line| line.split_once('='));
        (
            ran,
            outputs.map(|(name, value)| (name.to_owned(), json!(value))).collect(),
        )
    }

    fn evaluate(&self, text: &str, inputs: &[(&str, &str)]) -> String {
        let Some((before, rest)) = text.split_once("${{ ") else {
            return text.to_owned();
        };
        let (expression, after) = rest.split_once(" }}").expect("an end");
        let value = match expression {
            "github.action_path" => env!("CARGO_MANIFEST_DIR").to_owned(),
            "runner.temp" => self.temp.display().to_string(),
            _ => {
                let name = expression.strip_prefix("inputs.").expect("an input");
                let given = inputs.iter().find(|(input, _)| *input == name);
                given.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
            }
        };
        format!("{before}{value}{after}")
    }
}

fn action_step(name: &str) -> Value {
    let mut steps = steps(ACTION, "/runs/steps").into_iter();
    steps.find(|step| step["name"] == name).expect(name)
}

#[test]
fn the_action_verifies_and_puts_out_its_reports() {
    let served = serve(platform_with_prompt_logs(), &["site-status@q7f9"]);
    let runner = Runner::new(&served);
    let inputs = [
        ("domain", "tenants.test"),
        ("tenants", "q7f9, a3b1\nc04e"),
        ("args", "--skip conflicts"),
    ];
    let (ran, outputs) = runner.step(&action_step("Verify"), &inputs);
    assert_eq!(
        (ran.code, outputs["exit-code"].as_str()),
        (Some(1), Some("1")),
        "{}{}",
        ran.out,
        ran.err
    );
    let text = fs::read_to_string(outputs["report"].as_str().expect("a path")).expect("a report");
    let report = serde_json::from_str::<Value>(&text).expect("a report");
    assert_eq!(report["tenants"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["tenants"][0]["checks"][3]["reason"], "not-selected");
    let junit = fs::read_to_string(outputs["junit"].as_str().expect("a path")).expect("a report");
    assert!(junit.contains("<failure message=\"app-unhealthy: "), "{junit}");
}

#[test]
fn an_action_that_only_reports_ends_well_and_keeps_the_report_of_another_use() {
    let served = serve(platform_with_prompt_logs(), &["site-status@q7f9"]);
    let runner = Runner::new(&served);
    let inputs = [("domain", "tenants.test"), ("tenants", "q7f9"), ("report-only", "true")];
    let (ran, before) = runner.step(&action_step("Verify"), &inputs);
    assert_eq!(
        (ran.code, before["exit-code"].as_str()),
        (Some(0), Some("1")),
        "{}",
        ran.err
    );
    let path = before["report"].as_str().expect("a path");
    let report = fs::read_to_string(path).expect("a report");
    let (ran, after) = runner.step(&action_step("Verify"), &inputs[..2]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert_ne!(after["report"], before["report"]);
    assert_eq!(fs::read_to_string(path).expect("it is there"), report);
    // With a wrong setting nothing was looked at, and that is told whatever is asked for.
    let wrong = [("domain", "tenants..test"), ("report-only", "true")];
    let (ran, outputs) = runner.step(&action_step("Verify"), &wrong);
    assert_eq!(
        (ran.code, outputs["exit-code"].as_str()),
        (Some(2), Some("2")),
        "{}",
        ran.err
    );
    assert!(outputs.get("report").is_none(), "{outputs:?}");
}

#[test]
fn the_action_takes_inputs_for_words_and_carries_nothing_out() {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let runner = Runner::new(&served);
    let hostile = "$(touch pwned) `touch pwned`; touch pwned * --help";
    for input in ["tenants", "domain", "edge-app", "config", "args", "org"] {
        let (ran, outputs) = runner.step(&action_step("Verify"), &[(input, hostile)]);
        assert_eq!(
            outputs["exit-code"].as_str(),
            ran.code.map(|code| code.to_string()).as_deref()
        );
        assert!(matches!(ran.code, Some(0 | 2)), "{input}: {}{}", ran.out, ran.err);
        assert!(!served.dir.path().join("pwned").exists(), "{input}");
        // Only where more options are asked for are words options.
        assert_eq!(
            ran.out.contains("Usage: "),
            input == "args" && ran.code == Some(0),
            "{input}"
        );
    }
}

#[test]
fn the_action_has_no_report_where_nothing_was_verified() {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let runner = Runner::new(&served);
    let (ran, outputs) = runner.step(&action_step("Verify"), &[("tenants", "nobody")]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert_eq!(Value::Object(outputs), json!({ "exit-code": "2" }));
}

#[test]
fn the_action_passes_its_inputs_on_as_options() {
    let served = serve(platform_with_prompt_logs(), &["site-status@q7f9"]);
    let runner = Runner::new(&served);
    runner.stub("roundsman-bin", "printf '%s\\n' \"$@\"");
    let inputs = [
        ("fail-fast", "true"),
        ("fail-on", "warn"),
        ("require", "app site"),
        ("only", "dns,\nsite"),
        ("skip", "route"),
        ("label", "plan=pro x\nregion=eu"),
        ("exclude", "demo-* test-*"),
        ("ignore", "site-slow, leftover-app"),
        ("format", "human"),
        ("wait", "10m"),
    ];
    let step = action_step("Verify");
    let program = runner.temp.join("roundsman-bin/roundsman");
    fs::remove_file(&program).expect("the link goes");
    fs::rename(runner.bin.join("roundsman-bin"), program).expect("the stub");
    let (ran, _) = runner.step(&step, &inputs);
    let options = ran.out.lines().filter(|line| !line.starts_with("--output"));
    assert_eq!(
        options.collect::<Vec<_>>(),
        [
            "verify",
            "--wait=10m",
            "--fail-fast",
            "--fail-on=warn",
            "--require=app,site",
            "--only=dns,site",
            "--skip=route",
            "--label=plan=pro x",
            "--label=region=eu",
            "--exclude=demo-*,test-*",
            "--ignore=site-slow,leftover-app",
            "--format=human",
            "--",
        ],
        "{}",
        ran.err
    );
}

#[test]
fn the_action_takes_a_release_builds_what_there_is_none_of_and_refuses_one_that_was_changed() {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let runner = Runner::new(&served);
    let made = release(&runner.temp);
    let program = runner.temp.join("roundsman-bin/roundsman");
    fs::remove_file(&program).expect("the link goes");
    let releases = format!("file://{}", runner.temp.join("releases").display());
    let step = action_step("Take a release");
    let (ran, outputs) = runner.step(&step, &[("releases", &releases), ("version", "0.0.9")]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains("::warning title=roundsman::no release 0.0.9"),
        "{}",
        ran.out
    );
    assert!(outputs.is_empty() && !program.exists(), "{outputs:?}");

    // The version is this checkout's, where none is named.
    let (ran, outputs) = runner.step(&step, &[("releases", &releases)]);
    assert_eq!(
        (ran.code, outputs["taken"].as_str()),
        (Some(0), Some("true")),
        "{}",
        ran.err
    );
    let version = Command::new(&program).arg("--version").output().expect("it runs");
    assert_eq!(version.stdout, b"roundsman 0.1.0\n");

    fs::remove_file(&program).expect("the program goes");
    let archive = made.join(format!("roundsman-0.1.0-linux-{}.tar.gz", std::env::consts::ARCH));
    fs::write(&archive, "something else").expect("it is written");
    let (ran, outputs) = runner.step(&step, &[("releases", &releases)]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("is not what SHA256SUMS says"), "{}", ran.err);
    assert!(outputs.is_empty() && !program.exists(), "{outputs:?}");
}

#[test]
fn the_action_builds_from_its_own_folder() {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let runner = Runner::new(&served);
    let build = "mkdir -p \"$CARGO_TARGET_DIR/release\"; echo built >\"$CARGO_TARGET_DIR/release/roundsman\"";
    runner.stub("cargo", &format!("echo \"cargo $*\" >>\"$CALLS\"; {build}"));
    fs::remove_file(runner.temp.join("roundsman-bin/roundsman")).expect("the link goes");
    let (ran, _) = runner.step(&action_step("Build the program"), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let manifest = root("Cargo.toml").display().to_string();
    let call = format!("cargo build --release --locked --package roundsman --manifest-path {manifest}\n");
    assert!(runner.calls().ends_with(&call), "{}", runner.calls());
    let built = fs::read_to_string(runner.temp.join("roundsman-bin/roundsman")).expect("the program");
    assert_eq!(built, "built\n");
    let (ran, outputs) = runner.step(&action_step("Find out what is to be built"), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(outputs["digest"].as_str().map(str::len), Some(64));
}

/// The environment of the script after a deployment.
fn after_deploy(runner: &Runner<'_>, domain: &str) -> Command {
    let mut command = runner.bash(&fs::read_to_string(root(SCRIPT)).expect("the script"));
    command.env("DOMAIN", domain).env("EDGE_APP", "management-api-prod");
    command
}

#[test]
fn a_usage_error_ends_the_script_before_the_deployment() {
    let served = serve(platform_with_prompt_logs(), &[]);
    let runner = Runner::new(&served);
    let ran: Ran = after_deploy(&runner, "localhost").output().expect("bash runs").into();
    assert_eq!((ran.code, runner.calls().as_str()), (Some(2), ""), "{}", ran.err);
    let mut unset = after_deploy(&runner, "tenants.test");
    let ran: Ran = unset.env_remove("DOMAIN").output().expect("bash runs").into();
    assert!(ran.code != Some(0) && runner.calls().is_empty(), "{}", ran.err);
}

#[test]
fn nothing_is_deployed_where_nobody_could_look_before() {
    let served = serve(platform_with_prompt_logs(), &[]);
    let runner = Runner::new(&served);
    let report =
        "for word; do case $word in json=*) printf '{\\n  \"interrupted\": true\\n}' > \"${word#json=}\";; esac; done";
    for (body, code) in [("exit 127", 127), ("exit 139", 139), (report, 130)] {
        runner.stub("roundsman", body);
        let ran: Ran = after_deploy(&runner, "tenants.test")
            .output()
            .expect("bash runs")
            .into();
        assert_eq!(
            (ran.code, runner.calls().as_str()),
            (Some(code), ""),
            "{body}: {}",
            ran.err
        );
    }
}

#[test]
fn a_deployment_that_fails_is_told_apart_from_a_broken_tenant() {
    let served = serve(platform_with_prompt_logs(), &["site-status@q7f9"]);
    let runner = Runner::new(&served);
    let mut command = after_deploy(&runner, "tenants.test");
    let ran: Ran = command
        .env("FLY_ENDS", "7")
        .arg("--app")
        .arg("x")
        .output()
        .expect("bash runs")
        .into();
    assert_eq!(
        (ran.code, runner.calls().as_str()),
        (Some(4), "fly deploy --app x\n"),
        "{}",
        ran.err
    );
}

#[test]
fn after_a_deployment_only_what_it_broke_fails() {
    let served = serve(platform_with_prompt_logs(), &["site-status@q7f9"]);
    let runner = Runner::new(&served);
    let ran: Ran = after_deploy(&runner, "tenants.test")
        .output()
        .expect("bash runs")
        .into();
    assert_eq!(
        (ran.code, runner.calls().as_str()),
        (Some(0), "fly deploy\n"),
        "{}{}",
        ran.out,
        ran.err
    );
    // A deployment after which every page answers otherwise than it should.
    runner.stub("fly", "sed -i 's/x-lab = \"ok\"/x-lab = \"new\"/' roundsman.toml");
    let mut command = after_deploy(&runner, "tenants.test");
    let ran: Ran = command.env("WAIT", "2s").output().expect("bash runs").into();
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let junit = fs::read_to_string(served.dir.path().join("roundsman-reports/after.xml")).expect("a report");
    assert!(junit.contains("<failure message=\"platform-outage: "), "{junit}");
}

#[test]
fn the_job_for_gitlab_leaves_every_form_it_names() {
    let served = serve(platform_with_prompt_logs(), &["site-status@q7f9"]);
    let runner = Runner::new(&served);
    let jobs = yaml(GITLAB);
    let run = |job: &str| {
        let mut command = runner.bash(&lines(&jobs[job]["script"]));
        command
            .env("DOMAIN", "tenants.test")
            .env("EDGE_APP", "management-api-prod");
        Ran::from(command.output().expect("bash runs"))
    };
    for job in ["verify-before", "verify-tenants"] {
        let ran = run(job);
        assert_eq!(ran.code, Some(0), "{job}: {}{}", ran.out, ran.err);
    }
    let job = &jobs["verify-tenants"];
    let paths = job["artifacts"]["paths"].as_array().expect("paths").iter();
    for path in paths.chain([&job["artifacts"]["reports"]["junit"]]) {
        let file = served.dir.path().join(path.as_str().expect("a path"));
        assert!(fs::metadata(file).is_ok_and(|data| data.len() > 0), "{path}");
    }
}
