//! Where telemetry goes and how: by the configuration, and where that is silent by the standard variables of
//! OpenTelemetry. What stands wrongly in a variable is said and left out: it may be meant for another program, and no
//! check depends on it.

use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_proto::tonic::resource::v1::Resource;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Signal;
use super::resource::resource;
use crate::config::{OtlpProtocol, Telemetry, Traces};

/// The value of a variable of the environment; an empty one is not set.
pub type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

/// How long one request may take where nothing else is said, and at most.
const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);
/// How often numbers are sent where nothing else is said, and the shortest and longest that may be said.
const INTERVAL: Duration = Duration::from_secs(60);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Where one signal goes.
#[derive(Clone, PartialEq)]
pub struct Endpoint {
    /// The whole address.
    pub url: Url,
    /// How it is spoken to.
    pub protocol: OtlpProtocol,
    /// What is sent with each request. They may hold secrets.
    pub headers: HeaderMap,
    /// How long a request may take.
    pub timeout: Duration,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// The only roots that it is trusted by, in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// Headers may be keys, and so may parts of an address: only who is spoken to is shown.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Endpoint {
    /// Who is spoken to, without path, user and query.
    #[must_use]
    pub fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// Everything about sending.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where each signal goes, in the order of [`Signal::ALL`]; `None`: nowhere.
    pub endpoints: [Option<Endpoint>; Signal::ALL.len()],
    /// Who tells.
    pub resource: Resource,
    /// How often numbers are sent.
    pub interval: Duration,
    /// Which examinations are told as traces.
    pub traces: Traces,
}

impl Settings {
    /// What configuration and environment say; `None` where nothing is sent. Beside it what is wrong in the environment.
    #[must_use]
    pub fn of(telemetry: &Telemetry, vantage: &str, variables: Variables<'_>) -> (Option<Self>, Vec<String>) {
        let set = |name: &str| variables(name).filter(|value| !value.is_empty());
        let mut wrong = Wrong(Vec::new());
        if set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return (None, wrong.0);
        }
        let mut endpoints = Signal::ALL.map(|signal| endpoint(signal, telemetry, &set, &mut wrong));
        if telemetry.traces == Traces::NONE {
            endpoints[Signal::Traces.index()] = None;
        }
        if endpoints.iter().all(Option::is_none) {
            return (None, wrong.0);
        }
        let interval = wrong.millis(&set, "OTEL_METRIC_EXPORT_INTERVAL", SHORTEST_INTERVAL, LONGEST_INTERVAL);
        let settings = Self {
            endpoints,
            resource: resource(vantage, &set),
            interval: interval.unwrap_or(INTERVAL),
            traces: telemetry.traces,
        };
        (Some(settings), wrong.0)
    }

    /// The same place and the same way, whoever tells: then nothing begins anew.
    #[must_use]
    pub fn goes_where(&self, other: &Self) -> bool {
        self.endpoints == other.endpoints
    }

    /// Where a signal goes.
    #[must_use]
    pub fn endpoint(&self, signal: Signal) -> Option<&Endpoint> {
        self.endpoints[signal.index()].as_ref()
    }
}

/// Where a signal goes.
fn endpoint(signal: Signal, telemetry: &Telemetry, set: Variables<'_>, wrong: &mut Wrong) -> Option<Endpoint> {
    let general = |what: &str| format!("OTEL_EXPORTER_OTLP_{what}");
    let own = |what: &str| format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.variable());
    let exporter = format!("OTEL_{}_EXPORTER", signal.variable());
    if set(&exporter).is_some_and(|word| word.trim() == "none") {
        return None;
    }
    // The variable of the signal goes before that of all.
    let either = |what: &str| {
        let names = [own(what), general(what)];
        names.into_iter().find_map(|name| Some((set(&name)?, name)))
    };
    let protocol = match telemetry.otlp_protocol {
        Some(protocol) => protocol,
        None => either("PROTOCOL").map_or_else(OtlpProtocol::default, |(word, name)| wrong.protocol(&word, &name)),
    };
    let root = telemetry
        .otlp_endpoint
        .clone()
        .map(|url| (url, "[telemetry] otlp_endpoint".to_owned()));
    let whole = |name: String| Some((set(&name)?, name));
    let url = match root {
        Some(root) => wrong.url(root).map(|url| below(url, signal, protocol)),
        None => match whole(own("ENDPOINT")) {
            Some(own) => wrong.url(own).map(|url| match protocol {
                OtlpProtocol::Http => url,
                OtlpProtocol::Grpc => below(url, signal, protocol),
            }),
            None => wrong
                .url(whole(general("ENDPOINT"))?)
                .map(|url| below(url, signal, protocol)),
        },
    }?;
    let timeout = [own("TIMEOUT"), general("TIMEOUT")];
    let timeout = timeout
        .iter()
        .find(|name| set(name).is_some())
        .and_then(|name| wrong.millis(set, name, Duration::from_millis(1), LONGEST_TIMEOUT));
    Some(Endpoint {
        url,
        protocol,
        headers: either("HEADERS").map_or_else(HeaderMap::new, |(text, name)| wrong.headers(&text, &name)),
        timeout: timeout.unwrap_or(TIMEOUT),
        gzip: either("COMPRESSION").is_some_and(|(word, name)| wrong.gzip(&word, &name)),
        ca_file: either("CERTIFICATE").map(|(path, _)| PathBuf::from(path)),
    })
}

/// The address of a signal below that of a collector: of its path for HTTP, of its method for gRPC, which has no other.
fn below(mut url: Url, signal: Signal, protocol: OtlpProtocol) -> Url {
    match protocol {
        OtlpProtocol::Http => {
            let path = format!("{}/{}", url.path().trim_end_matches('/'), signal.http_path());
            url.set_path(&path);
        }
        OtlpProtocol::Grpc => {
            url.set_path(signal.grpc_path());
            url.set_query(None);
        }
    }
    url
}

/// What is wrong in the environment, in a sentence each, without the values: they may be secrets.
struct Wrong(Vec<String>);

impl Wrong {
    fn note(&mut self, what: String) {
        if !self.0.contains(&what) {
            self.0.push(what);
        }
    }

    fn url(&mut self, (text, name): (String, String)) -> Option<Url> {
        let url = Url::parse(text.trim()).ok();
        let usable = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if usable.is_none() {
            self.note(format!("{name} is no http:// or https:// URL: nothing is sent there"));
        }
        usable
    }

    fn protocol(&mut self, word: &str, name: &str) -> OtlpProtocol {
        match word.trim() {
            "http/protobuf" => OtlpProtocol::Http,
            "grpc" => OtlpProtocol::Grpc,
            _ => {
                self.note(format!(
                    "{name} is neither http/protobuf nor grpc: http/protobuf is spoken"
                ));
                OtlpProtocol::Http
            }
        }
    }

    fn gzip(&mut self, word: &str, name: &str) -> bool {
        let known = ["gzip", "none"].contains(&word.trim());
        if !known {
            self.note(format!("{name} is neither gzip nor none: nothing is compressed"));
        }
        word.trim() == "gzip"
    }

    fn headers(&mut self, text: &str, name: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let read = pair.split_once('=').and_then(|(key, value)| {
                let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
                let mut value = HeaderValue::from_str(&value).ok()?;
                value.set_sensitive(true);
                Some((HeaderName::try_from(key.trim()).ok()?, value))
            });
            match read {
                Some((key, value)) => drop(headers.insert(key, value)),
                None => self.note(format!(
                    "{name} has an entry that is no NAME=VALUE of a header: it is not sent"
                )),
            }
        }
        headers
    }

    fn millis(&mut self, set: Variables<'_>, name: &str, least: Duration, most: Duration) -> Option<Duration> {
        let read = set(name)?.trim().parse::<u64>().map(Duration::from_millis);
        let usable = read.ok().filter(|time| (least..=most).contains(time));
        if usable.is_none() {
            let (least, most) = (least.as_millis(), most.as_millis());
            self.note(format!(
                "{name} is no number of milliseconds from {least} to {most}: the default holds"
            ));
        }
        usable
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn of(telemetry: &Telemetry, pairs: &[(&str, &str)]) -> (Option<Settings>, Vec<String>) {
        let find = |name: &str| {
            let found = pairs.iter().find(|(there, _)| *there == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::of(telemetry, "here", &find)
    }

    fn urls(telemetry: &Telemetry, pairs: &[(&str, &str)]) -> Vec<String> {
        let (settings, wrong) = of(telemetry, pairs);
        assert_eq!(wrong, Vec::<String>::new());
        let endpoints = settings.map(|settings| settings.endpoints).unwrap_or_default();
        endpoints
            .iter()
            .flatten()
            .map(|endpoint| endpoint.url.to_string())
            .collect()
    }

    const ROOT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/base/");

    #[test]
    fn the_file_goes_before_the_environment_and_a_signals_own_variable_before_that_of_all() {
        let silent = Telemetry::default();
        let none = Vec::<String>::new();
        assert_eq!(urls(&silent, &[]), none, "nobody said where");
        assert_eq!(urls(&silent, &[(ROOT.0, "")]), none, "an empty one is not set");
        let below = |root: &str| ["metrics", "traces", "logs"].map(|signal| format!("{root}/v1/{signal}"));
        let all = below("http://collector:4318/base");
        assert_eq!(urls(&silent, &[ROOT]), all);
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/in?k=1");
        assert_eq!(urls(&silent, &[ROOT, own]), [&all[0], own.1, &all[2]]);
        assert_eq!(urls(&silent, &[own]), [own.1]);
        let file = Telemetry {
            otlp_endpoint: Some("http://127.0.0.1:4318".to_owned()),
            ..Telemetry::default()
        };
        let said = below("http://127.0.0.1:4318");
        assert_eq!(urls(&file, &[ROOT, own]), said);
        assert_eq!(urls(&file, &[("OTEL_SDK_DISABLED", "True")]), none);
        assert_eq!(urls(&file, &[("OTEL_METRICS_EXPORTER", "none")]), said[1..]);
        let no_traces = Telemetry {
            traces: Traces::NONE,
            ..file
        };
        assert_eq!(urls(&no_traces, &[]), [&*said[0], &said[2]]);
    }

    #[test]
    fn grpc_has_the_path_of_its_method() {
        let silent = Telemetry::default();
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        assert_eq!(
            urls(&silent, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"), grpc])[1],
            "http://c:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        );
        let file = Telemetry {
            otlp_protocol: Some(OtlpProtocol::Http),
            ..silent
        };
        assert_eq!(urls(&file, &[ROOT, grpc])[0], "http://collector:4318/base/v1/metrics");
    }

    #[test]
    fn what_is_sent_along_is_read_as_the_specification_says_and_never_shown() {
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20s3cret, x-team=a");
        let pairs = [
            ROOT,
            headers,
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "70"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
        ];
        let (settings, wrong) = of(&Telemetry::default(), &pairs);
        assert_eq!(wrong, Vec::<String>::new());
        let settings = settings.unwrap();
        let [metrics, traces, _] = settings.endpoints.clone().map(Option::unwrap);
        assert_eq!(metrics.headers["authorization"], "Basic s3cret");
        assert_eq!(metrics.headers["x-team"], "a");
        assert!(metrics.gzip);
        assert_eq!(
            [metrics.timeout, traces.timeout].map(|time| time.as_millis()),
            [2500, 70]
        );
        assert_eq!(settings.interval, Duration::from_secs(1));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_wrong_in_the_environment_is_said_once_without_its_value_and_left_out() {
        let pairs = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://collector:4318/"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret,a b=c"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ];
        let (settings, wrong) = of(&Telemetry::default(), &pairs);
        let settings = settings.unwrap();
        assert_eq!(settings.endpoint(Signal::Traces), None);
        let metrics = settings.endpoint(Signal::Metrics).unwrap();
        assert_eq!((metrics.timeout, settings.interval), (TIMEOUT, INTERVAL));
        assert!(metrics.headers.is_empty() && !metrics.gzip);
        insta::assert_snapshot!(wrong.join("\n"), @r"
        OTEL_EXPORTER_OTLP_PROTOCOL is neither http/protobuf nor grpc: http/protobuf is spoken
        OTEL_EXPORTER_OTLP_TIMEOUT is no number of milliseconds from 1 to 300000: the default holds
        OTEL_EXPORTER_OTLP_HEADERS has an entry that is no NAME=VALUE of a header: it is not sent
        OTEL_EXPORTER_OTLP_COMPRESSION is neither gzip nor none: nothing is compressed
        OTEL_EXPORTER_OTLP_ENDPOINT is no http:// or https:// URL: nothing is sent there
        OTEL_METRIC_EXPORT_INTERVAL is no number of milliseconds from 100 to 86400000: the default holds
        ");
    }
}
