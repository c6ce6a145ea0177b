//! A collector of OTLP, made of what OpenTelemetry publishes: it takes what is sent over HTTP and gRPC, or does one of the
//! things that collectors do on bad days.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use roundsman_checks::clock::Moment;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::{Request, Status};

/// What it does with a request.
#[derive(Clone, Debug, Default)]
pub(crate) enum Mood {
    /// Takes it.
    #[default]
    Takes,
    /// Answers so to the first requests, and takes the rest. A status of HTTP, or a code of gRPC.
    First(usize, u16),
    /// Answers so to the first request and asks to be left alone for 3 s, and takes the rest.
    Later(u16),
    /// Answers so to all of them.
    Always(u16),
    /// Takes them but for so many points or spans of each.
    Rejects(i64),
    /// Never answers.
    Hangs,
    /// Answers that it took it, with bytes that are no answer.
    Garbage,
    /// Answers without an end.
    Endless,
}

#[derive(Default)]
struct Kept {
    mood: Mood,
    metrics: Mutex<Vec<ResourceMetrics>>,
    spans: Mutex<Vec<ResourceSpans>>,
    lines: Mutex<Vec<LogRecord>>,
    headers: Mutex<Vec<HeaderMap>>,
    requests: AtomicUsize,
    /// When each came.
    came: Mutex<Vec<Moment>>,
    /// How many points, spans and lines were in what was refused.
    refused: AtomicUsize,
}

/// A collector that listens for HTTP and for gRPC.
pub(crate) struct Collector {
    kept: Arc<Kept>,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    /// Both over TLS, at `localhost`, and the root that it is to be trusted by, as PEM.
    pub(crate) tls: SocketAddr,
    pub(crate) roots: String,
    _runtime: Runtime,
}

impl Collector {
    pub(crate) fn start(mood: Mood) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let kept = Arc::new(Kept {
            mood,
            ..Kept::default()
        });
        let listen = || async { TcpListener::bind("127.0.0.1:0").await.expect("a free port") };
        let (http, grpc) = (runtime.block_on(listen()), runtime.block_on(listen()));
        let addresses = (http.local_addr(), grpc.local_addr());
        let router = Router::new()
            .route("/v1/metrics", post(over_http))
            .route("/v1/traces", post(over_http))
            .route("/v1/logs", post(over_http))
            .with_state(Arc::clone(&kept));
        let plain = router.clone();
        runtime.spawn(async move { axum::serve(http, plain).await });
        let services = || {
            let service = Service(Arc::clone(&kept));
            let packed = tonic::codec::CompressionEncoding::Gzip;
            let metrics = MetricsServiceServer::new(service.clone()).accept_compressed(packed);
            let traces = TraceServiceServer::new(service).accept_compressed(packed);
            let logs = LogsServiceServer::new(Service(Arc::clone(&kept))).accept_compressed(packed);
            tonic::service::Routes::new(metrics)
                .add_service(traces)
                .add_service(logs)
        };
        let server = tonic::transport::Server::builder().add_routes(services());
        runtime.spawn(server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(grpc)));
        let both = router.clone().merge(services().into_axum_router());
        let (tls, roots) = Tls::new(runtime.block_on(listen()));
        let tls_address = tls.listener.local_addr();
        runtime.spawn(async move { axum::serve(tls, both).await });
        Self {
            kept,
            http: addresses.0.expect("an address"),
            grpc: addresses.1.expect("an address"),
            tls: tls_address.expect("an address"),
            roots,
            _runtime: runtime,
        }
    }

    /// How many requests came, whatever became of them.
    pub(crate) fn requests(&self) -> usize {
        self.kept.requests.load(Ordering::SeqCst)
    }

    /// How long it was left alone after the first request.
    pub(crate) fn first_pause(&self) -> Option<Duration> {
        match lock(&self.kept.came).as_slice() {
            [first, second, ..] => Some(second.since(*first)),
            _ => None,
        }
    }

    /// How many points, spans and lines were in the requests that it refused.
    pub(crate) fn refused(&self) -> usize {
        self.kept.refused.load(Ordering::SeqCst)
    }

    /// The headers of the requests that came over HTTP.
    pub(crate) fn headers(&self) -> Vec<HeaderMap> {
        lock(&self.kept.headers).clone()
    }

    /// Every metric that was taken, in the order in which it came.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let all = lock(&self.kept.metrics).clone();
        let scopes = all.into_iter().flat_map(|resource| resource.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).collect()
    }

    /// The attributes of the resource that told metrics first.
    pub(crate) fn resource_of_metrics(&self) -> Option<Vec<(String, String)>> {
        let resource = lock(&self.kept.metrics).first()?.resource.clone();
        resource.as_ref().map(of_resource)
    }

    /// The attributes of the resource that told spans first.
    pub(crate) fn resource_of_spans(&self) -> Option<Vec<(String, String)>> {
        let resource = lock(&self.kept.spans).first()?.resource.clone();
        resource.as_ref().map(of_resource)
    }

    /// Every span that was taken.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let all = lock(&self.kept.spans).clone();
        let scopes = all.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// Every line of a log that was taken.
    pub(crate) fn lines(&self) -> Vec<LogRecord> {
        lock(&self.kept.lines).clone()
    }

    /// The spans of one trace by their names, its root first.
    pub(crate) fn trace(&self, root: &str) -> Vec<Span> {
        let all = self.spans();
        let Some(root) = all.iter().rfind(|span| span.name == root) else {
            return Vec::new();
        };
        let children = all.iter().filter(|span| span.parent_span_id == root.span_id);
        [vec![root.clone()], children.cloned().collect()].concat()
    }

    /// The latest value of a number with these attributes.
    pub(crate) fn number(&self, name: &str, wanted: &[(&str, &str)]) -> Option<f64> {
        let named = self.metrics().into_iter().filter(|metric| metric.name == name);
        let points = named.flat_map(|metric| match metric.data {
            Some(metric::Data::Sum(sum)) => sum.data_points,
            Some(metric::Data::Gauge(gauge)) => gauge.data_points,
            _ => Vec::new(),
        });
        let is_it = |attributes: &[KeyValue]| {
            let said = attributes.iter().map(said).collect::<Vec<_>>();
            said.len() == wanted.len()
                && wanted
                    .iter()
                    .all(|(key, value)| said.iter().any(|(k, v)| k == key && v == value))
        };
        points
            .filter(|point| is_it(&point.attributes))
            .filter_map(|point| {
                Some(match point.value? {
                    number_data_point::Value::AsDouble(value) => value,
                    number_data_point::Value::AsInt(value) => f64::from(i32::try_from(value).ok()?),
                })
            })
            .next_back()
    }
}

/// TLS with a certificate for `localhost`.
struct Tls {
    listener: TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl Tls {
    fn new(listener: TcpListener) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("a certificate with its key");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        (Self { listener, acceptor }, made.cert.pem())
    }
}

impl axum::serve::Listener for Tls {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.expect("a connection");
            // Who does not trust us goes away.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// The attribute of a span, as text.
pub(crate) fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|pair| pair.key == key);
    found.map(|pair| said(pair).1)
}

/// An attribute as text.
pub(crate) fn said(pair: &KeyValue) -> (String, String) {
    let value = match pair.value.as_ref().and_then(|value| value.value.clone()) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    };
    (pair.key.clone(), value)
}

fn of_resource(resource: &Resource) -> Vec<(String, String)> {
    resource.attributes.iter().map(said).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// Counts a request; the status that is answered instead of taking it.
    fn refuses(&self) -> Option<u16> {
        lock(&self.came).push(Moment::now());
        let before = self.requests.fetch_add(1, Ordering::SeqCst);
        match self.mood {
            Mood::First(count, status) if before < count => Some(status),
            Mood::Later(status) if before == 0 => Some(status),
            Mood::Always(status) => Some(status),
            _ => None,
        }
    }

    fn rejects(&self) -> i64 {
        match self.mood {
            Mood::Rejects(count) => count,
            _ => 0,
        }
    }

    fn take_metrics(&self, request: ExportMetricsServiceRequest) -> ExportMetricsServiceResponse {
        lock(&self.metrics).extend(request.resource_metrics);
        ExportMetricsServiceResponse {
            partial_success: (self.rejects() > 0).then(|| ExportMetricsPartialSuccess {
                rejected_data_points: self.rejects(),
                error_message: "too old".to_owned(),
            }),
        }
    }

    fn take_lines(&self, request: ExportLogsServiceRequest) -> ExportLogsServiceResponse {
        let scopes = request
            .resource_logs
            .into_iter()
            .flat_map(|resource| resource.scope_logs);
        lock(&self.lines).extend(scopes.flat_map(|scope| scope.log_records));
        ExportLogsServiceResponse {
            partial_success: (self.rejects() > 0).then(|| ExportLogsPartialSuccess {
                rejected_log_records: self.rejects(),
                error_message: "too old".to_owned(),
            }),
        }
    }

    fn take_spans(&self, request: ExportTraceServiceRequest) -> ExportTraceServiceResponse {
        lock(&self.spans).extend(request.resource_spans);
        ExportTraceServiceResponse {
            partial_success: (self.rejects() > 0).then(|| ExportTracePartialSuccess {
                rejected_spans: self.rejects(),
                error_message: "too old".to_owned(),
            }),
        }
    }
}

async fn over_http(State(kept): State<Arc<Kept>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    lock(&kept.headers).push(headers.clone());
    let refused = kept.refuses();
    let mut plain = body.to_vec();
    if headers.get("content-encoding").is_some_and(|packed| packed == "gzip") {
        plain.clear();
        let mut unpacked = GzDecoder::new(&body[..]);
        unpacked.read_to_end(&mut plain).expect("gzip");
    }
    let answer = |status: u16, body: Body| {
        let answer = Response::builder().status(status);
        let answer = match kept.mood {
            Mood::Later(_) if status != 200 => answer.header("retry-after", "3"),
            _ => answer,
        };
        answer.body(body).expect("an answer")
    };
    if let Some(status) = refused {
        kept.refused.fetch_add(count(uri.path(), &plain), Ordering::SeqCst);
        return answer(status, Body::from("come back later"));
    }
    match kept.mood {
        Mood::Hangs => std::future::pending().await,
        Mood::Garbage => answer(200, Body::from("<html>welcome</html>")),
        Mood::Endless => {
            let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[0x0a; 8192]));
            answer(200, Body::from_stream(futures_util::stream::repeat_with(chunk)))
        }
        _ => {
            let taken = match uri.path() {
                "/v1/metrics" => {
                    let request = ExportMetricsServiceRequest::decode(&plain[..]).expect("metrics");
                    kept.take_metrics(request).encode_to_vec()
                }
                "/v1/logs" => {
                    let request = ExportLogsServiceRequest::decode(&plain[..]).expect("lines");
                    kept.take_lines(request).encode_to_vec()
                }
                _ => {
                    let request = ExportTraceServiceRequest::decode(&plain[..]).expect("spans");
                    kept.take_spans(request).encode_to_vec()
                }
            };
            answer(200, Body::from(taken))
        }
    }
}

/// How many points, spans or lines a request holds.
fn count(path: &str, message: &[u8]) -> usize {
    if path == "/v1/traces" {
        let request = ExportTraceServiceRequest::decode(message).expect("spans");
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        return scopes.map(|scope| scope.spans.len()).sum();
    }
    if path == "/v1/logs" {
        let request = ExportLogsServiceRequest::decode(message).expect("lines");
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        return scopes.map(|scope| scope.log_records.len()).sum();
    }
    let request = ExportMetricsServiceRequest::decode(message).expect("metrics");
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|resource| &resource.scope_metrics);
    let points = scopes
        .flat_map(|scope| &scope.metrics)
        .map(|metric| match &metric.data {
            Some(metric::Data::Sum(sum)) => sum.data_points.len(),
            Some(metric::Data::Gauge(gauge)) => gauge.data_points.len(),
            Some(metric::Data::Histogram(histogram)) => histogram.data_points.len(),
            _ => 0,
        });
    points.sum()
}

/// A `google.rpc.Status` that asks to wait 3 s.
fn later() -> Vec<u8> {
    let kind = b"type.googleapis.com/google.rpc.RetryInfo";
    let delay = [0x08, 3];
    let info = [&[0x0a, 2], &delay[..]].concat();
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("a short one");
    let any = [&[0x0a, length(kind)], &kind[..], &[0x12, length(&info)], &info].concat();
    [&[0x08, 8, 0x1a, length(&any)], &any[..]].concat()
}

#[derive(Clone)]
struct Service(Arc<Kept>);

impl Service {
    async fn refuses(&self) -> Result<(), Status> {
        if let Some(code) = self.0.refuses() {
            let (code, why) = (i32::from(code).into(), "come back later");
            return Err(match self.0.mood {
                Mood::Later(_) => Status::with_details(code, why, later().into()),
                _ => Status::new(code, why),
            });
        }
        if matches!(self.0.mood, Mood::Hangs) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        self.refuses().await?;
        Ok(tonic::Response::new(self.0.take_metrics(request.into_inner())))
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        self.refuses().await?;
        Ok(tonic::Response::new(self.0.take_spans(request.into_inner())))
    }
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        self.refuses().await?;
        Ok(tonic::Response::new(self.0.take_lines(request.into_inner())))
    }
}
