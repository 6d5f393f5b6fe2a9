//! The compression function over vectors, one message in each lane.

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

/// SHA-256 (FIPS 180-4, section 4.1.2) of so many messages, see `compression!`.
macro_rules! sha256 {
    ($features:tt, $width:literal, $splat:ident, $add:ident) => {
        compression! {
            $features, $width, $splat, $add, u32 as i32, 64, ROUNDS_256,
            big: [2 13 22] [6 11 25], small: [7 18 3] [17 19 10]
        }
    };
}

/// SHA-512 (section 4.1.3) of so many messages, see `compression!`.
macro_rules! sha512 {
    ($features:tt, $width:literal, $splat:ident, $add:ident) => {
        compression! {
            $features, $width, $splat, $add, u64 as i64, 128, ROUNDS_512,
            big: [28 34 39] [14 18 41], small: [1 8 7] [19 61 6]
        }
    };
}

/// What is different between the instruction sets, besides the names of two instructions, stands
/// beside it: `columns` (the words of a block of each message, those of the same index together),
/// `rotate!`, `shift!`, `xor3`, `choose`, `majority`.
macro_rules! compression {
    (
        $features:tt, $width:literal, $splat:ident, $add:ident,
        $word:ty as $signed:ty, $block:literal, $constants:ident,
        big: [$a1:literal $a2:literal $a3:literal] [$e1:literal $e2:literal $e3:literal],
        small: [$x1:literal $x2:literal $x3:literal] [$y1:literal $y2:literal $y3:literal]
    ) => {
        #[target_feature(enable = $features)]
        pub(in super::super) fn advance(group: &mut Group<$word>, inputs: &Inputs<'_, $block>) {
            let mut state = group.words.each_ref().map(load::<V, _, _>);
            // A lane with fewer blocks than the first is a panic: it would get a wrong digest.
            let length = inputs[0].len();
            let inputs: [&[[u8; $block]]; $width] =
                std::array::from_fn(|lane| &inputs[lane][..length]);
            for at in 0..length {
                let blocks: [&[u8; $block]; $width] = std::array::from_fn(|lane| &inputs[lane][at]);
                let mut w = columns(&blocks);
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
                let rounds = $constants.as_chunks::<16>().0;
                for (index, constants) in rounds.iter().enumerate() {
                    macro_rules! round {
                        ($t:literal) => {
                            let constant = $splat(constants[$t] as $signed);
                            let sum = $add(h, $add(w[$t], constant));
                            let s1 = xor3(rotate!(e, $e1), rotate!(e, $e2), rotate!(e, $e3));
                            let first = $add(sum, $add(s1, choose(e, f, g)));
                            let s0 = xor3(rotate!(a, $a1), rotate!(a, $a2), rotate!(a, $a3));
                            let second = $add(s0, majority(a, b, c));
                            (h, g, f, e) = (g, f, e, $add(d, first));
                            (d, c, b, a) = (c, b, a, $add(first, second));
                        };
                    }
                    // The word that takes the place of the one just used is made at once: the two do
                    // not wait for each other.
                    macro_rules! round_and_extend {
                        ($t:literal) => {
                            round!($t);
                            let x = w[($t + 1) % 16];
                            let y = w[($t + 14) % 16];
                            let x = xor3(rotate!(x, $x1), rotate!(x, $x2), shift!(x, $x3));
                            let y = xor3(rotate!(y, $y1), rotate!(y, $y2), shift!(y, $y3));
                            w[$t] = $add($add(w[$t], x), $add(w[($t + 9) % 16], y));
                        };
                    }
                    if index + 1 < rounds.len() {
                        sixteen!(round_and_extend);
                    } else {
                        sixteen!(round);
                    }
                }
                for (vector, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                    *vector = $add(*vector, word);
                }
            }
            for (words, vector) in group.words.iter_mut().zip(state) {
                store(words, vector);
            }
        }
    };
}
