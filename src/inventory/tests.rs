//! The inventory as its callers see it: from a configuration and names to tenants or one clear error.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;

use roundsman_checks::evidence::Reason;

use super::*;

fn config(tenants: &str) -> Config {
    let text = format!("domain = \"example.com\"\n{tenants}");
    Config::parse(&text, Path::new("roundsman.toml")).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ids(inventory: &Inventory) -> Vec<&str> {
    inventory.tenants.iter().map(|tenant| tenant.id.as_str()).collect()
}

fn error(tenants: &str, asked: &[&str]) -> String {
    load(&config(tenants), None, &names(asked), Answers::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn fills_in_app_and_hostname_and_sorts() {
    let list = "[tenants]\nlist = [\"b\", { id = \"a\", app = \"own\", hostname = \"www.a.example.com\", status = \"Paused\" }]";
    let inventory = load(&config(list), None, &[], Answers::default()).unwrap();
    let shown: Vec<String> = inventory
        .tenants
        .iter()
        .map(|t| format!("{} {} {} {}", t.id, t.app, t.hostname, t.inactive))
        .collect();
    assert_eq!(shown, ["a own www.a.example.com true", "b sp-b b.example.com false"]);
}

#[test]
fn names_are_the_inventory_where_none_is_configured() {
    let inventory = load(
        &config(""),
        None,
        &names(&["b", "a.example.com", "B", "a"]),
        Answers::default(),
    )
    .unwrap();
    assert_eq!(ids(&inventory), ["a", "b"]);
    assert!(
        load(&config(""), None, &[], Answers::default())
            .unwrap()
            .tenants
            .is_empty()
    );
}

#[test]
fn names_choose_by_id_or_hostname_where_there_is_an_inventory() {
    let list = "[tenants]\nlist = [\"abc\", \"def\", \"ghi\"]";
    let inventory = load(
        &config(list),
        None,
        &names(&["ghi", "ABC.example.com.", "ghi"]),
        Answers::default(),
    )
    .unwrap();
    assert_eq!(ids(&inventory), ["abc", "ghi"]);
}

#[test]
fn unknown_names_are_an_error_with_the_nearest_ones() {
    let list = "[tenants]\nlist = [\"acme\", \"acne\", \"other\"]";
    insta::assert_snapshot!(error(list, &["acmee", "zzz", "other"]), @r#"
no tenant `acmee` in the inventory (list), did you mean `acme`?
no tenant `zzz` in the inventory (list)
"#);
}

#[test]
fn a_slip_in_a_host_name_a_url_or_the_name_of_an_app_is_understood_too() {
    let list = "[tenants]\nlist = [\"acme\", { id = \"other\", app = \"tenant-other\" }]";
    insta::assert_snapshot!(error(list, &["acmee.example.com", "https://acmee.example.com/x", "sp-acmee", "tenant-othr"]), @r#"
no tenant `acmee.example.com` in the inventory (list), did you mean `acme`?
no tenant `https://acmee.example.com/x` in the inventory (list), did you mean `acme`?
no tenant `sp-acmee` in the inventory (list), did you mean `acme`?
no tenant `tenant-othr` in the inventory (list), did you mean `other`?
"#);
}

#[test]
fn the_name_of_an_app_is_told_as_one() {
    let list = "[tenants]\nlist = [\"acme\", { id = \"other\", app = \"acme-app\" }]";
    insta::assert_snapshot!(error(list, &["sp-acme", "ACME-app"]), @r#"
no tenant `sp-acme` in the inventory (list): that is the app of tenant `acme`
no tenant `ACME-app` in the inventory (list): that is the app of tenant `other`
"#);
}

#[test]
fn lists_made_for_other_tools_name_hosts_and_urls() {
    let list = "[tenants]\nlist = [\"https://abc.example.com/login?x=1#y\", \"def.example.com.\", \"HTTP://GHI.example.com:8080\"]";
    let inventory = load(&config(list), None, &[], Answers::default()).unwrap();
    assert_eq!(ids(&inventory), ["abc", "def", "ghi"]);
    let chosen = load(
        &config(list),
        None,
        &names(&["https://def.example.com"]),
        Answers::default(),
    )
    .unwrap();
    assert_eq!(ids(&chosen), ["def"]);
    // What is no host below the domain stays what it is, and is refused.
    let error = error("[tenants]\nlist = [\"https://abc.elsewhere.example/\"]", &[]);
    assert!(error.contains("https://abc.elsewhere.example/"), "{error}");
}

#[test]
fn a_duplicate_names_both_places() {
    insta::assert_snapshot!(error("[tenants]\nlist = [\"a\",\n\"b\",\n{ id = \"A\" }]", &[]), @"tenant `A` is named twice: roundsman.toml:3 and roundsman.toml:5. Remove one");
}

#[test]
fn an_id_that_is_no_label_names_the_tenant_and_the_place() {
    insta::assert_snapshot!(error("[tenants]\nlist = [\"a b\"]", &[]), @"tenant `a b` (roundsman.toml:3): `a b` holds ` `: a host name has letters, digits, `-` and dots (an international name is written as punycode, `xn--…`). An id is the first label of its host name: letters, digits and `-`, at most 63; or give the tenant a `hostname`");
    insta::assert_snapshot!(error("", &["a.b.example.com"]), @"tenant `a.b.example.com` (the command line): it holds a `.`, and the wildcard covers one label only. An id is the first label of its host name: letters, digits and `-`, at most 63; or give the tenant a `hostname`");
    insta::assert_snapshot!(error("", &["-x"]), @"tenant `-x` (the command line): a label of `-x` begins or ends with `-`. An id is the first label of its host name: letters, digits and `-`, at most 63; or give the tenant a `hostname`");
}

#[test]
fn a_hostname_outside_of_the_domain_names_the_tenant() {
    insta::assert_snapshot!(error("[tenants]\nlist = [{ id = \"a\", hostname = \"shop.test\" }]", &[]), @"tenant `a` (roundsman.toml:3): shop.test is not below example.com: a customer's own domain is not supported yet");
    insta::assert_snapshot!(error("", &["shop.other.test"]), @"tenant `shop.other.test` (the command line): shop.other.test is not below example.com: a customer's own domain is not supported yet");
}

#[test]
fn excluded_tenants_are_left_out_and_cannot_be_named() {
    let list = "[tenants]\nlist = [\"a\", \"demo-1\"]\nexclude = [\"demo-*\"]";
    assert_eq!(ids(&load(&config(list), None, &[], Answers::default()).unwrap()), ["a"]);
    assert!(matches!(
        load(&config(list), None, &names(&["demo-1"]), Answers::default()),
        Err(InventoryError::Excluded { .. })
    ));
}

#[test]
fn the_first_source_says_who_exists_and_the_others_add_what_they_know() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("t.json");
    std::fs::write(&file, r#"[{"id":"a","app":"x","labels":{"plan":"pro"}},{"id":"z"}]"#).unwrap();
    let text =
        "domain = \"example.com\"\n[tenants]\nsource = [\"list\", \"file\"]\nlist = [\"a\", \"b\"]\nfile = \"t.json\"";
    // The file is found beside the configuration, wherever the program was started.
    let config = Config::parse(text, &directory.path().join("roundsman.toml")).unwrap();
    let inventory = load(&config, None, &[], Answers::default()).unwrap();
    assert_eq!(ids(&inventory), ["a", "b"]);
    assert_eq!(inventory.tenants[0].app, "x");
    let pro = with_labels(inventory.tenants, &[("plan".into(), "pro".into())]);
    assert_eq!(pro.len(), 1);
}

#[test]
fn a_file_given_on_the_command_line_replaces_the_configured_sources() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ids");
    std::fs::write(&file, "x\ny\n").unwrap();
    let from = TenantsFrom::File(file);
    let config = config("[tenants]\nlist = [\"a\"]");
    assert_eq!(
        ids(&load(&config, Some(&from), &[], Answers::default()).unwrap()),
        ["x", "y"]
    );
    assert_eq!(
        ids(&load(&config, Some(&from), &names(&["y"]), Answers::default()).unwrap()),
        ["y"]
    );
    let missing = load(
        &config,
        Some(&TenantsFrom::File("no/such".into())),
        &[],
        Answers::default(),
    )
    .unwrap_err();
    assert_eq!(
        missing.to_string(),
        "the inventory cannot be read: no/such does not exist: check the path"
    );
}

fn with_apps(tenants: &str, apps: &[&str], missing: bool) -> Result<Inventory, InventoryError> {
    let apps = apps.iter().map(|app| ((*app).to_owned(), Default::default()));
    let platform = Platform {
        organization: "lab".to_owned(),
        edge_app: "edge".to_owned(),
        apps: apps.collect(),
        apps_missing: missing.then(|| Fault::new(Reason::PlatformMalformed, "cut")),
        ..Platform::default()
    };
    let answers = Answers {
        platform: Some(&platform),
        ..Answers::default()
    };
    load(&config(tenants), None, &[], answers)
}

#[test]
fn a_prefix_that_no_app_has_is_a_mistake_where_another_one_fits() {
    let tenants = "[tenants]\napp_prefix = \"xp-\"\nlist = [\"a\", \"b\", \"c\", { id = \"d\", app = \"own\" }]";
    assert_eq!(
        with_apps(tenants, &["edge", "sp-a", "sp-b", "other"], false)
            .unwrap_err()
            .to_string(),
        "no app of organization lab begins with `xp-`, and 2 of 3 tenants have an app that begins with `sp-`: set \
         `[tenants] app_prefix = \"sp-\"`, or --app-prefix sp-"
    );
    // Apps that are gone, one name that fits by chance, a list with holes, an app that does begin so.
    for (apps, missing) in [
        (&["edge", "other"][..], false),
        (&["edge", "sp-a", "other"], false),
        (&["edge", "sp-a", "sp-b"], true),
        (&["edge", "sp-a", "sp-b", "xp-z"], false),
    ] {
        assert_eq!(ids(&with_apps(tenants, apps, missing).unwrap()), ["a", "b", "c", "d"]);
    }
}

/// Whoever may create an app may give it such a name, as far as the platform allows; an API that lies gives any.
#[test]
fn an_app_whose_name_no_tenant_can_have_stops_nobody() {
    let tenants = "[tenants]\nsource = \"fly\"\n[fly]\n[edge]\napp = \"edge\"";
    let long = format!("sp-{}", "x".repeat(64));
    for odd in [
        "sp--x-",
        "sp-a-",
        &long,
        "sp-../../secrets",
        "sp-\u{202e}x",
        "sp-\u{200b}",
        "sp-##vso[x]",
        "sp-\u{9b}31m",
    ] {
        let inventory = with_apps(tenants, &["edge", "sp-good", odd], false).unwrap();
        assert_eq!((ids(&inventory), inventory.faults.len()), (vec!["good"], 1), "{odd:?}");
    }
    let alike = with_apps(tenants, &["edge", "sp-SAME", "sp-good", "sp-same"], false).unwrap();
    assert_eq!((ids(&alike), alike.faults.len()), (vec!["SAME", "good"], 1));
}

#[test]
fn where_nobody_has_the_prefix_the_source_says_so() {
    let tenants = "[tenants]\napp_prefix = \"xp-\"\nsource = \"fly\"\n[fly]\n[edge]\napp = \"edge\"";
    let origin = |apps: &[&str]| with_apps(tenants, apps, false).unwrap().origin;
    assert_eq!(
        origin(&["edge", "sp-a"]),
        "organization lab, where no app begins with `xp-`"
    );
    assert_eq!(origin(&["edge", "xp-a"]), "organization lab");
}
