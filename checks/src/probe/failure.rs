//! What an error of HTTP says of the peer: by types and codes, never by the words of a library.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use h2::Reason as Code;

use super::heads;
use super::wire::Heard;
use crate::evidence::{Fault, Reason};

/// A request that got no whole answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub fault: Fault,
    /// How it may be asked again, where the server said that it never processed it (RFC 9110, section 9.2.2; RFC 9113,
    /// section 8.7).
    pub again: Option<Again>,
    /// Whether the peer refused the channel itself before it sent a byte over it: in TLS 1.3 a server ends its part of
    /// the handshake after ours (RFC 8446, section 4.4.2.4).
    pub of_handshake: bool,
}

/// On what kind of new connection a request is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// One as before.
    AsBefore,
    /// One that offers HTTP/1.1 alone.
    OverHttp1,
    /// One on which what comes is recorded, for it was malformed: to say what is wrong with it, and for nothing else.
    Recorded,
}

/// Why a request got no head of an answer.
pub(super) fn of_request(error: &hyper::Error, heard: &Heard, is_http2: bool) -> Failure {
    let mut fault = fault(error, heard);
    if let Some(what) = heads::what_is_wrong(&heard.first()).filter(|_| fault.reason == Reason::HttpMalformed) {
        fault.detail = format!("{what}: {}", fault.detail);
    }
    let again = match http2(error) {
        _ if heard.tls().is_some() => None,
        Some(error) if error.reason() == Some(Code::HTTP_1_1_REQUIRED) && error.is_remote() => Some(Again::OverHttp1),
        // A stream above the last that the server looked at ends with its GOAWAY (RFC 9113, section 6.8); one below is
        // answered, or ends with the connection, which is no answer either.
        Some(error) if error.is_library() && fault.reason == Reason::HttpMalformed => Some(Again::Recorded),
        Some(error) => {
            let refused = error.is_reset() && error.reason() == Some(Code::REFUSED_STREAM);
            (error.is_remote() && (error.is_go_away() || refused)).then_some(Again::AsBefore)
        }
        // The connection ended before the first byte of an answer, or before the request was written at all.
        None if fault.reason != Reason::HttpClosed || error.is_user() => None,
        None => (is_http2 || error.is_canceled() || !heard.anything()).then_some(Again::AsBefore),
    };
    Failure {
        of_handshake: heard.tls().is_some() && !heard.anything(),
        fault,
        again,
    }
}

/// Whether the end of a connection says why, and the end of the request on it does not.
pub(super) fn says_more(of_connection: &hyper::Error, of_request: &hyper::Error) -> bool {
    http2(of_connection).is_some() && http2(of_request).is_none()
}

/// Why an answer did not come whole.
pub(super) fn fault(error: &hyper::Error, heard: &Heard) -> Fault {
    let detail = detail(error);
    if let Some(reason) = heard.tls() {
        return Fault::new(reason, detail);
    }
    if let Some(error) = http2(error) {
        let Some(code) = error.reason() else {
            return Fault::new(Reason::HttpClosed, detail);
        };
        let by = if error.is_remote() {
            "the peer says"
        } else {
            "found here"
        };
        return Fault::new(of_code(code, error.is_library()), format!("{detail} ({by}: {code:?})"));
    }
    let reason = if error.is_parse_too_large() {
        Reason::HttpTooLarge
    } else if error.is_parse() || is_framing(error) {
        Reason::HttpMalformed
    } else {
        Reason::HttpClosed
    };
    Fault::new(reason, detail)
}

/// What a code of HTTP/2 means (RFC 9113, section 7). `here`: our side found it, so that it is what the peer sent; what
/// the peer says of what it heard ends the request without an answer.
fn of_code(code: Code, here: bool) -> Reason {
    match code {
        // Our side says so of a head that is over its limits.
        Code::REFUSED_STREAM | Code::ENHANCE_YOUR_CALM | Code::COMPRESSION_ERROR if here => Reason::HttpTooLarge,
        _ if here => Reason::HttpMalformed,
        Code::SETTINGS_TIMEOUT => Reason::HttpTimeout,
        Code::INADEQUATE_SECURITY => Reason::TlsProtocol,
        Code::HTTP_1_1_REQUIRED => Reason::HttpProtocol,
        // Codes that nobody knows count as INTERNAL_ERROR.
        _ => Reason::HttpClosed,
    }
}

fn http2(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}

/// Whether the frames of an HTTP/1.1 body are none: chunks without a size, say (RFC 9112, section 7.1).
fn is_framing(error: &hyper::Error) -> bool {
    let inner = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    inner.is_some_and(|inner| matches!(inner.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput))
}

/// What the libraries say, at most a line, without the URL.
fn detail(error: &hyper::Error) -> String {
    let mut detail = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        detail = format!("{detail}: {inner}");
        source = inner.source();
    }
    let detail = detail.split(": https://").next().unwrap_or(&detail);
    detail.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_http2_has_a_reason() {
        use Reason::{HttpClosed, HttpMalformed, HttpProtocol, HttpTimeout, HttpTooLarge, TlsProtocol};
        for code in (0_u32..=14).map(Code::from) {
            let told = match code {
                Code::SETTINGS_TIMEOUT => HttpTimeout,
                Code::INADEQUATE_SECURITY => TlsProtocol,
                Code::HTTP_1_1_REQUIRED => HttpProtocol,
                _ => HttpClosed,
            };
            assert_eq!(of_code(code, false), told, "{code:?}");
        }
        assert_eq!(of_code(Code::PROTOCOL_ERROR, true), HttpMalformed);
        assert_eq!(of_code(Code::FRAME_SIZE_ERROR, true), HttpMalformed);
        assert_eq!(of_code(Code::ENHANCE_YOUR_CALM, true), HttpTooLarge);
    }
}
