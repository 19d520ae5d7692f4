/* SPDX-License-Identifier: MIT */
/* Runs a program as on a weaker system: without some of what a jail is made of, or as nobody.
 * usage: deny [nobody] [namespaces] [landlock] [seccomp] [user] [clock] [seals] -- PROGRAM [WORD
 * ...] The denial is a seccomp filter, which the program and its children cannot get rid of;
 * container engines deny namespaces in the same way. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 65534, MAX_STEPS = 128, ANY = -1 };

/* A system call that is refused, when its argument is that, or has one of those bits. */
typedef struct denial {
    const char *name;
    int call;
    int arg; /* which one is looked at; ANY = none */
    uint32_t value;
    int is_mask;
    int error;
} denial;

#define SPACES (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

static const denial denials[] = {
    { "namespaces", SYS_clone, 0, SPACES, 1, EPERM },
    { "namespaces", SYS_unshare, ANY, 0, 0, EPERM },
    { "namespaces", SYS_clone3, ANY, 0, 0, ENOSYS },
    { "landlock", SYS_landlock_create_ruleset, ANY, 0, 0, EOPNOTSUPP },
    { "seccomp", SYS_seccomp, ANY, 0, 0, ENOSYS },
    { "user", SYS_setresuid, ANY, 0, 0, EPERM },
    { "no-clock", SYS_prctl, 0, PR_GET_TSC, 0, EINVAL },
    { "no-clock", SYS_prctl, 0, PR_SET_TSC, 0, EINVAL },
    { "seals", SYS_fcntl, 1, F_ADD_SEALS, 0, EINVAL },
};

/* if (nr == call && argument fits) return error; five steps a denial. */
static size_t put(const denial *d, struct sock_filter *to) {
    const uint32_t at =
        offsetof(struct seccomp_data, args) + 8 * (uint32_t)(d->arg < 0 ? 0 : d->arg);
    const struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)d->call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
        d->arg < 0   ? (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0)
        : d->is_mask ? (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, d->value, 0, 1)
                     : (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, d->value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)d->error),
    };
    memcpy(to, steps, sizeof steps);
    return sizeof steps / sizeof *steps;
}

static int become_nobody(void) {
    return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
           setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

int main(int argc, char **argv) {
    struct sock_filter steps[MAX_STEPS];
    size_t n = 0;
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const size_t before = n;
        for (size_t j = 0; j < sizeof denials / sizeof *denials; j++)
            if (strcmp(argv[i], denials[j].name) == 0) n += put(&denials[j], steps + n);
        const int is_nobody = strcmp(argv[i], "nobody") == 0;
        if ((is_nobody && !become_nobody()) || (!is_nobody && n == before)) {
            fprintf(stderr, "deny: %s: not possible\n", argv[i]);
            return 125;
        }
    }
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = { (unsigned short)n, steps };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (i + 1 >= argc || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return 125;
    execvp(argv[i + 1], argv + i + 1);
    return 127;
}
