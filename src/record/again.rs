//! Folders are asked once more when all have been read, see [`listing`](super::listing).

use std::mem;
use std::os::fd::AsFd;
use std::path::Path;

use super::RecordError;
use super::engine::Worker;
use super::folder::{Paths, Visited};
use super::listing::{Entries, Listing};

impl Worker<'_, '_> {
    /// Asks the folders that this thread has read once more, when all are read: and refuses what moved.
    pub(super) fn ask_again(&mut self) {
        let ground = self.shared.pass.ground;
        for visited in mem::take(&mut self.visited) {
            if ground.observer.gives_up() {
                return;
            }
            let disk = ground.disk(&visited.path);
            if !visited.is_untouched(&disk) && !self.is_listed_alike(&visited, &disk) {
                self.error(RecordError::FolderChanged {
                    path: disk.into_owned(),
                });
            }
        }
    }

    /// Whether the same would be recorded of a folder now. What cannot be read is not the same.
    fn is_listed_alike(&self, visited: &Visited, disk: &Path) -> bool {
        let Some(handle) = visited.reopen(disk) else {
            return false;
        };
        let Ok(entries) = Entries::read(handle.as_fd()) else {
            return false;
        };
        let (now, mut paths) = (Listing::default(), Paths::below(&visited.path));
        for entry in entries.some(0..entries.len()) {
            let canonical = visited.canonical.as_deref();
            match self.kind(handle.as_fd(), canonical, paths.of(entry), entry) {
                Ok(Some(kind)) => now.note(entry, kind),
                Ok(None) => {}
                Err(_) => return false,
            }
        }
        now == *visited.listing
    }
}
