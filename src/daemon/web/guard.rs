//! Who may ask: whoever shows the token, and where there is none, programs of this machine, but no page of a browser that
//! runs on it.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, StatusCode, header};
use subtle::ConstantTimeEq as _;

use super::problem::Problem;
use super::{Desk, refusal};

/// In which a browser says where a request comes from (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets in whoever shows the token, compared in a time that tells nothing of it.
pub(super) async fn token(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let wanted = desk.token.borrow().clone();
    let Some(wanted) = wanted else {
        return next.run(request).await;
    };
    let shown = request.headers().get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if shown.is_some_and(|shown| wanted.expose().as_bytes().ct_eq(shown).into()) {
        return next.run(request).await;
    }
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "show the token of [web]: Authorization: Bearer TOKEN",
    );
    refusal(request.uri().path(), problem)
}

/// Lets no page in that came from elsewhere: a browser on this machine reaches what listens on loopback, too, and takes
/// along whatever its user may do. Where no token is asked for, it must have been asked for by a name of this machine: a
/// page whose own name leads here (DNS rebinding) can't do that.
pub(super) async fn same_site(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_own(headers) {
        let why = "a page of another site may not ask: this answers programs and its own origin";
        return Problem::new(StatusCode::FORBIDDEN, why).into_response();
    }
    let open = desk.token.borrow().is_none();
    if open && !host(headers).is_some_and(names_this_machine) {
        let why = "without a token of [web] this answers to 127.0.0.1, [::1] and localhost alone: ask for one of these \
                   hosts, or set a token";
        return Problem::new(StatusCode::FORBIDDEN, why).into_response();
    }
    next.run(request).await
}

/// Whether no browser says that another site asks. Programs say nothing of it.
fn is_own(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SITE).iter();
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let is_ours = |origin: &str| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some_and(|authority| host(headers).is_some_and(|host| host.eq_ignore_ascii_case(authority)))
    };
    sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
        && origins.all(|origin| origin.to_str().is_ok_and(is_ours))
}

/// The host that was asked for, where there is exactly one.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

fn names_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_name_of_this_machine_is_told_from_one_that_leads_here() {
        for own in [
            "127.0.0.1:9464",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]:9464",
            "localhost:9464",
            "LOCALHOST",
        ] {
            assert!(names_this_machine(own), "{own}");
        }
        let others = [
            "",
            "evil.example",
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "198.51.100.7:9464",
            "0.0.0.0:9464",
            "user@evil.example",
        ];
        for other in others {
            assert!(!names_this_machine(other), "{other}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_told_from_programs_and_from_its_own_origin() {
        let says = |all: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in all {
                headers.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            is_own(&headers)
        };
        let host = ("host", "127.0.0.1:9464");
        assert!(says(&[host]));
        assert!(says(&[
            host,
            ("origin", "http://127.0.0.1:9464"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(says(&[host, ("sec-fetch-site", "none")]));
        assert!(says(&[
            ("host", "ops.example.com"),
            ("origin", "https://ops.example.com")
        ]));
        for foreign in [
            "https://evil.example",
            "null",
            "http://127.0.0.1:8080",
            "",
            "127.0.0.1:9464",
        ] {
            assert!(!says(&[host, ("origin", foreign)]), "{foreign}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert!(!says(&[host, ("sec-fetch-site", site)]), "{site}");
        }
        assert!(!says(&[
            host,
            ("origin", "http://127.0.0.1:9464"),
            ("origin", "https://evil.example")
        ]));
        assert!(!says(&[("origin", "http://127.0.0.1:9464")]), "without a host");
    }
}
