//! A step that has to be performed, or performed again.

use std::fmt;

use crate::model::{ItemName, Step, command_line};

/// What there is to know for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The step.
    pub step: ItemName,
    /// The command that the layout expects; empty if it expects none.
    pub command: Vec<String>,
}

impl Again {
    /// Of a step of a layout.
    pub fn of(step: &Step) -> Self {
        Self {
            step: step.name.clone(),
            command: step.expected_command.clone(),
        }
    }
}

/// What to type.
impl fmt::Display for Again {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = command_line(&[self.step.as_str()]);
        let command = match self.command.as_slice() {
            [] => "COMMAND".to_owned(),
            words => command_line(words),
        };
        write!(
            formatter,
            "`linkwright run --step-name {step} --signing-key KEY --materials PATH… --products PATH… -- {command}`"
        )
    }
}
