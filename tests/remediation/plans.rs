//! What is planned for each cause, and which guard holds what may not be.

use super::{configure, guard_of, plan_of, planned, repairable, writes};

/// Each a tenant of one lab: its faults, and what is planned: actions, then whether it may be done by itself.
const PLANNED: [(&str, &[&str], &str, bool); 12] = [
    ("a001", &["certificate-conflict"], "remove-certificate", true),
    ("a002", &["certificate-conflict=latent"], "remove-certificate", true),
    (
        "a003",
        &["certificate-conflict=other:legacy"],
        "remove-certificate",
        false,
    ),
    ("a004", &["dns-override=a"], "delete-dns-record", true),
    (
        "a005",
        &["dns-override=both"],
        "delete-dns-record delete-dns-record",
        true,
    ),
    ("a006", &["dns-proxied"], "delete-dns-record delete-dns-record", true),
    ("a007", &["dns-blocked=acme-challenge"], "delete-dns-record", true),
    ("a008", &["dns-blocked=txt"], "delete-dns-record", false),
    ("a009", &["app-stopped"], "start-machine", true),
    ("a010", &["app-stopped=failed"], "start-machine", true),
    ("a011", &["app-crashed"], "restart-machine", true),
    (
        "a012",
        &["dns-override=a", "dns-blocked=acme-challenge"],
        "delete-dns-record",
        false,
    ),
];

/// Each a tenant of one lab: its faults, and the guard that holds its repair.
const HELD: [(&str, &[&str], &str); 15] = [
    ("b001", &["certificate-conflict=imported"], "imported-certificate"),
    (
        "b002",
        &["certificate-conflict", "deploying=release"],
        "deploy-in-progress",
    ),
    ("b003", &["app-stopped", "deploying=lease"], "deploy-in-progress"),
    ("b004", &["app-stopped", "deploying=updated"], "deploy-in-progress"),
    ("b005", &["app-stopped=by-hand"], "stopped-by-hand"),
    ("b006", &["app-stopped", "hands-off=machine"], "protected"),
    ("b007", &["certificate-conflict", "hands-off=machine"], "protected"),
    ("b008", &["dns-override=a", "hands-off=record"], "protected"),
    ("b009", &["dns-override=both", "hands-off=tag"], "protected"),
    ("b010", &["dns-override=a", "hands-off=terraform"], "managed-elsewhere"),
    ("b011", &["dns-delegated"], "reserved-name"),
    ("b012", &["dns-blocked=mx"], "reserved-name"),
    ("vip-1", &["certificate-conflict"], "protected"),
    ("off-1", &["app-stopped"], "repair-off"),
    (
        "b013",
        &["dns-blocked=acme-challenge", "explicit-ready"],
        "reserved-name",
    ),
];

/// Tenants that are well, so that no cause is shared by too many.
fn with_others(named: &[&str]) -> Vec<String> {
    let others = (0..400).map(|number| format!("z{number:03}"));
    named.iter().map(|id| (*id).to_owned()).chain(others).collect()
}

fn faults(of: impl Iterator<Item = (&'static str, &'static [&'static str])>) -> Vec<String> {
    let at = |(tenant, faults): (&str, &[&str])| {
        let at = |fault: &&str| match fault.split_once('=') {
            Some((cause, detail)) => format!("{cause}@{tenant}={detail}"),
            None => format!("{fault}@{tenant}"),
        };
        faults.iter().map(at).collect::<Vec<_>>()
    };
    of.flat_map(at).collect()
}

fn texts(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

#[test]
fn each_remediable_cause_is_planned_right() {
    let tenants = with_others(&PLANNED.map(|(id, ..)| id));
    let faults = faults(PLANNED.iter().map(|(id, faults, ..)| (*id, *faults)));
    let served = repairable(&texts(&tenants), &texts(&faults));
    let document = planned(&served, &[]);
    for (tenant, faults, actions, automatic) in PLANNED {
        let plan = plan_of(&document, tenant);
        let found = plan["actions"].as_array().into_iter().flatten();
        let found = found.filter_map(|action| action["action"].as_str()).collect::<Vec<_>>();
        assert_eq!(found.join(" "), actions, "{faults:?}: {plan:#}");
        assert_eq!(plan["automatic"], automatic, "{faults:?}: {plan:#}");
        for action in plan["actions"].as_array().into_iter().flatten() {
            assert_eq!(action["result"], "planned");
            for told in ["call", "command", "undo"] {
                assert!(action[told].as_str().is_some_and(|said| !said.is_empty()), "{action:#}");
            }
        }
    }
    assert_eq!(document["schema"], "roundsman.plan/1");
    assert_eq!(document["exit"], 1);
    assert_eq!(writes(&served), Vec::<String>::new(), "planning changes nothing");
}

#[test]
fn each_guard_holds_what_it_is_for() {
    let tenants = with_others(&HELD.map(|(id, ..)| id));
    let faults = faults(HELD.iter().map(|(id, faults, _)| (*id, *faults)));
    let served = repairable(&texts(&tenants), &texts(&faults));
    configure(&served, "[remediation]\nprotect = [\"vip-*\"]\n");
    configure(
        &served,
        "[[overrides]]\nmatch = { tenant = \"off-*\" }\nrepair = false\n",
    );
    let document = planned(&served, &["--apply", "--yes"]);
    for (tenant, faults, guard) in HELD {
        assert_eq!(
            guard_of(&document, Some(tenant)).as_deref(),
            Some(guard),
            "{faults:?}: {document:#}"
        );
    }
    assert_eq!(document["plans"].as_array().map(Vec::len), Some(0), "{document:#}");
    assert_eq!(writes(&served), Vec::<String>::new());
}

#[test]
fn what_all_share_holds_everything_and_is_told_once() {
    for (fault, guard) in [
        ("wildcard-certificate-missing", "fleet-cause"),
        ("edge-tls-failing", "fleet-cause"),
        ("edge-app-mismatch", "agent-cause"),
        ("platform-api-unavailable=region:lhr", "inventory-partial"),
        ("cloudflare-unavailable", "inventory-partial"),
        ("lists-lie=apps-total", "inventory-partial"),
    ] {
        let tenants = with_others(&["q7f9", "a3b1"]);
        let served = repairable(&texts(&tenants), &["dns-override@a3b1=both", fault]);
        let document = planned(&served, &["--apply", "--yes"]);
        assert_eq!(
            document["plans"].as_array().map(Vec::len),
            Some(0),
            "{fault}: {document:#}"
        );
        let of_all = guard_of(&document, None).or_else(|| guard_of(&document, Some("a3b1")));
        assert_eq!(of_all.as_deref(), Some(guard), "{fault}: {document:#}");
        assert!(
            document["refusals"]
                .as_array()
                .is_some_and(|refusals| refusals.len() <= 3),
            "{fault}: {document:#}"
        );
        assert_eq!(writes(&served), Vec::<String>::new(), "{fault}");
    }
}

#[test]
fn a_mass_failure_is_one_refusal() {
    let tenants = (0..40).map(|number| format!("t{number:02}")).collect::<Vec<_>>();
    let faults = (0..5)
        .map(|number| format!("app-stopped@t{number:02}"))
        .collect::<Vec<_>>();
    let served = repairable(&texts(&tenants), &texts(&faults));
    // How many share it counts over all, also where few are asked for.
    for asked in [&[][..], &["t01"]] {
        let document = planned(&served, &[&["--apply", "--yes"], asked].concat());
        let refusals = document["refusals"].as_array().expect("an array");
        assert_eq!(refusals.len(), 1, "{document:#}");
        assert_eq!(refusals[0]["guard"], "too-many");
        assert_eq!(refusals[0]["cause"], "app-stopped");
    }
    assert_eq!(writes(&served), Vec::<String>::new());
}

#[test]
fn a_plan_reads_well() {
    let served = repairable(
        &["q7f9", "a3b1", "c04e"],
        &["certificate-conflict@q7f9", "dns-delegated@c04e"],
    );
    let ran = super::remediate(&served, &[]);
    let url = served.lab.api_url().expect("a platform");
    let id = plan_of(&planned(&served, &[]), "q7f9")["id"]
        .as_str()
        .expect("an id")
        .len();
    let text = ran.out.replace(&url, "https://api.machines.dev");
    let text = text.lines().map(|line| match line.strip_prefix("r-") {
        Some(rest) => format!("r-ID{}", &rest[id - 2..]),
        None => line.to_owned(),
    });
    insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"), @"
    tenants.test: 1 repair, 1 not planned

    r-ID  certificate-conflict at q7f9 (may be done by itself)
      why      sp-q7f9 holds a certificate for q7f9.tenants.test (Ready); only management-api-prod may
               hold one; the TLS handshake for q7f9.tenants.test fails: tls/unexpected-eof
      passed   agent-cause, fleet-cause, inventory-partial, inactive, repair-off, protected,
               managed-elsewhere, custom-domain, reserved-name, imported-certificate, not-confirmed,
               covered-by-wildcard, budget, too-many, recreated, stopped-by-hand, deploy-in-progress
      do       remove-certificate
      run      fly certs remove q7f9.tenants.test -a sp-q7f9 -y
      call     DELETE https://api.machines.dev/v1/apps/sp-q7f9/certificates/q7f9.tenants.test
      undo     nothing by itself; by hand, should that app need it after all: fly certs add
               q7f9.tenants.test -a sp-q7f9

    not planned
      reserved-name        dns-delegated at c04e: NS records are never touched
    ");
    assert_eq!(ran.code, Some(1));
}

#[test]
fn nothing_is_planned_where_repairs_are_off() {
    let served = repairable(&["q7f9", "a3b1"], &["certificate-conflict@q7f9"]);
    configure(&served, "[remediation]\nmode = \"off\"\n");
    let document = planned(&served, &[]);
    assert_eq!(document["plans"], serde_json::json!([]));
    assert_eq!(document["refusals"], serde_json::json!([]));
    let ran = super::remediate(&served, &["--apply", "--yes"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("mode is \"off\""), "{}", ran.err);
}
