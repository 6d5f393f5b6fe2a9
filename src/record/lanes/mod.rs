//! SHA-256 and SHA-512 of many messages at once.
//!
//! One message cannot be hashed by two units of a processor, as each block needs the state that the
//! one before left; many messages can. What this gives, in memory and per core: on Intel Sapphire
//! Rapids 3.1 GB/s of SHA-256 against 1.4 for one message after the other, on AMD Zen 3 about 1.9
//! times the rate of one (`benches/kernels.rs` measures the machine it runs on).
//!
//! No published crate does that for streams at this rate: `stringzilla` (2.4 to 3.0 GB/s) is C, needs a
//! compiler and brings a text library, `tape-sha256` (1.9 to 2.4 GB/s) has no streams, so nothing for
//! files that do not fit in memory.
//!
//! A wrong digest would be worse than a slow one. So the kernels are judged when they are first
//! used, by messages of different lengths that `sha2` hashes too; one that fails is left out, and the
//! portable ones are always there.

mod alone;
mod portable;
mod schedule;
mod words;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

use portable::Portable;
use schedule::{Kernel, advance_all};
#[cfg(target_arch = "x86_64")]
use x86::{candidates_256, candidates_512};

pub use alone::{KernelAlone, sha256_of_each};
pub(super) use schedule::Lane;
pub(super) use words::{
    BLOCK_256, BLOCK_512, MAX_PADDING, State, Word, digest_256, digest_512, pad,
};

/// Which code computes SHA-256 and SHA-512.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The quickest that this processor has and that gives right answers.
    #[default]
    Fastest,
    /// The `sha2` crate alone.
    Portable,
}

type List<W, const B: usize> = Vec<&'static dyn Kernel<W, B>>;

/// A kernel, if this processor has it.
type Candidate<W, const B: usize> = Option<&'static dyn Kernel<W, B>>;

#[cfg(not(target_arch = "x86_64"))]
fn candidates_256() -> [Candidate<u32, BLOCK_256>; 4] {
    [None; 4]
}

#[cfg(not(target_arch = "x86_64"))]
fn candidates_512() -> [Candidate<u64, BLOCK_512>; 2] {
    [None; 2]
}

/// The kernels in use, the widest first.
pub(super) struct Kernels {
    sha256: List<u32, 64>,
    sha512: List<u64, 128>,
}

impl Kernels {
    /// Those of a backend. The processor is asked and the kernels are judged once.
    pub(super) fn of(backend: Backend) -> &'static Self {
        static FASTEST: OnceLock<Kernels> = OnceLock::new();
        static PORTABLE: OnceLock<Kernels> = OnceLock::new();
        match backend {
            Backend::Fastest => FASTEST.get_or_init(Self::fastest),
            Backend::Portable => PORTABLE.get_or_init(|| Self {
                sha256: vec![&Portable],
                sha512: vec![&Portable],
            }),
        }
    }

    fn fastest() -> Self {
        let [wide, pair, one, lanes] = candidates_256();
        // Two streams of SHA-NI outrun eight lanes of AVX2.
        let sha256 = match pair {
            Some(_) => vec![wide, pair, one],
            None => vec![wide, lanes],
        };
        Self {
            sha256: judged(sha256),
            sha512: judged(candidates_512().to_vec()),
        }
    }

    /// Messages that are best hashed together.
    pub(super) fn width(&self, sha512: bool) -> usize {
        let width_256 = self.sha256.first().map_or(1, |kernel| kernel.width());
        let width_512 = self.sha512.first().map_or(1, |kernel| kernel.width());
        if sha512 {
            width_256.max(width_512)
        } else {
            width_256
        }
    }

    /// Takes each message of SHA-256 over its blocks.
    pub(super) fn sha256(&self, lanes: &mut [Lane<'_, u32, BLOCK_256>]) {
        advance_all(&self.sha256, lanes);
    }

    /// Takes each message of SHA-512 over its blocks.
    pub(super) fn sha512(&self, lanes: &mut [Lane<'_, u64, BLOCK_512>]) {
        advance_all(&self.sha512, lanes);
    }

    /// Such as `sha256: sha-ni ×2, sha-ni; sha512: avx2 ×4, portable`.
    fn name(&self) -> String {
        let sha256: Vec<_> = self.sha256.iter().map(|kernel| kernel.name()).collect();
        let sha512: Vec<_> = self.sha512.iter().map(|kernel| kernel.name()).collect();
        format!(
            "sha256: {}; sha512: {}",
            sha256.join(", "),
            sha512.join(", ")
        )
    }
}

/// What hashes when this backend is asked for, in words.
pub fn backend_name(backend: Backend) -> String {
    Kernels::of(backend).name()
}

/// The kernels that exist here and give right answers, and a last one that takes single messages.
fn judged<W: Word, const B: usize>(candidates: Vec<Candidate<W, B>>) -> List<W, B>
where
    Portable: Kernel<W, B>,
{
    let mut list: List<W, B> = candidates
        .into_iter()
        .flatten()
        .filter(|kernel| is_right(*kernel))
        .collect();
    if list.last().is_none_or(|kernel| kernel.least() > 1) {
        list.push(&Portable);
    }
    list
}

/// Whether a kernel agrees with `sha2` about messages of different lengths, more of them than it
/// has lanes. The answers are those of FIPS 180-4 because the tests of `sha2` and ours say so.
fn is_right<W: Word, const B: usize>(kernel: &'static dyn Kernel<W, B>) -> bool
where
    Portable: Kernel<W, B>,
{
    let mut byte = 1_u8;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        byte = byte.wrapping_mul(109).wrapping_add(57);
        byte
    })
    .take(B * 40)
    .collect();
    let messages = || -> Vec<Lane<'_, W, B>> {
        (0..kernel.width() + 3)
            .filter_map(|index| bytes.get(index * 7..index * 7 + B * (1 + index % 4)))
            .map(Lane::start)
            .collect()
    };
    let (mut found, mut expected) = (messages(), messages());
    advance_all(&[kernel, &Portable], &mut found);
    advance_all(&[&Portable as &dyn Kernel<W, B>], &mut expected);
    let same = |(one, other): (&Lane<'_, W, B>, &Lane<'_, W, B>)| one.state == other.state;
    found.iter().zip(&expected).all(same)
}

#[cfg(test)]
mod tests;
