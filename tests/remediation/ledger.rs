//! The ledger through the binary: what was changed in it, or cut off, shows, and holds every repair.

use rusqlite::Connection;

use super::{planned, remediate, repairable, results, writes};
use crate::cli::Served;

fn lab() -> Served {
    let served = repairable(
        &["q7f9", "a3b1", "c04e"],
        &["dns-override@q7f9=both", "app-stopped@a3b1"],
    );
    assert_eq!(remediate(&served, &["ledger"]).code, Some(0), "an empty one is intact");
    planned(&served, &["--apply", "--yes"]);
    served
}

fn database(served: &Served) -> Connection {
    Connection::open(served.dir.path().join("roundsman.db")).expect("a database")
}

#[test]
fn it_tells_what_was_done_in_order() {
    let served = lab();
    let ran = remediate(&served, &["ledger", "--format", "json"]);
    let rows = serde_json::from_str::<Vec<serde_json::Value>>(&ran.out).expect("rows");
    assert_eq!(ran.code, Some(0));
    let of = |tenant: &str| {
        let rows = rows.iter().filter(|row| row["tenant"] == tenant);
        rows.map(|row| row["phase"].as_str().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(of("q7f9"), "intent done intent done verified");
    assert_eq!(of("a3b1"), "intent done verified");
    for (row, seq) in rows.iter().zip(1..) {
        assert_eq!(row["seq"], seq);
        for key in ["at", "plan", "tenant", "action", "object", "phase", "by", "undo"] {
            assert!(row.get(key).is_some(), "{key}: {row:#}");
        }
    }
    let deleted = rows
        .iter()
        .find(|row| row["phase"] == "done" && row["action"] == "delete-dns-record");
    let deleted = deleted.expect("a deleted record");
    assert!(
        deleted["undo"]
            .as_str()
            .is_some_and(|undo| undo.starts_with("roundsman remediate undo "))
    );
    assert!(deleted["detail"]["saved"]["content"].is_string(), "{deleted:#}");
    assert!(!ran.out.contains(served.lab.fly_token()) && !ran.out.contains(served.lab.cloudflare_token()));
}

#[test]
fn every_column_that_is_changed_shows() {
    let served = lab();
    let kept = std::fs::read(served.dir.path().join("roundsman.db")).expect("the database");
    let columns = database(&served)
        .prepare("SELECT name FROM pragma_table_info('ledger')")
        .and_then(|mut asked| {
            asked
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()
        })
        .expect("columns");
    assert!(columns.len() >= 12, "{columns:?}");
    let changes = columns.iter().map(|column| match column.as_str() {
        "seq" => "UPDATE ledger SET seq = 99 WHERE seq = 3".to_owned(),
        "at" => "UPDATE ledger SET at = at + 1 WHERE seq = 3".to_owned(),
        "undo" => "UPDATE ledger SET undo = 'x' WHERE seq = 3".to_owned(),
        "phase" => "UPDATE ledger SET phase = 'verified' WHERE seq = 3".to_owned(),
        column => format!("UPDATE ledger SET \"{column}\" = \"{column}\" || 'x' WHERE seq = 3"),
    });
    let cuts = [
        "DELETE FROM ledger WHERE seq = 3",
        "DELETE FROM ledger WHERE seq > 4",
        "DELETE FROM ledger",
        "UPDATE ledger_head SET seq = 4",
        "UPDATE ledger_head SET hash = 'x'",
        "DELETE FROM ledger_head",
        "DROP TABLE ledger",
        "UPDATE ledger SET at = 'yesterday' WHERE seq = 2",
    ];
    for change in changes.chain(cuts.map(str::to_owned)) {
        let changed = database(&served).execute(&change, []).expect("it can be changed");
        assert!(changed > 0 || change.starts_with("DROP"), "{change}");
        let ran = remediate(&served, &["ledger"]);
        assert_eq!(ran.code, Some(1), "{change}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("ledger"), "{change}: {}", ran.err);
        std::fs::write(served.dir.path().join("roundsman.db"), &kept).expect("it is put back");
        for beside in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(served.dir.path().join(format!("roundsman.db{beside}")));
        }
    }
    assert_eq!(remediate(&served, &["ledger"]).code, Some(0));
}

#[test]
fn nothing_is_repaired_without_an_intact_ledger() {
    let served = lab();
    database(&served)
        .execute("UPDATE ledger SET tenant = 'x' WHERE seq = 1", [])
        .expect("changed");
    served.restage("certificate-conflict@c04e");
    let before = writes(&served).len();
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(
        results(&document, "c04e"),
        ["remove-certificate:refused:kill-switch"],
        "{document:#}"
    );
    assert_eq!(writes(&served).len(), before);
    assert!(
        document["stopped"].as_str().is_some_and(|why| why.contains("row 1")),
        "{document:#}"
    );
}
