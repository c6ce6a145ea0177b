//! What made-up worlds are made of: names, apps, records, certificates, machines, causes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roundsman_checks::diagnosis::{Action, Cause, CauseEntry, Confidence, Object, RecordRef, Records, Remedy, Scope};
use roundsman_checks::evidence::{App, AppCertificate, CertificateState, Machine, MachineState, ZoneRecord};
use roundsman_checks::finding::Outcome;

pub(super) const DOMAIN: &str = "example.com";
pub(super) const IDS: [&str; 6] = ["a", "b", "c", "vip-1", "off-1", "gone"];
pub(super) const APPS: [&str; 9] = [
    "sp-a", "sp-b", "sp-c", "sp-vip-1", "sp-off-1", "sp-gone", "edge", "legacy", "edge-2",
];
pub(super) const NAMES: [&str; 14] = [
    "a.example.com",
    "b.example.com",
    "c.example.com",
    "vip-1.example.com",
    "off-1.example.com",
    "deep.a.example.com",
    "example.com",
    "*.example.com",
    "_acme-challenge.example.com",
    "_acme-challenge.a.example.com",
    "_fly-ownership.b.example.com",
    "www.customer.example",
    "notexample.com",
    "\u{202e}evil.example.com",
];
pub(super) const KINDS: [&str; 8] = ["A", "AAAA", "CNAME", "TXT", "MX", "NS", "CAA", "HTTPS"];
pub(super) const CAUSES: [Cause; 9] = [
    Cause::CertificateConflict,
    Cause::CertificateMissing,
    Cause::CertificateIssuing,
    Cause::DnsOverride,
    Cause::DnsProxied,
    Cause::DnsBlocked,
    Cause::DnsDelegated,
    Cause::AppStopped,
    Cause::AppCrashed,
];

pub(super) fn pick<T: Copy + std::fmt::Debug + 'static>(from: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(from)
}

pub(super) fn certificates() -> impl Strategy<Value = Vec<AppCertificate>> {
    let one = (pick(&NAMES), 0..4_u8, prop::bool::weighted(0.2)).prop_map(|(name, state, imported)| AppCertificate {
        hostname: name.to_owned(),
        state: match state {
            0 => CertificateState::Ready,
            1 => CertificateState::AwaitingCertificates,
            2 => CertificateState::AwaitingConfiguration,
            _ => CertificateState::Other,
        },
        imported,
        ..AppCertificate::default()
    });
    prop::collection::vec(one, 0..5)
}

pub(super) fn machines() -> impl Strategy<Value = Vec<Machine>> {
    let states = [
        "started",
        "stopped",
        "failed",
        "created",
        "replacing",
        "destroyed",
        "odd",
    ];
    let one = (0..3_u8, 0..states.len(), prop::bool::weighted(0.2)).prop_map(move |(id, state, hands_off)| Machine {
        id: format!("m{id}"),
        state: MachineState::from(states[state].to_owned()),
        image: Some("registry/x:1".to_owned()),
        hands_off,
        ..Machine::default()
    });
    prop::collection::vec(one, 0..3)
}

pub(super) fn apps() -> impl Strategy<Value = BTreeMap<String, App>> {
    let of = |name: &'static str| {
        (prop::bool::weighted(0.85), certificates(), machines()).prop_map(move |(there, certificates, machines)| {
            let app = App {
                name: name.to_owned(),
                certificates,
                machines,
                ..App::default()
            };
            there.then(|| (name.to_owned(), app))
        })
    };
    Vec::from(APPS.map(of)).prop_map(|apps| apps.into_iter().flatten().collect())
}

pub(super) fn record() -> impl Strategy<Value = ZoneRecord> {
    let comments = [
        None,
        Some("roundsman=off"),
        Some("Managed by Terraform"),
        Some("by hand"),
    ];
    let any = (pick(&NAMES), pick(&KINDS));
    let near = (pick(&NAMES), Just("A")).prop_map(|(name, kind)| (if name.len() > 13 { NAMES[0] } else { name }, kind));
    let what = prop_oneof![1 => any, 1 => near];
    (what, 0..comments.len(), prop::bool::ANY).prop_map(move |((name, kind), comment, proxied)| ZoneRecord {
        id: format!("{kind}-{name}"),
        name: name.to_owned(),
        kind: kind.to_owned(),
        content: "192.0.2.1".to_owned(),
        proxied,
        comment: comments[comment].map(str::to_owned),
        tags: Vec::new(),
    })
}

pub(super) fn object() -> impl Strategy<Value = Object> {
    (0..5_u8, pick(&NAMES), pick(&APPS)).prop_map(|(kind, name, app)| match kind {
        0 => Object::Name(name.to_owned()),
        1 => Object::Certificate(name.to_owned()),
        2 => Object::AppCertificate {
            app: app.to_owned(),
            name: name.to_owned(),
        },
        3 => Object::App(app.to_owned()),
        _ => Object::Wildcard("*.example.com".into()),
    })
}

pub(super) fn remedy() -> impl Strategy<Value = Remedy> {
    (
        0..5_u8,
        pick(&NAMES),
        pick(&APPS),
        0..3_u8,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(kind, name, app, machine, known, automatic)| {
            let (name, app, machine) = (name.to_owned(), app.to_owned(), format!("m{machine}"));
            let action = match kind {
                0 => Action::RemoveCertificate { app, name },
                1 => Action::AddCertificate { app, name },
                2 => Action::StartMachine { app, machine },
                3 => Action::RestartMachine { app, machine },
                _ => Action::DeleteRecords {
                    zone: DOMAIN.to_owned(),
                    zone_id: None,
                    name: name.clone(),
                    which: Records::Responder,
                    records: vec![RecordRef {
                        id: known.then(|| format!("A-{name}")),
                        kind: "A".to_owned(),
                        name,
                    }],
                },
            };
            Remedy { action, automatic }
        })
}

/// A cause with an object and a remedy that fit it, in most cases; else whatever.
pub(super) fn fitting() -> impl Strategy<Value = (Cause, Object, Vec<Remedy>)> {
    let near = [0_usize, 0, 1, 1, 2, 2, 3, 4, 5, 9, 10];
    let near = prop::sample::select(near.to_vec());
    (pick(&CAUSES), near, 0..3_u8).prop_map(|(cause, at, machine)| {
        let name = NAMES[at].to_owned();
        let app = APPS.get(at).copied().unwrap_or("legacy").to_owned();
        let machine = format!("m{machine}");
        let record = RecordRef {
            id: Some(format!("A-{name}")),
            kind: "A".to_owned(),
            name: name.clone(),
        };
        let (object, action) = match cause {
            Cause::CertificateConflict => {
                let object = Object::AppCertificate {
                    app: app.clone(),
                    name: name.clone(),
                };
                (object, Action::RemoveCertificate { app, name })
            }
            Cause::CertificateMissing | Cause::CertificateIssuing => {
                (Object::Certificate(name.clone()), Action::AddCertificate { app, name })
            }
            Cause::AppStopped => (Object::App(app.clone()), Action::StartMachine { app, machine }),
            Cause::AppCrashed => (Object::App(app.clone()), Action::RestartMachine { app, machine }),
            _ => {
                let action = Action::DeleteRecords {
                    zone: DOMAIN.to_owned(),
                    zone_id: None,
                    name: name.clone(),
                    which: Records::Responder,
                    records: vec![record],
                };
                (Object::Name(name), action)
            }
        };
        let remedy = Remedy {
            action,
            automatic: true,
        };
        (cause, object, vec![remedy])
    })
}

pub(super) fn entry() -> impl Strategy<Value = CauseEntry> {
    let ids = prop::collection::btree_set(pick(&IDS), 0..3);
    let any = (pick(&CAUSES), object(), prop::collection::vec(remedy(), 0..3));
    let what = prop_oneof![4 => fitting(), 1 => any];
    (what, prop::bool::weighted(0.8), ids).prop_map(|((cause, object, remedy), confirmed, ids)| CauseEntry {
        cause,
        scope: Scope::Tenant,
        object,
        outcome: Outcome::Fail,
        confidence: match confirmed {
            true => Confidence::Confirmed,
            false => Confidence::Likely,
        },
        tenants: ids.into_iter().map(roundsman_checks::TenantId::new).collect(),
        evidence: Vec::new(),
        remedy,
    })
}
