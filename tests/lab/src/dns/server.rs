//! From a DNS request to a response: the authoritative servers and the resolver.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hickory_proto::op::{Edns, Header, HeaderCounts, LowerQuery, Metadata, OpCode, ResponseCode};
use hickory_proto::serialize::binary::BinDecoder;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageResponseBuilder, Queries};

use super::contents::Mode;
use super::habit::{self, Asked, Form};
use super::hostile::{self, Harm};
use super::resolver;
use super::zone::Answer;
use crate::snapshot::{Shared, Snapshot};

/// The largest UDP response, whatever the client says that it can take.
const LARGEST_UDP: u16 = 1232;

/// Which server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The zone's server of this index.
    Authority(usize),
    Resolver,
}

/// One DNS server.
pub(crate) struct NameServer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) role: Role,
}

impl NameServer {
    /// What to say; nothing where the server is silent.
    fn decide(&self, request: &Metadata, questions: &[LowerQuery]) -> Option<Answer> {
        let snapshot = self.shared.current();
        if self.silent(&snapshot) {
            return None;
        }
        if request.op_code != OpCode::Query {
            return Some(Answer::empty(ResponseCode::NotImp));
        }
        let [question] = questions else {
            return Some(Answer::empty(ResponseCode::FormErr));
        };
        let (name, kind) = (question.original().name(), question.query_type());
        Some(match self.role {
            Role::Resolver => {
                let unchecked = request.checking_disabled;
                resolver::resolve(&self.shared, &snapshot, name, kind, unchecked)
            }
            Role::Authority(index) => match snapshot.modes[index] {
                Mode::ServFail => Answer::empty(ResponseCode::ServFail),
                Mode::Refused => Answer::empty(ResponseCode::Refused),
                Mode::Lame => Answer {
                    authoritative: false,
                    ..snapshot.zones[index].answer(name, kind)
                },
                Mode::Serve | Mode::Silent => {
                    let zone = &snapshot.zones[index];
                    let rewritten = habit::rewritten(&snapshot.faults, zone, &self.shared.world.apex, name);
                    rewritten.unwrap_or_else(|| zone.answer(name, kind))
                }
            },
        })
    }

    /// What the server's habits make of its answer.
    fn reform(&self, request: &Request, answer: &mut Answer) -> Form {
        let snapshot = self.shared.current();
        if snapshot.faults.everywhere("dns-rotating").is_some() {
            habit::rotate(answer);
        }
        let ([question], Role::Authority(_)) = (request.queries.queries(), self.role) else {
            return Form::default();
        };
        let asked = Asked {
            kind: question.query_type(),
            edns: request.edns.is_some(),
            tcp: request.protocol() == Protocol::Tcp,
        };
        habit::odd(&snapshot.faults).map_or_else(Form::default, |word| habit::served(word, asked, answer))
    }

    /// What is answered to harm who asks, where this is a server of the zone.
    fn harm(&self, request: &Request) -> Option<Harm> {
        let snapshot = self.shared.current();
        let ([question], Role::Authority(_)) = (request.queries.queries(), self.role) else {
            return None;
        };
        let (name, kind) = (question.original().name(), question.query_type());
        let tcp = request.protocol() == Protocol::Tcp;
        hostile::instead(&self.shared.world, &snapshot.faults, name, kind, tcp)
    }

    fn silent(&self, snapshot: &Snapshot) -> bool {
        let faults = &snapshot.faults;
        let offline = faults.everywhere("vantage-offline").is_some();
        match self.role {
            Role::Resolver => offline,
            Role::Authority(index) => {
                offline || faults.everywhere("vantage-dns-blocked").is_some() || snapshot.modes[index] == Mode::Silent
            }
        }
    }

    fn count(&self) {
        let counters = &self.shared.counters;
        let counter = match self.role {
            Role::Resolver => &counters.resolver_queries,
            Role::Authority(_) => &counters.dns_queries,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl RequestHandler for NameServer {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        self.count();
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let unsent = ResponseInfo::from(Header {
            metadata,
            counts: HeaderCounts::default(),
        });
        let Some(mut answer) = self.decide(&request.metadata, request.queries.queries()) else {
            return unsent;
        };
        let mut form = self.reform(request, &mut answer);
        match self.harm(request) {
            Some(Harm::Silence) => return unsent,
            Some(Harm::Answer(worse, how)) => (answer, form) = (worse, how),
            Some(Harm::Unasked(worse, first)) => {
                let mut metadata = metadata;
                metadata.response_code = worse.code;
                metadata.authoritative = true;
                let Ok(asked) = Queries::read(&mut BinDecoder::new(&[]), 0) else {
                    return unsent;
                };
                let forged = MessageResponseBuilder::new(&asked, None);
                let forged = forged.build(metadata, worse.answers.iter(), [], [], []);
                let sent = handle.send_response(forged).await;
                if !first {
                    return sent.unwrap_or(unsent);
                }
            }
            None => {}
        }
        metadata.response_code = answer.code;
        metadata.authoritative = answer.authoritative;
        metadata.truncation = form.truncated;
        metadata.recursion_available = self.role == Role::Resolver || form.recursion_available;
        let edns = request.edns.as_ref().filter(|_| !form.plain).map(|theirs| {
            let mut ours = Edns::new();
            ours.set_max_payload(theirs.max_payload().clamp(512, LARGEST_UDP));
            ours
        });
        let response = MessageResponseBuilder::new(&request.queries, edns.as_ref()).build(
            metadata,
            answer.answers.iter(),
            answer.authorities.iter(),
            [],
            answer.additionals.iter(),
        );
        handle.send_response(response).await.unwrap_or(unsent)
    }
}
