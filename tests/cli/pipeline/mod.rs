//! What a pipeline is given: the action, the workflow, the snippet for GitLab and the script after a deployment. Their
//! YAML is what the schemas of GitHub and GitLab accept, and their shell parts do what they say over a lab.

mod package;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const ACTION: &str = "action.yml";
const WORKFLOW: &str = "deploy/ci/github-actions.yml";
const GITLAB: &str = "deploy/ci/gitlab-ci.yml";
const SCRIPT: &str = "deploy/ci/after-deploy.sh";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(root(path)).expect("the file is there");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the schema says against this document; `None`: it is valid.
fn refused(schema: &str, document: &Value) -> Option<String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("document.json");
    fs::write(&file, document.to_string()).expect("the document is written");
    let output = Command::new("jsonschema")
        .arg("-i")
        .arg(&file)
        .arg(root("tests/data/schemas").join(schema))
        .output()
        .unwrap_or_else(|error| {
            panic!("jsonschema: {error}; apt-get install --no-install-recommends python3-jsonschema")
        });
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    // A schema that can't be read is no verdict.
    assert!(!said.contains("Traceback"), "{schema}: {said}");
    (!output.status.success()).then(|| said.into_owned())
}

#[test]
fn the_schemas_of_github_and_gitlab_accept_every_file() {
    for (path, schema) in [
        (ACTION, "github-action.json"),
        (WORKFLOW, "github-workflow.json"),
        (".github/workflows/ci.yml", "github-workflow.json"),
        (GITLAB, "gitlab-ci.json"),
    ] {
        assert_eq!(refused(schema, &yaml(path)), None, "{path}");
    }
}

#[test]
fn the_schemas_refuse_what_the_servers_would() {
    let changed = |path: &str, pointer: &str, value: Value| {
        let mut document = yaml(path);
        *document.pointer_mut(pointer).expect("a place") = value;
        document
    };
    for (schema, document) in [
        ("github-action.json", changed(ACTION, "/runs/using", json!("bash"))),
        (
            "github-action.json",
            changed(ACTION, "/runs/steps/0", json!({ "run": 1 })),
        ),
        (
            "github-workflow.json",
            changed(WORKFLOW, "/jobs/deploy", json!({ "steps": [] })),
        ),
        ("github-workflow.json", changed(WORKFLOW, "/permissions", json!("some"))),
        (
            "gitlab-ci.json",
            changed(GITLAB, "/verify-tenants/script", json!({ "a": 1 })),
        ),
        (
            "gitlab-ci.json",
            changed(GITLAB, "/verify-tenants/artifacts/when", json!("sometimes")),
        ),
    ] {
        assert!(refused(schema, &document).is_some(), "{schema}: {document:#}");
    }
}

/// Steps of GitHub, of an action or of a workflow's job.
fn steps(path: &str, pointer: &str) -> Vec<Value> {
    let document = yaml(path);
    document
        .pointer(pointer)
        .and_then(Value::as_array)
        .expect("steps")
        .clone()
}

fn all_steps() -> Vec<Value> {
    [steps(ACTION, "/runs/steps"), steps(WORKFLOW, "/jobs/deploy/steps")].concat()
}

fn lines(value: &Value) -> String {
    let lines = value.as_array().expect("lines").iter().filter_map(Value::as_str);
    lines.collect::<Vec<_>>().join("\n")
}

/// Every shell part with a name.
fn scripts() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for step in all_steps() {
        if let Some(run) = step["run"].as_str() {
            all.push((step["name"].as_str().expect("a name").to_owned(), run.to_owned()));
        }
    }
    let gitlab = yaml(GITLAB);
    for (job, part) in [
        (".roundsman", "before_script"),
        ("verify-before", "script"),
        ("verify-tenants", "script"),
    ] {
        all.push((format!("{job} {part}"), lines(&gitlab[job][part])));
    }
    let files = [
        SCRIPT,
        ".ci/run",
        "deploy/demo.sh",
        "docs/terminal/record.sh",
        "deploy/package.sh",
        "deploy/install.sh",
        "deploy/debian/postinst",
        "deploy/debian/prerm",
        "deploy/debian/postrm",
    ];
    all.extend(files.map(|path| (path.to_owned(), fs::read_to_string(root(path)).expect("the script"))));
    all
}

#[test]
fn every_shell_part_is_accepted_by_bash_and_by_shellcheck() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, script) in scripts() {
        let file = dir.path().join("script");
        // As the servers run them.
        fs::write(&file, format!("set -eo pipefail\n{script}")).expect("the script is written");
        for words in [&["bash", "-n"][..], &["shellcheck", "--shell=bash", "--norc"]] {
            let output = Command::new(words[0]).args(&words[1..]).arg(&file).output();
            let output = output.unwrap_or_else(|error| {
                let word = words[0];
                panic!("{word}: {error}; apt-get install --no-install-recommends {word}")
            });
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {said}");
        }
    }
}

#[test]
fn no_expression_stands_in_a_script() {
    for (name, script) in scripts() {
        assert!(!script.contains("${{"), "{name}: {script}");
    }
}

#[test]
fn every_input_reaches_the_program_through_the_environment() {
    let action = yaml(ACTION);
    let steps = steps(ACTION, "/runs/steps");
    for (name, input) in action["inputs"].as_object().expect("inputs") {
        let expression = json!(format!("${{{{ inputs.{name} }}}}"));
        let used = steps.iter().any(|step| {
            let mut variables = step["env"].as_object().into_iter().flatten();
            let run = step["run"].as_str().unwrap_or_default();
            variables.any(|(variable, value)| {
                *value == expression
                    && (run.contains(&format!("${variable}")) || run.contains(&format!("${{{variable}")))
            })
        });
        assert!(used, "{name}");
        assert!(
            input["default"] == "" && input["description"].as_str().is_some(),
            "{name}"
        );
    }
    let secrets = fs::read_to_string(root(ACTION)).expect("the action");
    assert!(
        !secrets.contains("secrets."),
        "secrets come with the environment of the calling step"
    );
}
