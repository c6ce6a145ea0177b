//! The fields of a cron expression: what each is called, and what of it the cron library reads as something else than it
//! says. Knows nothing of times.

/// One of six fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is called.
    pub name: &'static str,
    /// What may stand there.
    pub expected: &'static str,
    /// Names for its numbers.
    names: &'static [&'static str],
    /// Letters that stand for something else, such as the last day of a month.
    letters: &'static str,
}

const fn field(name: &'static str, expected: &'static str) -> Field {
    Field {
        name,
        expected,
        names: &[],
        letters: "",
    }
}

/// The fields in their order, with the one that may be missing.
pub(super) const FIELDS: [Field; 6] = [
    field("second", "0 to 59"),
    field("minute", "0 to 59"),
    field("hour", "0 to 23"),
    Field {
        letters: "lw",
        ..field("day of the month", "1 to 31")
    },
    Field {
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
        ..field("month", "1 to 12 or jan to dec")
    },
    Field {
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
        letters: "l",
        ..field("day of the week", "0 to 7 or sun to sat")
    },
];

impl Field {
    /// Whether names in it are its own, and no part of a list is missing. The library takes `mon` for 1 in every field, and
    /// reads `1,` as `1`.
    pub(super) fn may_be(self, text: &str) -> bool {
        let mut rest = text.to_lowercase();
        for name in self.names {
            rest = rest.replace(name, "0");
        }
        let known = |letter: char| !letter.is_alphabetic() || self.letters.contains(letter);
        rest.chars().all(known) && rest.split(',').all(|part| !part.is_empty())
    }
}
