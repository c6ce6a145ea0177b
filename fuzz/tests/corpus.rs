//! Every saved input is read again: none panics, and none takes more memory than its length allows.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;

use roundsman_fuzz::{LONGEST, TARGETS, Target};

fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let mut files = files
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect::<Vec<_>>();
    files.sort();
    files
}

/// Names the input that is read while a test fails.
struct Reading<'n>(&'n str);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was read: {}", self.0);
        }
    }
}

fn replay(name: &str) {
    let target = Target::named(name).unwrap();
    let inputs = corpus(&target);
    assert!(!inputs.is_empty(), "{name} has no corpus");
    // What is made once, whoever needs it first, is no part of what an input takes.
    let _ = target.measure(&inputs[0].1);
    for (path, input) in &inputs {
        let _reading = Reading(path);
        target.check(input);
        // More of the same takes that much more, and no more than that.
        target.check(&input.repeat((LONGEST / input.len().max(1)).clamp(1, 8)));
    }
}

macro_rules! replayed {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            assert_eq!(TARGETS.map(|target| target.name), [$(stringify!($name)),*]);
        }
    };
}

replayed!(
    api,
    baseline,
    chain,
    collector,
    configuration,
    dns,
    http,
    inventory,
    logs,
    recording
);
