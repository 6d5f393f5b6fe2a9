//! What several cases need: a folder of its own, the binary, an end to every wait.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::RwLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub(crate) mod terminal;

/// The program under test.
pub(crate) const LINKWRIGHT: &str = env!("CARGO_BIN_EXE_linkwright");

/// No case waits on purpose for longer; only a hang does.
pub(crate) const HANG: Duration = Duration::from_secs(120);

/// Commands of inspections, and one that uses up all processes that its user may have: whoever runs the
/// first reads, whoever runs the other writes.
pub(crate) static INSPECTING: RwLock<()> = RwLock::new(());

/// By these a CI makes itself known, which would change what is said.
pub(crate) const CI: [&str; 3] = ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"];

/// Of the committed test keys, `owner`, `alice`, `bob`, `carol`, `ecdsa` or `encrypted`.
pub(crate) fn key(name: &str) -> String {
    format!(
        "{}/tests/data/test-only-{name}.pem",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// The public half of [`key`].
pub(crate) fn public(name: &str) -> String {
    format!("{}.pub", key(name))
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn out(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }
}

/// Waits, but not for ever.
pub(crate) fn finish(child: Child) -> Ended {
    let pid = pid_of(&child);
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(HANG) else {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("it hangs");
    };
    let output = output.unwrap();
    Ended {
        status: output.status.code(),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

/// Asks until there is an answer, but not for ever.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + HANG;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "never happened: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process has ended. A zombie, whose parent has not looked yet, counts as ended.
pub(crate) fn gone(pid: i32) -> bool {
    state_and_parent(pid).is_none_or(|(state, _)| matches!(state, 'Z' | 'X'))
}

/// The letter of a process's state, and its parent; see `proc_pid_stat(5)`.
pub(crate) fn state_and_parent(pid: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

/// A folder of its own for one case.
#[derive(Debug)]
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Beside what is built: temporary files are often on a file system of which no digests are taken
    /// over.
    pub(crate) fn on_disk() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    pub(crate) fn inside(folder: &Path) -> Self {
        Self(tempfile::tempdir_in(folder).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.at(name).symlink_metadata().is_ok()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// All that is in the folder itself, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The binary in this folder, with nothing on its standard input.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LINKWRIGHT);
        for name in CI {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.path())
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn linkwright(&self, arguments: &[&str]) -> Ended {
        finish(self.command(arguments).spawn().unwrap())
    }
}
