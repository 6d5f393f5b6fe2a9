//! The portable kernels: `sha2`, block by block. They are the judges of the others, too.

use sha2::block_api::{compress256, compress512};

use super::schedule::{Group, Inputs, Kernel};

/// `sha2`'s compression functions, which use what the processor has for one message.
pub(super) struct Portable;

impl Kernel<u32, 64> for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn width(&self) -> usize {
        1
    }

    fn least(&self) -> usize {
        1
    }

    fn advance(&self, group: &mut Group<u32>, inputs: &Inputs<'_, 64>) {
        let [input, ..] = inputs;
        let mut state = group.lane(0);
        compress256(&mut state, input);
        group.set_lane(0, &state);
    }
}

impl Kernel<u64, 128> for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn width(&self) -> usize {
        1
    }

    fn least(&self) -> usize {
        1
    }

    fn advance(&self, group: &mut Group<u64>, inputs: &Inputs<'_, 128>) {
        let [input, ..] = inputs;
        let mut state = group.lane(0);
        compress512(&mut state, input);
        group.set_lane(0, &state);
    }
}
