/* SPDX-License-Identifier: MIT */
/* The self-check of a winner. A child asks the kernel what memory it wants, another lets it
 * calculate; what is right is reckoned by the parent, which never calls the kernel. */
#include "evolve/self_check.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ctx.h"
#include "judge/compare.h"
#include "judge/jail.h"
#include "kernels/cases.h"

enum { TOKENS = 80, ROWS = 6, FIRST = 70, CAPACITY = 128, N_WORKERS = 2, NAP_US = 200 };

static const double limit_ns = 5e9;
static const size_t max_bytes = (size_t)1 << 30; /* of K and V, and of the workspace */

/* What the kernel says of the problem. */
typedef struct said {
    int32_t is_supported;
    size_t kv_bytes, workspace_bytes;
} said;

/* Data lie in one shared mapping: [q][k][v][out][kv][workspace]. */
typedef struct check {
    whet_problem problem;
    const whet_attention_kernel *kernel;
    size_t row_bytes, kv_row_bytes; /* of q and out, of k and v */
    said *said;                     /* shared, too */
    char *q, *k, *v, *out, *kv, *workspace;
    void *memory;
    size_t bytes;
} check;

static size_t aligned(size_t n) {
    return (n + 63) & ~(size_t)63;
}

static whet_status map(whet_ctx *ctx, size_t n, void **memory) {
    void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return whet_fail(ctx, WHET_E_NOMEM, "map %zu bytes to check a winner: %s", n,
                         strerror(errno));
    *memory = at;
    return WHET_OK;
}

static whet_status lay_out(whet_ctx *ctx, check *c) {
    const whet_problem *p = &c->problem;
    const size_t element = whet_dtype_bytes((whet_dtype)p->dtype);
    c->row_bytes = (size_t)p->n_heads * (size_t)p->head_dim * element;
    c->kv_row_bytes = (size_t)p->n_kv_heads * (size_t)p->head_dim * element;
    char **const parts[] = { &c->q, &c->k, &c->v, &c->out, &c->kv, &c->workspace };
    const size_t sizes[] = {
        ROWS * c->row_bytes, TOKENS * c->kv_row_bytes, TOKENS * c->kv_row_bytes,
        ROWS * c->row_bytes, c->said->kv_bytes,        c->said->workspace_bytes,
    };
    if (c->said->kv_bytes > max_bytes || c->said->workspace_bytes > max_bytes)
        return whet_fail(ctx, WHET_E_UNSUPPORTED, "it wants %zu and %zu bytes here",
                         c->said->kv_bytes, c->said->workspace_bytes);
    for (int i = 0; i < 6; i++)
        c->bytes += aligned(sizes[i]);
    WHET_TRY(map(ctx, c->bytes, &c->memory));
    char *at = c->memory;
    for (int i = 0; i < 6; i++) {
        *parts[i] = at;
        at += aligned(sizes[i]);
    }
    return WHET_OK;
}

/* ---- in the child: async-signal-safe, and no system call behind the lock ---- */

static void ask(const check *c) {
    c->said->is_supported = c->kernel->supports(&c->problem);
    if (!c->said->is_supported) return;
    c->said->kv_bytes = c->kernel->kv_bytes(&c->problem, CAPACITY);
    c->said->workspace_bytes = c->kernel->workspace_bytes(&c->problem, N_WORKERS);
}

static void append(const check *c, int pos, int n) {
    const whet_problem *p = &c->problem;
    const whet_append_args args = {
        .problem = p,
        .capacity = CAPACITY,
        .kv = c->kv,
        .k = c->k + (size_t)pos * c->kv_row_bytes,
        .v = c->v + (size_t)pos * c->kv_row_bytes,
        .k_stride = (int64_t)p->n_kv_heads * p->head_dim,
        .v_stride = (int64_t)p->n_kv_heads * p->head_dim,
        .pos = pos,
        .n = n,
    };
    for (int worker = 0; worker < N_WORKERS; worker++)
        c->kernel->append(&args, worker, N_WORKERS);
}

/* Rows first .. first + n - 1 of q, at the end of what was appended. */
static void run(const check *c, int first, int n) {
    const whet_problem *p = &c->problem;
    const int pos = TOKENS - ROWS + first;
    const whet_run_args args = {
        .problem = p,
        .capacity = CAPACITY,
        .kv = c->kv,
        .q = c->q + (size_t)first * c->row_bytes,
        .out = c->out + (size_t)first * c->row_bytes,
        .workspace = c->workspace,
        .q_stride = (int64_t)p->n_heads * p->head_dim,
        .out_stride = (int64_t)p->n_heads * p->head_dim,
        .scale = 1 / sqrtf((float)p->head_dim),
        .pos = pos,
        .n_rows = n,
    };
    const int n_phases = c->kernel->n_phases(p, n, pos + n);
    for (int phase = 0; phase < n_phases; phase++)
        for (int worker = 0; worker < N_WORKERS; worker++)
            c->kernel->run(&args, phase, worker, N_WORKERS);
}

/* The first rows alone, as in decoding, the others together. */
static void calculate(const check *c) {
    append(c, 0, FIRST);
    append(c, FIRST, TOKENS - ROWS - FIRST);
    for (int row = 0; row < 2; row++) {
        append(c, TOKENS - ROWS + row, 1);
        run(c, row, 1);
    }
    append(c, TOKENS - ROWS + 2, ROWS - 2);
    run(c, 2, ROWS - 2);
}

/* ---- in the parent ---- */

static whet_status await(whet_ctx *ctx, pid_t pid) {
    const double end_ns = whet_clock_ns() + limit_ns;
    int status = 0;
    pid_t done;
    while ((done = waitpid(pid, &status, WNOHANG)) == 0 || (done < 0 && errno == EINTR)) {
        if (whet_clock_ns() > end_ns) kill(pid, SIGKILL);
        usleep(NAP_US);
    }
    if (done < 0)
        return whet_fail(ctx, WHET_E_IO, "wait for a winner's check: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return WHET_OK;
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (number == SIGKILL)
        return whet_fail(ctx, WHET_E_UNSUPPORTED, "it does not end here, or was killed");
    return whet_fail(ctx, WHET_E_UNSUPPORTED, "it ends by signal %d here", number);
}

static whet_status in_child(whet_ctx *ctx, const check *c, void (*work)(const check *c)) {
    const pid_t parent = getpid(), pid = whet_jail_fork();
    if (pid < 0) return whet_fail(ctx, WHET_E_IO, "start a winner's check: %s", strerror(errno));
    if (pid == 0) {
        if (!whet_jail_follow(parent)) _exit(1);
        whet_jail_lock(); /* without seccomp it is a child all the same */
        work(c);
        _exit(0);
    }
    return await(ctx, pid);
}

static whet_status compare(whet_ctx *ctx, const check *c) {
    const whet_problem *p = &c->problem;
    const size_t n = (size_t)p->n_heads * (size_t)p->head_dim;
    double *room = whet_alloc(ctx, (2 * ROWS * n + 2 * TOKENS) * sizeof *room);
    if (!room) return WHET_E_NOMEM;
    double *out = room, *tolerance = out + ROWS * n, *scratch = tolerance + ROWS * n;
    for (int row = 0; row < ROWS; row++)
        whet_attention_oracle(p, 1 / sqrt(p->head_dim), c->q + (size_t)row * c->row_bytes, c->k,
                              c->v, (int64_t)p->n_kv_heads * p->head_dim, TOKENS - ROWS + row,
                              out + (size_t)row * n, tolerance + (size_t)row * n, scratch);
    whet_verdict verdict = { 0 };
    const whet_truth truth = { out, tolerance };
    const bool is_wrong =
        whet_compare(p, c->out, (int64_t)n, ROWS, &truth, WHET_GATE_SMOKE, &verdict);
    whet_free(ctx, room);
    if (!is_wrong) return WHET_OK;
    return whet_fail(ctx, WHET_E_UNSUPPORTED, "it calculates %.6g here where %.6g is right",
                     verdict.got, verdict.expected);
}

whet_status whet_self_check(whet_ctx *ctx, const whet_attention_kernel *kernel,
                            const whet_problem *problem) {
    check c = { .problem = *problem, .kernel = kernel };
    c.problem.n_rows = ROWS;
    c.problem.n_context = TOKENS;
    void *page = NULL;
    WHET_TRY(map(ctx, sizeof *c.said, &page));
    c.said = page;
    whet_status st = in_child(ctx, &c, ask);
    if (st == WHET_OK && !c.said->is_supported)
        st = whet_fail(ctx, WHET_E_UNSUPPORTED, "it does not support its problem here");
    if (st == WHET_OK) st = lay_out(ctx, &c);
    if (st == WHET_OK) {
        whet_case_fill(WHET_CASE_GAUSS_1, &c.problem, 1, c.q, c.k, c.v);
        memset(c.out, 0xFF, ROWS * c.row_bytes); /* NaN in every type */
        st = in_child(ctx, &c, calculate);
    }
    if (st == WHET_OK) st = compare(ctx, &c);
    if (c.memory) munmap(c.memory, c.bytes);
    munmap(page, sizeof *c.said);
    return st;
}
