//! Every document that the platform is sent, held against the vendor's own schema: what passes here is not refused
//! there for a field, an argument or a type that does not exist.
#![cfg(feature = "platform")]
#![expect(clippy::panic, clippy::expect_used, reason = "a test may fail")]

use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use roundsman_checks::platform::fly::{DOCUMENTS, ends_document};

fn schema() -> Valid<Schema> {
    let text = include_str!("data/fly-schema.graphql");
    Schema::parse_and_validate(text, "fly-schema.graphql").unwrap_or_else(|error| panic!("{}", error.errors))
}

/// What the schema has against a document.
fn refusal(schema: &Valid<Schema>, document: &str, name: &str) -> Option<String> {
    let checked = ExecutableDocument::parse_and_validate(schema, document, name);
    checked.err().map(|error| error.errors.to_string())
}

#[test]
fn every_document_fits_the_vendors_schema() {
    let schema = schema();
    assert!(!DOCUMENTS.is_empty());
    let ends = [1, 20].map(|apps| ("Ends", ends_document(apps)));
    let ends = ends.iter().map(|(name, document)| (*name, document.as_str()));
    for (name, document) in DOCUMENTS.iter().copied().chain(ends) {
        assert_eq!(refusal(&schema, document, name), None, "{name}");
        let read = ExecutableDocument::parse_and_validate(&schema, document, name).expect("it was just read");
        let operations = read.operations.iter().collect::<Vec<_>>();
        assert!(
            operations.len() == 1 && operations[0].is_query() && read.operations.get(Some(name)).is_ok(),
            "{name} is one query of that name, and changes nothing"
        );
    }
}

#[test]
fn a_document_that_asks_for_what_is_not_there_is_refused() {
    let schema = schema();
    let (name, sweep) = DOCUMENTS[0];
    for (right, wrong) in [
        ("clientStatus", "clientState"),
        ("exitCode", "exitStatus"),
        ("organization(slug: $org)", "organization(handle: $org)"),
        ("$first: Int!", "$first: String!"),
        ("on MachineEventExit", "on App"),
    ] {
        let document = sweep.replace(right, wrong);
        assert_ne!(document, sweep, "{right}");
        assert!(refusal(&schema, &document, name).is_some(), "{wrong}");
    }
}
