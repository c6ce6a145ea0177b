//! Taking back: a deleted record comes back as it was, once, and not where somebody else has taken the name.

use super::{plan_of, planned, remediate, repairable, writes};

/// The zone's records at a name, as the provider lists them.
fn records(served: &crate::cli::Served, name: &str) -> Vec<serde_json::Value> {
    let listed = served.get_json("/client/v4/zones/1ab00000000000000000000000000d05/dns_records?per_page=5000");
    let all = listed["result"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|record| record["name"] == name).collect()
}

#[test]
fn a_deleted_record_comes_back_as_it_was() {
    let served = repairable(&["q7f9", "a3b1"], &["dns-override@q7f9=both"]);
    let name = served.lab.host("q7f9");
    let before = records(&served, &name);
    assert_eq!(before.len(), 2, "{before:?}");
    let document = planned(&served, &["--apply", "--yes"]);
    let id = plan_of(&document, "q7f9")["id"].as_str().expect("an id").to_owned();
    assert!(records(&served, &name).is_empty());
    let words = format!("roundsman remediate undo {id}");
    assert!(document.to_string().contains(&words), "{document:#}");
    assert!(remediate(&served, &["ledger"]).out.contains(&words));
    // Nobody at a terminal, and nobody said yes.
    let unsaid = remediate(&served, &["undo", &id]);
    assert_eq!(
        (unsaid.code, records(&served, &name).len()),
        (Some(1), 0),
        "{}",
        unsaid.err
    );
    // It works though everything else is stopped.
    remediate(&served, &["stop"]);
    let undone = remediate(&served, &["undo", &id, "--yes"]);
    assert_eq!(undone.code, Some(0), "{}", undone.err);
    assert_eq!(records(&served, &name), before);
    let count = writes(&served).len();
    let again = remediate(&served, &["undo", &id, "--yes"]);
    assert_eq!((again.code, writes(&served).len()), (Some(0), count), "{}", again.err);
    remediate(&served, &["resume"]);
    // What a person undid is never done again by itself.
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(
        super::guard_of(&document, Some("q7f9")).as_deref(),
        Some("recreated"),
        "{document:#}"
    );
}

#[test]
fn a_name_that_holds_something_else_meanwhile_is_left_alone() {
    let served = repairable(&["q7f9", "a3b1"], &["dns-override@q7f9=a"]);
    let document = planned(&served, &["--apply", "--yes"]);
    let id = plan_of(&document, "q7f9")["id"].as_str().expect("an id").to_owned();
    let name = served.lab.host("q7f9");
    served.make_record(&serde_json::json!({ "name": name, "type": "TXT", "content": "taken", "ttl": 60 }));
    let count = writes(&served).len();
    let ran = remediate(&served, &["undo", &id, "--yes"]);
    assert_eq!((ran.code, writes(&served).len()), (Some(1), count), "{}", ran.err);
    assert!(ran.err.contains("holds something else now"), "{}", ran.err);
}

#[test]
fn what_has_no_way_back_says_so() {
    let served = repairable(&["q7f9", "a3b1"], &["certificate-conflict@q7f9"]);
    let document = planned(&served, &["--apply", "--yes"]);
    let id = plan_of(&document, "q7f9")["id"].as_str().expect("an id").to_owned();
    let ran = remediate(&served, &["undo", &id, "--yes"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("no way back"), "{}", ran.err);
    let unknown = remediate(&served, &["undo", "r-0000000000", "--yes"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("remediate ledger"), "{}", unknown.err);
}
