//! What the platform's account holds: apps with their machines, certificates and addresses, and
//! how the calls with side effects change them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::clock::{self, Now};
use crate::edge::behaviour::Cut;

/// The organization's slug; the token's own.
pub(crate) const ORGANIZATION: &str = "lab";
/// Its opaque id.
pub(crate) const ORGANIZATION_ID: &str = "x9LabQRoundsman7";
/// The app that holds the certificates.
pub(crate) const EDGE_APP: &str = "management-api-prod";
/// The app that is the edge in truth where the configuration names the wrong one.
pub(crate) const OTHER_EDGE: &str = "edge-gateway";
/// An app of somebody else: the platform says 403 about it, not 404.
pub(crate) const FOREIGN_APP: &str = "someone-elses-app";
/// The tag of the release that fails.
pub(crate) const BAD_TAG: &str = ":deployment-02BAD";
/// The tag of the one image that all apps run where they were deployed from it together.
pub(crate) const SHARED_TAG: &str = ":deployment-01LAB";
/// The tag of the release before.
pub(crate) const OLD_TAG: &str = ":deployment-00LAB";
/// How long an ordinary certificate takes to be issued here.
const ISSUING: Duration = Duration::from_millis(800);
/// How long the edge goes on as before after a certificate is removed.
const PROPAGATION: Duration = Duration::from_millis(200);
const DAY: i64 = 86_400;

/// One app.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) name: String,
    pub(crate) network: String,
    pub(crate) created: i64,
    pub(crate) addresses: Vec<Address>,
    pub(crate) shared_address: Option<&'static str>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) machines: Vec<Machine>,
    /// Whether the edge fails to reach what answers directly.
    pub(crate) unrouted: bool,
    /// Whether a fault made the app.
    pub(crate) staged: bool,
    /// Whether a release goes on.
    pub(crate) releasing: bool,
}

/// A public address.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) address: String,
    pub(crate) v6: bool,
}

/// How far a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Ready,
    AwaitingCertificates,
    AwaitingConfiguration,
}

/// What validation complains about.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) remedy: String,
    pub(crate) at: i64,
}

/// A certificate that an app holds, issued or not.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) hostname: String,
    pub(crate) custom: bool,
    pub(crate) progress: Progress,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// When it becomes ready by itself.
    pub(crate) ready_at: Option<Instant>,
    pub(crate) expires: i64,
    pub(crate) limited_until: Option<i64>,
    pub(crate) dns_configured: bool,
    pub(crate) problems: Vec<Problem>,
    /// How the edge ends handshakes with the name while this exists.
    pub(crate) cuts: Option<Cut>,
    /// The tenant whose fault put it there; `*` for a fault of everybody.
    pub(crate) origin: Option<String>,
}

/// How a machine ended.
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    pub(crate) code: i64,
    pub(crate) oom: bool,
    pub(crate) requested: bool,
    pub(crate) at: i64,
}

/// A machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) region: &'static str,
    pub(crate) state: &'static str,
    pub(crate) image: String,
    /// Whether the proxy starts it; `None`: the field is left out, which means that it does.
    pub(crate) autostart: Option<bool>,
    pub(crate) group: &'static str,
    /// Whether it has a service.
    pub(crate) serves: bool,
    /// Whether its host does not answer.
    pub(crate) host_down: bool,
    /// Whether a service answers on 443.
    pub(crate) https: bool,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// When it really became what it is: a fault tells of a past that was not.
    pub(crate) touched: i64,
    /// Oldest first.
    pub(crate) exits: Vec<Exit>,
    /// Whether a request starts it in vain.
    pub(crate) crashes: bool,
    /// What its own health check says.
    pub(crate) passing: bool,
    /// Whether its metadata says `roundsman = "off"`.
    pub(crate) marked: bool,
    /// Whether somebody holds a lease on it.
    pub(crate) leased: bool,
    /// What else happened to it, oldest first.
    pub(crate) happened: Vec<Happening>,
}

/// Something that happened to a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    /// What, and by whom.
    pub(crate) kind: &'static str,
    pub(crate) source: &'static str,
    pub(crate) at: i64,
}

/// How the edge takes a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holding {
    Cut(Cut),
    /// An explicit certificate; the tenant whose fault put it there.
    Explicit(Option<String>),
    Wildcard,
}

/// What a request to an app meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    Answers,
    /// The machine slept and starts now.
    Wakes,
    /// The app answers this instead of what it should.
    Sick(u16),
    /// The proxy answers, no app does.
    Nobody,
}

/// The account.
#[derive(Debug, Default)]
pub(crate) struct Estate {
    pub(crate) apps: BTreeMap<String, App>,
    pub(crate) domain: String,
    /// How far the world's clock is ahead.
    pub(crate) offset: i64,
    /// The region whose apps fail.
    pub(crate) bad_region: Option<String>,
    /// Machines that were taken away, by the app that they were of.
    pub(crate) destroyed: Vec<(String, Machine)>,
    cuts: HashMap<String, Cut>,
    lingering: Vec<(String, Cut, Instant)>,
    pending: HashSet<(String, String)>,
}

impl Estate {
    /// The app that terminates TLS for everybody.
    pub(crate) fn edge(&self) -> Option<&App> {
        self.apps.get(OTHER_EDGE).or_else(|| self.apps.get(EDGE_APP))
    }

    /// The same, to be changed.
    pub(crate) fn edge_mut(&mut self) -> Option<&mut App> {
        let name = self.edge()?.name.clone();
        self.apps.get_mut(&name)
    }

    /// A moment of this world, written.
    pub(crate) fn stamp(&self, seconds: i64) -> String {
        clock::rfc3339(seconds.saturating_add(self.offset))
    }

    /// Takes note of which machines of an app are others than they were, and which are gone.
    pub(crate) fn note_changes(&mut self, app: &str, before: &[Machine], now: i64) {
        let mut after = self.apps.get_mut(app).map(|app| &mut app.machines);
        for old in before {
            let is_same = |machine: &&mut Machine| machine.id == old.id;
            let found = after.as_mut().and_then(|machines| machines.iter_mut().find(is_same));
            match found {
                Some(machine) if machine.is_like(old) => machine.touched = old.touched,
                Some(machine) => machine.touched = now,
                None => {
                    let gone = Machine {
                        state: "destroyed",
                        updated: now,
                        touched: now,
                        ..old.clone()
                    };
                    self.destroyed.push((app.to_owned(), gone));
                }
            }
        }
        let is_new = |machine: &&mut Machine| before.iter().all(|old| old.id != machine.id);
        for machine in after.into_iter().flatten().filter(is_new) {
            machine.touched = now;
        }
        let back = self
            .apps
            .get(app)
            .map(|app| app.machines.as_slice())
            .unwrap_or_default();
        self.destroyed
            .retain(|(_, gone)| back.iter().all(|machine| machine.id != gone.id));
    }

    /// Finds the consequences of what has been changed.
    pub(crate) fn recount(&mut self) {
        self.cuts.clear();
        self.pending.clear();
        for app in self.apps.values() {
            for certificate in &app.certificates {
                if let Some(cut) = certificate.cuts {
                    self.cuts.insert(certificate.hostname.clone(), cut);
                }
                if certificate.ready_at.is_some() {
                    self.pending.insert((app.name.clone(), certificate.hostname.clone()));
                }
            }
        }
    }

    /// Lets time pass: certificates get ready, old answers of the edge end.
    pub(crate) fn settle(&mut self, now: Now) {
        self.lingering.retain(|(_, _, until)| *until > now.instant);
        if self.pending.is_empty() {
            return;
        }
        let (domain, mut changed) = (self.domain.clone(), false);
        let is_edge = self.edge().map(|edge| edge.name.clone());
        for (app, hostname) in &self.pending {
            let Some(app) = self.apps.get_mut(app) else { continue };
            let edge = is_edge.as_deref() == Some(app.name.as_str());
            let found = app.certificates.iter_mut().find(|have| have.hostname == *hostname);
            let Some(certificate) = found.filter(|have| have.ready_at.is_some_and(|at| at <= now.instant)) else {
                continue;
            };
            certificate.ready_at = None;
            certificate.progress = Progress::Ready;
            certificate.updated = now.seconds;
            certificate.cuts = (!edge && under(&domain, hostname)).then_some(Cut::Eof);
            changed = true;
        }
        if changed {
            self.recount();
        }
    }

    /// What the edge does with a name; the name is in lower case.
    pub(crate) fn holding(&self, host: &str) -> Holding {
        if let Some(cut) = self.cut(host) {
            return Holding::Cut(cut);
        }
        let Some(edge) = self.edge() else {
            return Holding::Cut(Cut::Eof);
        };
        let ready = |hostname: &str| {
            let mut all = edge.certificates.iter();
            all.find(|have| have.hostname == hostname && have.progress == Progress::Ready)
        };
        if let Some(explicit) = ready(host) {
            return Holding::Explicit(explicit.origin.clone());
        }
        let wildcard = format!("*.{}", self.domain);
        let one_label = host.split_once('.').is_some_and(|(_, rest)| rest == self.domain);
        if !one_label || ready(&wildcard).is_none() {
            return Holding::Cut(Cut::Eof);
        }
        self.cut(&wildcard).map_or(Holding::Wildcard, Holding::Cut)
    }

    fn cut(&self, host: &str) -> Option<Cut> {
        let lingering = self.lingering.iter().find(|(name, _, _)| name == host);
        self.cuts.get(host).copied().or(lingering.map(|(_, cut, _)| *cut))
    }

    /// A request for an app, through the edge or not. It wakes whom it should wake.
    pub(crate) fn visit(&mut self, app: &str, through_edge: bool, now: Now) -> Visit {
        let bad_region = self.bad_region.clone();
        let Some(app) = self.apps.get_mut(app).filter(|app| !(through_edge && app.unrouted)) else {
            return Visit::Nobody;
        };
        let sick = |machine: &Machine| {
            if machine.image.ends_with(BAD_TAG) {
                return Some(500);
            }
            (bad_region.as_deref() == Some(machine.region)).then_some(503)
        };
        let runs = |machine: &&Machine| machine.state == "started" && machine.serves && !machine.host_down;
        if let Some(machine) = app.machines.iter().find(runs) {
            return sick(machine).map_or(Visit::Answers, Visit::Sick);
        }
        let asleep = |machine: &&mut Machine| machine.may_wake() && !machine.crashes;
        match app.machines.iter_mut().find(asleep) {
            Some(machine) => {
                machine.start(now);
                sick(machine).map_or(Visit::Wakes, Visit::Sick)
            }
            None => Visit::Nobody,
        }
    }

    /// Adds a certificate; nothing if the app has one for the name.
    pub(crate) fn add_certificate(&mut self, app: &str, hostname: &str, custom: bool, now: Now) -> Option<Certificate> {
        let hostname = hostname.to_ascii_lowercase();
        let app = self.apps.get_mut(app)?;
        if app.certificates.iter().any(|have| have.hostname == hostname) {
            return None;
        }
        let mut certificate = Certificate::ready(&hostname, now.seconds);
        certificate.created = now.seconds;
        certificate.updated = now.seconds;
        certificate.custom = custom;
        certificate.progress = Progress::AwaitingCertificates;
        certificate.ready_at = Some(now.instant + ISSUING);
        app.certificates.push(certificate.clone());
        self.recount();
        Some(certificate)
    }

    /// Removes a certificate. The edge notices a moment later.
    pub(crate) fn remove_certificate(&mut self, app: &str, hostname: &str, now: Now) -> Option<Certificate> {
        let app = self.apps.get_mut(app)?;
        let same = |have: &Certificate| have.hostname.eq_ignore_ascii_case(hostname);
        let at = app.certificates.iter().position(same)?;
        let removed = app.certificates.remove(at);
        self.recount();
        if let Some(cut) = removed.cuts {
            let until = now.instant + PROPAGATION;
            self.lingering.push((removed.hostname.clone(), cut, until));
        }
        Some(removed)
    }

    /// Validates again, which is what gets a stuck certificate going.
    pub(crate) fn check_certificate(&mut self, app: &str, hostname: &str, now: Now) -> Option<Certificate> {
        let certificate = self.apps.get_mut(app)?.certificate_mut(hostname)?;
        let waits = certificate.progress == Progress::AwaitingCertificates && certificate.limited_until.is_none();
        if waits && certificate.ready_at.is_none() {
            certificate.ready_at = Some(now.instant + ISSUING);
            certificate.updated = now.seconds;
        }
        let certificate = certificate.clone();
        self.recount();
        Some(certificate)
    }
}

/// Whether a name is the domain or below it.
pub(crate) fn under(domain: &str, hostname: &str) -> bool {
    let rest = hostname.strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl App {
    pub(crate) fn certificate(&self, hostname: &str) -> Option<&Certificate> {
        let same = |have: &&Certificate| have.hostname.eq_ignore_ascii_case(hostname);
        self.certificates.iter().find(same)
    }

    fn certificate_mut(&mut self, hostname: &str) -> Option<&mut Certificate> {
        let same = |have: &&mut Certificate| have.hostname.eq_ignore_ascii_case(hostname);
        self.certificates.iter_mut().find(same)
    }

    pub(crate) fn machine_mut(&mut self, id: &str) -> Option<&mut Machine> {
        self.machines.iter_mut().find(|machine| machine.id == id)
    }

    /// What the platform calls the app's state.
    pub(crate) fn status(&self) -> &'static str {
        if self.machines.is_empty() {
            "pending"
        } else {
            "deployed"
        }
    }
}

impl Certificate {
    /// A certificate that was issued a while ago.
    pub(crate) fn ready(hostname: &str, now: i64) -> Self {
        Self {
            hostname: hostname.to_owned(),
            custom: false,
            progress: Progress::Ready,
            created: now - 200 * DAY,
            updated: now - 35 * DAY,
            ready_at: None,
            expires: now + 55 * DAY,
            limited_until: None,
            dns_configured: true,
            problems: Vec::new(),
            cuts: None,
            origin: None,
        }
    }
}

impl Machine {
    /// Whether the platform says the same of it.
    fn is_like(&self, old: &Self) -> bool {
        let told = |machine: &Self| {
            (
                machine.state,
                machine.image.clone(),
                machine.autostart,
                (machine.group, machine.serves, machine.https),
                (machine.host_down, machine.passing, machine.crashes),
                (machine.exits.len(), machine.updated, machine.marked),
            )
        };
        told(self) == told(old)
    }

    pub(crate) fn asleep(&self) -> bool {
        matches!(self.state, "stopped" | "suspended")
    }

    /// Whether a request starts it.
    fn may_wake(&self) -> bool {
        self.asleep() && self.serves && self.autostart != Some(false) && !self.host_down
    }

    /// Somebody with a token did something to it.
    pub(crate) fn acted(&mut self, kind: &'static str, now: Now) {
        self.happened.push(Happening {
            kind,
            source: "user",
            at: now.seconds,
        });
    }

    pub(crate) fn start(&mut self, now: Now) {
        self.state = "started";
        self.crashes = false;
        (self.updated, self.touched) = (now.seconds, now.seconds);
    }

    pub(crate) fn stop(&mut self, now: Now) {
        if self.state == "started" || self.state == "starting" {
            self.exits.push(Exit {
                code: 0,
                oom: false,
                requested: true,
                at: now.seconds,
            });
        }
        self.state = "stopped";
        (self.updated, self.touched) = (now.seconds, now.seconds);
    }
}
