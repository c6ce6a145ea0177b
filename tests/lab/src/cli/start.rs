//! `roundsman-lab start`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use roundsman_lab::{Fault, Lab, LabError, LabOptions, RootKey, control};
use tokio::net::TcpListener;

/// How to start.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// How many tenants, called t0001, t0002, …; a dozen with other names if not given
    #[arg(long, value_name = "N")]
    tenants: Option<usize>,
    /// Where to write roundsman.toml, roots.pem and lab.json
    #[arg(long, default_value = ".lab", value_name = "DIR")]
    dir: PathBuf,
    /// A fault to begin with, e.g. site-status@q7f9=503; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// The domain of the tenants
    #[arg(long, default_value = "tenants.test", value_name = "DOMAIN")]
    domain: String,
    /// An address of the edge; may be repeated. 127.0.0.1 and ::1 if not given
    #[arg(long = "edge", value_name = "ADDRESS")]
    edge: Vec<IpAddr>,
    /// Sign with an RSA root of 4096 bits, as the public CAs do (takes seconds to make)
    #[arg(long)]
    rsa: bool,
    /// Let no answer carry x-sp-app: only the issuer document tells the tenants apart
    #[arg(long)]
    no_identity_header: bool,
    /// A third server of the zone, on ::1
    #[arg(long)]
    dns_v6: bool,
    /// Simulate the platform's and the DNS provider's APIs, and the apps reached directly
    #[arg(long)]
    platform: bool,
    /// Let the written configuration leave the inventory to the simulated platform
    #[arg(long)]
    platform_inventory: bool,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, LabError> {
    let lab = Lab::start(lab_options(&options)).await?;
    lab.stage_all(options.faults.iter().cloned()).await?;
    let config = lab.write_config(&options.dir)?;
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let failed = |source| LabError::Bind { address, source };
    let listener = TcpListener::bind((address, 0)).await.map_err(failed)?;
    let state = options.dir.join("lab.json");
    write_state(&lab, &listener, &config, &state)?;
    introduce(&lab, &config, &options.faults);
    tokio::select! {
        served = control::serve(&lab, &listener) => served?,
        _ = tokio::signal::ctrl_c() => {}
    }
    // Without it, `fault` says plainly that no lab runs here.
    let _ = std::fs::remove_file(&state);
    Ok(ExitCode::SUCCESS)
}

fn lab_options(options: &Options) -> LabOptions {
    let mut lab = options
        .tenants
        .map_or_else(LabOptions::default, LabOptions::with_tenants);
    lab.domain.clone_from(&options.domain);
    if !options.edge.is_empty() {
        lab.edge_addresses.clone_from(&options.edge);
    }
    if options.rsa {
        lab.root_key = RootKey::Rsa4096;
    }
    lab.identity_header = !options.no_identity_header;
    lab.dns_v6 = options.dns_v6;
    lab.platform = options.platform;
    lab.platform_inventory = options.platform_inventory;
    lab
}

fn write_state(lab: &Lab, listener: &TcpListener, config: &Path, path: &Path) -> Result<(), LabError> {
    let failed = |source| LabError::File {
        path: path.to_owned(),
        source,
    };
    let state = serde_json::json!({
        "control": listener.local_addr().map_err(failed)?,
        "config": config,
        "domain": lab.domain(),
        "edge": { "addresses": lab.edge_addresses(), "port": lab.edge_port() },
        "dns": lab.dns_servers(),
        "resolver": lab.resolver(),
        "api": lab.api_url(),
        "apps": { "domain": lab.app_domain(), "port": lab.app_port() },
    });
    std::fs::write(path, format!("{state:#}\n")).map_err(failed)
}

fn introduce(lab: &Lab, config: &Path, faults: &[Fault]) {
    let list = |items: Vec<String>| items.join(", ");
    let edge = lab
        .edge_addresses()
        .iter()
        .map(|address| format!("{address}"))
        .collect();
    println!("domain    {} ({} tenants)", lab.domain(), lab.tenants().len());
    println!("edge      {} port {}", list(edge), lab.edge_port());
    println!(
        "dns       {}",
        list(lab.dns_servers().iter().map(ToString::to_string).collect())
    );
    println!("resolver  {}", lab.resolver());
    println!(
        "faults    {}",
        if faults.is_empty() {
            "none".into()
        } else {
            list(faults.iter().map(ToString::to_string).collect())
        }
    );
    println!("config    {}", config.display());
    let mut environment = String::new();
    if let (Some(url), Some(port)) = (lab.api_url(), lab.app_port()) {
        println!("apis      {url} (/graphql, /v1, /client/v4)");
        println!("apps      https://APP.{}:{port}", lab.app_domain());
        environment = format!(
            "FLY_API_TOKEN={} CLOUDFLARE_API_TOKEN={} ",
            lab.fly_token(),
            lab.cloudflare_token()
        );
    }
    println!(
        "\nServing until Ctrl-C. Try: {environment}roundsman verify --config {}",
        config.display()
    );
}
