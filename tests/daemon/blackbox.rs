//! `/probe` beside the real blackbox_exporter: the same names, labels, types and values, but for what is told here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;

use super::prometheus::complaints;
use super::{Daemon, eventually, get, listens, served};
use crate::cli::Served;
use crate::witness::server::{Port, Server};

/// The exporter that others use.
struct Exporter {
    address: String,
    _port: Port,
    _server: Server,
}

impl Exporter {
    fn start(served: &Served) -> Self {
        let port = Port::take();
        let config = served.dir.path().join("blackbox.yml");
        let roots = served.dir.path().join("roots.pem");
        let text = format!(
            "modules:\n  visit:\n    prober: http\n    timeout: 10s\n    http:\n      valid_status_codes: [200]\n      \
             valid_http_versions: [HTTP/2.0]\n      follow_redirects: false\n      preferred_ip_protocol: ip4\n      \
             tls_config: {{ ca_file: {} }}\n",
            roots.display()
        );
        std::fs::write(&config, text).expect("the configuration can be written");
        let address = port.v4().to_string();
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--web.listen-address={address}"),
        ];
        let program = "prometheus-blackbox-exporter";
        let mut server = Server::start(program, program, &arguments, &served.dir.path().join("blackbox.log"));
        eventually("the exporter", || {
            server.must_run();
            TcpStream::connect(&address).ok().map(drop)
        });
        Self {
            address,
            _port: port,
            _server: server,
        }
    }

    fn probe(&self, served: &Served, tenant: &str) -> String {
        let (ip, port) = (served.lab.edge_addresses()[0], served.lab.edge_port());
        let host = served.lab.host(tenant);
        let path = format!("/probe?module=visit&target=https://{ip}:{port}/&hostname={host}");
        let (status, page) = get(&self.address, &path);
        assert_eq!(status, 200, "{page}");
        page
    }
}

/// Each series with its number, and each family with its type.
fn read(page: &str) -> (BTreeMap<String, f64>, BTreeSet<String>) {
    let kinds = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let series = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    (series.collect(), kinds.map(str::to_owned).collect())
}

/// What differs by design: that it is measured anew, or what stands in the table of docs/metrics.md.
fn may_differ(name: &str) -> bool {
    [
        "probe_duration_seconds",
        "probe_http_duration_seconds",
        "probe_dns_lookup_time_seconds",
    ]
    .iter()
    .any(|timing| name.starts_with(timing))
}

#[test]
fn a_healthy_tenant_is_told_as_blackbox_exporter_tells_it() {
    let served = served(&[]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let exporter = Exporter::start(&served);
    let theirs = exporter.probe(&served, "q7f9");
    // One look goes to one of the edge's addresses, the next ones to another: that of the exporter is waited for.
    let went = |page: &str| read(page).0.get("probe_ip_addr_hash").copied();
    let ours = eventually("a look at the same address", || {
        let (status, page) = get(&address, "/probe?target=q7f9&module=http_2xx");
        (status == 200 && went(&page) == went(&theirs)).then_some(page)
    });
    assert_eq!(complaints(&ours), "", "{ours}");
    let ((theirs, their_kinds), (ours, our_kinds)) = (read(&theirs), read(&ours));
    let missing = theirs
        .keys()
        .filter(|name| !ours.contains_key(*name))
        .collect::<Vec<_>>();
    assert!(missing.is_empty(), "{missing:#?} of {ours:#?}");
    let added = ours
        .keys()
        .filter(|name| !theirs.contains_key(*name))
        .collect::<Vec<_>>();
    assert!(added.is_empty(), "{added:?}");
    let kinds = their_kinds.difference(&our_kinds).collect::<Vec<_>>();
    assert!(kinds.is_empty(), "{kinds:?}");
    for (name, value) in theirs.iter().filter(|(name, _)| !may_differ(name)) {
        assert_eq!(ours.get(name), Some(value), "{name}");
    }
}

#[test]
fn a_broken_tenant_is_told_with_the_reason_and_the_chain_that_does_not_verify() {
    let served = served(&["certificate-expired@q7f9", "site-status@a3b1"]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let exporter = Exporter::start(&served);
    let probe = |tenant: &str| {
        let page = eventually("the first look", || {
            let (status, page) = get(&address, &format!("/probe?target={tenant}"));
            (status == 200).then_some(page)
        });
        read(&page).0
    };
    let (theirs, _) = read(&exporter.probe(&served, "a3b1"));
    let ours = probe("a3b1");
    assert_eq!((theirs["probe_success"], ours["probe_success"]), (0.0, 0.0));
    assert_eq!(theirs["probe_http_status_code"], ours["probe_http_status_code"]);
    assert_eq!(ours["probe_failure_info{layer=\"http\",reason=\"status\"}"], 1.0);
    // The exporter says nothing of a chain that does not verify.
    let (theirs, _) = read(&exporter.probe(&served, "q7f9"));
    assert!(!theirs.contains_key("probe_ssl_earliest_cert_expiry"), "{theirs:?}");
    let ours = probe("q7f9");
    assert_eq!((theirs["probe_success"], ours["probe_success"]), (0.0, 0.0));
    assert!(ours["probe_ssl_earliest_cert_expiry"] > 1.6e9, "{ours:?}");
    assert_eq!(ours["probe_ssl_last_chain_expiry_timestamp_seconds"], 0.0);
    assert_eq!(ours["probe_failure_info{layer=\"tls\",reason=\"expired\"}"], 1.0);
    // Told to a person.
    let (_, story) = get(&address, "/probe?target=https://q7f9.tenants.test/&debug=true");
    for words in [
        "certificate  fail",
        "[tls/expired]",
        "cause certificate-expired",
        "probe_success 0",
    ] {
        assert!(story.contains(words), "{words}: {story}");
    }
}

#[test]
fn it_is_no_open_proxy_and_has_a_deadline() {
    let served = served(&["tls-timeout@q7f9"]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    eventually("the first look", || {
        (get(&address, "/probe?target=a3b1").0 == 200).then_some(())
    });
    for target in ["nobody", "https://192.0.2.1/", "192.0.2.1:80", "", "localhost"] {
        let (status, page) = get(&address, &format!("/probe?target={target}"));
        assert_eq!(status, 404, "{target}: {page}");
    }
    assert_eq!(get(&address, "/probe").0, 400);
    let (status, page) = super::numbers::with_headers(
        &address,
        "/probe?target=q7f9",
        "x-prometheus-scrape-timeout-seconds: 1\r\n",
    );
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("probe_success 0\n"), "{page}");
    assert!(
        page.contains("reason=\"deadline\"") || page.contains("reason=\"timeout\""),
        "{page}"
    );
}
