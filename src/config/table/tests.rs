//! What a declaration carries: nested tables, arrays of tables, defaults, secrets. The tables here are made up.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::time::Duration;

use serde_json::Map;
use toml::de::DeTable;

use super::{Table, describe, inner_table, patch, read, table, table_example, table_schema, tables};
use crate::config::Patch;
use crate::config::error::Invalid;
use crate::config::form::{any, duration, filled, list, optional, port, secret};
use crate::config::mask::mask;
use crate::config::reader::{Mistakes, Section};
use crate::config::secret::Secret;

table! {
    /// The file.
    #[derive(Clone, Debug)]
    pub(super) struct Fleet {
        /// Who is called.
        alarms: Alarms = Alarms::default() => inner_table();
    }
}

table! {
    /// Who is called.
    #[derive(Clone, Debug)]
    pub(super) struct Alarms {
        /// How long to wait.
        wait: Duration = Duration::from_secs(15) => duration();
        /// Where calls go.
        lines: Vec<Line> = Vec::new() => tables();
        /// Where they come from.
        desk: Desk = Desk::default() => inner_table();
        /// What differs at night.
        night: Patch<Desk> = Patch::default() => patch(), sample = "{ port = 26 }";
    }
}

table! {
    /// A line.
    #[derive(Clone, Debug)]
    pub(super) struct Line {
        /// Its name.
        name: String = String::new() => filled(), sample = "\"ops\"", needed = "name it";
        /// Its password.
        password: Option<Secret> = None => optional(secret()), sample = "{ env = \"PASSWORD\" }";
    }
}

table! {
    /// A desk.
    #[derive(Clone, Debug)]
    pub(super) struct Desk {
        /// Its port.
        port: u16 = 25 => port();
        /// Who sits there.
        people: Vec<String> = vec!["a".into()] => list(any());
    }
}

fn read_fleet(text: &str) -> Result<Fleet, String> {
    let (document, _) = DeTable::parse_recoverable(text);
    let mistakes = Mistakes::new(text, Path::new("etc"));
    let mut fleet = Fleet::default();
    let top = Section::new(document.get_ref(), document.span(), String::new(), &mistakes);
    read(top, &mut fleet);
    let (mistakes, secrets) = mistakes.into_parts();
    if mistakes.is_empty() {
        return Ok(fleet);
    }
    Err(Invalid::new("x.toml", &mask(text, &secrets), mistakes).render(false))
}

#[test]
fn tables_within_tables_keep_their_defaults() {
    let fleet =
        read_fleet("[alarms]\ndesk.port = 26\n[[alarms.lines]]\nname = \"ops\"\npassword.file = \"p\"").unwrap();
    let alarms = fleet.alarms;
    assert_eq!((alarms.desk.port, alarms.desk.people.len()), (26, 1));
    assert_eq!((alarms.wait.as_secs(), alarms.lines[0].name.as_str()), (15, "ops"));
    assert_eq!(alarms.lines[0].password, Some(Secret::File("etc/p".into())));
}

#[test]
fn a_patch_changes_what_it_says_and_nothing_else() {
    let alarms = read_fleet("[alarms]\ndesk.people = []\nnight.port = 26")
        .unwrap()
        .alarms;
    let mut desk = alarms.desk;
    alarms.night.apply(&mut desk);
    assert_eq!((desk.port, desk.people.len()), (26, 0));
    assert_eq!(format!("{:?}", alarms.night), "{\"port\"}");
}

#[test]
fn mistakes_in_tables_within_tables_are_all_told() {
    let text =
        "[[alarms.lines]]\npassword = \"hunter2\"\n[[alarms.lines]]\nnane = \"x\"\n[alarms.desk]\nport = 0\nprt = 1";
    insta::assert_snapshot!(read_fleet(text).unwrap_err());
}

#[test]
fn the_example_shows_every_key_in_its_table() {
    insta::assert_snapshot!(table_example(&describe(&Fleet::default())));
}

#[test]
fn the_schema_names_each_table_once() {
    let mut definitions = Map::new();
    let schema = table_schema(&describe(&Fleet::default()), &mut definitions);
    assert_eq!(schema["properties"]["alarms"]["$ref"], "#/$defs/Alarms");
    assert_eq!(definitions.keys().collect::<Vec<_>>(), ["Alarms", "Line", "Desk"]);
    assert_eq!(definitions["Line"]["required"][0], "name");
    assert_eq!(definitions["Alarms"]["properties"]["wait"]["default"], "15s");
    assert_eq!(Desk::keys().len(), 2);
}
