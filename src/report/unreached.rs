//! Why something could not be checked.

use std::fmt;

use crate::model::{ItemName, quoted};

/// What stood in the way of checking something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// Its rules compare with a step of which there are too few valid links.
    NoLink {
        /// The step.
        step: ItemName,
    },
    /// Its rules compare with a step whose valid links do not agree.
    LinksDisagree {
        /// The step.
        step: ItemName,
    },
    /// Its rules compare with an inspection that was not run.
    InspectionNotRun,
    /// Something before it failed, and then no command runs.
    SomethingFailed,
    /// No link stands for the step whose products the files must be.
    NoProducts,
    /// The layout cannot be trusted.
    LayoutNotTrusted,
}

impl fmt::Display for Unreached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLink { step } => write!(
                formatter,
                "its rules compare with {}, of which there are too few valid links",
                quoted(step.as_str())
            ),
            Self::LinksDisagree { step } => write!(
                formatter,
                "its rules compare with {}, whose links do not agree",
                quoted(step.as_str())
            ),
            Self::InspectionNotRun => {
                formatter.write_str("its rules compare with an inspection that was not run")
            }
            Self::SomethingFailed => {
                formatter.write_str("no command runs unless everything before it has passed")
            }
            Self::NoProducts => formatter.write_str("the links of the step do not stand"),
            Self::LayoutNotTrusted => formatter.write_str("the layout cannot be trusted"),
        }
    }
}
