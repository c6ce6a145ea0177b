//! `roundsman doctor`: what it says of a healthy place, and of each thing that may be lacking.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use roundsman::agent::clock::Moment;
use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::platform::{document, run};
use super::{Ran, Served, command, roundsman, serve};

/// What `doctor` says as JSON, with the lab's tokens.
fn doctor(served: &Served, arguments: &[&str]) -> (Option<i32>, Value) {
    let ran = run(served, &[&["doctor", "--format", "json"], arguments].concat());
    assert_no_token(served, &ran);
    (ran.code, document(&ran))
}

fn assert_no_token(served: &Served, ran: &Ran) {
    for token in [served.lab.fly_token(), served.lab.cloudflare_token()] {
        assert!(
            !ran.out.contains(token) && !ran.err.contains(token),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}

/// The checks of this name.
fn checks<'d>(document: &'d Value, name: &str) -> Vec<&'d Value> {
    let checks = document["checks"].as_array().into_iter().flatten();
    checks.filter(|check| check["name"] == name).collect()
}

/// The one check of this name: its status, what was seen, and all of its fix in one text.
fn check(document: &Value, name: &str) -> (String, String, String) {
    let checks = checks(document, name);
    let [check] = checks.as_slice() else {
        panic!("{name}: {document:#}");
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fix = check["fix"].as_array().into_iter().flatten();
    let fix = fix.map(|step| format!("{}: {}", text(&step["form"]), text(&step["text"])));
    (
        text(&check["status"]),
        text(&check["seen"]),
        fix.collect::<Vec<_>>().join("\n"),
    )
}

/// The names of all checks with this status.
fn with_status<'d>(document: &'d Value, status: &str) -> Vec<&'d str> {
    let checks = document["checks"].as_array().into_iter().flatten();
    let checks = checks.filter(|check| check["status"] == status);
    checks.filter_map(|check| check["name"].as_str()).collect()
}

fn edit(served: &Served, from: &str, to: &str) {
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    assert!(text.contains(from), "{text}");
    std::fs::write(&served.config, text.replace(from, to)).expect("the configuration can be written");
}

/// Whoever else runs here may have the port that `watch` listens at by default.
fn listen_anywhere(served: &Served) {
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let text = text + "\n[web]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(&served.config, text).expect("the configuration can be written");
}

#[test]
fn a_healthy_place_is_all_right_and_nothing_is_changed() {
    for platform_inventory in [false, true] {
        let served = serve(
            LabOptions {
                platform_inventory,
                ..LabOptions::with_platform()
            },
            &[],
        );
        listen_anywhere(&served);
        let before = std::fs::read_dir(served.dir.path()).expect("the folder").count();
        let (code, document) = doctor(&served, &[]);
        assert_eq!(code, Some(0), "{document:#}");
        assert_eq!(document["schema"], "roundsman.doctor/1");
        assert_eq!(with_status(&document, "warn"), [""; 0], "{document:#}");
        assert_eq!(with_status(&document, "skip"), ["channels"], "{document:#}");
        let names = document["checks"].as_array().into_iter().flatten();
        let names = names.map(|check| check["name"].as_str().unwrap_or_default());
        assert_eq!(
            names.collect::<Vec<_>>(),
            [
                "configuration",
                "tenants",
                "token",
                "organization",
                "edge-app",
                "certificates",
                "machines",
                "logs",
                "zone-listing",
                "resolver",
                "zone",
                "name-server",
                "name-server",
                "routes",
                "edge",
                "clock",
                "trust-store",
                "open-files",
                "ports",
                "database",
                "web",
                "channels",
            ]
        );
        assert!(
            check(&document, "tenants").1.starts_with("12 tenants from "),
            "{document:#}"
        );
        assert_eq!(served.lab.writes(), [""; 0]);
        assert!(
            served.lab.counters().api_requests <= 12,
            "{}",
            served.lab.counters().api_requests
        );
        assert_eq!(
            std::fs::read_dir(served.dir.path()).expect("the folder").count(),
            before
        );
    }
}

#[test]
fn it_is_told_to_people_a_line_a_check() {
    let served = serve(LabOptions::with_platform(), &[]);
    listen_anywhere(&served);
    let ran = run(&served, &["doctor"]);
    assert_no_token(&served, &ran);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(ran.out.starts_with("OK    configuration  "), "{}", ran.out);
    assert!(
        ran.out
            .contains("\nOK    organization   lab has 16 apps, 12 of them with the prefix sp-\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\n21 ok, 1 not asked · "), "{}", ran.out);
    assert!(ran.out.ends_with(" s · exit 0\n"), "{}", ran.out);
}

#[test]
fn without_a_platform_what_needs_one_is_not_asked() {
    let served = serve(LabOptions::default(), &[]);
    let (code, document) = doctor(&served, &[]);
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(
        with_status(&document, "skip"),
        [
            "token",
            "organization",
            "edge-app",
            "certificates",
            "machines",
            "logs",
            "zone-listing",
            "channels"
        ]
    );
    // The edge tells the time.
    assert!(
        check(&document, "clock").1.contains("the edge at 127.0.0.1"),
        "{document:#}"
    );
}

#[test]
fn a_refused_token_hides_what_only_it_may_ask() {
    let served = serve(LabOptions::with_platform(), &["platform-api-unauthorized"]);
    let (code, document) = doctor(&served, &[]);
    assert_eq!(code, Some(3), "{document:#}");
    let (status, seen, fix) = check(&document, "token");
    assert_eq!((status.as_str(), seen.contains("401")), ("fail", true), "{seen}");
    assert!(fix.contains("run: fly tokens create readonly"), "{fix}");
    assert!(!fix.contains("zone"), "{fix}");
    for name in ["organization", "edge-app", "certificates", "machines", "logs"] {
        let (status, seen, _) = check(&document, name);
        assert_eq!(
            (status.as_str(), seen.as_str()),
            ("skip", "the token is refused"),
            "{name}"
        );
    }
    assert_eq!(check(&document, "zone-listing").0, "ok");
    // Refused once, it is not shown again and again.
    assert!(
        served.lab.counters().api_requests <= 4,
        "{}",
        served.lab.counters().api_requests
    );
}

#[test]
fn an_unset_token_is_a_usage_error_and_all_else_is_looked_at() {
    let served = serve(LabOptions::with_platform(), &[]);
    let mut command = command(served.dir.path());
    command
        .args(["doctor", "--format", "json", "--config"])
        .arg(&served.config);
    command
        .env_remove("FLY_API_TOKEN")
        .env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token());
    let ran = Ran::from(command.output().expect("the binary runs"));
    let document = document(&ran);
    assert_eq!((ran.code, &document["exit"]), (Some(2), &json!(2)), "{}", ran.out);
    let (status, seen, _) = check(&document, "token");
    assert!(status == "fail" && seen.contains("FLY_API_TOKEN is not set"), "{seen}");
    assert_eq!(check(&document, "resolver").0, "ok");
}

#[test]
fn a_refused_listing_is_a_warning_with_what_the_token_needs() {
    let served = serve(LabOptions::with_platform(), &["cloudflare-refused"]);
    let (code, document) = doctor(&served, &[]);
    let (status, _, fix) = check(&document, "zone-listing");
    assert_eq!((code, status.as_str()), (Some(0), "warn"), "{document:#}");
    assert!(fix.contains("`DNS Read`"), "{fix}");
    edit(&served, "zone = \"tenants.test\"", "zone = \"tenants.example\"");
    served.stage(&[]);
    let (_, seen, fix) = check(&doctor(&served, &[]).1, "zone-listing");
    assert!(
        seen.contains("the token sees no zone tenants.example") && fix.contains("`[cloudflare] zone`"),
        "{seen} {fix}"
    );
}

#[test]
fn an_unknown_organization_is_told_from_an_outage() {
    let served = serve(LabOptions::with_platform(), &[]);
    let (code, document) = doctor(&served, &["--org", "labb"]);
    assert_eq!(code, Some(3), "{document:#}");
    let (status, seen, fix) = check(&document, "organization");
    assert!(
        status == "fail" && seen.contains("the token sees no organization labb"),
        "{seen}"
    );
    assert!(fix.contains("run: fly orgs list"), "{fix}");
    assert_eq!(check(&document, "edge-app").1, "the organization is not known");
    assert_eq!(check(&document, "token").0, "ok");
}

#[test]
fn a_misspelled_edge_app_gets_the_name_that_is_meant() {
    let served = serve(LabOptions::with_platform(), &[]);
    let (code, document) = doctor(&served, &["--edge-app", "management-api-prd"]);
    assert_eq!(code, Some(3), "{document:#}");
    let (status, seen, fix) = check(&document, "edge-app");
    assert_eq!(
        (status.as_str(), seen.as_str()),
        ("fail", "lab has no app management-api-prd")
    );
    assert_eq!(
        fix,
        "do: set `app` of [edge] to management-api-prod, where that is meant"
    );
    assert_eq!(check(&document, "certificates").0, "skip");
    assert_eq!(check(&document, "machines").0, "ok");
}

#[test]
fn an_app_that_the_token_may_not_read_is_no_missing_one() {
    let served = serve(LabOptions::with_platform(), &[]);
    let (code, document) = doctor(&served, &["--edge-app", "someone-elses-app"]);
    assert_eq!(code, Some(3), "{document:#}");
    let (status, seen, fix) = check(&document, "edge-app");
    assert!(status == "fail" && seen.contains("403"), "{seen}");
    assert!(fix.contains("fly tokens create readonly"), "{fix}");
}

#[test]
fn a_resolver_that_is_not_there_is_a_warning_while_the_servers_are_configured() {
    let served = serve(LabOptions::default(), &[]).impatient();
    // Taken and let go again: nobody listens there.
    let free = UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a port");
    edit(
        &served,
        &format!("resolvers = [\"{}\"]", served.lab.resolver()),
        &format!("resolvers = [\"{free}\"]"),
    );
    let (code, document) = doctor(&served, &[]);
    let (status, seen, fix) = check(&document, "resolver");
    assert_eq!((code, status.as_str()), (Some(0), "warn"), "{document:#}");
    assert!(
        seen.starts_with(&free.to_string()) && seen.contains("nothing listens there"),
        "{seen}"
    );
    assert!(fix.contains("set `[dns] resolvers`"), "{fix}");
    // Where it is needed to find the zone, nothing can be looked at.
    let servers = served.lab.dns_servers().iter().map(|server| format!("\"{server}\""));
    edit(
        &served,
        &format!("authoritative = [{}]", servers.collect::<Vec<_>>().join(", ")),
        "authoritative = []",
    );
    let (code, document) = doctor(&served, &[]);
    assert_eq!(
        (code, check(&document, "resolver").0.as_str()),
        (Some(3), "fail"),
        "{document:#}"
    );
    assert_eq!(check(&document, "zone").0, "fail");
    assert_eq!(check(&document, "name-server").1, "the zone's servers are not known");
}

#[test]
fn one_deaf_name_server_warns_and_all_of_them_fail() {
    let served = serve(LabOptions::default(), &["dns-servers-failing=timeout/1"]).impatient();
    let (code, document) = doctor(&served, &[]);
    let servers = checks(&document, "name-server");
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(
        [&servers[0]["status"], &servers[1]["status"]],
        ["warn", "ok"],
        "{document:#}"
    );
    served.stage(&["vantage-dns-blocked"]);
    let (code, document) = doctor(&served, &[]);
    assert_eq!(code, Some(3), "{document:#}");
    for server in checks(&document, "name-server") {
        assert_eq!(server["status"], "fail");
        assert!(
            server["fix"][0]["text"]
                .as_str()
                .unwrap_or_default()
                .contains("`[dns] ask = \"resolvers\"`"),
            "{server}"
        );
    }
    assert_eq!(check(&document, "resolver").0, "ok");
}

#[test]
fn a_clock_that_is_off_is_a_warning() {
    let served = serve(LabOptions::with_platform(), &["clock-wrong=3600"]);
    let (code, document) = doctor(&served, &[]);
    let (status, seen, fix) = check(&document, "clock");
    assert_eq!((code, status.as_str()), (Some(0), "warn"), "{document:#}");
    assert!(
        seen.contains(" min behind that of ") && fix.contains("timedatectl"),
        "{seen} {fix}"
    );
}

#[test]
fn without_a_configuration_only_the_machine_is_looked_at() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let ran = roundsman(&["doctor"], dir.path());
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.out.starts_with("FAIL  configuration  "), "{}", ran.out);
    assert!(
        ran.out.contains("\nSKIP  token          needs the configuration\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\nOK    trust-store    "), "{}", ran.out);
    assert!(ran.err.contains("roundsman init"), "{}", ran.err);
    // A wrong one is told with line and column, too.
    std::fs::write(dir.path().join("roundsman.toml"), "domian = \"example.com\"\n").expect("a file");
    let ran = roundsman(&["doctor"], dir.path());
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.out.contains("run            roundsman config check"), "{}", ran.out);
    assert!(ran.err.contains("did you mean `domain`?"), "{}", ran.err);
    std::fs::write(dir.path().join("my own.toml"), "domian = \"example.com\"\n").expect("a file");
    let ran = roundsman(&["doctor", "--config", "my own.toml"], dir.path());
    assert!(
        ran.out.contains("roundsman config check --config 'my own.toml'\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_low_limit_of_descriptors_is_told_with_the_number_that_is_wanted() {
    let served = serve(LabOptions::default(), &[]);
    let limited = |descriptors: usize| {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        let arguments = ["doctor", "--format", "json", "--config"];
        shell
            .args(["-c", &script, env!("CARGO_BIN_EXE_roundsman")])
            .args(arguments)
            .arg(&served.config);
        Ran::from(shell.output().expect("a shell"))
    };
    let ran = limited(100);
    let (status, seen, fix) = check(&document(&ran), "open-files");
    assert_eq!((ran.code, status.as_str()), (Some(0), "warn"), "{}", ran.out);
    assert!(
        seen.contains("100 files; 12 tenants at the same time need 112"),
        "{seen}"
    );
    assert!(fix.contains("run: ulimit -n 112"), "{fix}");
    // Too few for the network: all else is told all the same.
    let ran = limited(12);
    let document = document(&ran);
    assert_eq!(
        (ran.code, check(&document, "open-files").0.as_str()),
        (Some(3), "fail"),
        "{}",
        ran.out
    );
    let (status, seen, _) = check(&document, "zone");
    assert!(status == "skip" && seen.contains("raise `ulimit -n`"), "{seen}");
}

#[test]
fn deaf_upstreams_are_waited_for_within_half_a_minute() {
    let served = serve(
        LabOptions::with_platform(),
        &["platform-api-unavailable=timeout", "vantage-dns-blocked"],
    );
    let begun = Moment::now();
    let (code, document) = doctor(&served, &[]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(code, Some(3), "{document:#}");
    assert_eq!(check(&document, "token").1, "machines: no answer within 6 s");
    assert_eq!(check(&document, "organization").1, "the platform's API does not answer");
}

#[test]
fn the_flags_alone_are_enough() {
    let served = serve(LabOptions::default(), &[]);
    let edge = served.lab.edge_addresses()[0].to_string();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let options = [
        "doctor",
        "--format",
        "json",
        "--domain",
        served.lab.domain(),
        "--edge",
        &edge,
    ];
    let document = document(&roundsman(&options, dir.path()));
    let (status, seen, _) = check(&document, "configuration");
    assert_eq!(status, "ok", "{seen}");
    assert_eq!(check(&document, "tenants").0, "warn");
    // Somebody will be named on the command line.
    assert!(
        check(&document, "open-files").1.contains("64 tenants at the same time"),
        "{document:#}"
    );
}

#[test]
fn a_resolver_of_another_mind_is_told_with_what_it_says() {
    let served = serve(LabOptions::default(), &["resolver-differs=nxdomain"]);
    let (code, document) = doctor(&served, &[]);
    let (status, seen, fix) = check(&document, "resolver");
    assert_eq!((code, status.as_str()), (Some(0), "warn"), "{document:#}");
    assert!(
        seen.ends_with("answers over UDP and TCP, and says NXDOMAIN to a name that only the wildcard has"),
        "{seen}"
    );
    assert!(fix.contains("`roundsman verify --only dns`"), "{fix}");
    served.stage(&["dns-servers-failing=refused/1"]);
    let (code, document) = doctor(&served, &[]);
    assert_eq!(code, Some(0), "{document:#}");
    let seen = checks(&document, "name-server")[0]["seen"].as_str().unwrap_or_default();
    assert!(seen.contains("says REFUSED"), "{seen}");
}

/// Starts it, ends it by SIGINT as soon as `busy` says so, and waits.
fn interrupted(served: &Served, busy: impl FnOnce()) -> Ran {
    let mut command = command(served.dir.path());
    command
        .args(["doctor", "--config"])
        .arg(&served.config)
        .env("FLY_API_TOKEN", served.lab.fly_token())
        .env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    busy();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it runs");
    child.wait_with_output().expect("it ends").into()
}

fn fifo(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
}

#[test]
fn an_interrupted_examination_is_inconclusive_and_says_so() {
    let served = serve(LabOptions::with_platform(), &[]);
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a port");
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let line = text
        .lines()
        .find(|line| line.starts_with("machines_url"))
        .expect("a key");
    let url = format!("machines_url = \"http://{}\"", deaf.local_addr().expect("an address"));
    edit(&served, line, &url);
    let ran = interrupted(&served, || drop(deaf.accept().map(std::mem::forget)));
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("\ninconclusive (interrupted): "), "{}", ran.out);
    assert!(ran.out.contains("\nSKIP  token          interrupted\n"), "{}", ran.out);
    assert!(ran.out.ends_with(" s · exit 3\n"), "{}", ran.out);
    // What this machine alone has was looked at before.
    assert!(ran.out.contains("\nOK    trust-store    "), "{}", ran.out);
}

#[test]
fn an_edge_that_does_not_answer_fails_with_the_fault() {
    let served = serve(LabOptions::default(), &[]);
    let port = format!("port = {}", served.lab.edge_port());
    edit(&served, &port, "port = 1");
    let (code, document) = doctor(&served, &[]);
    assert_eq!(code, Some(3), "{document:#}");
    assert_eq!(check(&document, "routes").0, "ok", "{document:#}");
    let (status, seen, fix) = check(&document, "edge");
    assert!(status == "fail" && seen.contains("tcp/refused"), "{seen}");
    assert!(fix.contains("`addresses` and `port` of [edge]"), "{fix}");
}

#[test]
fn what_watch_needs_is_looked_at() {
    let served = serve(LabOptions::default(), &[]);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let tables = text
        .lines()
        .filter(|line| !line.starts_with("listen = ") && *line != "[web]");
    let text = tables.collect::<Vec<_>>().join("\n");
    let with = |listen: &str, store: &str| {
        let tables = format!(
            "{text}\n[web]\nlisten = \"{listen}\"\ntoken = {{ env = \"TENANTS_TOKEN\" }}\n[store]\npath = \"{store}\"\n"
        );
        std::fs::write(&served.config, tables).expect("the configuration can be written");
        let (code, document) = doctor(&served, &[]);
        assert_eq!(code, Some(0), "{document:#}");
        (check(&document, "web"), check(&document, "database"))
    };
    fifo(&served.dir.path().join("pipe"));
    std::fs::write(served.dir.path().join("text"), "no database at all\n").expect("a file");
    let ((web, seen, _), (database, told, _)) = with(&taken.local_addr().expect("an address").to_string(), "pipe");
    assert!(web == "warn" && seen.contains("another process listens at"), "{seen}");
    assert!(database == "warn" && told.contains("no regular file"), "{told}");
    let ((web, seen, _), (database, told, _)) = with("192.0.2.1:9464", "text");
    assert!(
        web == "warn" && seen.contains("can't listen at 192.0.2.1:9464"),
        "{seen}"
    );
    assert!(database == "warn" && told.contains("no SQLite database"), "{told}");
}

#[test]
fn no_pipe_is_waited_for() {
    let served = serve(LabOptions::default(), &[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let (before, rest) = text.split_once("[tenants]\n").expect("a table");
    let (_, after) = rest.split_once("\n[").expect("another table");
    let text = format!("{before}[tenants]\nfile = \"pipe\"\n[{after}");
    std::fs::write(&served.config, text).expect("the configuration can be written");
    fifo(&served.dir.path().join("pipe"));
    let (code, document) = doctor(&served, &[]);
    assert_eq!(code, Some(3), "{document:#}");
    let (status, seen, _) = check(&document, "tenants");
    assert!(status == "fail" && seen.contains("no regular file"), "{seen}");
    // Named by a flag, a pipe may be one that somebody writes into: it has a limit.
    let pipe = served.dir.path().join("pipe");
    let (code, document) = doctor(&served, &["--tenants", &pipe.display().to_string()]);
    assert_eq!(code, Some(3), "{document:#}");
    let (status, seen, _) = check(&document, "tenants");
    assert!(status == "fail" && seen.contains("not read within 5 s"), "{seen}");
}

#[test]
fn tenants_that_nobody_was_asked_for_say_why() {
    let options = || LabOptions {
        platform_inventory: true,
        ..LabOptions::with_platform()
    };
    let served = serve(options(), &["platform-api-unauthorized"]);
    let (code, document) = doctor(&served, &[]);
    assert_eq!(code, Some(3), "{document:#}");
    assert_eq!(check(&document, "tenants").1, "not asked: the token is refused");
}
