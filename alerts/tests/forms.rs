//! Messages in every form, at their worst: as large as they get, with everything in them that means something somewhere.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use jiff::Timestamp;
use roundsman_alerts::notification::{Brief, Dossier, Message, Reason, Status, ThreadId};
use roundsman_alerts::render::{alertmanager, mail, pagerduty, slack};
use roundsman_alerts::{Account, Book, Key, Members, Now, Policy, Severity, Signal, State, Verdict};
use serde_json::Value;

/// The largest message that there can be, all of it hostile.
fn worst() -> Message {
    let evil = "<!channel> <@U1> <script>alert(1)</script> ```& \u{fffd} ".repeat(6);
    let brief = Brief {
        id: "inc-1".to_owned(),
        cause: "site-status".to_owned(),
        scope: "tenant".to_owned(),
        object: evil.clone(),
        severity: Severity::Critical,
        state: State::Firing,
        opened_at: Some(Timestamp::UNIX_EPOCH),
        resolved_at: None,
        tenants: vec![evil.clone(); 3],
        tenants_total: 3,
        changed: Some(evil.clone()),
        evidence: Some(evil.clone()),
        remedy: Some(evil.clone()),
    };
    let dossier = Dossier {
        domain: "example.com".to_owned(),
        vantage: evil.clone(),
        ..Dossier::default()
    };
    Message {
        thread: ThreadId::named("inc-1-1767607200"),
        reason: Reason::First,
        status: Status::Firing,
        severity: Severity::Critical,
        subject: evil.clone(),
        cause: "site-status".to_owned(),
        causes: vec!["site-status".to_owned(); 5],
        title: evil.clone(),
        meaning: evil.repeat(3),
        changed: Some(evil.clone()),
        since: Some(Timestamp::UNIX_EPOCH),
        evidence: vec![evil.clone(); 11],
        remedy: vec![evil.clone(); 11],
        log: vec![evil.clone(); 10],
        tenants: vec![evil.clone(); 20],
        tenants_total: 10_000,
        incidents: vec![brief; 20],
        incidents_total: 10_000,
        incidents_open: 10_000,
        acknowledge: Some("roundsman incidents ack inc-1".to_owned()),
        silence: Some("roundsman silences add cause=site-status --for 2h".to_owned()),
        explain: Some("roundsman explain site-status".to_owned()),
        ..Message::test("ops", &dossier, Timestamp::UNIX_EPOCH)
    }
}

#[test]
fn a_mail_is_never_larger_than_it_may_be_and_has_no_markup_of_others() {
    let mail = mail(&worst());
    assert!(
        mail.text.len() + mail.html.len() < 64 * 1024,
        "{} + {}",
        mail.text.len(),
        mail.html.len()
    );
    assert!(!mail.html.contains("<script") && !mail.html.contains("<!channel"));
    assert!(mail.html.contains("&lt;script&gt;") || mail.html.contains("&#60;script&#62;"));
    assert!(
        !mail.html.contains("src=") && !mail.html.contains("http"),
        "nothing is fetched"
    );
}

#[test]
fn a_text_stays_within_its_columns() {
    let short = |text: &str| text.replace(char::is_whitespace, "").len() < 60;
    let mail = mail(&worst());
    for line in mail
        .text
        .lines()
        .filter(|line| line.starts_with("What") || line.starts_with("  - "))
    {
        assert!(line.chars().count() <= 78 || short(line), "{line}");
    }
}

#[test]
fn slack_gets_what_it_takes() {
    let sent = slack(&worst());
    let blocks = sent["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => {
                assert_eq!(block["text"]["type"], "plain_text");
                assert!(length(&block["text"]["text"]) <= 150);
            }
            "section" => {
                assert!((1..=3_000).contains(&length(&block["text"]["text"])));
                let text = block["text"]["text"].as_str().unwrap();
                assert!(!text.contains("<!") && !text.contains("<@"), "{text}");
                // A block of code ends where it should.
                assert!(text.matches("```").count().is_multiple_of(2), "{text}");
            }
            "context" => {
                assert!(block["elements"].as_array().unwrap().len() <= 10);
                assert!(length(&block["elements"][0]["text"]) <= 2_000);
            }
            other => unreachable!("{other}"),
        }
    }
    assert!(!sent["text"].as_str().unwrap().contains("<!"));
}

#[test]
fn pagerduty_gets_what_it_requires() {
    let event = pagerduty(&worst(), "key");
    assert_eq!(event["event_action"], "trigger");
    let payload = &event["payload"];
    assert!((1..=1_024).contains(&payload["summary"].as_str().unwrap().chars().count()));
    assert!(payload["source"].as_str().is_some_and(|source| !source.is_empty()));
    assert_eq!(payload["severity"], "critical");
    assert!(event["dedup_key"].as_str().unwrap().len() <= 255);
    assert!(event.to_string().len() < 512 * 1024);
    let with = |reason, status| {
        let message = Message {
            reason,
            status,
            ..worst()
        };
        pagerduty(&message, "key")
    };
    let ended = with(Reason::Resolved, Status::Resolved);
    assert_eq!(ended["event_action"], "resolve");
    assert_eq!(ended["dedup_key"], event["dedup_key"]);
    assert_eq!(
        with(Reason::Acknowledged, Status::Firing)["event_action"],
        "acknowledge"
    );
}

#[test]
fn a_webhook_gets_what_the_schema_says_and_reads_it_back() {
    let message = worst();
    let sent = serde_json::to_value(&message).unwrap();
    assert_eq!(sent["schema"], "roundsman.notification/1");
    let described = Message::json_schema();
    let known = described["properties"].as_object().unwrap();
    for key in sent.as_object().unwrap().keys() {
        assert!(known.contains_key(key), "{key}");
    }
    assert_eq!(serde_json::from_value::<Message>(sent).unwrap(), message);
}

#[test]
fn an_alert_stays_itself_and_ends_where_it_grows_more_urgent() {
    let (mut book, policy) = (Book::default(), Policy::default());
    let start = Now::at(Timestamp::UNIX_EPOCH);
    let mut look = |tenant: &str, severity: Severity, seconds: u64| {
        let signal = Signal {
            key: Key::new("certificate-conflict", "tenant", "a.example.com at sp-b"),
            witness: tenant.into(),
            verdict: Verdict::Firing,
            members: Members::Witness,
            account: Account {
                severity,
                at_once: true,
                ..Account::default()
            },
        };
        let now = start.plus(std::time::Duration::from_secs(seconds));
        book.observe(&signal, &policy, now);
        let incident = book.iter().next().unwrap();
        alertmanager(incident, &Dossier::default(), now)
    };
    let first = look("b", Severity::Warning, 0);
    assert_eq!((first.len(), first[0].labels["tenant"].as_str()), (1, "b"));
    let joined = look("a", Severity::Warning, 60);
    assert_eq!(joined.len(), 1);
    assert_eq!(
        joined[0].labels, first[0].labels,
        "whoever joins does not make it another one"
    );
    let rose = look("c", Severity::Critical, 120);
    assert_eq!(rose.len(), 2);
    assert_eq!(rose[0].labels, first[0].labels);
    assert_eq!(rose[0].ends_at, "1970-01-01T00:02:00Z");
    assert_eq!(rose[1].labels["severity"], "critical");
    assert!(rose[1].ends_at > rose[0].ends_at);
}
