//! The vocabulary of in-toto: parsed, immutable, without input and output. What is here is well
//! formed; whether it is true is for [`crate::verify`] to say.

mod digest;
mod path;

pub use digest::{Agreement, Algorithm, DigestError, DigestSet, hex};
pub use path::{ArtifactPath, Artifacts, NameError};
