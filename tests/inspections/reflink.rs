//! The copy on file systems whose files can share their blocks: it takes no room, and nothing that is
//! done to it reaches the original. Needs root, a free loop device and the file systems' tools.

use std::fs::File;

use super::*;

/// How large the file system is, and how large the file that is copied in it: there is no room for
/// it and copies of its two names.
const DISK: u64 = 320 << 20;
const FILE: usize = 110 << 20;

/// A file system in a file, mounted while this lives.
struct Disk {
    folder: Folder,
}

impl Disk {
    fn new(kind: &str) -> Option<Self> {
        let folder = Folder::on_disk();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (image, place) = (folder.at("image"), folder.at("place"));
        File::create(&image).unwrap().set_len(DISK).unwrap();
        fs::create_dir(&place).unwrap();
        let done = |command: &mut Command| {
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        let made = done(Command::new(format!("mkfs.{kind}")).arg(&image))
            && done(
                Command::new("mount")
                    .args(["-o", "loop"])
                    .arg(&image)
                    .arg(&place),
            );
        if !made {
            say_not_shown(&format!("{kind} cannot be made and mounted"));
            return None;
        }
        Some(Self { folder })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.at("place").join(name)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let status = Command::new("umount").arg(self.folder.at("place")).status();
        assert!(status.unwrap().success());
    }
}

#[test]
fn the_copy_shares_its_blocks_and_is_another_file() {
    for kind in ["btrfs", "xfs"] {
        let Some(disk) = Disk::new(kind) else {
            continue;
        };
        fs::set_permissions(disk.at(""), fs::Permissions::from_mode(0o777)).unwrap();
        for user in users() {
            let mut trial = Trial::of(user);
            trial.folder = Folder::inside(&disk.at(""));
            trial.temporary = Some(Folder::inside(&disk.at("")));
            let temporary = trial.temporary.as_ref().unwrap();
            fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o777)).unwrap();
            trial.folder.write("large", vec![b'x'; FILE]);
            fs::hard_link(trial.folder.at("large"), trial.folder.at("again")).unwrap();
            trial.materials = json!([["REQUIRE", "large"], ["REQUIRE", "again"]]);
            let script = "printf changed | dd of=large conv=notrunc 2>/dev/null &&
                printf changed | dd of=again conv=notrunc bs=1 seek=100 2>/dev/null &&
                chmod 600 large && rm again && ln large hard && echo more >> hard && echo wrote it";
            let answer = trial.script(script);
            answer.passes();
            let said = answer.message("inspection-ran").unwrap();
            assert!(said.contains("wrote it"), "{kind}: {said}");
            for name in ["large", "again"] {
                let kept = trial.folder.read(name);
                assert!(kept == vec![b'x'; FILE], "{kind}: {name}");
            }
        }
    }
}
