/* SPDX-License-Identifier: MIT */
/* Reading it all, a byte of every line. */
#include "judge/sweep.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { LINE = 64 };

static const long settle_ns = 200000; /* a team's threads spin half as long before they sleep */

typedef struct share {
    char *begin;
    size_t n_bytes;
} share;

static share share_of(const whet_sweep *s, int worker, int n_workers) {
    const size_t n_lines = s->n_bytes / LINE, n = (size_t)n_workers, i = (size_t)worker;
    const size_t first = n_lines * i / n, end = n_lines * (i + 1) / n;
    return (share){ s->bytes + first * LINE, (end - first) * LINE };
}

static void touch(void *arg, int worker, int n_workers) {
    const share own = share_of(arg, worker, n_workers);
    memset(own.begin, 1, own.n_bytes); /* memory that was never written may be one page of zeros */
}

static void read_lines(void *arg, int worker, int n_workers) {
    const share own = share_of(arg, worker, n_workers);
    const volatile char *bytes = own.begin;
    for (size_t at = 0; at < own.n_bytes; at += LINE)
        (void)bytes[at];
}

whet_status whet_sweep_open(whet_ctx *ctx, whet_team *team, size_t n_bytes, whet_sweep *s) {
    if (s->bytes) return WHET_OK;
    char *bytes = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) return whet_fail_nomem(ctx, n_bytes);
    madvise(bytes, n_bytes, MADV_HUGEPAGE);
    *s = (whet_sweep){ bytes, n_bytes };
    whet_team_run(team, touch, s);
    return WHET_OK;
}

void whet_sweep_close(whet_sweep *s) {
    if (s->bytes) munmap(s->bytes, s->n_bytes);
    *s = (whet_sweep){ 0 };
}

void whet_sweep_run(const whet_sweep *s, whet_team *team) {
    whet_team_run(team, read_lines, (void *)(uintptr_t)s);
    nanosleep(&(struct timespec){ .tv_nsec = settle_ns }, NULL);
}
