/* SPDX-License-Identifier: MIT */
/* seccomp-BPF by hand (Linux, Documentation/userspace-api/seccomp_filter.rst): one comparison for
 * each system call of a list. Another architecture's calls, and x32's, always kill. */
#include "judge/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sanitized.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

enum { MAX_CALLS = 80, MAX_STEPS = MAX_CALLS + 8, X32_BIT = 0x40000000 };

#if WHET_IS_SANITIZED /* it looks at the signal stack before a process ends */
#define OF_SANITIZERS SYS_sigaltstack,
#else
#define OF_SANITIZERS
#endif

static const int kernel_calls[] = { OF_SANITIZERS SYS_futex, SYS_exit_group };

static const int team_calls[] = {
    OF_SANITIZERS SYS_futex, SYS_exit_group,        SYS_recvfrom,      SYS_sendto, SYS_getcpu,
    SYS_sched_setaffinity,   SYS_sched_getaffinity, SYS_clock_gettime,
};

/* Mapping, forking, starting threads, loading the object from its descriptor; the sanitizers' needs
 * are among them. Which files can be opened at all is Landlock's and the user's business. */
static const int worker_calls[] = {
    SYS_futex,
    SYS_exit_group,
    SYS_exit,
    SYS_recvfrom,
    SYS_sendto,
    SYS_read,
    SYS_pread64,
    SYS_write,
    SYS_openat,
    SYS_close,
    SYS_close_range,
    SYS_fstat,
    SYS_newfstatat,
    SYS_lseek,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_clone,
    SYS_wait4,
    SYS_prctl,
    SYS_seccomp,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_rseq,
    SYS_getpid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getppid,
    SYS_sched_yield,
    SYS_getcpu,
    SYS_sched_setaffinity,
    SYS_sched_getaffinity,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_prlimit64,
    SYS_setitimer,
    SYS_getrandom,
    SYS_sysinfo,
    SYS_uname,
    SYS_getdents64,
    SYS_tgkill,
    SYS_restart_syscall,
#ifdef SYS_open
    SYS_open,
    SYS_access,
    SYS_readlink,
    SYS_stat,
    SYS_getrlimit,
    SYS_fork,
    SYS_arch_prctl,
#endif
};

static const int compiler_calls[] = {
    SYS_socket,
    SYS_socketpair,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_mount,
    SYS_unshare,
    SYS_setns,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_setsid,
    SYS_setpgid,
    SYS_kill,
};

#define CALLS(list) list, sizeof list / sizeof *list

/* What comes of the listed calls, of clone3 and of all others. */
typedef struct outcome {
    uint32_t listed, clone3, other;
} outcome;

static bool install(const int *calls, size_t n_calls, outcome o) {
    struct sock_filter steps[MAX_STEPS];
    size_t n = 0;
    if (!ARCHITECTURE || n_calls > MAX_CALLS) return false;
#define STEP(...) steps[n++] = (struct sock_filter)__VA_ARGS__
    STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    STEP(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    STEP(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
#ifdef __x86_64__
    STEP(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, (uint8_t)(n_calls + 2), 0));
#endif
    for (size_t i = 0; i < n_calls; i++)
        STEP(
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], (uint8_t)(n_calls - i + 3), 0));
    STEP(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 2, 0));
    STEP(BPF_STMT(BPF_RET | BPF_K, o.other));
    STEP(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)); /* x32 */
    STEP(BPF_STMT(BPF_RET | BPF_K, o.clone3));
    STEP(BPF_STMT(BPF_RET | BPF_K, o.listed));
#undef STEP
    const struct sock_fprog program = { (unsigned short)n, steps };
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

bool whet_filter_install(whet_filter filter) {
    const uint32_t yes = SECCOMP_RET_ALLOW, kill = SECCOMP_RET_KILL_PROCESS;
    const uint32_t old = SECCOMP_RET_ERRNO | ENOSYS; /* the C library falls back to clone */
    switch (filter) {
    case WHET_FILTER_WORKER: return install(CALLS(worker_calls), (outcome){ yes, old, kill });
    case WHET_FILTER_KERNEL: return install(CALLS(kernel_calls), (outcome){ yes, kill, kill });
    case WHET_FILTER_TEAM: return install(CALLS(team_calls), (outcome){ yes, kill, kill });
    case WHET_FILTER_COMPILER:
        return install(CALLS(compiler_calls), (outcome){ SECCOMP_RET_ERRNO | EPERM, yes, yes });
    }
    return false;
}

bool whet_filter_is_there(void) {
    const uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return ARCHITECTURE && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
