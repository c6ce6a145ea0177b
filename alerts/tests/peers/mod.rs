//! Servers that do what servers do at their worst, on loopback.
#![expect(clippy::expect_used, reason = "a test may fail")]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a mail server does until it is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Takes every mail.
    Takes,
    /// Answers 451 to every recipient.
    NotNow,
    /// Answers 550 to this recipient.
    Refuses(&'static str),
    /// Greets with 421 and goes away.
    Refuses421,
    /// Takes connections and says nothing.
    Silent,
    /// Closes each connection.
    ClosesAtOnce,
    /// Greets with 10 MiB.
    Floods,
    /// Takes a mail, and never says so.
    TakesWithoutAWord,
    /// Goes away in the middle of a mail.
    BreaksOffInData,
    /// Speaks TLS with a certificate that nobody trusts.
    Tls,
    /// Offers STARTTLS with such a certificate.
    StartTls,
    /// Says more than it may right after it agreed to STARTTLS.
    InjectsBeforeTls,
}

/// A mail that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) data: String,
}

impl Arrived {
    /// Its headers, one a line.
    pub(crate) fn head(&self) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        head.replace("\r\n ", " ").replace("\r\n\t", " ").replace("\r\n", "\n")
    }

    pub(crate) fn message_id(&self) -> String {
        let head = self.head();
        head.lines()
            .find(|line| line.starts_with("Message-ID:"))
            .unwrap_or_default()
            .to_owned()
    }
}

/// A mail server.
pub(crate) struct SmtpPeer {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    way: Way,
    healed: AtomicBool,
    connections: AtomicUsize,
    refusals: AtomicUsize,
    mails: Mutex<Vec<Arrived>>,
}

impl SmtpPeer {
    pub(crate) fn start(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            way,
            healed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            mails: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let serving = Arc::clone(&serving);
                thread::spawn(move || drop(serving.serve(stream)));
            }
        });
        Self { port, shared }
    }

    /// From now on it takes every mail.
    pub(crate) fn heal(&self) {
        self.shared.healed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mails(&self) -> Vec<Arrived> {
        self.shared.mails.lock().expect("nobody panicked").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn refusals(&self) -> usize {
        self.shared.refusals.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn way(&self) -> Way {
        match self.healed.load(Ordering::SeqCst) {
            true => Way::Takes,
            false => self.way,
        }
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        match self.way() {
            Way::Silent => return hold(&mut stream),
            Way::ClosesAtOnce => return Ok(()),
            Way::Floods => {
                let line = vec![b'2'; 1024 * 1024];
                for _ in 0..10 {
                    stream.write_all(&line)?;
                }
                return hold(&mut stream);
            }
            Way::Refuses421 => {
                stream.write_all(b"421 busy\r\n")?;
                return Ok(());
            }
            Way::StartTls | Way::InjectsBeforeTls => {
                self.talk(stream.try_clone()?, true)?;
                return self.talk(encrypted(stream)?, false);
            }
            Way::Tls => return self.talk(encrypted(stream)?, true),
            _ => {}
        }
        self.talk(stream, true)
    }

    fn talk<S: Read + Write>(&self, mut stream: S, greets: bool) -> std::io::Result<()> {
        if greets {
            stream.write_all(b"220 peer ESMTP\r\n")?;
        }
        let mut stream = BufReader::new(stream);
        let (mut from, mut to) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let answer: &[u8] = match word.as_str() {
                "EHLO" if matches!(self.way(), Way::StartTls | Way::InjectsBeforeTls) => {
                    b"250-peer\r\n250 STARTTLS\r\n"
                }
                "EHLO" => b"250-peer\r\n250 8BITMIME\r\n",
                "STARTTLS" if self.way() == Way::InjectsBeforeTls => {
                    b"220 go\r\n250-peer\r\n250 8BITMIME\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"
                }
                "STARTTLS" => b"220 go\r\n",
                "MAIL" => {
                    from = line
                        .split(':')
                        .nth(1)
                        .unwrap_or_default()
                        .split(' ')
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    b"250 ok\r\n"
                }
                "RCPT" => {
                    to = line
                        .split(':')
                        .nth(1)
                        .unwrap_or_default()
                        .split(' ')
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    match self.way() {
                        Way::NotNow => b"451 4.7.1 try later\r\n",
                        Way::Refuses(gone) if to.contains(gone) => {
                            self.refusals.fetch_add(1, Ordering::SeqCst);
                            b"550 5.1.1 no such user\r\n"
                        }
                        _ => b"250 ok\r\n",
                    }
                }
                "DATA" => {
                    stream.get_mut().write_all(b"354 go\r\n")?;
                    if self.way() == Way::BreaksOffInData {
                        let mut some = [0; 10];
                        stream.read_exact(&mut some)?;
                        return Ok(());
                    }
                    let data = data(&mut stream)?;
                    self.mails.lock().expect("nobody panicked").push(Arrived {
                        from: from.clone(),
                        to: to.clone(),
                        data,
                    });
                    if self.way() == Way::TakesWithoutAWord {
                        return hold(stream.get_mut());
                    }
                    b"250 taken\r\n"
                }
                "QUIT" => {
                    stream.get_mut().write_all(b"221 bye\r\n")?;
                    return Ok(());
                }
                _ => b"250 ok\r\n",
            };
            stream.get_mut().write_all(answer)?;
            if word == "STARTTLS" {
                return Ok(());
            }
        }
    }
}

/// The mail, its dots as they were.
fn data(stream: &mut impl std::io::BufRead) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_str() {
            ".\r\n" => return Ok(data),
            line => data.push_str(line.strip_prefix('.').unwrap_or(line)),
        }
    }
}

/// Says nothing more until the other side goes away.
fn hold(stream: &mut impl Read) -> std::io::Result<()> {
    let mut gone = [0; 1024];
    while stream.read(&mut gone)? > 0 {}
    Ok(())
}

fn encrypted(stream: TcpStream) -> std::io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    let connection = ServerConnection::new(Arc::new(config)).map_err(std::io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

/// A web server with one answer.
pub(crate) struct HttpPeer {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HttpPeer {
    pub(crate) fn start(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (Arc::clone(&requests), answer.to_owned());
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                if let Some(request) = read_request(&mut stream) {
                    heard.lock().expect("nobody panicked").push(request);
                    let _ = stream.write_all(answer.as_bytes());
                }
            }
        });
        Self { port, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).ok()?)
}

/// The signature of Standard Webhooks, made apart from the code that is tested.
pub(crate) fn sign(secret: &str, signed: &[u8]) -> String {
    let key = BASE64.decode(secret.trim_start_matches("whsec_")).expect("base64");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed);
    format!("v1,{}", BASE64.encode(tag))
}
