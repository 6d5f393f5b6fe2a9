//! What an inspection may use of the machine: processes, disk, memory, processor time.

use super::*;

#[test]
fn a_fork_bomb_ends() {
    for user in users() {
        let mut trial = Trial::of(user).with(&["--inspection-timeout", "100"]);
        trial.alone = true;
        let answer = trial.script("f() { f | f & } 2>/dev/null; f 2>/dev/null; sleep 1000");
        if answer.is_protected(PROCESSES) {
            answer.fails_saying("more than 1024 processes");
        }
    }
}

#[test]
fn it_cannot_fill_the_disk() {
    for user in users() {
        let trial = Trial::of(user).with(&["--inspection-space", "16"]);
        let many =
            "i=0; while true; do head -c 1000000 /dev/zero > $i || exit 3; i=$((i + 1)); done";
        let open = "for i in 3 4 5 6 7 8 9; do eval \"exec $i> x\"; rm x; \
            eval \"head -c 9000000 /dev/zero >&$i\"; done; sleep 1000";
        let answer = trial.script(many);
        if answer
            .message("inspection-ran")
            .unwrap()
            .contains(PROCESSES)
        {
            answer.fails_saying("wrote more than 16 MiB");
            trial.script(open).fails_saying("wrote more than 16 MiB");
            trial
                .script("cat /dev/zero > one")
                .fails_saying("its command");
        }
        trial.script("head -c 9000000 /dev/zero > x").passes();
    }
}

/// Files that are unlinked, closed, and only mapped, and files in a folder that nobody may enter.
#[test]
fn it_cannot_fill_the_disk_out_of_sight() {
    for user in users() {
        let trial = Trial::of(user).with(&["--inspection-space", "16"]);
        if has("python3") {
            let mapped = "import mmap, os, time
for i in range(8):
    file = open('x', 'w+b')
    file.truncate(9000000)
    file.write(b'x' * 9000000)
    file.flush()
    globals()['kept%d' % i] = mmap.mmap(file.fileno(), 4096)
    os.unlink('x')
    file.close()
for i in range(3, 20):
    try: os.close(i)
    except OSError: pass
time.sleep(1000)";
            let answer = trial.run(&["python3", "-c", mapped]);
            if answer.is_protected(LIMITS) {
                answer.fails_saying("wrote more than 16 MiB");
            }
        }
        let closed = "mkdir d; for i in 3 4 5 6 7 8 9; do eval \"exec $i> d/$i\"; done; chmod 0 d
            for i in 3 4 5 6 7 8 9; do eval \"head -c 9000000 /dev/zero >&$i\"; done; sleep 1000";
        for trial in [
            trial,
            Trial::of(user)
                .with(&["--inspection-space", "16"])
                .lacking(&[libc::SYS_unshare]),
        ] {
            let answer = trial.script(closed);
            if answer.is_protected(LIMITS) {
                answer.fails_saying("wrote more than 16 MiB");
            }
        }
    }
}

#[test]
fn it_cannot_eat_the_memory() {
    if !has("perl") {
        return;
    }
    for user in users() {
        let trial = Trial::of(user).with(&["--inspection-memory", "256"]);
        // The kernel gives one process no more than that.
        let one = trial.run(&["perl", "-e", "my $x = 'x' x 1_000_000_000; sleep 1000"]);
        if !one.is_protected(LIMITS) {
            continue;
        }
        one.fails_saying("its command returned");
        let many = "for i in 1 2 3 4 5 6; do
            perl -e 'my $x = \"x\" x 40_000_000; $x .= $x; sleep 1000' & done; wait";
        trial
            .script(many)
            .fails_saying("more than 256 MiB of memory");
        // What is only shared is counted once.
        let forked = "my $x = 'x' x 90_000_000; for (1..6) { fork or do { sleep 1; exit } }
            1 while wait > 0; exit 0";
        trial.run(&["perl", "-e", forked]).passes();
    }
}

/// Memory that belongs to no single process: shared without a file, mapped but not to be seen as such,
/// kept in a file in memory or by the system.
#[test]
fn it_cannot_hide_memory() {
    if !has("python3") {
        return;
    }
    for user in users() {
        let trial = Trial::of(user).with(&["--inspection-memory", "128"]);
        let shared = "import mmap, time
kept = []
for i in range(60):
    kept.append(mmap.mmap(-1, 16 << 20))
    kept[-1].write(b'x' * (16 << 20))
    kept[-1].madvise(mmap.MADV_DONTNEED)
time.sleep(1000)";
        let answer = trial.run(&["python3", "-c", shared]);
        if !answer.is_protected(LIMITS) {
            continue;
        }
        answer.fails_saying("more than 128 MiB of memory");
        let files = "import os, ctypes
try: os.memfd_create('x'); exit(7)
except OSError: pass
libc = ctypes.CDLL(None)
exit(8 if libc.shmget(0, 1 << 20, 0o1600) >= 0 else 0)";
        let answer = trial.run(&["python3", "-c", files]);
        if answer.is_protected(SOCKETS) {
            answer.passes();
        }
    }
}

#[test]
fn it_cannot_burn_the_processor() {
    for user in users() {
        let trial = Trial::of(user).with(&["--inspection-cpu", "1"]);
        let one = trial.script("while :; do :; done");
        if !one.is_protected(LIMITS) {
            continue;
        }
        one.fails_saying("more than 1 second of processor time");
        // Nor by many, of which each uses little, nor by those that have ended.
        trial
            .script("for i in 1 2 3 4 5 6; do (while :; do :; done) & done; wait")
            .fails_saying("more than 1 second of processor time");
        trial
            .script("while :; do (i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done); done")
            .fails_saying("more than 1 second of processor time");
    }
}

#[test]
fn the_limits_hold_without_namespaces_too() {
    for user in users() {
        let words = ["--inspection-cpu", "1", "--inspection-memory", "256"];
        let trial = Trial::of(user).with(&words).lacking(&[libc::SYS_unshare]);
        let busy = trial.script("while :; do :; done");
        if !busy.is_protected(LIMITS) {
            continue;
        }
        busy.fails_saying("more than 1 second of processor time");
        if has("perl") {
            let many = "for i in 1 2 3 4 5 6; do
                perl -e 'my $x = \"x\" x 80_000_000; sleep 1000' & done; wait";
            trial
                .script(many)
                .fails_saying("more than 256 MiB of memory");
        }
    }
}

/// A program that cannot be read, and a call that there is without seccomp, keep the watch from seeing
/// what a process has. A name that is no text did, and so does a first thread that has ended.
#[test]
fn an_undumpable_process_is_counted() {
    if !has("perl") {
        return;
    }
    let unreadable = "cp \"$(command -v perl)\" p; chmod 111 p; perl=./p; first=";
    let forbidden = format!(
        "perl=perl; first='syscall({}, 4, 0, 0, 0, 0);'",
        libc::SYS_prctl
    );
    let renamed = "perl=perl; first='$0 = \"\\xff\";'";
    let ways: [(&[i64], &str); 5] = [
        (&[], unreadable),
        (&[libc::SYS_unshare], unreadable),
        (&[libc::SYS_seccomp], &forbidden),
        (&[libc::SYS_unshare, libc::SYS_seccomp], &forbidden),
        (&[], renamed),
    ];
    for user in users() {
        for (lacking, hide) in ways {
            let trial = |words: &[&str]| Trial::of(user).with(words).lacking(lacking);
            let memory = format!(
                "{hide}; for i in 1 2 3 4 5 6; do
                $perl -e \"$first\"'my $x = \"x\" x 80_000_000; sleep 1000' & done; wait"
            );
            let answer = trial(&["--inspection-memory", "256"]).script(&memory);
            if answer.is_protected(LIMITS) {
                answer.fails_saying("more than 256 MiB of memory");
            }
            let disk = format!(
                "{hide}; $perl -e \"$first\"'for (1..8) {{ open($f[$_], \">\", \"x\"); unlink \"x\";
                syswrite($f[$_], \"x\" x 9_000_000) }} sleep 1000'"
            );
            let answer = trial(&["--inspection-space", "16"]).script(&disk);
            if answer.is_protected(LIMITS) {
                answer.fails_saying("wrote more than 16 MiB");
            }
        }
    }
}

#[test]
fn the_threads_of_a_process_are_counted_when_the_first_has_ended() {
    if !has("python3") {
        return;
    }
    let program = "import ctypes, threading, time
def hold():
    kept = b'x' * 80000000
    time.sleep(1000)
threading.Thread(target=hold).start()
ctypes.CDLL(None).syscall(EXIT, 0)"
        .replace("EXIT", &libc::SYS_exit.to_string());
    let script = format!("for i in 1 2 3 4 5 6; do python3 -c \"{program}\" & done; sleep 1000");
    for user in users() {
        let ways: [&[i64]; 2] = [&[], &[libc::SYS_unshare]];
        for lacking in ways {
            let trial = Trial::of(user).with(&["--inspection-memory", "256"]);
            let answer = trial.lacking(lacking).script(&script);
            if answer.is_protected(LIMITS) {
                answer.fails_saying("more than 256 MiB of memory");
            }
        }
    }
}

/// What whoever verifies may not do is not granted: a limit that is lower already stays.
#[test]
fn limits_that_are_lower_already_are_no_failure() {
    for user in users() {
        let folder = Folder::new();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        folder.write(
            "low",
            "#!/bin/sh\nulimit -f 20480\nulimit -t 1000\nexec \"$@\"\n",
        );
        fs::set_permissions(folder.at("low"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut trial = Trial::of(user);
        trial.under = Some(folder.at("low"));
        trial
            .script("head -c 20000000 /dev/zero > x")
            .fails_saying("its command");
        trial.script("head -c 1000000 /dev/zero > x").passes();
    }
}

/// A file of holes takes no room on the disk, and many of them take hours to read.
#[test]
fn what_takes_too_long_to_record_is_given_up() {
    for user in users() {
        // Enough for the command on a busy machine.
        let trial = Trial::of(user).with(&["--inspection-timeout", "3"]);
        let answer = trial.script("truncate -s 3900M $(seq 200)");
        assert_eq!(answer.status, Some(1), "{answer:?}");
        let said = answer.message("inspection-failed");
        let expected = "cannot be read within 3 seconds (--inspection-timeout)";
        assert!(
            said.is_some_and(|said| said.contains(expected)),
            "{answer:?}"
        );
    }
}
