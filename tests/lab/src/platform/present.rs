//! Apps, machines and certificates as the REST API writes them.

use serde_json::{Map, Value, json};

use super::estate::{App, Certificate, Estate, Exit, Machine, ORGANIZATION, Progress};
use crate::dns::contents::VALIDATION;

/// How much is said about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In the list of the organization.
    Org {
        summary: bool,
    },
    /// In the list of an app.
    App {
        summary: bool,
    },
    Detail,
}

/// A tenant-independent number for the name.
fn number(name: &str) -> u64 {
    let id = crate::edge::answer::machine(name);
    u64::from_str_radix(id.get(7..).unwrap_or("1"), 16).unwrap_or(1)
}

pub(crate) fn app(app: &App) -> Value {
    json!({
        "id": app_id(app),
        "internal_numeric_id": number(&app.name),
        "name": app.name,
        "status": app.status(),
        "machine_count": app.machines.len(),
        "volume_count": 0,
        "network": app.network,
        "network_cidr": "fdaa:0:1::/48",
        "organization": { "name": "Lab", "slug": ORGANIZATION, "internal_numeric_id": 1007 },
    })
}

fn app_id(app: &App) -> String {
    format!("{:012x}", number(&app.name))
}

/// What the machine was told to be.
pub(crate) fn config(machine: &Machine) -> Value {
    let ports = if machine.https {
        json!([
            { "port": 80, "handlers": ["http"], "force_https": true },
            { "port": 443, "handlers": ["http", "tls"] },
        ])
    } else {
        json!([{ "port": 80, "handlers": ["http"] }])
    };
    let mut config = json!({
        "image": machine.image,
        "guest": { "cpu_kind": "shared", "cpus": 1, "memory_mb": 512 },
        "metadata": metadata(machine),
        "restart": { "policy": "on-failure", "max_retries": 10 },
    });
    if machine.serves {
        let mut service = json!({ "protocol": "tcp", "internal_port": 8080, "ports": ports });
        // What is left out has the platform's default.
        if let Some(autostart) = machine.autostart {
            service["autostart"] = json!(autostart);
            service["autostop"] = json!(if autostart { "stop" } else { "off" });
        }
        config["services"] = json!([service]);
    }
    match machine.group {
        "cron" => config["schedule"] = json!("hourly"),
        "standby" => config["standbys"] = json!(["3d8d0000000001"]),
        _ => {}
    }
    config
}

fn metadata(machine: &Machine) -> Value {
    let mut metadata = json!({ "fly_platform_version": "v2", "fly_process_group": machine.group });
    if machine.marked {
        metadata["roundsman"] = json!("off");
    }
    metadata
}

pub(crate) fn machine(estate: &Estate, app: &str, machine: &Machine, form: Form) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("id", json!(machine.id));
    put("name", json!(format!("lab-{}", machine.id)));
    put("state", json!(machine.state));
    put("region", json!(machine.region));
    put("private_ip", json!("fdaa:0:1:a7b:1::2"));
    put("created_at", json!(estate.stamp(machine.created)));
    put("updated_at", json!(estate.stamp(machine.updated)));
    match form {
        Form::Org { summary } => {
            put("app_name", json!(app));
            put("version", json!("01LAB"));
            if !summary {
                put("config", config(machine));
            }
        }
        Form::App { summary: true } => {
            put("instance_id", json!("01LAB"));
        }
        Form::App { summary: false } | Form::Detail => {
            put("instance_id", json!("01LAB"));
            put("config", config(machine));
            put("image_ref", image(&machine.image));
            put("host_status", json!(host(machine)));
            put("cordoned", json!(false));
            put("checks", checks(estate, machine));
            put("events", events(estate, machine));
        }
    }
    Value::Object(object)
}

fn host(machine: &Machine) -> &'static str {
    if machine.host_down { "unreachable" } else { "ok" }
}

fn image(reference: &str) -> Value {
    let (path, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    let (registry, repository) = path.split_once('/').unwrap_or(("", path));
    json!({
        "registry": registry,
        "repository": repository,
        "tag": tag,
        "digest": format!("sha256:{:064x}", number(tag)),
    })
}

fn checks(estate: &Estate, machine: &Machine) -> Value {
    let (status, output) = match (machine.state, machine.passing) {
        ("started", true) => ("passing", "200 OK"),
        ("started", false) => ("critical", "503 Service Unavailable"),
        _ => ("warning", "the machine hasn't started"),
    };
    json!([{
        "name": "servicecheck-00-http-8080",
        "status": status,
        "output": output,
        "updated_at": estate.stamp(machine.updated),
    }])
}

/// Newest first, as the API has them.
pub(crate) fn events(estate: &Estate, machine: &Machine) -> Value {
    let milliseconds = |seconds: i64| (seconds + estate.offset) * 1000;
    let exit = |(at, exit): (usize, &Exit)| {
        json!({
            "id": format!("{}-exit-{at}", machine.id),
            "type": "exit",
            "status": "stopped",
            "source": "flyd",
            "timestamp": milliseconds(exit.at),
            "request": { "exit_event": {
                "exit_code": exit.code,
                "oom_killed": exit.oom,
                "requested_stop": exit.requested,
                "exited_at": estate.stamp(exit.at),
            } },
        })
    };
    let start = json!({
        "id": format!("{}-start", machine.id),
        "type": "start",
        "status": "started",
        "source": "flyd",
        "timestamp": milliseconds(machine.created),
    });
    let happened = machine.happened.iter().enumerate().map(|(at, happened)| {
        json!({
            "id": format!("{}-{}-{at}", machine.id, happened.kind),
            "type": happened.kind,
            "status": machine.state,
            "source": happened.source,
            "timestamp": milliseconds(happened.at),
        })
    });
    let exits = machine.exits.iter().enumerate().rev().map(exit);
    let mut all = exits.chain(happened).chain([start]).collect::<Vec<_>>();
    all.sort_by_key(|event| std::cmp::Reverse(event["timestamp"].as_i64()));
    all.into()
}

/// Where validation looks, and what it wants to find there.
pub(crate) fn challenge(hostname: &str) -> (String, String) {
    let base = hostname.strip_prefix("*.").unwrap_or(hostname);
    (format!("_acme-challenge.{base}"), format!("{base}.{VALIDATION}"))
}

fn status(certificate: &Certificate) -> &'static str {
    match certificate.progress {
        Progress::Ready => "active",
        Progress::AwaitingCertificates | Progress::AwaitingConfiguration => "pending_validation",
    }
}

pub(crate) fn configured(certificate: &Certificate) -> bool {
    certificate.progress != Progress::AwaitingConfiguration
}

pub(crate) fn certificate_summary(estate: &Estate, certificate: &Certificate) -> Value {
    let ready = certificate.progress == Progress::Ready;
    json!({
        "hostname": certificate.hostname,
        "status": status(certificate),
        "dns_provider": "cloudflare",
        "acme_dns_configured": certificate.dns_configured,
        "acme_alpn_configured": configured(certificate),
        "acme_http_configured": configured(certificate),
        "ownership_txt_configured": false,
        "configured": configured(certificate),
        "acme_requested": !certificate.custom,
        "has_custom_certificate": certificate.custom,
        "has_fly_certificate": ready && !certificate.custom,
        "created_at": estate.stamp(certificate.created),
        "updated_at": estate.stamp(certificate.updated),
    })
}

pub(crate) fn certificate_detail(estate: &Estate, app: &App, certificate: &Certificate) -> Value {
    let (name, target) = challenge(&certificate.hostname);
    let addresses = |v6: bool| -> Vec<&str> {
        let all = app.addresses.iter().filter(|address| address.v6 == v6);
        all.map(|address| address.address.as_str()).collect()
    };
    let errors: Vec<_> = certificate
        .problems
        .iter()
        .map(|problem| {
            json!({
                "code": problem.code,
                "message": problem.message,
                "remediation": problem.remedy,
                "timestamp": estate.stamp(problem.at),
            })
        })
        .collect();
    json!({
        "hostname": certificate.hostname,
        "configured": configured(certificate),
        "acme_requested": !certificate.custom,
        "status": status(certificate),
        "dns_provider": "cloudflare",
        "rate_limited_until": certificate.limited_until.map(|until| estate.stamp(until)),
        "certificates": entries(estate, certificate),
        "validation": {
            "dns_configured": certificate.dns_configured,
            "alpn_configured": configured(certificate),
            "http_configured": configured(certificate),
            "ownership_txt_configured": false,
        },
        "dns_requirements": {
            "a": addresses(false),
            "aaaa": addresses(true),
            "cname": format!("{}.{}", app.name, super::APP_DOMAIN),
            "acme_challenge": { "name": name, "target": target },
            "ownership": {
                "name": name.replacen("_acme-challenge", "_fly-ownership", 1),
                "app_value": format!("app-{}", app_id(app)),
                "org_value": "org-lab0000001",
            },
        },
        "validation_errors": errors,
    })
}

fn entries(estate: &Estate, certificate: &Certificate) -> Value {
    let expires = estate.stamp(certificate.expires);
    if certificate.custom {
        return json!([{
            "source": "custom",
            "status": "active",
            "created_at": estate.stamp(certificate.created),
            "expires_at": expires,
            "issuer": "Somebody's CA",
            "issued": [],
        }]);
    }
    let ready = certificate.progress == Progress::Ready;
    let kinds: &[&str] = if ready { &["ecdsa", "rsa"] } else { &[] };
    let issued = |kind: &&str| json!({ "type": kind, "expires_at": expires, "certificate_authority": "lets_encrypt" });
    json!([{
        "source": "fly",
        "status": if ready { "active" } else { "pending_validation" },
        "created_at": estate.stamp(certificate.created),
        "expires_at": ready.then_some(&expires),
        "issuer": null,
        "issued": kinds.iter().map(issued).collect::<Vec<_>>(),
    }])
}

/// What the platform finds in the DNS when it is told to look.
pub(crate) fn dns_records(estate: &Estate, certificate: &Certificate) -> Value {
    let edge = estate.edge();
    let addresses = |v6: bool| -> Vec<&str> {
        let all = edge.into_iter().flat_map(|app| &app.addresses);
        all.filter(|address| address.v6 == v6)
            .map(|address| address.address.as_str())
            .collect()
    };
    let (_, target) = challenge(&certificate.hostname);
    json!({
        "a": addresses(false),
        "aaaa": addresses(true),
        "cname": [],
        "resolved_addresses": [],
        "soa": format!("ns1.{}", estate.domain),
        "acme_challenge_cname": certificate.dns_configured.then_some(target),
        "ownership_txt": null,
    })
}
