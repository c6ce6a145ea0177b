//! What a recording will hold of tenants that are well: written as soon as it is judged, so that a round need not keep
//! it until its end.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use roundsman_checks::diagnosis::FleetFinding;
use roundsman_checks::target::TenantId;
use roundsman_checks::world::TenantEvidence;

use crate::agent::Observer;

/// Spool of evidence, in a file without a name that ends with it.
pub(super) struct Spool(Mutex<Pieces>);

struct Pieces {
    file: File,
    /// Where each tenant's piece begins, and how long it is, in bytes.
    places: HashMap<TenantId, (u64, u64)>,
    end: u64,
    failed: Option<io::Error>,
}

impl Spool {
    /// A spool beside the file that its evidence is for: temporary directories are memory on many systems.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let here = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = tempfile::tempfile_in(here.unwrap_or(Path::new(".")));
        Ok(Self(Mutex::new(Pieces {
            // A recording may go to a device, whose directory takes no file.
            file: file.or_else(|_| tempfile::tempfile())?,
            places: HashMap::new(),
            end: 0,
            failed: None,
        })))
    }

    /// Takes in what was seen of a tenant. What can't be written is told when the recording is.
    pub(super) fn push(&self, evidence: &TenantEvidence) {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pieces.failed.is_none() {
            let pushed = pieces.push(evidence);
            pieces.failed = pushed.err();
        }
    }

    /// Hands out what was taken in.
    pub(super) fn into_pieces(self) -> io::Result<impl FnMut(&TenantId) -> io::Result<Option<Vec<u8>>>> {
        let mut pieces = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        match pieces.failed.take() {
            Some(error) => Err(error),
            None => Ok(move |id: &TenantId| pieces.read(id)),
        }
    }
}

impl Pieces {
    fn push(&mut self, evidence: &TenantEvidence) -> io::Result<()> {
        let mut piece = DeflateEncoder::new(Vec::new(), Compression::fast());
        serde_json::to_writer(&mut piece, evidence)?;
        let piece = piece.finish()?;
        self.file.write_all(&piece)?;
        let length = piece.len() as u64;
        self.places.insert(evidence.tenant.id.clone(), (self.end, length));
        self.end += length;
        Ok(())
    }

    fn read(&mut self, id: &TenantId) -> io::Result<Option<Vec<u8>>> {
        let Some((start, length)) = self.places.get(id).copied() else {
            return Ok(None);
        };
        self.file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        DeflateDecoder::new((&mut self.file).take(length)).read_to_end(&mut text)?;
        Ok(Some(text))
    }
}

/// Observer that keeps what a round drops, and shows what another shows.
pub struct Spooling<'s> {
    pub(super) spool: &'s Spool,
    pub(super) shown: &'s dyn Observer,
}

impl Observer for Spooling<'_> {
    fn stage(&self, name: &'static str, steps: usize) {
        self.shown.stage(name, steps);
    }

    fn step(&self) {
        self.shown.step();
    }

    fn fleet(&self, findings: &[FleetFinding]) {
        self.shown.fleet(findings);
    }

    fn forgets(&self, evidence: &TenantEvidence) {
        self.spool.push(evidence);
    }
}
