/* SPDX-License-Identifier: MIT */
/* fork, exec, poll, kill: a child process from start to end. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

enum { IN, OUT, ERR, EXEC, N_PIPES, READ_END = 0, WRITE_END = 1, POLL_MS = 100 };

typedef struct child {
    pid_t pid;
    int fd[N_PIPES]; /* our ends; -1 = closed */
    size_t input_done;
    double start_ns;
} child;

static void set_limit(int resource, uint64_t value) {
    if (!value) return;
    const struct rlimit limit = { .rlim_cur = value, .rlim_max = value };
    setrlimit((__rlimit_resource_t)resource, &limit);
}

/* In the child, between fork and exec: async-signal-safe calls only. */
static void become(const char *const *argv, const whet_child_opts *opts, int pipes[][2]) {
    setpgid(0, 0);
    dup2(pipes[IN][READ_END], 0);
    dup2(pipes[OUT][WRITE_END], 1);
    dup2(pipes[ERR][WRITE_END], 2);
    set_limit(RLIMIT_CPU, opts->cpu_seconds);
    set_limit(RLIMIT_AS, opts->memory_bytes);
    set_limit(RLIMIT_FSIZE, opts->file_bytes);
    set_limit(RLIMIT_CORE, 0);
    const bool is_there = !opts->folder || chdir(opts->folder) == 0;
    if (is_there && opts->confine) opts->confine(opts->confine_data);
    if (is_there)
        execvpe(argv[0], (char *const *)(uintptr_t)argv,
                opts->environment ? (char *const *)(uintptr_t)opts->environment : environ);
    const int why = errno;
    if (write(pipes[EXEC][WRITE_END], &why, sizeof why) < 0) _exit(126);
    _exit(127);
}

static void close_fd(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

/* stdin is a socket: writing to a child that is gone must not raise SIGPIPE in our process. */
static int open_pair(int which, int pair[2]) {
    if (which == IN) return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    return pipe2(pair, O_CLOEXEC);
}

static whet_status start(whet_ctx *ctx, const char *const *argv, const whet_child_opts *opts,
                         child *c) {
    int pipes[N_PIPES][2];
    int n = 0;
    while (n < N_PIPES && open_pair(n, pipes[n]) == 0)
        n++;
    c->start_ns = whet_clock_ns();
    c->pid = n == N_PIPES ? fork() : -1;
    if (c->pid == 0) become(argv, opts, pipes);
    const int why = errno;
    for (int i = 0; i < n; i++) {
        const int ours = i == IN ? WRITE_END : READ_END;
        close(pipes[i][!ours]);
        c->fd[i] = pipes[i][ours];
    }
    int exec_errno = 0;
    if (c->pid > 0) {
        setpgid(c->pid, c->pid); /* here too: a kill must not come before the child's own call */
        if (read(c->fd[EXEC], &exec_errno, sizeof exec_errno) <= 0) exec_errno = 0;
        close_fd(&c->fd[EXEC]);
        if (!exec_errno) return WHET_OK;
        waitpid(c->pid, NULL, 0);
    }
    for (int i = 0; i < n; i++)
        close_fd(&c->fd[i]);
    return whet_fail(ctx, WHET_E_IO, "start %s: %s", argv[0],
                     strerror(c->pid > 0 ? exec_errno : why));
}

static void feed(child *c, const whet_child_opts *opts) {
    const ssize_t n = send(c->fd[IN], (const char *)opts->input + c->input_done,
                           opts->input_bytes - c->input_done, MSG_NOSIGNAL);
    if (n > 0) c->input_done += (size_t)n;
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || c->input_done == opts->input_bytes)
        close_fd(&c->fd[IN]);
}

static whet_status drain(whet_ctx *ctx, int *fd, size_t max_bytes, whet_buf *buf) {
    char chunk[16384];
    const ssize_t n = read(*fd, chunk, sizeof chunk);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) close_fd(fd);
    if (n <= 0 || !buf || buf->len >= max_bytes) return WHET_OK;
    const size_t room = max_bytes - buf->len;
    return whet_buf_append(ctx, buf, chunk, (size_t)n < room ? (size_t)n : room);
}

/* Moves bytes until the child has closed its outputs, the time is up, or we are cancelled. */
static whet_status converse(whet_ctx *ctx, child *c, const whet_child_opts *opts, whet_buf *out,
                            whet_buf *err, bool *is_late) {
    const size_t max_bytes = opts->max_output_bytes ? opts->max_output_bytes : 1 << 20;
    while (c->fd[OUT] >= 0 || c->fd[ERR] >= 0) {
        struct pollfd polls[3];
        for (int i = 0; i < 3; i++)
            polls[i] = (struct pollfd){ .fd = c->fd[i], .events = i == IN ? POLLOUT : POLLIN };
        const int n = poll(polls, 3, POLL_MS);
        WHET_TRY(whet_check_cancelled(ctx));
        *is_late =
            opts->wall_seconds > 0 && whet_clock_ns() - c->start_ns > opts->wall_seconds * 1e9;
        if (*is_late) return WHET_OK;
        if (n <= 0) continue;
        if (polls[IN].revents) feed(c, opts);
        if (polls[OUT].revents) WHET_TRY(drain(ctx, &c->fd[OUT], max_bytes, out));
        if (polls[ERR].revents) WHET_TRY(drain(ctx, &c->fd[ERR], max_bytes, err));
    }
    return WHET_OK;
}

/* A child may close its outputs and live on: wait with the same clock. */
static bool reap(whet_ctx *ctx, child *c, const whet_child_opts *opts, int *status) {
    for (;;) {
        const pid_t pid = waitpid(c->pid, status, WNOHANG);
        if (pid == c->pid || (pid < 0 && errno != EINTR)) return true;
        if (whet_ctx_is_cancelled(ctx)) return false;
        if (opts->wall_seconds > 0 && whet_clock_ns() - c->start_ns > opts->wall_seconds * 1e9)
            return false;
        usleep(200);
    }
}

whet_status whet_child_run(whet_ctx *ctx, const char *const *argv, const whet_child_opts *opts,
                           whet_buf *out, whet_buf *err, whet_child_result *result) {
    static const whet_child_opts no_opts = { 0 };
    if (!opts) opts = &no_opts;
    *result = (whet_child_result){ 0 };
    if (out) whet_buf_clear(out);
    if (err) whet_buf_clear(err);
    child c = { .fd = { -1, -1, -1, -1 } };
    WHET_TRY(start(ctx, argv, opts, &c));
    fcntl(c.fd[IN], F_SETFL, O_NONBLOCK);
    if (opts->input_bytes == 0) close_fd(&c.fd[IN]);
    bool is_late = false;
    int status = 0;
    whet_status st = converse(ctx, &c, opts, out, err, &is_late);
    if (st != WHET_OK || is_late || !reap(ctx, &c, opts, &status)) {
        is_late = true;
        kill(-c.pid, SIGKILL);
        waitpid(c.pid, &status, 0);
    }
    kill(-c.pid, SIGKILL); /* grandchildren that it left */
    for (int i = 0; i < N_PIPES; i++)
        close_fd(&c.fd[i]);
    result->wall_ns = whet_clock_ns() - c.start_ns;
    result->how = is_late               ? WHET_CHILD_TIMED_OUT
                  : WIFSIGNALED(status) ? WHET_CHILD_SIGNALLED
                                        : WHET_CHILD_EXITED;
    if (result->how == WHET_CHILD_EXITED) result->exit_code = WEXITSTATUS(status);
    if (result->how == WHET_CHILD_SIGNALLED) result->signal = WTERMSIG(status);
    return st == WHET_OK ? whet_check_cancelled(ctx) : st;
}
