//! Messages of different lengths through kernels of a fixed width: a lane whose message ends takes
//! the next one.

use super::words::{MAX_WIDTH, State, Word};

/// The states of messages side by side, word by word: what one vector register holds is adjacent.
#[repr(align(64))]
pub(super) struct Group<W> {
    pub(super) words: [[W; MAX_WIDTH]; 8],
}

impl<W: Word> Group<W> {
    pub(super) fn new() -> Self {
        Self {
            words: [[W::default(); MAX_WIDTH]; 8],
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "no kernel is wider than MAX_WIDTH; another lane's state would be a wrong digest"
    )]
    pub(super) fn lane(&self, lane: usize) -> State<W> {
        self.words.map(|lanes| lanes[lane])
    }

    #[expect(clippy::indexing_slicing, reason = "as of `lane`")]
    pub(super) fn set_lane(&mut self, lane: usize, state: &State<W>) {
        for (lanes, word) in self.words.iter_mut().zip(state) {
            lanes[lane] = *word;
        }
    }
}

/// The blocks that each lane is to go through, the same number of each.
pub(super) type Inputs<'a, const B: usize> = [&'a [[u8; B]]; MAX_WIDTH];

/// A compression function over several messages at once.
pub(super) trait Kernel<W, const B: usize>: Sync {
    /// What people know it by.
    fn name(&self) -> &'static str;

    /// How many messages it takes, at most [`MAX_WIDTH`].
    fn width(&self) -> usize;

    /// With fewer messages than this the next kernel in the list is quicker.
    fn least(&self) -> usize;

    /// Advances the first [`width`](Self::width) lanes of the group over their inputs.
    fn advance(&self, group: &mut Group<W>, inputs: &Inputs<'_, B>);
}

/// A message, or whole blocks of one.
#[derive(Debug)]
pub(in crate::record) struct Lane<'a, W, const B: usize> {
    /// Before the blocks, and after [`Kernels`](super::Kernels) went over them, behind them.
    pub(in crate::record) state: State<W>,
    /// What is still to be gone over.
    pub(in crate::record) blocks: &'a [[u8; B]],
}

impl<'a, W: Word, const B: usize> Lane<'a, W, B> {
    /// The beginning of a message. Bytes behind the last whole block do not count.
    pub(in crate::record) fn start(bytes: &'a [u8]) -> Self {
        Self::resume(W::START, bytes)
    }

    /// More of a message.
    pub(in crate::record) fn resume(state: State<W>, bytes: &'a [u8]) -> Self {
        Self {
            state,
            blocks: bytes.as_chunks().0,
        }
    }
}

/// Takes each lane over all its blocks. The kernels are tried in order, each for as long as there are
/// enough messages for it; the last one must be content with one.
pub(super) fn advance_all<W: Word, const B: usize>(
    kernels: &[&'static dyn Kernel<W, B>],
    lanes: &mut [Lane<'_, W, B>],
) {
    let mut waiting: Vec<&mut Lane<'_, W, B>> = lanes
        .iter_mut()
        .filter(|lane| !lane.blocks.is_empty())
        .collect();
    for kernel in kernels {
        if waiting.len() >= kernel.least() {
            // The longest first, so that the lanes end at about the same time. Taken from the end.
            waiting.sort_unstable_by_key(|lane| lane.blocks.len());
            waiting = through(*kernel, waiting);
        }
    }
}

/// What is left when there are too few messages for this kernel.
fn through<'l, 'a, W: Word, const B: usize>(
    kernel: &dyn Kernel<W, B>,
    mut waiting: Vec<&'l mut Lane<'a, W, B>>,
) -> Vec<&'l mut Lane<'a, W, B>> {
    let mut group = Group::new();
    let mut slots: [Option<&'l mut Lane<'a, W, B>>; MAX_WIDTH] = [const { None }; MAX_WIDTH];
    loop {
        let mut live = 0;
        let mut blocks = usize::MAX;
        let mut any: &[[u8; B]] = &[];
        for (index, slot) in slots.iter_mut().enumerate().take(kernel.width()) {
            if slot.is_none() {
                *slot = waiting.pop();
                if let Some(lane) = slot {
                    group.set_lane(index, &lane.state);
                }
            }
            if let Some(lane) = slot {
                live += 1;
                blocks = blocks.min(lane.blocks.len());
                any = lane.blocks;
            }
        }
        if live == 0 || live < kernel.least() {
            break;
        }
        // An idle lane goes over another one's blocks, and nobody looks at the result.
        let (idle, _) = any.split_at(blocks);
        let mut inputs: Inputs<'_, B> = [idle; MAX_WIDTH];
        for (input, slot) in inputs.iter_mut().zip(&mut slots) {
            if let Some(lane) = slot {
                (*input, lane.blocks) = lane.blocks.split_at(blocks);
            }
        }
        kernel.advance(&mut group, &inputs);
        for (index, slot) in slots.iter_mut().enumerate() {
            if let Some(lane) = slot.take_if(|lane| lane.blocks.is_empty()) {
                lane.state = group.lane(index);
            }
        }
    }
    for (index, slot) in slots.into_iter().enumerate() {
        if let Some(lane) = slot {
            lane.state = group.lane(index);
            waiting.push(lane);
        }
    }
    waiting
}
