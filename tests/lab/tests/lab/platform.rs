//! The simulated platform, over its sockets.

mod cloudflare;
mod effects;
mod graphql;
mod logs;
mod rest;

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use roundsman_lab::{Lab, LabOptions};
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// What an API answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

pub(crate) async fn lab(faults: &[&str]) -> Lab {
    let lab = Lab::start(LabOptions::with_platform()).await.unwrap();
    for fault in faults {
        lab.stage(fault.parse().unwrap()).await.unwrap();
    }
    lab
}

/// Waits until something is so; what never gets so fails the test.
pub(crate) async fn soon(holds: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never got so");
}

pub(crate) async fn call(lab: &Lab, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let url = lab.api_url().unwrap();
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("authorization", token)
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text,
    }
}

/// A call to the Machines API.
pub(crate) async fn rest(lab: &Lab, method: &str, path: &str) -> Answer {
    call(lab, method, path, "Bearer fm2_lab", "").await
}

/// A GraphQL request; gives the body.
pub(crate) async fn graphql(lab: &Lab, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let answer = call(lab, "POST", "/graphql", "FlyV1 fm2_lab", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// A call to the DNS provider.
pub(crate) async fn cloudflare(lab: &Lab, method: &str, path: &str) -> Answer {
    let token = format!("Bearer {}", lab.cloudflare_token());
    call(lab, method, &format!("/client/v4{path}"), &token, "").await
}
