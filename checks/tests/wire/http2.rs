//! Answers over HTTP/2 that are none, and every code by which a server ends a request.

use roundsman_checks::evidence::Reason;

use crate::frames::{FIRST, OK, answer, data, field, go_away, head, reset, settings};
use crate::server::{Script, Server};

async fn reason(frames: Vec<u8>) -> Option<Reason> {
    let server = Server::start("h2", vec![Script::closes(frames)]).await;
    server.visit().await.page.end.reason()
}

#[tokio::test]
async fn a_malformed_answer_is_called_so() {
    let malformed = [
        ("connection", answer(&[field("connection", "keep-alive")], b"")),
        ("keep-alive", answer(&[field("keep-alive", "timeout=5")], b"")),
        ("proxy-connection", answer(&[field("proxy-connection", "close")], b"")),
        (
            "transfer-encoding",
            answer(&[field("transfer-encoding", "chunked")], b""),
        ),
        (
            "upgrade",
            answer(&[field("x-lab", "ok"), field("upgrade", "h2,h2c")], b""),
        ),
        ("upper case", answer(&[field("X-Lab", "ok")], b"")),
        ("too short", answer(&[field("content-length", "9")], b"four")),
        ("too long", answer(&[field("content-length", "2")], b"four")),
        (
            "two lengths",
            answer(&[field("content-length", "4"), field("content-length", "5")], b"four"),
        ),
        ("no length", answer(&[field("content-length", "x")], b"four")),
        (
            "no body",
            [settings(), head(&[OK, &field("content-length", "9")].concat(), true)].concat(),
        ),
        ("no status", [settings(), head(&field("x-lab", "ok"), true)].concat()),
        (
            "a status behind",
            [settings(), head(&[&field("x-lab", "ok"), OK].concat(), true)].concat(),
        ),
        ("two statuses", [settings(), head(&[OK, OK].concat(), true)].concat()),
        (
            "no status at all",
            [settings(), head(&field(":status", "abc"), true)].concat(),
        ),
        ("no head", [settings(), data(b"four", true)].concat()),
        ("no HPACK", [settings(), head(&[0xff; 9], true)].concat()),
    ];
    for (how, frames) in malformed {
        assert_eq!(reason(frames).await, Some(Reason::HttpMalformed), "{how}");
    }
    assert_eq!(
        reason(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await,
        Some(Reason::HttpMalformed)
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_named() {
    let odd = [
        (
            "header `upgrade`",
            answer(&[field("x-lab", "ok"), field("upgrade", "h2,h2c")], b""),
        ),
        ("header `keep-alive`", answer(&[field("keep-alive", "timeout=5")], b"")),
        (
            "header `transfer-encoding`",
            answer(&[vec![0x0f, 42, 7], b"chunked".to_vec()], b""),
        ),
        ("header `X-Lab` is in upper case", answer(&[field("X-Lab", "ok")], b"")),
        ("no `:status`", [settings(), head(&field("x-lab", "ok"), true)].concat()),
        (
            "behind a header",
            [settings(), head(&[&field("x-lab", "ok"), OK].concat(), true)].concat(),
        ),
        ("more than one", [settings(), head(&[OK, OK].concat(), true)].concat()),
        (
            "header `content-length` says 9",
            answer(&[field("content-length", "9")], b"four"),
        ),
        (
            "header `content-length` says 2",
            answer(&[field("content-length", "2")], b"four"),
        ),
    ];
    for (what, frames) in odd {
        let server = Server::start("h2", vec![Script::closes(frames)]).await;
        let visit = server.visit().await;
        let said = format!("{:?}", visit.page.end);
        assert!(said.contains(what), "{what}: {said}");
        assert_eq!(visit.refused, None, "{what}: it was looked at");
    }
}

#[tokio::test]
async fn a_code_says_why_a_request_ended() {
    use Reason::{HttpClosed, HttpTimeout, TlsProtocol};
    for (code, expected) in [
        (0, HttpClosed),
        (1, HttpClosed),
        (2, HttpClosed),
        (3, HttpClosed),
        (4, HttpTimeout),
        (5, HttpClosed),
        (6, HttpClosed),
        (7, HttpClosed),
        (8, HttpClosed),
        (9, HttpClosed),
        (10, HttpClosed),
        (11, HttpClosed),
        (12, TlsProtocol),
        (99, HttpClosed),
    ] {
        let frames = [settings(), reset(code)].concat();
        assert_eq!(reason(frames).await, Some(expected), "RST_STREAM {code}");
        let frames = [settings(), go_away(0, code)].concat();
        assert_eq!(reason(frames).await, Some(expected), "GOAWAY {code}");
        // The request may have been processed: the connection says why it ends.
        let frames = [settings(), go_away(FIRST, code)].concat();
        assert_eq!(
            reason(frames).await,
            Some(expected),
            "GOAWAY {code} that includes the request"
        );
        let begun = [settings(), head(OK, false), reset(code)].concat();
        assert_eq!(reason(begun).await, Some(expected), "RST_STREAM {code} within the body");
    }
}

#[tokio::test]
async fn what_browsers_read_is_read() {
    let early = head(&[0x08, 3, b'1', b'0', b'3'], false);
    let trailers = head(&field("x-checksum", "1"), true);
    let good = [
        ("plain", answer(&[], b"well")),
        ("a head alone", [settings(), head(OK, true)].concat()),
        (
            "early hints",
            [settings(), early, head(OK, false), data(b"well", true)].concat(),
        ),
        (
            "trailers",
            [settings(), head(OK, false), data(b"well", false), trailers].concat(),
        ),
        (
            "a goodbye after the answer",
            [answer(&[], b"well"), go_away(FIRST, 0)].concat(),
        ),
        (
            "a goodbye before the answer",
            [settings(), go_away(FIRST, 0), head(OK, false), data(b"well", true)].concat(),
        ),
    ];
    for (how, frames) in good {
        let server = Server::start("h2", vec![Script::closes(frames)]).await;
        let visit = server.visit().await;
        let answer = visit
            .page
            .answer
            .as_ref()
            .map(|answer| (answer.status, answer.body.complete));
        assert_eq!(
            (answer, server.connections()),
            (Some((200, true)), 1),
            "{how}: {visit:?}"
        );
        assert!(visit.page.end.is_done(), "{how}: {visit:?}");
    }
}
