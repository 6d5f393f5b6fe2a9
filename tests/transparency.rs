//! `run` is transparent: what a caller, a terminal or a signal sees is the command, not the wrapper.
//! Each case runs the real binary; none measures time, only a hang is ended.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::terminal::Terminal;
use crate::support::{
    Ended, Folder, LINKWRIGHT, finish, gone, key, pid_of, public, state_and_parent, wait_for,
};

const LINK: &str = "build.971a92ed.link";
const CAP: usize = 1 << 20;

fn wrapped(folder: &Folder, options: &[&str], command: &[&str]) -> Command {
    let key = key("alice");
    let mut words = vec!["run", "-n", "build", "--signing-key", &key];
    words.extend(options);
    words.push("--");
    words.extend(command);
    let mut wrapper = folder.command(&words);
    wrapper.process_group(0);
    wrapper
}

fn run(folder: &Folder, options: &[&str], command: &[&str]) -> Ended {
    finish(wrapped(folder, options, command).spawn().unwrap())
}

fn sh(folder: &Folder, options: &[&str], script: &str) -> Ended {
    run(folder, options, &["sh", "-c", script])
}

/// The command line of the wrapper for a shell.
fn line(script: &str) -> String {
    let key = key("alice");
    format!("'{LINKWRIGHT}' run -n build --signing-key '{key}' -- sh -c '{script}'")
}

fn on_terminal(folder: &Folder, options: &[&str], script: &str) -> Terminal {
    let key = key("alice");
    let mut argv = vec![LINKWRIGHT, "run", "-n", "build", "--signing-key", &key];
    argv.extend(options);
    argv.extend(["--", "sh", "-c", script]);
    Terminal::open(folder.path(), &argv)
}

fn byproducts(folder: &Folder) -> Value {
    folder.json(LINK)["signed"]["byproducts"].clone()
}

/// Waits until the command has written this many process numbers.
fn pids(folder: &Folder, count: usize) -> Vec<i32> {
    wait_for("process numbers", || {
        let text = std::fs::read_to_string(folder.at("pids")).ok()?;
        let complete = text.rsplit_once('\n')?.0;
        let pids: Vec<i32> = complete.lines().map(|pid| pid.parse().unwrap()).collect();
        (pids.len() >= count).then_some(pids)
    })
}

fn all_gone(pids: &[i32]) {
    for pid in pids {
        wait_for(&format!("{pid} is gone"), || gone(*pid).then_some(()));
    }
}

/// A command and its child; both write their numbers down and stay.
const TREE: &str = "ulimit -c 0; echo $$ >>pids; sh -c 'echo $$ >>pids; exec sleep 1000'; exit $?";

// Exit statuses.

#[test]
fn the_status_is_the_commands_own() {
    for status in [0, 1, 42, 125, 126, 127, 255] {
        let folder = Folder::new();
        let ended = sh(&folder, &[], &format!("exit {status}"));
        assert_eq!(ended.status, Some(status), "{ended:?}");
        assert_eq!(byproducts(&folder)["return-value"], status);
        assert_eq!(ended.err, "");
    }
}

#[test]
fn a_command_that_is_not_there_is_127_and_leaves_no_link() {
    let folder = Folder::new();
    for command in ["no-such-command-anywhere", "./no/such/file"] {
        let ended = run(&folder, &[], &[command]);
        assert_eq!(ended.status, Some(127));
        assert!(ended.err.contains(command), "{ended:?}");
    }
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_command_that_cannot_be_executed_is_126_and_leaves_no_link() {
    let folder = Folder::new();
    folder.write("data", "text");
    for command in ["./data", "/"] {
        let ended = run(&folder, &[], &[command]);
        assert_eq!(ended.status, Some(126), "{ended:?}");
        assert!(ended.err.contains(command), "{ended:?}");
    }
    assert_eq!(folder.names(), ["data"]);
}

#[test]
fn a_command_killed_by_a_signal_is_128_more_and_the_link_says_which() {
    for (signal, number) in [("TERM", 15), ("INT", 2), ("KILL", 9)] {
        let folder = Folder::new();
        let ended = sh(&folder, &[], &format!("kill -{signal} $$; sleep 1000"));
        assert_eq!(ended.status, Some(128 + number), "{signal}");
        assert_eq!(byproducts(&folder)["return-value"], -number);
    }
}

#[test]
fn a_failing_command_leaves_a_signed_link_with_its_products() {
    let folder = Folder::new();
    let ended = sh(&folder, &["-p", "out"], "echo made >out; exit 3");
    assert_eq!(ended.status, Some(3));
    let link = folder.json(LINK);
    assert_eq!(link["signed"]["byproducts"]["return-value"], 3);
    let sha256 = &link["signed"]["products"]["out"]["sha256"];
    assert_eq!(*sha256, sha256_of(&folder, "out"));
    let checked = folder.linkwright(&["sign", LINK, "--verify", "-k", &public("alice")]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
}

fn sha256_of(folder: &Folder, name: &str) -> String {
    let output = Command::new("sha256sum")
        .arg(folder.at(name))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

#[test]
fn no_link_on_failure_writes_none_when_the_command_fails_and_one_when_not() {
    let folder = Folder::new();
    assert_eq!(
        sh(&folder, &["--no-link-on-failure"], "exit 42").status,
        Some(42)
    );
    assert_eq!(
        sh(&folder, &["--no-link-on-failure"], "kill -KILL $$").status,
        Some(137)
    );
    assert_eq!(folder.names(), [""; 0]);
    assert_eq!(
        sh(&folder, &["--no-link-on-failure"], "true").status,
        Some(0)
    );
    assert_eq!(folder.names(), [LINK]);
}

#[test]
fn without_a_command_nothing_is_run_and_the_link_says_so() {
    let folder = Folder::new();
    folder.write("in", "1");
    let ended = run(&folder, &["-x", "-m", "in", "-p", "in"], &["touch", "ran"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(folder.names(), [LINK, "in"]);
    assert_eq!(folder.json(LINK)["signed"]["command"], json!([]));
    assert_eq!(byproducts(&folder), json!({}));
}

// Streams.

#[test]
fn standard_input_passes_untouched() {
    for options in [&[][..], &["-s"]] {
        let folder = Folder::new();
        let mut wrapper = wrapped(&folder, options, &["cat"]);
        let mut child = wrapper.stdin(Stdio::piped()).spawn().unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        let mut stdin = child.stdin.take().unwrap();
        let sent = bytes.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
        let ended = finish(child);
        writer.join().unwrap();
        assert_eq!(ended.status, Some(0));
        assert!(ended.out == bytes, "{} bytes came through", ended.out.len());
    }
}

#[test]
fn output_arrives_while_the_command_runs() {
    for options in [&[][..], &["-s"]] {
        let folder = Folder::new();
        let mut wrapper = wrapped(
            &folder,
            options,
            &["sh", "-c", "printf first; read x; echo $x"],
        );
        let mut child = wrapper.stdin(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 5];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        assert_eq!(&first, b"first", "no line end, and the command still runs");
        child.stdin.take().unwrap().write_all(b"second\n").unwrap();
        let ended = finish(child);
        assert_eq!((ended.status, ended.out()), (Some(0), "second\n"));
    }
}

#[test]
fn ten_mebibytes_on_stderr_while_stdout_stays_open() {
    for options in [&[][..], &["-s"]] {
        let folder = Folder::new();
        let script = "head -c 10485760 /dev/zero >&2; echo done";
        let ended = sh(&folder, options, script);
        assert_eq!((ended.status, ended.out()), (Some(0), "done\n"));
        assert_eq!(ended.err.len(), 10 << 20);
    }
}

#[test]
fn streams_are_not_stored_unless_asked_for() {
    let folder = Folder::new();
    sh(&folder, &[], "echo a secret; echo another >&2");
    assert_eq!(
        byproducts(&folder),
        json!({"return-value": 0, "stdout": "", "stderr": ""})
    );
}

#[test]
fn stored_streams_name_their_cap() {
    let folder = Folder::new();
    sh(&folder, &["-s"], "printf out; printf err >&2");
    let expected = json!({"return-value": 0, "stdout": "out", "stderr": "err", "stream-cap": CAP});
    assert_eq!(byproducts(&folder), expected);
}

#[test]
fn a_stream_beyond_the_cap_passes_whole_and_is_stored_cut_with_its_length() {
    let folder = Folder::new();
    // Two bytes a character, and one byte before: the cap falls into the middle of one.
    let script = "printf x; yes é | tr -d '\\n' | head -c 3000000";
    let ended = sh(&folder, &["-s"], script);
    assert_eq!(ended.out.len(), 3_000_001);
    let byproducts = byproducts(&folder);
    assert_eq!(byproducts["stdout-bytes"], 3_000_001);
    assert_eq!(byproducts["stream-cap"], CAP);
    assert_eq!(
        byproducts["stdout-encoding"],
        Value::Null,
        "it is text still"
    );
    let stored = byproducts["stdout"].as_str().unwrap();
    assert_eq!(stored.len(), CAP - 1);
    assert_eq!(stored.as_bytes(), &ended.out[..CAP - 1]);
    assert_eq!(byproducts["stderr-bytes"], Value::Null);
}

#[test]
fn binary_output_passes_unchanged_and_is_stored_as_base64() {
    let folder = Folder::new();
    let ended = sh(
        &folder,
        &["-s"],
        "printf 'a\\000\\377\\r\\n\\376'; printf 'e\\200' >&2",
    );
    assert_eq!(ended.out, b"a\0\xff\r\n\xfe");
    let byproducts = byproducts(&folder);
    assert_eq!(byproducts["stdout-encoding"], "base64");
    assert_eq!(byproducts["stdout"], STANDARD.encode(b"a\0\xff\r\n\xfe"));
    assert_eq!(byproducts["stderr-encoding"], "base64");
    assert_eq!(byproducts["stderr"], STANDARD.encode(b"e\x80"));
}

#[test]
fn a_closed_output_changes_no_status() {
    for options in [&[][..], &["-s"]] {
        let folder = Folder::new();
        let script = "trap '' PIPE; head -c 300000 /dev/zero; exit 5";
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut wrapper = wrapped(&folder, options, &["sh", "-c", script]);
        let child = wrapper
            .stdout(writer)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(wrapper);
        assert_eq!(finish(child).status, Some(5), "{options:?}");
    }
}

#[test]
fn a_grandchild_that_keeps_the_streams_open_is_not_waited_for() {
    let folder = Folder::new();
    let ended = sh(
        &folder,
        &["-s"],
        "sleep 1000 & echo $! >>pids; echo started; exit 7",
    );
    let left = pids(&folder, 1)[0];
    let lives = !gone(left) && kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).is_ok();
    assert_eq!((ended.status, ended.out()), (Some(7), "started\n"));
    assert!(lives, "a daemon that a command leaves behind goes on");
    assert_eq!(byproducts(&folder)["stdout"], "started\n");
}

#[test]
fn the_commands_own_streams_are_those_of_the_wrapper() {
    let folder = Folder::new();
    let file = File::create(folder.at("log")).unwrap();
    let mut wrapper = wrapped(&folder, &[], &["sh", "-c", "readlink /proc/self/fd/1"]);
    let ended = finish(wrapper.stdout(file).spawn().unwrap());
    assert_eq!(ended.status, Some(0));
    let seen = String::from_utf8(folder.read("log")).unwrap();
    assert_eq!(
        seen.trim(),
        folder.at("log").canonicalize().unwrap().to_str().unwrap()
    );
}

// Signals to the wrapper.

#[test]
fn a_signal_to_the_wrapper_reaches_the_whole_tree_and_the_link_is_written() {
    for (signal, number) in [
        (Signal::TERM, 15),
        (Signal::INT, 2),
        (Signal::HUP, 1),
        (Signal::QUIT, 3),
    ] {
        for options in [&[][..], &["-s"]] {
            let folder = Folder::new();
            let child = wrapped(&folder, options, &["sh", "-c", TREE])
                .spawn()
                .unwrap();
            let tree = pids(&folder, 2);
            kill_process(pid_of(&child), signal).unwrap();
            let ended = finish(child);
            assert_eq!(ended.status, Some(128 + number), "{signal:?} {ended:?}");
            all_gone(&tree);
            assert_eq!(byproducts(&folder)["return-value"], -number);
        }
    }
}

#[test]
fn a_command_that_handles_a_signal_says_the_status() {
    let folder = Folder::new();
    let script = "trap 'exit 3' TERM; echo $$ >>pids; while :; do sleep 0.05; done";
    let child = wrapped(&folder, &[], &["sh", "-c", script])
        .spawn()
        .unwrap();
    pids(&folder, 1);
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    assert_eq!(finish(child).status, Some(3));
    assert_eq!(byproducts(&folder)["return-value"], 3);
}

#[test]
fn a_command_that_ignores_a_signal_is_waited_for() {
    let folder = Folder::new();
    let script = "trap '' TERM; echo $$ >>pids; while [ ! -e go ]; do sleep 0.05; done; exit 7";
    let child = wrapped(&folder, &[], &["sh", "-c", script])
        .spawn()
        .unwrap();
    let command = pids(&folder, 1)[0];
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    assert!(!gone(command));
    folder.write("go", "");
    assert_eq!(finish(child).status, Some(7));
}

#[test]
fn a_signal_ends_a_stopped_command() {
    let folder = Folder::new();
    let script = "echo $$ >>pids; kill -STOP $$; exit 1";
    let child = wrapped(&folder, &[], &["sh", "-c", script])
        .spawn()
        .unwrap();
    let command = pids(&folder, 1)[0];
    wait_for("the command is stopped", || {
        let (state, _) = state_and_parent(command)?;
        (state == 'T').then_some(())
    });
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    assert_eq!(finish(child).status, Some(143));
}

#[test]
fn a_command_that_is_stopped_just_when_it_is_asked_to_end_ends() {
    let folder = Folder::new();
    // It stops as soon as it is asked, which is as if somebody stopped it at the same moment.
    let script = "trap 'kill -STOP $$; exit 7' TERM; echo $$ >>pids; while :; do sleep 0.05; done";
    let child = wrapped(&folder, &[], &["sh", "-c", script])
        .spawn()
        .unwrap();
    let shell = pids(&folder, 1);
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    let ended = finish(child);
    assert_eq!(ended.status, Some(7), "{ended:?}");
    all_gone(&shell);
}

#[test]
fn the_time_limit_ends_the_whole_tree_and_the_link_says_so() {
    let folder = Folder::new();
    let ended = sh(&folder, &["--run-timeout", "1"], TREE);
    assert_eq!(ended.status, Some(124), "{ended:?}");
    all_gone(&pids(&folder, 2));
    assert!(ended.err.contains("longer than 1 s"), "{ended:?}");
    let byproducts = byproducts(&folder);
    assert_eq!(byproducts["timed-out-after-seconds"], 1);
    assert_eq!(byproducts["return-value"], 124);
}

#[test]
fn a_command_that_ignores_the_end_of_its_time_is_killed() {
    let folder = Folder::new();
    let script = "trap '' TERM; echo $$ >>pids; while :; do sleep 0.05; done";
    let ended = sh(&folder, &["-s", "--run-timeout", "1"], script);
    assert_eq!(ended.status, Some(124), "{ended:?}");
    all_gone(&pids(&folder, 1));
}

#[test]
fn a_command_within_its_time_is_not_ended() {
    let folder = Folder::new();
    let ended = sh(&folder, &["--run-timeout", "100"], "exit 5");
    assert_eq!((ended.status, ended.err.as_str()), (Some(5), ""));
    assert_eq!(byproducts(&folder)["timed-out-after-seconds"], Value::Null);
}

// Before the command starts, and after it.

/// Options, and what the message names. `K` is a good key, `E` an encrypted one, `P` a public one.
const FAILS_BEFORE: &str = "
    => --signing-key
    --signing-key no-key => `no-key`
    --signing-key folder => a folder
    --signing-key pipe => no regular file
    --signing-key file => `file`
    --signing-key P => public
    --signing-key env:NO_SUCH => `NO_SUCH`
    --signing-key E => --password-file
    --signing-key E --password-file file => password
    --signing-key E --password-file none => `none`
    --signing-key K -m none => `none`
    --signing-key K -m file none => `none`
    --signing-key K --exclude-from none => `none`
    --signing-key K -e a[ -m file => a[
    --signing-key K --base-path none -m file => none
    --signing-key K --lstrip-paths folder/ -m file folder/file => folder/file
    --signing-key K -d none => `none`
    --signing-key K -d file => `file`
    --signing-key K -d /proc => `/proc`
    --signing-key K --no-such-option => --no-such-option
    --signing-key K --run-timeout 0 => --run-timeout
    --signing-key K --password => password
    --gpg => OpenPGP";

#[test]
fn nothing_is_run_when_something_could_fail_later() {
    for (options, named) in FAILS_BEFORE
        .lines()
        .filter_map(|line| line.split_once("=> "))
    {
        let folder = Folder::new();
        folder.write("file", "text");
        folder.write("folder/file", "other");
        make_pipe(&folder, "pipe");
        let (alice, encrypted, public) = (key("alice"), key("encrypted"), public("alice"));
        let mut words: Vec<&str> = vec!["run", "-n", "build"];
        words.extend(options.split_whitespace().map(|word| match word {
            "K" => alice.as_str(),
            "E" => encrypted.as_str(),
            "P" => public.as_str(),
            other => other,
        }));
        words.extend(["--", "touch", "ran"]);
        let mut command = Command::new("setsid");
        let command = command
            .arg(LINKWRIGHT)
            .args(&words)
            .current_dir(folder.path());
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let ended = finish(command.spawn().unwrap());
        assert_eq!(ended.status, Some(125), "{options}: {ended:?}");
        assert!(ended.err.contains(named), "{options}: {ended:?}");
        assert_eq!(folder.names(), ["file", "folder", "pipe"], "{options}");
    }
}

fn make_pipe(folder: &Folder, name: &str) {
    let made = Command::new("mkfifo")
        .arg(folder.at(name))
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn a_step_name_that_leads_elsewhere_runs_nothing() {
    for name in ["../build", "a/b", "", ".."] {
        let folder = Folder::new();
        let ended = folder.linkwright(&[
            "run",
            "-n",
            name,
            "--signing-key",
            &key("alice"),
            "--",
            "touch",
            "ran",
        ]);
        assert_eq!(ended.status, Some(125), "{name}: {ended:?}");
        assert_eq!(folder.names(), [""; 0]);
    }
}

#[test]
fn an_encrypted_key_opens_with_its_password_from_a_file_or_a_variable() {
    let folder = Folder::new();
    folder.write("password", "correct-horse\n");
    let words = |source| {
        let key = key("encrypted");
        [
            "run",
            "-n",
            "s",
            "--signing-key",
            &key,
            "--password-file",
            source,
            "--",
            "touch",
            "ran",
        ]
        .map(str::to_owned)
    };
    for source in ["password", "env:LINKWRIGHT_TEST_PASSWORD"] {
        let words = words(source);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = folder.command(&words);
        command.env("LINKWRIGHT_TEST_PASSWORD", "correct-horse");
        let ended = finish(command.spawn().unwrap());
        assert_eq!(ended.status, Some(0), "{ended:?}");
        std::fs::remove_file(folder.at("ran")).unwrap();
        std::fs::remove_file(folder.at("s.8adbe0cd.link")).unwrap();
    }
}

#[test]
fn a_good_command_whose_evidence_cannot_be_written_is_121() {
    for (script, options) in [
        ("touch ran", &["-p", "none"][..]),
        ("touch ran; rmdir links", &["-d", "links"]),
    ] {
        let folder = Folder::new();
        std::fs::create_dir(folder.at("links")).unwrap();
        let ended = sh(&folder, options, script);
        assert_eq!(ended.status, Some(121), "{ended:?}");
        assert!(
            ended.err.contains("none") || ended.err.contains("links"),
            "{ended:?}"
        );
        assert!(folder.has("ran") && !folder.has(LINK));
        let failed = sh(&folder, options, "exit 42");
        assert_ne!(failed.status, Some(0));
    }
}

#[test]
fn a_failing_command_keeps_its_status_when_its_evidence_cannot_be_written() {
    let folder = Folder::new();
    let ended = sh(&folder, &["-p", "none"], "exit 42");
    assert_eq!(ended.status, Some(42));
    assert!(ended.err.contains("`none`"), "{ended:?}");
}

#[test]
fn a_signal_at_any_moment_of_the_start_leaves_nobody() {
    for moment in 0..30 {
        let folder = Folder::new();
        let child = wrapped(&folder, &[], &["sh", "-c", TREE]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(500 * moment));
        kill_process(pid_of(&child), Signal::TERM).unwrap();
        let ended = finish(child);
        assert_ne!(ended.status, Some(0), "{ended:?}");
        wait_for("nobody is left", || nobody_in(&folder).then_some(()));
    }
}

/// Whether no process works in a folder.
fn nobody_in(folder: &Folder) -> bool {
    let here = folder.path().canonicalize().unwrap();
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
    !processes.any(|process| {
        std::fs::read_link(process.path().join("cwd")).is_ok_and(|folder| folder == here)
    })
}

// A terminal.

#[test]
fn the_streams_are_the_terminal() {
    let folder = Folder::new();
    let script = "test -t 0; a=$?; test -t 1; b=$?; test -t 2; echo is $a $b $?";
    let mut terminal = on_terminal(&folder, &[], script);
    terminal.expect("is 0 0 0");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(byproducts(&folder)["return-value"], 0);
}

#[test]
fn a_line_is_read_from_the_terminal() {
    for options in [&[][..], &["-s"]] {
        let folder = Folder::new();
        let script = "printf 'name? '; read x; echo hello $x; exit 4";
        let mut terminal = on_terminal(&folder, options, script);
        terminal.expect("name? ");
        terminal.line("world");
        terminal.expect("hello world");
        assert_eq!(terminal.end(), Some(4));
    }
}

#[test]
fn a_password_is_asked_for_on_the_terminal_and_not_shown() {
    let folder = Folder::new();
    let key = key("encrypted");
    let ask = [
        LINKWRIGHT,
        "run",
        "-n",
        "s",
        "--signing-key",
        &key,
        "--",
        "touch",
        "ran",
    ];
    let mut terminal = Terminal::open(folder.path(), &ask);
    terminal.expect("Password for");
    terminal.echo_is_off();
    terminal.line("correct-horse");
    assert_eq!(terminal.end(), Some(0), "{}", terminal.text());
    assert!(!terminal.text().contains("horse"), "{}", terminal.text());
    assert_eq!(folder.names(), ["ran", "s.8adbe0cd.link"]);
}

#[test]
fn a_wrong_password_on_the_terminal_runs_nothing() {
    let folder = Folder::new();
    let key = key("encrypted");
    let ask = [
        LINKWRIGHT,
        "run",
        "-n",
        "s",
        "--signing-key",
        &key,
        "-P",
        "--",
        "touch",
        "ran",
    ];
    let mut terminal = Terminal::open(folder.path(), &ask);
    terminal.expect("Password for");
    terminal.echo_is_off();
    terminal.line("wrong");
    assert_eq!(terminal.end(), Some(125), "{}", terminal.text());
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_shell_under_run_has_job_control() {
    let folder = Folder::new();
    let key = key("alice");
    let argv = [
        LINKWRIGHT,
        "run",
        "-n",
        "s",
        "--signing-key",
        &key,
        "--",
        "bash",
        "--norc",
        "-i",
    ];
    let mut terminal = Terminal::open(folder.path(), &argv);
    terminal.expect("PROMPT> ");
    terminal.line("echo wai''ting; cat");
    terminal.expect("waiting\r\n");
    terminal.line("mirror");
    terminal.expect("mirror\r\nmirror\r\n");
    terminal.send(b"\x1a");
    terminal.expect("Stopped");
    terminal.expect("PROMPT> ");
    terminal.line("fg");
    terminal.expect("cat\r\n");
    terminal.line("again");
    terminal.expect("again\r\nagain\r\n");
    terminal.send(b"\x03");
    terminal.expect("PROMPT> ");
    terminal.line("echo in''side $?");
    terminal.expect("inside 130");
    assert!(
        !terminal.text().contains("no job control"),
        "{}",
        terminal.text()
    );
    terminal.line("exit 6");
    assert_eq!(terminal.end(), Some(6));
}

#[test]
fn a_pipeline_partner_keeps_the_terminal() {
    let folder = Folder::new();
    let mut shell = Terminal::shell(folder.path());
    let partner = "sh -c 'read x </dev/tty; echo got $x'";
    shell.line(&format!(
        "{} | {partner}",
        line("while [ ! -e go ]; do sleep 0.05; done")
    ));
    shell.job_is_in_front();
    shell.line("this");
    shell.expect("got this");
    folder.write("go", "");
    shell.expect("PROMPT> ");
    shell.line("exit 0");
    assert_eq!(shell.end(), Some(0));
}

const COUNTING: &str = "trap \"echo se\\\"\\\"en\" INT; echo wai\"\"ting; i=0; \
    while [ $i -lt 12 ]; do sleep 0.05; i=$((i+1)); done; echo en\"\"ded; exit 6";

#[test]
fn control_c_reaches_the_command_once() {
    let folder = Folder::new();
    let mut terminal = on_terminal(&folder, &[], COUNTING);
    terminal.expect("waiting");
    terminal.send(b"\x03");
    terminal.expect("ended");
    assert_eq!(
        terminal.text().matches("seen").count(),
        1,
        "{}",
        terminal.text()
    );
    assert_eq!(terminal.end(), Some(6));
    assert_eq!(byproducts(&folder)["return-value"], 6);
}

#[test]
fn control_c_reaches_the_command_once_and_the_script_around_it() {
    let folder = Folder::new();
    let script = format!("trap 'echo scr''ipt' INT; {}; exit 8", line(COUNTING));
    let mut terminal = Terminal::open(folder.path(), &["sh", "-c", &script]);
    terminal.expect("waiting");
    terminal.send(b"\x03");
    terminal.expect("ended");
    terminal.expect("script");
    assert_eq!(
        terminal.text().matches("seen").count(),
        1,
        "{}",
        terminal.text()
    );
    assert_eq!(terminal.end(), Some(8));
}

#[test]
fn control_c_ends_the_command_and_its_children() {
    let folder = Folder::new();
    let mut terminal = on_terminal(&folder, &[], TREE);
    let tree = pids(&folder, 2);
    terminal.send(b"\x03");
    assert_eq!(terminal.end(), Some(130));
    all_gone(&tree);
    assert_eq!(byproducts(&folder)["return-value"], -2);
}

/// As without the wrapper: a shell gives up its script only when its child was killed by the signal.
#[test]
fn control_c_ends_a_script_of_bash_too() {
    let folder = Folder::new();
    // Without `exec` the shell may take the key for itself while it begins the next command.
    let script = format!("{}; touch second", line("echo wai''ting; exec sleep 1000"));
    let mut terminal = Terminal::open(folder.path(), &["bash", "-c", &script]);
    terminal.expect("waiting");
    terminal.send(b"\x03");
    assert_eq!(terminal.end(), Some(130));
    assert!(!folder.has("second"), "{}", terminal.text());
    assert_eq!(byproducts(&folder)["return-value"], -2);
}

#[test]
fn a_signal_to_the_wrapper_on_a_terminal_leaves_nobody() {
    let folder = Folder::new();
    let mut terminal = on_terminal(&folder, &[], TREE);
    let tree = pids(&folder, 2);
    kill_process(terminal.leader(), Signal::TERM).unwrap();
    assert_eq!(terminal.end(), Some(143));
    all_gone(&tree);
}

#[test]
fn a_job_is_stopped_and_continued() {
    let folder = Folder::new();
    let mut shell = Terminal::shell(folder.path());
    shell.line(&line("echo wai\"\"ting; read x; echo got $x; exit 5"));
    shell.expect("waiting");
    for _ in 0..3 {
        shell.send(b"\x1a");
        shell.expect("Stopped");
        shell.expect("PROMPT> ");
        shell.line("fg");
        shell.command_runs_in_front();
    }
    shell.line("again");
    shell.expect("got again");
    shell.expect("PROMPT> ");
    shell.line("echo status $?");
    shell.expect("status 5\r\n");
    assert_eq!(byproducts(&folder)["return-value"], 5);
    shell.line("exit 0");
    assert_eq!(shell.end(), Some(0));
}

#[test]
fn the_terminal_is_back_after_the_command() {
    let folder = Folder::new();
    let mut shell = Terminal::shell(folder.path());
    for how in ["exit 0", "kill -9 $$", "kill -TERM $$"] {
        shell.line(&format!("{}; echo re''ached; cat", line(how)));
        shell.expect("reached\r\n");
        shell.line("mir''ror");
        shell.expect("mir''ror\r\n");
        shell.expect("mir''ror\r\n");
        shell.send(b"\x04");
        shell.expect("PROMPT> ");
    }
    shell.line("exit 0");
    assert_eq!(shell.end(), Some(0));
}

#[test]
fn a_job_in_the_background_runs_and_ends() {
    let folder = Folder::new();
    let mut shell = Terminal::shell(folder.path());
    shell.line(&format!(
        "{} & wait $!; echo status $?",
        line("sleep 0.2; exit 5")
    ));
    shell.expect("status 5\r\n");
    shell.line("exit 0");
    assert_eq!(shell.end(), Some(0));
}

#[test]
fn how_many_digests_were_reused_is_told_to_who_asks() {
    let folder = Folder::new();
    folder.write("in", "1");
    let options = ["-v", "--stats", "--reuse-digests", "-m", "in", "-p", "in"];
    let ended = sh(&folder, &options, "echo new >new; echo more >>in");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let told = "digests of products: 0 reused, 1 hashed (6 bytes)\n";
    assert!(ended.err.contains(told), "{ended:?}");
    assert!(
        ended
            .err
            .contains(" 6 bytes, 0 reused, 1 hashed (6 bytes)\n"),
        "{ended:?}"
    );
    // Some file systems are not trusted with that.
    let options = ["--stats=json", "--reuse-digests", "-m", "in", "-p", "in"];
    let ended = sh(&folder, &options, "sleep 0.1; touch in");
    let told: Value = serde_json::from_str(&ended.err).unwrap();
    let products = &told["phases"]["products"];
    assert_eq!(
        (&products["files"], &products["reused"]),
        (&json!(1), &json!(0))
    );
}

/// Whether digests are taken over there: on ext4, XFS and Btrfs, since Linux 6.8.
fn are_taken_over(folder: &Folder) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    let mut number = || numbers.next().unwrap().parse::<u32>().unwrap();
    let magic = rustix::fs::statfs(folder.path()).unwrap().f_type;
    (number(), number()) >= (6, 8) && [0xef53, 0x5846_5342, 0x9123_683e].contains(&magic)
}

#[test]
fn files_at_rest_are_reused_and_changed_ones_hashed() {
    let folder = Folder::on_disk();
    for name in ["same", "changed"] {
        folder.write(name, "1");
    }
    // Longer than any tick of the file system's clock.
    std::thread::sleep(Duration::from_millis(100));
    let files = ["-m", "same", "changed", "-p", "same", "changed"];
    let options = [&["--stats=json", "--reuse-digests"][..], &files].concat();
    let ended = sh(&folder, &options, "echo more >>changed");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let told: Value = serde_json::from_str(&ended.err).unwrap();
    let products = &told["phases"]["products"];
    let reused = u64::from(are_taken_over(&folder));
    assert_eq!(
        (&products["files"], &products["reused"]),
        (&json!(2), &json!(reused))
    );
    assert_eq!(
        (&products["bytes"], &products["reused_bytes"]),
        (&json!(7), &json!(reused))
    );
}

// The bar.

/// `run` on one file that takes longer than any test: large, and empty on the disk.
fn endless(folder: &Folder) -> Vec<String> {
    let file = File::create(folder.at("large")).unwrap();
    file.set_len(1 << 38).unwrap();
    let key = key("alice");
    let words = "run -n build -m large --signing-key";
    let words = [LINKWRIGHT].into_iter().chain(words.split(' '));
    let words = words.chain([key.as_str(), "--", "touch", "ran"]);
    words.map(str::to_owned).collect()
}

fn of_kind(kind: &str, folder: &Folder, argv: &[String]) -> Terminal {
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    Terminal::of_kind(kind, folder.path(), &argv)
}

#[test]
fn a_bar_is_drawn_on_a_terminal_only_and_not_when_quiet() {
    let folder = Folder::new();
    let words = endless(&folder);
    let mut quiet = words.clone();
    quiet.insert(1, "--quiet".to_owned());
    let mut piped = words.clone();
    piped.splice(
        0..0,
        ["sh", "-c", "exec \"$@\" 2>log", "sh"].map(str::to_owned),
    );
    // These three began before the one whose bar is waited for.
    let mut others = [
        of_kind("xterm", &folder, &quiet),
        of_kind("xterm", &folder, &piped),
        of_kind("dumb", &folder, &words),
    ];
    let mut terminal = of_kind("xterm", &folder, &words);
    for _ in 0..3 {
        terminal.expect("materials [");
        terminal.expect("] 0 files, ");
        terminal.expect("/256.00 GiB");
        terminal.expect(" left");
    }
    let text = terminal.text();
    assert!(!text.contains("\x1b[?25l"), "the cursor stays: {text:?}");
    for other in &mut others {
        kill_process(other.leader(), Signal::TERM).unwrap();
        assert_eq!(other.end(), Some(143));
        assert_eq!(other.whole_text(), "");
    }
    assert_eq!(folder.read("log"), b"");
    terminal.send(b"\x03");
    assert_eq!(terminal.end(), Some(130));
    assert_eq!(folder.names(), ["large", "log"]);
}

/// What is left on the line that the cursor is in.
fn last_line(text: &str) -> &str {
    let after_clearing = text.rsplit("\x1b[2K").next().unwrap();
    after_clearing.rsplit(['\r', '\n']).next().unwrap()
}

#[test]
fn a_signal_ends_the_bar_and_leaves_a_clean_line() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let folder = Folder::new();
        let mut terminal = of_kind("xterm", &folder, &endless(&folder));
        terminal.expect("materials [");
        if signal == Signal::INT {
            terminal.send(b"\x03");
        } else {
            kill_process(terminal.leader(), signal).unwrap();
        }
        assert_eq!(terminal.end(), Some(status));
        let text = terminal.whole_text();
        assert_eq!(last_line(&text), "", "{text:?}");
        assert_eq!(folder.names(), ["large"]);
    }
}

#[test]
fn the_recordings_of_an_inspection_have_a_bar() {
    const LAYOUT: &str = r#"{"signed": {"_type": "layout", "expires": "2999-01-01T00:00:00Z",
        "keys": {}, "readme": "", "steps": [], "inspect": [{"_type": "inspection", "name": "i",
        "run": ["touch", "ran"], "expected_materials": [], "expected_products": []}]},
        "signatures": []}"#;
    let folder = Folder::new();
    folder.write("root.layout", LAYOUT);
    let signed = folder.linkwright(&["sign", "root.layout", "-k", &key("alice")]);
    assert_eq!(signed.status, Some(0), "{signed:?}");
    endless(&folder);
    let public = public("alice");
    let words = [LINKWRIGHT, "verify", "-l", "root.layout", "-k", &public];
    let mut terminal = Terminal::of_kind("xterm", folder.path(), &words);
    terminal.expect("materials [");
    terminal.expect("/256.00 GiB");
    terminal.send(b"\x03");
    assert_eq!(terminal.end(), Some(130));
    assert_eq!(last_line(&terminal.whole_text()), "");
    assert!(!folder.has("ran"));
}

#[test]
fn a_signal_that_is_ignored_stays_ignored_under_the_bar() {
    let folder = Folder::new();
    let script = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"];
    let script = script.into_iter().map(str::to_owned);
    let words: Vec<String> = script.chain(endless(&folder)).collect();
    let mut terminal = of_kind("xterm", &folder, &words);
    terminal.expect("materials [");
    kill_process(terminal.leader(), Signal::HUP).unwrap();
    for _ in 0..3 {
        terminal.expect("materials [");
    }
    terminal.send(b"\x03");
    assert_eq!(terminal.end(), Some(130));
}

#[test]
fn the_bar_is_gone_before_anything_else_is_written() {
    let folder = Folder::new();
    let mut words = endless(&folder);
    let mut terminal = of_kind("xterm", &folder, &words);
    terminal.expect("materials [");
    // The file ends early, and is not there when it is to be read again.
    let file = File::options().write(true).open(folder.at("large"));
    std::fs::remove_file(folder.at("large")).unwrap();
    file.unwrap().set_len(1).unwrap();
    terminal.expect("linkwright: error: ");
    assert_eq!(terminal.end(), Some(125));
    let text = terminal.text();
    let before = text.split("linkwright: error").next().unwrap();
    assert_eq!(last_line(before), "", "{text:?}");
    assert!(before.contains("materials ["), "{text:?}");
    // The command has the terminal for itself, and its products have a bar again.
    let script = "truncate -s 256G large; test -t 2 && printf 'com''mand\\n'";
    let at = words.len() - 2;
    words.truncate(at);
    words.extend(["sh", "-c", script].map(str::to_owned));
    words.splice(2..2, ["-p", "large"].map(str::to_owned));
    folder.write("large", "1");
    let mut terminal = of_kind("xterm", &folder, &words);
    terminal.expect("products [");
    let text = terminal.text();
    assert!(text.starts_with("command\r\n"), "{text:?}");
    terminal.send(b"\x03");
    assert_eq!(terminal.end(), Some(130));
    let text = terminal.whole_text();
    assert_eq!(last_line(&text), "", "{text:?}");
}
