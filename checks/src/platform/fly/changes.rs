//! What changed at the machines of an organization, added to what was read of all before. What does not fit, or is not told
//! whole, stays as it was known: then all is to be read again.

use std::collections::{BTreeSet, HashMap};

use super::machines::Machines;
use crate::evidence::{App, Fault, Machine, Platform, Reason};

/// Most apps of which more is asked: where more machines come to rest at once, all is read again.
pub(super) const MOST_OPEN: usize = 100;

/// What was known with what changed in it.
#[derive(Debug)]
pub(super) struct Merged {
    pub platform: Platform,
    /// The apps with a machine that came to rest, or never ran: how it ended is not told with the changes.
    pub open: BTreeSet<String>,
    /// Whether some region did not answer: what changed there is still to come.
    pub silent: bool,
}

fn partial(what: String) -> Fault {
    Fault::new(Reason::PlatformPartial, what)
}

/// Adds what changed.
///
/// # Errors
/// What does not fit: something is missing in it or in what was known, an app is new, or has lost its last machine.
pub(super) fn merge(before: &Platform, changed: Machines) -> Result<Merged, Fault> {
    let missing = [&changed.missing, &before.machines_missing, &before.apps_missing];
    let faults = missing.into_iter().flatten().chain(changed.faults.values());
    if let Some(fault) = faults.into_iter().next() {
        return Err(fault.clone());
    }
    let mut merged = Merged {
        platform: before.clone(),
        open: BTreeSet::new(),
        silent: !changed.silent_regions.is_empty(),
    };
    for (name, machines) in changed.by_app {
        let Some(app) = merged.platform.apps.get_mut(&name) else {
            match machines.iter().all(Machine::is_gone) {
                true => continue,
                false => return Err(partial(format!("{name} has machines, and was not there before"))),
            }
        };
        if change(app, machines)? {
            merged.open.insert(name);
        }
    }
    match merged.open.len() > MOST_OPEN {
        true => Err(partial(format!("machines of {} apps came to rest", merged.open.len()))),
        false => Ok(merged),
    }
}

/// Changes the machines of an app; whether how one of them ended is to be asked for.
fn change(app: &mut App, changed: Vec<Machine>) -> Result<bool, Fault> {
    let mut open = false;
    let had = app.machines.iter().any(|machine| !machine.is_gone());
    for told in changed {
        let at = app.machines.iter().position(|known| known.id == told.id);
        if told.is_gone() {
            at.map(|at| app.machines.remove(at));
            continue;
        }
        let known = at.and_then(|at| app.machines.get_mut(at));
        // Changes are asked for from before the last time on: some are known.
        let is_known = |known: &Machine| {
            known.state == told.state && known.updated_at == told.updated_at && told.updated_at.is_some()
        };
        let is_same = known.as_deref().is_some_and(is_known);
        open |= !is_same && !told.state.is_running();
        match known {
            Some(known) => {
                *known = Machine {
                    last_exit: known.last_exit.take().filter(|_| is_same),
                    digest: told
                        .digest
                        .clone()
                        .or(known.digest.take().filter(|_| known.image == told.image)),
                    ..told
                }
            }
            None => app.machines.push(told),
        }
    }
    let has = app.machines.iter().any(|machine| !machine.is_gone());
    match had && !has {
        // The app may be gone with them.
        true => Err(partial(format!("{} has lost its last machine", app.name))),
        false => Ok(open),
    }
}

/// Adds how the machines of these apps ended, by what was asked besides. What is not told there, or otherwise than with
/// the changes, is not known whole: such an app stays as it was. Whether there is one.
pub(super) fn close(merged: &mut Merged, before: &Platform, told: &HashMap<String, App>) -> bool {
    let mut doubtful = false;
    for name in &merged.open {
        let app = merged.platform.apps.get_mut(name);
        let whole = app.zip(told.get(name)).is_some_and(|(app, told)| add_exits(app, told));
        if !whole && let Some(known) = before.apps.get(name) {
            merged.platform.apps.insert(name.clone(), known.clone());
            doubtful = true;
        }
    }
    doubtful
}

/// Adds how each machine that does not run ended; whether all of that is told.
fn add_exits(app: &mut App, told: &App) -> bool {
    let resting = app.machines.iter_mut();
    let mut resting = resting.filter(|machine| !machine.is_gone() && !machine.state.is_running());
    resting.all(|machine| {
        let same = |other: &&Machine| other.id == machine.id && other.state == machine.state;
        match told.machines.iter().find(same) {
            Some(other) => {
                machine.last_exit.clone_from(&other.last_exit);
                true
            }
            None => false,
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use crate::evidence::Exit;

    fn machine(id: &str, state: &str, at: i64) -> Machine {
        Machine {
            id: id.to_owned(),
            state: state.into(),
            updated_at: jiff::Timestamp::from_second(at).ok(),
            ..Machine::default()
        }
    }

    fn ended(code: i32, machine: Machine) -> Machine {
        let exit = Exit {
            code: Some(code),
            ..Exit::default()
        };
        Machine {
            last_exit: Some(exit),
            ..machine
        }
    }

    fn app(name: &str, machines: Vec<Machine>) -> (String, App) {
        let app = App {
            name: name.to_owned(),
            machines,
            ..App::default()
        };
        (name.to_owned(), app)
    }

    fn known() -> Platform {
        let apps = [
            app("sp-a", vec![machine("a1", "started", 1)]),
            app(
                "sp-b",
                vec![ended(0, machine("b1", "stopped", 1)), machine("b2", "started", 1)],
            ),
        ];
        Platform {
            apps: apps.into(),
            ..Platform::default()
        }
    }

    fn changes(list: Vec<(&str, Machine)>) -> Machines {
        let mut changed = Machines::default();
        for (app, machine) in list {
            changed.by_app.entry(app.to_owned()).or_default().push(machine);
        }
        changed
    }

    fn states(platform: &Platform, app: &str) -> Vec<(String, String, Option<i32>)> {
        let machines = platform.apps[app].machines.iter();
        let told = |machine: &Machine| {
            let code = machine.last_exit.as_ref().and_then(|exit| exit.code);
            (machine.id.clone(), machine.state.to_string(), code)
        };
        machines.map(told).collect()
    }

    #[test]
    fn what_changed_is_changed_and_how_it_ended_is_asked() {
        let before = known();
        let list = vec![
            ("sp-a", machine("a1", "stopped", 9)),
            ("sp-b", machine("b1", "stopped", 1)),
            ("sp-b", machine("b2", "destroyed", 9)),
            ("sp-b", machine("b3", "started", 9)),
        ];
        let mut merged = merge(&before, changes(list)).unwrap();
        assert_eq!(merged.open, BTreeSet::from(["sp-a".to_owned()]));
        let b = [("b1", "stopped", Some(0)), ("b3", "started", None)];
        let b = b.map(|(id, state, code)| (id.to_owned(), state.to_owned(), code));
        assert_eq!(
            states(&merged.platform, "sp-b"),
            b,
            "what is known of a machine still holds"
        );
        let told = app("sp-a", vec![ended(137, machine("a1", "stopped", 9))]);
        assert!(!close(&mut merged, &before, &[told].into()));
        let a = ("a1".to_owned(), "stopped".to_owned(), Some(137));
        assert_eq!(states(&merged.platform, "sp-a"), [a]);
    }

    #[test]
    fn what_is_not_told_whole_stays_as_it_was() {
        let before = known();
        for told in [
            vec![],
            vec![machine("a1", "started", 9)],
            vec![machine("a2", "stopped", 9)],
        ] {
            let mut merged = merge(&before, changes(vec![("sp-a", machine("a1", "stopped", 9))])).unwrap();
            assert!(close(&mut merged, &before, &[app("sp-a", told)].into()));
            assert_eq!(merged.platform, before);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |list| {
            merge(&known(), changes(list))
                .map(|merged| merged.platform)
                .unwrap_err()
                .detail
        };
        let new = refused(vec![("sp-new", machine("n1", "started", 9))]);
        assert_eq!(new, "sp-new has machines, and was not there before");
        let lost = refused(vec![("sp-a", machine("a1", "destroyed", 9))]);
        assert_eq!(lost, "sp-a has lost its last machine");
        let gone = merge(&known(), changes(vec![("sp-old", machine("o1", "destroyed", 9))])).unwrap();
        assert_eq!(gone.platform, known());
        let short = Machines {
            missing: Some(Fault::new(Reason::PlatformTimeout, "late")),
            ..Machines::default()
        };
        assert_eq!(merge(&known(), short).unwrap_err().reason, Reason::PlatformTimeout);
        let mut unsure = known();
        unsure.machines_missing = Some(partial("some".into()));
        assert!(merge(&unsure, Machines::default()).is_err());
    }
}
