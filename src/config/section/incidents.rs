//! `[incidents]`.

use std::time::Duration;

use roundsman_alerts::Policy;

use crate::config::form::{duration_or_zero, integer};
use crate::config::table::table;

table! {
    /// When what fails is an incident, and when it is over.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Incidents {
        /// Failing looks in a row that open an incident, 1 or more.
        confirm: u32 = 3 => integer(1..=1_000);
        /// How long they have to go on at least.
        confirm_for: Duration = Duration::from_secs(15) => duration_or_zero();
        /// How long a cause that passes by itself (a deploy) has to go on before it opens.
        transient_for: Duration = Duration::from_secs(300) => duration_or_zero();
        /// Passing looks in a row that resolve it, 1 or more.
        clear: u32 = 2 => integer(1..=1_000);
        /// How long they have to go on at least.
        clear_for: Duration = Duration::from_secs(60) => duration_or_zero();
    }
}

impl Incidents {
    /// The policy that it asks for.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            confirm: self.confirm,
            confirm_for: self.confirm_for,
            transient_for: self.transient_for,
            clear: self.clear,
            clear_for: self.clear_for,
            ..Policy::default()
        }
    }
}
