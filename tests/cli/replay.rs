//! A recording judged again: the same report, byte for byte, without a network.

use roundsman_lab::{Fault, LabOptions, Scope};

use super::{Ran, Served, roundsman, serve, with_each};

/// A round that is recorded, and what is made of the recording.
fn recorded_and_replayed(served: &Served, arguments: &[&str], format: &str) -> (Ran, Ran) {
    let file = served.dir.path().join("evidence.gz").display().to_string();
    let mut command = served.command();
    command.args(arguments).args(["--format", format, "--record", &file]);
    let live = Ran::from(command.output().expect("the binary runs"));
    // Elsewhere: there is no configuration, no token and nobody to ask.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let again = roundsman(&["replay", &file, "--format", format], elsewhere.path());
    (live, again)
}

/// A tenant of its own for each fault that one tenant can have, then each other fault alone.
fn groups() -> Vec<Vec<String>> {
    let entries = Fault::catalog().iter();
    let (tenants, others) = entries.partition::<Vec<_>, _>(|entry| entry.scope == Scope::Tenant);
    let of_tenants = tenants.iter().enumerate();
    let of_tenants = of_tenants.map(|(at, entry)| format!("{}@t{:04}", entry.name, at + 1));
    let mut groups = vec![of_tenants.collect::<Vec<_>>()];
    groups.extend(others.iter().map(|entry| vec![entry.name.to_owned()]));
    groups
}

#[test]
fn a_recording_of_every_fault_gives_the_same_report() {
    let options = LabOptions {
        platform: true,
        ..LabOptions::with_tenants(70)
    };
    let only = ["--only", "dns,certificate,site,conflicts,app,route"];
    let groups = groups();
    let told = with_each(
        || serve(options.clone(), &[]).impatient(),
        &groups,
        |served, faults| {
            served.stage(&faults.iter().map(String::as_str).collect::<Vec<_>>());
            let (live, again) = recorded_and_replayed(served, &only, "json");
            let differ = (live.code, &live.out) != (again.code, &again.out) || live.out.is_empty();
            let lines = live.out.lines().zip(again.out.lines()).find(|(a, b)| a != b);
            differ.then(|| format!("{faults:?}: {:?} {:?} {lines:?} {}", live.code, again.code, again.err))
        },
    );
    assert_eq!(told.len(), groups.len());
    let wrong = told.into_iter().flatten().collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_baseline_excused_is_excused_again() {
    let served = serve(
        LabOptions::with_platform(),
        &["app-stopped@q7f9", "site-status@a3b1=404"],
    );
    let before = served.dir.path().join("before.json").display().to_string();
    let first = served.command().args(["--output", &format!("json={before}")]).output();
    assert_eq!(first.expect("the binary runs").status.code(), Some(1));
    let (live, again) = recorded_and_replayed(&served, &["--baseline", &before], "json");
    assert_eq!(live.code, Some(0), "{}", live.err);
    assert!(live.out.contains("\"unchanged\""), "{}", live.out);
    assert_eq!((live.code, live.out), (again.code, again.out));
}

#[test]
fn every_form_and_every_demand_is_replayed() {
    let serve = || serve(LabOptions::with_platform(), &["app-asleep@c04e", "site-slow@q7f9"]);
    let demands = ["--require", "site", "--fail-on", "warn", "--scope", "tenant"];
    let formats = ["human", "json", "markdown", "junit"];
    let told = with_each(serve, formats, |served, format| {
        recorded_and_replayed(served, &demands, format)
    });
    assert_eq!(told.len(), formats.len());
    for (live, again) in told {
        assert_eq!(live.out, again.out);
        assert_eq!((live.code, again.code), (Some(1), Some(1)));
    }
    let served = serve();
    let (live, again) = recorded_and_replayed(&served, &["--expect-version", "02LAB", "--wait", "1s"], "json");
    assert_eq!((live.code, live.out), (again.code, again.out));
    assert!(live.err.contains("release-mismatch"), "{}", live.err);
}

#[test]
fn todays_configuration_judges_yesterdays_evidence() {
    let served = serve(LabOptions::default(), &["site-redirect@q7f9", "site-body@a3b1"]);
    let (live, _) = recorded_and_replayed(&served, &[], "json");
    assert_eq!(live.code, Some(1));
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let replay = |text: &str| {
        std::fs::write(served.dir.path().join("today.toml"), text).expect("it can be written");
        roundsman(
            &["replay", "evidence.gz", "--config", "today.toml", "--format", "json"],
            served.dir.path(),
        )
    };
    let lenient = text
        .replace("json = { \"/status\" = \"healthy\" }", "status = [200, 302]")
        .replace("expect_headers = { x-lab = \"ok\" }", "");
    let again = replay(&lenient);
    assert_eq!(again.code, Some(0), "{}{}", again.out, again.err);
    // Roots that trust nobody there: every chain is judged again.
    let addresses_outside_edge = text
        .lines()
        .filter(|line| !line.starts_with("ca_file"))
        .collect::<Vec<_>>()
        .join("\n");
    let again = replay(&addresses_outside_edge);
    assert!(
        again.out.contains("wildcard-certificate-untrusted"),
        "{}{}",
        again.out,
        again.err
    );
    let other = replay(&text.replace("tenants.test", "example.org"));
    assert_eq!(other.code, Some(2));
    assert!(other.err.contains("is a recording of tenants.test"), "{}", other.err);
}

#[test]
fn a_recording_holds_no_secret() {
    let served = serve(LabOptions::with_platform(), &["site-status@q7f9"]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let key = "request_headers = { x-bypass = { env = \"BYPASS\" } }";
    std::fs::write(&served.config, text.replace("[site]", &format!("[site]\n{key}"))).expect("it can be written");
    let file = served.dir.path().join("evidence.gz");
    let mut command = served.command();
    command.env("BYPASS", "hunter2-bypass").arg("--record").arg(&file);
    let ran = Ran::from(command.output().expect("the binary runs"));
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let mut evidence = String::new();
    let packed = std::fs::File::open(file).expect("the recording");
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut evidence).expect("text");
    for secret in ["hunter2", served.lab.fly_token(), served.lab.cloudflare_token()] {
        assert!(!evidence.contains(secret), "{secret}");
    }
    assert!(evidence.contains("q7f9"));
}

#[test]
fn a_file_that_is_no_recording_is_one_clear_error() {
    let served = serve(LabOptions::default(), &[]);
    let dir = served.dir.path();
    let refused = |file: &str| {
        let ran = roundsman(&["replay", file], dir);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{file}");
        ran.err
    };
    assert!(refused("nowhere.gz").contains("nowhere.gz"));
    assert!(refused("roundsman.toml").contains("is no recording of roundsman"));
    recorded_and_replayed(&served, &[], "json");
    let whole = std::fs::read(dir.join("evidence.gz")).expect("the recording");
    std::fs::write(dir.join("half.gz"), &whole[..whole.len() / 2]).expect("it can be written");
    assert!(refused("half.gz").contains("damaged or was cut off"));
    let unwritable = served.verify(&["--record", "no/such/folder/evidence.gz"]);
    assert_eq!(unwritable.code, Some(2));
    assert!(
        unwritable.err.contains("--record no/such/folder/evidence.gz"),
        "{}",
        unwritable.err
    );
}
