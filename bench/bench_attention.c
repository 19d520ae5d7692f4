/* SPDX-License-Identifier: MIT */
/* Speed of attention kernels: cold decode as a share of the read bandwidth and prefill as a share
 * of the peak arithmetic, both probed in the same seconds; kernels take turns in every round. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <whet/machine.h>

#include "base/clock.h"
#include "base/rng.h"
#include "kernels/attention.h"
#include "kernels/dtype.h"

enum { MAX_KERNELS = 16, MAX_ROUNDS = 400, MAX_LAYERS = 64 };

/* Decode of one row at the end of n_context, or prefill of its last n_rows. */
typedef struct shape {
    int32_t n_heads, n_kv_heads, head_dim, n_context, n_rows;
} shape;

typedef struct entrant {
    whet_attention attention;
    whet_attention_library *library; /* NULL: built in */
    char *kv[MAX_LAYERS];
    char *workspace;
    double ns[MAX_ROUNDS]; /* of one layer */
} entrant;

typedef struct bench {
    whet_ctx *ctx;
    whet_team *team;
    entrant entrants[MAX_KERNELS];
    int n_entrants;
    double seconds; /* for each shape */
    whet_problem problem;
    int n_layers;
    char *q, *k, *v, *out; /* n_context rows */
    entrant *running;
    int n_rounds;
    double bandwidth[MAX_ROUNDS]; /* bytes per second */
    double flops[MAX_ROUNDS];
} bench;

static void give_up(bench *b, const char *why) {
    fprintf(stderr, "bench_attention: %s\n", why ? why : whet_ctx_message(b->ctx));
    exit(1);
}

static void *allocate(bench *b, size_t bytes) {
    char *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096 + 4096);
    if (!p) give_up(b, "out of memory");
    memset(p, 0, bytes);
    return p;
}

static int64_t row_bytes(const whet_problem *p, int32_t heads) {
    return (int64_t)heads * p->head_dim * (int64_t)whet_dtype_bytes((whet_dtype)p->dtype);
}

static char *random_rows(bench *b, int32_t heads, uint64_t seed) {
    const int64_t n = (int64_t)b->problem.n_context * heads * b->problem.head_dim;
    char *rows = allocate(b, (size_t)n * 4);
    whet_rng rng;
    whet_rng_init(&rng, seed);
    for (int64_t i = 0; i < n; i++)
        whet_store_f32((whet_dtype)b->problem.dtype, rows, i,
                       (float)(whet_rng_uniform(&rng) * 4 - 2));
    return rows;
}

/* One pass over all layers: the last n_rows rows are appended and attended to. */
static void pass(void *arg, int worker, int n_workers) {
    bench *b = arg;
    const whet_problem *p = &b->problem;
    const int32_t pos = p->n_context - p->n_rows;
    const int64_t q_row = (int64_t)p->n_heads * p->head_dim;
    const int64_t kv_row = (int64_t)p->n_kv_heads * p->head_dim;
    for (int layer = 0; layer < b->n_layers; layer++) {
        const whet_append_args append = {
            .problem = p,
            .capacity = p->n_context,
            .kv = b->running->kv[layer],
            .k = b->k + pos * row_bytes(p, p->n_kv_heads),
            .v = b->v + pos * row_bytes(p, p->n_kv_heads),
            .k_stride = kv_row,
            .v_stride = kv_row,
            .pos = pos,
            .n = p->n_rows,
        };
        const whet_run_args run = {
            .problem = p,
            .capacity = p->n_context,
            .kv = b->running->kv[layer],
            .q = b->q + pos * row_bytes(p, p->n_heads),
            .out = b->out,
            .workspace = b->running->workspace,
            .q_stride = q_row,
            .out_stride = q_row,
            .scale = 0.0883883f,
            .pos = pos,
            .n_rows = p->n_rows,
        };
        whet_attention_dispatch(&b->running->attention, &append, &run, b->team, worker, n_workers);
    }
}

static void fill(void *arg, int worker, int n_workers) {
    bench *b = arg;
    const whet_problem *p = &b->problem;
    const int64_t kv_row = (int64_t)p->n_kv_heads * p->head_dim;
    for (int layer = 0; layer < b->n_layers; layer++) {
        const whet_append_args append = {
            p, p->n_context, b->running->kv[layer], b->k, b->v, kv_row, kv_row, 0, p->n_context
        };
        b->running->attention.kernel->append(&append, worker, n_workers);
    }
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quantile 0 .. 1 of n samples, which are sorted. */
static double quantile(double *samples, int n, double at) {
    qsort(samples, (size_t)n, sizeof *samples, by_size);
    return samples[(int)(at * (n - 1) + 0.5)];
}

static void open_shape(bench *b, const shape *s) {
    b->problem = (whet_problem){ WHET_BF16,   s->n_heads, s->n_kv_heads,
                                 s->head_dim, s->n_rows,  s->n_context };
    const whet_problem *p = &b->problem;
    /* Distinct caches, so that decode reads memory: more than four times a 32 MiB cache. */
    const int64_t layer = 2 * p->n_context * row_bytes(p, p->n_kv_heads);
    b->n_layers = p->n_rows > 1 ? 1 : (int)(((int64_t)160 << 20) / layer + 1);
    if (b->n_layers > MAX_LAYERS) b->n_layers = MAX_LAYERS;
    b->q = random_rows(b, p->n_heads, 1);
    b->k = random_rows(b, p->n_kv_heads, 2);
    b->v = random_rows(b, p->n_kv_heads, 3);
    b->out = allocate(b, (size_t)(p->n_rows * row_bytes(p, p->n_heads)));
    for (int i = 0; i < b->n_entrants; i++) {
        entrant *e = b->running = &b->entrants[i];
        const whet_attention_kernel *kernel = e->attention.kernel;
        for (int l = 0; l < b->n_layers; l++)
            e->kv[l] = allocate(b, kernel->kv_bytes(p, p->n_context));
        e->workspace = allocate(b, kernel->workspace_bytes(p, whet_team_size(b->team)));
        whet_team_run(b->team, fill, b);
    }
}

static void close_shape(bench *b) {
    for (int i = 0; i < b->n_entrants; i++) {
        for (int l = 0; l < b->n_layers; l++)
            free(b->entrants[i].kv[l]);
        free(b->entrants[i].workspace);
    }
    free(b->q);
    free(b->k);
    free(b->v);
    free(b->out);
}

static void measure(bench *b) {
    const double end = whet_clock_ns() + b->seconds * 1e9;
    b->n_rounds = 0;
    while (b->n_rounds < 3 || (whet_clock_ns() < end && b->n_rounds < MAX_ROUNDS)) {
        whet_probe probe;
        if (whet_probe_bandwidth(b->ctx, b->team, 0.03, &probe) != WHET_OK) give_up(b, NULL);
        b->bandwidth[b->n_rounds] = probe.median;
        if (whet_probe_flops(b->ctx, b->team, 0.01, &probe) != WHET_OK) give_up(b, NULL);
        b->flops[b->n_rounds] = probe.median;
        for (int i = 0; i < b->n_entrants; i++) {
            b->running = &b->entrants[(i + b->n_rounds) % b->n_entrants];
            const double start = whet_clock_ns();
            whet_team_run(b->team, pass, b);
            b->running->ns[b->n_rounds] = (whet_clock_ns() - start) / b->n_layers;
        }
        b->n_rounds++;
    }
}

static void report(bench *b) {
    const whet_problem *p = &b->problem;
    const int64_t pos = p->n_context - p->n_rows;
    const double bytes = 2.0 * p->n_context * (double)row_bytes(p, p->n_kv_heads);
    /* Two products, two operations each, for the keys that each row sees. */
    const double flop = 4.0 * p->n_heads * p->head_dim *
                        ((double)p->n_rows * (double)pos + p->n_rows * (p->n_rows + 1.0) / 2);
    const double bandwidth = quantile(b->bandwidth, b->n_rounds, 0.5);
    const double peak = quantile(b->flops, b->n_rounds, 0.5);
    printf("\n%s %d:%d x %d, %d rows at %d, %d caches, %d rounds; probes %.1f GB/s, %.0f GFLOP/s\n",
           p->n_rows == 1 ? "decode" : "prefill", (int)p->n_heads, (int)p->n_kv_heads,
           (int)p->head_dim, (int)p->n_rows, (int)pos, b->n_layers, b->n_rounds, bandwidth / 1e9,
           peak / 1e9);
    for (int i = 0; i < b->n_entrants; i++) {
        entrant *e = &b->entrants[i];
        const double ns = quantile(e->ns, b->n_rounds, 0.5);
        const double low = quantile(e->ns, b->n_rounds, 0.25);
        const double high = quantile(e->ns, b->n_rounds, 0.75);
        printf("  %-24s %10.1f us (%.1f .. %.1f)", e->attention.kernel->name, ns / 1e3, low / 1e3,
               high / 1e3);
        if (p->n_rows == 1)
            printf("  %6.1f GB/s = %3.0f %% of the probe\n", bytes / ns,
                   1e11 * bytes / ns / bandwidth);
        else
            printf("  %6.1f GFLOP/s = %3.0f %% of the peak\n", flop / ns, 1e11 * flop / ns / peak);
    }
}

static void enter(bench *b, const char *name) {
    if (b->n_entrants == MAX_KERNELS) give_up(b, "too many kernels");
    entrant *e = &b->entrants[b->n_entrants++];
    *e = (entrant){ 0 };
    if (strchr(name, '.')) {
        if (whet_attention_compile(b->ctx, name, NULL, &e->library) != WHET_OK) give_up(b, NULL);
        e->attention.kernel = whet_attention_library_kernel(e->library);
    } else {
        e->attention.kernel = whet_attention_find(name);
        if (!e->attention.kernel) give_up(b, "no kernel of this name runs here");
    }
}

static void print_machine(bench *b) {
    whet_machine machine;
    if (whet_machine_read(b->ctx, &machine) != WHET_OK) give_up(b, NULL);
    printf("%s, %s, %d of %d processors, features", machine.cpu, machine.system,
           whet_team_size(b->team), machine.n_logical);
    for (uint32_t bit = 1; bit; bit <<= 1)
        if (machine.features & bit) printf(" %s", whet_cpu_feature_name((whet_cpu_feature)bit));
    printf("\n");
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        { "threads", required_argument, NULL, 't' },
        { "seconds", required_argument, NULL, 's' },
        { "kernel", required_argument, NULL, 'k' },
        { "shape", required_argument, NULL, 'p' },
        { 0 },
    };
    static const shape usual[] = {
        { 16, 8, 128, 128, 1 },  { 16, 8, 128, 2048, 1 },  { 16, 8, 128, 8192, 1 },
        { 40, 8, 128, 2048, 1 }, { 16, 8, 128, 512, 512 }, { 16, 8, 128, 2048, 512 },
    };
    bench *b = calloc(1, sizeof *b);
    if (!b) return 1;
    b->ctx = whet_ctx_open(NULL);
    b->seconds = 2;
    int threads = 0, c;
    shape shapes[16];
    int n_shapes = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        shape *s = &shapes[n_shapes < 15 ? n_shapes : 15];
        if (c == 't')
            threads = atoi(optarg);
        else if (c == 's')
            b->seconds = atof(optarg);
        else if (c == 'k')
            enter(b, optarg);
        else if (c == 'p' && sscanf(optarg, "%d:%dx%d,%d,%d", &s->n_heads, &s->n_kv_heads,
                                    &s->head_dim, &s->n_context, &s->n_rows) == 5)
            n_shapes++;
        else
            give_up(b, "[--threads N] [--seconds S] [--kernel NAME|FILE.c]... "
                       "[--shape HEADS:KV_HEADSxDIM,CONTEXT,ROWS]...");
    }
    if (b->n_entrants == 0) {
        enter(b, "fused");
        enter(b, "repeat");
    }
    if (whet_team_open(b->ctx, threads, &b->team) != WHET_OK) give_up(b, NULL);
    print_machine(b);
    for (int i = 0; i < (n_shapes ? n_shapes : (int)(sizeof usual / sizeof usual[0])); i++) {
        open_shape(b, n_shapes ? &shapes[i] : &usual[i]);
        measure(b);
        report(b);
        close_shape(b);
    }
    for (int i = 0; i < b->n_entrants; i++)
        whet_attention_unload(b->entrants[i].library);
    whet_team_close(b->team);
    whet_ctx_close(b->ctx);
    free(b);
    return 0;
}
