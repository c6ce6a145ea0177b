//! Places on a network: domains, addresses, ports, URLs, paths.

use std::net::{IpAddr, SocketAddr};

use roundsman_checks::gather::Control;
use roundsman_checks::loopback::is_on_loopback;
use roundsman_checks::target::{Hostname, NameError};
use serde_json::json;

use super::general::{integer, text};
use super::value::{ValueForm, quoted};

/// A domain of at least two labels.
pub(crate) fn domain() -> ValueForm<Hostname> {
    text(parse_domain)
}

/// An IP address.
pub(crate) fn ip() -> ValueForm<IpAddr> {
    text(read_ip)
        .schema(json!({ "type": "string", "format": "ip" }))
        .shown()
}

/// A TCP port.
pub(crate) fn port() -> ValueForm<u16> {
    integer(1..=65_535)
}

/// The address of a DNS server with an optional port, 53 by default.
pub(crate) fn server() -> ValueForm<SocketAddr> {
    text(read_server).shown()
}

/// An `https://` URL, or an `http://` one that leads to this machine: tokens and tenants' names are nobody else's to read.
pub(crate) fn url() -> ValueForm<String> {
    text(|url| match read_url(url)? {
        url if url.starts_with("http://") && !is_on_loopback(&url) => {
            Err("is not https, and leads to another machine: write https:// instead".to_owned())
        }
        url => Ok(url),
    })
    .schema(json!({ "type": "string", "pattern": "^https?://[^/\\s]\\S*$" }))
    .shown()
}

/// An `http://` or `https://` URL; the empty text is none.
pub(crate) fn optional_url() -> ValueForm<Option<String>> {
    text(|url: &str| match url {
        "" => Ok(None),
        url => read_url(url).map(Some),
    })
    .schema(json!({ "type": "string", "pattern": "^(https?://[^/\\s]\\S*)?$" }))
    .written(|url: &Option<String>| Some(quoted(url.as_deref().unwrap_or_default())))
}

/// An address to listen at, with its port.
pub(crate) fn listener() -> ValueForm<SocketAddr> {
    let form = "expected an address with a port such as \"127.0.0.1:9464\"";
    text(move |address: &str| address.parse::<SocketAddr>().map_err(|_| form)).shown()
}

/// A path with an optional query.
pub(crate) fn path() -> ValueForm<String> {
    text(read_path)
        .schema(json!({ "type": "string", "pattern": "^/[!-\"$-~]*$" }))
        .shown()
}

/// `resolvers`, `apis`, `ip:port` or a URL.
pub(crate) fn control() -> ValueForm<Control> {
    text(read_control).written(|control| {
        Some(match control {
            Control::Resolvers => quoted("resolvers"),
            Control::Apis => quoted("apis"),
            Control::Address(address) => quoted(&address.to_string()),
            Control::Url(url) => quoted(url),
            _ => return None,
        })
    })
}

/// Reads a domain of at least two labels.
///
/// # Errors
/// [`NameError`] where it is no host name, or a single label.
pub fn parse_domain(text: &str) -> Result<Hostname, NameError> {
    let name = Hostname::parse(text)?;
    if name.as_str().contains('.') {
        Ok(name)
    } else {
        Err(NameError::SingleLabel(name.as_str().to_owned()))
    }
}

fn read_ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| {
        let form = "expected an IP address such as \"198.51.100.7\" or \"2001:db8::7\"";
        if text.parse::<SocketAddr>().is_ok() {
            format!("{form}: the port has a key of its own, `port`")
        } else {
            form.into()
        }
    })
}

fn read_server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    address.or_else(|_| text.parse()).map_err(|_| {
        "expected an IP address with or without a port: \"192.0.2.53\", \"192.0.2.53:5353\", \"[2001:db8::53]:5353\"".into()
    })
}

fn read_control(text: &str) -> Result<Control, String> {
    match text {
        "resolvers" => return Ok(Control::Resolvers),
        "apis" => return Ok(Control::Apis),
        _ => {}
    }
    if let Ok(address) = text.parse() {
        return Ok(Control::Address(address));
    }
    read_url(text)
        .map(Control::Url)
        .map_err(|_| "expected \"resolvers\", \"apis\", an address with a port (\"192.0.2.1:443\") or a URL".into())
}

fn read_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace) => {
            Ok(text.into())
        }
        _ => Err("expected a URL that begins with https:// or http://".into()),
    }
}

fn read_path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err("expected a path that begins with `/`".into());
    }
    let strange = text.chars().find(|c| !c.is_ascii_graphic() || *c == '#');
    strange.map_or_else(
        || Ok(text.to_owned()),
        |c| {
            Err(format!(
                "a path holds no {c:?}: write it percent-encoded, as %20 stands for a space"
            ))
        },
    )
}
