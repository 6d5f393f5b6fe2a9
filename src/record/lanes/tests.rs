//! Every kernel that this processor has against `sha2`.

#[cfg(not(miri))]
use proptest::prelude::*;
use sha2::{Digest, Sha256, Sha512};

use super::*;
use crate::model::hex;

/// The kernels one by one, each with the portable one behind it, and the lists as they are used.
fn all_256() -> Vec<List<u32, 64>> {
    let mut lists: Vec<List<u32, 64>> = vec![
        vec![&Portable],
        Kernels::of(Backend::Fastest).sha256.clone(),
    ];
    for kernel in candidates_256().into_iter().flatten() {
        lists.push(vec![kernel, &Portable]);
    }
    lists
}

fn all_512() -> Vec<List<u64, 128>> {
    let mut lists: Vec<List<u64, 128>> = vec![
        vec![&Portable],
        Kernels::of(Backend::Fastest).sha512.clone(),
    ];
    for kernel in candidates_512().into_iter().flatten() {
        lists.push(vec![kernel, &Portable]);
    }
    lists
}

fn padded<W: Word>(message: &[u8], offset: usize) -> Vec<u8> {
    let mut buffer = vec![0xaa; offset + message.len() + MAX_PADDING];
    buffer[offset..offset + message.len()].copy_from_slice(message);
    let end = pad::<W>(&mut buffer[offset..], message.len(), message.len() as u64);
    buffer.truncate(offset + end);
    buffer
}

/// Compares all messages at once, each at its own offset from an aligned address.
fn check(messages: &[&[u8]]) {
    let buffers: Vec<_> = (messages.iter().enumerate())
        .map(|(index, message)| padded::<u32>(message, index % 67))
        .collect();
    for list in all_256() {
        let mut lanes: Vec<_> = (buffers.iter().enumerate())
            .map(|(index, buffer)| Lane::start(&buffer[index % 67..]))
            .collect();
        advance_all(&list, &mut lanes);
        for (lane, message) in lanes.iter().zip(messages) {
            let expected: [u8; 32] = Sha256::digest(message).into();
            let kernel = list[0].name();
            assert_eq!(
                digest_256(&lane.state),
                expected,
                "{kernel} {}",
                message.len()
            );
        }
    }
    let buffers: Vec<_> = (messages.iter().enumerate())
        .map(|(index, message)| padded::<u64>(message, index % 67))
        .collect();
    for list in all_512() {
        let mut lanes: Vec<_> = (buffers.iter().enumerate())
            .map(|(index, buffer)| Lane::start(&buffer[index % 67..]))
            .collect();
        advance_all(&list, &mut lanes);
        for (lane, message) in lanes.iter().zip(messages) {
            let expected: [u8; 64] = Sha512::digest(message).into();
            let kernel = list[0].name();
            assert_eq!(
                digest_512(&lane.state),
                expected,
                "{kernel} {}",
                message.len()
            );
        }
    }
}

fn noise(length: usize) -> Vec<u8> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_be_bytes()[3]
    })
    .take(length)
    .collect()
}

/// Interpreters are slow.
const LONGEST: usize = if cfg!(miri) { 150 } else { 1100 };

#[test]
fn every_length_gives_the_digest_that_sha2_gives() {
    let bytes = noise(LONGEST);
    let all: Vec<&[u8]> = (0..=LONGEST).map(|length| &bytes[..length]).collect();
    check(&all);
    for length in [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129] {
        check(&[&bytes[..length]]);
        check(&[&bytes[..length]; 2]);
        check(&[&bytes[..length]; 17]);
    }
}

#[test]
fn every_number_of_messages_beside_each_other_is_right() {
    let bytes = noise(700);
    for count in 0..if cfg!(miri) { 18 } else { 40 } {
        let messages: Vec<&[u8]> = (0..count)
            .map(|index| &bytes[index..index + (index * 37) % 300])
            .collect();
        check(&messages);
    }
}

/// FIPS 180-4 examples and the vectors of one million `a`.
#[test]
fn published_vectors() {
    let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    let million = vec![b'a'; 1_000_000];
    let vectors: [(&[u8], &str); 4] = [
        (
            b"",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            two_blocks,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            &million,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ];
    let vectors = if cfg!(miri) { &vectors[..3] } else { &vectors };
    for list in all_256() {
        let buffers: Vec<_> = vectors
            .iter()
            .map(|(text, _)| padded::<u32>(text, 0))
            .collect();
        let mut lanes: Vec<_> = buffers.iter().map(|buffer| Lane::start(buffer)).collect();
        advance_all(&list, &mut lanes);
        for (lane, (_, expected)) in lanes.iter().zip(vectors) {
            assert_eq!(hex(&digest_256(&lane.state)), *expected);
        }
    }
    let abc = padded::<u64>(b"abc", 0);
    for list in all_512() {
        let mut lanes = [Lane::start(&abc)];
        advance_all(&list, &mut lanes);
        let digest = hex(&digest_512(&lanes[0].state));
        assert!(
            digest.starts_with("ddaf35a193617abacc417349ae204131"),
            "{digest}"
        );
        assert!(digest.ends_with("2a9ac94fa54ca49f"), "{digest}");
    }
}

#[test]
fn a_message_may_come_in_pieces() {
    let bytes = noise(64 * 50);
    let buffer = padded::<u32>(&bytes, 0);
    for list in all_256() {
        let mut states = [u32::START; 3];
        for piece in buffer.chunks(64 * 7) {
            let mut lanes = states.map(|state| Lane::resume(state, piece));
            advance_all(&list, &mut lanes);
            states = lanes.map(|lane| lane.state);
        }
        let expected: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(states.map(|state| digest_256(&state)), [expected; 3]);
    }
}

/// A kernel that has one bit wrong in one lane.
struct Wrong;

impl Kernel<u32, 64> for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }

    fn width(&self) -> usize {
        16
    }

    fn least(&self) -> usize {
        1
    }

    fn advance(&self, group: &mut schedule::Group<u32>, inputs: &schedule::Inputs<'_, 64>) {
        for (lane, input) in inputs.iter().enumerate() {
            let mut state = group.lane(lane);
            sha2::block_api::compress256(&mut state, input);
            group.set_lane(lane, &state);
        }
        group.words[7][15] ^= 1;
    }
}

#[test]
fn a_kernel_that_is_wrong_is_not_used() {
    let list = judged(vec![Some(&Wrong as &dyn Kernel<u32, 64>)]);
    let names: Vec<_> = list.iter().map(|kernel| kernel.name()).collect();
    assert_eq!(names, ["portable"]);
    // None of those that are there is left out.
    assert!(candidates_256().into_iter().flatten().all(is_right));
    assert!(candidates_512().into_iter().flatten().all(is_right));
}

#[cfg(not(miri))]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_mix_of_messages_is_right(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 0..60)
    ) {
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        check(&messages);
    }
}

/// What comes of inputs of which the last is shorter than the first.
fn over_a_short_lane<W: Word, const B: usize>(
    kernel: &'static dyn Kernel<W, B>,
) -> std::thread::Result<()> {
    let blocks = [[7; B]; 2];
    let mut inputs: schedule::Inputs<'_, B> = [&blocks; words::MAX_WIDTH];
    inputs[kernel.width() - 1] = &blocks[..1];
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        kernel.advance(&mut schedule::Group::new(), &inputs);
    }))
}

#[test]
fn a_lane_that_ends_too_early_is_a_panic_and_no_digest() {
    for kernel in candidates_256().into_iter().flatten() {
        if kernel.width() > 1 {
            let caught = over_a_short_lane(kernel);
            assert!(caught.is_err(), "{}", kernel.name());
        }
    }
    for kernel in candidates_512().into_iter().flatten() {
        let caught = over_a_short_lane(kernel);
        assert!(caught.is_err(), "{}", kernel.name());
    }
}

#[test]
#[should_panic(expected = "out of range")]
fn a_message_without_room_for_its_padding_is_a_panic_and_no_digest() {
    pad::<u32>(&mut [0; 64], 60, 60);
}
