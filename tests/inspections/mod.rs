//! What the command of an inspection can do to whoever verifies: one case for each attempt, with the
//! binary, as the user who runs the tests and, where that is root, as an ordinary user too.
//!
//! What a machine has no protection for cannot be shown on it. Such a case then says so on standard
//! error, and holds that the report names what is lacking; where `LINKWRIGHT_TESTS_MUST_SHOW` is
//! `sandbox`, as in continuous integration, it fails.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::{fs, io, thread};

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};
use serde_json::{Value, json};

mod attempts;
mod interrupted;
mod limits;
mod links;
mod reflink;

use crate::support::{Ended, Folder, INSPECTING, LINKWRIGHT, finish, key, public, wait_for};

/// Any that nobody has.
const SOMEBODY: u32 = 54321;

/// A copy of the binary that everybody may run.
fn binary() -> &'static Path {
    static COPY: OnceLock<(Folder, PathBuf)> = OnceLock::new();
    let (_, path) = COPY.get_or_init(|| {
        let folder = Folder::new();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.at("linkwright");
        fs::copy(LINKWRIGHT, &path).unwrap();
        fs::copy(public("alice"), folder.at("key")).unwrap();
        fs::set_permissions(folder.at("key"), fs::Permissions::from_mode(0o644)).unwrap();
        (folder, path)
    });
    path
}

fn users() -> Vec<Option<u32>> {
    let root = rustix::process::geteuid().is_root();
    if root {
        vec![None, Some(SOMEBODY)]
    } else {
        vec![None]
    }
}

/// A folder in which a verification runs one command, and somewhere else.
struct Trial {
    folder: Folder,
    elsewhere: Folder,
    user: Option<u32>,
    arguments: Vec<String>,
    /// System calls that there are not.
    lacking: Vec<i64>,
    /// Whether no other command of an inspection may run meanwhile.
    alone: bool,
    /// A program that starts the verification.
    under: Option<PathBuf>,
    /// Where temporary files go.
    temporary: Option<Folder>,
    materials: Value,
    products: Value,
}

impl Trial {
    fn of(user: Option<u32>) -> Self {
        Self {
            folder: Folder::new(),
            elsewhere: Folder::new(),
            user,
            arguments: Vec::new(),
            lacking: Vec::new(),
            alone: false,
            under: None,
            temporary: None,
            materials: json!([]),
            products: json!([]),
        }
    }

    fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        self
    }

    fn lacking(mut self, calls: &[i64]) -> Self {
        self.lacking = calls.to_vec();
        self
    }

    fn elsewhere(&self, name: &str) -> String {
        self.elsewhere.at(name).to_str().unwrap().to_owned()
    }

    fn script(&self, script: &str) -> Answer {
        self.run(&["sh", "-c", script])
    }

    fn run(&self, command: &[&str]) -> Answer {
        let _inspecting = (!self.alone).then(|| INSPECTING.read());
        let _alone = self.alone.then(|| INSPECTING.write());
        Answer::of(&finish(self.start(command)))
    }

    fn start(&self, command: &[&str]) -> Child {
        let layout = json!({"signed": {"_type": "layout", "expires": "2999-01-01T00:00:00Z",
            "keys": {}, "readme": "", "steps": [], "inspect": [{"_type": "inspection", "name": "i",
            "run": command, "expected_materials": self.materials,
            "expected_products": self.products}]}, "signatures": []});
        self.folder.write("root.layout", layout.to_string());
        let signed = self
            .folder
            .linkwright(&["sign", "root.layout", "-k", &key("alice")]);
        assert_eq!(signed.status, Some(0), "{signed:?}");
        let public = binary().with_file_name("key");
        let mut verify = match &self.under {
            Some(program) => Command::new(program),
            None => Command::new(binary()),
        };
        verify
            .args(self.under.is_some().then(binary))
            .args(["verify", "-l", "root.layout", "--format", "json", "-k"])
            .arg(public)
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.elsewhere.path())
            .env("TOKEN", "only-for-the-verifier")
            .envs(
                self.temporary
                    .as_ref()
                    .map(|folder| ("TMPDIR", folder.path())),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(user) = self.user {
            for folder in [&self.folder, &self.elsewhere] {
                belongs_to(folder.path(), user);
            }
            verify.uid(user).gid(user);
        }
        // A thread gives the system calls up for itself and what it starts.
        thread::scope(|scope| {
            let start = || {
                forget(&self.lacking);
                verify.spawn().unwrap()
            };
            scope.spawn(start).join().unwrap()
        })
    }
}

/// Makes this thread's system one that has not these calls.
fn forget(calls: &[i64]) {
    let rules: BTreeMap<i64, Vec<SeccompRule>> =
        calls.iter().map(|&call| (call, Vec::new())).collect();
    if rules.is_empty() {
        return;
    }
    let target = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, absent, target).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}

fn belongs_to(path: &Path, user: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            belongs_to(&entry.unwrap().path(), user);
        }
    }
}

/// What the verification said.
#[derive(Debug)]
struct Answer {
    status: Option<i32>,
    report: Value,
}

impl Answer {
    fn of(ended: &Ended) -> Self {
        let report = serde_json::from_slice(&ended.out);
        Self {
            status: ended.status,
            report: report.unwrap_or_else(|error| panic!("{error}: {ended:?}")),
        }
    }

    fn message(&self, code: &str) -> Option<&str> {
        let mut findings = self.report["items"][0]["findings"]
            .as_array()
            .unwrap()
            .iter();
        let found = findings.find(|finding| finding["code"] == code)?;
        found["message"].as_str()
    }

    /// Whether the protection is there that these words of the report's list stand for. If not, the
    /// report must say what is lacking, and so does this.
    fn is_protected(&self, words: &str) -> bool {
        self.is_protected_by_one_of(&[words])
    }

    fn is_protected_by_one_of(&self, ways: &[&str]) -> bool {
        let held = self.message("inspection-ran").unwrap_or_default();
        if ways.iter().any(|words| held.contains(words)) {
            return true;
        }
        let lacking = self.message("inspection-exposed").unwrap_or_default();
        assert!(!lacking.is_empty(), "neither held nor lacking: {self:?}");
        not_shown(&format!("{}: {lacking}", ways.join(", ")));
        false
    }

    #[track_caller]
    fn passes(&self) -> &Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }

    #[track_caller]
    fn fails_saying(&self, words: &str) {
        assert_eq!(self.status, Some(1), "{self:?}");
        let why = self.message("inspection-failed");
        assert!(why.is_some_and(|why| why.contains(words)), "{self:?}");
    }
}

/// Has the value `sandbox` where every case about the sandbox must be shown, or fail.
const MUST_SHOW: &str = "LINKWRIGHT_TESTS_MUST_SHOW";

fn not_shown(what: &str) {
    let must = std::env::var(MUST_SHOW).unwrap_or_default();
    assert_ne!(must, "sandbox", "not shown on this machine: {what}");
    say_not_shown(what);
}

/// Past the capture of the tests' own output, so that it is seen of a test that passes.
fn say_not_shown(what: &str) {
    let line = format!("not shown on this machine: {what}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

const FILES: &str = "guarded by Landlock";
const SOCKETS: &str = "no sockets";
const PROCESSES: &str = "process namespace";
const LIMITS: &str = " of processor time";

/// Whether there is this program; if not, a case says so.
fn has(program: &str) -> bool {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin"];
    let is_there = folders
        .map(Path::new)
        .iter()
        .any(|folder| folder.join(program).exists());
    if !is_there {
        not_shown(&format!("there is no {program}"));
    }
    is_there
}

#[test]
fn the_folder_of_the_caller_stays_as_it_is() {
    for user in users() {
        let mut trial = Trial::of(user);
        trial.folder.write("file", "one");
        trial.folder.write("folder/file", "one");
        trial.materials = json!([["REQUIRE", "file"]]);
        trial.products = json!([["DISALLOW", "file"], ["REQUIRE", "folder/made"]]);
        let names = ["file", "folder", "root.layout"];
        let removes = "rm file; echo two > folder/file; touch folder/made; chmod 700 .";
        trial.script(removes).passes();
        assert_eq!(trial.folder.names(), names);
        assert_eq!(trial.folder.read("file"), b"one");
        assert_eq!(trial.folder.read("folder/file"), b"one");
        assert!(!trial.folder.has("folder/made"));
    }
}

#[test]
fn it_writes_nowhere_else() {
    for user in users() {
        let trial = Trial::of(user);
        trial.elsewhere.write("file", "one");
        trial.elsewhere.write("linked", "one");
        fs::hard_link(trial.elsewhere.at("linked"), trial.folder.at("hard")).unwrap();
        let (file, new) = (trial.elsewhere("file"), trial.elsewhere("new"));
        let mode = || {
            fs::metadata(trial.elsewhere.at("file"))
                .unwrap()
                .permissions()
                .mode()
        };
        let before = mode();
        let caller = trial.folder.at("new");
        let script = format!(
            "echo two > {file}; echo two > {new}; rm -f {file}; echo two > {};
            echo two > hard; chmod 777 {file}; ln -s {file} out; echo two > out; rm out; touch -d 2001-01-01 {file}; truncate -s 0 {file};
            mv {file} .; ln {file} again; mkdir $HOME/x $TMPDIR/x && echo its own are there",
            caller.display()
        );
        let answer = trial.script(&script);
        answer.passes();
        assert!(
            answer
                .message("inspection-ran")
                .unwrap()
                .contains("its own are there")
        );
        assert!(!trial.folder.has("new"));
        assert_eq!(trial.elsewhere.read("linked"), b"one");
        if answer.is_protected(FILES) {
            assert_eq!(trial.elsewhere.read("file"), b"one");
            assert_eq!(trial.elsewhere.names(), ["file", "linked"]);
        }
        if answer.is_protected_by_one_of(&["read-only", "owns no file"]) {
            assert_eq!(mode(), before);
        }
    }
}

#[test]
fn it_reads_nothing_of_ours() {
    for user in users() {
        let trial = Trial::of(user);
        trial.elsewhere.write("secret", "only-for-the-verifier");
        trial
            .elsewhere
            .write("folder/secret", "only-for-the-verifier");
        let (folder, secret) = (trial.elsewhere("folder"), trial.elsewhere("secret"));
        let script = format!(
            "ln -s {secret} out; cp {secret} x; ln {secret} y; grep -rs for-the {secret} {folder} out x y && exit 7
            ls {folder} && exit 8; rm out; true"
        );
        let answer = trial.script(&script);
        if answer.is_protected(FILES) {
            answer.passes();
        }
    }
}

#[test]
fn it_does_not_see_the_verifiers_environment() {
    for user in users() {
        let trial = Trial::of(user);
        let clean = trial.script("env | sed 's/=.*//' | sort | tr '\\n' ' '");
        clean.passes();
        let printed = clean.message("inspection-ran").unwrap();
        let names = printed.split("it printed `").nth(1).unwrap();
        for name in names.trim_end_matches('`').split_whitespace() {
            let known = [
                "HOME", "LANG", "PATH", "PWD", "TMPDIR", "OLDPWD", "SHLVL", "_",
            ];
            assert!(known.contains(&name), "{name}");
        }
        let script = "cat /proc/$PPID/environ /proc/*/environ /proc/*/task/*/environ 2>/dev/null | \
            tr '\\0' '\\n' | grep -q '^TOKEN=' && exit 7; true";
        let answer = trial.script(script);
        if answer.is_protected(FILES) {
            answer.passes();
        }
        let asked = Trial::of(user).with(&["--inspection-env", "TOKEN"]);
        asked.script("test $TOKEN = only-for-the-verifier").passes();
    }
}

#[test]
fn it_opens_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let named = format!("linkwright-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&named).unwrap();
    let hidden = UnixListener::bind_addr(&address).unwrap();
    hidden.set_nonblocking(true).unwrap();
    for user in users() {
        let trial = Trial::of(user);
        let path = trial.elsewhere("socket");
        let local = UnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(trial.elsewhere.path(), fs::Permissions::from_mode(0o777)).unwrap();
        local.set_nonblocking(true).unwrap();
        if !has("perl") {
            return;
        }
        let script = format!(
            "use Socket;
            sub try {{ my ($kind, $to) = @_;
                if (socket(my $s, $kind, SOCK_STREAM, 0)) {{ connect($s, $to) and exit 7; }} }}
            try(PF_INET, pack_sockaddr_in({port}, inet_aton('127.0.0.1')));
            try(PF_UNIX, pack_sockaddr_un('{path}'));
            try(PF_UNIX, pack_sockaddr_un(\"\\0{named}\"));
            exit 0"
        );
        let answer = trial.run(&["perl", "-e", &script]);
        if answer.is_protected(SOCKETS) {
            answer.passes();
            assert!(listener.accept().is_err());
            assert!(local.accept().is_err());
            assert!(hidden.accept().is_err());
        }
    }
}

fn runs_with(word: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| {
            String::from_utf8_lossy(&line)
                .split('\0')
                .any(|part| part == word)
        })
}

#[test]
fn nothing_that_it_leaves_behind_goes_on() {
    for user in users() {
        let trial = Trial::of(user).with(&["--inspection-timeout", "60"]);
        let time = format!("98765.{}", std::process::id());
        let script = format!(
            "sleep {time} & setsid sleep {time} & (setsid sh -c 'sleep {time} & sleep {time}' &) ;
            nohup sleep {time} >/dev/null 2>&1 & echo left"
        );
        let answer = trial.script(&script);
        answer.passes();
        assert!(
            answer
                .message("inspection-ran")
                .unwrap()
                .contains("printed `left`")
        );
        if answer.is_protected(PROCESSES) {
            assert!(!runs_with(&time));
        } else {
            wait_for("the end of what was left", || {
                (!runs_with(&time)).then_some(())
            });
        }
        // Nor when it does not end by itself.
        let trial = Trial::of(user).with(&["--inspection-timeout", "1"]);
        let script = format!("setsid sleep {time} & trap '' TERM; sleep {time}; sleep {time}");
        let answer = trial.script(&script);
        assert!(answer.message("inspection-timeout").is_some(), "{answer:?}");
        wait_for("the end of what was left", || {
            (!runs_with(&time)).then_some(())
        });
    }
}

#[test]
fn it_cannot_harm_who_watches_it() {
    for user in users() {
        let trial = Trial::of(user);
        let answer = trial.script(
            "kill -9 $PPID; kill -STOP $PPID; kill -9 1; echo > /proc/$PPID/mem; echo went on",
        );
        if answer.is_protected(PROCESSES) {
            answer.passes();
            assert!(
                answer
                    .message("inspection-ran")
                    .unwrap()
                    .contains("went on")
            );
            trial.script("kill -9 -1; true").passes();
            trial
                .script("kill -9 $$")
                .fails_saying("killed by signal 9");
        }
    }
}

#[test]
fn it_gains_no_rights() {
    for user in users() {
        let trial = Trial::of(user);
        trial.folder.write("program", "#!/bin/sh\n");
        let own = trial.folder.at("program");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o6755)).unwrap();
        let script = "test -u program && exit 7; test -g program && exit 8; ./program || exit 9
            grep -q 'NoNewPrivs:.1' /proc/self/status || exit 10
            grep -q 'CapEff:.0*$' /proc/self/status || exit 11
            test \"$(id -u)\" != 0 || exit 12; unshare -Ur true && exit 13; mknod d b 8 0 && exit 14; true";
        let answer = trial.script(script);
        if answer.is_protected(SOCKETS) {
            answer.passes();
        }
    }
}

#[test]
fn require_runs_it_only_with_every_protection() {
    for user in users() {
        let lacking = Trial::of(user)
            .script("true")
            .message("inspection-exposed")
            .is_some();
        let answer = Trial::of(user)
            .with(&["--sandbox", "require"])
            .script("true");
        if lacking {
            assert_eq!(answer.status, Some(1));
            assert!(
                answer.message("inspection-unprotected").is_some(),
                "{answer:?}"
            );
        } else {
            answer.passes();
        }
    }
}

#[test]
fn require_runs_nothing_where_a_protection_is_lacking() {
    for user in users() {
        for (call, words) in [
            (libc::SYS_landlock_create_ruleset, "Landlock"),
            (libc::SYS_seccomp, "seccomp"),
            (libc::SYS_unshare, PROCESSES),
        ] {
            let trial = Trial::of(user).with(&["--sandbox", "require"]);
            let answer = trial.lacking(&[call]).script("echo it ran");
            assert_eq!(answer.status, Some(1), "{answer:?}");
            let why = answer.message("inspection-unprotected").unwrap();
            assert!(why.contains(words), "{why}");
            assert_eq!(answer.message("inspection-ran"), None);
            let trial = Trial::of(user).with(&["--sandbox", "auto"]);
            let answer = trial.lacking(&[call]).script("echo it ran");
            answer.passes();
            let lacking = answer.message("inspection-exposed").unwrap();
            assert!(lacking.contains(words), "{lacking}");
        }
    }
}

#[test]
fn without_namespaces_nothing_goes_on_either() {
    for user in users() {
        let trial = Trial::of(user).lacking(&[libc::SYS_unshare]);
        let time = format!("98764.{}", std::process::id());
        let script = format!(
            "setsid sleep {time} & (setsid sh -c 'sleep {time} & sleep {time}' &) ; echo left"
        );
        trial.script(&script).passes();
        wait_for("the end of what was left", || {
            (!runs_with(&time)).then_some(())
        });
        trial
            .script("kill -9 $$")
            .fails_saying("killed by signal 9");
        let secret = trial.elsewhere("secret");
        trial.elsewhere.write("secret", "x");
        let script =
            format!("cat /proc/$PPID/environ && exit 7; cat {secret} && exit 8; touch $TMPDIR/x");
        let answer = trial.script(&script);
        if answer.is_protected(FILES) {
            answer.passes();
        }
    }
}

/// The shape of the reference's demo: a tarball is unpacked, and what was in it compared with the
/// step that made it.
#[test]
fn the_demo_that_unpacks_a_tarball_passes() {
    for user in users() {
        let folder = Folder::new();
        folder.write("demo-project/foo.py", "print()\n");
        let packed = Command::new("tar")
            .args([
                "czf",
                "demo-project.tar.gz",
                "--owner=1000",
                "--group=1000",
                "demo-project",
            ])
            .current_dir(folder.path())
            .status();
        assert!(packed.unwrap().success());
        let mut trial = Trial::of(user).with(&["--sandbox", "auto"]);
        trial
            .folder
            .write("demo-project.tar.gz", folder.read("demo-project.tar.gz"));
        trial.materials = json!([
            ["ALLOW", "demo-project.tar.gz"],
            ["ALLOW", "root.layout"],
            ["DISALLOW", "*"]
        ]);
        trial.products = json!([
            ["MODIFY", "nothing"],
            ["CREATE", "demo-project/foo.py"],
            ["ALLOW", "demo-project.tar.gz"],
            ["ALLOW", "root.layout"],
            ["DISALLOW", "*"]
        ]);
        trial.run(&["tar", "xzf", "demo-project.tar.gz"]).passes();
        assert!(!trial.folder.has("demo-project"));
    }
}
