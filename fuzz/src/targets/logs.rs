//! Lines of logs. A line is a message; before it may stand, each behind a tab, the millisecond, the request's id and the
//! URL.

use jiff::{SignedDuration, Timestamp};
use roundsman_checks::evidence::LogLine;
use roundsman_checks::logs::{Received, Replay, Request, error_code, join};
use roundsman_checks::target::Hostname;

use crate::peer::NAME;

pub(crate) fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (Ok(host), Ok(domain)) = (Hostname::parse(NAME), Hostname::parse("example.com")) else {
        return;
    };
    let lines = text.lines().map(line).collect::<Vec<_>>();
    for line in &lines {
        if let Some(replay) = Replay::read(&line.message) {
            let _ = replay.is_of(&host, &domain);
        }
        let _ = Received::read(&line.message);
    }
    let second = |at| (moment(at), moment(at + 100));
    let request = Request {
        id: Some("01ABC-fra"),
        host: &host,
        domain: &domain,
        path: "/",
        during: second(0),
        others: vec![second(1000)],
    };
    let _ = join(&lines, &request, "sp-q7f9");
    let _ = join(&lines, &Request { id: None, ..request }, "sp-q7f9");
}

fn line(text: &str) -> LogLine {
    let mut parts = text.rsplit('\t');
    let message = parts.next().unwrap_or_default().to_owned();
    let mut part = || parts.next().map(str::to_owned);
    LogLine {
        url: part(),
        request_id: part(),
        at: part().and_then(|at| at.parse().ok()).map(moment),
        app: "sp-q7f9".to_owned(),
        error_code: error_code(&message).map(str::to_owned),
        instance: None,
        region: None,
        provider: None,
        status: None,
        message,
    }
}

fn moment(milliseconds: i64) -> Timestamp {
    let far = SignedDuration::from_millis(milliseconds);
    Timestamp::UNIX_EPOCH.saturating_add(far).unwrap_or(Timestamp::MAX)
}
