//! Cron expressions beside when they run, from `cron_table.toml`, forwards and backwards; beside what systemd says of the
//! same; and beside another cron library.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::process::Command;
use std::str::FromStr as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde::Deserialize;

use super::CronExpression;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    runs: Vec<Runs>,
    wrong: Vec<Wrong>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Runs {
    cron: String,
    zone: String,
    after: Timestamp,
    next: Vec<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    cron: String,
    message: String,
}

fn table() -> Table {
    toml::from_str(include_str!("cron_table.toml")).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// The next runs after a moment.
fn runs(cron: &CronExpression, zone: &TimeZone, after: Timestamp, count: usize) -> Vec<Timestamp> {
    let next = |at: &Timestamp| cron.next(*at, zone);
    std::iter::successors(next(&after), next).take(count).collect()
}

#[test]
fn each_runs_when_the_table_says() {
    let table = table();
    assert!(table.runs.len() >= 60);
    for row in table.runs {
        let cron = row.cron.parse::<CronExpression>().unwrap();
        let zone = zone(&row.zone);
        let seconds = if row.cron.split_whitespace().count() == 6 {
            ":%S"
        } else {
            ""
        };
        let shown = |at: &Timestamp| {
            let at = at.to_zoned_datetime(zone.clone());
            at.strftime(&format!("%a %Y-%m-%d %H:%M{seconds} %:z")).to_string()
        };
        let found = runs(&cron, &zone, row.after, row.next.len());
        let found = found.iter().map(shown).collect::<Vec<_>>();
        assert_eq!(found, row.next, "{} in {}: {}", row.cron, row.zone, row.why);
    }
}

/// The same read backwards: between two runs, and at the later one, the last run is what it should be.
#[test]
fn the_last_run_is_the_one_before_the_next() {
    for row in table().runs {
        let cron = row.cron.parse::<CronExpression>().unwrap();
        let zone = zone(&row.zone);
        let found = runs(&cron, &zone, row.after, row.next.len());
        for pair in found.windows(2) {
            let [before, at] = pair else { continue };
            let just_before = *at - jiff::SignedDuration::from_nanos(1);
            let last = [*before, just_before, *at].map(|until| cron.last(until, &zone));
            assert_eq!(
                last,
                [Some(*before), Some(*before), Some(*at)],
                "{} in {}",
                row.cron,
                row.zone
            );
        }
    }
}

#[test]
fn what_is_no_expression_is_told_so() {
    for Wrong { cron, message } in table().wrong {
        let read = CronExpression::from_str(&cron).map(|cron| cron.to_string());
        assert_eq!(read.map_err(|error| error.to_string()), Err(message), "{cron}");
    }
}

/// Expressions in systemd's words. It asks for both days where both are restricted, skips what clocks skip and repeats
/// what they repeat: so only such as have one of the days, and only in UTC.
const FOR_SYSTEMD: [(&str, &str); 20] = [
    ("* * * * *", "*-*-* *:*:00"),
    ("*/5 * * * *", "*-*-* *:00/5:00"),
    ("5 * * * *", "*-*-* *:05:00"),
    ("10-20/4 * * * *", "*-*-* *:10..20/4:00"),
    ("0-4,30,50-59/5 * * * *", "*-*-* *:00..04,30,50..59/5:00"),
    ("59 23 * * *", "*-*-* 23:59:00"),
    ("0 */6 * * *", "*-*-* 00/6:00:00"),
    ("0 9-17 * * *", "*-*-* 09..17:00:00"),
    ("30 4 1,15 * *", "*-*-01,15 04:30:00"),
    ("0 0 31 * *", "*-*-31 00:00:00"),
    ("0 0 29 2 *", "*-02-29 00:00:00"),
    ("0 0 1 */3 *", "*-01/3-01 00:00:00"),
    ("0 0 * * mon", "Mon *-*-* 00:00:00"),
    ("0 0 * * 7", "Sun *-*-* 00:00:00"),
    ("0 0 * * 1-5", "Mon..Fri *-*-* 00:00:00"),
    ("0 0 * jun-aug fri", "Fri *-06..08-* 00:00:00"),
    ("@weekly", "Sun *-*-* 00:00:00"),
    ("@monthly", "monthly"),
    ("@hourly", "hourly"),
    ("5-7 0 12 * * mon", "Mon *-*-* 12:00:05..07"),
];

#[test]
fn systemd_says_the_same() {
    for (cron, calendar) in FOR_SYSTEMD {
        for after in ["2026-01-01T00:00:00Z", "2027-12-31T23:59:59Z"] {
            let after = after.parse::<Timestamp>().unwrap();
            let found = runs(&cron.parse().unwrap(), &TimeZone::UTC, after, 5);
            assert_eq!(found, by_systemd(calendar, after), "{cron} or {calendar}");
        }
    }
}

fn by_systemd(calendar: &str, after: Timestamp) -> Vec<Timestamp> {
    let told = Command::new("systemd-analyze")
        .args(["calendar", "--iterations=5"])
        .arg(format!("--base-time={}", after.strftime("%Y-%m-%d %H:%M:%S UTC")))
        .arg(calendar)
        .envs([("TZ", "UTC"), ("LC_ALL", "C")])
        .output()
        .unwrap_or_else(|error| panic!("systemd-analyze: {error}; apt-get install --no-install-recommends systemd"));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let moment = |line: &str| {
        let (what, at) = line.trim().split_once(": ")?;
        let at = (what == "Next elapse" || what.starts_with("Iter")).then_some(at)?;
        let read = jiff::civil::DateTime::strptime("%a %Y-%m-%d %H:%M:%S UTC", at.trim()).unwrap();
        Some(TimeZone::UTC.to_timestamp(read).unwrap())
    };
    String::from_utf8_lossy(&told.stdout)
        .lines()
        .filter_map(moment)
        .collect()
}

/// A field in words that both libraries read alike.
fn field(from: u32, to: u32) -> impl Strategy<Value = String> {
    let number = || from..=to;
    let range = (number(), number()).prop_map(|(one, other)| (one.min(other), one.max(other)));
    let part = prop_oneof![
        number().prop_map(|number| number.to_string()),
        range.clone().prop_map(|(from, to)| format!("{from}-{to}")),
        (range, 1..=9_u32).prop_map(|((from, to), step)| format!("{from}-{to}/{step}")),
    ];
    let list = proptest::collection::vec(part, 1..4).prop_map(|parts| parts.join(","));
    prop_oneof![
        2 => Just("*".to_owned()),
        1 => (2..=9_u32).prop_map(|step| format!("*/{step}")),
        4 => list,
    ]
}

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Days by one of both fields, those of the week by name: the other library asks for both, and counts from Sunday as 1.
fn days() -> impl Strategy<Value = (String, String)> {
    let week = proptest::sample::subsequence(DAYS.to_vec(), 1..=6).prop_map(|days| days.join(","));
    let star = || Just("*".to_owned());
    prop_oneof![(field(1, 28), star()), (star(), week)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_library_says_the_same(
        second in field(0, 59),
        minute in field(0, 59),
        hour in field(0, 23),
        (day, weekday) in days(),
        month in field(1, 12),
        after in 0_i64..4_000_000_000,
    ) {
        let text = format!("{second} {minute} {hour} {day} {month} {weekday}");
        let ours = text.parse::<CronExpression>().unwrap();
        let other = cron::Schedule::from_str(&text).unwrap();
        let after = Timestamp::from_second(after).unwrap();
        let start = chrono::DateTime::from_timestamp(after.as_second(), 0).unwrap();
        let expected = other.after(&start).take(5).map(|at| at.timestamp()).collect::<Vec<_>>();
        let found = runs(&ours, &TimeZone::UTC, after, 5);
        prop_assert_eq!(found.iter().map(|at| at.as_second()).collect::<Vec<_>>(), expected, "{}", text);
    }

    /// Whatever the expression and wherever clocks change: runs go on, and back again.
    #[test]
    fn the_next_run_is_later_and_the_last_one_not(
        minute in field(0, 59),
        hour in field(0, 23),
        (day, weekday) in days(),
        zone in proptest::sample::select(vec!["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        // Half of the moments are within a day of a change of the clocks in 2026.
        after in prop_oneof![
            1_767_225_600_i64..1_798_761_600,
            proptest::sample::select(vec![1_774_746_000_i64, 1_792_890_000, 1_772_953_200, 1_793_512_800, 1_775_314_800, 1_791_039_600])
                .prop_flat_map(|change| change - 86_400..change + 86_400),
        ],
    ) {
        let cron = format!("{minute} {hour} {day} * {weekday}").parse::<CronExpression>().unwrap();
        let zone = self::zone(zone);
        let after = Timestamp::from_second(after).unwrap();
        let next = cron.next(after, &zone).unwrap();
        prop_assert!(next > after);
        prop_assert_eq!(cron.last(next, &zone), Some(next));
        let last = cron.last(after, &zone).unwrap();
        prop_assert!(last <= after);
        prop_assert_eq!(cron.next(last, &zone), Some(next));
        prop_assert_eq!(cron.last(next - jiff::SignedDuration::from_nanos(1), &zone), Some(last));
    }
}
