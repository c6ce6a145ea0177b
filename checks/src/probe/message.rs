//! DNS messages: questions written, answers read. Sends nothing.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::dns::Question;
use super::unguessable;
use crate::evidence::{DnsRecord, DnsReply, Reason, RecordKind, StepStatus};

/// The payload that a UDP answer may have: it fits every path without fragments (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// The message that asks it.
pub(super) fn message(question: Question<'_>) -> Result<Message, StepStatus> {
    let unwritable = |error: ProtoError| StepStatus::failed(Reason::DnsNxdomain, error.to_string());
    let mut name = Name::from_ascii(question.name).map_err(unwritable)?;
    name.set_fqdn(true);
    let mut message = Message::new(unguessable::id(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = question.recursion;
    message.metadata.checking_disabled = question.checking_disabled;
    // Without DO a resolver says that it validated only to who asks for it (RFC 6840, section 5.7).
    message.metadata.authentic_data = question.recursion;
    message.add_query(Query::query(name, record_type(question.kind)));
    // No DO bit: with it signed zones may answer NODATA for a name that does not exist (RFC 9824).
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD).set_version(0);
    message.edns = Some(edns);
    Ok(message)
}

/// The codes of servers that may leave out the question that they can't or won't read: FORMERR, SERVFAIL, NOTIMP, REFUSED.
const UNREAD: [u16; 4] = [1, 2, 4, 5];

/// The answer to `query`; `None` where the bytes are something else. An answer has its question (RFC 5452, section 9.1): who
/// forges one without it would have to guess the id and the port only, of whatever was asked.
pub(super) fn parse(bytes: &[u8], query: &Message) -> Option<Message> {
    if !bytes.starts_with(&query.metadata.id.to_be_bytes()) || !fits(bytes) {
        return None;
    }
    let answer = Message::from_vec(bytes).ok()?;
    let unread = answer.queries.is_empty() && UNREAD.contains(&u16::from(answer.metadata.response_code));
    let echoed = unread || answer.queries == query.queries;
    (answer.metadata.message_type == MessageType::Response && echoed).then_some(answer)
}

/// Where the question stands in a message: behind the header, in front of what is known of the server.
const HEADER: usize = 12;
/// The shortest question and the shortest record, in bytes (RFC 1035, sections 4.1.2 and 4.1.3).
const QUESTION: usize = 5;
const RECORD: usize = 11;

/// Whether there is room for as many questions and records as the header counts. The library makes room for all of them
/// before it reads the first: megabytes for a datagram of a few bytes.
fn fits(bytes: &[u8]) -> bool {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
        return false;
    };
    let count = |at: usize| usize::from(header[at]) << 8 | usize::from(header[at + 1]);
    count(4) * QUESTION + (count(6) + count(8) + count(10)) * RECORD <= rest.len()
}

/// Whether the bytes answer the question of `asked`, as it was sent: the same id, the response bit, and the question
/// itself, in any case of its letters.
pub(super) fn answers(bytes: &[u8], asked: &[u8]) -> bool {
    // The name ends with an empty label; type and class follow. A question is written without compression.
    let name = asked
        .get(HEADER..)
        .and_then(|rest| rest.iter().position(|byte| *byte == 0));
    let Some(end) = name.map(|length| HEADER + length + 5) else {
        return false;
    };
    let question = |bytes: &[u8]| bytes.get(HEADER..end).map(<[u8]>::to_ascii_lowercase);
    let response = bytes.get(2).is_some_and(|flags| flags & 0x80 != 0);
    bytes.get(..2) == asked.get(..2)
        && response
        && bytes.get(4..6) == Some(&[0, 1])
        && question(bytes) == question(asked)
}

/// An answer that says of itself that it is truncated, and ends in the middle of a record: as old servers cut it.
pub(super) fn cut(bytes: &[u8], query: &Message, asked: &[u8]) -> Option<Message> {
    let truncated = bytes.get(2).is_some_and(|flags| flags & 0x02 != 0);
    let mut answer = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.truncation = true;
    (truncated && answers(bytes, asked)).then_some(answer)
}

/// The answer as evidence.
pub(super) fn reply(answer: &Message, tcp: bool) -> DnsReply {
    DnsReply {
        rcode: u16::from(answer.metadata.response_code),
        authoritative: answer.metadata.authoritative,
        recursion_available: answer.metadata.recursion_available,
        authentic: answer.metadata.authentic_data,
        tcp,
        answers: answer.answers.iter().map(record).collect(),
        authority: answer.authorities.iter().map(record).collect(),
    }
}

fn record(record: &Record) -> DnsRecord {
    let data = match &record.data {
        RData::CNAME(name) => plain(&name.0),
        RData::NS(name) => plain(&name.0),
        other => other.to_string(),
    };
    DnsRecord {
        name: plain(&record.name),
        kind: record.record_type().to_string(),
        data,
        ttl: record.ttl,
    }
}

fn plain(name: &Name) -> String {
    let mut text = name.to_ascii();
    text.make_ascii_lowercase();
    if text.ends_with('.') {
        text.pop();
    }
    text
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Cname => RecordType::CNAME,
        RecordKind::Ns => RecordType::NS,
        RecordKind::Txt => RecordType::TXT,
        RecordKind::Mx => RecordType::MX,
        RecordKind::Caa => RecordType::CAA,
        RecordKind::Https => RecordType::HTTPS,
        RecordKind::Soa => RecordType::SOA,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_header_that_counts_more_than_there_is_makes_no_room_for_it() {
        let question = Question {
            name: "q7f9.example.com",
            kind: RecordKind::A,
            recursion: false,
            checking_disabled: false,
        };
        let mut query = message(question).unwrap();
        query.edns = None;
        let mut answer = query.to_vec().unwrap();
        answer[2] |= 0x80;
        assert!(fits(&answer) && parse(&answer, &query).is_some());
        for at in [4, 6, 8, 10] {
            let mut lies = answer.clone();
            lies[at..at + 2].copy_from_slice(&[0xff, 0xff]);
            assert!(!fits(&lies) && parse(&lies, &query).is_none(), "{at}");
        }
        assert!(!fits(&answer[..11]));
        // Two of the shortest records, of the root's name and without data, don't fit where the question might have ended.
        answer[7] = 2;
        assert!(!fits(&answer));
        answer.extend([0; 11]);
        assert!(fits(&answer));
    }
}
