//! From the plan of a visit to what it showed: what failed below shows nothing above.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use roundsman_checks::evidence::{Alert, Answer, Body, ChainId, Exchange, Matches, Millis, Reason, StepStatus, Visit};
use roundsman_checks::target::{Hostname, Tenant};
use roundsman_checks::world::CertificateChain;

use crate::chains;
use crate::plan::{Plan, VisitPlan};

/// A tenant with its index, or the control name.
pub(crate) type Who<'k> = Option<(usize, &'k [Tenant])>;

pub(crate) fn visit(
    plan: &Plan,
    planned: &VisitPlan,
    address: SocketAddr,
    name: &Hostname,
    who: Who<'_>,
    chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>,
) -> Visit {
    let mut visit = Visit::new(address, name.clone());
    let failed = |reason| StepStatus::failed(reason, plan.text.clone());
    let end = match plan.blind {
        1 => 3,
        2 => 5,
        _ => planned.end,
    };
    visit.connect.ms = Millis(plan.milliseconds);
    visit.connect.end = match end {
        1 => failed(Reason::TcpRefused),
        2 => failed(Reason::TcpTimeout),
        3 => failed(Reason::TcpUnreachable),
        4 => failed(Reason::TcpReset),
        5 => StepStatus::Exhausted(plan.text.clone()),
        6 => StepStatus::NotReached,
        _ => StepStatus::Done,
    };
    if !visit.connect.end.is_done() {
        return visit;
    }
    visit.handshake.ms = Millis(3.5);
    visit.handshake.end = match end {
        7 => failed(Reason::TlsUnexpectedEof),
        8 => failed(Reason::TlsReset),
        9 => failed(Reason::TlsAlert(Alert::UNRECOGNIZED_NAME)),
        10 => failed(Reason::TlsAlert(Alert(40))),
        11 => failed(Reason::TlsTimeout),
        12 => failed(Reason::TlsProtocol),
        13 => failed(Reason::TlsMalformed),
        14 => StepStatus::Exhausted(plan.text.clone()),
        15 => StepStatus::NotReached,
        _ => StepStatus::Done,
    };
    if !visit.handshake.end.is_done() {
        return visit;
    }
    show(
        &mut visit,
        chains::presented(planned.chain, who.map(|(index, _)| index)),
        chains,
    );
    if visit.handshake.end.is_done() {
        exchange(plan, planned, end, who, &mut visit);
    }
    visit
}

/// Lets a visit be served a chain, with what the product finds wrong with it.
pub(crate) fn show(
    visit: &mut Visit,
    presented: CertificateChain,
    chains: &mut BTreeMap<ChainId, Arc<CertificateChain>>,
) {
    let faults = chains::faults(&presented, visit.name.as_str());
    let id = ChainId::of(&presented.0);
    chains.insert(id, Arc::new(presented));
    visit.handshake.chain = Some(id);
    visit.handshake.version = Some("1.3".into());
    visit.handshake.end = match faults.first() {
        Some(reason) => StepStatus::failed(*reason, "what the verifier said"),
        None => StepStatus::Done,
    };
    visit.handshake.faults = faults;
}

fn exchange(plan: &Plan, planned: &VisitPlan, end: u8, who: Who<'_>, visit: &mut Visit) {
    let failed = |reason| StepStatus::failed(reason, plan.text.clone());
    visit.page.total_ms = Millis(if planned.slow { 2_500.0 } else { 40.0 });
    visit.page.end = match end {
        16 => StepStatus::NotReached,
        17 => StepStatus::Exhausted(plan.text.clone()),
        18 => failed(Reason::HttpTimeout),
        19 => failed(Reason::HttpClosed),
        _ if planned.answer == 11 => failed(Reason::HttpMalformed),
        _ => StepStatus::Done,
    };
    if visit.page.end.is_done() && planned.answer != 9 {
        visit.page.answer = Some(answer(plan, planned, who, visit));
    }
    if let (Some((index, known)), 5..=7) = (who, planned.identity) {
        let host = match planned.identity {
            5 => format!("{{\"issuer\":\"https://{}/x\"}}", known[index].hostname),
            6 => format!(
                "{{\"issuer\":\"https://{}\"}}",
                known[(index + 1) % known.len()].hostname
            ),
            _ => plan.text.clone(),
        };
        visit.issuer = Exchange {
            end: StepStatus::Done,
            answer: Some(Answer {
                version: "2".into(),
                status: 200,
                headers: Vec::new(),
                body: body(host),
            }),
            ..Exchange::default()
        };
    }
}

fn body(prefix: String) -> Body {
    Body {
        length: prefix.len() as u64,
        prefix,
        complete: true,
        digest: String::new(),
        matches: Matches::default(),
    }
}

/// An answer; of the control name without more, the edge's word for a name that does not exist.
fn answer(plan: &Plan, planned: &VisitPlan, who: Who<'_>, visit: &Visit) -> Answer {
    let unknown = who.is_none() && planned.answer == 0 || planned.answer == 1;
    let (status, text) = match planned.answer {
        _ if unknown => (404, format!("no tenant {}", visit.name)),
        2 => (301, String::new()),
        3 => (500, plan.text.clone()),
        4 => (503, "{\"error\":\"service starting\"}".into()),
        6 => (200, plan.text.clone()),
        8 => (200, "{\"status\":\"starting\"}".into()),
        10 => (999, plan.text.clone()),
        12 => (429, plan.text.clone()),
        13 => (403, format!("who are you? id-{}", visit.name)),
        _ => (200, "{\"status\":\"healthy\"}".into()),
    };
    let mut headers = vec![("fly-request-id".to_owned(), format!("id-{}", visit.name))];
    headers.extend((status == 301).then(|| ("location".into(), plan.text.clone())));
    headers.extend((planned.identity == 8).then(|| ("x-tier".into(), plan.text.clone())));
    if let (Some((index, known)), false) = (who, unknown) {
        let other = &known[(index + 1) % known.len()];
        headers.extend(match planned.identity {
            0 | 8 => Some(("x-sp-app".to_owned(), known[index].app.clone())),
            2 => Some(("x-sp-app".into(), other.app.clone())),
            3 => Some(("x-sp-app".into(), plan.text.clone())),
            4 => Some(("x-served-by".into(), other.hostname.to_string())),
            _ => None,
        });
    }
    let healthy = text == "{\"status\":\"healthy\"}";
    let mut body = body(text);
    body.complete = planned.answer != 7;
    body.matches.contains = Some(healthy && planned.answer != 7);
    body.matches.json = BTreeMap::from([("/status".into(), healthy.then(|| "healthy".into()))]);
    Answer {
        version: if planned.answer == 5 { "1.1" } else { "2" }.into(),
        status,
        headers,
        body,
    }
}
