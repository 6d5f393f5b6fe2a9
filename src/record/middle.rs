//! Files too large for a batch: the biggest first, one in each lane of the widest kernel, and the
//! next one in a lane whose file ends.
//!
//! As everywhere, a file whose state differs before and after, or that is not as long as its state
//! says, is read once more, by [`hash_file`]; and refused if it is so again.

use std::cmp::Ordering;
use std::fs::File;
use std::path::PathBuf;

use super::engine::{Effort, Worker};
use super::hash::{Hashed, Identity, Links, State, Wanted, open, read, state};
use super::lanes::{
    BLOCK_512, Kernels, Lane, MAX_PADDING, State as Words, Word, digest_256, digest_512, pad,
};
use super::order::Place;
use crate::event::Event;
use crate::model::{Algorithm, ArtifactPath, DigestSet};

/// Bytes that are read at once into a lane. Sixteen of these fit in the second cache.
const CHUNK: usize = 64 << 10;

/// A file that waits.
#[derive(Debug)]
pub(super) struct Middle {
    pub(super) place: Place,
    pub(super) name: ArtifactPath,
    /// Where it is on the disk.
    pub(super) path: PathBuf,
    pub(super) links: Links,
    /// When it was found.
    pub(super) size: u64,
    /// Which file was found there.
    pub(super) seen: Option<Identity>,
    /// The device on which it may be known again.
    pub(super) reusable: Option<u64>,
}

/// By size, so that the biggest is taken first.
impl Ord for Middle {
    fn cmp(&self, other: &Self) -> Ordering {
        self.size.cmp(&other.size)
    }
}

impl PartialOrd for Middle {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Middle {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size
    }
}

impl Eq for Middle {}

/// Hashes the files that wait until there are none.
pub(super) fn hash_all(worker: &mut Worker<'_, '_>) {
    let (kernels, pass) = (worker.shared.kernels, worker.shared.pass);
    let (wanted, effort) = (pass.wanted, pass.effort);
    let width = kernels.width(wanted.has(&Algorithm::Sha512));
    let alone = worker.shared.alone_from(width);
    let width = width.min(worker.fair_share()).max(1);
    let mut streams: Vec<Stream> = Vec::new();
    let mut spare: Vec<Vec<u8>> = Vec::new();
    while !pass.ground.observer.gives_up() {
        while streams.len() < width
            && let Some(middle) = worker.shared.next_middle()
        {
            if middle.size > alone {
                let digested = pass.hash_alone(&middle);
                worker.fill_late(&middle, digested);
                continue;
            }
            let buffer = spare.pop().unwrap_or_default();
            match Stream::open(&middle, wanted, effort, buffer) {
                Ok(open) => streams.push(Stream { middle, open }),
                Err(buffer) => {
                    spare.push(buffer);
                    let digested = pass.hash_alone(&middle);
                    worker.fill_late(&middle, digested);
                }
            }
        }
        if streams.is_empty() {
            return;
        }
        let bytes = advance(&mut streams, kernels, effort);
        pass.tell(Event::Read { bytes });
        for mut stream in streams.extract_if(.., |stream| stream.open.is_done()) {
            let bytes = stream.open.rest();
            pass.tell(Event::Read { bytes });
            let digested = match stream.open.finish(kernels, effort) {
                Some(hashed) => Ok(hashed.on(stream.middle.reusable)),
                None => pass.hash_alone(&stream.middle),
            };
            worker.fill_late(&stream.middle, digested);
            spare.push(stream.open.buffer);
        }
    }
}

/// A file in a lane.
struct Stream {
    middle: Middle,
    open: Open,
}

/// What is open of it.
struct Open {
    file: File,
    before: State,
    /// Bytes read so far.
    bytes: u64,
    buffer: Vec<u8>,
    /// What of the buffer is not hashed yet: whole blocks, but for the end of the file.
    at: usize,
    end: usize,
    /// Nothing more is to be read: the end, or an error.
    is_read: bool,
    is_failed: bool,
    sha256: Words<u32>,
    sha512: Option<Words<u64>>,
    blake3: Option<Box<blake3::Hasher>>,
}

impl Stream {
    /// Gives the buffer back if the file cannot be hashed in a lane.
    fn open(
        middle: &Middle,
        wanted: Wanted<'_>,
        effort: Effort,
        mut buffer: Vec<u8>,
    ) -> Result<Open, Vec<u8>> {
        if wanted.normalize_line_endings {
            return Err(buffer);
        }
        let opened = open(&middle.path, middle.links, middle.seen)
            .ok()
            .and_then(|file| Some((state(&file).ok()??, file)));
        let Some((before, file)) = opened else {
            return Err(buffer);
        };
        buffer.resize(CHUNK + MAX_PADDING, 0);
        let mut open = Open {
            file,
            before,
            bytes: 0,
            buffer,
            at: 0,
            end: 0,
            is_read: false,
            is_failed: false,
            sha256: u32::START,
            sha512: wanted.has(&Algorithm::Sha512).then_some(u64::START),
            blake3: (wanted.has(&Algorithm::Blake3) && effort == Effort::Hash)
                .then(|| Box::new(blake3::Hasher::new())),
        };
        open.read_on();
        Ok(open)
    }
}

impl Open {
    /// Fills the buffer.
    fn read_on(&mut self) {
        self.at = 0;
        self.end = 0;
        while self.end < CHUNK && !self.is_read {
            let room = self.buffer.get_mut(self.end..CHUNK).unwrap_or_default();
            match read(&self.file, room) {
                Ok(length) => {
                    self.end += length;
                    self.bytes += u64::try_from(length).unwrap_or_default();
                    // Whether it ends there is seen from its size, afterwards.
                    self.is_read = length == 0 || self.bytes >= self.before.size;
                }
                Err(_) => (self.is_read, self.is_failed) = (true, true),
            }
        }
        if let Some(blake3) = &mut self.blake3 {
            blake3.update(self.buffer.split_at(self.end).0);
        }
    }

    /// Whole blocks that can be hashed now.
    fn blocks(&self) -> usize {
        (self.end - self.at) / BLOCK_512
    }

    fn is_done(&self) -> bool {
        self.is_read && self.blocks() == 0
    }

    /// What fills no block, at the end of the file.
    fn rest(&self) -> u64 {
        u64::try_from(self.end - self.at).unwrap_or_default()
    }

    /// `None` if the file cannot be trusted to have been the same all the time.
    fn finish(&mut self, kernels: &Kernels, effort: Effort) -> Option<Hashed> {
        let after = state(&self.file).ok()?;
        if self.is_failed || after != Some(self.before) || self.bytes != self.before.size {
            return None;
        }
        let hashed = |digests, open: &Self| Hashed {
            digests,
            bytes: open.bytes,
            state: open.before,
        };
        let mut digests = DigestSet::default();
        if effort != Effort::Hash {
            return Some(hashed(digests, self));
        }
        let rest = self.end - self.at;
        let tail = self.buffer.get_mut(self.at..)?;
        if let Some(sha512) = self.sha512 {
            let end = pad::<u64>(tail, rest, self.bytes);
            let mut lanes = [Lane::resume(sha512, tail.get(..end)?)];
            kernels.sha512(&mut lanes);
            digests.insert(
                Algorithm::Sha512,
                &digest_512(&lanes.map(|lane| lane.state)[0]),
            );
        }
        let end = pad::<u32>(tail, rest, self.bytes);
        let mut lanes = [Lane::resume(self.sha256, tail.get(..end)?)];
        kernels.sha256(&mut lanes);
        digests.insert(
            Algorithm::Sha256,
            &digest_256(&lanes.map(|lane| lane.state)[0]),
        );
        if let Some(blake3) = &self.blake3 {
            digests.insert(Algorithm::Blake3, blake3.finalize().as_bytes());
        }
        Some(hashed(digests, self))
    }
}

/// Takes all lanes as far as the one that has the least in its buffer, and fills those that are empty.
/// Gives how many bytes that were, over all lanes.
#[expect(
    clippy::indexing_slicing,
    reason = "each live buffer has that much; less of one would be a wrong digest"
)]
fn advance(streams: &mut [Stream], kernels: &Kernels, effort: Effort) -> u64 {
    let ready = |stream: &&mut Stream| stream.open.blocks() > 0;
    let blocks = streams
        .iter_mut()
        .filter(ready)
        .map(|stream| stream.open.blocks());
    let bytes = blocks.min().unwrap_or_default() * BLOCK_512;
    let mut live: Vec<&mut Open> = streams
        .iter_mut()
        .filter(ready)
        .map(|stream| &mut stream.open)
        .collect();
    let count = live.len();
    let mut lanes_256 = Vec::with_capacity(count);
    let mut lanes_512 = Vec::with_capacity(count);
    for open in &live {
        let piece = &open.buffer[open.at..open.at + bytes];
        lanes_256.push(Lane::resume(open.sha256, piece));
        lanes_512.extend(open.sha512.map(|sha512| Lane::resume(sha512, piece)));
    }
    if effort == Effort::Hash {
        kernels.sha256(&mut lanes_256);
        kernels.sha512(&mut lanes_512);
    }
    let states_256: Vec<_> = lanes_256.iter().map(|lane| lane.state).collect();
    let mut states_512 = lanes_512
        .iter()
        .map(|lane| lane.state)
        .collect::<Vec<_>>()
        .into_iter();
    for (open, sha256) in live.iter_mut().zip(states_256) {
        open.sha256 = sha256;
        open.sha512 = states_512.next();
        open.at += bytes;
        if open.blocks() == 0 && !open.is_read {
            open.read_on();
        }
    }
    u64::try_from(bytes * count).unwrap_or_default()
}
