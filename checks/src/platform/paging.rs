//! Paging: a list that comes in pages is complete only where the API says so and nothing contradicts it. What is missing
//! is told as a fault, and no list is followed for ever.

use std::collections::HashSet;

use crate::evidence::{Fault, Reason};

/// Trail through the pages of one list.
pub(super) struct Trail {
    list: &'static str,
    seen: HashSet<String>,
    left: usize,
}

/// What a page says of those after it.
#[derive(Clone, Debug, Default)]
pub(super) struct More {
    /// Whether there are more; `None` where it does not say.
    pub promised: Option<bool>,
    /// What asks for the next one.
    pub cursor: Option<String>,
}

impl Trail {
    /// A trail through `list`, a few words as in `apps of acme`, of at most `most` pages.
    pub(super) fn new(list: &'static str, most: usize) -> Self {
        Self {
            list,
            seen: HashSet::new(),
            left: most,
        }
    }

    /// The cursor of the next page; `None` at the end of the list.
    ///
    /// # Errors
    /// Why the list can't be known to be complete.
    pub(super) fn next(&mut self, more: &More) -> Result<Option<String>, Fault> {
        let cursor = more.cursor.as_ref().filter(|cursor| !cursor.is_empty());
        match (more.promised, cursor) {
            (Some(false), _) => Ok(None),
            (None, _) => Err(self.partial("does not say whether that is all")),
            (Some(true), None) => Err(self.partial("promises more and does not say where")),
            (Some(true), Some(_)) if self.left <= 1 => Err(self.partial("has no end")),
            (Some(true), Some(cursor)) if !self.seen.insert(cursor.clone()) => Err(self.stands_still()),
            (Some(true), Some(cursor)) => {
                self.left -= 1;
                Ok(Some(cursor.clone()))
            }
        }
    }

    /// Whether as many different entries were read as the API says there are.
    ///
    /// # Errors
    /// How many are missing, or too many.
    pub(super) fn ends(&self, read: usize, total: Option<u64>) -> Result<(), Fault> {
        match total {
            Some(total) if total != read as u64 => Err(self.partial(&format!("gives {read} of {total}"))),
            _ => Ok(()),
        }
    }

    /// That a page brings what was read already.
    pub(super) fn stands_still(&self) -> Fault {
        self.partial("leads back to a page that was read already")
    }

    fn partial(&self, what: &str) -> Fault {
        Fault::new(Reason::PlatformPartial, format!("the list of {} {what}", self.list))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn more(promised: Option<bool>, cursor: Option<&str>) -> More {
        More {
            promised,
            cursor: cursor.map(str::to_owned),
        }
    }

    #[test]
    fn a_list_ends_where_the_api_says_so_and_nowhere_else() {
        let mut trail = Trail::new("apps", 9);
        assert_eq!(trail.next(&more(Some(true), Some("a"))).unwrap().as_deref(), Some("a"));
        assert_eq!(trail.next(&more(Some(false), Some("b"))), Ok(None));
        for (promised, cursor, said) in [
            (None, Some("c"), "does not say whether that is all"),
            (Some(true), None, "promises more and does not say where"),
            (Some(true), Some(""), "promises more and does not say where"),
            (Some(true), Some("a"), "leads back"),
        ] {
            let fault = trail.next(&more(promised, cursor)).unwrap_err();
            assert!(fault.detail.contains(said), "{fault:?}");
            assert_eq!(fault.reason, Reason::PlatformPartial);
        }
    }

    #[test]
    fn cursors_that_are_always_new_end_all_the_same() {
        let mut trail = Trail::new("apps", 3);
        let told = (0..9).map(|n| trail.next(&more(Some(true), Some(&n.to_string()))).is_ok());
        assert_eq!(told.filter(|read_on| *read_on).count(), 2);
    }

    #[test]
    fn a_total_that_differs_is_told() {
        let trail = Trail::new("apps", 3);
        assert!(trail.ends(7, Some(7)).is_ok() && trail.ends(7, None).is_ok());
        assert_eq!(
            trail.ends(6, Some(7)).unwrap_err().detail,
            "the list of apps gives 6 of 7"
        );
    }
}
