//! What is read from lines, and whose they are.
#![expect(clippy::expect_used, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

fn line(app: &str, message: &str, at: i64) -> LogLine {
    LogLine {
        at: Timestamp::from_millisecond(at).ok(),
        app: app.to_owned(),
        message: message.to_owned(),
        error_code: error_code(message).map(str::to_owned),
        ..LogLine::default()
    }
}

fn host(name: &str) -> Hostname {
    Hostname::parse(name).expect("a name")
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).expect("a moment")
}

/// Joins the lines to a request for `abc.example.com/` under way from 10.0 s to 10.1 s.
fn joined(lines: &[LogLine], id: Option<&str>, others: &[(i64, i64)]) -> (Vec<(By, String)>, usize) {
    let others = others
        .iter()
        .map(|(from, until)| (moment(*from), moment(*until)))
        .collect::<Vec<_>>();
    let request = Request {
        id,
        host: &host("abc.example.com"),
        domain: &host("example.com"),
        path: "/",
        during: (moment(10_000), moment(10_100)),
        others,
    };
    let joined = join(lines, &request, "sp-abc");
    let told = joined.lines.iter().map(|(by, line)| (*by, line.message.clone()));
    (told.collect(), joined.unclear.len())
}

const REPLAY: &str = "INFO Replaying request to tenant app subdomain=abc fly_app=sp-abc";
const GOT: &str = "INFO Request received path=/ method=GET";

#[test]
fn a_replay_is_read_however_the_logger_writes_it() {
    let expected = Replay {
        subdomain: "abc".into(),
        app: "sp-xyz".into(),
    };
    for message in [
        "INFO Replaying request to tenant app subdomain=abc fly_app=sp-xyz",
        "2026-11-24T09:39:13Z  INFO api::edge: Replaying request to tenant app subdomain=ABC fly_app=sp-xyz",
        "INFO request{path=/x method=GET}: Replaying request to tenant app subdomain=\"abc\" fly_app=\"sp-xyz\" took=3",
        "\x1b[32m INFO\x1b[0m Replaying request to tenant app \x1b[3msubdomain\x1b[0m\x1b[2m=\x1b[0mabc fly_app=sp-xyz",
        r#"{"level":"INFO","fields":{"message":"Replaying request to tenant app","subdomain":"abc","fly_app":"sp-xyz"}}"#,
    ] {
        assert_eq!(Replay::read(message).as_ref(), Some(&expected), "{message}");
    }
}

#[test]
fn what_a_visitor_wrote_into_a_value_is_no_replay() {
    for message in [
        "INFO Request received path=/Replaying request to tenant app subdomain=abc fly_app=sp-evil method=GET",
        "WARN agent=\"Replaying request to tenant app subdomain=abc fly_app=sp-evil\"",
        r#"{"path":"Replaying request to tenant app subdomain=abc fly_app=sp-evil","message":"Request received"}"#,
        "INFO Replaying request to tenant app subdomain=abc",
        "INFO got agent=x}: Replaying request to tenant app subdomain=abc fly_app=sp-evil",
        "INFO r{p=/}: Replaying request to tenant app subdomain=a fly_app=b}: Replaying request to tenant app subdomain=abc \
         fly_app=sp-abc",
        "INFO Replaying request to tenant app fly_app=sp-abc subdomain=",
    ] {
        assert_eq!(Replay::read(message), None, "{message}");
    }
}

#[test]
fn a_refusal_is_known_by_its_code() {
    assert_eq!(error_code("[PR03] could not find a good candidate"), Some("PR03"));
    for message in [
        "PR03 without brackets",
        "[pr03] x",
        "[PR3] x",
        "[INFO] x",
        "",
        "[Pé03] x",
    ] {
        assert_eq!(error_code(message), None, "{message}");
    }
}

#[test]
fn a_lines_host_is_that_of_its_url() {
    let url = |url: &str| LogLine {
        url: Some(url.to_owned()),
        ..LogLine::default()
    };
    let name = host("abc.example.com");
    assert!(names(&url("https://ABC.example.com:443/x"), &name) && names(&url("https://abc.example.com?x"), &name));
    assert!(!names(&url("https://evil.example/abc.example.com"), &name) && !names(&LogLine::default(), &name));
}

#[test]
fn the_id_decides_where_a_line_carries_one() {
    let mut ours = line("edge", "[PA04] could not find target app", 99_000);
    ours.request_id = Some("01abc".into());
    let mut theirs = line("edge", REPLAY, 10_050);
    theirs.request_id = Some("01XYZ-lhr".into());
    let (lines, unclear) = joined(&[theirs, ours], Some("01ABC-fra"), &[]);
    let expected = vec![(By::RequestId, "[PA04] could not find target app".to_owned())];
    assert_eq!((lines, unclear), (expected, 0));
}

#[test]
fn without_an_id_name_and_time_must_fit_one_line_alone() {
    let lines = [line("edge", REPLAY, 10_010), line("sp-abc", GOT, 10_020)];
    let expected = vec![(By::HostAndTime, REPLAY.to_owned()), (By::PathAndTime, GOT.to_owned())];
    assert_eq!(joined(&lines, Some("01ABC"), &[]), (expected, 0));
    let twice = [line("edge", REPLAY, 10_010), line("edge", REPLAY, 10_200)];
    assert_eq!(joined(&twice, Some("01ABC"), &[]), (vec![], 2));
    // What is a second away may be anybody's; beside a line that fits it says nothing.
    let early = [line("edge", REPLAY, 9_000)];
    assert_eq!(joined(&early, None, &[]), (vec![], 1));
    let both = [line("edge", REPLAY, 9_000), line("edge", REPLAY, 10_010)];
    assert_eq!(
        joined(&both, None, &[]),
        (vec![(By::HostAndTime, REPLAY.to_owned())], 0)
    );
}

#[test]
fn another_name_path_app_or_time_is_anothers_line() {
    let lines = [
        line("edge", &REPLAY.replace("subdomain=abc", "subdomain=abd"), 10_010),
        line("sp-abc", &GOT.replace("path=/", "path=/health"), 10_010),
        line("sp-abd", GOT, 10_010),
        line("edge", REPLAY, 13_000),
        line("edge", "[PR03] could not find a good candidate", 10_010),
        line("sp-abc", "ERROR the database is gone", 10_010),
    ];
    assert_eq!(joined(&lines, None, &[]), (vec![], 0));
}

#[test]
fn what_is_nearer_to_another_request_of_ours_is_that_ones() {
    let lines = [line("sp-abc", GOT, 10_020), line("sp-abc", GOT, 10_520)];
    let (found, unclear) = joined(&lines, None, &[(10_500, 10_600)]);
    assert_eq!((found.len(), unclear), (1, 0));
    // The other's line is late, or never came.
    assert_eq!(joined(&lines[..1], None, &[(10_500, 10_600)]).0.len(), 1);
    assert_eq!(joined(&lines[1..], None, &[(10_300, 10_600)]), (vec![], 1));
}

#[test]
fn as_many_lines_as_requests_of_ours_are_theirs_in_their_order() {
    // Both clocks are 3 ms apart: alone, each line would be nearer to the first request.
    let mut lines = [line("edge", REPLAY, 10_096), line("edge", REPLAY, 10_098)];
    lines[1].instance = Some("second".into());
    let joined = |others: &[(i64, i64)]| {
        let (found, unclear) = joined(&lines, None, others);
        (found.len(), unclear)
    };
    assert_eq!(joined(&[(10_101, 10_105)]), (1, 0));
    assert_eq!(joined(&[]), (0, 2));
    assert_eq!(joined(&[(10_101, 10_105), (10_106, 10_110)]), (0, 2));
}

#[test]
fn lines_that_may_be_anothers_are_kept_oldest_first() {
    let lines = [10_090, 10_010, 10_050].map(|at| line("edge", REPLAY, at));
    let request = Request {
        id: None,
        host: &host("abc.example.com"),
        domain: &host("example.com"),
        path: "/",
        during: (moment(10_000), moment(10_100)),
        others: Vec::new(),
    };
    let unclear = join(&lines, &request, "sp-abc").unclear;
    assert_eq!(unclear, [&lines[1], &lines[2], &lines[0]]);
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(message in "\\PC{0,200}|(\\x1b\\[[0-9;]{0,4}m?|[ =\",{}:a-z]){0,60}") {
        let _ = (Replay::read(&message), Received::read(&message), error_code(&message));
        let _ = Replay::read(&format!("INFO {REPLAYING}{message}"));
    }

    #[test]
    fn a_line_with_another_id_is_never_claimed(at in 0_i64..30_000, ours in "[0-9A-Z]{26}", theirs in "[0-9A-Z]{26}") {
        prop_assume!(ours != theirs);
        let mut foreign = line("edge", REPLAY, at);
        foreign.request_id = Some(theirs);
        prop_assert_eq!(joined(&[foreign], Some(&ours), &[]), (vec![], 0));
    }

    #[test]
    fn no_line_is_claimed_twice_and_none_from_afar(times in prop::collection::vec(0_i64..30_000, 0..6)) {
        let lines = times.iter().map(|at| line("edge", REPLAY, *at)).collect::<Vec<_>>();
        let within = |from: i64, until: i64| times.iter().filter(|at| (from..=until).contains(*at)).count();
        let (near, about) = (within(9_750, 10_350), within(8_000, 12_100));
        let (found, unclear) = joined(&lines, None, &[]);
        let expected = if near == 1 { (1, 0) } else { (0, about) };
        prop_assert_eq!((found.len(), unclear), expected);
    }
}
