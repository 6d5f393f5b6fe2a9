//! Contents in memory, side by side: for benches and fuzz targets.

use super::portable::Portable;
use super::schedule::{Kernel, Lane, advance_all};
use super::words::{BLOCK_256, BLOCK_512, MAX_PADDING, State, Word, digest_256, digest_512, pad};
use super::{Backend, Kernels, candidates_256, candidates_512};

/// SHA-256 of contents in memory, as a backend computes it.
pub fn sha256_of_each(backend: Backend, contents: &[&[u8]]) -> Vec<[u8; 32]> {
    let states = states_of(&Kernels::of(backend).sha256, contents);
    states.iter().map(digest_256).collect()
}

/// One of the kernels that this processor has, whether the fastest backend would use it or not.
/// What is too little for it the portable kernel hashes.
#[derive(Clone, Copy)]
pub struct KernelAlone(Which);

#[derive(Clone, Copy)]
enum Which {
    Sha256(&'static dyn Kernel<u32, BLOCK_256>),
    Sha512(&'static dyn Kernel<u64, BLOCK_512>),
}

impl KernelAlone {
    /// All of them, those for SHA-256 first.
    pub fn all() -> Vec<Self> {
        let sha256 = candidates_256().into_iter().flatten();
        let sha512 = candidates_512().into_iter().flatten();
        sha256
            .chain([&Portable as _])
            .map(Which::Sha256)
            .chain(sha512.chain([&Portable as _]).map(Which::Sha512))
            .map(Self)
            .collect()
    }

    /// Such as `sha-ni ×2`.
    pub fn name(&self) -> &'static str {
        match self.0 {
            Which::Sha256(kernel) => kernel.name(),
            Which::Sha512(kernel) => kernel.name(),
        }
    }

    /// Whether it computes SHA-512, and not SHA-256.
    pub fn is_sha512(&self) -> bool {
        matches!(self.0, Which::Sha512(_))
    }

    /// The digests, 32 bytes of SHA-256 or 64 of SHA-512. Whole blocks are read where they are, at
    /// whatever address.
    pub fn digests(&self, contents: &[&[u8]]) -> Vec<Vec<u8>> {
        match self.0 {
            Which::Sha256(kernel) => states_of(&[kernel, &Portable], contents)
                .iter()
                .map(|state| digest_256(state).to_vec())
                .collect(),
            Which::Sha512(kernel) => states_of(&[kernel, &Portable], contents)
                .iter()
                .map(|state| digest_512(state).to_vec())
                .collect(),
        }
    }
}

impl std::fmt::Debug for KernelAlone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KernelAlone").field(&self.name()).finish()
    }
}

/// First the whole blocks of all contents, then the padded rest of each.
fn states_of<W: Word, const B: usize>(
    kernels: &[&'static dyn Kernel<W, B>],
    contents: &[&[u8]],
) -> Vec<State<W>> {
    let mut lanes: Vec<Lane<'_, W, B>> = contents
        .iter()
        .map(|content| Lane::start(content))
        .collect();
    advance_all(kernels, &mut lanes);
    let rests: Vec<_> = contents
        .iter()
        .map(|content| padded_rest::<W, B>(content))
        .collect();
    let mut lanes: Vec<_> = (lanes.iter().zip(&rests))
        .map(|(lane, (rest, end))| Lane::resume(lane.state, rest.split_at(*end).0))
        .collect();
    advance_all(kernels, &mut lanes);
    lanes.iter().map(|lane| lane.state).collect()
}

/// What is behind the whole blocks of a content, with its padding, and where that ends.
fn padded_rest<W: Word, const B: usize>(content: &[u8]) -> ([u8; MAX_PADDING], usize) {
    let rest = content.as_chunks::<B>().1;
    let mut buffer = [0; MAX_PADDING];
    for (place, byte) in buffer.iter_mut().zip(rest) {
        *place = *byte;
    }
    let total = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let end = pad::<W>(&mut buffer, rest.len(), total);
    (buffer, end)
}
