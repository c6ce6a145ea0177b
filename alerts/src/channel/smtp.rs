//! Mail over SMTP (RFC 5321), a step at a time: each has a deadline, and what became of the mail is known at each.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Severity as Reply;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::answer::{shown, with_sources};
use super::gate::Gate;
use super::letter::Letter;
use crate::notification::{Failure, Outcome};
use crate::render::Mail;

/// How long an unused connection is kept for the next mail.
const KEPT: SignedDuration = SignedDuration::from_secs(20);
/// How long a server that refuses our name or password is left alone: more attempts would lock us out.
const LOCKED: Duration = Duration::from_secs(15 * 60);

/// How the way to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314): `smtps://`.
    Tls,
    /// TLS by `STARTTLS`, or nothing at all: `smtp+starttls://`.
    StartTls,
    /// In clear, to this machine only: `smtp://`.
    Clear,
}

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, its encryption included.
    pub connect: Duration,
    /// For its greeting, and for each command.
    pub step: Duration,
    /// For its reply to a whole mail: it may look at all of it first.
    pub last_reply: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            step: Duration::from_secs(15),
            last_reply: Duration::from_secs(45),
        }
    }
}

/// A name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.username)
    }
}

/// A server that takes mail, with the connection that was used last.
pub struct MailServer {
    host: String,
    port: u16,
    security: Security,
    login: Option<Login>,
    patience: Patience,
    kept: Arc<Mutex<Option<(AsyncSmtpConnection, Timestamp)>>>,
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailServer({}:{}, {:?})", self.host, self.port, self.security)
    }
}

/// What went wrong, and where.
struct Trouble {
    why: String,
    /// The server's code, where it answered.
    code: Option<u16>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing of the mail was said yet.
    Greeting,
    /// Who we are.
    Login,
    /// Who sends it and who gets it.
    Envelope,
    /// The mail is under way.
    Content,
}

impl MailServer {
    /// A server, spoken to in this way.
    #[must_use]
    pub fn new(host: &str, port: u16, security: Security, login: Option<Login>) -> Self {
        Self {
            host: host.to_owned(),
            port,
            security,
            login,
            patience: Patience::default(),
            kept: Arc::default(),
        }
    }

    /// The same server, for which nobody waits longer than this.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Sends a mail to one recipient.
    pub(super) async fn send(&self, mail: &Mail, envelope: (&str, &str), at: Timestamp, now: Timestamp) -> Outcome {
        let (from, to) = envelope;
        let letter = match Letter::write(mail, at, from, to) {
            Ok(letter) => letter,
            Err(why) => {
                return Outcome::Failed(Failure {
                    why,
                    permanent: true,
                    ..Failure::default()
                });
            }
        };
        match self.try_send(&letter, now).await {
            Ok(said) => Outcome::Delivered(self.shown(&said)),
            Err(trouble) => Outcome::Failed(self.failure(&trouble)),
        }
    }

    /// What the server said, without what lets in there.
    fn shown(&self, text: &str) -> String {
        let secrets = self.login.as_ref().map(|login| login.password.as_str());
        shown(text, &secrets.into_iter().collect::<Vec<_>>())
    }

    fn failure(&self, trouble: &Trouble) -> Failure {
        let why = self.shown(&trouble.why);
        let refused = trouble.code.is_some_and(|code| (500..600).contains(&code));
        let failure = Failure {
            why,
            ..Failure::default()
        };
        match trouble.stage {
            Stage::Greeting => Failure {
                unreachable: true,
                ..failure
            },
            Stage::Login => Failure {
                unreachable: true,
                retry_after: refused.then_some(LOCKED),
                ..failure
            },
            // 421: the server goes away, whatever it was told (RFC 5321, section 3.8).
            Stage::Envelope | Stage::Content if trouble.code == Some(421) => Failure {
                unreachable: true,
                ..failure
            },
            Stage::Envelope | Stage::Content if trouble.code.is_some() => Failure {
                permanent: refused,
                ..failure
            },
            Stage::Envelope => Failure {
                unreachable: true,
                ..failure
            },
            Stage::Content => Failure {
                unreachable: true,
                perhaps: true,
                ..failure
            },
        }
    }

    async fn try_send(&self, letter: &Letter, now: Timestamp) -> Result<String, Trouble> {
        let mut connection = match self.kept(now).await {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        let sent = deliver(&mut connection, letter, self.patience).await;
        match &sent {
            Ok(_) => *self.kept.lock().await = Some((connection, now)),
            // A server that answered is told that we go; one that did not would keep us waiting.
            Err(trouble) if trouble.code.is_some() => drop(timeout(Duration::from_secs(1), connection.quit()).await),
            Err(_) => {}
        }
        sent
    }

    /// The connection of the last mail, where it still answers.
    async fn kept(&self, now: Timestamp) -> Option<AsyncSmtpConnection> {
        let (mut connection, used) = self.kept.lock().await.take()?;
        if now.duration_since(used).abs() > KEPT {
            let _ = timeout(Duration::from_secs(1), connection.quit()).await;
            return None;
        }
        let answers = timeout(Duration::from_secs(2), connection.test_connected()).await;
        answers.unwrap_or(false).then_some(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let at = |why: String, code| Trouble {
            why: format!("{}:{}: {why}", self.host, self.port),
            code,
            stage: Stage::Greeting,
        };
        let greeting = |error: lettre::transport::smtp::Error| at(with_sources(&error), error.status().map(u16::from));
        let late = |what: &str| at(format!("{what} took too long"), None);
        let connected = timeout(self.patience.connect, self.reach()).await;
        let (stream, peer) = connected
            .map_err(|_| late("connecting"))?
            .map_err(|error| at(error.to_string(), None))?;
        let hello = match stream.local_addr().map(|local| local.ip()) {
            Ok(std::net::IpAddr::V4(ip)) => ClientId::Ipv4(ip),
            Ok(std::net::IpAddr::V6(ip)) => ClientId::Ipv6(ip),
            Err(_) => ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST),
        };
        let mut connection = match self.security {
            Security::Tls => {
                let stream = timeout(self.patience.connect, self.encrypt(stream)).await;
                let stream = stream
                    .map_err(|_| late("the TLS handshake"))?
                    .map_err(|why| at(why, None))?;
                let gate = Box::new(Gate::new(stream, peer));
                let greeted = timeout(
                    self.patience.step,
                    AsyncSmtpConnection::connect_with_transport(gate, &hello),
                )
                .await;
                greeted.map_err(|_| late("the greeting"))?.map_err(greeting)?
            }
            Security::StartTls | Security::Clear => {
                let gate = Box::new(Gate::new(stream, peer));
                let greeted = timeout(
                    self.patience.step,
                    AsyncSmtpConnection::connect_with_transport(gate, &hello),
                )
                .await;
                greeted.map_err(|_| late("the greeting"))?.map_err(greeting)?
            }
        };
        if self.security == Security::StartTls {
            if !connection.can_starttls() {
                let _ = timeout(Duration::from_secs(1), connection.quit()).await;
                let why = "the server offers no STARTTLS: nothing is sent in clear".to_owned();
                return Err(at(why, None));
            }
            let parameters = TlsParameters::new_rustls(self.host.clone()).map_err(greeting)?;
            let secured = timeout(self.patience.step, connection.starttls(parameters, &hello)).await;
            secured.map_err(|_| late("STARTTLS"))?.map_err(greeting)?;
        }
        if let Some(login) = &self.login {
            let credentials = Credentials::new(login.username.clone(), login.password.clone());
            let known = timeout(
                self.patience.step,
                connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials),
            )
            .await;
            let known = known.map_err(|_| late("the login"))?;
            known.map_err(|error| Trouble {
                why: format!("the login as {} is refused: {}", login.username, with_sources(&error)),
                code: error.status().map(u16::from),
                stage: Stage::Login,
            })?;
        }
        Ok(connection)
    }

    /// A connection to the first of the server's addresses that takes one.
    async fn reach(&self) -> std::io::Result<(TcpStream, SocketAddr)> {
        let mut last = std::io::Error::other("the name has no address");
        for address in lookup_host((self.host.as_str(), self.port)).await? {
            if self.security == Security::Clear && !address.ip().is_loopback() {
                return Err(std::io::Error::other("in clear only this machine is spoken to"));
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn encrypt(&self, stream: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.map_err(|error| error.to_string())
    }
}

async fn deliver(connection: &mut AsyncSmtpConnection, letter: &Letter, patience: Patience) -> Result<String, Trouble> {
    let from = MailFrom::new(Some(letter.from.clone()), vec![]);
    step(connection.command(from), patience.step, Stage::Envelope, "MAIL FROM").await?;
    let to = Rcpt::new(letter.to.clone(), vec![]);
    step(connection.command(to), patience.step, Stage::Envelope, "RCPT TO").await?;
    step(connection.command(Data), patience.step, Stage::Envelope, "DATA").await?;
    step(
        connection.message(&letter.bytes),
        patience.last_reply,
        Stage::Content,
        "the mail",
    )
    .await
}

type Answered = Result<lettre::transport::smtp::response::Response, lettre::transport::smtp::Error>;

async fn step(
    command: impl Future<Output = Answered>,
    patience: Duration,
    stage: Stage,
    what: &str,
) -> Result<String, Trouble> {
    match timeout(patience, command).await {
        Ok(Ok(reply)) => {
            let ok = matches!(
                reply.code().severity,
                Reply::PositiveCompletion | Reply::PositiveIntermediate
            );
            debug_assert!(ok, "a refusal is an error");
            let lines = reply.message().collect::<Vec<_>>();
            Ok(format!("{} {}", reply.code(), lines.join(" ")))
        }
        Ok(Err(error)) => Err(Trouble {
            why: format!("{what}: {}", with_sources(&error)),
            code: error.status().map(u16::from),
            stage,
        }),
        Err(_) => Err(Trouble {
            why: format!("{what}: no reply in {} s", patience.as_secs()),
            code: None,
            stage,
        }),
    }
}
