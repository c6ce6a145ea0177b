//! How a daemon starts, reloads, refuses and ends, and how it answers for itself.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{Daemon, ask, configure, eventually, get, json, listens, served};
use crate::cli::command;

#[test]
fn nobody_is_ready_before_the_tenants_were_named() {
    let served = served(&[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let (before, rest) = text.split_once("source = \"list\"\nlist = [").expect("a list");
    let rest = rest.split_once('\n').expect("a line").1;
    let text = format!("{before}source = \"http\"\nurl = \"http://{address}/tenants\"\n{rest}");
    std::fs::write(&served.config, text).expect("the configuration can be written");
    let mut daemon = Daemon::start(&served);
    let web = listens(&mut daemon);
    let said = eventually("zone and edge were looked at", || {
        let (status, body) = get(&web, "/readyz");
        assert_eq!(status, 503, "{body}");
        let said = serde_json::from_str::<Value>(&body).expect("JSON");
        (said["waiting_for"] == serde_json::json!(["the inventory"])).then_some(said)
    });
    assert_eq!((&said["ready"], &said["coverage"]), (&false.into(), &0.0.into()));
}

#[test]
fn a_database_lies_where_the_configuration_says() {
    let served = served(&[]);
    let folder = served.dir.path().join("sub");
    std::fs::create_dir(&folder).expect("a folder");
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    for (path, expected) in [("\n[store]\npath = \"a.db\"\n", "sub/a.db"), ("", "sub/roundsman.db")] {
        std::fs::write(folder.join("c.toml"), text.clone() + path).expect("the configuration can be written");
        // What is relative on the command line stays so.
        let mut command = command(served.dir.path());
        let output = command.args(["status", "--config", "sub/c.toml"]).output();
        let said = String::from_utf8_lossy(&output.expect("it runs").stderr).into_owned();
        assert!(said.contains(expected) && !said.contains("sub/sub"), "{said}");
    }
}

#[test]
fn it_answers_for_itself() {
    let served = served(&[]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let ready = eventually("readiness", || {
        let (status, body) = get(&address, "/readyz");
        let said = serde_json::from_str::<Value>(&body).expect("JSON");
        assert_eq!(status == 200, said["ready"] == true, "{body}");
        (status == 200).then_some(said)
    });
    assert_eq!(
        (&ready["coverage"], &ready["waiting_for"]),
        (&1.0.into(), &serde_json::json!([]))
    );
    assert_eq!(get(&address, "/healthz").0, 200);
    assert_eq!(get(&address, "/nothing").0, 404);
    let known = json(&served, &["status"]);
    assert_eq!(known.as_array().map(Vec::len), Some(4));
    assert!(
        known[0]["next"].is_string() && known[0]["status"] == "healthy",
        "{known}"
    );
    assert_eq!(ask(&served, &["status", "nobody"]).code, Some(2));
    assert_eq!(daemon.stop(), Some(0));
    // What was known is known without it, but nothing can be changed.
    let known = json(&served, &["status", "q7f9"]);
    assert_eq!(
        (&known[0]["status"], &known[0]["next"]),
        (&"healthy".into(), &Value::Null)
    );
    let refused = ask(&served, &["silences", "add", "tenant=x", "--for", "1h"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("no `roundsman watch` runs"), "{}", refused.err);
}

#[test]
fn a_second_one_on_the_database_refuses_and_names_the_first() {
    let served = served(&[]);
    let mut daemon = Daemon::start(&served);
    listens(&mut daemon);
    let second = ask(&served, &["watch"]);
    assert_eq!(second.code, Some(2));
    let first = format!("pid {} on ", daemon.child.id());
    assert!(second.err.contains(&first), "{}", second.err);
}

#[test]
fn an_address_that_another_process_has_is_named_with_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = other.local_addr().expect("an address").to_string();
    let served = served(&[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    std::fs::write(&served.config, text.replace("127.0.0.1:0", &taken)).expect("it can be written");
    let refused = ask(&served, &["watch"]);
    assert_eq!(refused.code, Some(2));
    let told = format!("[web] listen = \"{taken}\": ");
    assert!(refused.err.contains(&told), "{}", refused.err);
    assert!(refused.err.contains("another process listens there"), "{}", refused.err);
}

#[test]
fn another_configuration_is_in_force_at_once_and_a_wrong_one_is_not() {
    let served = served(&[]);
    let mut daemon = Daemon::start(&served);
    listens(&mut daemon);
    eventually("it is looked at", || {
        let known = ask(&served, &["status", "q7f9"]);
        known.out.contains("healthy").then_some(())
    });
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let write = |text: &str| std::fs::write(&served.config, text).expect("it can be written");
    // By a change of the file, and by a signal.
    write(&format!("{text}\n[sites]\n"));
    daemon.hears(&["not reloaded", "unknown table [sites]"]);
    write(&text.replace("domain = \"tenants.test\"", "domain = \"other.test\""));
    daemon.hears(&["not reloaded", "`domain` needs a restart"]);
    write(&text.replace("\"q7f9\", ", ""));
    daemon.signal(Signal::SIGHUP);
    daemon.hears(&["configuration reloaded"]);
    // Whom the operator takes out of the list is gone without an incident.
    eventually("the tenant is gone", || {
        (ask(&served, &["status", "q7f9"]).code == Some(2)).then_some(())
    });
    write(&text);
    eventually("it is there again", || {
        ask(&served, &["status", "q7f9"]).out.contains("healthy").then_some(())
    });
    assert_eq!(json(&served, &["incidents", "--all"]), serde_json::json!([]));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn one_that_starts_again_goes_on_with_whom_it_knew_where_nobody_tells() {
    let served = served(&[]);
    let tenants = served.dir.path().join("tenants.toml");
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let lines = text.lines().filter(|line| !line.starts_with("list = "));
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = text.replace("source = \"list\"", "source = \"file\"\nfile = \"tenants.toml\"");
    std::fs::write(&served.config, text).expect("it can be written");
    std::fs::write(&tenants, "[[tenants]]\nid = \"q7f9\"\n[[tenants]]\nid = \"a3b1\"\n").expect("it can be written");
    let all_well = || {
        let known = ask(&served, &["status"]).out;
        (known.matches("healthy").count() == 2 && known.contains("a3b1")).then_some(())
    };
    let mut daemon = Daemon::start(&served);
    listens(&mut daemon);
    eventually("all are well", all_well);
    assert_eq!(daemon.stop(), Some(0));
    // The start goes on without its source, and says so.
    std::fs::write(&tenants, "[[tenants]\n").expect("it can be written");
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    daemon.hears(&["the inventory can't be read, what is known stays", "tenants.toml"]);
    eventually("readiness", || (get(&address, "/readyz").0 == 200).then_some(()));
    let known = json(&served, &["status", "q7f9"]);
    assert_eq!(known[0]["hostname"], "q7f9.tenants.test");
    eventually("all are well", all_well);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn who_waits_for_a_heartbeat_hears_it() {
    let served = served(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    configure(
        &served,
        &format!("[heartbeat]\nurl = \"http://{address}/beat\"\nevery = \"1s\"\n"),
    );
    let daemon = Daemon::start(&served);
    let (mut stream, _) = listener.accept().expect("a call");
    let mut head = [0; 512];
    let read = stream.read(&mut head).expect("a request");
    let head = String::from_utf8_lossy(&head[..read]).into_owned();
    assert!(head.starts_with("GET /beat HTTP/1.1"), "{head}");
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .expect("an answer");
    drop(daemon);
}

#[test]
fn a_service_manager_hears_how_it_comes_along() {
    let served = served(&[]);
    let path = served.dir.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    let daemon = Daemon::start_with(&served, command(served.dir.path()).env("NOTIFY_SOCKET", &path));
    let mut heard = Vec::new();
    let mut buffer = [0; 1024];
    while !heard.iter().any(|said: &String| said.contains("READY=1")) {
        let read = socket.recv(&mut buffer).expect("a message");
        heard.push(String::from_utf8_lossy(&buffer[..read]).into_owned());
    }
    assert!(heard.iter().any(|said| said.contains("WATCHDOG=1")), "{heard:?}");
    assert!(heard.iter().any(|said| said.contains("STATUS=4 tenants")), "{heard:?}");
    daemon.signal(Signal::SIGTERM);
    while !heard.iter().any(|said: &String| said.contains("STOPPING=1")) {
        let read = socket.recv(&mut buffer).expect("a message");
        heard.push(String::from_utf8_lossy(&buffer[..read]).into_owned());
    }
}
