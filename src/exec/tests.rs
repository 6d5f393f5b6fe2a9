//! Small process trees. What needs a signal sent to this process, or a terminal, is tested through
//! the program itself.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test names the outcome it expects"
)]

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{
    Command, Environment, ExecError, Finished, MAX_STORED_STREAM, Outcome, Output, StartError,
    Stdin, TerminalUse, run,
};
use crate::event::Silent;

/// No case waits on purpose for longer; only a hang does.
const HANG: Duration = Duration::from_secs(120);

fn words<const N: usize>(argv: [&str; N]) -> Command {
    let mut command = Command::new(argv.map(OsString::from).to_vec());
    command.stdin = Stdin::Null;
    command.terminal = TerminalUse::Keep;
    command.output = Output::Capture {
        cap: MAX_STORED_STREAM,
    };
    command
}

fn shell(script: &str) -> Command {
    words(["sh", "-c", script])
}

/// Runs it, but not for ever.
fn finish(command: Command) -> Finished {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(Box::new(run(&command, &Silent))));
    receiver.recv_timeout(HANG).unwrap().unwrap()
}

fn code(finished: &Finished) -> u8 {
    match &finished.outcome {
        Outcome::Exited { code } => *code,
        other => panic!("expected an exit status, found {other:?}"),
    }
}

fn refusal(finished: Finished) -> StartError {
    match finished.outcome {
        Outcome::NotStarted(error) => error,
        other => panic!("expected that nothing ran, found {other:?}"),
    }
}

/// A file with this text, written by a process of its own: were it written here, a child started
/// by another test at that moment would hold it open and keep it from being executed.
fn script(folder: &Path, name: &str, text: &str, mode: &str) -> String {
    let file = folder.join(name).to_str().unwrap().to_owned();
    let mut write = shell("printf '%s' \"$2\" >\"$1\" && chmod \"$3\" \"$1\"");
    for word in ["sh", &file, text, mode] {
        write.argv.push(word.into());
    }
    assert_eq!(code(&finish(write)), 0);
    file
}

fn process_in(text: &[u8]) -> Pid {
    let text = std::str::from_utf8(text).unwrap();
    Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

/// Whether the process ends soon. A zombie whose parent is gone counts as ended.
fn ends(process: Pid) -> bool {
    let end = Instant::now() + HANG;
    while Instant::now() < end {
        let status = format!("/proc/{}/stat", process.as_raw_nonzero());
        let zombie = fs::read_to_string(status).is_ok_and(|text| text.contains(") Z "));
        if zombie || test_kill_process(process) == Err(Errno::SRCH) {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn exit_status_is_the_command_s() {
    for status in [0, 1, 42, 126, 127, 128, 255] {
        let finished = finish(shell(&format!("exit {status}")));
        assert_eq!(code(&finished), status);
    }
}

#[test]
fn death_by_a_signal_is_not_an_exit_status() {
    // Not SIGHUP: under nohup it stays ignored.
    for signal in [2, 3, 9, 15] {
        let finished = finish(shell(&format!("kill -{signal} $$")));
        match finished.outcome {
            Outcome::Signaled { signal: found } => assert_eq!(found, signal),
            other => panic!("expected signal {signal}, found {other:?}"),
        }
        assert_eq!(finished.interrupted, None);
    }
}

#[test]
fn empty_command_is_refused() {
    let refused = run(&Command::new(Vec::new()), &Silent);
    assert!(matches!(refused, Err(ExecError::Empty)));
}

#[test]
fn missing_program_is_not_found() {
    for program in ["no-such-program-anywhere", "/no/such/file", "./no-such", ""] {
        let error = refusal(finish(words([program])));
        assert!(matches!(&error, StartError::NotFound { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("`{program}` was not found"));
    }
}

#[test]
fn missing_interpreter_is_told_from_a_missing_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), "tool", "#!/no/such/shell\n", "755");
    let error = refusal(finish(words([&file])));
    assert!(
        matches!(error, StartError::NoInterpreter { .. }),
        "{error:?}"
    );
}

#[test]
fn file_that_cannot_be_executed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let no_bit = script(folder.path(), "no-bit", "#!/bin/sh\n", "644");
    let no_format = script(folder.path(), "no-format", "echo run by a shell\n", "755");
    let below_a_file = format!("{no_bit}/tool");
    for program in [&no_bit, &no_format, "/", &below_a_file] {
        let error = refusal(finish(words([program])));
        assert!(
            matches!(error, StartError::NotExecutable { .. }),
            "{program}: {error:?}"
        );
    }
}

#[test]
fn file_without_interpreter_line_found_in_path_is_not_given_to_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "no-format", "echo run by a shell\n", "755");
    let mut command = words(["no-format"]);
    command.environment = Environment::Only(vec![("PATH".into(), folder.path().into())]);
    let error = refusal(finish(command));
    assert!(
        matches!(error, StartError::NotExecutable { .. }),
        "{error:?}"
    );
}

#[test]
fn path_search_passes_over_files_that_are_not_executable() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    fs::create_dir_all(first.join("folder")).unwrap();
    fs::create_dir(&second).unwrap();
    script(&first, "tool", "#!/bin/sh\nexit 1\n", "644");
    script(&second, "tool", "#!/bin/sh\nexit 7\n", "755");
    let path = format!("{}:{}", first.display(), second.display());
    let environment = Environment::Only(vec![("PATH".into(), path.into())]);

    let mut command = words(["tool"]);
    command.environment = environment.clone();
    assert_eq!(code(&finish(command)), 7);

    let mut command = words(["folder"]);
    command.environment = environment;
    let error = refusal(finish(command));
    assert!(
        matches!(error, StartError::NotExecutable { .. }),
        "{error:?}"
    );
}

#[test]
fn folder_that_cannot_be_entered_is_named() {
    let mut command = shell("true");
    command.folder = Some("/no/such/folder".into());
    let error = refusal(finish(command));
    assert_eq!(
        error.to_string(),
        "`sh` cannot run in the folder `/no/such/folder`"
    );
}

#[test]
fn nul_in_an_argument_starts_nothing() {
    let error = refusal(finish(words(["echo", "a\0b"])));
    assert!(matches!(error, StartError::Other { .. }), "{error:?}");
}

#[test]
fn command_runs_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let mut command = shell("pwd -P");
    command.folder = Some(folder.clone());
    let text = format!("{}\n", folder.display());
    assert_eq!(finish(command).stdout.bytes, text.as_bytes());
}

#[test]
fn relative_program_is_seen_from_our_folder() {
    let ours = std::env::current_dir().unwrap();
    let here = tempfile::tempdir_in(&ours).unwrap();
    script(here.path(), "tool", "#!/bin/sh\nexit 7\n", "755");
    let relative = here.path().strip_prefix(&ours).unwrap_or(here.path());
    let mut command = words([relative.join("tool").to_str().unwrap()]);
    command.folder = Some("/".into());
    assert_eq!(code(&finish(command)), 7);
}

#[test]
fn program_sees_the_name_it_was_called_by() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/bin/sh", folder.path().join("called-so")).unwrap();
    let mut command = words(["called-so", "-c", "echo $0"]);
    command.environment = Environment::Only(vec![("PATH".into(), folder.path().into())]);
    command.folder = Some("/".into());
    assert_eq!(finish(command).stdout.bytes, b"called-so\n");
}

#[test]
fn only_the_named_variables_are_seen() {
    let mut command = words(["/usr/bin/env"]);
    command.environment = Environment::Only(vec![
        ("A".into(), "1".into()),
        ("B".into(), "x=y".into()),
        ("A".into(), "2".into()),
    ]);
    assert_eq!(finish(command).stdout.bytes, b"A=2\nB=x=y\n");
}

#[test]
fn null_stdin_is_at_its_end() {
    let finished = finish(shell("cat; echo end"));
    assert_eq!(finished.stdout.bytes, b"end\n");
}

#[test]
fn flood_on_one_stream_does_not_block_the_other() {
    let mut command = shell("head -c 10485760 /dev/zero >&2; echo done");
    command.output = Output::Capture { cap: 16 << 20 };
    let finished = finish(command);
    assert_eq!(finished.stdout.bytes, b"done\n");
    assert_eq!(finished.stderr.total, 10 << 20);
    assert_eq!(finished.stderr.bytes.len(), 10 << 20);
    assert!(!finished.stderr.cut);
}

#[test]
fn binary_output_is_kept_byte_for_byte() {
    let finished = finish(shell(r"printf '\000\377\r\n\r\200no newline'"));
    assert_eq!(finished.stdout.bytes, b"\0\xff\r\n\r\x80no newline");
    assert_eq!(finished.stderr.bytes, b"");
    assert!(!finished.stdout.detached);
}

#[test]
fn cap_cuts_what_is_stored_but_not_what_is_counted() {
    for (cap, stored, cut) in [(0, 0, true), (9, 9, true), (10, 10, false), (11, 10, false)] {
        let mut command = shell("printf 0123456789");
        command.output = Output::Capture { cap };
        let stdout = finish(command).stdout;
        assert_eq!((stdout.bytes.len(), stdout.cut), (stored, cut), "cap {cap}");
        assert_eq!(stdout.total, 10);
    }
}

#[test]
fn survivor_that_holds_a_stream_is_not_waited_for_and_lives() {
    let finished = finish(shell("sleep 1000 & echo $!"));
    assert_eq!(code(&finished), 0);
    assert!(finished.stdout.detached && finished.stderr.detached);
    let survivor = process_in(&finished.stdout.bytes);
    assert_eq!(test_kill_process(survivor), Ok(()));
    kill_process(survivor, Signal::KILL).unwrap();
}

#[test]
fn survivor_that_keeps_writing_is_not_waited_for() {
    let finished = finish(shell("echo $$; yes >&2 & exec true"));
    assert!(finished.stderr.detached);
    assert!(!finished.stderr.bytes.is_empty());
}

#[test]
fn survivor_that_lets_go_of_the_streams_is_not_noticed() {
    let finished = finish(shell("sleep 1000 >/dev/null 2>&1 & echo $!"));
    assert!(!finished.stdout.detached && !finished.stderr.detached);
    let survivor = process_in(&finished.stdout.bytes);
    kill_process(survivor, Signal::KILL).unwrap();
}

#[test]
fn time_limit_ends_the_whole_group() {
    let mut command = shell("sleep 1000 & echo $!; wait");
    command.time_limit = Some(Duration::from_millis(300));
    let finished = finish(command);
    assert!(matches!(finished.outcome, Outcome::TimedOut { .. }));
    assert!(ends(process_in(&finished.stdout.bytes)));
}

#[test]
fn time_limit_kills_who_ignores_the_request_to_end() {
    let mut command = shell("trap '' TERM; sleep 1000 & echo $!; wait; while :; do sleep 1; done");
    command.time_limit = Some(Duration::from_millis(300));
    let finished = finish(command);
    assert!(matches!(finished.outcome, Outcome::TimedOut { .. }));
    assert!(ends(process_in(&finished.stdout.bytes)));
}

#[test]
fn time_limit_kills_a_grandchild_that_outlives_the_command() {
    let mut command = shell(
        "(trap '' TERM; echo ready >&2; while :; do sleep 1; done) & echo $!; exec sleep 1000",
    );
    command.time_limit = Some(Duration::from_millis(500));
    let finished = finish(command);
    assert!(matches!(finished.outcome, Outcome::TimedOut { .. }));
    assert!(ends(process_in(&finished.stdout.bytes)));
    assert!(!finished.stdout.detached);
}

#[test]
fn time_limit_that_is_not_reached_changes_nothing() {
    for limit in [HANG, Duration::MAX] {
        let mut command = shell("exit 3");
        command.time_limit = Some(limit);
        assert_eq!(code(&finish(command)), 3);
    }
}

#[test]
fn command_stopped_without_a_terminal_is_waited_for() {
    let finished = finish(shell("(sleep 0.2; kill -CONT $$) & kill -STOP $$; exit 5"));
    assert_eq!(code(&finished), 5);
}
