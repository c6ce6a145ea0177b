//! A recording is read as it was written, and anything else is one clear error.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{BufRead as _, BufReader, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::write::write;
use super::*;

/// A world of the judging crate's tests, with tenants.
fn recording() -> Recording {
    #[derive(serde::Deserialize)]
    struct Recorded {
        world: World,
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/checks/tests/data/worlds.jsonl.gz");
    let lines = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap())).lines();
    let first = lines.map(|line| line.unwrap()).next().unwrap();
    let world = serde_json::from_str::<Recorded>(&first).unwrap().world;
    Recording {
        started: "2026-11-20T10:00:00Z".parse().unwrap(),
        finished: "2026-11-20T10:00:02Z".parse().unwrap(),
        demand: GatePolicy::default(),
        roots: CertificateChain(vec![vec![1, 2, 3]]),
        world,
    }
}

fn written() -> Vec<u8> {
    bytes_of(recording())
}

fn bytes_of(recording: Recording) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, recording, |_| Ok(None)).unwrap();
    bytes
}

fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}

/// A demand whose baseline speaks of so many tenants.
fn against_a_baseline_of(count: usize) -> GatePolicy {
    let known = serde_json::json!({
        "status": "failing",
        "causes": { "app-stopped": "fail" },
        "checks": { "app": ["fail", "platform/stopped"], "dns": ["pass", null] },
    });
    let tenants = (0..count).map(|at| (format!("t{at}"), known.clone()));
    let baseline = serde_json::json!({
        "finished_at": "2026-11-20T09:00:00Z",
        "tenants": tenants.collect::<serde_json::Map<_, _>>(),
        "fleet": { "edge": ["warn", "site-slow"] },
        "fleet_causes": {},
    });
    serde_json::from_value(serde_json::json!({ "tenants_only": true, "baseline": baseline })).unwrap()
}

fn zipped(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

fn refused(bytes: &[u8]) -> String {
    read::parse(bytes, "FILE").unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read() {
    let read = read::parse(written().as_slice(), "FILE").unwrap();
    let wrote = recording();
    assert_eq!(read.world, wrote.world);
    assert_eq!(
        (read.demand, read.roots, read.finished),
        (wrote.demand, wrote.roots, wrote.finished)
    );
}

#[test]
fn what_a_round_drops_stands_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("round.jsonl.gz");
    let whole = recording();
    let recorder = Recorder::open(&path).unwrap();
    let kept = recorder.observer(&crate::agent::NoProgress);
    let mut dropped = whole.clone();
    // Judged in another order than they stand in.
    for tenant in dropped.world.tenants.iter_mut().skip(1).rev() {
        crate::agent::Observer::forgets(&kept, tenant);
        tenant.visits.clear();
    }
    assert!(dropped.world != whole.world);
    recorder.write(dropped).unwrap();
    assert_eq!(read(&path).unwrap().world, whole.world);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_baseline_has_a_line_for_each_of_its_tenants() {
    let demand = against_a_baseline_of(1000);
    let bytes = bytes_of(Recording {
        demand: demand.clone(),
        ..recording()
    });
    assert_eq!(read::parse(bytes.as_slice(), "FILE").unwrap().demand, demand);
    let text = unzipped(&bytes);
    let of_baseline = text.lines().filter(|line| line.starts_with("{\"baseline\":"));
    assert_eq!(of_baseline.clone().count(), 1000);
    let longest = text.lines().take(1).chain(of_baseline).map(str::len).max().unwrap();
    assert!(longest < 1024, "{longest}");
    assert!(text.lines().next_back().unwrap().contains("\"baseline\":1000"));
}

#[test]
fn a_baseline_in_the_first_line_is_read_as_it_was_written() {
    let demand = against_a_baseline_of(3);
    let text = unzipped(&written());
    let (_, rest) = text.split_once('\n').unwrap();
    let head = serde_json::json!({
        "recording": "roundsman.recording/1",
        "roundsman": "0.1.0",
        "started_at": "2026-11-20T10:00:00Z",
        "finished_at": "2026-11-20T10:00:02Z",
        "demand": demand,
    });
    let read = read::parse(zipped(&format!("{head}\n{rest}")).as_slice(), "FILE").unwrap();
    assert_eq!(read.demand, demand);
}

#[test]
fn a_tenant_of_no_baseline_is_refused() {
    let text = unzipped(&bytes_of(Recording {
        demand: against_a_baseline_of(1),
        ..recording()
    }));
    let (head, rest) = text.split_once('\n').unwrap();
    let (line, _) = rest.split_once('\n').unwrap();
    let twice = refused(&zipped(&format!("{head}\n{line}\n{rest}")));
    assert!(twice.contains("line 3") && twice.contains("twice"), "{twice}");
    let (other, _) = unzipped(&written())
        .split_once('\n')
        .map(|(head, rest)| (head.to_owned(), rest.to_owned()))
        .unwrap();
    let none = refused(&zipped(&format!("{other}\n{rest}")));
    assert!(none.contains("no baseline speaks"), "{none}");
}

#[test]
fn the_lines_are_named_as_they_always_were() {
    let json = |value: &serde_json::Value| value.to_string() + "\n";
    let mut world = serde_json::to_value(recording().world).unwrap();
    let (chains, tenants) = (world["chains"].take(), world["tenants"].take());
    (world["chains"], world["tenants"]) = (serde_json::json!({}), serde_json::json!([]));
    let (chains, tenants) = (chains.as_object().unwrap(), tenants.as_array().unwrap());
    let mut text = concat!(
        r#"{"recording":"roundsman.recording/1","roundsman":"0.1.0","started_at":"2026-11-20T10:00:00Z","#,
        r#""finished_at":"2026-11-20T10:00:02Z","demand":{"tenants_only":true}}"#,
        "\n",
        r#"{"roots":["AQID"]}"#,
        "\n",
    )
    .to_owned();
    text += &json(&serde_json::json!({ "world": world }));
    chains
        .iter()
        .for_each(|chain| text += &json(&serde_json::json!({ "chain": chain })));
    tenants
        .iter()
        .for_each(|tenant| text += &json(&serde_json::json!({ "tenant": tenant })));
    text += &json(&serde_json::json!({ "end": { "chains": chains.len(), "tenants": tenants.len() } }));
    let read = read::parse(zipped(&text).as_slice(), "FILE").unwrap();
    assert_eq!(read.world, recording().world);
    assert!(read.demand.tenants_only);
}

#[test]
fn a_file_that_was_cut_off_is_no_recording() {
    let whole = written();
    for part in [1, 9, 50, 90, 99] {
        let error = refused(&whole[..whole.len() * part / 100]);
        assert!(error.contains("FILE"), "{part} %: {error}");
    }
    let error = refused(&whole[..whole.len() - 20]);
    assert!(error.contains("damaged or was cut off"), "{error}");
}

#[test]
fn lines_that_are_missing_are_noticed() {
    let whole = Recording {
        demand: against_a_baseline_of(3),
        ..recording()
    };
    let text = unzipped(&bytes_of(whole));
    let lines = text.lines().collect::<Vec<_>>();
    let without = |at: usize| {
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != at);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    for at in 1..lines.len() {
        let error = refused(&zipped(&without(at)));
        assert!(error.contains("missing"), "without line {}: {error}", at + 1);
    }
}

#[test]
fn what_is_no_recording_says_why() {
    assert!(refused(b"").contains("is no recording"));
    assert!(refused(b"{\"recording\":1}").contains("not gzipped"));
    assert!(refused(&zipped("")).contains("it is empty"));
    assert!(refused(&zipped("[]\n")).contains("does not name a recording"));
    let newer = refused(&zipped(
        "{\"recording\":\"roundsman.recording/7\",\"roundsman\":\"9.9.9\"}\n",
    ));
    assert!(
        newer.contains("roundsman.recording/7") && newer.contains("9.9.9"),
        "{newer}"
    );
    let odd = refused(&zipped(
        "{\"recording\":\"roundsman.recording/1\",\"roundsman\":\"0.1.0\"}\n",
    ));
    assert!(odd.contains("line 1"), "{odd}");
}

#[test]
fn a_recording_that_unpacks_to_too_much_is_refused() {
    let head = "{\"recording\":\"roundsman.recording/1\",\"roundsman\":\"0.1.0\",\"started_at\":\"2026-11-20T10:00:00Z\",\"finished_at\":\"2026-11-20T10:00:02Z\",\"demand\":{}}\n";
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(head.as_bytes()).unwrap();
    let line = format!("{{\"roots\":[\"{}\"]}}\n", "A".repeat(1 << 20));
    for _ in 0..300 {
        out.write_all(line.as_bytes()).unwrap();
    }
    let error = refused(&out.finish().unwrap());
    assert!(
        error.contains("unpacks to too much") || error.contains("does not end"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_recording_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("round.jsonl.gz");
    Recorder::open(&path).unwrap().write(recording()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
