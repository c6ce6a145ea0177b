//! Lines that wait for the disk: whoever reads that an incident opened finds it there, whatever happens to the process
//! after that. While nothing can be written they do not wait: better said and not kept than neither.

use std::collections::VecDeque;

use super::log::Line;
use crate::store::Progress;

/// The lines that wait, in order.
#[derive(Debug, Default)]
pub(super) struct Unsaid(VecDeque<(u64, Vec<Line>)>);

impl Unsaid {
    /// These wait for the write of this number.
    pub(super) fn wait_for(&mut self, number: u64, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.0.push_back((number, lines));
        }
    }

    /// What is to be said by how far the writer came.
    pub(super) fn said_by(&mut self, progress: &Progress) -> Vec<Line> {
        let ready = |number: u64| number <= progress.synced || progress.trouble.is_some();
        let count = self.0.iter().take_while(|(number, _)| ready(*number)).count();
        self.0.drain(..count).flat_map(|(_, lines)| lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::daemon::log::info;

    #[test]
    fn what_is_said_is_on_the_disk_or_cant_be() {
        let mut unsaid = Unsaid::default();
        for number in [1, 3] {
            unsaid.wait_for(number, vec![info(Timestamp::UNIX_EPOCH, &format!("line {number}"))]);
        }
        let progress = |synced, trouble: Option<&str>| Progress {
            synced,
            trouble: trouble.map(ToOwned::to_owned),
        };
        let mut said = |progress: &Progress| {
            let lines = unsaid.said_by(progress).into_iter();
            lines.map(|line| line.message).collect::<Vec<_>>()
        };
        assert_eq!(said(&progress(0, None)), [""; 0]);
        assert_eq!(said(&progress(2, None)), ["line 1"]);
        assert_eq!(said(&progress(2, Some("full"))), ["line 3"]);
    }
}
