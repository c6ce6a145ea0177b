//! Every cause staged in the lab, alone and together, and what a round says of it.

mod alone;
mod answers;
mod by_design;
mod chains;
mod changes;
mod clocks;
mod deeper;
mod every_cause;
mod fleet;
mod lists;
mod logs;
mod machines;
mod outages;
mod pairs;
mod platform;
mod record;
mod resolvers;
mod rounds;
mod together;
mod watched;
mod word;

/// What is wrong with another tenant while something is tried at the first.
#[derive(Clone, Copy, Debug)]
struct Beside {
    fault: &'static str,
    cause: &'static str,
    tenant: &'static str,
}

const OTHERS: [Option<Beside>; 2] = [
    None,
    Some(Beside {
        fault: "dns-override@a3b1",
        cause: "dns-override",
        tenant: "a3b1",
    }),
];

/// Each case alone, and beside another tenant's fault.
fn alone_and_beside<T>(cases: &[T]) -> impl Iterator<Item = (&T, Option<Beside>)> {
    cases.iter().flat_map(|case| OTHERS.map(|other| (case, other)))
}

/// What is staged, or told, where the other tenant is broken too.
fn with(own: Option<&str>, other: Option<&'static str>) -> Vec<String> {
    own.into_iter().chain(other).map(str::to_owned).collect()
}
