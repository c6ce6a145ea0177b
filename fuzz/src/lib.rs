//! What strangers may send, as one function over bytes for each kind of it. Knows what is read, judged and rendered of the
//! bytes, and how much memory that may take; refuses to know where the bytes come from.

mod peer;
mod targets;

use targets::{api, baseline, chain, collector, configuration, dns, http, inventory, logs, recording};

/// The longest input that is looked for, and that is made of a saved one, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// Something that reads what strangers send.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called; its corpus lies in the folder of this name.
    pub name: &'static str,
    /// Reads the bytes, and does with them all that the product does.
    read: fn(&[u8]),
    /// What it may take.
    most: Most,
}

/// How much memory an input of `n` bytes may take: so many bytes for each of its bytes, and so many besides.
#[derive(Clone, Copy, Debug)]
struct Most {
    /// At one time.
    held: (u64, u64),
    /// In all; what takes more than linear time without taking memory is rare.
    asked_for: (u64, u64),
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// All of them. What is held besides is mostly made once, whatever is read: fifty mistakes shown, the buffers of a connection.
#[rustfmt::skip]
pub const TARGETS: [Target; 10] = [
    target("api", api::read, Most { held: (64, 256 * KIB), asked_for: (512, MIB) }),
    target("baseline", baseline::read, Most { held: (64, 64 * KIB), asked_for: (256, 256 * KIB) }),
    target("chain", chain::read, Most { held: (64, 256 * KIB), asked_for: (512, 2 * MIB) }),
    target("collector", collector::read, Most { held: (64, 64 * KIB), asked_for: (512, 256 * KIB) }),
    target("configuration", configuration::read, Most { held: (256, 256 * KIB), asked_for: (2048, 4 * MIB) }),
    target("dns", dns::read, Most { held: (512, 64 * KIB), asked_for: (1024, 64 * KIB) }),
    target("http", http::read, Most { held: (64, 512 * KIB), asked_for: (5 * KIB, 2 * MIB) }),
    target("inventory", inventory::read, Most { held: (256, 256 * KIB), asked_for: (1024, 4 * MIB) }),
    target("logs", logs::read, Most { held: (512, 64 * KIB), asked_for: (1024, 256 * KIB) }),
    target("recording", recording::read, Most { held: (256, MIB), asked_for: (2048, 4 * MIB) }),
];

const fn target(name: &'static str, read: fn(&[u8]), most: Most) -> Target {
    Target { name, read, most }
}

/// The memory that reading took, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// At one time.
    pub held: u64,
    /// In all.
    pub asked_for: u64,
}

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Reads an input.
    #[must_use]
    pub fn measure(&self, input: &[u8]) -> Taken {
        let info = allocation_counter::measure(|| (self.read)(input));
        Taken {
            held: info.bytes_max,
            asked_for: info.bytes_total,
        }
    }

    /// Reads an input, and says so loudly where that takes more memory than an input of its length may.
    ///
    /// # Panics
    /// Where it does, and where the product panics.
    pub fn check(&self, input: &[u8]) {
        let taken = self.measure(input);
        let length = input.len() as u64;
        for (what, took, (each, besides)) in [
            ("held at one time", taken.held, self.most.held),
            ("asked for in all", taken.asked_for, self.most.asked_for),
        ] {
            let most = each * length + besides;
            assert!(
                took <= most,
                "{}: {took} bytes are {what} for an input of {length}, and {most} may be",
                self.name
            );
        }
    }
}
