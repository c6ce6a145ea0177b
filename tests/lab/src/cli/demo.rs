//! `roundsman-lab demo`: a lab with a handful of faults, and the product's verdict on it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use roundsman_lab::{Fault, Lab, LabError, LabOptions};
use tokio::process::Command;

const FAULTS: [&str; 10] = [
    "certificate-conflict@5b7d",
    "certificate-conflict@0d4e=latent",
    "app-stopped@91cc",
    "app-asleep@3fa8",
    "acme-challenge-broken",
    "dns-override@q7f9",
    "dns-blocked@a3b1=acme-challenge",
    "certificate-expired@d9a2",
    "site-status@e51f=500",
    "route-wrong-tenant@f8c3",
];

/// What the product exits with when tenants fail, as they do here.
const EXPECTED: i32 = 1;

pub(super) async fn run() -> Result<ExitCode, LabError> {
    let program = build().await?;
    let lab = Lab::start(LabOptions {
        platform_inventory: true,
        ..LabOptions::with_platform()
    })
    .await?;
    for fault in FAULTS {
        lab.stage(fault.parse()?).await?;
    }
    let dir = tempfile::tempdir().map_err(failed("."))?;
    let config = lab.write_config(dir.path())?;
    eprintln!("$ roundsman verify --config {}\n", config.display());
    let status = Command::new(&program)
        .args(["verify", "--config"])
        .arg(&config)
        .env("FLY_API_TOKEN", lab.fly_token())
        .env("CLOUDFLARE_API_TOKEN", lab.cloudflare_token())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(failed(&program))?;
    explain(&lab, status.code());
    Ok(if status.code() == Some(EXPECTED) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn explain(lab: &Lab, code: Option<i32>) {
    eprintln!("\nStaged among {} tenants:", lab.tenants().len());
    for fault in lab.staged() {
        let does = Fault::catalog().iter().find(|entry| entry.name == fault.cause());
        eprintln!("  {:34} {}", fault.to_string(), does.map_or("", |entry| entry.does));
    }
    match code {
        Some(EXPECTED) => eprintln!("\nroundsman exited with 1 as expected: tenants fail."),
        Some(code) => eprintln!("\nroundsman exited with {code}; 1 was expected: tenants fail."),
        None => eprintln!("\nroundsman was killed; exit code 1 was expected: tenants fail."),
    }
}

/// Builds the product with the profile of this program, and says where it is: beside it.
async fn build() -> Result<PathBuf, LabError> {
    let own = std::env::current_exe().map_err(failed("roundsman-lab"))?;
    let dir = own.parent().unwrap_or(Path::new("."));
    let program = dir.join(format!("roundsman{}", std::env::consts::EXE_SUFFIX));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(&cargo);
    command
        .args(["build", "--bin", "roundsman", "--quiet"])
        .current_dir(workspace);
    if let (Some(profile), Some(target)) = (dir.file_name(), dir.parent()) {
        let profile = if profile == "debug" {
            "dev".into()
        } else {
            profile.to_owned()
        };
        command.arg("--profile").arg(profile).arg("--target-dir").arg(target);
    }
    eprintln!("Building roundsman …");
    let built = command.stdin(Stdio::null()).stdout(Stdio::null()).status().await;
    match built {
        Ok(status) if status.success() && program.exists() => Ok(program),
        // Without a cargo at hand, the one that was built before will do.
        Err(_) if program.exists() => Ok(program),
        Ok(status) => Err(LabError::Product(format!("roundsman was not built: {status}"))),
        Err(error) => Err(failed(cargo)(error)),
    }
}

fn failed(path: impl Into<PathBuf>) -> impl Fn(std::io::Error) -> LabError {
    let path = path.into();
    move |source| LabError::File {
        path: path.clone(),
        source,
    }
}
