//! The vocabulary of in-toto: parsed, immutable, without input and output. What is here is well
//! formed; whether it is true is for [`crate::verify`] to say.

mod digest;
mod envelope;
mod evidence;
mod field;
mod layout;
mod link;
mod moment;
mod name;
mod path;
mod pattern;
mod rule;
mod text;

pub use digest::{Agreement, Algorithm, DigestError, DigestSet, hex};
pub use envelope::{Envelope, EnvelopeError, Form, PAYLOAD_TYPE, PayloadKind, Signature};
pub use evidence::{Evidence, LinkFile, LinkFileError};
pub use field::Complaint;
pub use layout::{Functionary, Inspection, Layout, Rules, Step, wanted_links};
pub use link::Link;
pub use moment::Moment;
pub use name::{ItemName, ItemNameError};
pub use path::{ArtifactPath, Artifacts, NameError};
pub use pattern::Pattern;
pub use rule::{MatchRule, Prefix, Rule, RuleError, Side};
pub use text::{command_line, escaped, is_unprintable, printable, quoted, quoted_list};
