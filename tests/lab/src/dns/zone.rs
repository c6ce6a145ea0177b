//! A zone and how to answer from it, true to RFC 1034 and RFC 4592. It knows no sockets and no
//! faults.

use std::collections::BTreeMap;
use std::ops::Bound;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{LowerName, Name, RData, Record, RecordType};

/// How many aliases are followed before an answer ends.
const LONGEST_CHAIN: usize = 16;

/// Names and the record sets that they own.
#[derive(Debug, Clone)]
pub struct Zone {
    apex: LowerName,
    ttl: u32,
    names: BTreeMap<LowerName, BTreeMap<RecordType, Vec<RData>>>,
}

/// An answer, before it is put into a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The response code.
    pub code: ResponseCode,
    /// Whether the zone itself holds what was asked for; not so for a referral.
    pub authoritative: bool,
    /// The records asked for, aliases first.
    pub answers: Vec<Record>,
    /// The SOA of a negative answer, or the NS records of a referral.
    pub authorities: Vec<Record>,
    /// Addresses of the servers named in a referral.
    pub additionals: Vec<Record>,
}

impl Answer {
    /// An answer without any record.
    #[must_use]
    pub fn empty(code: ResponseCode) -> Self {
        Self {
            code,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
        }
    }
}

/// What the zone has for a name.
enum Found<'a> {
    Records(&'a BTreeMap<RecordType, Vec<RData>>),
    /// The name exists because of names below it, and owns nothing.
    Empty,
    Nothing,
}

impl Zone {
    /// An empty zone.
    #[must_use]
    pub fn new(apex: &Name, ttl: u32) -> Self {
        Self {
            apex: LowerName::new(apex),
            ttl,
            names: BTreeMap::new(),
        }
    }

    /// Adds one record.
    pub fn add(&mut self, name: &Name, data: RData) {
        let sets = self.names.entry(LowerName::new(name)).or_default();
        sets.entry(data.record_type()).or_default().push(data);
    }

    /// Removes everything that a name owns.
    pub fn remove(&mut self, name: &Name) {
        self.names.remove(&LowerName::new(name));
    }

    /// Removes one record set of a name.
    pub fn remove_set(&mut self, name: &Name, kind: RecordType) {
        if let Some(sets) = self.names.get_mut(&LowerName::new(name)) {
            sets.remove(&kind);
        }
    }

    /// Removes one record.
    pub fn remove_record(&mut self, name: &Name, data: &RData) {
        let name = LowerName::new(name);
        let Some(sets) = self.names.get_mut(&name) else { return };
        if let Some(records) = sets.get_mut(&data.record_type()) {
            records.retain(|have| have != data);
        }
        sets.retain(|_, records| !records.is_empty());
        if sets.is_empty() {
            self.names.remove(&name);
        }
    }

    /// Every record, in canonical order of the names.
    pub fn records(&self) -> impl Iterator<Item = (Name, &RData)> {
        self.names.iter().flat_map(|(name, sets)| {
            let name = Name::from(name.clone());
            sets.values().flatten().map(move |data| (name.clone(), data))
        })
    }

    /// Answers a question.
    #[must_use]
    pub fn answer(&self, name: &Name, kind: RecordType) -> Answer {
        let mut answer = Answer::empty(ResponseCode::NoError);
        let mut owner = name.clone();
        for _ in 0..LONGEST_CHAIN {
            let lower = LowerName::new(&owner);
            if !self.apex.zone_of(&lower) {
                if answer.answers.is_empty() {
                    answer.code = ResponseCode::Refused;
                }
                return answer;
            }
            if let Some(cut) = self.delegation(&lower, kind) {
                self.refer(&mut answer, &cut);
                return answer;
            }
            answer.authoritative = true;
            match self.find(&lower) {
                Found::Nothing => {
                    answer.code = ResponseCode::NXDomain;
                    answer.authorities = self.soa();
                    return answer;
                }
                Found::Empty => {
                    answer.authorities = self.soa();
                    return answer;
                }
                Found::Records(sets) => match self.take(&mut answer, &owner, sets, kind) {
                    Some(target) => owner = target,
                    None => return answer,
                },
            }
        }
        answer
    }

    /// Takes what a name owns into the answer; gives the name to go on with, if it is an alias.
    fn take(
        &self,
        answer: &mut Answer,
        owner: &Name,
        sets: &BTreeMap<RecordType, Vec<RData>>,
        kind: RecordType,
    ) -> Option<Name> {
        let wanted = sets
            .iter()
            .filter(|(have, _)| **have == kind || kind == RecordType::ANY)
            .flat_map(|(_, data)| data);
        let before = answer.answers.len();
        answer.answers.extend(wanted.map(|data| self.record(owner, data)));
        if answer.answers.len() > before {
            return None;
        }
        let alias = sets.get(&RecordType::CNAME).and_then(|data| data.first());
        if let Some(data @ RData::CNAME(target)) = alias {
            answer.answers.push(self.record(owner, data));
            return Some(target.0.clone());
        }
        answer.authorities = self.soa();
        None
    }

    /// The records at a name, its own or the wildcard's.
    fn find(&self, name: &LowerName) -> Found<'_> {
        if let Some(sets) = self.names.get(name) {
            return Found::Records(sets);
        }
        if self.exists(name) {
            return Found::Empty;
        }
        let mut encloser = name.base_name();
        while !self.exists(&encloser) && encloser != self.apex {
            encloser = encloser.base_name();
        }
        let source = Name::from(encloser)
            .prepend_label("*")
            .map(|name| LowerName::new(&name));
        match source.ok().and_then(|source| self.names.get(&source)) {
            Some(sets) => Found::Records(sets),
            None => Found::Nothing,
        }
    }

    /// Whether a name owns records or has names below it that do. In canonical order, names
    /// below another follow it at once.
    pub(crate) fn exists(&self, name: &LowerName) -> bool {
        self.names
            .range::<LowerName, _>((Bound::Included(name), Bound::Unbounded))
            .next()
            .is_some_and(|(next, _)| name.zone_of(next))
    }

    /// The highest name, at or above this one and below the apex, that is delegated away.
    fn delegation(&self, name: &LowerName, kind: RecordType) -> Option<LowerName> {
        let mut cut = None;
        let mut at = name.clone();
        while at != self.apex {
            let delegated = self.names.get(&at).is_some_and(|s| s.contains_key(&RecordType::NS));
            if delegated && !(kind == RecordType::DS && at == *name) {
                cut = Some(at.clone());
            }
            at = at.base_name();
        }
        cut
    }

    fn refer(&self, answer: &mut Answer, cut: &LowerName) {
        let owner = Name::from(cut.clone());
        let servers = self.names.get(cut).and_then(|sets| sets.get(&RecordType::NS));
        for data in servers.into_iter().flatten() {
            answer.authorities.push(self.record(&owner, data));
            let RData::NS(server) = data else { continue };
            let Some(sets) = self.names.get(&LowerName::new(&server.0)) else {
                continue;
            };
            for kind in [RecordType::A, RecordType::AAAA] {
                let glue = sets.get(&kind).into_iter().flatten();
                answer.additionals.extend(glue.map(|data| self.record(&server.0, data)));
            }
        }
    }

    fn soa(&self) -> Vec<Record> {
        let apex = Name::from(self.apex.clone());
        let sets = self.names.get(&self.apex);
        let soa = sets.and_then(|sets| sets.get(&RecordType::SOA)).into_iter().flatten();
        soa.map(|data| self.record(&apex, data)).collect()
    }

    fn record(&self, owner: &Name, data: &RData) -> Record {
        Record::from_rdata(owner.clone(), self.ttl, data.clone())
    }
}
