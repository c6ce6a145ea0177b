//! What a release consists of: made by its script from the program that is tested here, installed, and refused where it was
//! changed on the way.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::root;

fn run(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().unwrap_or_else(|error| {
        panic!("{program}: {error}; apt-get install --no-install-recommends binutils curl dpkg systemd")
    })
}

fn told(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr];
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).concat()
}

/// A release as the script makes it, quickly compressed.
pub(super) fn release(folder: &Path) -> PathBuf {
    let binary = folder.join("roundsman");
    let strip = run(Command::new("strip")
        .args(["-o"])
        .arg(&binary)
        .arg(env!("CARGO_BIN_EXE_roundsman")));
    assert!(strip.status.success(), "{}", told(&strip));
    let out = folder.join("releases/0.1.0");
    let made = run(Command::new(root("deploy/package.sh"))
        .env("SOURCE_DATE_EPOCH", "1764500000")
        .env("DPKG_DEB_COMPRESSOR_TYPE", "gzip")
        .env("DPKG_DEB_COMPRESSOR_LEVEL", "1")
        .env("GZIP_LEVEL", "1")
        .arg("--binary")
        .arg(&binary)
        .arg("--out")
        .arg(&out));
    assert!(made.status.success(), "{}", told(&made));
    out
}

fn named(folder: &Path, end: &str) -> PathBuf {
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut files = files.map(|file| file.expect("a file").path());
    files
        .find(|path| path.to_string_lossy().ends_with(end))
        .unwrap_or_else(|| panic!("nothing ends with {end}"))
}

fn install(folder: &Path, version: &str) -> Output {
    run(Command::new("sh")
        .arg(root("deploy/install.sh"))
        .arg(version)
        .env(
            "ROUNDSMAN_RELEASES",
            format!("file://{}", folder.join("releases").display()),
        )
        .env("ROUNDSMAN_PREFIX", folder.join("prefix")))
}

#[test]
fn a_release_is_installed_and_one_that_was_changed_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = release(folder.path());
    let sums = run(Command::new("sha256sum")
        .args(["--check", "SHA256SUMS"])
        .current_dir(&out));
    assert!(sums.status.success(), "{}", told(&sums));

    let installed = install(folder.path(), "0.1.0");
    assert!(told(&installed).contains("roundsman 0.1.0"), "{}", told(&installed));
    for file in [
        "bin/roundsman",
        "share/man/man1/roundsman-verify.1.gz",
        "share/bash-completion/completions/roundsman",
        "share/doc/roundsman/examples/roundsman.toml",
    ] {
        assert!(folder.path().join("prefix").join(file).exists(), "{file}");
    }
    let unknown = install(folder.path(), "0.0.9");
    assert!(
        !unknown.status.success() && told(&unknown).contains("can't be had"),
        "{}",
        told(&unknown)
    );

    let package = named(&out, ".deb");
    let tree = folder.path().join("tree");
    let unpacked = run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&tree));
    assert!(unpacked.status.success(), "{}", told(&unpacked));
    let version = run(Command::new(tree.join("usr/bin/roundsman")).arg("--version"));
    assert_eq!(told(&version), "roundsman 0.1.0\n");
    for file in [
        "usr/lib/systemd/system/roundsman.service",
        "usr/share/man/man1/roundsman.1.gz",
        "usr/share/zsh/vendor-completions/_roundsman",
        "usr/share/doc/roundsman/copyright",
    ] {
        assert!(tree.join(file).exists(), "{file}");
    }
    let depends = run(Command::new("dpkg-deb").arg("--field").arg(&package).arg("Depends"));
    assert!(told(&depends).starts_with("libc6 (>= 2."), "{}", told(&depends));

    let archive = named(&out, ".tar.gz");
    let mut bytes = std::fs::read(&archive).expect("the archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&archive, bytes).expect("it can be written");
    let changed = install(folder.path(), "0.1.0");
    assert!(!changed.status.success(), "{}", told(&changed));
    assert!(
        told(&changed).contains("is not what SHA256SUMS says"),
        "{}",
        told(&changed)
    );
}

#[test]
fn the_unit_is_understood_and_exposes_little() {
    let unit = root("deploy/systemd/roundsman.service");
    let verified = told(&run(Command::new("systemd-analyze").arg("verify").arg(&unit)));
    let wrong = verified.lines().filter(|line| {
        // Neither the program nor its manual is installed where it is tested.
        !line.contains("is not executable") && !line.contains("failed with code 16")
    });
    assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
    let exposed = told(&run(Command::new("systemd-analyze")
        .args(["security", "--offline=true"])
        .arg(&unit)));
    let level = exposed
        .lines()
        .rev()
        .find_map(|line| line.split("roundsman.service: ").nth(1));
    let level = level.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    assert!(level.is_some_and(|level| level < 2.0), "{exposed}");
}
