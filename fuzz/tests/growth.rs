//! Inputs that grow: of twice as much, no target asks for more than twice the memory, with a little room.

mod kernels;

use kernels::KERNELS;
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
