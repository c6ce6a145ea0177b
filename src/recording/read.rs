//! Reads a recording, line by line and every line bounded: the file may be anything.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use roundsman_checks::world::{CertificateChain, World};
use serde::Deserialize;

use super::{Head, Line, Recording, RecordingError};
use crate::schema::{OLD_RECORDING, RECORDING};

/// The longest line, in bytes: the platform's word about a hundred thousand apps.
const MAX_LINE: u64 = 256 << 20;
/// Most lines: chains, tenants, and a baseline's tenants.
const MAX_LINES: usize = 1_000_000;
/// How many times its own size a file may unpack to; a small one to 256 MiB all the same.
const MOST_UNPACKED: u64 = 200;
const ALWAYS_UNPACKED: u64 = 256 << 20;

/// Reads a file.
///
/// # Errors
/// [`RecordingError`] where it can't be read, is no recording, is of another version, or is not whole.
pub fn read(path: &Path) -> Result<Recording, RecordingError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| RecordingError::Unreadable {
        path: name.clone(),
        source,
    })?;
    let size = file.metadata().map_or(0, |data| data.len());
    let most = size.saturating_mul(MOST_UNPACKED).max(ALWAYS_UNPACKED);
    parse_at_most(BufReader::new(file), &name, most)
}

/// The same for the bytes of a file that unpacks to 256 MiB at most.
///
/// # Errors
/// As [`read`].
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn parse(from: impl BufRead, name: &str) -> Result<Recording, RecordingError> {
    parse_at_most(from, name, ALWAYS_UNPACKED)
}

fn parse_at_most(from: impl BufRead, name: &str, most: u64) -> Result<Recording, RecordingError> {
    let mut lines = Lines {
        from: BufReader::new(MultiGzDecoder::new(from).take(most.saturating_add(1))),
        name,
        line: 0,
        left: most,
    };
    let mut head = head(&mut lines)?;
    let mut of_baseline = 0;
    let (mut roots, mut world) = (None::<CertificateChain>, None::<World>);
    loop {
        let Some(text) = lines.next()? else {
            return Err(lines.damaged("the last line is missing"));
        };
        let line = serde_json::from_str::<Line>(&text).map_err(|error| lines.damaged(error))?;
        match (line, &mut world) {
            (Line::Baseline(tenant, known), _) => {
                let baseline = head.demand.baseline.as_mut().map(Arc::make_mut);
                if !baseline.is_some_and(|baseline| baseline.insert(tenant, known)) {
                    return Err(lines.damaged("no baseline speaks of this tenant, or twice"));
                }
                of_baseline += 1;
            }
            (Line::Roots(anchors), _) => roots = Some(anchors),
            (Line::World(seen), _) => world = Some(*seen),
            (Line::Chain(id, presented), Some(world)) => {
                world.chains.insert(id, presented);
            }
            (Line::Tenant(tenant), Some(world)) => world.tenants.push(*tenant),
            (
                Line::End {
                    chains,
                    tenants,
                    baseline,
                },
                Some(seen),
            ) => {
                if (seen.chains.len(), seen.tenants.len(), of_baseline) != (chains, tenants, baseline) {
                    return Err(lines.damaged("lines before it are missing"));
                }
                break;
            }
            (_, None) => return Err(lines.damaged("what the fleet showed is missing before it")),
        }
    }
    match (roots, world) {
        (Some(roots), Some(world)) => Ok(Recording {
            started: head.started_at,
            finished: head.finished_at,
            demand: head.demand,
            roots,
            world,
        }),
        _ => Err(lines.damaged("the trust anchors are missing")),
    }
}

/// The first line decides what a file is: it is read for its version first, and then as a whole.
fn head(lines: &mut Lines<'_, impl BufRead>) -> Result<Head, RecordingError> {
    #[derive(Deserialize)]
    struct Version {
        recording: String,
        roundsman: Option<String>,
    }
    let foreign = |why: String| RecordingError::Foreign {
        path: lines.name.to_owned(),
        why,
    };
    let text = match lines.raw() {
        Ok(Some(text)) => text,
        Ok(None) => return Err(foreign("it is empty".into())),
        Err(error) => return Err(foreign(format!("it is not gzipped text: {error}"))),
    };
    let version = serde_json::from_str::<Version>(&text)
        .map_err(|_| foreign("its first line does not name a recording".into()))?;
    if ![RECORDING, OLD_RECORDING].contains(&version.recording.as_str()) {
        return Err(RecordingError::Version {
            path: lines.name.to_owned(),
            found: version.recording,
            by: version.roundsman.unwrap_or_else(|| "unknown".into()),
        });
    }
    serde_json::from_str(&text).map_err(|error| lines.damaged(error))
}

struct Lines<'n, R> {
    from: R,
    name: &'n str,
    line: usize,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<R: BufRead> Lines<'_, R> {
    fn next(&mut self) -> Result<Option<String>, RecordingError> {
        self.raw().map_err(|error| self.damaged(error))
    }

    fn raw(&mut self) -> io::Result<Option<String>> {
        self.line += 1;
        if self.line > MAX_LINES {
            return Err(io::Error::other(format!("there are more than {MAX_LINES} lines")));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.from).take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        let unpacked = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self
            .left
            .checked_sub(unpacked)
            .ok_or_else(|| io::Error::other("it unpacks to too much"))?;
        if bytes.pop() != Some(b'\n') {
            return Err(io::Error::other("the line does not end"));
        }
        String::from_utf8(bytes).map(Some).map_err(io::Error::other)
    }

    fn damaged(&self, why: impl std::fmt::Display) -> RecordingError {
        RecordingError::Damaged {
            path: self.name.to_owned(),
            line: self.line,
            why: why.to_string(),
        }
    }
}
