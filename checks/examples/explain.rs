//! Probes one tenant once and explains it: `explain EDGE:PORT DOMAIN TENANT [DNS-SERVER:PORT [ROOTS.pem]]`.

use std::error::Error;
use std::net::SocketAddr;

use roundsman_checks::gather::{NoProgress, Stop, round};
use roundsman_checks::platform::fly::Flyctl;
use roundsman_checks::{Assignment, Hostname, ProbeLimits, ProbeSetup, ProbeTarget, Prober, Tenant, TrustStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let mut word = |name: &str| words.next().ok_or(format!("{name} is missing"));
    let edge = word("EDGE:PORT")?.parse::<SocketAddr>()?;
    let domain = Hostname::parse(&word("DOMAIN")?)?;
    let tenant = Tenant::below(&domain, &word("TENANT")?)?;
    let server = word("DNS-SERVER:PORT").ok().map(|server| server.parse()).transpose()?;
    let roots = word("ROOTS.pem").unwrap_or("/etc/ssl/certs/ca-certificates.crt".to_owned());

    let roots = CertificateDer::pem_file_iter(roots)?.collect::<Result<Vec<_>, _>>()?;
    let mut setup = ProbeSetup::new(domain, Prober::new(TrustStore::new(roots)?, ProbeLimits::default())?);
    setup.port = edge.port();
    if let Some(server) = server {
        (setup.authoritative, setup.resolvers) = (vec![server], Vec::new());
    }
    let assignment = Assignment::new(vec![edge.ip()], vec![ProbeTarget::new(tenant)]);
    let round = round(&setup, &assignment, &NoProgress, Stop::never()).await?;

    for (check, finding) in round.diagnosis.tenants.iter().flat_map(|tenant| tenant.findings.iter()) {
        println!("{check:<12} {:?}: {}", finding.outcome, finding.message);
    }
    for entry in &round.diagnosis.causes {
        println!("\n{}: {}", entry.cause, entry.cause.title());
        entry.evidence.iter().for_each(|fact| println!("  {fact}"));
        entry
            .remedy
            .iter()
            .for_each(|remedy| println!("  fix: {}", remedy.command(&Flyctl)));
    }
    Ok(())
}
