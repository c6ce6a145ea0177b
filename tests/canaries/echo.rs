//! Servers that say back all that they are told, however it could be written: over HTTP with the status that the first
//! segment of the path names, and over SMTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Everything that lets in somewhere, in the forms in which careless servers log and tell it.
    fn told_back(&self) -> String {
        let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let mut all = vec![self.path().to_owned(), percent_of_reserved(self.path())];
        for line in self.head.lines().skip(1) {
            let value = line.split_once(':').map(|(_, value)| value.trim()).unwrap_or_default();
            let alone = value.split_once(' ').map_or(value, |(_, alone)| alone);
            all.extend([
                value.to_owned(),
                percent_of_reserved(alone),
                percent(&alone[..alone.len().min(3)]),
            ]);
            all.push(STANDARD.encode(value));
            if let Ok(plain) = STANDARD.decode(alone) {
                all.push(String::from_utf8_lossy(&plain).into_owned());
            }
        }
        // What is most telling first: whoever shows only the beginning shows that.
        all.sort_by_key(|text| !text.contains("cnry"));
        all.join(" ")
    }
}

fn percent_of_reserved(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A server of HTTP; it serves until the test process ends.
pub(super) struct Echo {
    pub(super) address: SocketAddr,
    taken: Arc<Mutex<Vec<Request>>>,
}

impl Echo {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::<Mutex<Vec<Request>>>::default();
        let all = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let all = Arc::clone(&all);
                std::thread::spawn(move || drop(answer(stream, &all)));
            }
        });
        Self { address, taken }
    }

    /// Where it answers with a status.
    pub(super) fn url(&self, status: u16) -> String {
        format!("http://{}/{status}", self.address)
    }

    pub(super) fn taken(&self) -> Vec<Request> {
        self.taken.lock().expect("nobody panicked").clone()
    }
}

fn answer(stream: TcpStream, all: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let mut request = Request {
            head: head.trim_end().to_owned(),
            body: Vec::new(),
        };
        let length = request.header("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0_usize)];
        reader.read_exact(&mut body)?;
        request.body = body;
        let status = request.path().split('/').nth(1).and_then(|status| status.parse().ok());
        let said = said(&request).to_string();
        all.lock().expect("nobody panicked").push(request);
        let status: u16 = status.unwrap_or(404);
        write!(
            writer,
            "HTTP/1.1 {status} As Told\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{said}",
            said.len()
        )?;
    }
}

/// What an API says: errors wherever APIs have theirs, and, for who asks for tenants, entries that hold the token.
fn said(request: &Request) -> Value {
    let told = request.told_back();
    if request.path().contains("/listing") {
        return json!([{ "id": "q7f9", "labels": { "plan": "pro" } }]);
    }
    if request.path().contains("/tenants") {
        let token = request
            .header("authorization")
            .unwrap_or_default()
            .trim_start_matches("Bearer ");
        return json!([
            { "id": "q7f9", "labels": { "told": told, "token": token } },
            { "id": token },
            { "id": "a3b1", "status": token, "hostname": STANDARD.encode(token) },
            { "id": 7, "app": token },
            told,
        ]);
    }
    json!({
        "error": told,
        "message": told,
        "detail": told,
        "success": false,
        "errors": [{ "code": 10000, "message": told, "extensions": { "code": told } }],
        "messages": [told],
        "data": null,
        "result": null,
    })
}

/// What a mail server does with who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Accepted,
    Refused,
}

/// A mail server that says back what it is told; the mails that it took.
pub(super) struct MailEcho {
    pub(super) address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
    logins: Arc<Mutex<Vec<String>>>,
}

impl MailEcho {
    pub(super) fn start(login: Login) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("an address"),
            mails: Arc::default(),
            logins: Arc::default(),
        };
        let (mails, logins) = (Arc::clone(&server.mails), Arc::clone(&server.logins));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (mails, logins) = (Arc::clone(&mails), Arc::clone(&logins));
                std::thread::spawn(move || drop(talk(stream, login, &mails, &logins)));
            }
        });
        server
    }

    pub(super) fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("nobody panicked").clone()
    }

    /// What was said to log in.
    pub(super) fn logins(&self) -> Vec<String> {
        self.logins.lock().expect("nobody panicked").clone()
    }
}

fn talk(
    stream: TcpStream,
    login: Login,
    mails: &Mutex<Vec<String>>,
    logins: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    let mut told = String::new();
    write!(writer, "220 echo\r\n")?;
    while let Some(line) = lines.next() {
        let line = line?;
        let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => write!(writer, "250-echo\r\n250 AUTH PLAIN\r\n")?,
            "AUTH" => {
                let sent = line.rsplit(' ').next().unwrap_or_default();
                let plain = STANDARD.decode(sent).unwrap_or_default();
                let plain = String::from_utf8_lossy(&plain).replace('\0', " ");
                told = format!("{sent} {plain} {}", percent_of_reserved(&plain));
                logins.lock().expect("nobody panicked").push(plain);
                match login {
                    Login::Accepted => write!(writer, "235 welcome {told}\r\n")?,
                    Login::Refused => write!(writer, "535 5.7.8 not {told}\r\n")?,
                }
            }
            "DATA" => {
                write!(writer, "354 go on\r\n")?;
                let mut mail = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                mails.lock().expect("nobody panicked").push(mail);
                write!(writer, "250 2.0.0 queued for {told}\r\n")?;
            }
            "QUIT" => return write!(writer, "221 bye {told}\r\n"),
            _ => write!(writer, "250 ok {told}\r\n")?,
        }
    }
    Ok(())
}
