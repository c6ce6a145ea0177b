//! How the program ends. Owns the four exit codes and how they combine; knows nothing of what led to them.

/// What a run says to the shell that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// 0: verified, nothing is failing.
    Verified = 0,
    /// 1: at least one tenant or fleet check is failing.
    Failing = 1,
    /// 2: the command line or the configuration is wrong; nothing was verified.
    Usage = 2,
    /// 3: something could not be verified and nothing known is failing, or the inventory is empty.
    Inconclusive = 3,
}

/// The table that `--help` shows.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  verified: nothing is failing
  1  at least one tenant or fleet check is failing
  2  usage or configuration error
  3  inconclusive: something could not be verified, or the inventory is empty";

impl ExitCode {
    /// The number that the shell sees, 0 to 3.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The worse of two: a usage error before all, then 1 beats 3 beats 0.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Inconclusive => 1,
            Self::Failing => 2,
            Self::Usage => 3,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode::{Failing, Inconclusive, Usage, Verified};

    #[test]
    fn failing_beats_inconclusive_beats_verified() {
        assert_eq!(Verified.worst(Inconclusive), Inconclusive);
        assert_eq!(Inconclusive.worst(Failing), Failing);
        assert_eq!(Failing.worst(Verified), Failing);
        assert_eq!(Failing.worst(Usage), Usage);
    }
}
