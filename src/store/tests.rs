//! Reading and writing files.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn only_regular_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        read_file(folder.path()),
        Err(StoreError::NotAFile {
            found: "a folder",
            ..
        })
    ));
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    assert!(matches!(read_file(&pipe), Err(StoreError::NotAFile { .. })));
    assert!(matches!(
        read_file(&folder.path().join("none")),
        Err(StoreError::Read { .. })
    ));
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(MAX_METADATA_BYTES + 1).unwrap();
    assert!(matches!(
        read_file(file.path()),
        Err(StoreError::TooLarge { .. })
    ));
}

#[test]
fn a_private_file_is_private_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write_file(&path, b"1", Writing::PrivateNew).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(
        write_file(&path, b"2", Writing::PrivateNew),
        Err(StoreError::Exists { .. })
    ));
    assert_eq!(read_file(&path).unwrap(), b"1");
    write_file(&path, b"2", Writing::Private).unwrap();
    assert_eq!(read_file(&path).unwrap(), b"2");
    assert_eq!(
        find_files(folder.path(), "", "").unwrap(),
        [path],
        "no temporary file is left"
    );
}

#[test]
fn a_link_in_the_place_of_the_output_is_replaced_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("out"));
    std::fs::write(&target, b"precious").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    write_file(&link, b"new", Writing::Public).unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
    assert_eq!(std::fs::read(&link).unwrap(), b"new");
}
