//! Input that files under version control cannot carry: named pipes, devices, a file beyond every
//! limit, words that are not UTF-8, a full disk. A clear refusal with the right status, never a
//! hang and never a panic. The last cases are what `*.trycmd` cannot say.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use serde_json::Value;

use crate::support::{Folder, finish, key, public};

/// A folder with every kind of thing that is no metadata file.
fn awkward() -> Folder {
    let folder = Folder::new();
    let made = Command::new("mkfifo").arg(folder.at("pipe")).status();
    assert!(made.unwrap().success());
    File::create(folder.at("huge"))
        .unwrap()
        .set_len((1 << 30) + 1)
        .unwrap();
    std::os::unix::fs::symlink("loop", folder.at("loop")).unwrap();
    std::fs::create_dir(folder.at("folder")).unwrap();
    folder
}

const AWKWARD: [(&str, &str); 5] = [
    ("pipe", "`pipe` is no regular file, expected a file"),
    ("huge", "more than the 1073741824 that such a file may have"),
    ("loop", "cannot read `loop`"),
    ("folder", "`folder` is a folder, expected a file"),
    (
        "/dev/zero",
        "`/dev/zero` is no regular file, expected a file",
    ),
];

#[test]
fn what_is_no_plain_file_is_refused_unread_by_every_command() {
    let folder = awkward();
    let (owner, secret) = (public("owner"), key("owner"));
    for (file, message) in AWKWARD {
        for (arguments, status) in [
            (&["verify", "-k", &owner, "-l", file][..], 3),
            (&["verify", "-l", "none", "-k", file], 3),
            (&["show", file], 1),
            (&["sign", file, "-k", &secret], 1),
            (&["sign", file, "--verify", "-k", &owner], 3),
            (&["key", "show", file], 1),
            (&["key", "id", file], 1),
            (&["match-products", "-l", file], 3),
            (&["record", "start", "-n", "s", "--signing-key", file], 1),
            (
                &[
                    "run",
                    "-n",
                    "s",
                    "--signing-key",
                    file,
                    "--",
                    "touch",
                    "ran",
                ],
                125,
            ),
            (
                &["key", "id", &key("encrypted"), "--password-file", file],
                1,
            ),
        ] {
            let ended = folder.linkwright(arguments);
            assert_eq!(ended.status, Some(status), "{arguments:?}: {ended:?}");
            let said = format!("{}{}", ended.out(), ended.err);
            assert!(said.contains(message), "{arguments:?}: {ended:?}");
            assert!(!said.contains("panicked"), "{ended:?}");
        }
    }
    assert!(!folder.has("ran"));
}

#[test]
fn a_link_file_that_is_no_plain_file_is_named_and_does_not_count() {
    for (file, message) in [
        ("pipe", "no regular file"),
        ("huge", "more than"),
        ("folder", "a folder"),
        ("loop", "cannot read"),
    ] {
        let folder = awkward();
        std::fs::rename(folder.at(file), folder.at("write.971a92ed.link")).unwrap();
        if file == "loop" {
            std::fs::remove_file(folder.at("write.971a92ed.link")).unwrap();
            std::os::unix::fs::symlink("write.971a92ed.link", folder.at("write.971a92ed.link"))
                .unwrap();
        }
        let layout = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.layout");
        let ended = folder.linkwright(&[
            "verify",
            "-l",
            layout,
            "-k",
            &public("owner"),
            "--format",
            "json",
        ]);
        assert_eq!(ended.status, Some(1), "{ended:?}");
        let report: Value = serde_json::from_slice(&ended.out).unwrap();
        let finding = &report["items"][0]["findings"][0];
        assert_eq!(finding["code"], "link-unreadable");
        assert!(
            finding["message"].as_str().unwrap().contains(message),
            "{finding}"
        );
    }
}

#[test]
fn a_named_pipe_among_the_materials_is_an_error_or_told_and_never_a_hang() {
    let folder = awkward();
    let named = folder.linkwright(&[
        "run",
        "-n",
        "s",
        "--signing-key",
        &key("alice"),
        "-m",
        "pipe",
        "--",
        "touch",
        "ran",
    ]);
    assert_eq!(named.status, Some(125), "{named:?}");
    assert!(
        named.err.contains("pipe") && !folder.has("ran"),
        "{named:?}"
    );
    std::fs::remove_file(folder.at("huge")).unwrap();
    let among = folder.linkwright(&[
        "-v",
        "run",
        "-n",
        "s",
        "--signing-key",
        &key("alice"),
        "-m",
        ".",
        "--",
        "true",
    ]);
    assert_eq!(among.status, Some(0), "{among:?}");
    assert!(
        among.err.contains("pipe"),
        "what is left out is told: {among:?}"
    );
}

#[test]
fn a_word_of_the_command_that_is_not_utf_8_is_refused_before_it_runs() {
    let folder = Folder::new();
    let mut command = folder.command(&[
        "run",
        "-n",
        "s",
        "--signing-key",
        &key("alice"),
        "--",
        "touch",
    ]);
    let ended = finish(command.arg(OsStr::from_bytes(b"ran\xff")).spawn().unwrap());
    assert_eq!(ended.status, Some(125), "{ended:?}");
    assert!(ended.err.contains("not UTF-8"), "{ended:?}");
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_file_whose_name_is_not_utf_8_is_named_and_nothing_runs() {
    let folder = Folder::new();
    std::fs::create_dir(folder.at("src")).unwrap();
    std::fs::write(folder.at("src").join(OsStr::from_bytes(b"a\xff")), "").unwrap();
    let ended = folder.linkwright(&[
        "run",
        "-n",
        "s",
        "--signing-key",
        &key("alice"),
        "-m",
        "src",
        "--",
        "touch",
        "ran",
    ]);
    assert_eq!(ended.status, Some(125), "{ended:?}");
    assert!(
        ended.err.contains("UTF-8") && ended.err.contains("src/a"),
        "{ended:?}"
    );
    assert!(!folder.has("ran"));
}

#[test]
fn a_full_standard_output_is_an_error_and_a_closed_one_is_not() {
    let folder = Folder::new();
    let alice = public("alice");
    let id = ["key", "id", &alice];
    for (words, status) in [
        (&id[..], 1),
        (&["--version"], 2),
        (&["verify", "--help"], 2),
        (&["run", "--help"], 125),
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = finish(folder.command(words).stdout(full).spawn().unwrap());
        assert_eq!(ended.status, Some(status), "{words:?}: {ended:?}");
        assert!(
            ended.err.contains("standard output"),
            "{words:?}: {ended:?}"
        );
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = finish(folder.command(words).stdout(writer).spawn().unwrap());
        assert_eq!(
            (ended.status, ended.err.as_str()),
            (Some(0), ""),
            "{words:?}"
        );
    }
}

#[test]
fn a_private_key_comes_from_the_environment() {
    let folder = Folder::new();
    let pem = std::fs::read_to_string(key("alice")).unwrap();
    let mut command = folder.command(&[
        "run",
        "-n",
        "s",
        "--signing-key",
        "env:LINKWRIGHT_TEST_KEY",
        "--",
        "true",
    ]);
    let ended = finish(command.env("LINKWRIGHT_TEST_KEY", pem).spawn().unwrap());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(folder.names(), ["s.971a92ed.link"]);
}

#[test]
fn usage_errors_of_run_are_125_wherever_the_global_options_stand() {
    let folder = Folder::new();
    for arguments in [
        &["run", "-q"][..],
        &["-q", "run"],
        &["--color", "never", "run"],
        &["-v", "run", "-n", "s"],
    ] {
        let ended = folder.linkwright(arguments);
        assert_eq!(ended.status, Some(125), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn record_stop_refuses_the_link_of_another_step_in_the_place_of_its_own() {
    let folder = Folder::new();
    let alice = key("alice");
    let started = folder.linkwright(&["record", "start", "-n", "other", "--signing-key", &alice]);
    assert_eq!(started.status, Some(0), "{started:?}");
    let (from, to) = (
        ".other.971a92ed.link-unfinished",
        ".edit.971a92ed.link-unfinished",
    );
    std::fs::rename(folder.at(from), folder.at(to)).unwrap();
    let stopped = folder.linkwright(&["record", "stop", "-n", "edit", "--signing-key", &alice]);
    assert_eq!(stopped.status, Some(1), "{stopped:?}");
    assert!(
        !folder.has("edit.971a92ed.link"),
        "its materials are those of another step"
    );
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    let folder = Folder::new();
    let commands = [
        "run",
        "record",
        "verify",
        "sign",
        "key",
        "show",
        "match-products",
        "mock",
        "layout",
    ];
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = folder.linkwright(&["completions", shell]);
        assert_eq!(script.status, Some(0));
        assert!(
            commands.iter().all(|name| script.out().contains(name)),
            "{shell}"
        );
    }
    for name in commands
        .into_iter()
        .chain(["layout-sign", "layout-from-links"])
    {
        let page = folder.linkwright(&["man", name]);
        assert_eq!(page.status, Some(0), "{page:?}");
        assert!(page.out().contains(".SH OPTIONS"), "{name}: {}", page.out());
    }
}

#[test]
fn the_answer_comes_even_when_the_copy_of_it_cannot_be_written() {
    let folder = Folder::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let layout = format!("{data}/demo.layout");
    let ended = folder.linkwright(&[
        "verify",
        "-l",
        &layout,
        "-d",
        data,
        "-k",
        &public("owner"),
        "--output",
        "none/report",
    ]);
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(ended.err.contains("`none/report`"), "{ended:?}");
    assert!(
        !ended.err.contains(".linkwright-"),
        "the temporary file is no one's concern: {ended:?}"
    );
    assert!(
        ended.out().contains("PASSED"),
        "inspections may have run: {ended:?}"
    );
}

#[test]
fn words_about_recording_that_mean_nothing_are_refused_before_the_command_runs() {
    let folder = Folder::new();
    folder.write("in", "1");
    let unknown = "the variable `LINKWRIGHT_HASH_BACKEND` is `Portable`, expected `portable`";
    for (options, backend, status, message) in [
        (&["-m", ""][..], "portable", 125, "a path is empty"),
        (&["-m", "in"], "Portable", 125, unknown),
        (&["-m", "in", "--jobs", "1025"], "", 125, "from 1 to 1024"),
        (&["-m", "in", "--jobs", "0"], "", 125, "from 1 to 1024"),
        (&["-m", "in", "--jobs", "1024"], "fastest", 0, ""),
    ] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_linkwright"));
        run.args(["run", "-n", "s", "--signing-key", &key("owner")])
            .args(options)
            .args(["--", "touch", "ran"])
            .current_dir(folder.path())
            .env("LINKWRIGHT_HASH_BACKEND", backend)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let ended = finish(run.spawn().unwrap());
        assert_eq!(ended.status, Some(status), "{options:?}: {ended:?}");
        assert!(ended.err.contains(message), "{options:?}: {ended:?}");
        assert_eq!(folder.has("ran"), status == 0, "{options:?}");
    }
}
