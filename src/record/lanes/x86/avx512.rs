//! AVX-512: sixteen messages of SHA-256, or eight of SHA-512.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_wrap,
    reason = "constant indexes into arrays; the intrinsics take their words as signed numbers"
)]

use std::arch::x86_64::*;
use std::array::from_fn;

use super::bits::{load, store, swap_32, swap_64};
use crate::record::lanes::schedule::{Group, Inputs};
use crate::record::lanes::words::{ROUNDS_256, ROUNDS_512};

type V = __m512i;

/// A part of a block, of which the bytes go where `swap` says.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn row(part: &[u8; 64], swap: __m128i) -> V {
    _mm512_shuffle_epi8(load(part), _mm512_broadcast_i32x4(swap))
}

/// Of vector q the quarters q of all four: they are transposed as a square of four by four.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn quarters([x0, x1, x2, x3]: [V; 4]) -> [V; 4] {
    let even = (
        _mm512_shuffle_i32x4::<0x88>(x0, x1),
        _mm512_shuffle_i32x4::<0x88>(x2, x3),
    );
    let odd = (
        _mm512_shuffle_i32x4::<0xdd>(x0, x1),
        _mm512_shuffle_i32x4::<0xdd>(x2, x3),
    );
    [
        _mm512_shuffle_i32x4::<0x88>(even.0, even.1),
        _mm512_shuffle_i32x4::<0x88>(odd.0, odd.1),
        _mm512_shuffle_i32x4::<0xdd>(even.0, even.1),
        _mm512_shuffle_i32x4::<0xdd>(odd.0, odd.1),
    ]
}

// One instruction computes any function of three bits: its number is the table of the answers.

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn xor3(x: V, y: V, z: V) -> V {
    _mm512_ternarylogic_epi32::<0x96>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn choose(x: V, y: V, z: V) -> V {
    _mm512_ternarylogic_epi32::<0xca>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn majority(x: V, y: V, z: V) -> V {
    _mm512_ternarylogic_epi32::<0xe8>(x, y, z)
}

/// Sixteen lanes of 32 bits.
pub(super) mod sha256 {
    use super::*;

    macro_rules! rotate {
        ($x:expr, $bits:literal) => {
            _mm512_ror_epi32::<$bits>($x)
        };
    }

    macro_rules! shift {
        ($x:expr, $bits:literal) => {
            _mm512_srli_epi32::<$bits>($x)
        };
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn columns(blocks: &[&[u8; 64]; 16]) -> [V; 16] {
        let zero = _mm512_setzero_si512();
        // Four rows at a time, within each quarter: of `woven[i][j]` quarter q has word 4q + j of
        // the rows 4i to 4i + 3.
        let mut woven = [[zero; 4]; 4];
        for (woven, rows) in woven.iter_mut().zip(blocks.as_chunks::<4>().0) {
            let [r0, r1, r2, r3] = rows.map(|block| row(block, swap_32()));
            let low = (_mm512_unpacklo_epi32(r0, r1), _mm512_unpacklo_epi32(r2, r3));
            let high = (_mm512_unpackhi_epi32(r0, r1), _mm512_unpackhi_epi32(r2, r3));
            *woven = [
                _mm512_unpacklo_epi64(low.0, low.1),
                _mm512_unpackhi_epi64(low.0, low.1),
                _mm512_unpacklo_epi64(high.0, high.1),
                _mm512_unpackhi_epi64(high.0, high.1),
            ];
        }
        let mut columns = [zero; 16];
        for j in 0..4 {
            let column = quarters([woven[0][j], woven[1][j], woven[2][j], woven[3][j]]);
            [columns[j], columns[4 + j], columns[8 + j], columns[12 + j]] = column;
        }
        columns
    }

    sha256! { "avx512f,avx512bw", 16, _mm512_set1_epi32, _mm512_add_epi32 }
}

/// Eight lanes of 64 bits.
pub(super) mod sha512 {
    use super::*;

    macro_rules! rotate {
        ($x:expr, $bits:literal) => {
            _mm512_ror_epi64::<$bits>($x)
        };
    }

    macro_rules! shift {
        ($x:expr, $bits:literal) => {
            _mm512_srli_epi64::<$bits>($x)
        };
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn columns(blocks: &[&[u8; 128]; 8]) -> [V; 16] {
        let mut columns = [_mm512_setzero_si512(); 16];
        for (half, columns) in columns.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let rows = blocks.map(|block| row(&block.as_chunks::<64>().0[half], swap_64()));
            // Pairs of rows are woven first, so that of `low[i]` quarter q has word 2q of the rows
            // 2i and 2i + 1, and of `high[i]` word 2q + 1.
            let low = from_fn(|i| _mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]));
            let high = from_fn(|i| _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]));
            [columns[0], columns[2], columns[4], columns[6]] = quarters(low);
            [columns[1], columns[3], columns[5], columns[7]] = quarters(high);
        }
        columns
    }

    sha512! { "avx512f,avx512bw", 8, _mm512_set1_epi64, _mm512_add_epi64 }
}
