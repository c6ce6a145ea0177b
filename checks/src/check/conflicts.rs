//! `conflicts`: the tenant's app holds no certificate for a name under the domain, and no app but the edge's holds one
//! that covers the tenant's name. Only the platform can say.

use super::platform;
use crate::evidence::{App, AppCertificate, Fault, Platform, Reason};
use crate::finding::{Finding, Outcome};
use crate::fleet::{FleetContext, OtherEdge};
use crate::reading::is_under;
use crate::world::TenantEvidence;

pub(super) fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Finding {
    let platform = match platform(context) {
        Ok(platform) => platform,
        Err(finding) => return finding,
    };
    if let Some(edge) = context.other_edge.proven() {
        let message = format!("{} is configured as the edge, and {edge} is it", platform.edge_app);
        return Finding::plain(Outcome::Unknown, message).because(Reason::PlatformNotFound);
    }
    let held = certificate_holders(context, tenant);
    if let Some((app, certificate)) = held.first() {
        let more = if held.len() > 1 {
            format!(" and {} more", held.len() - 1)
        } else {
            String::new()
        };
        let message = format!("{} holds a certificate for {}{more}", app.name, certificate.hostname);
        let finding = Finding::plain(Outcome::Fail, message).because(Reason::PlatformConflict);
        return finding.comparing(format!("none outside {}", platform.edge_app), app.name.clone());
    }
    if let OtherEdge::Open(other) = &context.other_edge {
        let message = format!(
            "{other} holds the wildcard's certificate, {} is not seen to, and no handshake tells which is the edge",
            platform.edge_app
        );
        return Finding::plain(Outcome::Unknown, message).because(Reason::PlatformNotFound);
    }
    match missing(platform, tenant) {
        Some(fault) => Finding::plain(Outcome::Unknown, fault.detail.clone()).because(fault.reason),
        None => Finding::plain(Outcome::Pass, format!("no app but {} holds one", platform.edge_app)),
    }
}

/// What the platform did not answer and this tenant depends on: the list of apps, for one that is not in it may hold a
/// certificate too, and its own app's certificates.
fn missing<'p>(platform: &'p Platform, tenant: &'p TenantEvidence) -> Option<&'p Fault> {
    let own = tenant.told(platform).app;
    let own = own.and_then(|app| app.certificates_missing.as_ref());
    own.or(platform.apps_missing.as_ref())
}

/// Every app and certificate that conflicts with the edge about this tenant, by name. What the edge itself may be holds
/// is no conflict.
#[must_use]
pub fn certificate_holders<'w>(
    context: &'w FleetContext,
    tenant: &'w TenantEvidence,
) -> Vec<(&'w App, &'w AppCertificate)> {
    let Some(platform) = context.fleet.platform.known() else {
        return Vec::new();
    };
    let mut held = context.foreign_certificates(tenant.tenant.hostname.as_str());
    let own = tenant.told(platform).app.filter(|app| app.name != platform.edge_app);
    if tenant.word.is_some() {
        // What its app held in bulk it may hold no more.
        held.retain(|(app, _)| app.name != tenant.tenant.app);
    }
    let under = |certificate: &&AppCertificate| is_under(&certificate.hostname, &context.fleet.domain);
    for certificate in own
        .into_iter()
        .flat_map(|app| app.certificates.iter().filter(under).map(move |c| (app, c)))
    {
        if !held
            .iter()
            .any(|(app, known)| app.name == certificate.0.name && known.hostname == certificate.1.hostname)
        {
            held.push(certificate);
        }
    }
    held.retain(|(app, _)| !context.may_be_edge(app));
    held
}
