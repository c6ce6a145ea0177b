//! The forms of this program's texts: addresses, host names, header names, pointers. Each error says what to write.

use std::net::{IpAddr, SocketAddr};

use roundsman_checks::diagnosis::Cause;
use roundsman_checks::expectation::Place;
use roundsman_checks::finding::{Check, UnknownCheck};
use roundsman_checks::target::{Hostname, NameError};

use crate::config::model::Control;
use crate::config::nearest::nearest;

/// Headers that belong to the connection: a second value would break the request.
const OWN_HEADERS: [&str; 5] = ["host", "connection", "content-length", "transfer-encoding", "upgrade"];

/// Any text.
pub(super) fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A text that is not blank.
pub(super) fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("must not be empty".into())
    } else {
        Ok(text.to_owned())
    }
}

/// Reads a domain of at least two labels.
///
/// # Errors
/// [`NameError`] where it is no host name, or a single label.
pub fn domain(text: &str) -> Result<Hostname, NameError> {
    let name = Hostname::parse(text)?;
    if name.as_str().contains('.') {
        Ok(name)
    } else {
        Err(NameError::SingleLabel(name.as_str().to_owned()))
    }
}

/// An IP address.
pub(super) fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| {
        let form = "expected an IP address such as \"198.51.100.7\" or \"2001:db8::7\"";
        if text.parse::<SocketAddr>().is_ok() {
            format!("{form}: the port has a key of its own, `port`")
        } else {
            form.into()
        }
    })
}

/// An address with an optional port, 53 by default.
pub(super) fn server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    address.or_else(|_| text.parse()).map_err(|_| {
        "expected an IP address with or without a port: \"192.0.2.53\", \"192.0.2.53:5353\", \"[2001:db8::53]:5353\"".into()
    })
}

/// `resolvers`, `apis`, `ip:port` or a URL.
pub(super) fn control(text: &str) -> Result<Control, String> {
    match text {
        "resolvers" => return Ok(Control::Resolvers),
        "apis" => return Ok(Control::Apis),
        _ => {}
    }
    if let Ok(address) = text.parse() {
        return Ok(Control::Address(address));
    }
    url(text)
        .map(Control::Url)
        .map_err(|_| "expected \"resolvers\", \"apis\", an address with a port (\"192.0.2.1:443\") or a URL".into())
}

/// An `http://` or `https://` URL.
pub(super) fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace) => {
            Ok(text.into())
        }
        _ => Err("expected a URL that begins with https:// or http://".into()),
    }
}

/// A path with an optional query.
pub(super) fn path(text: &str) -> Result<String, String> {
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

/// The name of a check.
pub(super) fn check(text: &str) -> Result<Check, UnknownCheck> {
    text.parse()
}

/// A JSON pointer (RFC 6901).
pub(super) fn pointer(text: &str) -> Result<String, String> {
    let escapes_are_right = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (text.is_empty() || text.starts_with('/')) && escapes_are_right {
        return Ok(text.to_owned());
    }
    Err("expected a JSON pointer such as \"/status\" or \"/data/0/name\" (`~0` stands for `~`, `~1` for `/`)".into())
}

/// `header:NAME` or `json:/pointer`.
pub(super) fn place(text: &str) -> Result<Place, String> {
    if let Some(name) = text.strip_prefix("header:") {
        return header_name(name).map(Place::Header);
    }
    match text.strip_prefix("json:") {
        Some(at) => pointer(at).map(Place::Json),
        None => Err("expected \"header:NAME\" or \"json:/pointer\"".into()),
    }
}

/// The name of a header (RFC 9110, section 5.1), in lower case.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected the name of a header: letters, digits and `-`".into())
}

/// The name of a header that a probe may add.
pub(super) fn request_header_name(text: &str) -> Result<String, String> {
    let name = header_name(text)?;
    if OWN_HEADERS.contains(&name.as_str()) {
        Err(format!("`{name}` is set by the probe itself"))
    } else {
        Ok(name)
    }
}

/// The value of a header: visible text, spaces and tabs within it.
pub(super) fn header_value(text: &str) -> Result<String, String> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err("the value of a header holds no line break or other control character".into());
    }
    Ok(text.to_owned())
}

/// The name of a cause.
pub(super) fn cause(text: &str) -> Result<Cause, String> {
    text.parse().map_err(|_| {
        let names = Cause::ALL.iter().map(|cause| cause.as_str());
        match nearest(text, names, 1).first() {
            Some(meant) => format!("no cause has this name; did you mean `{meant}`?"),
            None => "expected the name of a cause, such as `site-slow`".into(),
        }
    })
}

/// The start of app names.
pub(super) fn app_prefix(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("an app's name has a-z, 0-9 and `-`".into())
    }
}

/// Five fields as crontab(5) has them, or six with seconds.
pub(super) fn cron(text: &str) -> Result<String, String> {
    let fits = |field: &str| {
        field
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "*/,-?#L".contains(c))
    };
    if matches!(text.split_whitespace().count(), 5 | 6) && text.split_whitespace().all(fits) {
        return Ok(text.to_owned());
    }
    Err("expected five fields such as \"*/5 * * * *\", or six with seconds first".into())
}

/// An IANA time zone.
pub(super) fn timezone(text: &str) -> Result<String, String> {
    // Without a database (a bare container) nothing can be said, and a right name must not be refused.
    if jiff::tz::db().is_definitively_empty() || jiff::tz::TimeZone::get(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("expected a time zone such as \"Europe/London\" or \"UTC\"".into())
}
