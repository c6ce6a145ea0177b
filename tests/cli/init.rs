//! `roundsman init`: the file that it writes is what the other commands read.

use super::roundsman;

#[test]
fn what_init_writes_passes_the_check_and_sets_only_what_was_said() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let roots = rcgen::generate_simple_self_signed(vec!["root.test".to_owned()]).expect("a certificate");
    std::fs::write(dir.path().join("roots.pem"), roots.cert.pem()).expect("a file");
    std::fs::write(dir.path().join("ids.txt"), "abc123\ndef456\ndemo-1\n").expect("a file");
    let run = |arguments: &[&str]| {
        let ran = roundsman(arguments, dir.path());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.out, ran.err);
        ran.out
    };
    let settings = "--edge 198.51.100.7,2001:db8::7 --port 8443 --ca-file roots.pem --resolver 192.0.2.53 --path /health \
                    --timeout 90s --concurrency 7 --skip route,app --exclude demo-*";
    let options = settings.split_whitespace().collect::<Vec<_>>();
    run(&[
        &["init", "--domain", "example.com", "--tenants", "ids.txt"],
        &options[..],
    ]
    .concat());
    assert_eq!(
        run(&["config", "check"]),
        "roundsman.toml: valid, 2 tenants from ids.txt\n"
    );
    let text = std::fs::read_to_string(dir.path().join("roundsman.toml")).expect("the file");
    let set = text
        .lines()
        .filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty());
    let set = set.map(|line| line.split("  ").next().unwrap_or_default());
    insta::assert_snapshot!(set.collect::<Vec<_>>().join("\n"));
    // All else can be switched on where it stands.
    for key in [
        "#body_contains = ",
        "#[[alerts.channels]]",
        "#[fly]",
        "#warn_below = 0.25",
        "#site-slow = ",
    ] {
        assert!(text.contains(&format!("\n{key}")), "{key}: {text}");
    }

    let ids = ["abc123", "def456", "--label", "plan=pro", "--label", "team=a b"];
    let one = [
        "init",
        "--config",
        "two.toml",
        "--domain",
        "example.com",
        "--edge",
        "198.51.100.7",
    ];
    run(&[&one[..], &ids[..]].concat());
    assert_eq!(
        run(&["config", "check", "two.toml"]),
        "two.toml: valid, 2 tenants from list\n"
    );
    let text = std::fs::read_to_string(dir.path().join("two.toml")).expect("the file");
    assert!(
        text.contains("{ id = \"def456\", labels = { plan = \"pro\", team = \"a b\" } }"),
        "{text}"
    );

    // What a command would refuse is not written.
    let ran = roundsman(
        &[
            "init",
            "--config",
            "no.toml",
            "--domain",
            "example.com",
            "--edge",
            "::1",
            "--resolver",
            "x",
        ],
        dir.path(),
    );
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(!dir.path().join("no.toml").exists(), "{}", ran.err);
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("text.pem"), "no certificate\n").expect("a file");
    let one = ["init", "--domain", "example.com", "--edge", "198.51.100.7", "abc123"];
    let refused = |options: &[&str]| {
        let ran = roundsman(&[&one[..], options].concat(), dir.path());
        assert_eq!(ran.code, Some(2), "{options:?}: {}{}", ran.out, ran.err);
        assert!(!dir.path().join("roundsman.toml").exists(), "{options:?}");
        ran.err
    };
    for (file, why) in [
        ("nope.pem", "nope.pem does not exist"),
        ("text.pem", "it holds no certificate"),
    ] {
        let said = refused(&["--ca-file", file]);
        assert!(
            said.contains(why) && said.ends_with("\nnothing was written\n"),
            "{said}"
        );
    }
    // Where a line is shown, it is one of a file that there is not.
    let said = refused(&["--resolver", "x"]);
    assert!(
        said.contains("--> roundsman.toml:")
            && said.ends_with("\nnothing was written: roundsman.toml is shown as it would have been\n"),
        "{said}"
    );
    // And never one that somebody else wrote.
    std::fs::write(dir.path().join("roundsman.toml"), "domain = \"example.org\"\n").expect("a file");
    let ran = roundsman(&[&one[..], &["--ca-file", "nope.pem"]].concat(), dir.path());
    assert!(ran.code == Some(2) && ran.err.contains("exists already"), "{}", ran.err);
}
