//! Inputs of any size, by target: a beginning, as many pieces as wanted, an end.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// A target, what grows, and the input that has so many of it.
pub(crate) type Kernel = (&'static str, &'static str, fn(usize) -> Vec<u8>);

/// All of them.
pub(crate) const KERNELS: [Kernel; 47] = [
    ("api", "apps", |n| api(0, &[TOKEN, &apps(n), "{\"machines\":[]}"])),
    ("api", "machines of an app", |n| {
        api(0, &[TOKEN, &apps(1), &listed_machines(n, "sp-0")])
    }),
    ("api", "machines", |n| api(1, &[&format!("[{}]", machines(n, "a"))])),
    ("api", "pages", |n| {
        let page = |at| format!("{{\"machines\":[],\"next_cursor\":\"{at}\"}}");
        let pages = (0..n).map(page).collect::<Vec<_>>().join("\u{1e}");
        api(0, &[TOKEN, &apps(1), &pages])
    }),
    ("api", "lines of a log", |n| {
        let line = |at| format!("{{\"attributes\":{{\"message\":\"m {at}\"}}}}");
        api(2, &[&format!("{{\"data\":[{}]}}", many(n, ",", line))])
    }),
    ("api", "records", |n| {
        let record = |at| format!("{{\"id\":\"{at}\",\"name\":\"{at}.x\",\"type\":\"A\",\"tags\":[\"a\"]}}");
        let info = format!("{{\"total_count\":{n},\"total_pages\":1}}");
        let listed = format!("{{\"result\":[{}],\"result_info\":{info}}}", many(n, ",", record));
        api(3, &["{\"result\":[{\"id\":\"z\"}]}", &listed])
    }),
    ("api", "tenants", |n| {
        api(4, &[&format!("[{}]", many(n, ",", |at| format!("\"t{at}\"")))])
    }),
    ("baseline", "tenants and their causes", |n| {
        let check = "{\"check\":\"dns\",\"outcome\":\"fail\",\"reason\":null}";
        let tenant = |at| format!("{{\"tenant\":\"t{at}\",\"status\":\"failing\",\"checks\":[{check}]}}");
        let cause =
            |at| format!("{{\"cause\":\"c{at}\",\"scope\":\"tenant\",\"outcome\":\"fail\",\"tenants\":[\"t{at}\"]}}");
        let times = "\"domain\":\"tenants.test\",\"finished_at\":\"1970-01-01T00:00:00Z\"";
        let (tenants, causes) = (many(n, ",", tenant), many(n, ",", cause));
        text(format!(
            "{{\"schema\":\"roundsman.report/1\",{times},\"fleet\":[],\"causes\":[{causes}],\"tenants\":[{tenants}]}}"
        ))
    }),
    ("chain", "certificates that no path needs", |n| {
        chain(&[MICROSOFT, &last(MICROSOFT).repeat(n / 10)])
    }),
    ("chain", "authorities of one name", |n| {
        chain(&[CYCLE, &last(CYCLE).repeat(n / 10)])
    }),
    ("configuration", "tenants", |n| {
        configuration(many(n, "", |at| {
            format!("[[tenants.list]]\nid = \"t{at}\"\nlabels = {{ a = \"b\" }}\n")
        }))
    }),
    ("configuration", "overrides", |n| {
        let one = |at| format!("[[override]]\nmatch = {{ id = \"t{at}*\" }}\nsite.path = \"/{at}\"\n");
        configuration(format!("[[tenants.list]]\nid = \"t1\"\n{}", many(n, "", one)))
    }),
    ("configuration", "mistakes", |n| {
        configuration(many(n, "", |at| format!("k{at} = 1\n")))
    }),
    ("configuration", "mistakes in one line", |n| {
        configuration(format!("[edge]\naddresses = [{}]\n", many(n, ", ", |_| "5".to_owned())))
    }),
    ("configuration", "lines behind mistakes", |n| {
        configuration("k = 1\n".repeat(60) + &"\n".repeat(n * 50))
    }),
    ("configuration", "slips", |n| {
        configuration(many(n, "", |at| format!("k{at} = 1.2.3\n")))
    }),
    ("configuration", "brackets", |n| {
        configuration(format!("a = {}", "[".repeat(n)))
    }),
    ("configuration", "tables in tables", |n| {
        configuration(format!("[{}]\n", many(n, ".", |_| "a".to_owned())))
    }),
    ("configuration", "dotted keys", |n| {
        configuration(many(n, "", |at| format!("a.b.k{at} = 1\n")))
    }),
    ("configuration", "addresses with a user", |n| {
        configuration(many(n, "", |at| format!("u{at} = \"x://a:b@c\"\n")))
    }),
    ("configuration", "one long text", |n| {
        configuration(format!("cron = \"{}\"\n", "x*[".repeat(n)))
    }),
    ("dns", "records", |n| {
        let mut message = dns(0, 1, n);
        message.extend(std::iter::repeat_n(*b"\xc0\x0c\0\x01\0\x01\0\0\0\x09\0\x04\xc0\0\x02\x01", n).flatten());
        message
    }),
    ("dns", "text", |n| {
        let mut message = dns(0, 1, n);
        message.extend(std::iter::repeat_n(*b"\xc0\x0c\0\x10\0\x01\0\0\0\x09\0\x04\x03\xff\x1b\0", n).flatten());
        message
    }),
    ("http", "fields", |n| {
        http(0, &many(n, "", |at| format!("x-{at}: hunter2-KEY\r\n")), b"")
    }),
    ("http", "chunks", |n| {
        http(0, "transfer-encoding: chunked\r\n", "1;x\r\na\r\n".repeat(n).as_bytes())
    }),
    ("http", "trailers", |n| {
        let trailers = many(n, "", |at| format!("x-{at}: y\r\n"));
        http(
            0,
            "transfer-encoding: chunked\r\n",
            format!("0\r\n{trailers}\r\n").as_bytes(),
        )
    }),
    ("http", "codings", |n| {
        http(
            0,
            &format!("content-encoding: {}\r\n", many(n, ",", |_| "br".to_owned())),
            b"hello",
        )
    }),
    ("http", "echoes", |n| http(0, "", "hunter2-KEY ".repeat(n).as_bytes())),
    ("http", "informed", |n| {
        let mut bytes = vec![0];
        bytes.extend(b"HTTP/1.1 103 x\r\n\r\n".repeat(n));
        bytes.extend(&http(0, "", b"x")[1..]);
        bytes
    }),
    ("http", "bytes in small pieces", |n| http(6, "", &b"x".repeat(n))),
    ("http", "pings", |n| http2(&frame(6, 0, 0, b"12345678").repeat(n))),
    ("http", "settings", |n| http2(&frame(4, 0, 0, b"").repeat(n))),
    ("http", "continuations", |n| {
        let mut frames = frame(1, 0, 1, b"\x88");
        frames.extend(frame(9, 0, 1, b"\0\x01X\x01y").repeat(n));
        http2(&frames)
    }),
    ("http", "names told again", |n| {
        // A name that is added to the table, then one byte for each time that it is meant again.
        let mut block = b"\x40\x64".to_vec();
        block.extend([b'X'; 100]);
        block.push(0);
        block.extend(std::iter::repeat_n(0xbe, n));
        http2(&[long_frame(1, 0, 1, &block), frame(0, 0, 1, b"")].concat())
    }),
    ("http", "names added", |n| {
        http2(&[long_frame(1, 0, 1, &b"\x40\0\0".repeat(n)), frame(0, 0, 1, b"")].concat())
    }),
    ("http", "codings one in the other", |n| {
        let packed = (0..n).fold(b"{}".to_vec(), |body, _| zlib(&body));
        http(
            0,
            &format!("content-encoding: {}\r\n", many(n, ",", |_| "deflate".to_owned())),
            &packed,
        )
    }),
    ("http", "members of gzip", |n| {
        http(0, "content-encoding: gzip\r\n", &gzip(b"").repeat(n))
    }),
    ("http", "frames of zstd", |n| {
        http(
            0,
            "content-encoding: zstd\r\n",
            &b"\x28\xb5\x2f\xfd\x20\0\x01\0\0".repeat(n),
        )
    }),
    ("http", "frames of zstd with a large window", |n| {
        http(
            0,
            "content-encoding: zstd\r\n",
            &b"\x28\xb5\x2f\xfd\0\x80\x01\0\0".repeat(n),
        )
    }),
    ("inventory", "lines", |n| text(many(n, "\n", |at| format!("t{at}")))),
    ("inventory", "entries", |n| {
        text(format!(
            "[{}]",
            many(n, ",", |at| format!("{{\"id\":\"t{at}\",\"slug\":\"s{at}\"}}"))
        ))
    }),
    ("inventory", "tables", |n| {
        text(many(n, "", |at| format!("[[tenants]]\nid = \"t{at}\"\n")))
    }),
    ("logs", "lines", |n| {
        text(many(n, "\n", |at| {
            format!("{at}\t\t\tRequest received path=/ method=GET")
        }))
    }),
    ("logs", "one long line", |n| {
        text(format!("Request received {}", "\u{1b}[1m a=\"b\" {".repeat(n)))
    }),
    ("logs", "replays", |n| {
        text(format!(
            "{}{}",
            "{".repeat(n),
            "Replaying request to tenant app ".repeat(n)
        ))
    }),
    ("recording", "tenants that fail alike", |n| recording(n / 10, |_| 1)),
    ("recording", "tenants that fail and others", |n| {
        recording(n / 10, |at| at % 2)
    }),
];

const TOKEN: &str = "{\"tokens\":[{\"org_slug\":\"o\"}]}";

fn many(n: usize, between: &str, one: impl Fn(usize) -> String) -> String {
    (0..n).map(one).collect::<Vec<_>>().join(between)
}

fn text(text: String) -> Vec<u8> {
    text.into_bytes()
}

/// Chains of the corpus: each certificate behind its length.
const MICROSOFT: &[u8] = include_bytes!("../../corpus/chain/microsoft-com");
const CYCLE: &[u8] = include_bytes!("../../corpus/chain/intermediate-cycle-same-logical-ca");

fn chain(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The last certificate of a chain, with its length.
fn last(chain: &[u8]) -> &[u8] {
    let mut rest = &chain[1..];
    loop {
        let length = 2 + usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        if rest.len() <= length {
            return rest;
        }
        rest = &rest[length..];
    }
}

/// A recording of two tenants, of which the second one fails.
const TENANTS: &str = include_str!("../../corpus/recording/override-conflict");

/// The same of so many, each made of the one that `which` says.
fn recording(n: usize, which: fn(usize) -> usize) -> Vec<u8> {
    let (fleet, lines): (Vec<_>, Vec<_>) = TENANTS
        .lines()
        .filter(|line| !line.starts_with("{\"end\""))
        .partition(|line| !line.starts_with("{\"tenant\""));
    let tenant = |at: usize| {
        let which = which(at);
        let named = format!("t{:04}", which + 1);
        lines[which].replace(&named, &format!("t{:04}", at + 1))
    };
    let tenants = many(n, "\n", tenant);
    let fleet = fleet.join("\n");
    text(format!(
        "{fleet}\n{tenants}\n{{\"end\":{{\"chains\":1,\"tenants\":{n}}}}}\n"
    ))
}

fn configuration(rest: impl Into<String>) -> Vec<u8> {
    text("domain = \"example.com\"\n".to_owned() + &rest.into())
}

fn api(choice: u8, answers: &[&str]) -> Vec<u8> {
    let mut bytes = vec![choice];
    bytes.extend(answers.join("\u{1e}").bytes());
    bytes
}

fn apps(n: usize) -> String {
    let list = "{\"totalCount\":0,\"pageInfo\":{\"hasNextPage\":false},\"nodes\":[]}";
    let lists = format!("\"certificates\":{list},\"ipAddresses\":{list},\"machines\":{list}");
    let nodes = many(n, ",", |at| format!("{{\"name\":\"sp-{at}\",{lists}}}"));
    let page = format!("{{\"totalCount\":{n},\"pageInfo\":{{\"hasNextPage\":false}},\"nodes\":[{nodes}]}}");
    format!("{{\"data\":{{\"organization\":{{\"apps\":{page}}}}}}}")
}

fn machines(n: usize, app: &str) -> String {
    many(n, ",", |at| {
        format!("{{\"id\":\"{at}\",\"app_name\":\"{app}\",\"state\":\"started\",\"region\":\"fra\"}}")
    })
}

fn listed_machines(n: usize, app: &str) -> String {
    format!("{{\"machines\":[{}]}}", machines(n, app))
}

fn dns(choice: u8, kind: u8, records: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(records).unwrap_or(u16::MAX).to_be_bytes();
    let mut message = vec![choice, 0, 0, 0x85, 0x80, 0, 1, high, low, 0, 0, 0, 0];
    message.extend(b"\x04q7f9\x07example\x03com\0\0");
    message.extend([kind, 0, 1]);
    message
}

fn http(choice: u8, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![choice];
    bytes.extend(b"HTTP/1.1 200 OK\r\n");
    bytes.extend(fields.bytes());
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    let mut bytes = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    bytes.extend(payload);
    bytes
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

fn long_frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(kind, flags, stream, b"");
    let [_, high, middle, low] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    bytes[..3].copy_from_slice(&[high, middle, low]);
    bytes.extend(payload);
    bytes
}

fn http2(frames: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend(frame(4, 0, 0, b""));
    bytes.extend(frames);
    bytes
}
