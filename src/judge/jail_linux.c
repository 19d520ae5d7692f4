/* SPDX-License-Identifier: MIT */
/* The walls, from the outside in: namespaces, another user, limits, Landlock, seccomp. Each one is
 * taken where the system gives it; without seccomp nothing is judged unless the user insists. */
#include "judge/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "judge/filter.h"

enum { MAX_CPU_SECONDS = 600, ADDRESS_SPACE_GIB = 64, NOBODY = 65534 };

extern char **environ;

/* ---- namespaces ---- */

static const int spaces = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

/* The C library's fork knows no flags. */
static pid_t fork_with(int flags) {
    return (pid_t)syscall(SYS_clone, (long)(flags | SIGCHLD), 0L, 0L, 0L, 0L);
}

/* Root's namespaces need no user namespace, and outside of one root can become nobody. */
pid_t whet_jail_fork(void) {
    pid_t pid = fork_with(geteuid() == 0 ? spaces : spaces | CLONE_NEWUSER);
    if (pid < 0) pid = fork();
    return pid;
}

static bool has_namespaces(void) {
    const pid_t pid = fork_with(geteuid() == 0 ? spaces : spaces | CLONE_NEWUSER);
    if (pid == 0) _exit(0);
    if (pid < 0) return false;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return true;
}

/* ---- another user ---- */

static bool is_root(void) {
    return getuid() == 0 || geteuid() == 0;
}

/* Straight to the kernel: the C library would tell its other threads, and there are none. */
static bool drop_root(void) {
    return syscall(SYS_setgroups, 0L, NULL) == 0 &&
           syscall(SYS_setresgid, (long)NOBODY, (long)NOBODY, (long)NOBODY) == 0 &&
           syscall(SYS_setresuid, (long)NOBODY, (long)NOBODY, (long)NOBODY) == 0;
}

/* ---- Landlock ---- */

static long landlock_version(void) {
    return syscall(SYS_landlock_create_ruleset, NULL, 0L, (long)LANDLOCK_CREATE_RULESET_VERSION);
}

/* All accesses to files that the running kernel knows: 13 in version 1, one more in 2, 3 and 5. */
static uint64_t landlock_accesses(long version) {
    const int n = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;
    return ((uint64_t)1 << n) - 1;
}

/* The first members of landlock_ruleset_attr; older headers know only the first. */
typedef struct ruleset {
    uint64_t files;
    uint64_t net;
} ruleset;

static int open_ruleset(uint64_t *files) {
    const long version = landlock_version();
    if (version < 1) return -1;
    const ruleset rules = { .files = landlock_accesses(version), .net = 3 /* bind and connect */ };
    *files = rules.files;
    return (int)syscall(SYS_landlock_create_ruleset, &rules,
                        version >= 4 ? sizeof rules : sizeof rules.files, 0L);
}

static void allow_path(int rules, const char *path, uint64_t files) {
    struct stat about;
    const int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return;
    const uint64_t of_files =
        LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE;
    if (fstat(fd, &about) == 0 && !S_ISDIR(about.st_mode)) files &= of_files;
    const struct landlock_path_beneath_attr rule = { .allowed_access = files, .parent_fd = fd };
    syscall(SYS_landlock_add_rule, (long)rules, (long)LANDLOCK_RULE_PATH_BENEATH, &rule, 0L);
    close(fd);
}

static bool enforce(int rules) {
    const bool is_done = rules >= 0 && syscall(SYS_landlock_restrict_self, (long)rules, 0L) == 0;
    if (rules >= 0) close(rules);
    return is_done;
}

/* ---- a worker ---- */

static void limit_self(void) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 });
    setrlimit(RLIMIT_CPU, &(struct rlimit){ MAX_CPU_SECONDS, MAX_CPU_SECONDS });
#if !WHET_IS_SANITIZED /* which maps terabytes */
    const rlim_t space = (rlim_t)ADDRESS_SPACE_GIB << 30;
    setrlimit(RLIMIT_AS, &(struct rlimit){ space, space });
#endif
}

uint32_t whet_jail_enter(void) {
    uint32_t layers = 0;
    uint64_t files;
    limit_self();
    if (getpid() == 1) layers |= WHET_JAIL_NAMESPACES;
    if (!is_root() || drop_root()) layers |= WHET_JAIL_USER;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which takes it back */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (enforce(open_ruleset(&files))) layers |= WHET_JAIL_LANDLOCK;
    if (whet_filter_install(WHET_FILTER_WORKER)) layers |= WHET_JAIL_SECCOMP;
#ifdef PR_SET_TSC
    int mode;
    if (prctl(PR_GET_TSC, &mode) == 0) layers |= WHET_JAIL_CLOCK;
#endif
    return layers;
}

bool whet_jail_follow(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
    return getppid() == parent || getpid() == 1; /* which sees no parent in its namespace */
}

void whet_jail_limit_cpu(uint64_t cpu_ns) {
    const uint64_t us = cpu_ns / 1000 + 1;
    const struct itimerval once = { .it_value = { .tv_sec = (time_t)(us / 1000000),
                                                  .tv_usec = (suseconds_t)(us % 1000000) } };
    setitimer(ITIMER_PROF, &once, NULL);
}

bool whet_jail_lock(void) {
    close_range(0, ~0U, 0);
#ifdef PR_SET_TSC
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
#endif
    return whet_filter_install(WHET_FILTER_KERNEL);
}

bool whet_jail_lock_team(void) {
    return whet_filter_install(WHET_FILTER_TEAM);
}

/* ---- the compiler ---- */

void whet_jail_prepare_build(const whet_jail_build *build) {
    if (is_root() && chown(build->folder, NOBODY, NOBODY) != 0) errno = 0; /* then root compiles */
}

/* Where the compiler was looked for. */
static void allow_search_path(int rules, uint64_t reading) {
    char folder[PATH_MAX];
    for (char **e = environ; *e; e++) {
        if (strncmp(*e, "PATH=", 5) != 0) continue;
        for (const char *at = *e + 5; *at; at += *at == ':') {
            const size_t n = strcspn(at, ":");
            if (n > 1 && n < sizeof folder && at[0] == '/') {
                memcpy(folder, at, n);
                folder[n] = '\0';
                allow_path(rules, folder, reading);
            }
            at += n;
        }
    }
}

void whet_jail_enter_build(const void *data) {
    static const char *const readable[] = { "/usr",
                                            "/bin",
                                            "/lib",
                                            "/lib32",
                                            "/lib64",
                                            "/libx32",
                                            "/opt",
                                            "/etc/alternatives",
                                            "/etc/ld.so.cache",
                                            "/proc/self",
                                            "/nix/store" };
    static const char *const writable[] = { "/dev/null", "/dev/zero" };
    const whet_jail_build *build = data;
    struct stat about;
    uint64_t all;
    if (build->kept) whet_folder_enter(build->kept);
    unshare(CLONE_NEWNET);
    if (is_root() && stat(build->folder, &about) == 0 && about.st_uid == NOBODY) drop_root();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int rules = open_ruleset(&all);
    if (rules >= 0) {
        const uint64_t reading =
            LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
        for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
            allow_path(rules, readable[i], reading);
        for (size_t i = 0; i < sizeof writable / sizeof *writable; i++)
            allow_path(rules, writable[i], reading | LANDLOCK_ACCESS_FS_WRITE_FILE);
        if (build->compiler_folder) allow_path(rules, build->compiler_folder, reading);
        for (const char *const *more = build->readable; more && *more; more++)
            allow_path(rules, *more, reading);
        for (const char *const *more = build->writable; more && *more; more++)
            allow_path(rules, *more, reading | LANDLOCK_ACCESS_FS_WRITE_FILE);
        allow_search_path(rules, reading);
        allow_path(rules, build->folder, all);
        enforce(rules);
    }
    whet_filter_install(WHET_FILTER_COMPILER);
}

/* ---- telling ---- */

static bool has_seals(void) {
    const int fd = memfd_create("whet-seals", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const bool is_sealed = fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0;
    if (fd >= 0) close(fd);
    return is_sealed;
}

#define NAME(code, bit, name, meaning) { WHET_JAIL_##code, name, meaning },
static const struct {
    uint32_t layer;
    const char *name, *meaning;
} layers_by_name[] = { WHET_JAIL_LIST(NAME) };
#undef NAME

enum { N_LAYERS = sizeof layers_by_name / sizeof *layers_by_name };

uint32_t whet_judge_jail(void) {
    uint32_t layers = WHET_JAIL_USER;
    if (whet_filter_is_there()) layers |= WHET_JAIL_SECCOMP;
    if (landlock_version() >= 1) layers |= WHET_JAIL_LANDLOCK;
    if (has_namespaces()) layers |= WHET_JAIL_NAMESPACES;
    if (has_seals()) layers |= WHET_JAIL_SEALS;
#ifdef PR_SET_TSC
    int mode;
    if (prctl(PR_GET_TSC, &mode) == 0) layers |= WHET_JAIL_CLOCK;
#endif
    return layers;
}

const char *whet_jail_layer_name(uint32_t layer) {
    for (int i = 0; i < N_LAYERS; i++)
        if (layers_by_name[i].layer == layer) return layers_by_name[i].name;
    return NULL;
}

const char *whet_jail_layer_meaning(uint32_t layer) {
    for (int i = 0; i < N_LAYERS; i++)
        if (layers_by_name[i].layer == layer) return layers_by_name[i].meaning;
    return NULL;
}
