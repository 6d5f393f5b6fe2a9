//! The kernels for x86-64: SHA-NI with one or two messages, AVX2 and AVX-512 with a message in each
//! lane of the vector registers.
//!
//! This is the only file of the crate with `unsafe` in it. Two things are unsafe here, and no others:
//! calling a function for instructions that the processor may not have (each kernel can only be made
//! by its `detect`, which asks the processor), and loading or storing a vector through a pointer (which
//! always comes from a reference to an array of exactly that size).
//!
//! Rates in memory, per core, of the machines these were measured on (`benches/kernels.rs`): Intel
//! Sapphire Rapids 1.4 GB/s with one SHA-NI stream, 1.75 with two, 1.2 with AVX2 ×8, 3.1 with AVX-512
//! ×16.

#![expect(
    unsafe_code,
    reason = "vector instructions: see the list of what is unsafe in the text above"
)]
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_wrap,
    reason = "constant indexes into arrays; the intrinsics take their words as signed numbers"
)]

use std::arch::x86_64::*;

use super::schedule::{Group, Inputs, Kernel};
use super::words::{ROUNDS_256, ROUNDS_512};

/// Sixteen literal round numbers, so that every index into the message schedule is a constant.
macro_rules! sixteen {
    ($round:ident) => {
        $round!(0);
        $round!(1);
        $round!(2);
        $round!(3);
        $round!(4);
        $round!(5);
        $round!(6);
        $round!(7);
        $round!(8);
        $round!(9);
        $round!(10);
        $round!(11);
        $round!(12);
        $round!(13);
        $round!(14);
        $round!(15);
    };
}

/// The compression function over vectors, one message in each lane. What is different between the
/// instruction sets is in the functions and macros that stand beside it: `load` (the words of a block
/// of each message), `get`, `put`, `splat`, `add`, `rotate!`, `shift!`, `xor3`, `choose`, `majority`.
macro_rules! compression {
    (
        $features:tt, $word:ty, $block:literal, $width:literal, $constants:ident,
        big: [$a1:literal $a2:literal $a3:literal] [$e1:literal $e2:literal $e3:literal],
        small: [$x1:literal $x2:literal $x3:literal] [$y1:literal $y2:literal $y3:literal]
    ) => {
        #[target_feature(enable = $features)]
        pub(super) fn advance(group: &mut Group<$word>, inputs: &Inputs<'_, $block>) {
            let mut state = [splat(0); 8];
            for (vector, words) in state.iter_mut().zip(&group.words) {
                *vector = get(words);
            }
            for at in 0..inputs[0].len() {
                let blocks: [&[u8; $block]; $width] =
                    std::array::from_fn(|lane| inputs[lane].get(at).unwrap_or(&[0; $block]));
                let mut w = load(&blocks);
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
                for (index, constants) in $constants.as_chunks::<16>().0.iter().enumerate() {
                    if index > 0 {
                        macro_rules! extend {
                            ($t:literal) => {
                                let x = w[($t + 1) % 16];
                                let y = w[($t + 14) % 16];
                                let x = xor3(rotate!(x, $x1), rotate!(x, $x2), shift!(x, $x3));
                                let y = xor3(rotate!(y, $y1), rotate!(y, $y2), shift!(y, $y3));
                                w[$t] = add(add(w[$t], x), add(w[($t + 9) % 16], y));
                            };
                        }
                        sixteen!(extend);
                    }
                    macro_rules! round {
                        ($t:literal) => {
                            let sum = add(h, add(w[$t], splat(constants[$t])));
                            let s1 = xor3(rotate!(e, $e1), rotate!(e, $e2), rotate!(e, $e3));
                            let first = add(sum, add(s1, choose(e, f, g)));
                            let s0 = xor3(rotate!(a, $a1), rotate!(a, $a2), rotate!(a, $a3));
                            let second = add(s0, majority(a, b, c));
                            (h, g, f, e) = (g, f, e, add(d, first));
                            (d, c, b, a) = (c, b, a, add(first, second));
                        };
                    }
                    sixteen!(round);
                }
                for (vector, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                    *vector = add(*vector, word);
                }
            }
            for (vector, words) in state.iter().zip(&mut group.words) {
                put(words, *vector);
            }
        }
    };
}

/// A kernel that can only be made where its instructions are.
macro_rules! kernel {
    (
        $(#[$about:meta])* $name:ident, $module:ident, $known_as:literal, $word:ty, $block:literal,
        width $width:literal, least $least:literal, needs $($feature:tt)+
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        struct $name(());

        impl $name {
            /// If the processor has it.
            fn detect() -> Option<&'static dyn Kernel<$word, $block>> {
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

            fn advance(&self, group: &mut Group<$word>, inputs: &Inputs<'_, $block>) {
                // SAFETY: `self` was made by `detect`, so the processor has the instructions.
                unsafe { $module::advance(group, inputs) }
            }
        }
    };
}

/// What AVX-512 has one instruction for.
macro_rules! bitwise_avx2 {
    () => {
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
    };
}

kernel! {
    /// SHA-256 of sixteen messages. Alone in it, a message is slower than with SHA-NI by far: from
    /// nine messages on it is ahead of two SHA-NI streams.
    Avx512Sha256, avx512_256, "avx512 ×16", u32, 64, width 16, least 9, needs "avx512f" "avx512bw"
}

kernel! {
    /// SHA-256 of eight messages, for processors without SHA-NI.
    Avx2Sha256, avx2_256, "avx2 ×8", u32, 64, width 8, least 3, needs "avx2"
}

kernel! {
    /// SHA-256 of two messages: the instructions of one wait for each other.
    ShaNiPair, sha_ni_pair, "sha-ni ×2", u32, 64, width 2, least 2, needs "sha" "ssse3" "sse4.1"
}

kernel! {
    /// SHA-256 of one message.
    ShaNi, sha_ni_one, "sha-ni", u32, 64, width 1, least 1, needs "sha" "ssse3" "sse4.1"
}

kernel! {
    /// SHA-512 of eight messages.
    Avx512Sha512, avx512_512, "avx512 ×8", u64, 128, width 8, least 3, needs "avx512f" "avx512bw"
}

kernel! {
    /// SHA-512 of four messages.
    Avx2Sha512, avx2_512, "avx2 ×4", u64, 128, width 4, least 3, needs "avx2"
}

/// The widest of SHA-256, two streams of SHA-NI, one, and the lanes of AVX2.
pub(super) fn candidates_256() -> [super::Candidate<u32, 64>; 4] {
    [
        Avx512Sha256::detect(),
        ShaNiPair::detect(),
        ShaNi::detect(),
        Avx2Sha256::detect(),
    ]
}

/// Those of SHA-512, the widest first.
pub(super) fn candidates_512() -> [super::Candidate<u64, 128>; 2] {
    [Avx512Sha512::detect(), Avx2Sha512::detect()]
}

/// Sixteen lanes of 32 bits.
mod avx512_256 {
    use super::*;

    type V = __m512i;

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
    fn splat(word: u32) -> V {
        _mm512_set1_epi32(word as i32)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn add(x: V, y: V) -> V {
        _mm512_add_epi32(x, y)
    }

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

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn get(words: &[u32; 16]) -> V {
        // SAFETY: the reference is to 64 bytes.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn put(words: &mut [u32; 16], vector: V) {
        // SAFETY: the reference is to 64 bytes.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn row(block: &[u8; 64]) -> V {
        let swap = _mm512_broadcast_i32x4(swap_32());
        // SAFETY: the reference is to 64 bytes.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        _mm512_shuffle_epi8(bytes, swap)
    }

    /// Rows of 16 words, one for each message, become columns: words of the same index together.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn load(blocks: &[&[u8; 64]; 16]) -> [V; 16] {
        let zero = _mm512_setzero_si512();
        // Four rows at a time, within each quarter: of `quarters[i][j]` quarter q has word 4q + j of
        // the rows 4i to 4i + 3.
        let mut quarters = [[zero; 4]; 4];
        for (quarter, rows) in quarters.iter_mut().zip(blocks.as_chunks::<4>().0) {
            let [r0, r1, r2, r3] = [row(rows[0]), row(rows[1]), row(rows[2]), row(rows[3])];
            let low = (_mm512_unpacklo_epi32(r0, r1), _mm512_unpacklo_epi32(r2, r3));
            let high = (_mm512_unpackhi_epi32(r0, r1), _mm512_unpackhi_epi32(r2, r3));
            *quarter = [
                _mm512_unpacklo_epi64(low.0, low.1),
                _mm512_unpackhi_epi64(low.0, low.1),
                _mm512_unpacklo_epi64(high.0, high.1),
                _mm512_unpackhi_epi64(high.0, high.1),
            ];
        }
        // Then the quarters are transposed as a square of four by four.
        let mut columns = [zero; 16];
        for j in 0..4 {
            let [q0, q1, q2, q3] = [
                quarters[0][j],
                quarters[1][j],
                quarters[2][j],
                quarters[3][j],
            ];
            let even = (
                _mm512_shuffle_i32x4::<0x88>(q0, q1),
                _mm512_shuffle_i32x4::<0x88>(q2, q3),
            );
            let odd = (
                _mm512_shuffle_i32x4::<0xdd>(q0, q1),
                _mm512_shuffle_i32x4::<0xdd>(q2, q3),
            );
            columns[j] = _mm512_shuffle_i32x4::<0x88>(even.0, even.1);
            columns[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd.0, odd.1);
            columns[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even.0, even.1);
            columns[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd.0, odd.1);
        }
        columns
    }

    compression! {
        "avx512f,avx512bw", u32, 64, 16, ROUNDS_256,
        big: [2 13 22] [6 11 25], small: [7 18 3] [17 19 10]
    }
}

/// Eight lanes of 64 bits.
mod avx512_512 {
    use super::*;

    type V = __m512i;

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
    fn splat(word: u64) -> V {
        _mm512_set1_epi64(word as i64)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn add(x: V, y: V) -> V {
        _mm512_add_epi64(x, y)
    }

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

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn get(words: &[u64; 16]) -> V {
        // SAFETY: the reference is to 128 bytes, of which these are the first 64.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn put(words: &mut [u64; 16], vector: V) {
        // SAFETY: the reference is to 128 bytes, of which these are the first 64.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn row(half: &[u8; 64]) -> V {
        let swap = _mm512_broadcast_i32x4(swap_64());
        // SAFETY: the reference is to 64 bytes.
        let bytes = unsafe { _mm512_loadu_si512(half.as_ptr().cast()) };
        _mm512_shuffle_epi8(bytes, swap)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn load(blocks: &[&[u8; 128]; 8]) -> [V; 16] {
        let mut columns = [_mm512_setzero_si512(); 16];
        for (half, columns) in columns.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let rows = blocks.map(|block| row(&block.as_chunks::<64>().0[half]));
            *columns = transposed(&rows);
        }
        columns
    }

    /// Pairs of rows are woven first, so that of `low[i]` quarter q has word 2q of the rows 2i and
    /// 2i + 1, and of `high[i]` word 2q + 1; then the quarters are transposed.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn transposed(rows: &[V; 8]) -> [V; 8] {
        let mut columns = [_mm512_setzero_si512(); 8];
        let pairs = rows.as_chunks::<2>().0;
        for odd in 0..2 {
            let mut woven = [_mm512_setzero_si512(); 4];
            for (woven, [x, y]) in woven.iter_mut().zip(pairs) {
                *woven = if odd == 0 {
                    _mm512_unpacklo_epi64(*x, *y)
                } else {
                    _mm512_unpackhi_epi64(*x, *y)
                };
            }
            let [p0, p1, p2, p3] = woven;
            let even = (
                _mm512_shuffle_i64x2::<0x88>(p0, p1),
                _mm512_shuffle_i64x2::<0x88>(p2, p3),
            );
            let uneven = (
                _mm512_shuffle_i64x2::<0xdd>(p0, p1),
                _mm512_shuffle_i64x2::<0xdd>(p2, p3),
            );
            columns[odd] = _mm512_shuffle_i64x2::<0x88>(even.0, even.1);
            columns[2 + odd] = _mm512_shuffle_i64x2::<0x88>(uneven.0, uneven.1);
            columns[4 + odd] = _mm512_shuffle_i64x2::<0xdd>(even.0, even.1);
            columns[6 + odd] = _mm512_shuffle_i64x2::<0xdd>(uneven.0, uneven.1);
        }
        columns
    }

    compression! {
        "avx512f,avx512bw", u64, 128, 8, ROUNDS_512,
        big: [28 34 39] [14 18 41], small: [1 8 7] [19 61 6]
    }
}

/// Eight lanes of 32 bits.
mod avx2_256 {
    use super::*;

    type V = __m256i;

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
    fn splat(word: u32) -> V {
        _mm256_set1_epi32(word as i32)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(x: V, y: V) -> V {
        _mm256_add_epi32(x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn get(words: &[u32; 16]) -> V {
        // SAFETY: the reference is to 64 bytes, of which these are the first 32.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn put(words: &mut [u32; 16], vector: V) {
        // SAFETY: the reference is to 64 bytes, of which these are the first 32.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn row(half: &[u8; 32]) -> V {
        let swap = _mm256_broadcastsi128_si256(swap_32());
        // SAFETY: the reference is to 32 bytes.
        let bytes = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
        _mm256_shuffle_epi8(bytes, swap)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(blocks: &[&[u8; 64]; 8]) -> [V; 16] {
        let mut columns = [_mm256_setzero_si256(); 16];
        for (half, columns) in columns.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let rows = blocks.map(|block| row(&block.as_chunks::<32>().0[half]));
            *columns = transposed(&rows);
        }
        columns
    }

    /// Four rows at a time within each half of the registers, then the halves change places.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn transposed(rows: &[V; 8]) -> [V; 8] {
        let zero = _mm256_setzero_si256();
        let mut halves = [[zero; 4]; 2];
        for (half, [r0, r1, r2, r3]) in halves.iter_mut().zip(rows.as_chunks::<4>().0) {
            let low = (
                _mm256_unpacklo_epi32(*r0, *r1),
                _mm256_unpacklo_epi32(*r2, *r3),
            );
            let high = (
                _mm256_unpackhi_epi32(*r0, *r1),
                _mm256_unpackhi_epi32(*r2, *r3),
            );
            *half = [
                _mm256_unpacklo_epi64(low.0, low.1),
                _mm256_unpackhi_epi64(low.0, low.1),
                _mm256_unpacklo_epi64(high.0, high.1),
                _mm256_unpackhi_epi64(high.0, high.1),
            ];
        }
        let mut columns = [zero; 8];
        for j in 0..4 {
            columns[j] = _mm256_permute2x128_si256::<0x20>(halves[0][j], halves[1][j]);
            columns[4 + j] = _mm256_permute2x128_si256::<0x31>(halves[0][j], halves[1][j]);
        }
        columns
    }

    bitwise_avx2! {}

    compression! {
        "avx2", u32, 64, 8, ROUNDS_256,
        big: [2 13 22] [6 11 25], small: [7 18 3] [17 19 10]
    }
}

/// Four lanes of 64 bits.
mod avx2_512 {
    use super::*;

    type V = __m256i;

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
    fn splat(word: u64) -> V {
        _mm256_set1_epi64x(word as i64)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(x: V, y: V) -> V {
        _mm256_add_epi64(x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn get(words: &[u64; 16]) -> V {
        // SAFETY: the reference is to 128 bytes, of which these are the first 32.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn put(words: &mut [u64; 16], vector: V) {
        // SAFETY: the reference is to 128 bytes, of which these are the first 32.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn row(quarter: &[u8; 32]) -> V {
        let swap = _mm256_broadcastsi128_si256(swap_64());
        // SAFETY: the reference is to 32 bytes.
        let bytes = unsafe { _mm256_loadu_si256(quarter.as_ptr().cast()) };
        _mm256_shuffle_epi8(bytes, swap)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(blocks: &[&[u8; 128]; 4]) -> [V; 16] {
        let mut columns = [_mm256_setzero_si256(); 16];
        for (quarter, columns) in columns.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let [r0, r1, r2, r3] = blocks.map(|block| row(&block.as_chunks::<32>().0[quarter]));
            let low = (_mm256_unpacklo_epi64(r0, r1), _mm256_unpacklo_epi64(r2, r3));
            let high = (_mm256_unpackhi_epi64(r0, r1), _mm256_unpackhi_epi64(r2, r3));
            *columns = [
                _mm256_permute2x128_si256::<0x20>(low.0, low.1),
                _mm256_permute2x128_si256::<0x20>(high.0, high.1),
                _mm256_permute2x128_si256::<0x31>(low.0, low.1),
                _mm256_permute2x128_si256::<0x31>(high.0, high.1),
            ];
        }
        columns
    }

    bitwise_avx2! {}

    compression! {
        "avx2", u64, 128, 4, ROUNDS_512,
        big: [28 34 39] [14 18 41], small: [1 8 7] [19 61 6]
    }
}

/// One stream of SHA-NI.
mod sha_ni_one {
    use super::*;

    #[target_feature(enable = "sha,ssse3,sse4.1")]
    pub(super) fn advance(group: &mut Group<u32>, inputs: &Inputs<'_, 64>) {
        sha_ni::<1>(group, inputs);
    }
}

/// Two streams of SHA-NI.
mod sha_ni_pair {
    use super::*;

    #[target_feature(enable = "sha,ssse3,sse4.1")]
    pub(super) fn advance(group: &mut Group<u32>, inputs: &Inputs<'_, 64>) {
        sha_ni::<2>(group, inputs);
    }
}

/// The compression function with the instructions for it, `N` messages in turns.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha_ni<const N: usize>(group: &mut Group<u32>, inputs: &Inputs<'_, 64>) {
    let zero = _mm_setzero_si128();
    // The instructions want the words a, b, e, f together, and c, d, g, h.
    let mut abef = [zero; N];
    let mut cdgh = [zero; N];
    for lane in 0..N {
        let [a, b, c, d, e, f, g, h] = group.words.map(|words| words[lane] as i32);
        abef[lane] = _mm_set_epi32(a, b, e, f);
        cdgh[lane] = _mm_set_epi32(c, d, g, h);
    }
    for at in 0..inputs[0].len() {
        let before = (abef, cdgh);
        let mut w = [[zero; 4]; N];
        for lane in 0..N {
            let block = inputs[lane].get(at).unwrap_or(&[0; 64]);
            w[lane] = words_of(block);
        }
        macro_rules! four_rounds {
            ($t:literal) => {
                let constants = four(&ROUNDS_256.as_chunks::<4>().0[$t]);
                for lane in 0..N {
                    let w = &mut w[lane];
                    if $t >= 4 {
                        let last = w[($t + 3) % 4];
                        let sum = _mm_add_epi32(
                            _mm_sha256msg1_epu32(w[$t % 4], w[($t + 1) % 4]),
                            _mm_alignr_epi8::<4>(last, w[($t + 2) % 4]),
                        );
                        w[$t % 4] = _mm_sha256msg2_epu32(sum, last);
                    }
                    let sum = _mm_add_epi32(w[$t % 4], constants);
                    cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], sum);
                    let upper = _mm_shuffle_epi32::<0x0e>(sum);
                    abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], upper);
                }
            };
        }
        sixteen!(four_rounds);
        for lane in 0..N {
            abef[lane] = _mm_add_epi32(abef[lane], before.0[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], before.1[lane]);
        }
    }
    for lane in 0..N {
        let (abef, cdgh) = (abef[lane], cdgh[lane]);
        let words = [
            _mm_extract_epi32::<3>(abef),
            _mm_extract_epi32::<2>(abef),
            _mm_extract_epi32::<3>(cdgh),
            _mm_extract_epi32::<2>(cdgh),
            _mm_extract_epi32::<1>(abef),
            _mm_extract_epi32::<0>(abef),
            _mm_extract_epi32::<1>(cdgh),
            _mm_extract_epi32::<0>(cdgh),
        ];
        group.set_lane(lane, &words.map(i32::cast_unsigned));
    }
}

#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn words_of(block: &[u8; 64]) -> [__m128i; 4] {
    let mut words = [_mm_setzero_si128(); 4];
    for (words, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        // SAFETY: the reference is to 16 bytes.
        let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        *words = _mm_shuffle_epi8(bytes, swap_32());
    }
    words
}

#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn four(words: &[u32; 4]) -> __m128i {
    // SAFETY: the reference is to 16 bytes.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

/// Where the bytes of four big-endian words of 32 bits go.
#[inline]
#[target_feature(enable = "sse2")]
fn swap_32() -> __m128i {
    _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)
}

/// Where the bytes of two big-endian words of 64 bits go.
#[inline]
#[target_feature(enable = "sse2")]
fn swap_64() -> __m128i {
    _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
}
