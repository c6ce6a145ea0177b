//! What shells offer while somebody types: asked through the script that `completions` prints, in the shells themselves.

use std::path::Path;
use std::process::{Command, Stdio};

use roundsman_checks::diagnosis::Cause;
use roundsman_lab::LabOptions;

use super::{command, serve};

/// A folder with a configuration, a file of tenants beside it, and a name of the program that the script finds.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = "domain = \"example.com\"\n[edge]\naddresses = [\"198.51.100.7\"]\n[tenants]\nlist = [\"q7f9\", \"q8a1\", \"a3b1\"]\n\
                  [[alerts.channels]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"https://example.com/hook\"\n";
    std::fs::write(dir.path().join("roundsman.toml"), config).expect("a file");
    std::fs::write(dir.path().join("other.toml"), config.replace("q8a1", "z000")).expect("a file");
    std::fs::write(dir.path().join("ids.txt"), "x1\nx2\n").expect("a file");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_roundsman"), dir.path().join("roundsman")).expect("a link");
    dir
}

/// A shell in this folder, with the program in its path and none of our settings.
fn shell(name: &str, script: &str, dir: &Path) -> Vec<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(name)
        .args(["-c", script])
        .current_dir(dir)
        .env("PATH", format!("{}:{path}", dir.display()))
        .env("HOME", dir)
        .env_remove("ROUNDSMAN_CONFIG")
        .stdin(Stdio::null())
        .output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; apt-get install {name}"));
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}

/// What Fish offers for the last word of this line.
fn fish(line: &str, dir: &Path) -> Vec<String> {
    let script = format!("roundsman completions fish | source; complete -C '{line}'");
    shell("fish", &script, dir)
}

/// What Zsh makes of each of these lines when somebody presses the tabulator at their ends: typed at a terminal.
fn zsh(lines: &[&str], dir: &Path) -> Vec<String> {
    let typed = lines
        .iter()
        .map(|line| format!("'{line}'"))
        .collect::<Vec<_>>()
        .join(" ");
    let script = format!(
        r#"zmodload zsh/zpty
        zpty typist zsh -f -i
        zpty -w typist "PS1= PS2= RPS1=; setopt no_beep; autoload -U compinit; compinit -D; source <(roundsman completions zsh)"
        zpty -w typist 'told() {{ print -r -- "LINE=[$BUFFER]END"; zle kill-whole-line }}; zle -N told; bindkey "^X" told'
        zpty -w typist 'print READY$((1))'
        zpty -r -m typist out '*READY1*'
        for line in {typed}; do
            zpty -w -n typist "$line"$'\t\x18'
            zpty -r -m typist out '*LINE=\[*\]END*'
            out=${{out##*LINE=\[}}
            print -r -- "${{out%%\]END*}}"
        done
        zpty -d typist"#
    );
    shell("zsh", &script, dir)
}

/// What Bash offers for the last of these words, split as Bash splits them.
fn bash(words: &[&str], dir: &Path) -> Vec<String> {
    let quoted = words
        .iter()
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(" ");
    let (last, before) = (
        words.last().unwrap_or(&""),
        words.len().checked_sub(2).map_or("", |at| words[at]),
    );
    let script = format!(
        "source <(roundsman completions bash)\n\
         complete -p roundsman >/dev/null || exit 1\n\
         COMP_WORDS=({quoted}); COMP_CWORD={}; COMP_TYPE=9\n\
         _clap_complete_roundsman roundsman '{last}' '{before}' 2>/dev/null\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.len() - 1
    );
    shell("bash", &script, dir)
}

/// What the program answers this shell's script.
fn asked(shell: &str, words: &[&str], dir: &Path) -> Vec<String> {
    let output = command(dir)
        .env("ROUNDSMAN_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .arg("--")
        .args(words)
        .output()
        .expect("the binary runs");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_the_values_of_each_place() {
    let dir = folder();
    let offered = |words: &[&str]| bash(words, dir.path());
    let starts = |words: &[&str]| offered(words).join(" ");
    assert_eq!(
        starts(&["roundsman", "verify", "--only", ""]),
        "dns certificate site conflicts app route"
    );
    assert_eq!(starts(&["roundsman", "verify", "--skip", "dns,ce"]), "dns,certificate");
    assert_eq!(starts(&["roundsman", "verify", "--format", "j"]), "json junit");
    assert_eq!(starts(&["roundsman", "verify", "--output", "j"]), "json= junit=");
    assert_eq!(starts(&["roundsman", "verify", "--ignore", "site-sl"]), "site-slow");
    let causes = offered(&["roundsman", "explain", ""]);
    assert!(
        Cause::ALL
            .iter()
            .all(|cause| causes.iter().any(|word| word == cause.as_str())),
        "{causes:?}"
    );
    assert_eq!(starts(&["roundsman", "verify", "q"]), "q7f9 q8a1");
    assert_eq!(starts(&["roundsman", "verify", "q7f9", "a"]), "a3b1");
    assert_eq!(starts(&["roundsman", "trace", "q7"]), "q7f9");
    assert_eq!(starts(&["roundsman", "alerts", "test", "o"]), "ops");
    assert_eq!(starts(&["roundsman", "doc"]), "doctor");
    // Bash takes `=` for a word of its own.
    assert_eq!(starts(&["roundsman", "silences", "add", "tenant", "=", "q8"]), "q8a1");
    assert_eq!(starts(&["roundsman", "silences", "add", "s"]), "scope= severity=");
    assert_eq!(
        starts(&["roundsman", "verify", "--output", "json", "=", "oth"]),
        "other.toml"
    );
}

#[test]
fn the_configuration_that_is_named_on_the_line_counts() {
    let dir = folder();
    let offered = |words: &[&str]| bash(words, dir.path()).join(" ");
    assert_eq!(offered(&["roundsman", "verify", "--config", "other.toml", "z"]), "z000");
    assert_eq!(
        offered(&["roundsman", "verify", "--config", "=", "other.toml", "z"]),
        "z000"
    );
    assert_eq!(offered(&["roundsman", "verify", "--tenants", "ids.txt", "x"]), "x1 x2");
    // Without one, without a list, and with one that is wrong, there is nobody to offer and no error.
    std::fs::write(dir.path().join("wrong.toml"), "domian = 1\n").expect("a file");
    for config in ["wrong.toml", "missing.toml", "/dev/zero", "/"] {
        assert_eq!(
            offered(&["roundsman", "verify", "--config", config, "q"]),
            "",
            "{config}"
        );
    }
}

#[test]
fn zsh_and_fish_offer_the_same_with_what_it_means() {
    let dir = folder();
    let words = ["roundsman", "verify", "--ignore", "site-sl"];
    let title = Cause::SiteSlow.row().title;
    assert_eq!(asked("zsh", &words, dir.path()), [format!("site-slow:{title}")]);
    assert_eq!(asked("fish", &words, dir.path()), [format!("site-slow\t{title}")]);
    assert_eq!(
        asked("zsh", &["roundsman", "silences", "add", "tenant=q8"], dir.path()),
        ["tenant=q8a1"]
    );
    assert_eq!(
        asked("fish", &["roundsman", "verify", "q"], dir.path()),
        ["q7f9", "q8a1"]
    );
    for (line, offered) in [
        ("roundsman verify q", &["q7f9", "q8a1"][..]),
        ("roundsman verify --only dns,ce", &["dns,certificate"]),
        ("roundsman verify --output j", &["json=", "junit="]),
        ("roundsman silences add tenant=q8", &["tenant=q8a1"]),
        ("roundsman verify --ignore site-sl", &[&format!("site-slow\t{title}")]),
    ] {
        assert_eq!(fish(line, dir.path()), offered, "{line}");
    }
    // A space behind what is whole, none behind what goes on, nothing where there is a choice.
    let typed = [
        ("roundsman verify a", "roundsman verify a3b1 "),
        ("roundsman verify q", "roundsman verify q"),
        (
            "roundsman verify --ignore site-sl",
            "roundsman verify --ignore site-slow ",
        ),
        (
            "roundsman verify --only dns,ce",
            "roundsman verify --only dns,certificate ",
        ),
        ("roundsman verify --output js", "roundsman verify --output json="),
        ("roundsman silences add ten", "roundsman silences add tenant="),
        (
            "roundsman silences add tenant=q8",
            "roundsman silences add tenant=q8a1 ",
        ),
        ("roundsman doc", "roundsman doctor "),
    ];
    assert_eq!(
        zsh(&typed.map(|(line, _)| line), dir.path()),
        typed.map(|(_, completed)| completed)
    );
}

#[test]
fn nobody_is_asked_over_the_network_while_somebody_types() {
    let options = LabOptions {
        platform_inventory: true,
        ..LabOptions::with_platform()
    };
    let served = serve(options, &[]);
    let config = served.config.display().to_string();
    assert_eq!(
        asked(
            "fish",
            &["roundsman", "verify", "--config", &config, "q"],
            served.dir.path()
        ),
        [""; 0]
    );
    let counters = served.lab.counters();
    assert_eq!((counters.api_requests, counters.dns_queries), (0, 0));
}

#[test]
fn a_long_inventory_is_not_read_at_a_prompt() {
    let dir = folder();
    let ids = (0..300_000).map(|number| format!("t{number}\n")).collect::<String>();
    std::fs::write(dir.path().join("long.txt"), ids).expect("a file");
    assert_eq!(
        asked(
            "fish",
            &["roundsman", "verify", "--tenants", "long.txt", "t"],
            dir.path()
        ),
        [""; 0]
    );
    let ids = (0..9_000).map(|number| format!("t{number}\n")).collect::<String>();
    std::fs::write(dir.path().join("short.txt"), ids).expect("a file");
    assert_eq!(
        asked(
            "fish",
            &["roundsman", "verify", "--tenants", "short.txt", "t"],
            dir.path()
        )
        .len(),
        500
    );
}

#[test]
fn nothing_that_a_shell_would_carry_out_is_offered_and_nobody_waits_for_a_pipe() {
    let dir = folder();
    let file = dir.path().join("roundsman.toml");
    let config = std::fs::read_to_string(&file).expect("the configuration");
    let config = config.replace("\"ops\"", "\"x$(touch pwned)y\"") + "[store]\npath = \"pipe\"\n";
    std::fs::write(&file, config).expect("it can be written");
    let made = Command::new("mkfifo")
        .arg(dir.path().join("pipe"))
        .status()
        .expect("mkfifo");
    assert!(made.success());
    assert_eq!(
        asked("bash", &["roundsman", "alerts", "test", "x"], dir.path()),
        [""; 0]
    );
    assert_eq!(
        asked("bash", &["roundsman", "incidents", "show", "i"], dir.path()),
        [""; 0]
    );
}
