//! Answers of a collector of OTLP. The first byte chooses the signal and how it is spoken to, the next two the status; fields
//! follow, a line each, and behind an empty line the body.

use roundsman::fuzzing::{Collected, collector};
use roundsman::telemetry::otlp::Signal;

/// What is sent with every request.
const TOKEN: &str = "Bearer hunter2-KEY";

pub(crate) fn read(input: &[u8]) {
    let Some((&[choice, high, low], rest)) = input.split_first_chunk() else {
        return;
    };
    let end = rest.windows(2).position(|end| end == b"\n\n");
    let (head, body) = match end {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &[][..]),
    };
    let field = |line: &'_ [u8]| -> Option<(usize, usize)> {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((colon, colon + 1))
    };
    let fields = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let (name, value) = field(line)?;
        Some((&line[..name], line[value..].trim_ascii()))
    });
    let told = collector(&Collected {
        signal: Signal::ALL[usize::from(choice) % 3],
        grpc: choice / 3 % 2 == 1,
        token: TOKEN,
        status: u16::from_be_bytes([high, low]),
        fields: fields.collect(),
        body,
    });
    assert!(!told.contains("hunter2-KEY"), "a key is shown: {told}");
    assert!(told.len() < 4096, "more is told than a line: {told}");
}
