//! What UDP does to questions that share a socket: answers out of order, lost, forged.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use roundsman_checks::evidence::{DnsQuery, Reason, RecordKind, StepStatus};
use roundsman_checks::probe::{DnsClient, DnsQuestion};
use tokio::net::UdpSocket;

const KINDS: [RecordKind; 3] = [RecordKind::A, RecordKind::Aaaa, RecordKind::Caa];

async fn ask(server: SocketAddr, timeout: Duration) -> [DnsQuery; 3] {
    let questions = KINDS.map(|kind| DnsQuestion {
        name: "q7f9.tenants.test",
        kind,
        recursion: false,
        checking_disabled: false,
    });
    DnsClient { timeout }.ask_each(server, questions).await
}

async fn server() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

async fn take(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 4096];
    let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
    (buffer[..length].to_vec(), from)
}

/// The question as an answer without records: QR and AA are set (RFC 1035, section 4.1.1), NXDOMAIN where `code` is 3.
fn answer(question: &[u8], code: u8) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= 0x84;
    answer[3] = code;
    answer
}

#[tokio::test]
async fn answers_find_their_questions_whatever_their_order() {
    let (socket, address) = server().await;
    let serving = tokio::spawn(async move {
        let asked = [take(&socket).await, take(&socket).await, take(&socket).await];
        let from = asked[0].1;
        // Nobody asked this: another id, and another question under a right one.
        let mut forged = answer(&asked[0].0, 3);
        forged[1] ^= 1;
        socket.send_to(&forged, from).await.unwrap();
        let mut forged = answer(&asked[1].0, 3);
        forged[13] ^= 1;
        socket.send_to(&forged, from).await.unwrap();
        // Without a question it could be an answer to any.
        let mut forged = answer(&asked[1].0[..12], 3);
        forged[4..].fill(0);
        socket.send_to(&forged, from).await.unwrap();
        for (place, code) in [(2, 2), (1, 5), (0, 0)] {
            let (question, from): &(Vec<u8>, SocketAddr) = &asked[place];
            socket.send_to(&answer(question, code), from).await.unwrap();
        }
        asked.map(|(_, from)| from)
    });
    let looks = ask(address, Duration::from_secs(20)).await;
    let codes = looks
        .each_ref()
        .map(|look| look.reply.as_ref().map(|reply| reply.rcode));
    assert_eq!(codes, [Some(0), Some(5), Some(2)]);
    assert_eq!(looks.map(|look| look.kind), KINDS);
    let [first, second, third] = serving.await.unwrap();
    assert_eq!((first, first), (second, third), "one socket for all");
}

#[tokio::test]
async fn what_is_lost_is_asked_again_alone() {
    let (socket, address) = server().await;
    let serving = tokio::spawn(async move {
        let asked = [take(&socket).await, take(&socket).await, take(&socket).await];
        for (question, from) in &asked[1..] {
            socket.send_to(&answer(question, 0), from).await.unwrap();
        }
        let again = take(&socket).await;
        socket.send_to(&answer(&again.0, 0), again.1).await.unwrap();
        again == asked[0]
    });
    let looks = ask(address, Duration::from_secs(4)).await;
    assert_eq!(
        looks.map(|look| look.end),
        [StepStatus::Done, StepStatus::Done, StepStatus::Done]
    );
    assert!(serving.await.unwrap(), "the same datagram from the same socket");
}

#[tokio::test]
async fn what_is_never_answered_does_not_take_the_others_with_it() {
    let (socket, address) = server().await;
    let serving = tokio::spawn(async move {
        loop {
            let (question, from) = take(&socket).await;
            // The type stands before the class, behind the name (19 octets) and the header (12).
            let kind = u16::from_be_bytes([question[31], question[32]]);
            if kind != 28 {
                socket.send_to(&answer(&question, 0), from).await.unwrap();
            }
        }
    });
    let [a, aaaa, caa] = ask(address, Duration::from_secs(2)).await;
    assert_eq!((a.end, caa.end), (StepStatus::Done, StepStatus::Done));
    assert_eq!((aaaa.end.reason(), aaaa.reply), (Some(Reason::DnsTimeout), None));
    serving.abort();
}

/// Whether a question carries EDNS: as an additional record (RFC 6891, section 6.1.1).
fn has_edns(question: &[u8]) -> bool {
    question[10..12] != [0, 0]
}

#[tokio::test]
async fn a_server_without_edns_is_asked_without() {
    for code in [1, 4] {
        let (socket, address) = server().await;
        let serving = tokio::spawn(async move {
            loop {
                let (question, from) = take(&socket).await;
                if has_edns(&question) {
                    // The header alone: such a server echoes nothing.
                    let mut refusal = answer(&question, code)[..12].to_vec();
                    refusal[4..12].fill(0);
                    socket.send_to(&refusal, from).await.unwrap();
                } else {
                    socket.send_to(&answer(&question, 0), from).await.unwrap();
                }
            }
        });
        let looks = ask(address, Duration::from_secs(20)).await;
        let codes = looks.map(|look| look.reply.map(|reply| reply.rcode));
        assert_eq!(codes, [Some(0), Some(0), Some(0)], "{code}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_server_that_drops_edns_is_asked_without_in_the_end() {
    let (socket, address) = server().await;
    let serving = tokio::spawn(async move {
        loop {
            let (question, from) = take(&socket).await;
            if !has_edns(&question) {
                socket.send_to(&answer(&question, 0), from).await.unwrap();
            }
        }
    });
    let looks = ask(address, Duration::from_millis(900)).await;
    let codes = looks.map(|look| look.reply.map(|reply| reply.rcode));
    assert_eq!(codes, [Some(0), Some(0), Some(0)]);
    serving.abort();
}

#[tokio::test]
async fn what_a_server_refuses_with_and_without_edns_is_told_as_it_was() {
    let (socket, address) = server().await;
    let serving = tokio::spawn(async move {
        loop {
            let (question, from) = take(&socket).await;
            // Silent without EDNS: the refusal is all that is known of it.
            if has_edns(&question) {
                socket.send_to(&answer(&question, 4), from).await.unwrap();
            }
        }
    });
    let looks = ask(address, Duration::from_millis(400)).await;
    let codes = looks.map(|look| look.reply.map(|reply| reply.rcode));
    assert_eq!(codes, [Some(4), Some(4), Some(4)]);
    serving.abort();
}

/// An answer whose only record ends in the middle.
fn broken(question: &[u8], flags: u8) -> Vec<u8> {
    let end = question.iter().skip(12).position(|byte| *byte == 0).unwrap() + 12 + 5;
    let mut broken = answer(&question[..end], 0);
    broken[2] |= flags;
    broken[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
    // A pointer to the name, the type A, and no more.
    broken.extend([0xc0, 12, 0, 1]);
    broken
}

#[tokio::test]
async fn an_answer_cut_in_a_record_is_asked_for_over_tcp() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (socket, address) = server().await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let cutting = tokio::spawn(async move {
        loop {
            let (question, from) = take(&socket).await;
            socket.send_to(&broken(&question, 0x02), from).await.unwrap();
        }
    });
    let whole = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let answer = answer(&question, 3);
            stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    let looks = ask(address, Duration::from_secs(20)).await;
    for look in looks {
        let reply = look.reply.expect("an answer");
        assert_eq!((reply.rcode, reply.tcp), (3, true));
    }
    cutting.abort();
    whole.abort();
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_silence() {
    let (socket, address) = server().await;
    let serving = tokio::spawn(async move {
        loop {
            let (question, from) = take(&socket).await;
            socket.send_to(&broken(&question, 0), from).await.unwrap();
        }
    });
    let looks = ask(address, Duration::from_secs(20)).await;
    for look in looks {
        assert_eq!(look.end.reason(), Some(Reason::DnsServfail), "{look:?}");
    }
    serving.abort();
}

#[tokio::test]
async fn the_question_is_known_again_in_any_case_of_its_letters() {
    let (socket, address) = server().await;
    let serving = tokio::spawn(async move {
        loop {
            let (question, from) = take(&socket).await;
            let mut answer = answer(&question, 3);
            answer[12..30].make_ascii_uppercase();
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    let looks = ask(address, Duration::from_secs(20)).await;
    let codes = looks.map(|look| look.reply.map(|reply| reply.rcode));
    assert_eq!(codes, [Some(3), Some(3), Some(3)]);
    serving.abort();
}
