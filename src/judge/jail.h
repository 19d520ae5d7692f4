/* SPDX-License-Identifier: MIT */
/* The walls around a worker process and around the compiler. */
#ifndef WHET_JUDGE_JAIL_H
#define WHET_JUDGE_JAIL_H

#include <sys/types.h>

#include <whet/judge.h>

#include "judge/folder.h"

/* Like fork, into namespaces of its own where they are to be had: the child is process 1 of its
 * own, and with it ends all that it started. Only async-signal-safe calls in the child. */
pid_t whet_jail_fork(void);

/* Called by a worker before it touches the candidate: another user when it is root's, no new
 * privileges, no files (Landlock), no network, limits, and only the system calls that a worker
 * itself needs. It ends with the process that started it. Returns the layers, WHET_JAIL_... bits.
 */
uint32_t whet_jail_enter(void);

/* Called in a process that its parent, who is `parent`, has just forked: it ends with that. False
 * when the parent has gone already, as far as can be seen: process 1 of a namespace sees none. */
bool whet_jail_follow(pid_t parent);

/* So much more processor time for this process; SIGPROF ends it then. Called before it is locked
 * in: what is locked in cannot take that back. */
void whet_jail_limit_cpu(uint64_t cpu_ns);

/* Called in a process that is about to run the candidate, all of whose memory is mapped: from here
 * on only futex and exit_group, no descriptors, no clock. False: there is no seccomp. */
bool whet_jail_lock(void);

/* The same for a process with a thread team that serves timed requests: besides receiving and
 * sending on its one socket, and what the team's pinning and spinning need. All threads wait. */
bool whet_jail_lock_team(void);

/* What a compiler may touch: it writes in `folder` and reads where compilers and headers are. */
typedef struct whet_jail_build {
    const char *folder;
    const whet_folder *kept;     /* the same, when a keeper is to end what works in it; or NULL */
    const char *compiler_folder; /* of the compiler, beyond /usr and the like; NULL = none */
    const char *const *readable; /* more files and folders to read, NULL at the end; NULL = none */
    const char *const *writable; /* more files to write, likewise */
} whet_jail_build;

/* Gives the folder to the user that the compiler will be. Called by the judge. */
void whet_jail_prepare_build(const whet_jail_build *build);

/* Called between fork and exec of the compiler: another user when it is root's, no new privileges,
 * no other files, no sockets, no looking into other processes. Best effort. */
void whet_jail_enter_build(const void *build);

#endif
