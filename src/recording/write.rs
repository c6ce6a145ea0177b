//! Writes a recording. The file is opened before the round begins, so that its evidence is not lost after it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use roundsman_checks::target::TenantId;
use serde::Serialize;

use super::spool::{Spool, Spooling};
use super::{Head, Line, Recording, RecordingError};
use crate::agent::Observer;
use crate::gate::Baseline;
use crate::replace::replace;
use crate::schema::RECORDING;

/// A file that will hold a recording.
pub struct Recorder {
    path: PathBuf,
    file: File,
    spool: Spool,
}

impl Recorder {
    /// Opens the file, and changes nothing in it yet.
    ///
    /// # Errors
    /// [`RecordingError::Unwritable`] where it can't be written.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false);
        // It holds pages of tenants, and all that the platform says.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path);
        let opened = file.and_then(|file| Ok((file, Spool::beside(path)?)));
        let (file, spool) = opened.map_err(|source| RecordingError::Unwritable {
            path: path.display().to_string(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            spool,
        })
    }

    /// An observer that keeps for the recording what a round drops, and shows what `shown` does.
    #[must_use]
    pub fn observer<'s>(&'s self, shown: &'s dyn Observer) -> Spooling<'s> {
        Spooling {
            spool: &self.spool,
            shown,
        }
    }

    /// Writes the recording in the place of whatever stood there.
    ///
    /// # Errors
    /// [`RecordingError::Unwritable`], such as a full disk.
    pub fn write(self, recording: Recording) -> Result<(), RecordingError> {
        let Self { path, file, spool } = self;
        let dropped = spool.into_pieces();
        let written = dropped.and_then(|dropped| replace(&path, file, |out| write(out, recording, dropped)));
        written.map_err(|source| RecordingError::Unwritable {
            path: path.display().to_string(),
            source,
        })
    }
}

/// Writes all of it; `dropped` has what a round did not keep of a tenant.
pub(super) fn write(
    to: impl Write,
    recording: Recording,
    mut dropped: impl FnMut(&TenantId) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<()> {
    let mut out = GzEncoder::new(to, Compression::default());
    let mut world = recording.world;
    let (chains, tenants) = (std::mem::take(&mut world.chains), std::mem::take(&mut world.tenants));
    let mut demand = recording.demand;
    let baseline = demand.baseline.as_mut().map(Arc::make_mut);
    let known = baseline.map(Baseline::take_tenants).unwrap_or_default();
    line(
        &mut out,
        &Head {
            recording: RECORDING.to_owned(),
            roundsman: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: recording.started,
            finished_at: recording.finished,
            demand,
        },
    )?;
    let end = Line::End {
        chains: chains.len(),
        tenants: tenants.len(),
        baseline: known.len(),
    };
    for (tenant, known) in known {
        line(&mut out, &Line::Baseline(tenant, known))?;
    }
    line(&mut out, &Line::Roots(recording.roots))?;
    line(&mut out, &Line::World(Box::new(world)))?;
    for (id, presented) in chains {
        line(&mut out, &Line::Chain(id, presented))?;
    }
    for tenant in tenants {
        match dropped(&tenant.tenant.id)? {
            // As the line of a tenant is tagged.
            Some(text) => [&b"{\"tenant\":"[..], &text, b"}\n"]
                .into_iter()
                .try_for_each(|part| out.write_all(part))?,
            None => line(&mut out, &Line::Tenant(Box::new(tenant)))?,
        }
    }
    line(&mut out, &end)?;
    out.finish()?.flush()
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
