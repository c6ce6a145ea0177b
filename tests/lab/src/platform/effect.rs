//! What the state of the account does to handshakes and to requests.

use std::time::Duration;

use super::Platform;
use super::build::tenant_of;
use super::estate::{Holding, Visit};
use crate::clock;
use crate::edge::behaviour::{self, Cut, Handshake};
use crate::edge::site::{Content, Plan};
use crate::fault::FaultSet;
use crate::world::World;

/// How long an app takes to wake up.
const WAKING: Duration = Duration::from_millis(300);

impl Platform {
    /// What follows a ClientHello, given what would follow it without a platform.
    pub(crate) fn handshake(
        &self,
        world: &World,
        faults: &FaultSet,
        name: Option<&str>,
        planned: Handshake,
    ) -> Handshake {
        let Some(host) = name.map(str::to_ascii_lowercase) else {
            return planned;
        };
        let http1_only = match &planned {
            Handshake::Peculiar { http1_only, .. } => *http1_only,
            Handshake::Ordinary => false,
            // What cuts every handshake, or this one, cuts it still. Only who has no certificate
            // may have got one.
            Handshake::Cut(Cut::Eof) if world.label_of(&host).is_none() => false,
            Handshake::Cut(_) => return planned,
        };
        match self.estate().holding(&host) {
            Holding::Cut(cut) => Handshake::Cut(cut),
            Holding::Explicit(origin) => {
                let own = origin.and_then(|tenant| behaviour::own_certificate(world, faults, &tenant));
                Handshake::Peculiar {
                    certificate: own.unwrap_or_else(|| behaviour::healthy(host, faults)),
                    http1_only,
                }
            }
            Holding::Wildcard if http1_only => Handshake::Peculiar {
                certificate: behaviour::wildcard_certificate(world, faults),
                http1_only,
            },
            Holding::Wildcard => Handshake::Ordinary,
        }
    }

    /// Whether an app can be reached directly under this name; the name is an app's own.
    pub(crate) fn knows_app(&self, app: &str) -> bool {
        !self.direct_addresses(app).is_empty()
    }

    /// Changes the plan of an answer by what the app is able to; says what the request met.
    pub(crate) fn visit(&self, app: &str, through_edge: bool, plan: &mut Plan) -> Visit {
        let met = self.estate().visit(app, through_edge, clock::now());
        match met {
            Visit::Answers => {}
            Visit::Wakes => plan.delay += WAKING,
            Visit::Sick(status) => {
                plan.status = status;
                plan.content = Content::Json(r#"{"error":"internal error"}"#);
                plan.healthy_header = false;
            }
            Visit::Nobody => {
                *plan = Plan {
                    status: 502,
                    content: Content::Json(""),
                    healthy_header: false,
                    ..crate::edge::site::healthy(None)
                };
            }
        }
        met
    }

    /// The tenant whose app has this host name directly.
    pub(crate) fn direct_tenant<'a>(&self, world: &'a World, host: &str) -> Option<&'a str> {
        let host = host.to_ascii_lowercase();
        let app = host.strip_suffix(super::APP_DOMAIN)?.strip_suffix('.')?;
        tenant_of(world, app)
    }
}
