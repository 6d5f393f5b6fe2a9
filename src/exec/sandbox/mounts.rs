//! Every mount read-only but the private folder. Landlock guards what files hold; modes, owners and
//! times it does not.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind, mount_change, mount_remount,
};

/// One mount, as `/proc/self/mountinfo` tells it.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    path: PathBuf,
    /// The options that cannot be taken back in a namespace.
    kept: MountFlags,
}

/// Nothing that is mounted here from now on is seen outside, nor the other way round.
pub(super) fn separate() -> io::Result<()> {
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    Ok(mount_change("/", flags)?)
}

/// Shows only the processes of this namespace under `/proc`.
pub(super) fn own_processes() -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("proc", "/proc", "proc", flags, None)?)
}

/// Makes everything but `base` read-only.
pub(super) fn read_only_but(base: &Path) -> io::Result<()> {
    mount_bind(base, base)?;
    for found in parse(&fs::read("/proc/self/mountinfo")?) {
        if found.path == base {
            continue;
        }
        let flags = MountFlags::BIND | MountFlags::RDONLY | found.kept;
        match mount_remount(&found.path, flags, c"") {
            // What cannot be reached from here the command cannot reach either.
            Ok(()) | Err(Errno::ACCESS | Errno::NOENT) => {}
            // The path leads to another mount, which lies over this one.
            Err(Errno::INVAL) if is_covered(&found.path) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether a path does not lead to a mount point of its own any more.
fn is_covered(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    match (device(path), path.parent().map(device)) {
        (Ok(own), Some(Ok(above))) => own == above,
        _ => false,
    }
}

fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n')
        .filter_map(entry)
        .collect()
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: the fifth is the
/// path, the sixth are the options.
fn entry(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').skip(4);
    let path = unescaped(fields.next()?);
    let flag = |option: &[u8]| match option {
        b"nosuid" => MountFlags::NOSUID,
        b"nodev" => MountFlags::NODEV,
        b"noexec" => MountFlags::NOEXEC,
        b"noatime" => MountFlags::NOATIME,
        b"nodiratime" => MountFlags::NODIRATIME,
        b"relatime" => MountFlags::RELATIME,
        _ => MountFlags::empty(),
    };
    let options = fields.next()?.split(|byte| *byte == b',');
    let kept = options
        .map(flag)
        .fold(MountFlags::empty(), |all, one| all | one);
    Some(Mount {
        path: PathBuf::from(OsString::from_vec(path)),
        kept,
    })
}

/// `\040` stands for a space, and so do three digits for other bytes.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|_| *first == b'\\');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_the_path_and_what_must_stay() {
        let line =
            b"36 35 98:0 /a /with\\040space rw,nosuid,relatime master:1 - ext3 /dev/x rw\n\n";
        let expected = Mount {
            path: PathBuf::from("/with space"),
            kept: MountFlags::NOSUID | MountFlags::RELATIME,
        };
        assert_eq!(parse(line), [expected]);
    }
}
