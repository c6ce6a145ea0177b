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
