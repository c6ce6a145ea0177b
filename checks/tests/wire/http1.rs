//! Answers over HTTP/1.1 as people's servers give them: what curl and browsers read, and what nobody reads.

use std::io::Write as _;

use roundsman_checks::evidence::Reason;
use roundsman_checks::expectation::SiteExpectation;

use crate::server::{Script, Server};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn what_curl_and_browsers_read_is_read() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell",
        // No reason phrase, and not even the space before it.
        "HTTP/1.1 200 \r\nContent-Length: 4\r\n\r\nwell",
        "HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nwell",
        // RFC 9112, section 2.2: a single LF ends a line too.
        "HTTP/1.1 200 OK\nContent-Length: 4\n\nwell",
        // RFC 9112, section 5.2: folded lines.
        "HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: 4\r\n\r\nwell",
        "HTTP/1.1 200 OK\r\nServer : odd\r\nContent-Length: 4\r\n\r\nwell",
        "HTTP/1.1 200 OK\r\nno field at all\r\nContent-Length: 4\r\n\r\nwell",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nwell",
        "HTTP/1.0 200 OK\r\n\r\nwell",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;name=value\r\nwell\r\n0\r\nX-Sum: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 999\r\n\r\n4\r\nwell\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 4\r\n\r\nwell",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell",
    ] {
        let server = Server::start("http/1.1", vec![Script::closes(answer)]).await;
        let visit = server.visit().await;
        let read = visit
            .page
            .answer
            .as_ref()
            .map(|answer| (answer.status, answer.body.prefix.as_str()));
        assert_eq!(read, Some((200, "well")), "{answer}\n{visit:?}");
        assert!(
            visit.page.end.is_done() && server.connections() == 1,
            "{answer}\n{visit:?}"
        );
    }
}

#[tokio::test]
async fn two_hundred_fields_are_no_large_head() {
    let fields = (0..200).map(|at| format!("x-{at}: {at}\r\n")).collect::<String>();
    let answer = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 4\r\n\r\nwell");
    let server = Server::start("http/1.1", vec![Script::closes(answer)]).await;
    let visit = server.visit().await;
    assert!(visit.page.end.is_done(), "{visit:?}");
}

#[tokio::test]
async fn what_nobody_reads_has_a_reason() {
    let large = format!("HTTP/1.1 200 OK\r\nx-large: {}\r\n\r\n", "x".repeat(300_000));
    for (answer, reason) in [
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", Reason::HttpMalformed),
        ("HTTP/1.1 2x0 OK\r\n\r\n", Reason::HttpMalformed),
        ("HTTP/3.7 200 OK\r\n\r\n", Reason::HttpMalformed),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nwell",
            Reason::HttpMalformed,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\nwell",
            Reason::HttpMalformed,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwell\r\n",
            Reason::HttpMalformed,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwell", Reason::HttpClosed),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nwell",
            Reason::HttpClosed,
        ),
        (large.as_str(), Reason::HttpTooLarge),
    ] {
        let server = Server::start("http/1.1", vec![Script::closes(answer)]).await;
        let visit = server.visit().await;
        assert_eq!(visit.page.end.reason(), Some(reason), "{answer:.60}\n{visit:?}");
    }
}

#[tokio::test]
async fn a_body_that_can_not_be_unpacked_is_malformed_whatever_is_expected() {
    let packed = gzip(b"{\"status\":\"healthy\"} and more of the same");
    for (how, body) in [
        ("said and not done", b"well".as_slice()),
        ("cut", &packed[..packed.len() / 2]),
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let script = Script::closes([head.as_bytes(), body].concat());
        let server = Server::start("http/1.1", vec![script]).await;
        let visit = server.visit().await;
        assert_eq!(visit.page.end.reason(), Some(Reason::HttpMalformed), "{how}: {visit:?}");
        assert!(
            format!("{:?}", visit.page.end).contains("can't be unpacked"),
            "{how}: {visit:?}"
        );
        assert_eq!(visit.page.answer.unwrap().status, 200, "{how}");
    }
}

#[tokio::test]
async fn json_behind_a_mark_is_read() {
    let expected = SiteExpectation {
        json: [("/status".to_owned(), serde_json::json!("healthy"))].into(),
        ..SiteExpectation::default()
    };
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\u{feff}{\"status\":\"healthy\"}";
    let server = Server::start("http/1.1", vec![Script::closes(answer)]).await;
    let visit = server.visit_expecting(&expected).await;
    let found = visit.page.answer.unwrap().body.matches;
    assert_eq!(
        found.json["/status"],
        Some(serde_json::json!("healthy")),
        "{:?}",
        found.not_json
    );
}
