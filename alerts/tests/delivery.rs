//! Messages over real sockets, to servers that do what servers do at their worst. The time between attempts is injected, so
//! that five minutes of a server that is not ready pass at once; within an attempt it is real, and short.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod peers;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use peers::{HttpPeer, SmtpPeer, Way};
use roundsman_alerts::Now;
use roundsman_alerts::channel::{Channel, Kind, MailServer, Patience, Security};
use roundsman_alerts::notification::{Dossier, Failure, Message, Outbox, Outcome, Reason, Status};

/// How long a server may take here.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    step: Duration::from_millis(300),
    last_reply: Duration::from_millis(300),
};

fn message(number: u32) -> Message {
    let dossier = Dossier {
        domain: "example.com".to_owned(),
        ..Dossier::default()
    };
    let start = "2026-01-05T10:00:00Z".parse::<Timestamp>().unwrap();
    Message {
        id: format!("inc-{number}-1767607200-1"),
        thread: roundsman_alerts::notification::ThreadId::named(&format!("inc-{number}-1767607200")),
        reason: Reason::First,
        status: Status::Firing,
        evidence: vec![
            "<b>x</b>\r\n.\r\nRCPT TO:<all@example.com>".to_owned(),
            "ä 日本".to_owned(),
        ],
        ..Message::test("ops", &dossier, start)
    }
}

fn mail(port: u16, security: Security, to: &[&str]) -> Channel {
    let kind = Kind::Email {
        server: MailServer::new("127.0.0.1", port, security, None).with_patience(PATIENCE),
        from: "roundsman@example.com".to_owned(),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
    };
    Channel::new("ops", kind)
}

/// Delivers through real sockets what an outbox wants delivered, until nothing waits or so much time has passed.
async fn play(outbox: &mut Outbox, channels: &[Channel], now: &mut Now, lasts: Duration) -> usize {
    let until = now.plus(lasts).steady;
    let mut attempts = 0;
    loop {
        for delivery in outbox.take(*now) {
            attempts += 1;
            let channel = channels
                .iter()
                .find(|channel| channel.name == delivery.to.channel)
                .unwrap();
            let outcome = channel
                .deliver(&delivery.message, delivery.to.recipient.as_deref(), now.wall)
                .await;
            outbox.settle(&delivery.id, outcome, *now);
        }
        match outbox.next_wake() {
            Some(wake) if wake <= until => {
                let wait = Duration::try_from(wake.duration_since(now.steady)).unwrap_or_default();
                *now = now.plus(wait);
            }
            _ => return attempts,
        }
    }
}

async fn once(channel: &Channel) -> Outcome {
    let to = channel.receiver().to[0].recipient.clone();
    channel.deliver(&message(1), to.as_deref(), Timestamp::UNIX_EPOCH).await
}

fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        Outcome::Delivered(said) => panic!("delivered: {said}"),
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let peer = SmtpPeer::start(Way::Takes);
    let outcome = once(&mail(peer.port, Security::Clear, &["Ops <ops@example.com>"])).await;
    assert_eq!(outcome, Outcome::Delivered("250 taken".to_owned()));
    let [mail] = &peer.mails()[..] else { panic!("one mail") };
    assert_eq!(
        (mail.from.as_str(), mail.to.as_str()),
        ("<roundsman@example.com>", "<ops@example.com>")
    );
    for header in [
        "From: roundsman@example.com",
        "To: Ops <ops@example.com>",
        "Subject: example.com: a test of the channel ops",
        "Message-ID: <inc-1-1767607200-1@roundsman.example.com>",
        "Date: Mon, 05 Jan 2026 10:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "Content-Type: multipart/alternative;",
    ] {
        assert!(
            mail.head().lines().any(|line| line.starts_with(header)),
            "{header}:\n{}",
            mail.head()
        );
    }
    assert!(!mail.head().contains("In-Reply-To"), "the first mail answers nobody");
    let (plain, html) = (
        mail.data.find("text/plain").unwrap(),
        mail.data.find("text/html").unwrap(),
    );
    assert!(plain < html, "text first");
    // The same bytes again.
    once(&self::mail(peer.port, Security::Clear, &["Ops <ops@example.com>"])).await;
    assert_eq!(peer.mails()[0].data, peer.mails()[1].data);
}

#[tokio::test]
async fn a_later_mail_answers_the_first_of_its_thread() {
    let peer = SmtpPeer::start(Way::Takes);
    let channel = mail(peer.port, Security::Clear, &["ops@example.com"]);
    let later = Message {
        id: "inc-1-1767607200-2".to_owned(),
        sequence: 2,
        reason: Reason::Resolved,
        status: Status::Resolved,
        ..message(1)
    };
    channel
        .deliver(&message(1), Some("ops@example.com"), Timestamp::UNIX_EPOCH)
        .await;
    channel
        .deliver(&later, Some("ops@example.com"), Timestamp::UNIX_EPOCH)
        .await;
    let mails = peer.mails();
    let first = "<inc-1-1767607200-1@roundsman.example.com>";
    assert!(
        mails[1].head().contains(&format!("In-Reply-To: {first}")),
        "{}",
        mails[1].head()
    );
    assert!(mails[1].head().contains(&format!("References: {first}")));
    let subject = |at: usize| {
        mails[at]
            .head()
            .lines()
            .find(|line| line.starts_with("Subject:"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(subject(0), subject(1));
    // Both went over one connection.
    assert_eq!(peer.connections(), 1);
}

/// What becomes of a message that a server takes only after a while, as time passes at once.
async fn healed(way: Way) -> (usize, usize, Duration) {
    let peer = SmtpPeer::start(way);
    let channels = [mail(peer.port, Security::Clear, &["ops@example.com"])];
    let mut outbox = Outbox::default();
    let start = Now::at("2026-01-05T10:00:00Z".parse().unwrap());
    let mut now = start;
    outbox.put(&Arc::new(message(1)), channels[0].receiver().to, true, now);
    let mut attempts = play(&mut outbox, &channels, &mut now, Duration::from_secs(300)).await;
    now = now.max(start.plus(Duration::from_secs(300)));
    peer.heal();
    let healed = now;
    attempts += play(&mut outbox, &channels, &mut now, Duration::from_secs(3_600)).await;
    assert!(outbox.iter().next().is_none(), "{way:?}: {:?}", outbox.iter().next());
    let mails = peer.mails();
    let ids = mails
        .iter()
        .map(peers::Arrived::message_id)
        .collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids.len(), 1, "{way:?}: one identity");
    let took = Duration::try_from(now.steady.duration_since(healed.steady)).unwrap();
    (mails.len(), attempts, took)
}

#[tokio::test]
async fn a_server_that_is_away_silent_or_breaks_off_gets_it_soon_after_it_is_well() {
    for way in [
        Way::Silent,
        Way::BreaksOffInData,
        Way::Floods,
        Way::Refuses421,
        Way::ClosesAtOnce,
    ] {
        let (copies, attempts, took) = healed(way).await;
        assert_eq!(copies, 1, "{way:?}");
        assert!((2..=10).contains(&attempts), "{way:?}: {attempts}");
        assert!(took <= Duration::from_secs(180), "{way:?}: {took:?}");
    }
}

#[tokio::test]
async fn not_now_for_five_minutes_is_asked_again_as_mail_servers_are() {
    let (copies, attempts, took) = healed(Way::NotNow).await;
    // At once, after 30 s, 1 min and 5 min.
    assert_eq!((copies, attempts), (1, 4));
    assert!(took <= Duration::from_secs(600), "{took:?}");
}

#[tokio::test]
async fn a_mail_that_was_taken_without_a_word_is_sent_again_by_the_same_name() {
    let peer = SmtpPeer::start(Way::TakesWithoutAWord);
    let channel = mail(peer.port, Security::Clear, &["ops@example.com"]);
    let failed = failure(once(&channel).await);
    assert!(failed.perhaps && failed.unreachable && !failed.permanent, "{failed:?}");
    peer.heal();
    assert!(matches!(once(&channel).await, Outcome::Delivered(_)));
    let mails = peer.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].message_id(), mails[1].message_id());
}

#[tokio::test]
async fn one_recipient_that_does_not_exist_costs_one_attempt_and_delays_nobody() {
    let peer = SmtpPeer::start(Way::Refuses("gone@example.com"));
    let silent = SmtpPeer::start(Way::Silent);
    let away = Channel::new(
        "away",
        Kind::Email {
            server: MailServer::new("127.0.0.1", silent.port, Security::Clear, None).with_patience(PATIENCE),
            from: "roundsman@example.com".to_owned(),
            to: vec!["a@example.com".to_owned()],
        },
    );
    let channels = [
        mail(peer.port, Security::Clear, &["gone@example.com", "ops@example.com"]),
        away,
    ];
    let to = channels.iter().flat_map(|channel| channel.receiver().to);
    let mut outbox = Outbox::default();
    let mut now = Now::at(Timestamp::UNIX_EPOCH);
    outbox.put(&Arc::new(message(1)), to, true, now);
    play(&mut outbox, &channels, &mut now, Duration::ZERO).await;
    // All of it without any time passing: the silent server keeps nobody else waiting.
    assert_eq!(
        peer.mails().iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(),
        ["<ops@example.com>"]
    );
    play(&mut outbox, &channels[..1], &mut now, Duration::ZERO).await;
    let dead = outbox.iter().filter(|delivery| delivery.dead).collect::<Vec<_>>();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].attempts, 1);
    assert!(dead[0].error.as_deref().unwrap().contains("550"), "{dead:?}");
    assert_eq!(peer.refusals(), 1);
}

#[tokio::test]
async fn nothing_is_sent_where_encryption_is_stripped_or_the_certificate_is_wrong() {
    let peer = SmtpPeer::start(Way::Takes);
    let failed = failure(once(&mail(peer.port, Security::StartTls, &["ops@example.com"])).await);
    assert!(failed.why.contains("no STARTTLS") && failed.unreachable, "{failed:?}");
    for way in [Way::Tls, Way::StartTls] {
        let peer = SmtpPeer::start(way);
        let security = if way == Way::Tls {
            Security::Tls
        } else {
            Security::StartTls
        };
        let failed = failure(once(&mail(peer.port, security, &["ops@example.com"])).await);
        assert!(failed.why.contains("certificate"), "{way:?}: {failed:?}");
        assert!(failed.unreachable && !failed.perhaps && peer.mails().is_empty());
    }
    assert!(peer.mails().is_empty());
}

#[tokio::test]
async fn what_was_said_before_encryption_is_not_believed_inside_of_it() {
    let peer = SmtpPeer::start(Way::InjectsBeforeTls);
    let failed = failure(once(&mail(peer.port, Security::StartTls, &["ops@example.com"])).await);
    assert!(failed.unreachable, "{failed:?}");
    assert!(peer.mails().is_empty());
}

#[tokio::test]
async fn in_clear_only_this_machine_is_spoken_to() {
    let kind = Kind::Email {
        server: MailServer::new("192.0.2.1", 25, Security::Clear, None).with_patience(PATIENCE),
        from: "roundsman@example.com".to_owned(),
        to: vec!["ops@example.com".to_owned()],
    };
    let failed = failure(once(&Channel::new("ops", kind)).await);
    assert!(failed.why.contains("only this machine"), "{failed:?}");
}

#[tokio::test]
async fn a_webhook_is_signed_over_what_is_sent_and_redirects_are_not_followed() {
    let peer = HttpPeer::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let hook = |url: String| {
        let kind = Kind::Webhook {
            url,
            secret: Some(secret.to_owned()),
        };
        Channel::new("hook", kind)
    };
    let url = format!("http://127.0.0.1:{}/hook", peer.port);
    assert_eq!(
        once(&hook(url.clone())).await,
        Outcome::Delivered("200 OK ok".to_owned())
    );
    let request = peer.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name}: {head}")).to_owned()
    };
    assert_eq!(header("webhook-id"), "inc-1-1767607200-1");
    let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    assert_eq!(header("webhook-signature"), peers::sign(secret, signed.as_bytes()));
    let sent = serde_json::from_str::<Message>(body).unwrap();
    assert_eq!(sent, message(1));
    let moved = HttpPeer::start("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    let failed = failure(once(&hook(format!("http://127.0.0.1:{}/", moved.port))).await);
    assert!(failed.why.contains("redirects are not followed"), "{failed:?}");
    assert_eq!(moved.requests().len(), 1);
}

#[tokio::test]
async fn each_service_says_what_is_final_and_when_to_come_back() {
    let answer = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\n{more}content-length: 0\r\n\r\n");
    let slack = |port: u16| {
        let url = format!("http://127.0.0.1:{port}/services/T0/B0/s3cret");
        Channel::new("slack", Kind::Slack { url })
    };
    let pager = |port: u16| {
        let kind = Kind::Pagerduty {
            url: format!("http://127.0.0.1:{port}/v2/enqueue"),
            routing_key: "s3cret".to_owned(),
        };
        Channel::new("pager", kind)
    };
    let hook = |port: u16| {
        let kind = Kind::Webhook {
            url: format!("http://127.0.0.1:{port}/"),
            secret: None,
        };
        Channel::new("hook", kind)
    };
    for (channel, status, permanent) in [
        (&slack as &dyn Fn(u16) -> Channel, "410 Gone", true),
        (&slack, "404 Not Found", true),
        (&slack, "500 Internal Server Error", false),
        (&pager, "400 Bad Request", true),
        (&pager, "429 Too Many Requests", false),
        (&pager, "502 Bad Gateway", false),
        (&hook, "410 Gone", true),
        (&hook, "404 Not Found", false),
        (&hook, "401 Unauthorized", false),
    ] {
        let peer = HttpPeer::start(&answer(status, ""));
        let failed = failure(once(&channel(peer.port)).await);
        assert_eq!(failed.permanent, permanent, "{status}: {failed:?}");
        assert!(failed.why.contains(status), "{failed:?}");
    }
    let peer = HttpPeer::start(&answer("429 Too Many Requests", "retry-after: 77\r\n"));
    let failed = failure(once(&slack(peer.port)).await);
    assert_eq!(
        (failed.retry_after, failed.unreachable),
        (Some(Duration::from_secs(77)), true)
    );
}

#[tokio::test]
async fn no_secret_is_in_what_is_said_of_a_failure() {
    let echo = "HTTP/1.1 400 Bad Request\r\ncontent-length: 31\r\n\r\nno such key s3cret-key-0123 her";
    let peer = HttpPeer::start(echo);
    let kind = Kind::Pagerduty {
        url: format!("http://127.0.0.1:{}/", peer.port),
        routing_key: "s3cret-key-0123".to_owned(),
    };
    let failed = failure(once(&Channel::new("pager", kind)).await);
    assert!(
        failed.why.contains("[masked]") && !failed.why.contains("s3cret"),
        "{failed:?}"
    );
    let kind = Kind::Slack {
        url: "http://127.0.0.1:1/services/s3cret".to_owned(),
    };
    let failed = failure(once(&Channel::new("slack", kind)).await);
    assert!(failed.unreachable && !failed.why.contains("s3cret"), "{failed:?}");
}
