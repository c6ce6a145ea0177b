//! The human form of composed rounds, at the widths that terminals have.

use super::super::scenes;
use super::*;

/// At 40, 80 and 120 columns, one below the other.
fn at_all_widths(report: &Report<'_>) -> String {
    let widths = [40, 80, 120].map(|width| {
        let style = Style {
            width: Some(width),
            ..Style::default()
        };
        let text = render(report, style);
        let wide = |line: &&str| {
            // Commands and long names are to be copied: they are never broken.
            let is_command = ["run ", "more "].iter().any(|label| line.starts_with(label));
            let is_whole = is_command || line.split(' ').any(|word| word.len() > 60);
            !is_whole && line.chars().count() > width
        };
        assert_eq!(text.lines().find(wide), None, "{width}");
        format!("{}\n{text}", "=".repeat(width))
    });
    widths.concat()
}

macro_rules! scenes {
    ($($name:ident: $scene:ident;)*) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(at_all_widths(&scenes::$scene()));
        })*
    };
}

scenes! {
    a_healthy_round_is_three_lines: healthy;
    one_failing_tenant: one_failing;
    many_causes_at_once: many_at_once;
    four_hundred_for_one_cause: four_hundred;
    an_outage_of_the_edge: fleet_outage;
    an_outage_of_the_agent: agent_outage;
    what_was_known_comes_last: with_a_baseline;
    an_interrupted_round: interrupted;
    names_as_long_as_dns_allows: long_names;
}

#[test]
fn nothing_is_left_out_where_all_is_wanted() {
    let style = Style {
        all: true,
        ..Style::default()
    };
    let text = render(&scenes::four_hundred(), style);
    assert_eq!(text.matches("\nrun      fly machine start ").count(), 400);
    assert!(text.contains(" t0399, t0400\n") && !text.contains('…'), "{text}");
    assert!(!text.contains("--all"));
}

#[test]
fn only_ascii_is_shown_where_nothing_else_can_be() {
    let style = Style {
        ascii: true,
        ..Style::default()
    };
    for report in [
        scenes::many_at_once(),
        scenes::four_hundred(),
        super::super::sample::hostile(),
    ] {
        let text = render(&report, style);
        assert!(text.is_ascii(), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn known_failures_are_dim_and_nothing_else_of_them_is_painted() {
    let style = Style {
        colour: true,
        ..Style::default()
    };
    let text = render(&scenes::with_a_baseline(), style);
    let (new, known) = text.split_once("\x1b[2mKNOWN").unwrap_or_default();
    assert!(new.contains("\x1b[1;31mFAIL\x1b[0m     dns-override"), "{text}");
    let entry = known.split("\n\n").next().unwrap_or_default();
    assert!(entry.lines().skip(1).all(|line| line.starts_with("\x1b[2m")), "{entry}");
    let quiet = Style {
        detail: Detail::Failures,
        ..Style::default()
    };
    assert!(!render(&scenes::with_a_baseline(), quiet).contains("KNOWN"));
}

#[test]
fn every_entry_names_its_tenants_in_every_fact_and_links_to_its_cause() {
    let report = scenes::many_at_once();
    let text = render(&report, Style::default());
    assert_eq!(
        text.matches("\nmore     roundsman explain ").count(),
        by_importance(&report).len()
    );
    // Where it is documented is for whoever wants to know everything.
    let all = Style {
        detail: Detail::Everything,
        ..Style::default()
    };
    let links = render(&report, all).matches("\ndocs     docs/causes.md#").count();
    assert_eq!(
        (links, text.contains("docs/causes.md")),
        (by_importance(&report).len(), false)
    );
    for fact in [
        "- 3fa8: took 2525 ms",
        "- 5b7d: took 2525 ms",
        "- e51f: the authority refuses until 2026-11-30T09:00:00Z",
    ] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
    let first = text.find("FAIL").unwrap_or_default();
    let last = text.rfind("FAIL").unwrap_or_default();
    assert!(first < last && last < text.find("WARN").unwrap_or_default(), "{text}");
}
