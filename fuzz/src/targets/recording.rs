//! Recordings: read, judged again, reported in every form and told hop by hop. The lines stand in the corpus as they are,
//! and are packed here; what begins as a packed file does is taken for one.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use roundsman::agent::Round;
use roundsman::fuzzing::{json, recording};
use roundsman::gate::exit_code;
use roundsman::report::{self, COMMENT_LIMIT, Report};
use roundsman::text::Style;
use roundsman::trace::{self, Setting, Trace};
use roundsman_checks::chain::TrustStore;
use roundsman_checks::{diagnose, rejudge};
use rustls_pki_types::CertificateDer;

const PACKED: [u8; 2] = [0x1f, 0x8b];

pub(crate) fn read(input: &[u8]) {
    let packed = if input.starts_with(&PACKED) {
        input.to_vec()
    } else {
        packed(input)
    };
    let recording = match recording(&packed) {
        Ok(recording) => recording,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    let mut world = recording.world;
    let roots = recording.roots.0.iter().map(|der| CertificateDer::from(der.clone()));
    if let Ok(anchors) = TrustStore::new(roots) {
        rejudge::judge_chains(&mut world, &anchors);
    }
    let round = Round {
        diagnosis: diagnose(&world),
        world,
        started: recording.started,
        finished: recording.finished,
    };
    let code = exit_code(&round.diagnosis, &recording.demand);
    let report = Report::new(&round, &recording.demand, code);
    let wide = Style::default();
    let narrow = Style {
        colour: true,
        width: Some(40),
        ..Style::default()
    };
    let plain = Style {
        ascii: true,
        all: true,
        ..narrow
    };
    for style in [wide, narrow, plain] {
        let _ = report::human(&report, style);
    }
    let _ = report::junit(&report);
    let _ = report::github(&report, wide, "token");
    let _ = report::markdown(&report, COMMENT_LIMIT);
    let _ = report::markdown(&report, 1000);
    let _ = json(&report);
    if let Some(trace) = Trace::new(&round, report, &Setting::default()) {
        for style in [wide, narrow, plain] {
            let _ = trace::render(&trace, style);
        }
        let _ = json(&trace);
    }
}

fn packed(input: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(input.len() + 64), Compression::none());
    // Nothing fails that is written to memory.
    let _ = encoder.write_all(input);
    encoder.finish().unwrap_or_default()
}
