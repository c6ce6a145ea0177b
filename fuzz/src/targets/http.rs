//! Answers of HTTP. The first byte says which version the channel carries and how much is read at once; over HTTP/1.1
//! three zero bytes stand between the answers to the page and to the issuer document.

use std::time::Duration;

use roundsman_checks::expectation::{ISSUER, Identity, Place, SiteExpectation};
use roundsman_checks::probe::fuzzing::{Sent, http_answers};
use roundsman_checks::probe::{ProbeLimits, ProbeRequest};
use serde_json::json;

use crate::peer::{block_on, split};

const BETWEEN: &[u8] = b"\0\0\0";
/// How many bytes of a body are read, and how many it may be unpacked to.
const MAX_BODY: usize = 16 * 1024;
/// How much is read at once. Of TLS a read gives more than a hundred bytes even where each came in a record of its own; a
/// head that comes in pieces is parsed again with each of them.
const CHUNKS: [usize; 4] = [usize::MAX, 1000, 100, 30];

pub(crate) fn read(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let http2 = choice & 1 == 1;
    let sent = Sent {
        http2,
        answers: if http2 { vec![bytes] } else { split(bytes, BETWEEN) },
        chunk: CHUNKS[usize::from(choice >> 1) % CHUNKS.len()],
    };
    let page = SiteExpectation {
        json: [("/status".to_owned(), json!("healthy"))].into(),
        identity: Identity::Place(Place::Json(ISSUER.to_owned())),
        ..SiteExpectation::default()
    };
    let settings = ProbeLimits {
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
        max_body: MAX_BODY,
        user_agent: "fuzz".to_owned(),
    };
    let headers = [
        ("authorization".to_owned(), "Bearer hunter2-KEY".to_owned()),
        ("x-bypass".to_owned(), "\"other\\key\"".to_owned()),
    ];
    let wish = ProbeRequest {
        page: Some(&page),
        headers: &headers,
        trace: None,
        settings: &settings,
        open: &|_| true,
    };
    let visit = block_on(http_answers(&sent, &page, &wish));
    let told = format!("{visit:?}");
    assert!(!told.contains("hunter2-KEY"), "what was sent is shown");
}
