//! The hops of a trace in words: DNS, the connection, TLS, HTTP, the app past the edge and the platform's word.

use std::net::SocketAddr;

use jiff::Timestamp;
use roundsman_checks::chain::Link;
use roundsman_checks::evidence::Exit;

use super::render::Page;
use super::{Direct, Failure, Http, Lookup, Part, Tls, Trace};
use crate::text::shorten;

/// Names of one certificate, and machines of one app, that are shown.
const MOST: usize = 6;
/// The longest header value that is shown.
const LONGEST: usize = 200;

const AUTHORITATIVE: &str = "authoritative";

pub(super) fn dns(trace: &Trace<'_>, page: Page) -> String {
    let sides = [
        (AUTHORITATIVE, &trace.dns.authoritative),
        ("resolver", &trace.dns.recursive),
    ];
    let rows = sides.into_iter().flat_map(|(role, looks)| {
        let mut servers = looks.iter().map(|look| look.server).collect::<Vec<_>>();
        servers.dedup();
        servers.into_iter().map(move |server| (role, server, looks))
    });
    let rows = rows.map(|(role, server, looks)| answers(role, server, looks));
    let undiscovered = trace.dns.undiscovered.iter();
    let undiscovered = undiscovered.map(|failure| format!("the zone's servers are not known: {}", why(failure)));
    let rows = undiscovered.chain(rows).enumerate();
    let rows = rows.map(|(at, row)| page.line(if at == 0 { "DNS" } else { "" }, &row));
    let rows = rows.collect::<Vec<_>>();
    if rows.is_empty() {
        page.line("DNS", "not asked")
    } else {
        rows.join("\n")
    }
}

fn answers(role: &str, server: SocketAddr, looks: &[Lookup]) -> String {
    let own = || looks.iter().filter(|look| look.server == server);
    let failed = own().map(failed).collect::<Vec<_>>();
    let said = match failed.first() {
        // What it says to every question is said once.
        Some(Some(first)) if failed.iter().all(|other| other.as_ref() == Some(first)) => first.clone(),
        _ => {
            let said = own().zip(&failed).map(|(look, failed)| match failed {
                Some(failed) => format!("{} {failed}", look.kind),
                None if look.records.is_empty() => format!("{} none", look.kind),
                None => {
                    let records = look.records.iter();
                    let records = records.map(|record| format!("{} {} (TTL {})", record.kind, record.data, record.ttl));
                    records.collect::<Vec<_>>().join(", ")
                }
            });
            said.collect::<Vec<_>>().join(", ")
        }
    };
    let lame = role == AUTHORITATIVE
        && own()
            .zip(&failed)
            .any(|(look, failed)| look.authority == Some(false) && failed.is_none());
    let lame = if lame { ", without authority" } else { "" };
    let control = if own().any(|look| look.control) {
        ", for the control name"
    } else {
        ""
    };
    let took = own().map(|look| look.ms).fold(0.0, f64::max);
    format!("{role} {server}: {said}{lame}{control}; {took:.1} ms")
}

/// Why a question has no answer, or the response code that says so.
fn failed(look: &Lookup) -> Option<String> {
    let code = || {
        look.rcode
            .clone()
            .filter(|code| code != "NOERROR" && look.records.is_empty())
    };
    look.failure.as_ref().map(why).or_else(code)
}

/// A reason with what was said about it.
pub(super) fn why(failure: &Failure) -> String {
    match failure.reason {
        Some(reason) if failure.detail.is_empty() => reason.to_string(),
        Some(reason) => format!("{reason}: {}", failure.detail),
        None => failure.detail.clone(),
    }
}

pub(super) fn visit(trace: &Trace<'_>, page: Page) -> String {
    let failed = |(address, failure): &(SocketAddr, Failure)| format!("{address} failed: {}", why(failure));
    let mut rows = Vec::new();
    if let Some(chosen) = &trace.address {
        rows.push(page.line("address", &format!("{}: {}", chosen.address, chosen.why)));
        rows.extend(chosen.tried.iter().map(|one| page.line("", &failed(one))));
    }
    if let Some(unvisited) = &trace.unvisited {
        rows.push(page.line("address", &unvisited.why));
        let tried = unvisited.tried.iter().enumerate();
        rows.extend(tried.map(|(at, one)| page.line(if at == 0 { "TCP" } else { "" }, &failed(one))));
    }
    if let Some(connect) = &trace.connect {
        let said = match &connect.failure {
            Some(failure) => format!("failed: {}; {:.1} ms", why(failure), connect.ms),
            None => format!("connected in {:.1} ms", connect.ms),
        };
        rows.push(page.line("TCP", &said));
    }
    match &trace.tls {
        Some(told) => rows.extend(tls(told, page)),
        None => rows.push(page.line("TLS", "not reached")),
    }
    match &trace.http {
        Some(told) => {
            rows.extend(http(told, page));
            if trace.woken {
                rows.push(page.line("", "the app slept before, and this request woke it"));
            }
        }
        None => rows.push(page.line("HTTP", "no request was sent")),
    }
    rows.join("\n")
}

fn tls(told: &Tls, page: Page) -> Vec<String> {
    let alpn = told.alpn.as_ref().map(|alpn| format!("ALPN {alpn}"));
    let agreed = [
        told.version.clone().map(|version| format!("TLS {version}")),
        told.cipher.clone(),
        alpn,
    ];
    let mut parts = agreed.into_iter().flatten().collect::<Vec<_>>();
    parts.push(match (&told.failure, told.verified) {
        (Some(failure), _) => format!("failed: {}", why(failure)),
        (None, true) => "the chain verifies".to_owned(),
        (None, false) => "the chain was not judged".to_owned(),
    });
    parts.push(format!("{:.1} ms", told.ms));
    let mut rows = vec![page.line("TLS", &parts.join(", "))];
    if told.faults.len() > 1 {
        let faults = told.faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        rows.push(page.line("", &format!("all that is wrong with it: {}", faults.join(", "))));
    }
    match &told.chain {
        None => rows.push(page.line("", "no certificate was seen")),
        Some(links) => {
            let told = links.iter().enumerate();
            rows.extend(told.map(|(at, found)| page.line("", &format!("{}. {}", at + 1, link(found.as_ref())))));
        }
    }
    rows
}

fn link(link: Option<&Link>) -> String {
    let Some(link) = link else {
        return "a certificate that cannot be read".to_owned();
    };
    let date = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let names = match link.names.as_slice() {
        [] => String::new(),
        [one] if *one == link.subject => String::new(),
        names if names.len() <= MOST => format!(" for {}", names.join(", ")),
        names => format!(" for {} and {} more", names[..MOST].join(", "), names.len() - MOST),
    };
    let dates = format!("{} to {}", date(link.not_before), date(link.not_after));
    let subject = if link.subject.is_empty() {
        "no subject"
    } else {
        &link.subject
    };
    format!("{subject}{names}, by {}, {dates}", link.issuer)
}

fn http(told: &Http, page: Page) -> Vec<String> {
    let answered = match (told.status, &told.version) {
        (Some(status), Some(version)) => format!(
            "{status} over HTTP/{version} for GET {}, {} bytes, first byte after {:.1} ms, all after {:.1} ms",
            told.path, told.bytes, told.first_byte_ms, told.total_ms
        ),
        _ => format!("no answer to GET {} after {:.1} ms", told.path, told.total_ms),
    };
    let failed = told.failure.as_ref().map(|failure| format!("; {}", why(failure)));
    let mut rows = vec![page.line("HTTP", &(answered + &failed.unwrap_or_default()))];
    let headers = told.headers.iter();
    rows.extend(headers.map(|(name, value)| page.line("", &format!("{name}: {}", shorten(value, LONGEST)))));
    rows.extend(
        told.release
            .iter()
            .map(|release| page.line("", &format!("release {}", shorten(release, LONGEST)))),
    );
    rows
}

/// What is behind the edge: the app asked directly, and what the platform says.
pub(super) fn beyond(trace: &Trace<'_>, page: Page) -> String {
    let direct = part(&trace.direct, past);
    let mut rows = vec![page.line("directly", &direct)];
    match &trace.platform {
        Part::Known(told) => {
            let exists = match told.exists {
                Some(true) => "is",
                Some(false) => "is not",
                None => "may be",
            };
            let addresses = match told.addresses.len() {
                0 => String::new(),
                1 => ", 1 public address".to_owned(),
                count => format!(", {count} public addresses"),
            };
            let app = format!(
                "app {} {exists} in organization {}{addresses}",
                trace.app, told.organization
            );
            rows.push(page.line("platform", &app));
            for machine in told.machines.iter().take(MOST) {
                let image = machine.image.as_deref().map(image).unwrap_or_default();
                let exit = machine.last_exit.as_ref().map(ended).unwrap_or_default();
                let sleeps = match machine.autostart {
                    Some(false) if !machine.state.is_running() => ", autostart is off",
                    _ => "",
                };
                let state = format!("{} in {}", machine.state, machine.region);
                rows.push(page.line("", &format!("machine {}: {state}{image}{exit}{sleeps}", machine.id)));
            }
            if told.machines.len() > MOST {
                rows.push(page.line("", &format!("and {} more machines", told.machines.len() - MOST)));
            }
            rows.extend(
                told.machines_missing
                    .iter()
                    .map(|why| page.line("", &format!("its machines are not all known: {why}"))),
            );
            if told.exists == Some(true) && told.machines.is_empty() && told.machines_missing.is_none() {
                rows.push(page.line("", "it has no machine"));
            }
            for held in &told.certificates {
                let until = held.expires_at.map(|at| format!(" until {}", at.strftime("%Y-%m-%d")));
                let until = until.unwrap_or_default();
                let text = format!("certificate {} at {}: {}{until}", held.hostname, held.app, held.status);
                rows.push(page.line("", &text));
                rows.extend(held.errors.iter().map(|error| page.line("", error)));
            }
        }
        other => rows.push(page.line("platform", &part(other, |_| String::new()))),
    }
    rows.join("\n")
}

/// An answer in words, or why there is none.
pub(super) fn part<T>(part: &Part<T>, told: impl Fn(&T) -> String) -> String {
    match part {
        Part::Known(answer) => told(answer),
        Part::Unknown(failure) => format!("not known: {}", why(failure)),
        Part::NotAsked { why } => format!("not asked: {why}"),
        Part::NotConfigured => "not configured".to_owned(),
    }
}

fn past(direct: &Direct) -> String {
    let answered = match (direct.status, &direct.version, &direct.failure) {
        (Some(status), Some(version), _) => format!("{status} over HTTP/{version}"),
        (_, _, Some(failure)) => why(failure),
        _ => "no answer".to_owned(),
    };
    format!("{} at {}: {answered}; {:.1} ms", direct.host, direct.address, direct.ms)
}

/// The tag or the short digest says enough of an image.
fn image(image: &str) -> String {
    let short = image.rsplit(['/']).next().unwrap_or(image);
    format!(", image {}", shorten(short, 60))
}

fn ended(exit: &Exit) -> String {
    let code = exit.code.map(|code| format!(" {code}")).unwrap_or_default();
    let memory = if exit.out_of_memory { ", out of memory" } else { "" };
    let asked = if exit.requested { ", requested" } else { "" };
    let at = exit
        .at
        .map(|at| format!(" at {}", at.strftime("%Y-%m-%dT%H:%M:%SZ")))
        .unwrap_or_default();
    format!(", last exit{code}{at}{memory}{asked}")
}
