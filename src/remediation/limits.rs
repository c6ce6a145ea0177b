//! How much may be repaired, by what was repaired before. Pure: it reads the ledger, so that its limits outlive restarts.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ledger::{Entry, Phase, Row};
use crate::config::{Remediation, RepairAction};

/// Certificates asked for in a week for one registered domain, and for one name, at most: an authority's own limits are
/// higher, and shared with everybody else under that domain.
const ADDS_A_WEEK: usize = 20;
const ADDS_OF_A_NAME: usize = 2;
/// How often the same object is repaired in a week before it is a person's.
const SAME_OBJECT: usize = 2;
/// How much longer a tenant is left alone after a repair that failed.
const AFTER_A_FAILURE: u32 = 4;

const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was done before.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'l> {
    rows: &'l [Row],
}

impl<'l> History<'l> {
    /// What a ledger tells.
    #[must_use]
    pub fn of(rows: &'l [Row]) -> Self {
        Self { rows }
    }

    fn entries(self) -> impl Iterator<Item = &'l Entry> {
        self.rows.iter().map(|row| &row.entry)
    }

    /// The plans of which a step was begun since then.
    fn begun(self, since: Timestamp) -> BTreeSet<&'l str> {
        let begun = self
            .entries()
            .filter(|entry| entry.phase == Phase::Intent && entry.at >= since);
        begun.map(|entry| entry.plan.as_str()).collect()
    }

    /// Why no further repair begins now, by how many did. `fleet` is how many tenants there are.
    #[must_use]
    pub fn over_rate(self, rules: &Remediation, fleet: usize, now: Timestamp) -> Option<String> {
        let day = rules
            .max_per_day
            .unwrap_or_else(|| u32::try_from(fleet / 100).unwrap_or(u32::MAX).max(5));
        let limits = [
            (TEN_MINUTES, rules.max_per_10m, "ten minutes"),
            (HOUR, rules.max_per_hour, "hour"),
            (DAY, day, "day"),
        ];
        limits.into_iter().find_map(|(span, most, word)| {
            let begun = self.begun(ago(now, span)).len();
            (begun >= most as usize).then(|| format!("{begun} repairs began within the last {word}, and {most} may"))
        })
    }

    /// Why a certificate for a name is not asked for now: an authority gives only so many.
    #[must_use]
    pub fn over_authority(self, name: &str, now: Timestamp) -> Option<String> {
        let since = ago(now, WEEK);
        let adds = self.entries().filter(|entry| {
            let add = entry.action == RepairAction::AddCertificate.as_str();
            add && entry.phase == Phase::Intent && entry.at >= since
        });
        let adds = adds.map(|entry| entry.object.as_str()).collect::<Vec<_>>();
        let of_name = |object: &&&str| object.rsplit_once('/').is_some_and(|(_, added)| added == name);
        let same = adds.iter().filter(of_name).count();
        if same >= ADDS_OF_A_NAME {
            return Some(format!(
                "a certificate for {name} was asked for {same} times within a week, and {ADDS_OF_A_NAME} times may be"
            ));
        }
        (adds.len() >= ADDS_A_WEEK).then(|| {
            format!(
                "{} certificates were asked for within a week, and {ADDS_A_WEEK} may be",
                adds.len()
            )
        })
    }

    /// Why a tenant is left alone for a while. A call of which nobody knows how it ended holds nothing up: it is found out.
    #[must_use]
    pub fn rests(self, rules: &Remediation, tenants: &[&str], now: Timestamp) -> Option<String> {
        let of_tenant = |entry: &&Entry| tenants.contains(&entry.tenant.as_str());
        let ended = self
            .entries()
            .filter(of_tenant)
            .filter(|entry| matches!(entry.phase, Phase::Failed | Phase::Verified));
        let last = ended.last()?;
        let failed = last.phase == Phase::Failed;
        let rest = rules.cooldown.saturating_mul(if failed { AFTER_A_FAILURE } else { 1 });
        let until = last.at.saturating_add(signed(rest)).unwrap_or(Timestamp::MAX);
        let what = if failed { "a repair that failed" } else { "a repair" };
        (until > now).then(|| format!("{} is left alone until {} after {what}", last.tenant, second(until)))
    }

    /// Why an object is a person's from now on: something makes it again and again, or a person wanted it as it is.
    #[must_use]
    pub fn recreated(self, objects: &[String], now: Timestamp) -> Option<String> {
        let since = ago(now, WEEK);
        objects.iter().find_map(|object| {
            let of = || self.entries().filter(|entry| entry.object == *object);
            if let Some(undone) = of().filter(|entry| entry.phase == Phase::Undone).last() {
                return Some(format!(
                    "{} took the repair of {object} back: it is not done again by itself",
                    undone.by
                ));
            }
            let done = of().filter(|entry| entry.phase == Phase::Done && entry.at >= since);
            let done = done.map(|entry| entry.plan.as_str()).collect::<BTreeSet<_>>().len();
            (done >= SAME_OBJECT)
                .then(|| format!("{object} was repaired {done} times within a week: find out what makes it again"))
        })
    }

    /// How many verifications failed in a row, the latest ones.
    #[must_use]
    pub fn failed_in_a_row(self) -> usize {
        let ends = self.rows.iter().rev().filter(|row| is_verification(&row.entry));
        ends.take_while(|row| row.entry.phase == Phase::Failed).count()
    }

    /// The rows of a plan.
    #[must_use]
    pub fn of_plan(self, plan: &str) -> Vec<&'l Entry> {
        self.entries().filter(|entry| entry.plan == plan).collect()
    }
}

fn is_verification(entry: &Entry) -> bool {
    match entry.phase {
        Phase::Verified => true,
        Phase::Failed => entry.details().verification.is_some(),
        _ => false,
    }
}

fn ago(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use crate::config::Remediation;
    use crate::remediation::Detail;

    /// A ledger in which each entry came so many seconds after the epoch.
    fn rows(entries: &[(i64, &str, &str, &str, &str, Phase)]) -> Vec<Row> {
        let row =
            |(seq, (at, plan, tenant, action, object, phase)): (i64, &(i64, &str, &str, &str, &str, Phase))| Row {
                seq,
                hash: String::new(),
                entry: Entry {
                    at: Timestamp::from_second(*at).unwrap(),
                    plan: (*plan).to_owned(),
                    tenant: (*tenant).to_owned(),
                    cause: "x".to_owned(),
                    action: (*action).to_owned(),
                    object: (*object).to_owned(),
                    phase: *phase,
                    by: "ann@host".to_owned(),
                    undo: None,
                    detail: match phase {
                        Phase::Failed if *action == "verify" => Detail::verification("no").into(),
                        _ => Detail::default().into(),
                    },
                },
            };
        (1..).zip(entries).map(row).collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn plans_count_once_however_many_steps_they_have() {
        let mut entries = Vec::new();
        let plans = (0..5).map(|number| format!("r-{number}")).collect::<Vec<_>>();
        for plan in &plans {
            entries.push((100, plan.as_str(), "a", "delete-dns-record", "A a", Phase::Intent));
            entries.push((100, plan.as_str(), "a", "delete-dns-record", "AAAA a", Phase::Intent));
        }
        let (rules, all) = (Remediation::default(), rows(&entries));
        let over = |now| History::of(&all).over_rate(&rules, 100, at(now));
        assert!(over(101).unwrap().contains("within the last ten minutes"));
        assert_eq!(
            over(100 + 601),
            Some("5 repairs began within the last day, and 5 may".to_owned())
        );
        // One in a hundred of 10,000 tenants is more than that.
        assert_eq!(History::of(&all).over_rate(&rules, 10_000, at(100 + 601)), None);
        let few = Remediation {
            max_per_hour: 5,
            ..rules
        };
        let over = History::of(&all).over_rate(&few, 10_000, at(100 + 601));
        assert!(over.unwrap().contains("hour"));
    }

    #[test]
    fn an_authority_is_asked_twice_for_a_name_and_twenty_times_in_all() {
        let add = "add-certificate";
        let same = rows(&[
            (0, "r-1", "a", add, "edge/a.b", Phase::Intent),
            (10, "r-2", "a", add, "edge/a.b", Phase::Intent),
        ]);
        assert!(History::of(&same).over_authority("a.b", at(20)).is_some());
        assert_eq!(History::of(&same).over_authority("c.b", at(20)), None);
        assert_eq!(
            History::of(&same).over_authority("a.b", at(8 * 86_400)),
            None,
            "a week later"
        );
        let names = (0..20).map(|number| format!("edge/n{number}.b")).collect::<Vec<_>>();
        let all = names
            .iter()
            .map(|name| (0, "r-1", "a", add, name.as_str(), Phase::Intent));
        let all = rows(&all.collect::<Vec<_>>());
        assert!(
            History::of(&all)
                .over_authority("new.b", at(1))
                .unwrap()
                .contains("20 certificates")
        );
    }

    #[test]
    fn a_tenant_rests_after_a_repair_and_longer_after_one_that_failed() {
        let rules = Remediation::default();
        let done = rows(&[(0, "r-1", "a", "start-machine", "m", Phase::Verified)]);
        let rests = |rows: &[Row], tenant, now| History::of(rows).rests(&rules, &[tenant], at(now)).is_some();
        assert!(rests(&done, "a", 14 * 60) && !rests(&done, "a", 16 * 60) && !rests(&done, "b", 1));
        let failed = rows(&[(0, "r-1", "a", "start-machine", "m", Phase::Failed)]);
        assert!(rests(&failed, "a", 59 * 60) && !rests(&failed, "a", 61 * 60));
        // Nobody knows how it ended: it is found out, and not waited for.
        let killed = rows(&[
            (0, "r-1", "a", "delete-dns-record", "A a", Phase::Done),
            (0, "r-1", "a", "delete-dns-record", "AAAA a", Phase::Intent),
        ]);
        assert!(!rests(&killed, "a", 1));
    }

    #[test]
    fn what_comes_back_twice_or_was_taken_back_is_a_persons() {
        let object = ["A a.b".to_owned()];
        let delete = "delete-dns-record";
        let once = rows(&[(0, "r-1", "a", delete, "A a.b", Phase::Done)]);
        assert_eq!(History::of(&once).recreated(&object, at(1)), None);
        let twice = rows(&[
            (0, "r-1", "a", delete, "A a.b", Phase::Done),
            (5, "r-2", "a", delete, "A a.b", Phase::Done),
        ]);
        assert!(
            History::of(&twice)
                .recreated(&object, at(6))
                .unwrap()
                .contains("2 times")
        );
        assert_eq!(History::of(&twice).recreated(&object, at(8 * 86_400)), None);
        assert_eq!(History::of(&twice).recreated(&["AAAA a.b".to_owned()], at(6)), None);
        let undone = rows(&[
            (0, "r-1", "a", delete, "A a.b", Phase::Done),
            (5, "r-1", "a", delete, "A a.b", Phase::Undone),
        ]);
        assert!(
            History::of(&undone)
                .recreated(&object, at(99 * 86_400))
                .unwrap()
                .contains("ann@host")
        );
    }

    #[test]
    fn failed_verifications_count_until_one_passes() {
        let bad = (0, "r-1", "a", "verify", "m", Phase::Failed);
        let good = (0, "r-2", "a", "verify", "m", Phase::Verified);
        let refused = (0, "r-3", "a", "start-machine", "m", Phase::Failed);
        let count = |entries: &[_]| History::of(&rows(entries)).failed_in_a_row();
        assert_eq!(count(&[bad, good, bad, refused, bad]), 2);
        assert_eq!(count(&[bad, good]), 0);
        assert_eq!(count(&[]), 0);
    }
}
