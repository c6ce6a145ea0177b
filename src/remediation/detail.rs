//! What a row of the ledger tells beside its columns. One shape for whoever writes and reads it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ledger::Entry;

/// What a row tells beside its columns, without secrets; kept as JSON. A part that a row has nothing to say of is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// The call that is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// What was there right before, whole: a deleted record is made again by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<Value>,
    /// The facts that prove the cause, each a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What the examinations afterwards showed: how many passed, or why they did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Value>,
    /// The id of what this row takes back; empty where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

impl Detail {
    /// Only that it was not done, and why.
    #[must_use]
    pub fn why(why: impl Into<String>) -> Self {
        Self {
            why: Some(why.into()),
            ..Self::default()
        }
    }

    /// Only what the examinations afterwards showed.
    #[must_use]
    pub fn verification(shown: impl Into<Value>) -> Self {
        Self {
            verification: Some(shown.into()),
            ..Self::default()
        }
    }

    /// What tells rows of one object apart: the id of the record that was deleted, or that is put back.
    #[must_use]
    pub fn record_id(&self) -> &str {
        let saved = self.saved.as_ref().and_then(|saved| saved.get("id")?.as_str());
        saved.or(self.undo.as_deref()).unwrap_or_default()
    }
}

/// As it is kept.
impl From<Detail> for String {
    fn from(detail: Detail) -> Self {
        serde_json::to_value(detail).unwrap_or_default().to_string()
    }
}

impl Entry {
    /// What this row tells beside its columns; nothing of what does not read as that.
    #[must_use]
    pub fn details(&self) -> Detail {
        serde_json::from_str(&self.detail).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_says_only_what_it_has_to_say_and_reads_as_it_was_written() {
        assert_eq!(String::from(Detail::default()), "{}");
        assert_eq!(String::from(Detail::verification(3)), r#"{"verification":3}"#);
        let whole = Detail {
            request: Some(json!({ "call": "DELETE …" })),
            saved: Some(json!({ "id": "r1" })),
            evidence: vec!["a fact".to_owned()],
            ..Detail::why("it changed")
        };
        assert_eq!(
            serde_json::from_str::<Detail>(&String::from(whole.clone())).unwrap(),
            whole
        );
        assert_eq!(whole.record_id(), "r1");
        let back = Detail {
            undo: Some("r2".to_owned()),
            ..Detail::default()
        };
        assert_eq!(back.record_id(), "r2");
        // What older versions wrote of nothing.
        assert_eq!(
            serde_json::from_str::<Detail>(r#"{"saved":null,"answer":null}"#).unwrap(),
            Detail::default()
        );
    }
}
