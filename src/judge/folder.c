/* SPDX-License-Identifier: MIT */
/* The keeper of a folder: a forked process that waits for the end of a socket. */
#include "judge/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_DEPTH = 16, MAX_TRIES = 500, TRY_US = 2000 };

/* What the keeper says first. */
typedef struct greeting {
    int why; /* errno; 0 = the folder is there */
    char path[sizeof((whet_folder *)0)->path];
} greeting;

/* ---- the keeper: after fork, async-signal-safe calls only ---- */

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Follows no link. */
static void empty(int folder, int depth) {
    _Alignas(struct dirent64) char room[4096];
    ssize_t n;
    while ((n = getdents64(folder, room, sizeof room)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(room + at);
            at += entry->d_reclen;
            if (is_dots(entry->d_name) || unlinkat(folder, entry->d_name, 0) == 0) continue;
            const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
            const int below = depth > 0 ? openat(folder, entry->d_name, flags) : -1;
            if (below < 0) continue;
            empty(below, depth - 1);
            close(below);
            unlinkat(folder, entry->d_name, AT_REMOVEDIR);
        }
}

/* Again and again, since a program that is being killed may have made one more file. */
static void remove_folder(const char *path) {
    for (int i = 0; i < MAX_TRIES && rmdir(path) != 0 && errno != ENOENT; i++) {
        if (i > 0) usleep(TRY_US);
        const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) continue;
        empty(fd, MAX_DEPTH);
        close(fd);
    }
}

static void keep(int line) {
    greeting hello = { .path = "/tmp/whet-build-XXXXXX" };
    setsid();                                            /* the terminal's Ctrl-C is not for us */
    if (line > 0) close_range(0, (unsigned)line - 1, 0); /* nobody waits for our end of a pipe */
    close_range((unsigned)line + 1, ~0U, 0);
    if (!mkdtemp(hello.path)) hello.why = errno;
    send(line, &hello, sizeof hello, MSG_NOSIGNAL);
    pid_t group = 0, word;
    ssize_t n;
    while ((n = recv(line, &word, sizeof word, 0)) > 0 || (n < 0 && errno == EINTR))
        if (n == (ssize_t)sizeof word) group = word;
    if (group > 0) kill(-group, SIGKILL);
    if (!hello.why) remove_folder(hello.path);
    _exit(0);
}

/* ---- the opener ---- */

whet_status whet_folder_open(whet_ctx *ctx, whet_folder *folder) {
    int pair[2];
    *folder = (whet_folder){ 0 };
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return whet_fail(ctx, WHET_E_IO, "make a socket: %s", strerror(errno));
    const pid_t keeper = fork();
    if (keeper == 0) {
        close(pair[0]);
        keep(pair[1]);
    }
    const int why = errno;
    close(pair[1]);
    if (keeper < 0) {
        close(pair[0]);
        return whet_fail(ctx, WHET_E_IO, "start the keeper of a folder: %s", strerror(why));
    }
    *folder = (whet_folder){ .line = pair[0], .keeper = keeper };
    greeting hello = { 0 };
    ssize_t n;
    while ((n = recv(pair[0], &hello, sizeof hello, 0)) < 0 && errno == EINTR)
        continue;
    if (n == (ssize_t)sizeof hello && !hello.why) {
        memcpy(folder->path, hello.path, sizeof folder->path);
        return WHET_OK;
    }
    whet_folder_close(folder);
    return whet_fail(ctx, WHET_E_IO, "make a folder in /tmp: %s",
                     hello.why ? strerror(hello.why) : "its keeper has ended");
}

void whet_folder_close(whet_folder *folder) {
    int status = 0;
    if (folder->keeper > 0) {
        close(folder->line);
        while (waitpid(folder->keeper, &status, 0) < 0 && errno == EINTR)
            continue;
        if (WIFSIGNALED(status) && *folder->path) remove_folder(folder->path);
    }
    *folder = (whet_folder){ 0 };
}

static void say(const whet_folder *folder, pid_t group) {
    send(folder->line, &group, sizeof group, MSG_NOSIGNAL);
}

void whet_folder_enter(const whet_folder *folder) {
    say(folder, getpid());
}

void whet_folder_leave(const whet_folder *folder) {
    say(folder, 0);
}
