//! AVX2: eight messages of SHA-256, or four of SHA-512.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_wrap,
    reason = "constant indexes into arrays; the intrinsics take their words as signed numbers"
)]

use std::arch::x86_64::*;

use super::bits::{load, store, swap_32, swap_64};
use crate::record::lanes::schedule::{Group, Inputs};
use crate::record::lanes::words::{ROUNDS_256, ROUNDS_512};

type V = __m256i;

/// A part of a block, of which the bytes go where `swap` says.
#[inline]
#[target_feature(enable = "avx2")]
fn row(part: &[u8; 32], swap: __m128i) -> V {
    _mm256_shuffle_epi8(load(part), _mm256_broadcastsi128_si256(swap))
}

/// The lower halves of two vectors in one, and the upper halves.
#[inline]
#[target_feature(enable = "avx2")]
fn halves(x: V, y: V) -> [V; 2] {
    [
        _mm256_permute2x128_si256::<0x20>(x, y),
        _mm256_permute2x128_si256::<0x31>(x, y),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(x: V, y: V, z: V) -> V {
    _mm256_xor_si256(_mm256_xor_si256(x, y), z)
}

#[inline]
#[target_feature(enable = "avx2")]
fn choose(x: V, y: V, z: V) -> V {
    _mm256_xor_si256(_mm256_and_si256(x, _mm256_xor_si256(y, z)), z)
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(x: V, y: V, z: V) -> V {
    _mm256_or_si256(
        _mm256_and_si256(x, y),
        _mm256_and_si256(_mm256_or_si256(x, y), z),
    )
}

/// Eight lanes of 32 bits.
pub(super) mod sha256 {
    use super::*;

    macro_rules! rotate {
        ($x:expr, $bits:literal) => {
            _mm256_or_si256(
                _mm256_srli_epi32::<$bits>($x),
                _mm256_slli_epi32::<{ 32 - $bits }>($x),
            )
        };
    }

    macro_rules! shift {
        ($x:expr, $bits:literal) => {
            _mm256_srli_epi32::<$bits>($x)
        };
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn columns(blocks: &[&[u8; 64]; 8]) -> [V; 16] {
        let mut columns = [_mm256_setzero_si256(); 16];
        for (half, columns) in columns.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let rows = blocks.map(|block| row(&block.as_chunks::<32>().0[half], swap_32()));
            *columns = transposed(&rows);
        }
        columns
    }

    /// Four rows at a time within each half of the registers, then the halves change places.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn transposed(rows: &[V; 8]) -> [V; 8] {
        let zero = _mm256_setzero_si256();
        let mut woven = [[zero; 4]; 2];
        for (woven, [r0, r1, r2, r3]) in woven.iter_mut().zip(rows.as_chunks::<4>().0) {
            let low = (
                _mm256_unpacklo_epi32(*r0, *r1),
                _mm256_unpacklo_epi32(*r2, *r3),
            );
            let high = (
                _mm256_unpackhi_epi32(*r0, *r1),
                _mm256_unpackhi_epi32(*r2, *r3),
            );
            *woven = [
                _mm256_unpacklo_epi64(low.0, low.1),
                _mm256_unpackhi_epi64(low.0, low.1),
                _mm256_unpacklo_epi64(high.0, high.1),
                _mm256_unpackhi_epi64(high.0, high.1),
            ];
        }
        let mut columns = [zero; 8];
        for j in 0..4 {
            [columns[j], columns[4 + j]] = halves(woven[0][j], woven[1][j]);
        }
        columns
    }

    sha256! { "avx2", 8, _mm256_set1_epi32, _mm256_add_epi32 }
}

/// Four lanes of 64 bits.
pub(super) mod sha512 {
    use super::*;

    macro_rules! rotate {
        ($x:expr, $bits:literal) => {
            _mm256_or_si256(
                _mm256_srli_epi64::<$bits>($x),
                _mm256_slli_epi64::<{ 64 - $bits }>($x),
            )
        };
    }

    macro_rules! shift {
        ($x:expr, $bits:literal) => {
            _mm256_srli_epi64::<$bits>($x)
        };
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn columns(blocks: &[&[u8; 128]; 4]) -> [V; 16] {
        let mut columns = [_mm256_setzero_si256(); 16];
        for (quarter, columns) in columns.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let [r0, r1, r2, r3] =
                blocks.map(|block| row(&block.as_chunks::<32>().0[quarter], swap_64()));
            let low = (_mm256_unpacklo_epi64(r0, r1), _mm256_unpacklo_epi64(r2, r3));
            let high = (_mm256_unpackhi_epi64(r0, r1), _mm256_unpackhi_epi64(r2, r3));
            [columns[0], columns[2]] = halves(low.0, low.1);
            [columns[1], columns[3]] = halves(high.0, high.1);
        }
        columns
    }

    sha512! { "avx2", 4, _mm256_set1_epi64x, _mm256_add_epi64 }
}
