//! The names of the formats that are written, and read back by this program or by scripts. A format gains fields under its
//! name; what would break a reader gets a new one.

/// The JSON report of a round.
pub const REPORT: &str = "roundsman.report/1";
/// The JSON of one request told hop by hop.
pub const TRACE: &str = "roundsman.trace/1";
/// A recording: the evidence of a round.
pub const RECORDING: &str = "roundsman.recording/2";
/// An older one, which is read as well: what a baseline said of all tenants stood in its first line.
pub const OLD_RECORDING: &str = "roundsman.recording/1";
/// The JSON of a plan of repairs.
pub const PLAN: &str = "roundsman.plan/1";
