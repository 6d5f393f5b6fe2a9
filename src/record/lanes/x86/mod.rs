//! The kernels for x86-64: SHA-NI with one or two messages, AVX2 and AVX-512 with a message in each
//! lane of the vector registers.
//!
//! This is the only folder of the crate with `unsafe` in it. Two things are unsafe here, and no others:
//! calling a function for instructions that the processor may not have (below: each kernel can only be
//! made by its `detect`, which asks the processor), and taking memory for a vector (in `bits.rs`).
//!
//! Rates in memory, per core, of the machines these were measured on (`benches/kernels.rs`): Intel
//! Sapphire Rapids 1.4 GB/s with one SHA-NI stream, 1.75 with two, 1.2 with AVX2 ×8, 3.1 with AVX-512
//! ×16.

#[macro_use]
mod compression;

mod avx2;
mod avx512;
mod bits;
mod shani;

use super::Candidate;
use super::schedule::{Group, Inputs, Kernel};

/// The widest of SHA-256, two streams of SHA-NI, one, and the lanes of AVX2.
pub(super) fn candidates_256() -> [Candidate<u32, 64>; 4] {
    [
        Avx512Sha256::detect(),
        ShaNiPair::detect(),
        ShaNi::detect(),
        Avx2Sha256::detect(),
    ]
}

/// Those of SHA-512, the widest first.
pub(super) fn candidates_512() -> [Candidate<u64, 128>; 2] {
    [Avx512Sha512::detect(), Avx2Sha512::detect()]
}

/// A kernel that can only be made where its instructions are. What it needs are exactly the features
/// that its function is compiled for, or more.
macro_rules! kernel {
    (
        $(#[$about:meta])* $name:ident, $advance:path, $known_as:literal, $word:ty, $block:literal,
        width $width:literal, least $least:literal, needs $($feature:tt)+
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        struct $name(());

        impl $name {
            /// If the processor has it.
            fn detect() -> Candidate<$word, $block> {
                let present = $(is_x86_feature_detected!($feature))&&+;
                present.then_some(&Self(()) as _)
            }
        }

        impl Kernel<$word, $block> for $name {
            fn name(&self) -> &'static str {
                $known_as
            }

            fn width(&self) -> usize {
                $width
            }

            fn least(&self) -> usize {
                $least
            }

            #[expect(unsafe_code, reason = "instructions that not every processor has")]
            fn advance(&self, group: &mut Group<$word>, inputs: &Inputs<'_, $block>) {
                // SAFETY: `self` was made by `detect`, so the processor has the instructions.
                unsafe { $advance(group, inputs) }
            }
        }
    };
}

kernel! {
    /// SHA-256 of sixteen messages. Alone in it, a message is slower than with SHA-NI by far: from
    /// nine messages on it is ahead of two SHA-NI streams.
    Avx512Sha256, avx512::sha256::advance, "avx512 ×16", u32, 64,
    width 16, least 9, needs "avx512f" "avx512bw"
}

kernel! {
    /// SHA-256 of eight messages, for processors without SHA-NI.
    Avx2Sha256, avx2::sha256::advance, "avx2 ×8", u32, 64, width 8, least 3, needs "avx2"
}

kernel! {
    /// SHA-256 of two messages: the instructions of one wait for each other.
    ShaNiPair, shani::advance::<2>, "sha-ni ×2", u32, 64,
    width 2, least 2, needs "sha" "ssse3" "sse4.1"
}

kernel! {
    /// SHA-256 of one message.
    ShaNi, shani::advance::<1>, "sha-ni", u32, 64, width 1, least 1, needs "sha" "ssse3" "sse4.1"
}

kernel! {
    /// SHA-512 of eight messages.
    Avx512Sha512, avx512::sha512::advance, "avx512 ×8", u64, 128,
    width 8, least 3, needs "avx512f" "avx512bw"
}

kernel! {
    /// SHA-512 of four messages.
    Avx2Sha512, avx2::sha512::advance, "avx2 ×4", u64, 128, width 4, least 3, needs "avx2"
}
