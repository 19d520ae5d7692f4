/* SPDX-License-Identifier: MIT */
/* whet bench --op: attention or a linear layer alone, all kernels in turns, cold and warm. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { MAX_SHAPES = 32 };

static const char *const op_names[] = { "attention", "linear" };

/* Decode and prefill of Qwen3-0.6B and of 14B's heads. */
static const char usual_attention[] = "16:8x128,128,1 16:8x128,2048,1 16:8x128,8192,1 "
                                      "40:8x128,2048,1 16:8x128,512,512 16:8x128,2048,512";
/* Qwen3-0.6B: q|k|v, o, gate|up, down for a token; gate|up and down for a prompt. */
static const char usual_linear[] =
    "4096x1024,1 1024x2048,1 6144x1024,1 1024x3072,1 6144x1024,512 1024x3072,512";

typedef struct op_run {
    const cli_bench_opts *o;
    whet_bench_op op;
    whet_op_opts shapes[MAX_SHAPES];
    int n_shapes;
    whet_machine machine;
    whet_team *team;
    bool is_doubtful;
} op_run;

/* ---- shapes ---- */

/* A number of 1 to 1e8 at *p, which is then behind it and, unless that is 0, behind `next`. */
static bool take(const char **p, char next, int32_t *n) {
    char *end;
    const long value = strtol(*p, &end, 10);
    if (**p < '0' || **p > '9' || value < 1 || value > 100000000 || *end != next) return false;
    *n = (int32_t)value;
    *p = end + (next != '\0');
    return true;
}

static bool parse_shape(whet_bench_op op, const char *text, whet_op_opts *s) {
    const char *p = text;
    if (op == WHET_BENCH_LINEAR)
        return take(&p, 'x', &s->n_out) && take(&p, ',', &s->n_in) && take(&p, '\0', &s->n_rows);
    whet_problem *a = &s->attention;
    return take(&p, ':', &a->n_heads) && take(&p, 'x', &a->n_kv_heads) &&
           take(&p, ',', &a->head_dim) && take(&p, ',', &a->n_context) &&
           take(&p, '\0', &a->n_rows);
}

static whet_status list_shapes(op_run *r) {
    const char *usual = r->op == WHET_BENCH_LINEAR ? usual_linear : usual_attention;
    char word[64];
    for (const char *p = r->o->shape ? r->o->shape : usual; *(p += strspn(p, " "));) {
        const size_t len = strcspn(p, " ");
        snprintf(word, sizeof word, "%.*s", (int)(len < 63 ? len : 63), p);
        if (r->n_shapes == MAX_SHAPES) return cli_usage("--shape takes at most %d", MAX_SHAPES);
        whet_op_opts *s = &r->shapes[r->n_shapes++];
        *s = (whet_op_opts){
            .op = r->op,
            .kernels = r->o->kernel,
            .compiler = getenv("CC"),
            .seconds = r->o->seconds,
            .cache_bytes = (uint64_t)r->o->cache_mib << 20,
            .seed = r->o->seed,
        };
        if (!parse_shape(r->op, word, s))
            return cli_usage("--shape takes %s, not \"%s\"",
                             r->op == WHET_BENCH_LINEAR ? "OUTPUTSxINPUTS,ROWS"
                                                        : "HEADS:KV_HEADSxDIM,CONTEXT,ROWS",
                             word);
        p += len;
    }
    return r->n_shapes ? WHET_OK : cli_usage("--shape is empty");
}

static whet_status choose_op(op_run *r) {
    for (int i = 0; i < 2; i++)
        if (strcmp(r->o->op, op_names[i]) == 0) {
            r->op = (whet_bench_op)i;
            return WHET_OK;
        }
    return cli_usage("--op takes attention or linear, not \"%.40s\"", r->o->op);
}

/* ---- telling ---- */

static void name_shape(const whet_op_opts *s, char text[80]) {
    const whet_problem *a = &s->attention;
    if (s->op == WHET_BENCH_LINEAR)
        snprintf(text, 80, "%dx%d,%d", s->n_out, s->n_in, s->n_rows);
    else
        snprintf(text, 80, "%d:%dx%d,%d,%d", a->n_heads, a->n_kv_heads, a->head_dim, a->n_context,
                 a->n_rows);
}

static void print_figure(op_run *r, const whet_op_result *result, const whet_op_figure *f) {
    const bool is_doubtful = f->share_of_limit > WHET_BENCH_CREDIBLE;
    /* What is warm and not held by arithmetic is held by caches, which no probe has measured. */
    const bool has_share = f->is_cold || result->flop / result->bytes > 64;
    char share[24] = "-";
    if (has_share) {
        snprintf(share, sizeof share, "%.0f%s %s", 100 * f->share_of_limit, is_doubtful ? "?" : "",
                 f->is_reading ? "P" : "F");
        r->is_doubtful |= is_doubtful;
    }
    printf("  %-24s %-5s %12.2f %12.2f .. %-10.2f %8.1f %9.1f %8s\n", f->name,
           f->is_cold ? "cold" : "warm", f->ns * 1e-3, f->low * 1e-3, f->high * 1e-3,
           result->bytes / f->ns, result->flop / f->ns, share);
}

static void print_table(op_run *r, const whet_op_opts *shape, const whet_op_result *result) {
    char name[80];
    name_shape(shape, name);
    const whet_op_figure *first = &result->figures[0];
    printf("\n%s %s: %.2f MB, %.1f MFLOP; cold on %d copies; P %.1f GB/s, F %.0f GFLOP/s\n",
           op_names[r->op], name, result->bytes * 1e-6, result->flop * 1e-6, first->n_copies,
           first->peaks.bytes_per_second * 1e-9, first->peaks.flop_per_second * 1e-9);
    printf("  %-24s %-5s %12s %12s .. %-10s %8s %9s %8s\n", "kernel", "data", "us", "quartiles", "",
           "GB/s", "GFLOP/s", "% of lim");
    for (int i = 0; i < result->n_figures; i++)
        print_figure(r, result, &result->figures[i]);
}

static whet_status print_json(whet_ctx *ctx, const op_run *r, const whet_op_opts *shape,
                              const whet_op_result *result, const whet_op_figure *f) {
    char name[80];
    whet_buf line = { 0 };
    name_shape(shape, name);
    whet_status st = whet_buf_printf(
        ctx, &line, "{\"type\":\"op\",\"op\":\"%s\",\"shape\":\"%s\",\"kernel\":", op_names[r->op],
        name);
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, f->name, strlen(f->name));
    if (st == WHET_OK)
        st = whet_buf_printf(
            ctx, &line,
            ",\"data\":\"%s\",\"threads\":%d,\"copies\":%d,\"bytes\":%.0f,\"flop\":%.0f,"
            "\"ns\":%.6g,\"low\":%.6g,\"high\":%.6g,\"bytes_per_second\":%.6g,"
            "\"flop_per_second\":%.6g,\"limit\":\"%s\",\"share_of_limit\":%.4f,\"samples_ns\":[",
            f->is_cold ? "cold" : "warm", whet_team_size(r->team), f->n_copies, result->bytes,
            result->flop, f->ns, f->low, f->high, f->peaks.bytes_per_second,
            f->peaks.flop_per_second, f->is_reading ? "P" : "F", f->share_of_limit);
    for (int i = 0; i < f->n_samples && st == WHET_OK; i++)
        st = whet_buf_printf(ctx, &line, "%s%.6g", i ? "," : "", f->samples_ns[i]);
    if (st == WHET_OK) printf("%s]}\n", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

/* ---- doing ---- */

static whet_status run_shape(whet_ctx *ctx, op_run *r, const whet_op_opts *shape) {
    whet_op_result result;
    whet_status st = whet_op_run(ctx, r->team, shape, &result);
    if (st != WHET_OK) return st;
    cli_progress_end();
    if (!r->o->is_json) print_table(r, shape, &result);
    for (int i = 0; i < result.n_figures && st == WHET_OK && r->o->is_json; i++)
        st = print_json(ctx, r, shape, &result, &result.figures[i]);
    fflush(stdout);
    whet_op_result_fini(ctx, &result);
    return st;
}

static void print_foot(const op_run *r) {
    printf("\n%s, %d threads. Cold: on more than twice the last-level caches; warm: always the "
           "same.\n%% of limit: P = read bandwidth, F = arithmetic peak, probed around every "
           "round; medians.\n",
           r->machine.cpu, whet_team_size(r->team));
    if (r->is_doubtful)
        printf("?: above its limit, so the probes were disturbed: measure again.\n");
}

whet_status cli_bench_op(whet_ctx *ctx, const cli_bench_opts *o) {
    op_run r = { .o = o };
    whet_status st = choose_op(&r);
    if (st == WHET_OK) st = list_shapes(&r);
    if (st == WHET_OK) st = whet_machine_read(ctx, &r.machine);
    if (st == WHET_OK) st = whet_team_open(ctx, o->threads, &r.team);
    for (int i = 0; i < r.n_shapes && st == WHET_OK; i++)
        st = run_shape(ctx, &r, &r.shapes[i]);
    if (st == WHET_OK && !o->is_json) print_foot(&r);
    whet_team_close(r.team);
    return st;
}
