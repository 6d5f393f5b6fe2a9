//! The vocabulary of in-toto: parsed, immutable, without input and output. What is here is well
//! formed; whether it is true is for [`crate::verify`] to say.

mod algorithm;
mod artifacts;
mod certificates;
mod digest;
mod envelope;
mod evidence;
mod field;
mod hex;
mod issue;
mod kinds;
mod layout;
mod link;
mod moment;
mod name;
mod path;
mod pattern;
mod patterns;
mod received;
mod rule;
mod signature;
mod similar;
mod text;

pub use algorithm::Algorithm;
pub use artifacts::{Artifacts, Pairing};
pub use certificates::asked_of;
pub use digest::{Agreement, DigestError, DigestSet};
pub use envelope::{Envelope, EnvelopeError, Form, PAYLOAD_TYPE, PayloadKind};
pub use evidence::{Evidence, FoundBy, LinkFile, LinkFileError};
pub use field::Complaint;
pub use hex::hex;
pub use issue::{Issue, Prepared};
pub use kinds::{Kinds, Question};
pub use layout::{Functionary, Inspection, Layout, Rules, Step, wanted_links};
pub use link::Link;
pub use moment::Moment;
pub use name::{ItemName, ItemNameError};
pub use path::{ArtifactPath, NameError};
pub use pattern::Pattern;
pub use patterns::{Bits, PatternSet};
pub use rule::{MatchRule, Prefix, Rule, RuleError, Side};
pub use signature::Signature;
pub use similar::similar;
pub use text::{command_line, counted, escaped, is_unprintable, printable, quoted, quoted_list};
