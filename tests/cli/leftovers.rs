//! `roundsman tenants` against an account with things that nobody owns: apps, certificates of the edge, and records that
//! point at an app which is gone.

use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::Served;
use super::platform::{check, document, run, tenant, with_tenants};

const LISTED: &str = "source = \"list\"\nlist = [\"q7f9\", \"a3b1\"]\nexclude = [\"b6d0\"]";

/// Two tenants of the dozen are in the inventory; of the others things are left over.
fn left_over(more: &[&str]) -> Served {
    let served = with_tenants(LabOptions::with_platform(), LISTED);
    let faults = [
        "explicit-ready@d9a2",
        "explicit-ready@q7f9",
        "certificate-stuck@f8c3",
        "explicit-ready@b6d0",
        "app-missing@e51f=dangling",
        "dns-override@c04e=cname",
        "custom-domain@a3b1",
    ];
    served.stage(&[&faults, more].concat());
    served
}

fn listing(served: &Served, code: i32) -> Value {
    let ran = run(served, &["tenants", "--format", "json"]);
    assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
    document(&ran)
}

#[test]
fn what_nobody_owns_is_listed_and_nothing_else() {
    let served = left_over(&[]);
    let loose = &listing(&served, 0)["without_tenant"];
    let apps = ["0d4e", "3fa8", "5b7d", "7e2a", "91cc", "c04e", "d9a2", "f8c3"];
    assert_eq!(loose["apps"], json!(apps.map(|id| format!("sp-{id}"))));
    let mut certificates = loose["certificates"].as_array().expect("certificates").clone();
    certificates.sort_by_key(ToString::to_string);
    assert_eq!(
        Value::from(certificates),
        json!([
            { "app": "management-api-prod", "hostname": "d9a2.tenants.test" },
            { "app": "management-api-prod", "hostname": "f8c3.tenants.test" },
        ])
    );
    let records = loose["records"].as_array().expect("records");
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(
        (&records[0]["name"], &records[0]["type"], &records[0]["app"]),
        (&json!("e51f.tenants.test"), &json!("CNAME"), &json!("sp-e51f"))
    );
    let human = run(&served, &["tenants"]);
    for line in [
        "sp-c04e",
        "d9a2.tenants.test at management-api-prod",
        "e51f.tenants.test CNAME sp-e51f.lab-apps.test, no such app",
    ] {
        let text = human.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(line), "{line}: {}", human.out);
    }
    assert_eq!(served.lab.writes(), Vec::<String>::new());
}

#[test]
fn what_was_not_answered_is_not_known_and_never_none() {
    let served = left_over(&["cloudflare-refused"]);
    let told = listing(&served, 0);
    assert_eq!(told["without_tenant"]["records"], Value::Null);
    assert!(told["without_tenant"]["apps"].is_array());
    assert_eq!(told["faults"][0]["of"], "zone listing");
    let served = left_over(&["platform-api-unavailable"]);
    let told = listing(&served, 3);
    assert_eq!(
        told["without_tenant"],
        json!({ "apps": null, "certificates": null, "records": null })
    );
    assert_eq!(told["tenants"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["tenants"][0]["app_exists"], Value::Null);
}

#[test]
fn a_record_that_outlived_its_app_is_told_as_both() {
    let served = with_tenants(
        LabOptions::with_platform(),
        "source = \"list\"\nlist = [\"q7f9\", \"e51f\"]",
    );
    served.stage(&["app-missing@e51f=dangling"]);
    let ran = run(&served, &["verify", "--format", "json"]);
    let report = document(&ran);
    let causes = report["causes"].as_array().into_iter().flatten();
    let mut causes = causes.filter_map(|cause| cause["cause"].as_str()).collect::<Vec<_>>();
    causes.sort_unstable();
    assert_eq!(
        (ran.code, causes),
        (Some(1), vec!["app-missing", "dns-override"]),
        "{}",
        ran.out
    );
    let row = tenant(&report, "e51f");
    assert_eq!(row["cause"], "dns-override");
    assert_eq!(check(row, "dns")["outcome"], "fail");
    assert_eq!(check(row, "app")["reason"], "platform/not-found");
    assert_eq!(tenant(&report, "q7f9")["status"], "healthy");
}
