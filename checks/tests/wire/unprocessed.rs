//! Requests that a server says it never processed are asked once more on a new connection, and no others are.

use roundsman_checks::evidence::{Reason, Visit};

use crate::frames::{OK, answer, data, field, go_away, head, reset, settings};
use crate::server::{Script, Server};

const REFUSED_STREAM: u32 = 7;
const HTTP_1_1_REQUIRED: u32 = 13;

fn status(visit: &Visit) -> Option<u16> {
    visit
        .page
        .answer
        .as_ref()
        .filter(|_| visit.page.end.is_done())
        .map(|answer| answer.status)
}

fn healthy() -> Script {
    Script::closes(answer(&[field("x-lab", "ok")], b"well"))
}

/// Every way in which a server of HTTP/2 can say that it did not look at a request.
fn refusals() -> Vec<(&'static str, Script)> {
    let with = |frames: Vec<u8>| [settings(), frames].concat();
    vec![
        ("GOAWAY", Script::closes(with(go_away(0, 0)))),
        ("GOAWAY, the connection stays", Script::stays(with(go_away(0, 0)))),
        ("GOAWAY for too much", Script::closes(with(go_away(0, 11)))),
        (
            "GOAWAY before the settings are acknowledged",
            Script::closes(go_away(0, 0)),
        ),
        ("REFUSED_STREAM", Script::stays(with(reset(REFUSED_STREAM)))),
        ("closed after the settings", Script::closes(settings())),
        ("closed at once", Script::closes([])),
    ]
}

#[tokio::test]
async fn a_request_that_was_not_processed_is_asked_once_more() {
    for (how, refusal) in refusals() {
        let server = Server::start("h2", vec![refusal, healthy()]).await;
        let visit = server.visit().await;
        assert_eq!(
            (status(&visit), server.connections()),
            (Some(200), 2),
            "{how}: {visit:?}"
        );
        assert!(visit.refused.is_some(), "{how}");
    }
}

#[tokio::test]
async fn what_is_refused_twice_stays_refused() {
    for (how, refusal) in refusals() {
        let server = Server::start("h2", vec![refusal]).await;
        let visit = server.visit().await;
        assert!(visit.was_refused(), "{how}: {visit:?}");
        assert_eq!(server.connections(), 2, "{how}");
    }
}

#[tokio::test]
async fn over_http_1_1_a_connection_without_a_byte_is_asked_once_more() {
    let well = Script::closes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell");
    for refusal in [
        "",
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 425 Too Early\r\nContent-Length: 0\r\n\r\n",
    ] {
        let server = Server::start("http/1.1", vec![Script::closes(refusal), well.clone()]).await;
        let visit = server.visit().await;
        assert_eq!(
            (status(&visit), server.connections()),
            (Some(200), 2),
            "{refusal}: {visit:?}"
        );
    }
}

#[tokio::test]
async fn who_insists_on_http_1_1_is_asked_over_it() {
    let well = Script::closes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell");
    for refusal in [
        reset(HTTP_1_1_REQUIRED),
        go_away(0, HTTP_1_1_REQUIRED),
        go_away(1, HTTP_1_1_REQUIRED),
    ] {
        let refusal = Script::closes([settings(), refusal].concat());
        let server = Server::start("h2", vec![refusal, well.clone()]).await;
        let visit = server.visit().await;
        assert_eq!((status(&visit), server.connections()), (Some(200), 2), "{visit:?}");
        assert_eq!(visit.page.answer.unwrap().version, "1.1");
        assert_eq!(visit.refused.unwrap().reason, Reason::HttpProtocol);
    }
}

#[tokio::test]
async fn what_was_begun_is_asked_once() {
    let begun = [
        ("h2", [settings(), head(OK, false), data(b"half", false)].concat()),
        ("http/1.1", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        ("http/1.1", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()),
    ];
    for (protocol, bytes) in begun {
        let server = Server::start(protocol, vec![Script::closes(bytes)]).await;
        let visit = server.visit().await;
        assert_eq!(visit.page.end.reason(), Some(Reason::HttpClosed), "{visit:?}");
        assert_eq!(server.connections(), 1, "{visit:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_gone_when_it_is_asked_again_has_refused() {
    let server = Server::start(
        "h2",
        vec![Script::closes([settings(), go_away(0, 0)].concat()).and_leaves()],
    )
    .await;
    let visit = server.visit().await;
    assert!(visit.was_refused() && visit.handshake.end.is_done(), "{visit:?}");
}
