//! Whether a file is still what it was: what a command put in the place of evidence is none.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use sha2::{Digest as _, Sha256};

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// What a file was: its size and its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Imprint {
    size: u64,
    digest: [u8; 32],
}

impl Imprint {
    /// Of a plain file, not of what a link leads to.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let (file, size) = opened(path)?;
        digested(file, size)
    }

    /// Whether there is a plain file with this content. One of another size is not read.
    pub(super) fn is_still_of(&self, path: &Path) -> bool {
        let same = opened(path)
            .and_then(|(file, size)| Ok(size == self.size && digested(file, size)? == *self));
        same.unwrap_or(false)
    }
}

fn opened(path: &Path) -> io::Result<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = File::from(open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((file, metadata.len()))
}

fn digested(file: File, size: u64) -> io::Result<Imprint> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    // Not what is appended meanwhile, which could go on for ever.
    let mut content = file.take(size);
    loop {
        let length = content.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        hasher.update(buffer.split_at(length).0);
    }
    Ok(Imprint {
        size,
        digest: hasher.finalize().into(),
    })
}
