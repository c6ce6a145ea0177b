//! Files that somebody names and that have no end, or none that comes: devices, pipes, what the kernel makes up while it is
//! read. They are not waited for, and cost nothing.

use std::fs;
use std::process::Command;

use roundsman_lab::LabOptions;

use super::watched;
use crate::cli::{Served, serve};

/// The most memory, in MiB, and the most seconds: nothing of such a file is read.
const MOST_MEMORY: u64 = 100;
const MOST_SECONDS: u64 = 40;

fn lab() -> Served {
    let served = serve(LabOptions::with_tenants(1), &[]);
    let made = Command::new("mkfifo").arg(served.dir.path().join("pipe")).status();
    assert!(made.expect("mkfifo runs").success());
    served
}

#[test]
fn roots_of_the_environment_that_never_end_are_none() {
    let served = lab();
    let pipe = served.dir.path().join("pipe").display().to_string();
    for (variable, value) in [
        ("SSL_CERT_FILE", "/dev/zero"),
        ("SSL_CERT_FILE", pipe.as_str()),
        ("SSL_CERT_FILE", "/proc/kmsg"),
        ("SSL_CERT_DIR", "/proc:/dev:/no/such/folder"),
    ] {
        let ended = watched(served.command().env(variable, value), MOST_SECONDS);
        let (peak, took) = (ended.peak, ended.took);
        println!("{variable}={value}: {peak} MiB, {took:?}");
        assert_eq!(ended.ran.code, Some(0), "{variable}={value}: {}", ended.ran.err);
        assert!(peak <= MOST_MEMORY, "{variable}={value}: {peak} MiB");
    }
}

#[test]
fn roots_of_the_configuration_that_never_end_are_refused() {
    let served = lab();
    fs::write(served.dir.path().join("long"), vec![b'\n'; 17 << 20]).expect("a long file");
    let text = fs::read_to_string(&served.config).expect("the configuration");
    let before = text
        .lines()
        .find(|line| line.starts_with("ca_file"))
        .expect("the lab's roots");
    for (file, said) in [
        ("/dev/zero", "it is no file"),
        ("pipe", "it is no file"),
        ("/proc", "it is no file"),
        ("long", "it is longer than 16 MiB"),
    ] {
        fs::write(&served.config, text.replace(before, &format!("ca_file = \"{file}\""))).expect("it can be written");
        let ended = watched(&mut served.command(), MOST_SECONDS);
        assert_eq!(ended.ran.code, Some(2), "{file}: {}", ended.ran.out);
        assert!(ended.ran.err.contains(said), "{file}: {}", ended.ran.err);
        assert!(ended.peak <= MOST_MEMORY, "{file}: {} MiB", ended.peak);
    }
}
