//! What a person does about a cause, line by line: each is typed, done, looked at or waited for. Decides nothing.

use serde::Serialize;

/// How a person carries out a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// By typing it as it stands.
    Run,
    /// By doing what it says.
    Do,
    /// By looking.
    Look,
    /// By waiting.
    Wait,
}

impl Form {
    /// As in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Do => "do",
            Self::Look => "look",
            Self::Wait => "wait",
        }
    }
}

/// One line of what a person does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Instruction {
    /// How.
    pub form: Form,
    /// The command as it is typed, or the sentence.
    pub text: String,
}

impl Instruction {
    /// A command, typed as it stands.
    #[must_use]
    pub fn run(text: impl Into<String>) -> Self {
        Self::new(Form::Run, text)
    }

    /// Something to change.
    #[must_use]
    pub fn act(text: impl Into<String>) -> Self {
        Self::new(Form::Do, text)
    }

    /// Something to look at.
    #[must_use]
    pub fn look(text: impl Into<String>) -> Self {
        Self::new(Form::Look, text)
    }

    /// Something to wait for.
    #[must_use]
    pub fn wait(text: impl Into<String>) -> Self {
        Self::new(Form::Wait, text)
    }

    fn new(form: Form, text: impl Into<String>) -> Self {
        Self {
            form,
            text: text.into(),
        }
    }

    /// The sentence behind a label that says the form: `look at the log` is `at the log` behind `look`.
    #[must_use]
    pub fn behind_label(&self) -> &str {
        let label = self.form.as_str();
        let rest = self.text.strip_prefix(label).and_then(|rest| rest.strip_prefix(' '));
        rest.unwrap_or(&self.text)
    }
}

/// All lines as one, for readers that take one.
#[must_use]
pub(super) fn joined(lines: &[Instruction]) -> String {
    let texts = lines.iter().map(|line| line.text.as_str());
    texts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_stands_for_the_verb() {
        assert_eq!(Instruction::look("look at the log").behind_label(), "at the log");
        assert_eq!(
            Instruction::wait("wait until it boots").behind_label(),
            "until it boots"
        );
        assert_eq!(Instruction::act("document it").behind_label(), "document it");
    }
}
