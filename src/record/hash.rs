//! The content of one file as digests: read once, whatever number of digests is wanted, in bounded
//! memory.
//!
//! What is opened must be a regular file, whatever stood there before; opening never waits for the
//! other end of a named pipe. A file whose size or times differ before and after, or of which not
//! exactly its size was read, is read once more and then refused.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, Builder};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use sha2::{Digest, Sha256, Sha512};

use super::RecordError;
use crate::event::{Event, Observer};
use crate::model::{Algorithm, DigestSet};

/// Bytes read at once, per thread: enough that the calls cost nothing next to the hashing.
const BUFFER: usize = 1 << 20;
/// Buffers that a reader may be ahead of its hasher: what the caches hold.
const BUFFERS_AHEAD: usize = 4;
/// From this size on a file is read by one thread and hashed by another: 64 MiB.
pub(super) const GIANT: u64 = 64 << 20;
/// Pieces below this size are not hashed in parallel by BLAKE3: dividing them would cost more.
const PARALLEL: usize = 128 << 10;

/// What is to be known about a content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// SHA-256 always, and these.
    pub(super) algorithms: &'a BTreeSet<Algorithm>,
    /// CR LF and CR count as LF.
    pub(super) normalize_line_endings: bool,
}

impl Wanted<'_> {
    pub(super) fn has(&self, algorithm: &Algorithm) -> bool {
        self.algorithms.contains(algorithm)
    }
}

/// Whether a symbolic link in the place of the file is followed or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Follow,
    Refuse,
}

/// The digests of a file, and the size it has on the disk.
#[derive(Debug)]
pub(super) struct Hashed {
    pub(super) digests: DigestSet,
    pub(super) bytes: u64,
    /// As it was before and after.
    pub(super) state: State,
}

thread_local! {
    static BUFFERS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Hashes a file; without anything that is wanted it is only read. One that was `seen` before must
/// still be there.
pub(super) fn hash_file(
    path: &Path,
    links: Links,
    seen: Option<Identity>,
    wanted: Option<Wanted<'_>>,
    observer: &dyn Observer,
) -> Result<Hashed, RecordError> {
    for _attempt in 0..2 {
        let file = open(path, links, seen)?;
        let hashed = BUFFERS.with_borrow_mut(|buffer| {
            buffer.resize(BUFFER, 0);
            hash_open(&file, buffer, wanted, observer)
        });
        let hashed = hashed.map_err(|source| read_error(path, source))?;
        if let Some(hashed) = hashed {
            return Ok(hashed);
        }
    }
    Err(RecordError::Changed {
        path: path.to_owned(),
    })
}

fn read_error(path: &Path, source: io::Error) -> RecordError {
    RecordError::Read {
        path: path.to_owned(),
        source,
    }
}

/// Which file it is: device and inode.
pub(super) type Identity = (u64, u64);

/// Opens what must be a regular file, and the one that was `seen` under its folder: on the way to it a
/// folder may have become a link that leads elsewhere.
pub(super) fn open(path: &Path, links: Links, seen: Option<Identity>) -> Result<File, RecordError> {
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| read_error(path, errno.into()))?;
    let state = state(&file).map_err(|source| read_error(path, source))?;
    let Some(state) = state else {
        return Err(RecordError::Special {
            path: path.to_owned(),
        });
    };
    if seen.is_some_and(|seen| seen != state.identity()) {
        return Err(RecordError::Changed {
            path: path.to_owned(),
        });
    }
    Ok(file)
}

/// What tells two contents of a file apart without reading them: some of it changes when a file is
/// written to, the rest when another file takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    /// When the content changed, in nanoseconds since 1970. Anyone who may write can set it.
    pub(super) modified: i128,
    /// When anything about the file changed. Only the kernel sets it.
    pub(super) changed: i128,
}

impl State {
    /// What no other file has at the same time.
    pub(super) fn identity(&self) -> Identity {
        (self.device, self.inode)
    }

    /// `None` if that is no regular file.
    pub(super) fn of(stat: &Stat) -> Option<Self> {
        let nanoseconds =
            |seconds: i64, rest| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        })
    }
}

/// `None` if the file is none any more.
pub(super) fn state(file: &File) -> io::Result<Option<State>> {
    Ok(State::of(&rustix::fs::fstat(file)?))
}

/// `None` if the file changed meanwhile.
fn hash_open(
    file: &File,
    buffer: &mut [u8],
    wanted: Option<Wanted<'_>>,
    observer: &dyn Observer,
) -> io::Result<Option<Hashed>> {
    let Some(before) = state(file)? else {
        return Ok(None);
    };
    let mut content = wanted.map(Content::new);
    let mut update = |bytes: &[u8]| {
        if let Some(content) = &mut content {
            content.update(bytes);
        }
    };
    let ahead = match before.size < GIANT {
        true => None,
        false => hash_ahead(file, before.size, &mut update, observer)?,
    };
    let bytes = match ahead {
        Some(bytes) => bytes,
        None => hash_in_line(file, before.size, buffer, &mut update, observer)?,
    };
    let after = state(file)?;
    Ok(
        (after == Some(before) && bytes == before.size).then(|| Hashed {
            digests: content.map(Content::finish).unwrap_or_default(),
            bytes,
            state: before,
        }),
    )
}

/// Reads and hashes by turns. Gives the bytes that were read, at most one buffer more than `size`.
fn hash_in_line(
    file: &File,
    size: u64,
    buffer: &mut [u8],
    update: &mut dyn FnMut(&[u8]),
    observer: &dyn Observer,
) -> io::Result<u64> {
    let mut bytes = 0_u64;
    // A file that grows faster than it is read would keep this going for ever.
    while bytes <= size && !observer.gives_up() {
        let length = read(file, buffer)?;
        if length == 0 {
            break;
        }
        let piece = u64::try_from(length).unwrap_or(u64::MAX);
        bytes = bytes.saturating_add(piece);
        update(buffer.split_at(length).0);
        observer.event(Event::Read { bytes: piece });
    }
    Ok(bytes)
}

/// Hashes while another thread reads on: for one stream of a hash function this is the most that two
/// threads can do. Gives the bytes that were read, at most one buffer more than `size`; `None` where no
/// thread is to be had, and then nothing was read.
fn hash_ahead(
    file: &File,
    size: u64,
    update: &mut dyn FnMut(&[u8]),
    observer: &dyn Observer,
) -> io::Result<Option<u64>> {
    let (to_hasher, full) = mpsc::sync_channel::<io::Result<(Vec<u8>, usize)>>(BUFFERS_AHEAD);
    let (to_reader, empty) = mpsc::channel::<Vec<u8>>();
    for _ in 0..BUFFERS_AHEAD {
        // The reader is not there yet, but its end of the channel is.
        drop(to_reader.send(vec![0; BUFFER]));
    }
    // The channel back to the reader ends with this closure, or the reader would wait for ever.
    thread::scope(move |scope| {
        let reader = move || {
            let mut bytes = 0_u64;
            while bytes <= size
                && let Ok(mut buffer) = empty.recv()
            {
                let read = read(file, &mut buffer);
                let length = read.as_ref().map_or(0, |length| *length);
                bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                let is_sent = to_hasher.send(read.map(|length| (buffer, length))).is_ok();
                if length == 0 || !is_sent {
                    break;
                }
            }
        };
        if Builder::new().spawn_scoped(scope, reader).is_err() {
            return Ok(None);
        }
        let mut bytes = 0_u64;
        for piece in full {
            if observer.gives_up() {
                break;
            }
            let (buffer, length) = piece?;
            let piece = u64::try_from(length).unwrap_or(u64::MAX);
            bytes = bytes.saturating_add(piece);
            update(buffer.split_at(length).0);
            observer.event(Event::Read { bytes: piece });
            // The reader may be done already.
            drop(to_reader.send(buffer));
        }
        Ok(Some(bytes))
    })
}

/// Reads again if a signal came.
pub(super) fn read(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Several digests over one stream of bytes.
pub(super) struct Content {
    sha256: Sha256,
    sha512: Option<Sha512>,
    blake3: Option<Box<blake3::Hasher>>,
    lines: Option<Lines>,
}

impl Content {
    pub(super) fn new(wanted: Wanted<'_>) -> Self {
        Self {
            sha256: Sha256::new(),
            sha512: wanted.has(&Algorithm::Sha512).then(Sha512::new),
            blake3: wanted
                .has(&Algorithm::Blake3)
                .then(|| Box::new(blake3::Hasher::new())),
            lines: wanted.normalize_line_endings.then(Lines::default),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self.lines.take() {
            None => self.hash(bytes),
            Some(mut lines) => {
                self.hash(lines.normalized(bytes));
                self.lines = Some(lines);
            }
        }
    }

    fn hash(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        if let Some(blake3) = &mut self.blake3 {
            if bytes.len() >= PARALLEL {
                blake3.update_rayon(bytes);
            } else {
                blake3.update(bytes);
            }
        }
    }

    pub(super) fn finish(self) -> DigestSet {
        let mut digests = DigestSet::of_sha256(self.sha256.finalize().into());
        if let Some(sha512) = self.sha512 {
            digests.insert(Algorithm::Sha512, &sha512.finalize());
        }
        if let Some(blake3) = self.blake3 {
            digests.insert(Algorithm::Blake3, blake3.finalize().as_bytes());
        }
        digests
    }
}

/// Turns CR LF and CR into LF in place, and gives how many bytes are left.
pub(super) fn normalize(content: &mut [u8]) -> usize {
    let mut lines = Lines::default();
    let length = lines.normalized(content).len();
    if let Some(place) = content.get_mut(..length) {
        place.copy_from_slice(&lines.out);
    }
    length
}

/// Turns CR LF and CR into LF. A CR is written as LF at once; what is remembered between two pieces
/// is only that an LF right after it is not one more.
#[derive(Default)]
struct Lines {
    after_return: bool,
    out: Vec<u8>,
}

impl Lines {
    fn normalized(&mut self, bytes: &[u8]) -> &[u8] {
        self.out.clear();
        for &byte in bytes {
            if byte == b'\r' {
                self.out.push(b'\n');
            } else if byte != b'\n' || !self.after_return {
                self.out.push(byte);
            }
            self.after_return = byte == b'\r';
        }
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::event::Silent;

    fn all() -> BTreeSet<Algorithm> {
        BTreeSet::from([Algorithm::Sha512, Algorithm::Blake3])
    }

    fn wanted(algorithms: &BTreeSet<Algorithm>) -> Wanted<'_> {
        Wanted {
            algorithms,
            normalize_line_endings: false,
        }
    }

    #[test]
    fn one_reading_gives_every_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content = vec![b'x'; BUFFER + 1];
        fs::write(&path, &content).unwrap();
        let algorithms = all();
        let hashed = hash_file(
            &path,
            Links::Refuse,
            None,
            Some(wanted(&algorithms)),
            &Silent,
        )
        .unwrap();
        let mut expected = DigestSet::of_sha256(Sha256::digest(&content).into());
        expected.insert(Algorithm::Sha512, &Sha512::digest(&content));
        expected.insert(Algorithm::Blake3, blake3::hash(&content).as_bytes());
        assert_eq!(hashed.digests, expected);
        assert_eq!(hashed.bytes, content.len() as u64);
    }

    #[test]
    fn line_endings_are_the_same_wherever_a_piece_ends() {
        let text = b"a\r\nb\rc\n\r\r\n\n\r";
        let expected = Sha256::digest(b"a\nb\nc\n\n\n\n\n");
        for length in 1..=text.len() {
            let mut content = Content::new(Wanted {
                algorithms: &BTreeSet::new(),
                normalize_line_endings: true,
            });
            text.chunks(length).for_each(|piece| content.update(piece));
            let expected = DigestSet::of_sha256(expected.into());
            assert_eq!(content.finish(), expected, "{length}");
        }
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        fs::write(folder.path().join("file"), "x").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        let algorithms = all();
        assert!(
            hash_file(
                &link,
                Links::Refuse,
                None,
                Some(wanted(&algorithms)),
                &Silent
            )
            .is_err()
        );
        assert!(
            hash_file(
                &link,
                Links::Follow,
                None,
                Some(wanted(&algorithms)),
                &Silent
            )
            .is_ok()
        );
    }

    #[test]
    fn another_file_behind_an_exchanged_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["inside", "outside"] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("file"), name).unwrap();
        }
        let file = File::open(path("inside/file")).unwrap();
        let seen = Some(state(&file).unwrap().unwrap().identity());
        let algorithms = all();
        let hash = || {
            let wanted = Some(wanted(&algorithms));
            hash_file(&path("inside/file"), Links::Refuse, seen, wanted, &Silent)
        };
        assert!(hash().is_ok());
        fs::rename(path("inside"), path("away")).unwrap();
        std::os::unix::fs::symlink("outside", path("inside")).unwrap();
        assert!(matches!(hash(), Err(RecordError::Changed { .. })));
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let error =
            hash_file(&path, Links::Refuse, None, Some(wanted(&all())), &Silent).unwrap_err();
        assert!(matches!(error, RecordError::Special { path: found } if found == path));
    }

    #[test]
    fn a_file_that_does_not_have_its_size_is_refused() {
        // Its size is given as 0, its content is not empty.
        let path = Path::new("/proc/self/status");
        if path.exists() {
            let error =
                hash_file(path, Links::Refuse, None, Some(wanted(&all())), &Silent).unwrap_err();
            assert!(matches!(error, RecordError::Changed { path: found } if found == path));
        }
    }

    #[test]
    fn a_file_that_is_appended_to_is_recorded_as_it_was_or_refused() {
        const LINE: &[u8] = b"one more line\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, LINE.repeat(10_000)).unwrap();
        let done = AtomicBool::new(false);
        let algorithms = BTreeSet::new();
        let results = thread::scope(|scope| {
            scope.spawn(|| {
                let mut log = File::options().append(true).open(&path).unwrap();
                while !done.load(Ordering::Relaxed) {
                    log.set_len(10_000 * LINE.len() as u64).unwrap();
                    (0..100).for_each(|_| log.write_all(LINE).unwrap());
                }
            });
            let hash = |_| {
                hash_file(
                    &path,
                    Links::Refuse,
                    None,
                    Some(wanted(&algorithms)),
                    &Silent,
                )
            };
            let results: Vec<_> = (0..20).map(hash).collect();
            done.store(true, Ordering::Relaxed);
            results
        });
        for result in results {
            match result {
                Ok(hashed) => {
                    let lines = usize::try_from(hashed.bytes).unwrap() / LINE.len();
                    let expected = Sha256::digest(LINE.repeat(lines));
                    assert_eq!(hashed.digests, DigestSet::of_sha256(expected.into()));
                }
                Err(RecordError::Changed { path: found }) => assert_eq!(found, path),
                Err(error) => panic!("{error}"),
            }
        }
    }
}
