//! What a worker gives up before its first job, so that whoever broke out of the
//! sandbox would find little: files, system calls, resources, a life of its own.
//!
//! Systems differ, and containers forbid some of this. What can't be had is noted in
//! [`Walls`](super::Walls) and does not keep the worker from its work.

use std::path::Path;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use super::frame::Wall;

/// Descriptors that a worker may have open; it needs about ten.
const DESCRIPTORS: u64 = 64;

impl Wall {
    fn of<T>(done: Result<T, impl std::fmt::Display>) -> Self {
        match done {
            Ok(_) => Self::Stands,
            Err(error) => Self::Lacks(error.to_string()),
        }
    }
}

/// No core dumps, no growing files, few descriptors, no more threads or processes.
/// The system does not hold its administrator to the last.
pub(super) fn limit_resources() -> Wall {
    let limits = [
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, DESCRIPTORS),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    let done = limits.into_iter().try_for_each(|(resource, most)| {
        let (current, maximum) = (Some(most), Some(most));
        setrlimit(resource, Rlimit { current, maximum })
    });
    Wall::of(done)
}

/// The system kills this process when the thread that started it ends.
pub(super) fn die_with_parent() -> Wall {
    Wall::of(rustix::process::set_parent_process_death_signal(Some(
        Signal::KILL,
    )))
}

/// This thread, and those that it will start, can open files below `folder` alone,
/// and only read them; no network either.
pub(super) fn only_files_below(folder: &Path) -> Wall {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    };
    // What a newer kernel knows beyond this is left alone; what an older one does not
    // know is left out.
    let abi = ABI::V6;
    let restrict = || {
        let folder = PathFd::new(folder).map_err(|error| error.to_string())?;
        let done: Result<_, RulesetError> = (|| {
            Ruleset::default()
                .handle_access(AccessFs::from_all(abi))?
                .handle_access(AccessNet::from_all(abi))?
                .scope(Scope::from_all(abi))?
                .create()?
                .add_rule(PathBeneath::new(
                    folder,
                    AccessFs::ReadFile | AccessFs::ReadDir,
                ))?
                .restrict_self()
        })();
        match done.map_err(|error| error.to_string())?.ruleset {
            RulesetStatus::FullyEnforced => Ok(()),
            RulesetStatus::PartiallyEnforced => Err("the kernel enforces a part of it".to_owned()),
            RulesetStatus::NotEnforced => Err("the kernel has no Landlock".to_owned()),
        }
    };
    Wall::of(restrict())
}

/// Every thread of this process can make the system calls below and no others; the
/// system says that it knows no other.
pub(super) fn only_needed_calls() -> Wall {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};
    let restrict = || {
        let arch = std::env::consts::ARCH.try_into()?;
        let rules = NEEDED_CALLS
            .iter()
            .map(|call| (*call, Vec::new()))
            .collect();
        let unknown = SeccompAction::Errno(libc::ENOSYS as u32);
        let filter = SeccompFilter::new(rules, unknown, SeccompAction::Allow, arch)?;
        let program: BpfProgram = filter.try_into()?;
        apply_filter_all_threads(&program).map_err(Box::<dyn std::error::Error>::from)
    };
    Wall::of(restrict())
}

/// What running and loading guests takes.
const NEEDED_CALLS: &[i64] = &[
    // The socket to the pool.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    // Compiled guests.
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_lseek,
    libc::SYS_fcntl,
    libc::SYS_geteuid,
    // Memory: instances, code, and which pages have been written to.
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_brk,
    libc::SYS_ioctl,
    // Threads, traps and time.
    libc::SYS_futex,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    // Ending, and dying of a panic.
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
