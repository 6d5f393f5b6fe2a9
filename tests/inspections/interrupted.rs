//! A verification that a signal ends leaves nothing behind.

use std::os::unix::process::ExitStatusExt as _;

use rustix::process::{Signal, kill_process};

use super::*;
use crate::support::pid_of;

/// How the verification ended, once the signal was sent when `begun` said so; and what it left.
fn interrupted(trial: &Trial, command: &[&str], signal: Signal, begun: &dyn Fn() -> bool) {
    let _inspecting = INSPECTING.read();
    let mut child = trial.start(command);
    wait_for("the moment of the signal", || begun().then_some(()));
    kill_process(pid_of(&child), signal).unwrap();
    let status = wait_for("its end", || child.try_wait().unwrap());
    assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
    let temporary = trial.temporary.as_ref().unwrap();
    assert_eq!(temporary.names(), [] as [&str; 0]);
}

fn trial(user: Option<u32>) -> Trial {
    let mut trial = Trial::of(user);
    let temporary = Folder::new();
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o777)).unwrap();
    trial.temporary = Some(temporary);
    trial
}

/// Whether the copy has this file.
fn copied(trial: &Trial, name: &str) -> bool {
    let temporary = trial.temporary.as_ref().unwrap();
    let made = temporary.names().into_iter();
    made.map(|folder| temporary.at(&folder).join("work").join(name))
        .any(|path| path.exists())
}

#[test]
fn while_the_copy_is_recorded() {
    for user in users() {
        for signal in [Signal::INT, Signal::TERM] {
            let trial = trial(user);
            // A hole, which is copied at once and takes seconds to be hashed.
            let large = fs::File::create(trial.folder.at("large")).unwrap();
            large.set_len(8 << 30).unwrap();
            interrupted(&trial, &["true"], signal, &|| copied(&trial, "large"));
        }
    }
}

#[test]
fn while_the_command_runs() {
    for user in users() {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
            let trial = trial(user);
            let script =
                "mkdir -p closed/x; touch closed/x/y; chmod 0 closed; touch begun; sleep 1000";
            let command = ["sh", "-c", script];
            interrupted(&trial, &command, signal, &|| copied(&trial, "begun"));
        }
    }
}

/// Whatever the command makes of it.
#[test]
fn while_a_command_runs_that_ends_well() {
    for user in users() {
        let trial = trial(user).with(&["--sandbox", "off"]);
        let script = "trap 'exit 0' TERM; touch begun; while :; do sleep 0.01; done";
        let command = ["sh", "-c", script];
        interrupted(&trial, &command, Signal::TERM, &|| copied(&trial, "begun"));
    }
}

#[test]
fn while_the_product_is_copied() {
    let folder = Folder::new();
    folder.write("in/file", "x");
    let large = fs::File::create(folder.at("in/large")).unwrap();
    large.set_len(4 << 30).unwrap();
    let layout = json!({"signed": {"_type": "layout", "expires": "2999-01-01T00:00:00Z",
        "keys": {}, "readme": "", "steps": [], "inspect": []}, "signatures": []});
    folder.write("root.layout", layout.to_string());
    let signed = folder.linkwright(&["sign", "root.layout", "-k", &key("alice")]);
    assert_eq!(signed.status, Some(0), "{signed:?}");
    let mut child = folder
        .command(&[
            "verify",
            "-l",
            "root.layout",
            "-k",
            &public("alice"),
            "--product-dir",
            "in",
            "--copy-to",
            "out",
        ])
        .spawn()
        .unwrap();
    wait_for("the copying", || (folder.names().len() > 2).then_some(()));
    kill_process(pid_of(&child), Signal::INT).unwrap();
    let status = wait_for("its end", || child.try_wait().unwrap());
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    assert_eq!(folder.names(), ["in", "root.layout"]);
}

/// Where nothing shuts it in, what stays in its process group is ended.
#[test]
fn what_is_left_in_its_group_is_ended_without_a_sandbox() {
    for user in users() {
        let trial = Trial::of(user).with(&["--sandbox", "off"]);
        let time = format!("98763.{}", std::process::id());
        let answer = trial.script(&format!("sleep {time} >/dev/null 2>&1 & echo left"));
        answer.passes();
        wait_for("the end of what was left", || {
            (!runs_with(&time)).then_some(())
        });
    }
}
