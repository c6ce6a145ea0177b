//! DNS messages, taken for the answer to a question. The first byte chooses the type that was asked for.

use roundsman_checks::evidence::RecordKind;
use roundsman_checks::probe::fuzzing::dns_answer;

use crate::peer::NAME;

const KINDS: [RecordKind; 4] = [RecordKind::A, RecordKind::Cname, RecordKind::Caa, RecordKind::Https];

pub(crate) fn read(input: &[u8]) {
    let Some((choice, message)) = input.split_first() else {
        return;
    };
    let kind = KINDS[usize::from(*choice) % KINDS.len()];
    let _ = dns_answer(message, NAME, kind);
}
