//! libFuzzer around one target: the one that `ROUNDSMAN_FUZZ` names.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roundsman_fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("ROUNDSMAN_FUZZ").expect("ROUNDSMAN_FUZZ names a target");
    let target = Target::named(&name).expect("there is a target of this name");
    // What is made once, whoever needs it first, is no part of what an input takes.
    let _ = target.measure(b"warm\0\0\0");
    target
});

fuzz_target!(|input: &[u8]| TARGET.check(input));
