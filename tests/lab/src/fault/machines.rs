//! The machines of an app, written in a line: `GROUP/STATE/WORD…`, several joined by `+`.

/// How long ago `old` is, in seconds: three days.
const OLD: i64 = 3 * 86_400;

/// One machine, as a fault wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MachineSpec {
    pub(crate) group: &'static str,
    pub(crate) state: &'static str,
    /// Whether the proxy starts it; `None`: the field is left out.
    pub(crate) autostart: Option<bool>,
    /// Exit code, out of memory, requested.
    pub(crate) exit: Option<(i64, bool, bool)>,
    pub(crate) host_down: bool,
    /// How long it has been like that, in seconds.
    pub(crate) since: i64,
}

/// `web` and `standby` have a service, `worker` and `cron` have none.
const GROUPS: &[&str] = &["web", "worker", "cron", "standby"];
const STATES: &[&str] = &[
    "started",
    "stopped",
    "suspended",
    "stopping",
    "created",
    "starting",
    "replacing",
    "failed",
    "destroyed",
];

impl MachineSpec {
    /// Reads a whole app.
    pub(crate) fn all(text: &str) -> Option<Vec<Self>> {
        text.split('+').map(Self::read).collect()
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split('/');
        let mut known = |words_of: &'static [&'static str]| {
            let word = words.next()?;
            words_of.iter().copied().find(|known| *known == word)
        };
        let mut spec = Self {
            group: known(GROUPS)?,
            state: known(STATES)?,
            autostart: Some(true),
            exit: None,
            host_down: false,
            since: 60,
        };
        for word in words {
            match word {
                "on" => spec.autostart = Some(true),
                "off" => spec.autostart = Some(false),
                "unset" => spec.autostart = None,
                "requested" => spec.exit = Some((0, false, true)),
                "oom" => spec.exit = Some((137, true, false)),
                "host-down" => spec.host_down = true,
                "old" => spec.since = OLD,
                exit => spec.exit = Some((exit.strip_prefix("exit")?.parse().ok()?, false, false)),
            }
        }
        Some(spec)
    }

    /// Whether requests reach it.
    pub(crate) fn has_service(&self) -> bool {
        matches!(self.group, "web" | "standby")
    }

    /// When it came to be like that.
    pub(crate) fn updated(&self, now: i64) -> i64 {
        now - self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_app_of_several_kinds_of_machines() {
        let app = MachineSpec::all("web/stopped/unset/exit137+worker/started/old").unwrap_or_default();
        assert_eq!(app.len(), 2);
        assert_eq!((app[0].autostart, app[0].exit), (None, Some((137, false, false))));
        assert_eq!((app[1].has_service(), app[1].since), (false, OLD));
        assert_eq!(MachineSpec::all("web"), None);
        assert_eq!(MachineSpec::all("web/started/loud"), None);
    }
}
