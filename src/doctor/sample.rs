//! An examination for the tests of its forms: every status, long lines, and steps of every form.

use roundsman_checks::diagnosis::Instruction;

use super::{Checkup, Examination};

/// One of each kind.
pub(crate) fn sample() -> Examination {
    Examination::of(vec![
        Checkup::ok("configuration", "roundsman.toml: valid, domain example.com"),
        Checkup::ok("tenants", "12 tenants from list"),
        Checkup::warn(
            "token",
            "accepted, of organization acme, valid until 2026-12-04 09:30 UTC",
        )
        .act("make a new token, and set the variable or file that `token` of [fly] names")
        .run("fly tokens create readonly"),
        Checkup::ok("organization", "acme has 13 apps, 12 of them with the prefix sp-"),
        Checkup::fail("edge-app", "acme has no app management-api-prd")
            .act("set `app` of [edge] to management-api-prod, where that is meant"),
        Checkup::skip("certificates", "the edge app is not known"),
        Checkup::warn(
            "resolver",
            "192.0.2.53:53 answers over UDP and TCP, and says NXDOMAIN to a name that only the wildcard has",
        )
        .act("check the resolver, and that the wildcard record is there: `roundsman verify --only dns` says more"),
        Checkup::fail("name-server", "198.51.100.53:53: no answer (dns/timeout)")
            .act("open port 53 (UDP and TCP) outward for the agent, or set `[dns] ask = \"resolvers\"`"),
        Checkup::warn(
            "ports",
            "1000 local ports (60000 to 60999); 1000 tenants at the same time may take 4064",
        )
        .run("sudo sysctl -w net.ipv4.ip_local_port_range='10240 65535'"),
        Checkup::fail(
            "machines",
            "machines: no answer within 6 s\nwith a break, and \u{1b}[2J more",
        )
        .with_fix([Instruction::look("look at the API's status page, then run it again")]),
        Checkup::ok("channels", "2 channels: ops, pager; not contacted").run("roundsman alerts test ops"),
    ])
}
