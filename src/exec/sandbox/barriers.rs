//! What a thread gives up for good, and with it all that it starts: files by Landlock, sockets and
//! the kernel's rarer doors by seccomp.

use std::collections::BTreeMap;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, LandlockStatus, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::READABLE;

/// Devices that hold nothing.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// The last version of Landlock that is known here.
const NEWEST: ABI = ABI::V9;

/// From which version on Landlock guards every way to change what a file holds: truncation came
/// third.
pub(super) const WHOLE: i32 = 3;

/// Lets the thread read what programs need, and write only into three folders of `base`. Gives the
/// version of Landlock, or `None` if this kernel has none.
pub(super) fn guard_files(base: &Path) -> Result<Option<i32>, RulesetError> {
    // No devices: they would be another way to the disk.
    let own = AccessFs::from_all(NEWEST) & !(AccessFs::MakeBlock | AccessFs::MakeChar);
    let folders = ["work", "home", "tmp"].map(|name| base.join(name));
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(READABLE, AccessFs::from_read(NEWEST)))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(folders, own))?
        .restrict_self()?;
    Ok(match status.landlock {
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } if status.ruleset != RulesetStatus::NotEnforced => {
            Some(kernel_abi.unwrap_or(effective_abi as i32))
        }
        LandlockStatus::Available { .. }
        | LandlockStatus::NotEnabled
        | LandlockStatus::NotImplemented => None,
    })
}

/// System calls that are refused: sockets of every kind, and what an ordinary program never needs and
/// an attacker would begin with.
const REFUSED: [libc::c_long; 40] = [
    // The network, local services behind a socket, and another way to both.
    libc::SYS_socket,
    // Open files in the hands of nobody, which take space that is not seen. `socketpair` stays.
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    // Memory that no process has.
    libc::SYS_shmget,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Namespaces, which would give capabilities back, and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_open_by_handle_at,
    // Doors into the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
];

/// System calls that there are not: programs that use them do without where they find none.
const ABSENT: [libc::c_long; 3] = [
    // Its flags lie in memory, where no filter can look. With this answer C libraries use `clone`.
    libc::SYS_clone3,
    // Memory that no process has.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
];

/// Flags of `clone` for new namespaces. `CLONE_NEWTIME` is none of `clone`.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// From this number on, system calls of x86-64 are those of the x32 ABI, which are others by other numbers.
const X32: u32 = 0x4000_0000;

/// Refuses those system calls to the thread. Programs for another instruction set, such as 32-bit
/// ones on x86-64, are killed.
pub(super) fn guard_calls() -> Result<(), seccompiler::Error> {
    let target = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = |rules, errno: libc::c_int| -> Result<BpfProgram, seccompiler::Error> {
        let action = SeccompAction::Errno(errno.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, target)?;
        Ok(BpfProgram::try_from(filter)?)
    };
    let absent = ABSENT.iter().map(|call| (*call, Vec::new())).collect();
    if target == TargetArch::x86_64 {
        apply_filter(&no_x32())?;
    }
    apply_filter(&filter(absent, libc::ENOSYS)?)?;
    apply_filter(&filter(refusals()?, libc::EACCES)?)
}

/// A filter to which system calls of the x32 ABI do not exist. The others look at the architecture.
fn no_x32() -> BpfProgram {
    let step = |code, jf, k| sock_filter { code, jt: 0, jf, k };
    let errno = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    vec![
        // Load the number, which comes first; skip one unless it is that large; return.
        step(0x20, 0, 0),
        step(0x35, 1, X32),
        step(0x06, 0, errno),
        step(0x06, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

fn refusals() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let asked = |flag: &libc::c_int| {
        let flag = u64::from(flag.unsigned_abs());
        let (length, is_set) = (SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag));
        Ok(SeccompRule::new(vec![SeccompCondition::new(
            0, length, is_set, flag,
        )?])?)
    };
    let clones: Result<Vec<SeccompRule>, seccompiler::Error> =
        NAMESPACES.iter().map(asked).collect();
    rules.insert(libc::SYS_clone, clones?);
    // A process that shows nobody what it has. What else makes one such, the watch has to bear.
    let equals = |at, length, value: libc::c_int| {
        SeccompCondition::new(
            at,
            length,
            SeccompCmpOp::Eq,
            u64::from(value.unsigned_abs()),
        )
    };
    let hides = SeccompRule::new(vec![
        equals(0, SeccompCmpArgLen::Dword, libc::PR_SET_DUMPABLE)?,
        equals(1, SeccompCmpArgLen::Qword, 0)?,
    ])?;
    rules.insert(libc::SYS_prctl, vec![hides]);
    Ok(rules)
}
