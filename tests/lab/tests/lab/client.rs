//! Clients: a DNS question, a TLS handshake, an HTTP request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use roundsman_lab::{Lab, LabOptions};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) async fn lab(faults: &[&str]) -> Lab {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    for fault in faults {
        lab.stage(fault.parse().unwrap()).await.unwrap();
    }
    lab
}

pub(crate) fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(fastrand::u16(..), MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

pub(crate) async fn udp(server: SocketAddr, message: &Message) -> Message {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    socket.send_to(&message.to_vec().unwrap(), server).await.unwrap();
    let mut buffer = vec![0; 4096];
    let count = socket.recv(&mut buffer).await.unwrap();
    let answer = Message::from_vec(&buffer[..count]).unwrap();
    assert_eq!(answer.metadata.id, message.metadata.id);
    answer
}

pub(crate) async fn tcp(server: SocketAddr, message: &Message) -> Message {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let bytes = message.to_vec().unwrap();
    stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let length = stream.read_u16().await.unwrap();
    let mut buffer = vec![0; length.into()];
    stream.read_exact(&mut buffer).await.unwrap();
    Message::from_vec(&buffer).unwrap()
}

pub(crate) fn with_edns(mut message: Message, payload: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(payload);
    message.edns = Some(edns);
    message
}

/// The addresses in an answer, as text.
pub(crate) async fn addresses(server: SocketAddr, name: &str, kind: RecordType) -> Vec<String> {
    let answer = udp(server, &question(name, kind)).await;
    let address = |data: &RData| match data {
        RData::A(address) => Some(address.0.to_string()),
        RData::AAAA(address) => Some(address.0.to_string()),
        _ => None,
    };
    answer
        .answers
        .iter()
        .filter_map(|record| address(&record.data))
        .collect()
}

pub(crate) type Tls = TlsStream<TcpStream>;

/// A verified handshake at the first address of the edge.
pub(crate) async fn handshake(lab: &Lab, host: &str) -> std::io::Result<Tls> {
    connect(lab, lab.edge_addresses()[0], host, verifying(lab)).await
}

/// A handshake that takes any certificate.
pub(crate) async fn careless(lab: &Lab, host: &str) -> std::io::Result<Tls> {
    let config = builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Careless));
    connect(lab, lab.edge_addresses()[0], host, config.with_no_client_auth()).await
}

pub(crate) async fn connect(lab: &Lab, address: IpAddr, host: &str, mut config: ClientConfig) -> std::io::Result<Tls> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect((address, lab.edge_port())).await?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

pub(crate) fn verifying(lab: &Lab) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(lab.root_pem().as_bytes()).unwrap())
        .unwrap();
    builder().with_root_certificates(roots).with_no_client_auth()
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

/// What the client makes of a handshake that fails.
pub(crate) fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

pub(crate) async fn get(lab: &Lab, host: &str, path: &str) -> (http::response::Parts, Bytes) {
    let tls = handshake(lab, host).await.unwrap();
    let response = send(tls, "GET", host, path).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts, body.collect().await.unwrap().to_bytes())
}

pub(crate) async fn send(tls: Tls, method: &str, host: &str, path: &str) -> hyper::Result<Response<Incoming>> {
    let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(tls);
    let request = Request::builder().method(method);
    if http2 {
        let executor = TokioExecutor::new();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await?;
        tokio::spawn(connection);
        let request = request.uri(format!("https://{host}{path}"));
        sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
        tokio::spawn(connection);
        let request = request.uri(path).header("host", host);
        sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await
    }
}

#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
