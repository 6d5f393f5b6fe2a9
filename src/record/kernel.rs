//! Files that the kernel makes up while they are read: those below `/proc` and `/sys`. They look like
//! plain files; some never end, or hold a reader up for ever.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

/// Where they are.
const FOLDERS: [&str; 2] = ["/proc", "/sys"];

/// Whether this is one of them, or a folder of them.
pub fn is_made_up(metadata: &Metadata) -> bool {
    static DEVICES: OnceLock<Vec<u64>> = OnceLock::new();
    let devices = DEVICES.get_or_init(|| {
        let device = |path: &str| fs::symlink_metadata(path).ok().map(|it| it.dev());
        // Where nothing is mounted there, they are folders like others.
        let plain = device("/");
        let found = FOLDERS.iter().filter_map(|path| device(path));
        found.filter(|it| Some(*it) != plain).collect()
    });
    devices.contains(&metadata.dev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_files_are_made_up() {
        assert!(!is_made_up(&fs::metadata(".").unwrap()));
        if cfg!(target_os = "linux") {
            assert!(is_made_up(&fs::metadata("/proc/self/status").unwrap()));
        }
    }
}
