//! `[vantage]`.

use roundsman_checks::gather::Control;

use crate::config::form::{any_or_none, control, list};
use crate::config::table::table;

table! {
    /// The agent itself.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Vantage {
        /// Its name in reports; where it is empty, FLY_REGION, else the host's name.
        name: Option<String> = None => any_or_none();
        /// What proves that the agent can see: "resolvers", "apis", "ip:port" or URLs.
        controls: Vec<Control> = vec![Control::Resolvers, Control::Apis] => list(control());
    }
}
