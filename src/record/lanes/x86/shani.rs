//! SHA-NI: the instructions for SHA-256.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_wrap,
    reason = "constant indexes into arrays; the intrinsics take their words as signed numbers"
)]

use std::arch::x86_64::*;

use super::bits::{load, swap_32};
use crate::record::lanes::schedule::{Group, Inputs};
use crate::record::lanes::words::ROUNDS_256;

/// The compression function, `N` messages in turns.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(super) fn advance<const N: usize>(group: &mut Group<u32>, inputs: &Inputs<'_, 64>) {
    let zero = _mm_setzero_si128();
    // The instructions want the words a, b, e, f together, and c, d, g, h.
    let mut abef = [zero; N];
    let mut cdgh = [zero; N];
    for lane in 0..N {
        let [a, b, c, d, e, f, g, h] = group.words.map(|words| words[lane] as i32);
        abef[lane] = _mm_set_epi32(a, b, e, f);
        cdgh[lane] = _mm_set_epi32(c, d, g, h);
    }
    #[expect(
        clippy::needless_range_loop,
        reason = "the block at the same place of each lane"
    )]
    for at in 0..inputs[0].len() {
        let before = (abef, cdgh);
        let mut w = [[zero; 4]; N];
        for lane in 0..N {
            // A lane with fewer blocks than the first is a panic: it would get a wrong digest.
            w[lane] = words_of(&inputs[lane][at]);
        }
        macro_rules! four_rounds {
            ($t:literal) => {
                let constants = load(&ROUNDS_256.as_chunks::<4>().0[$t]);
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
        *words = _mm_shuffle_epi8(load(bytes), swap_32());
    }
    words
}
