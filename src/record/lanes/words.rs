//! The constants of SHA-256 and SHA-512 (FIPS 180-4, sections 4.2.2, 4.2.3 and 5.3), the padding of
//! messages, and what the two functions have in common.
//!
//! Both take their constants from the square and cube roots of the first primes: SHA-512 the first
//! 64 bits of the fractions, SHA-256 the first 32. So there is one table.

/// A block of SHA-256.
pub(in crate::record) const BLOCK_256: usize = 64;
/// A block of SHA-512.
pub(in crate::record) const BLOCK_512: usize = 128;
/// Messages that any kernel has side by side.
pub(super) const MAX_WIDTH: usize = 16;
/// More bytes than padding ever adds: one block of SHA-512, and the mark and length before it.
pub(in crate::record) const MAX_PADDING: usize = 2 * BLOCK_512;

/// Between two blocks of a message.
pub(in crate::record) type State<W> = [W; 8];

/// A hash function of the SHA-2 family, by its word and block.
pub(in crate::record) trait Word:
    Copy + Default + PartialEq + Send + Sync + 'static
{
    /// What every message begins with.
    const START: State<Self>;
    /// Bytes that give the length of the message, at its very end.
    const LENGTH_BYTES: usize;
    /// Bytes of a block.
    const BLOCK: usize;
}

impl Word for u32 {
    const START: State<Self> = START_256;
    const LENGTH_BYTES: usize = 8;
    const BLOCK: usize = BLOCK_256;
}

impl Word for u64 {
    const START: State<Self> = START_512;
    const LENGTH_BYTES: usize = 16;
    const BLOCK: usize = BLOCK_512;
}

/// Pads the message of which the last `length` bytes stand at the beginning of `buffer`, `total` being
/// all its bytes, and gives how many bytes of the buffer then are whole blocks. The buffer must have
/// room for [`MAX_PADDING`] more.
#[expect(
    clippy::indexing_slicing,
    reason = "without the room for its padding a message would get a wrong digest"
)]
pub(in crate::record) fn pad<W: Word>(buffer: &mut [u8], length: usize, total: u64) -> usize {
    let end = (length + 1 + W::LENGTH_BYTES).next_multiple_of(W::BLOCK);
    let padding = &mut buffer[length..end];
    padding.fill(0);
    padding[0] = 0x80;
    // 128 bits of length fit in the padding of SHA-512; of SHA-256 the upper half is not there.
    let bits = (u128::from(total) * 8).to_be_bytes();
    let (_, tail) = padding.split_at_mut(padding.len() - W::LENGTH_BYTES);
    tail.copy_from_slice(&bits[bits.len() - W::LENGTH_BYTES..]);
    end
}

/// The digest that a state is.
pub(in crate::record) fn digest_256(state: &State<u32>) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// The digest that a state is.
pub(in crate::record) fn digest_512(state: &State<u64>) -> [u8; 64] {
    let mut digest = [0; 64];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

const START_512: State<u64> = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];

const START_256: State<u32> = upper_halves(&START_512);

/// The round constants of SHA-256.
pub(super) static ROUNDS_256: [u32; 64] = upper_halves(&ROUNDS_512);

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling")]
const fn upper_halves<const N: usize, const M: usize>(words: &[u64; M]) -> [u32; N] {
    let mut halves = [0; N];
    let mut at = 0;
    while at < N {
        halves[at] = (words[at] >> 32) as u32;
        at += 1;
    }
    halves
}

/// The round constants of SHA-512.
pub(super) static ROUNDS_512: [u64; 80] = [
    0x428a2f98d728ae22,
    0x7137449123ef65cd,
    0xb5c0fbcfec4d3b2f,
    0xe9b5dba58189dbbc,
    0x3956c25bf348b538,
    0x59f111f1b605d019,
    0x923f82a4af194f9b,
    0xab1c5ed5da6d8118,
    0xd807aa98a3030242,
    0x12835b0145706fbe,
    0x243185be4ee4b28c,
    0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f,
    0x80deb1fe3b1696b1,
    0x9bdc06a725c71235,
    0xc19bf174cf692694,
    0xe49b69c19ef14ad2,
    0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5,
    0x240ca1cc77ac9c65,
    0x2de92c6f592b0275,
    0x4a7484aa6ea6e483,
    0x5cb0a9dcbd41fbd4,
    0x76f988da831153b5,
    0x983e5152ee66dfab,
    0xa831c66d2db43210,
    0xb00327c898fb213f,
    0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2,
    0xd5a79147930aa725,
    0x06ca6351e003826f,
    0x142929670a0e6e70,
    0x27b70a8546d22ffc,
    0x2e1b21385c26c926,
    0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df,
    0x650a73548baf63de,
    0x766a0abb3c77b2a8,
    0x81c2c92e47edaee6,
    0x92722c851482353b,
    0xa2bfe8a14cf10364,
    0xa81a664bbc423001,
    0xc24b8b70d0f89791,
    0xc76c51a30654be30,
    0xd192e819d6ef5218,
    0xd69906245565a910,
    0xf40e35855771202a,
    0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8,
    0x1e376c085141ab53,
    0x2748774cdf8eeb99,
    0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63,
    0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc,
    0x78a5636f43172f60,
    0x84c87814a1f0ab72,
    0x8cc702081a6439ec,
    0x90befffa23631e28,
    0xa4506cebde82bde9,
    0xbef9a3f7b2c67915,
    0xc67178f2e372532b,
    0xca273eceea26619c,
    0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e,
    0xf57d4f7fee6ed178,
    0x06f067aa72176fba,
    0x0a637dc5a2c898a6,
    0x113f9804bef90dae,
    0x1b710b35131c471b,
    0x28db77f523047d84,
    0x32caab7b40c72493,
    0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6,
    0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec,
    0x6c44198c4a475817,
];
