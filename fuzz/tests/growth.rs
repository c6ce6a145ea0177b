//! Inputs that grow: of twice as much, no target asks for more than twice the memory, with a little room; of sixteen times
//! as much, none takes far more than sixteen times as long.
#![expect(clippy::expect_used, reason = "a test may fail")]

mod kernels;

use std::time::Duration;

use kernels::KERNELS;
use nix::time::{ClockId, clock_gettime};
use roundsman_fuzz::Target;

/// How much more than twice as much it may be: tables double, and not at the same time.
const ROOM: f64 = 1.5;

#[test]
fn twice_the_input_takes_twice_the_memory() {
    for (name, kernel, grown) in KERNELS {
        let target = Target::named(name).unwrap_or_else(|| unreachable!("{name} is a target"));
        let [small, large] = [1, 2].map(|times| grown(times * 200));
        let _ = target.measure(&small);
        let (small, large) = (target.measure(&small), target.measure(&large));
        for (what, small, large) in [
            ("held", small.held, large.held),
            ("asked for", small.asked_for, large.asked_for),
        ] {
            let ratio = large as f64 / small as f64;
            assert!(ratio < 2.0 * ROOM, "{name}, {kernel}: {what} {small}, then {large}");
        }
    }
}

/// How often the input is longer, and how much longer than that often it may take: what is quadratic takes sixteen times as
/// long.
const TIMES: usize = 16;
const SLACK: u32 = 5;
/// What is quicker than this is not told from other trouble of the machine.
const FLOOR: Duration = Duration::from_micros(300);

#[test]
fn sixteen_times_the_input_takes_sixteen_times_the_time() {
    let mut slow = Vec::new();
    for (name, kernel, grown) in KERNELS {
        let target = Target::named(name).unwrap_or_else(|| unreachable!("{name} is a target"));
        let [small, large] = [1, TIMES].map(|times| grown(times * 250));
        // Who is interrupted takes longer, nobody takes less: the quickest of some counts.
        let quickest = |input: &[u8], often: usize| {
            let took = (0..often).map(|_| {
                let before = busy();
                let _ = target.measure(input);
                busy().saturating_sub(before)
            });
            took.min().unwrap_or_default()
        };
        let (small, large) = (quickest(&small, 5), quickest(&large, 3));
        println!("{name}, {kernel}: {small:?}, then {large:?}");
        if large > small.max(FLOOR) * TIMES as u32 * SLACK {
            slow.push(format!("{name}, {kernel}: {small:?}, then {large:?}"));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

/// How long this thread was busy, by the kernel's own count: whatever else runs on the machine does not show in it.
fn busy() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a count");
    Duration::from(time)
}
