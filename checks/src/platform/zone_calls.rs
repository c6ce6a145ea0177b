//! What a person types to carry out at the zone's provider what a diagnosis advises: calls of Cloudflare's API (v4), beside
//! the tool of whatever platform the tenants are on.

use crate::diagnosis::{Action, CommandLine, Instruction, RecordRef};

const API: &str = "https://api.cloudflare.com/client/v4";

/// The tool of a platform, with the calls of the zone's provider beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BesideZone<T>(pub(super) T);

impl<T: CommandLine> CommandLine for BesideZone<T> {
    fn instructions(&self, action: &Action) -> Option<Vec<Instruction>> {
        let Action::DeleteRecords { zone_id, records, .. } = action else {
            return self.0.instructions(action);
        };
        let calls = records.iter().map(|record| delete(zone_id.as_deref()?, record));
        // Half of the records would leave the name as broken as it is.
        let calls = calls.collect::<Option<Vec<_>>>().unwrap_or_default();
        let told = action.deletion().into_iter();
        Some(told.chain(calls).collect())
    }
}

/// The call that deletes one record; nothing where an id is unknown, or none that a command should hold.
fn delete(zone: &str, record: &RecordRef) -> Option<Instruction> {
    let id = record.id.as_deref()?;
    let plain = |id: &str| !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain(zone) && plain(id)).then(|| {
        Instruction::run(format!(
            "curl -X DELETE -H \"Authorization: Bearer $CLOUDFLARE_API_TOKEN\" {API}/zones/{zone}/dns_records/{id}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Records;
    use crate::platform::fly::Flyctl;

    fn lines(zone_id: Option<&str>, ids: &[Option<&str>]) -> Vec<String> {
        let records = ids.iter().map(|id| RecordRef {
            id: id.map(str::to_owned),
            kind: "A".into(),
            name: "q7f9.example.com".into(),
        });
        let action = Action::DeleteRecords {
            zone: "example.com".into(),
            zone_id: zone_id.map(str::to_owned),
            name: "q7f9.example.com".into(),
            which: Records::Responder,
            records: records.collect(),
        };
        let lines = action.instructions(&BesideZone(Flyctl));
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn each_record_that_is_known_has_its_call() {
        let said = lines(Some("0z1"), &[Some("1a"), Some("2b")]);
        assert_eq!(said[0], "delete the A records of q7f9 in zone example.com");
        assert!(said[1].ends_with("/zones/0z1/dns_records/1a"), "{said:?}");
        assert!(said[2].ends_with("/zones/0z1/dns_records/2b"), "{said:?}");
    }

    #[test]
    fn where_one_is_unknown_or_odd_only_the_sentence_is_said() {
        for (zone, ids) in [
            (None, [Some("1a"), Some("2b")]),
            (Some("0z1"), [Some("1a"), None]),
            (Some("0z1"), [Some("1a"), Some("$(id)")]),
            (Some("../x"), [Some("1a"), Some("2b")]),
        ] {
            assert_eq!(lines(zone, &ids).len(), 1, "{zone:?} {ids:?}");
        }
    }
}
