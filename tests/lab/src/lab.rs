//! The running lab: starts its parts, stages faults in them, and ends them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hickory_server::Server;
use tokio::sync::{Mutex, watch};

use crate::config;
use crate::counters::Counters;
use crate::dns::server::{NameServer, Role};
use crate::dns::sockets::Pair;
use crate::edge::authority::Authority;
use crate::edge::doors::Doors;
use crate::error::LabError;
use crate::fault::Fault;
use crate::options::LabOptions;
use crate::platform::{self, Hold, HoldAt, Platform, direct, server};
use crate::snapshot::Shared;
use crate::world::World;

/// Where the simulated platform is.
#[derive(Debug, Clone, Copy)]
struct Apis {
    address: SocketAddr,
    app_port: u16,
}

/// A lab that runs until it is dropped.
pub struct Lab {
    shared: Arc<Shared>,
    doors: Mutex<Doors>,
    dns: Vec<SocketAddr>,
    resolver: SocketAddr,
    port: u16,
    apis: Option<Apis>,
    platform_inventory: bool,
    /// Connections end when this is dropped.
    running: watch::Sender<()>,
    /// DNS servers end when these are dropped.
    _servers: Vec<Server<NameServer>>,
}

impl Lab {
    /// Starts a healthy lab.
    ///
    /// # Errors
    ///
    /// When a socket cannot be bound, a certificate cannot be made, or a name is none.
    pub async fn start(options: LabOptions) -> Result<Self, LabError> {
        let world = World::new(&options)?;
        let root_key = options.root_key;
        let authority = tokio::task::spawn_blocking(move || Authority::new(root_key)).await??;
        let mut pairs = Vec::new();
        for address in name_server_addresses(&options) {
            pairs.push(Pair::bind(address).await?);
        }
        let resolving = Pair::bind(Ipv4Addr::LOCALHOST.into()).await?;
        let shared = Arc::new(Shared::new(world, authority, pairs.len())?);
        let mut doors = Doors::bind(&options.edge_addresses)?;
        let running = watch::Sender::new(());
        doors.follow(&shared, &running.subscribe()).await?;

        let apis = match &shared.platform {
            Some(platform) => {
                let address = server::start(&shared, &running.subscribe()).await?;
                let (addresses, app_port) = direct::start(&shared, &running.subscribe()).await?;
                platform.set_direct(addresses);
                Some(Apis { address, app_port })
            }
            None => None,
        };

        let dns = pairs.iter().map(Pair::address).collect();
        let resolver = resolving.address();
        let roles = (0..).map(Role::Authority);
        let mut servers: Vec<_> = pairs
            .into_iter()
            .zip(roles)
            .map(|(pair, role)| pair.serve(Arc::clone(&shared), role))
            .collect();
        servers.push(resolving.serve(Arc::clone(&shared), Role::Resolver));
        let port = doors.port();
        let doors = Mutex::new(doors);
        Ok(Self {
            shared,
            doors,
            dns,
            resolver,
            port,
            apis,
            platform_inventory: options.platform_inventory,
            running,
            _servers: servers,
        })
    }

    /// The domain that the tenants live under.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.shared.world.domain
    }

    /// The ids of the tenants.
    #[must_use]
    pub fn tenants(&self) -> &[String] {
        &self.shared.world.tenants
    }

    /// The authoritative servers.
    #[must_use]
    pub fn dns_servers(&self) -> &[SocketAddr] {
        &self.dns
    }

    /// The recursive resolver.
    #[must_use]
    pub fn resolver(&self) -> SocketAddr {
        self.resolver
    }

    /// The addresses of the edge.
    #[must_use]
    pub fn edge_addresses(&self) -> &[IpAddr] {
        &self.shared.world.edge_addresses
    }

    /// The port of the edge, the same at all its addresses.
    #[must_use]
    pub fn edge_port(&self) -> u16 {
        self.port
    }

    /// The root certificate to trust.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.shared.authority.root_pem()
    }

    /// A tenant's host name, as the staged faults have it.
    #[must_use]
    pub fn host(&self, tenant: &str) -> String {
        platform::host(&self.shared.world, &self.shared.current().faults, tenant)
    }

    /// The token that the platform takes, read-only or not.
    #[must_use]
    pub fn fly_token(&self) -> &'static str {
        platform::FLY_TOKEN
    }

    /// The token that the DNS provider takes.
    #[must_use]
    pub fn cloudflare_token(&self) -> &'static str {
        platform::CLOUDFLARE_TOKEN
    }

    /// Tokens that may read and change nothing: the platform's, and the DNS provider's.
    #[must_use]
    pub fn read_tokens(&self) -> (&'static str, &'static str) {
        (platform::FLY_READ_TOKEN, platform::CLOUDFLARE_READ_TOKEN)
    }

    /// Where the platform's APIs are, if there is one: GraphQL at `/graphql`, REST below `/v1`, the
    /// DNS provider's below `/client/v4`.
    #[must_use]
    pub fn api_url(&self) -> Option<String> {
        self.apis.map(|apis| format!("http://{}", apis.address))
    }

    /// The domain of the platform's own that each app has a name below.
    #[must_use]
    pub fn app_domain(&self) -> &'static str {
        platform::APP_DOMAIN
    }

    /// The port where apps answer directly, on both loopback addresses.
    #[must_use]
    pub fn app_port(&self) -> Option<u16> {
        self.apis.map(|apis| apis.app_port)
    }

    /// Whether the written configuration leaves the inventory to the platform.
    pub(crate) fn platform_inventory(&self) -> bool {
        self.platform_inventory
    }

    /// Sets how many nodes a page of GraphQL may have; more is refused. 100 at first.
    pub fn limit_pages(&self, nodes: usize) {
        if let Some(platform) = &self.shared.platform {
            platform.limit_pages(nodes);
        }
    }

    /// Every call so far that would change something, in order: `METHOD /path`, or `mutation NAME`.
    #[must_use]
    pub fn writes(&self) -> Vec<String> {
        self.shared.platform.as_ref().map_or_else(Vec::new, Platform::writes)
    }

    /// How many calls so far came with a token that may write, whatever they did.
    #[must_use]
    pub fn writer_calls(&self) -> usize {
        self.shared.platform.as_ref().map_or(0, Platform::writer_calls)
    }

    /// Holds up the `number`th call from now on (the next one is 1) that comes with a token that may write.
    ///
    /// # Errors
    ///
    /// When there is no platform.
    pub fn hold(&self, number: usize, at: HoldAt) -> Result<Hold, LabError> {
        let platform = self.shared.platform.as_ref();
        let platform = platform.ok_or_else(|| LabError::NoPlatform("a call that is held up".to_owned()))?;
        Ok(platform.hold(number, at))
    }

    /// Writes `roots.pem` and `roundsman.toml` into a directory; returns the path of the latter.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_config(&self, dir: &Path) -> Result<PathBuf, LabError> {
        config::write(self, dir)
    }

    /// Stages a fault besides those that are staged. Once this returns, whoever asks meets it.
    ///
    /// # Errors
    ///
    /// When the fault names a tenant or an address that the lab does not have, or is the simulated
    /// platform's and there is none.
    pub async fn stage(&self, fault: Fault) -> Result<(), LabError> {
        self.stage_all([fault]).await
    }

    /// Stages many faults in one step: all of them, or none if one cannot be staged.
    ///
    /// # Errors
    ///
    /// When a fault names a tenant or an address that the lab does not have, or is the simulated
    /// platform's and there is none.
    pub async fn stage_all(&self, faults: impl IntoIterator<Item = Fault>) -> Result<(), LabError> {
        let faults: Vec<_> = faults.into_iter().collect();
        faults.iter().try_for_each(|fault| self.check(fault))?;
        self.change(|staged| {
            for fault in faults {
                if !staged.contains(&fault) {
                    staged.push(fault);
                }
            }
            Ok(())
        })
        .await
    }

    /// Takes a staged fault back.
    ///
    /// # Errors
    ///
    /// When it is not staged.
    pub async fn clear(&self, fault: &Fault) -> Result<(), LabError> {
        self.change(|staged| {
            let before = staged.len();
            staged.retain(|have| have != fault);
            if staged.len() == before {
                return Err(LabError::NotStaged(fault.to_string()));
            }
            Ok(())
        })
        .await
    }

    /// Takes all faults back.
    ///
    /// # Errors
    ///
    /// When a socket of the edge cannot be opened again.
    pub async fn clear_all(&self) -> Result<(), LabError> {
        self.change(|staged| {
            staged.clear();
            Ok(())
        })
        .await
    }

    /// The faults that are staged, in the order of staging.
    #[must_use]
    pub fn staged(&self) -> Vec<Fault> {
        self.shared.current().staged.clone()
    }

    /// What the lab has been asked for since it started.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters.read(&self.shared.world)
    }

    fn check(&self, fault: &Fault) -> Result<(), LabError> {
        if fault.needs_platform() && self.shared.platform.is_none() {
            return Err(LabError::NoPlatform(fault.to_string()));
        }
        let other = fault.detail().filter(|_| fault.cause() == "route-wrong-tenant");
        for tenant in fault.tenant().into_iter().chain(other) {
            if self.shared.world.tenant(tenant).is_none() {
                return Err(LabError::UnknownTenant(tenant.to_owned()));
            }
        }
        match fault.target() {
            Some(address) if !self.edge_addresses().contains(&address) => Err(LabError::UnknownAddress(address)),
            _ => Ok(()),
        }
    }

    async fn change(&self, edit: impl FnOnce(&mut Vec<Fault>) -> Result<(), LabError>) -> Result<(), LabError> {
        // Whoever changes holds the doors, so that changes follow each other.
        let mut doors = self.doors.lock().await;
        let mut staged = self.staged();
        edit(&mut staged)?;
        self.shared.replace(staged)?;
        doors.follow(&self.shared, &self.running.subscribe()).await
    }
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab")
            .field("domain", &self.domain())
            .field("staged", &self.staged())
            .finish_non_exhaustive()
    }
}

fn name_server_addresses(options: &LabOptions) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into(); 2];
    if options.dns_v6 {
        addresses.push(Ipv6Addr::LOCALHOST.into());
    }
    addresses
}
