//! Vectors from memory and back, and where the bytes of big-endian words go.

#![expect(
    unsafe_code,
    reason = "the language has no safe way from an array to a vector of the same size"
)]

use std::arch::x86_64::*;

/// # Safety
///
/// Any bits are a value, and none are left out.
pub(super) unsafe trait Bits: Copy {}

macro_rules! bits {
    ($($kind:ty)+) => {
        // SAFETY: integers, and vectors that are bits only.
        $(unsafe impl Bits for $kind {})+
    };
}

bits! { u8 u32 u64 __m128i __m256i __m512i }

/// The vector that an array begins with, at whatever address that is.
#[inline(always)]
pub(super) fn load<V: Bits, T: Bits, const N: usize>(array: &[T; N]) -> V {
    const { assert!(size_of::<V>() <= size_of::<[T; N]>()) };
    // SAFETY: the reference is to at least the bytes of a `V`, and any bits are one.
    unsafe { array.as_ptr().cast::<V>().read_unaligned() }
}

/// Puts a vector at the beginning of an array.
#[inline(always)]
pub(super) fn store<V: Bits, T: Bits, const N: usize>(array: &mut [T; N], vector: V) {
    const { assert!(size_of::<V>() <= size_of::<[T; N]>()) };
    // SAFETY: the reference is to at least the bytes of a `V`, and any bits are `T`s.
    unsafe { array.as_mut_ptr().cast::<V>().write_unaligned(vector) }
}

/// Where the bytes of four big-endian words of 32 bits go.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn swap_32() -> __m128i {
    _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)
}

/// Where the bytes of two big-endian words of 64 bits go.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn swap_64() -> __m128i {
    _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
}
