//! The configuration as its users see it: what is read, and how each mistake is shown.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::expectation::{Identity, Place};
use roundsman_checks::finding::Check;
use roundsman_checks::target::{Hostname, Tenant, TenantId};

use super::*;

fn read(body: &str) -> Config {
    let text = format!("domain = \"example.com\"\n{body}");
    Config::parse(&text, Path::new("etc/roundsman.toml")).unwrap()
}

fn mistakes(body: &str) -> String {
    let text = format!("domain = \"example.com\"\n{body}");
    Config::parse(&text, Path::new("roundsman.toml"))
        .unwrap_err()
        .render(false)
}

fn tenant(id: &str, status: &str, plan: &str) -> Tenant {
    Tenant {
        id: TenantId::new(id),
        hostname: Hostname::parse(&format!("{id}.example.com")).unwrap(),
        app: format!("sp-{id}"),
        labels: BTreeMap::from([("plan".to_owned(), plan.to_owned())]),
        status: Some(status.to_owned()),
        inactive: false,
        unlisted: false,
    }
}

#[test]
fn reads_values_and_starts_relative_paths_at_the_file() {
    let config = read(
        "[edge]\nca_file = \"roots.pem\"\naddresses = [\"192.0.2.1\", \"::1\"]\n[tenants]\nfile = \"/abs/t.toml\"\n\
         [dns]\nresolvers = [\"192.0.2.53\", \"[::1]:5353\"]\n[site]\nhttp = \"any\"\nidentity = \"header:X-SP-App\"\n\
         version = \"json:/v\"\nmax_body = 100\n[schedule]\nrate = 2.5\nconcurrency = 8",
    );
    assert_eq!(config.edge.ca_file.unwrap(), Path::new("etc/roots.pem"));
    assert_eq!(config.tenants.file.unwrap(), Path::new("/abs/t.toml"));
    assert_eq!(config.tenants.sources, [Source::File]);
    assert_eq!(
        config.dns.resolvers,
        ["192.0.2.53:53".parse().unwrap(), "[::1]:5353".parse().unwrap()]
    );
    assert_eq!(
        config.site.expectation.identity,
        Identity::Place(Place::Header("x-sp-app".into()))
    );
    assert_eq!(
        (config.site.version, config.site.max_body),
        (Some(Place::Json("/v".into())), 100)
    );
    assert_eq!(
        (config.schedule.rate, config.schedule.concurrency.unwrap().get()),
        (Some(2.5), 8)
    );
}

#[test]
fn later_overrides_win_and_what_is_not_said_stays() {
    let config = read(
        "[site]\nstatus = [200, 204]\n[[overrides]]\nmatch = { tenant = \"a*\" }\nsite = { path = \"/one\", timeout = \"3s\" }\n\
         skip = [\"route\"]\nrepair = false\n[[overrides]]\nmatch = { status = \"ACTIVE\", labels = { plan = \"pro\" } }\n\
         site = { path = \"/two\" }\ncertificate = { warn_below = 0.4 }",
    );
    let both = config.expectation_for(&tenant("abc", "active", "pro"));
    assert_eq!(
        (both.site.path.as_str(), both.certificate.warn_below, both.repair),
        ("/two", 0.4, false)
    );
    assert_eq!((both.site.status, both.skip), (vec![200, 204], vec![Check::Route]));
    assert_eq!(config.site_for(&tenant("abc", "active", "pro")).timeout.as_secs(), 3);
    let first = config.expectation_for(&tenant("abc", "active", "free"));
    assert_eq!((first.site.path.as_str(), first.certificate.warn_below), ("/one", 0.25));
    let neither = config.expectation_for(&tenant("xyz", "active", "free"));
    assert_eq!(
        (neither.site.path.as_str(), neither.skip.len(), neither.repair),
        ("/", 0, true)
    );
}

#[test]
fn overrides_that_cross_never_hide_a_failure() {
    let config = read(
        "[[overrides]]\nmatch = { tenant = \"*\" }\ncertificate = { warn_below = 0.5, fail_below = 0.4 }\n\
         [[overrides]]\nmatch = { tenant = \"*\" }\ncertificate = { warn_below = 0.2 }",
    );
    let certificate = config.expectation_for(&tenant("a", "", "")).certificate;
    assert_eq!((certificate.warn_below, certificate.fail_below), (0.4, 0.4));
}

#[test]
fn secrets_are_in_neither_debug_nor_mistakes() {
    let body = "[tenants]\ntoken = { env = \"TENANTS_TOKEN\" }\n[site.request_headers]\nx-probe = \"hunter2\"\n";
    assert!(!format!("{:?}", read(body)).contains("hunter2"));
    let shown = [
        mistakes("[tenants]\ntoken = \"hunter2\""),
        mistakes("[tenants]\ntoken = { value = \"hunter2\" }"),
        mistakes("[tenants]\ntokn = \"hunter2\""),
        mistakes("[tenants]\ntoken = \"hunter2"),
        mistakes("[site]\nrequest_headers = { x-a = \"hunter2\", x-b = 3 }"),
        mistakes("[fly]\ntoken = \"hunter2\""),
    ];
    assert!(!shown.join("\n").contains("hunter2"), "{}", shown.join("\n"));
    insta::assert_snapshot!(shown[0], @r#"
error: wrong value for `token` in [tenants]
 --> roundsman.toml:3:9
  |
3 | token = "*******"
  |         ^^^^^^^^^ expected { env = "NAME" } or { file = "PATH" }: a secret is never written into this file
"#);
}

#[test]
fn shows_unknown_keys_and_tables() {
    insta::assert_snapshot!(mistakes("\n[edge]\nadresses = [\"198.51.100.7\"]\ncolour = 1\n[sites]\n"), @r#"
error: unknown key `adresses` in [edge]
 --> roundsman.toml:4:1
  |
4 | adresses = ["198.51.100.7"]
  | ^^^^^^^^ did you mean `addresses`?

error: unknown key `colour` in [edge]
 --> roundsman.toml:5:1
  |
5 | colour = 1
  | ^^^^^^ [edge] has `app`, `addresses`, `port`, `private`, `ca_file`

error: unknown table [sites]
 --> roundsman.toml:6:2
  |
6 | [sites]
  |  ^^^^^ did you mean [site]?
"#);
}

#[test]
fn shows_wrong_values_all_at_once() {
    insta::assert_snapshot!(mistakes(
        "[edge]\naddresses = [\"192.0.2.1:443\", \"edge.test\"]\nport = 0\n[dns]\nask = \"resolver\"\ntimeout = \"fast\"\n\
         [site]\npath = \"health\"\nstatus = [200, 42]\nhttp = 2\nmax_body = \"64kb\"\nidentity = \"cookie:x\"\n[schedule]\nconcurrency = \"many\""
    ), @r#"
error: wrong value for `addresses` in [edge]
 --> roundsman.toml:3:14
  |
3 | addresses = ["192.0.2.1:443", "edge.test"]
  |              ^^^^^^^^^^^^^^^ expected an IP address such as "198.51.100.7" or "2001:db8::7": the port has a key of its own, `port`

error: wrong value for `addresses` in [edge]
 --> roundsman.toml:3:31
  |
3 | addresses = ["192.0.2.1:443", "edge.test"]
  |                               ^^^^^^^^^^^ expected an IP address such as "198.51.100.7" or "2001:db8::7"

error: wrong value for `port` in [edge]
 --> roundsman.toml:4:8
  |
4 | port = 0
  |        ^ expected a whole number from 1 to 65535, found the number 0

error: wrong value for `ask` in [dns]
 --> roundsman.toml:6:7
  |
6 | ask = "resolver"
  |       ^^^^^^^^^^ did you mean "resolvers"?

error: wrong value for `timeout` in [dns]
 --> roundsman.toml:7:11
  |
7 | timeout = "fast"
  |           ^^^^^^ expected a duration such as "30s", "5m", "250ms" or "1h30m"

error: wrong value for `path` in [site]
 --> roundsman.toml:9:8
  |
9 | path = "health"
  |        ^^^^^^^^ expected a path that begins with `/`

error: wrong value for `status` in [site]
  --> roundsman.toml:10:16
   |
10 | status = [200, 42]
   |                ^^ expected a whole number from 100 to 599, found the number 42

error: wrong value for `http` in [site]
  --> roundsman.toml:11:8
   |
11 | http = 2
   |        ^ did you mean "2"?

error: wrong value for `max_body` in [site]
  --> roundsman.toml:12:12
   |
12 | max_body = "64kb"
   |            ^^^^^^ expected a size such as "64KiB", "1MiB" or a number of bytes

error: wrong value for `identity` in [site]
  --> roundsman.toml:13:12
   |
13 | identity = "cookie:x"
   |            ^^^^^^^^^^ expected "auto", "off", "header:NAME" or "json:/pointer"

error: wrong value for `concurrency` in [schedule]
  --> roundsman.toml:15:15
   |
15 | concurrency = "many"
   |               ^^^^^^ expected "auto" or a whole number from 1 to 100000
"#);
}

#[test]
fn shows_values_that_contradict_each_other() {
    insta::assert_snapshot!(mistakes(
        "[certificate]\nwarn_below = 0.1\nfail_below = 0.2\n[schedule]\nevery = \"5m\"\ncron = \"* * * * *\"\n[[overrides]]\nskip = [\"tls\"]\n"
    ), @r#"
error: `fail_below` is above `warn_below` (0.2 > 0.1)
 --> roundsman.toml:4:14
  |
3 | warn_below = 0.1
  |              --- the warning
4 | fail_below = 0.2
  |              ^^^ a certificate would fail before it warns: lower `fail_below` or raise `warn_below`

error: `every` and `cron` in [schedule] exclude each other
 --> roundsman.toml:7:1
  |
6 | every = "5m"
  | ----- the other
7 | cron = "* * * * *"
  | ^^^^ remove one of the two

error: an entry of [[overrides]] has no `match`
 --> roundsman.toml:8:1
  |
8 | [[overrides]]
  | ^^^^^^^^^^^^^ say whom it concerns: match = { tenant = "a*" }, or a `status`, or `labels`

error: wrong value for `skip` in [[overrides]]
 --> roundsman.toml:9:9
  |
9 | skip = ["tls"]
  |         ^^^^^ `tls` is no check: the checks are dns, certificate, site, conflicts, app, route
"#);
}

#[test]
fn shows_sources_that_are_incomplete() {
    insta::assert_snapshot!(mistakes("[tenants]\nsource = [\"http\", \"file\"]\nlist = [{ ids = \"a\" }, 5]\n"), @r#"
error: source "http" needs the key `url`
 --> roundsman.toml:3:11
  |
3 | source = ["http", "file"]
  |           ^^^^^^ add `url` to [tenants]

error: source "file" needs the key `file`
 --> roundsman.toml:3:19
  |
3 | source = ["http", "file"]
  |                   ^^^^^^ add `file` to [tenants]

error: a tenant has no `id`
 --> roundsman.toml:4:9
  |
4 | list = [{ ids = "a" }, 5]
  |         ^^^^^^^^^^^^^ every tenant needs an `id`

error: unknown key `ids` in an entry of `list`
 --> roundsman.toml:4:11
  |
4 | list = [{ ids = "a" }, 5]
  |           ^^^ did you mean `id`?

error: wrong value for `list` in [tenants]
 --> roundsman.toml:4:24
  |
4 | list = [{ ids = "a" }, 5]
  |                        ^ expected an id in quotes or a table { id = "…" }, found the number 5
"#);
}

#[test]
fn shows_broken_syntax_and_a_missing_domain() {
    insta::assert_snapshot!(mistakes("[edge]\naddresses = [198.51.100.7]\n[edge]\nport = 1\n"), @r#"
error: this is not valid TOML
 --> roundsman.toml:3:20
  |
3 | addresses = [198.51.100.7]
  |                    ^^^^^^ invalid float, expected nothing (a text stands in quotes)

error: this is not valid TOML
 --> roundsman.toml:4:2
  |
4 | [edge]
  |  ^^^^ duplicate key
"#);
    let missing = Config::parse("[edge]\ndomain = \"example.com\"\n", Path::new("roundsman.toml")).unwrap_err();
    insta::assert_snapshot!(missing.render(false), @r#"
error: `domain` is missing
--> roundsman.toml
 = help: write domain = "example.com" at the top of the file, before the first table

error: unknown key `domain` in [edge]
 --> roundsman.toml:2:1
  |
2 | domain = "example.com"
  | ^^^^^^ [edge] has `app`, `addresses`, `port`, `private`, `ca_file`
"#);
}

#[test]
fn a_file_that_cannot_be_read_is_one_clear_error() {
    let error = Config::load(Path::new("/no/such/roundsman.toml")).unwrap_err();
    assert_eq!(
        error.render(false),
        "error: /no/such/roundsman.toml does not exist: check the path"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_upsets_reader_or_renderer(text in "\\PC*", at in 0usize..4000, cut in 0usize..60, junk in "[\\[\\]={}\"é#\n\r\ta0.]{0,4}") {
        let chars: Vec<char> = example().chars().collect();
        let head: String = chars.iter().take(at).collect();
        let tail: String = chars.iter().skip(at + cut).collect();
        for text in [text, head + &junk + &tail] {
            if let Err(invalid) = Config::parse(&text, Path::new("roundsman.toml")) {
                proptest::prop_assert!(invalid.render(true).contains("error"));
            }
        }
    }
}

#[test]
fn a_severity_is_of_a_cause_that_exists() {
    let shown = mistakes("[severity]\nsite-slwo = \"off\"");
    assert!(shown.contains("did you mean `site-slow`"), "{shown}");
    let config = read("[severity]\nsite-slow = \"off\"");
    assert_eq!(config.severity[&Cause::SiteSlow], Severity::Off);
}

#[test]
fn a_pace_that_no_clock_can_keep_is_refused() {
    for rate in ["1e-300", "1e-19", "0", "-1", "0.0009", "nan", "inf", "1e300"] {
        let shown = mistakes(&format!("[schedule]\nrate = {rate}"));
        assert!(shown.contains("rate"), "{rate}: {shown}");
    }
    for rate in ["0.001", "1e6", "\"auto\""] {
        read(&format!("[schedule]\nrate = {rate}"));
    }
}

#[test]
fn what_belongs_to_a_mistake_is_shown_however_far_away_it_is() {
    let between = "# more\n".repeat(2000);
    let shown = mistakes(&format!("[certificate]\nwarn_below = 0.1\n{between}fail_below = 0.2\n"));
    insta::assert_snapshot!(shown, @r"
error: `fail_below` is above `warn_below` (0.2 > 0.1)
    --> roundsman.toml:2004:14
     |
2004 | fail_below = 0.2
     |              ^^^ a certificate would fail before it warns: lower `fail_below` or raise `warn_below`
     |
    ::: roundsman.toml:3:14
     |
   3 | warn_below = 0.1
     |              --- the warning
");
}

#[test]
fn each_mistake_in_the_channels_is_named_with_what_to_write() {
    let text = r#"
[[alerts.channels]]
name = "ops"
kind = "email"
server = "smtp://mail.example.com"
from = "nobody"
url = "https://example.com"
username = "x"
[[alerts.channels]]
name = "ops"
kind = "slack"
url = "http://example.com/s3cret"
[[alerts.channels]]
kind = "pager"
[[alerts.routes]]
channels = ["opps"]
match = { severity = "fatal" }
[[alerts.maintenance]]
cron = "* * *"
"#;
    let said = mistakes(text);
    for expected in [
        "without TLS only this machine is spoken to",
        "expected an address such as \"ops@example.com\"",
        "the channel `ops` has no `to`",
        "`url` means nothing to a channel of kind \"email\"",
        "`username` and `password` go together",
        "two channels are called `ops`",
        "expected a URL that begins with https://",
        "every channel needs a name",
        "a route names the channel `opps`, and there is none",
        "did you mean `ops`?",
        "[[alerts.maintenance]] has no `duration`",
    ] {
        assert!(said.contains(expected), "{expected}:\n{said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
    // The name itself is shown, not the table that it stands in.
    let line = said.lines().find(|line| line.contains("channels = [\"opps\"]"));
    assert!(line.is_some(), "{said}");
}

#[test]
fn nothing_is_done_more_often_than_once_a_second() {
    for (table, key) in [
        ("schedule", "every"),
        ("schedule", "fleet_every"),
        ("tenants", "every"),
        ("heartbeat", "every"),
        ("site", "wake_every"),
        ("alerts", "group_interval"),
        ("alerts", "repeat_interval"),
    ] {
        let parsed = |value: &str| {
            let text = format!("domain = \"example.com\"\n[{table}]\n{key} = \"{value}\"\n");
            Config::parse(&text, Path::new("")).map_err(|error| error.to_string())
        };
        assert!(parsed("1s").is_ok(), "{table}.{key}");
        let error = parsed("999ms").unwrap_err();
        assert!(error.contains("must be at least 1s"), "{table}.{key}: {error}");
    }
}

#[test]
fn what_is_nobody_elses_to_read_goes_to_another_machine_over_https() {
    for (table, key, rest) in [
        ("fly", "api_url", ""),
        ("fly", "machines_url", ""),
        ("cloudflare", "api_url", ""),
        ("tenants", "url", "source = \"http\"\n"),
    ] {
        let parsed = |value: &str| {
            let text = format!("domain = \"example.com\"\n[edge]\napp = \"e\"\n[{table}]\n{rest}{key} = \"{value}\"\n");
            Config::parse(&text, Path::new("")).map_err(|error| error.to_string())
        };
        assert!(
            parsed("https://example.com/x").is_ok() && parsed("http://127.0.0.1:1/x").is_ok(),
            "{table}.{key}"
        );
        let error = parsed("http://user:s3cret@example.com/x").unwrap_err();
        assert!(!error.contains("s3cret"), "{error}");
        assert!(error.contains("is not https"), "{table}.{key}: {error}");
    }
}

#[test]
fn alerts_are_read_with_their_defaults() {
    let text = r#"
domain = "example.com"
[alerts]
group_by = ["scope", "label:plan"]
repeat_interval = "1h"
[[alerts.channels]]
name = "ops"
kind = "email"
server = "smtp+starttls://[::1]"
from = "roundsman <roundsman@example.com>"
to = ["ops@example.com"]
[[alerts.channels]]
name = "hook"
kind = "webhook"
url = { env = "HOOK" }
[[alerts.routes]]
channels = ["ops"]
fallback = ["hook"]
"#;
    let config = Config::parse(text, Path::new("")).unwrap();
    let alerts = &config.alerts;
    assert_eq!(alerts.group_wait, Duration::from_secs(15));
    assert_eq!(alerts.repeat_interval.critical, Duration::from_secs(3_600));
    let server = alerts.channels[0].server.as_ref().unwrap();
    assert_eq!((server.host.as_str(), server.port), ("::1", 587));
    assert!(alerts.routes[0].matching.matchers().is_empty());
    assert_eq!(config.secret_files().len(), 0);
}
