//! `roundsman watch` as a process: what it says, what it remembers, how it starts, reloads and ends.

mod alertmanager;
mod alerts;
mod api;
pub(crate) mod api_calls;
mod api_document;
mod blackbox;
mod hook;
mod incidents;
mod life;
mod numbers;
mod otlp;
mod otlp_logs;
mod otlp_traces;
mod postfix;
mod prometheus;
mod ready_made;
mod repairs;
mod word;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use roundsman_checks::clock::Stopwatch;
use roundsman_lab::LabOptions;
use serde_json::Value;

use crate::cli::{Ran, Served, command, roundsman, serve};

/// How long anything that is waited for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A few tenants, looked at every second, whose incidents open and end as quickly as they may.
fn served(faults: &[&str]) -> Served {
    let options = LabOptions {
        tenants: ["q7f9", "a3b1", "c04e", "d9a2"].map(str::to_owned).into(),
        ..LabOptions::default()
    };
    served_with(options, faults)
}

/// The same for the tenants of these options.
fn served_with(options: LabOptions, faults: &[&str]) -> Served {
    let served = serve(options, faults).impatient();
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let text = text.replacen("[tenants]\n", "[tenants]\nevery = \"1s\"\n", 1);
    std::fs::write(&served.config, text).expect("the configuration can be written");
    configure(
        &served,
        "[schedule]\nevery = \"1s\"\nfleet_every = \"1s\"\n[incidents]\nconfirm_for = \"0s\"\nclear_for = \"0s\"\n[web]\nlisten = \"127.0.0.1:0\"\n",
    );
    served
}

/// Adds to the configuration.
fn configure(served: &Served, more: &str) {
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    std::fs::write(&served.config, text + more).expect("the configuration can be written");
}

/// A running daemon, killed where a test does not end it.
pub(crate) struct Daemon {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    /// Every line as it came.
    pub(crate) raw: Arc<Mutex<Vec<String>>>,
}

impl Daemon {
    fn start(served: &Served) -> Self {
        Self::start_with(served, &mut command(served.dir.path()))
    }

    pub(crate) fn start_with(served: &Served, command: &mut Command) -> Self {
        let command = command.args(["watch", "--config"]).arg(&served.config);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let (sender, lines) = channel();
        let raw = Arc::<Mutex<Vec<String>>>::default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(out.expect("a pipe")), Box::new(err.expect("a pipe"))];
        for stream in streams {
            let (sender, raw) = (sender.clone(), Arc::clone(&raw));
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    raw.lock().expect("no test failed meanwhile").push(line.clone());
                    let _ = sender.send(said(line));
                }
            });
        }
        Self {
            child,
            lines,
            said: Vec::new(),
            raw,
        }
    }

    /// Waits for a line with all these words; what was said until then.
    pub(crate) fn hears(&mut self, words: &[&str]) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if words.iter().all(|word| line.contains(word)) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("nothing was said with {words:?}:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("the signal is sent");
    }

    /// Ends it, and gives its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.child.wait().expect("it ends").code()
    }
}

/// What a line says, as people read it on a terminal: elsewhere each is an object of JSON.
fn said(line: String) -> String {
    let Ok(Value::Object(object)) = serde_json::from_str(&line) else {
        return line;
    };
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("timestamp"), text("message"))
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let ended = self.child.try_wait();
            let raw = self.raw.lock().map(|lines| lines.join("\n")).unwrap_or_default();
            eprintln!("the daemon ({ended:?}) said:\n{raw}");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command on the configuration of a lab.
fn ask(served: &Served, arguments: &[&str]) -> Ran {
    let config = served.config.display().to_string();
    let mut all = arguments.to_vec();
    all.extend(["--config", &config]);
    roundsman(&all, served.dir.path())
}

/// The same as JSON.
fn json(served: &Served, arguments: &[&str]) -> Value {
    let ran = ask(served, &[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
    serde_json::from_str(&ran.out).expect("JSON")
}

/// Waits until something is so; asks again and again, for nobody tells when it is.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Stopwatch::start();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.left(PATIENCE) > Duration::ZERO, "{what} never came");
        std::thread::yield_now();
    }
}

/// The status and the body of a page of the daemon.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the daemon listens");
    // Without chunks, which HTTP/1.0 does not know.
    write!(stream, "GET {path} HTTP/1.0\r\nhost: x\r\n\r\n").expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.expect("a status"), body.unwrap_or_default())
}

/// Where a daemon says that it listens.
pub(crate) fn listens(daemon: &mut Daemon) -> String {
    let line = daemon.hears(&["listening on http://"]);
    line.split("http://").nth(1).expect("an address").to_owned()
}
