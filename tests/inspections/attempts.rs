//! What an inspection may try against whoever verifies: reading their memory, tracing them, using what
//! they have open, writing on their terminal.

use std::fs::File;
use std::os::fd::AsFd as _;

use super::*;

/// The chain of parents, as far as it is seen, and everything else that is.
const LOOK_AT_ALL: &str = "import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
own = set()
def parent(pid):
    try:
        return int(open('/proc/%s/stat' % pid).read().rsplit(') ', 1)[1].split()[1])
    except (OSError, IndexError):
        return 0
others = [int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid()]
";

#[test]
fn it_traces_and_reads_no_other_process() {
    if !has("python3") {
        return;
    }
    for user in users() {
        for lacking in [&[][..], &[libc::SYS_unshare]] {
            let trial = Trial::of(user).lacking(lacking);
            let script = format!(
                "{LOOK_AT_ALL}
assert others, 'nobody is seen'
for pid in others:
    if libc.ptrace(16, pid, 0, 0) == 0 or libc.ptrace(0x4206, pid, 0, 0) == 0:
        sys.exit(7)
    for name in ('mem', 'environ', 'auxv', 'maps', 'pagemap'):
        try:
            data = open('/proc/%d/%s' % (pid, name), 'rb').read(1)
        except OSError:
            continue
        # The system gives an empty answer about what has no memory.
        if data:
            sys.exit('%d %s' % (pid, name))
    for name in ('fd/0', 'fd/1', 'cwd', 'root', 'exe'):
        try:
            os.readlink('/proc/%d/%s' % (pid, name))
        except OSError:
            continue
        sys.exit('%d %s' % (pid, name))
"
            );
            let answer = trial.run(&["python3", "-c", &script]);
            if answer.is_protected(FILES) && answer.is_protected(SOCKETS) {
                answer.passes();
            }
        }
    }
}

#[test]
fn it_sends_no_signal_outside() {
    for user in users() {
        for lacking in [&[][..], &[libc::SYS_unshare]] {
            let trial = Trial::of(user).lacking(lacking);
            let bystander = Command::new("sleep").arg("1000").spawn_as(user);
            let number = bystander.0.id();
            let answer = trial.script(&format!(
                "kill -9 {number}; kill -0 {number} && exit 7; echo went on"
            ));
            if answer.is_protected_by_one_of(&[PROCESSES, FILES]) {
                answer.passes();
                assert!(!crate::support::gone(i32::try_from(number).unwrap()));
            }
        }
    }
}

/// A process that ends with the case.
struct Bystander(Child);

impl Drop for Bystander {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

trait SpawnAs {
    fn spawn_as(&mut self, user: Option<u32>) -> Bystander;
}

impl SpawnAs for Command {
    fn spawn_as(&mut self, user: Option<u32>) -> Bystander {
        if let Some(user) = user {
            self.uid(user).gid(user);
        }
        Bystander(self.spawn().unwrap())
    }
}

/// Whoever starts the verification may have files open that are inherited, as a CI has.
#[test]
fn it_inherits_no_open_file() {
    for user in users() {
        let trial = Trial::of(user);
        let file = File::create(trial.elsewhere.at("log")).unwrap();
        // Without the flag that closes it in a program that is started.
        rustix::io::fcntl_setfd(file.as_fd(), rustix::io::FdFlags::empty()).unwrap();
        let answer = trial.script(
            "for file in /proc/self/fd/*; do
                case $(readlink $file) in *elsewhere*|*/log) exit 7; esac; done
            for i in 3 4 5 6 7 8 9; do eval \"echo written >&$i\" 2>/dev/null; done
            ls /proc/self/fd | sort -n | tr '\\n' ' '",
        );
        drop(file);
        assert_eq!(trial.elsewhere.read("log"), b"");
        answer.passes();
        // `ls` has the folder open.
        assert!(
            answer
                .message("inspection-ran")
                .unwrap()
                .contains("`0 1 2 3`"),
            "{answer:?}"
        );
    }
}

#[test]
fn it_reaches_no_terminal_and_no_other_door() {
    if !has("python3") {
        return;
    }
    for user in users() {
        let trial = Trial::of(user);
        let script = "import ctypes, fcntl, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
for path in ('/dev/tty', '/dev/console', '/dev/ptmx', '/dev/pts/0', '/dev/pts/ptmx', '/dev/mem', '/dev/fuse', '/dev/shm/x'):
    try:
        os.open(path, os.O_RDWR | os.O_CREAT)
        sys.exit(path)
    except OSError:
        pass
for file in (0, 1, 2):
    try:
        fcntl.ioctl(file, 0x5412, b'x')
        sys.exit('TIOCSTI')
    except OSError:
        pass
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, 40):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(family, kind)
            sys.exit('socket %d' % family)
        except OSError:
            pass
# io_uring_setup, unshare of a user namespace, keyctl, bpf, open_by_handle_at, pidfd_getfd
for number in (425, 438):
    if libc.syscall(number, 1, 0, 0) >= 0:
        sys.exit('call %d' % number)
for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000):
    if libc.unshare(flag) == 0:
        sys.exit('unshare %x' % flag)
one, other = socket.socketpair()
one.send(b'x')
assert other.recv(1) == b'x'
try:
    socket.send_fds(one, [b'x'], [0])
    sys.exit('files are handed on')
except OSError:
    pass
";
        let answer = trial.run(&["python3", "-c", script]);
        if answer.is_protected(FILES) && answer.is_protected(SOCKETS) {
            answer.passes();
        }
    }
}

/// System calls by other numbers: those of the x32 ABI and of 32-bit programs.
#[cfg(target_arch = "x86_64")]
#[test]
fn other_numbers_are_no_way_around() {
    if !has("python3") {
        return;
    }
    for user in users() {
        let trial = Trial::of(user);
        // x32: getpid, socket, ptrace, sendmsg.
        let script = "import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for number in (39, 41, 521, 518):
    if libc.syscall(0x40000000 | number, 2, 1, 0) >= 0 or ctypes.get_errno() != 38:
        sys.exit('%d: %d' % (number, ctypes.get_errno()))
";
        let answer = trial.run(&["python3", "-c", script]);
        if answer.is_protected(SOCKETS) {
            answer.passes();
        }
    }
}

/// Where no namespace ends what was left, neither its time limit, nor the end of who watches it, nor a
/// signal to the verification leaves anything.
#[test]
fn no_end_leaves_anything_without_namespaces() {
    for user in users() {
        let time = format!("98762.{}", std::process::id());
        let gone = || {
            wait_for("the end of what was left", || {
                (!runs_with(&time)).then_some(())
            });
        };
        let left = format!("setsid sleep {time} & (setsid sh -c 'sleep {time} & sleep {time}' &)");
        let trial = Trial::of(user)
            .with(&["--inspection-timeout", "1"])
            .lacking(&[libc::SYS_unshare]);
        let answer = trial.script(&format!("{left}; trap '' TERM; sleep {time}"));
        assert!(answer.message("inspection-timeout").is_some(), "{answer:?}");
        gone();
        // Without Landlock it may send signals to every process of its user; root's is another's.
        let calls = [libc::SYS_unshare, libc::SYS_landlock_create_ruleset];
        let trial = Trial::of(user)
            .with(&["--inspection-timeout", "3"])
            .lacking(&calls);
        let answer = trial.script(&format!("{left}; kill -9 $PPID; sleep {time}"));
        assert_eq!(answer.status, Some(1), "{answer:?}");
        gone();
    }
}

/// Some of them never end, and some hold whoever reads them up for ever.
#[test]
fn files_that_the_kernel_makes_up_are_not_read() {
    for user in users() {
        let trial = Trial::of(user);
        symlink("/proc/self/environ", trial.folder.at("a")).unwrap();
        symlink("/proc/kmsg", trial.folder.at("b")).unwrap();
        symlink("/sys", trial.folder.at("c")).unwrap();
        let answer = trial.script("test ! -e a && test ! -e b && test ! -e c");
        answer.passes();
        let blind = answer.message("inspection-blind").unwrap();
        assert!(
            ["`a`", "`b`", "`c`"]
                .iter()
                .all(|name| blind.contains(name)),
            "{blind}"
        );
        for made in ["/proc/kmsg", "/proc", "/proc/self/environ", "/sys/kernel"] {
            let answer = Trial::of(user).run(&["ln", "-s", made, "d"]);
            answer.fails_saying("out of the inspection's folder");
        }
    }
}
