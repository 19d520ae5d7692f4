/* SPDX-License-Identifier: MIT */
/* Files in, lines and the table out. */
#include "judge_score.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <whet/machine.h>

#include "cli.h"

enum { MAX_FILE_BYTES = 16 << 20 };

/* What is known while it runs. */
typedef struct teller {
    const judge_score *score;
    whet_ctx *ctx; /* of the lines: one at a time */
    whet_status status;
} teller;

static whet_status put_string(whet_ctx *ctx, whet_buf *line, const char *key, const char *value) {
    whet_status st = whet_buf_printf(ctx, line, ",\"%s\":", key);
    return st == WHET_OK ? whet_json_quote(ctx, line, value, strlen(value)) : st;
}

static whet_status print_line(teller *t, const whet_score_item *i) {
    whet_buf line = { 0 };
    const whet_verdict *v = &i->verdict;
    whet_status st =
        whet_buf_printf(t->ctx, &line, "{\"type\":\"%s\"", i->mutation ? "mutant" : "honest");
    if (st == WHET_OK) st = put_string(t->ctx, &line, "file", i->name);
    if (st == WHET_OK && i->mutation) {
        st = whet_buf_printf(t->ctx, &line, ",\"line\":%d,\"mutation\":\"%s\"", i->line,
                             i->mutation);
        if (st == WHET_OK) st = put_string(t->ctx, &line, "before", i->before);
        if (st == WHET_OK) st = put_string(t->ctx, &line, "after", i->after);
    }
    if (st == WHET_OK)
        st = whet_buf_printf(t->ctx, &line,
                             ",\"fate\":\"%s\",\"verdict\":\"%s\",\"gate\":%d,\"seed\":%llu,"
                             "\"object\":\"%s\"",
                             whet_fate_name(i->fate), whet_verdict_name(v->code), v->gate,
                             (unsigned long long)i->seed, v->object_sha256);
    if (st == WHET_OK) st = put_string(t->ctx, &line, "reason", *i->reason ? i->reason : v->reason);
    if (st == WHET_OK && !i->mutation)
        st = whet_buf_printf(t->ctx, &line, ",\"worst\":%.4g", v->worst);
    if (st == WHET_OK && i->n_cases)
        st = whet_buf_printf(t->ctx, &line,
                             ",\"cases\":%d,\"other\":%d,\"worst\":%.4g,\"original_worst\":%.4g",
                             i->n_cases, i->n_other, i->worst, i->original_worst);
    if (st == WHET_OK) printf("%s}\n", line.text);
    whet_buf_fini(t->ctx, &line);
    return st;
}

/* Everything but what is as it should be. */
static void print_text(const whet_score_item *i) {
    if (i->fate == WHET_FATE_REFUSED)
        printf("%s is REFUSED with seed %llu, gate %d: %s\n", i->name, (unsigned long long)i->seed,
               i->verdict.gate, i->verdict.reason);
    if (!i->mutation || i->fate == WHET_FATE_REJECTED) return;
    printf("%s:%d %s, \"%s\" becomes \"%s\"\n    ", i->name, i->line, i->mutation, i->before,
           i->after);
    if (i->fate == WHET_FATE_SAME_BITS)
        printf("the same bits in %d cases\n", i->n_cases);
    else if (i->fate == WHET_FATE_WITHIN)
        printf("other bits in %d of %d cases, at most %.3f of the tolerance (the original's: "
               "%.3f)\n",
               i->n_other, i->n_cases, i->worst, i->original_worst);
    else if (i->fate == WHET_FATE_ORIGINAL)
        printf("the ORIGINAL, accepted with seed %llu, is rejected in case %d: %s\n",
               (unsigned long long)i->seed, i->n_cases + 1, i->reason);
    else
        printf("HOLE, accepted with seed %llu: %s\n", (unsigned long long)i->seed, i->reason);
}

static void tell(void *data, const whet_score_item *item) {
    teller *t = data;
    if (t->score->is_json && t->status == WHET_OK)
        t->status = print_line(t, item);
    else if (!t->score->is_json)
        print_text(item);
    fflush(stdout);
}

static int count(const whet_score *s, const char *mutation, whet_fate fate) {
    int n = 0;
    for (int i = 0; i < s->n_items; i++) {
        const whet_score_item *it = &s->items[i];
        n += it->fate == fate && (!mutation || (it->mutation && !strcmp(it->mutation, mutation)));
    }
    return n;
}

static void print_row(const whet_score *s, const char *mutation, const char *meaning) {
    const int rejected = count(s, mutation, WHET_FATE_REJECTED);
    const int same = count(s, mutation, WHET_FATE_SAME_BITS);
    const int within = count(s, mutation, WHET_FATE_WITHIN);
    const int hole = count(s, mutation, WHET_FATE_HOLE);
    const int n = rejected + same + within + hole + count(s, mutation, WHET_FATE_ORIGINAL);
    printf("| %s | %d / %d | %d | %d | %d | %s |\n", mutation ? mutation : "**all**", rejected, n,
           same, within, hole, meaning);
}

static void print_table(const whet_score *s) {
    printf("\n| mutation | rejected | same bits | within tolerance | holes | what it does |\n"
           "|---|---|---|---|---|---|\n");
    for (int i = 0; whet_mutation_name(i); i++)
        print_row(s, whet_mutation_name(i), whet_mutation_meaning(i));
    print_row(s, NULL, "");
}

/* What the kernels as they are made of the tolerance: the calibration. Each is met where it comes
 * first. */
static void print_calibration(const whet_score *s) {
    printf("\n| honest kernel | judgements | refused | worst error / tolerance |\n"
           "|---|---|---|---|\n");
    for (int i = 0; i < s->n_items; i++) {
        int n = 0, n_refused = 0, n_before = 0;
        double worst = 0;
        for (int j = 0; j < s->n_items && !s->items[i].mutation; j++) {
            const whet_score_item *it = &s->items[j];
            if (it->mutation || strcmp(it->name, s->items[i].name) != 0) continue;
            n_before += j < i;
            n++;
            n_refused += it->fate == WHET_FATE_REFUSED;
            if (it->verdict.worst > worst) worst = it->verdict.worst;
        }
        if (n && !n_before)
            printf("| %s | %d | %d | %.3f |\n", s->items[i].name, n, n_refused, worst);
    }
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void print_sum(const judge_score *r, const whet_score *s, double seconds) {
    const int rejected = count(s, NULL, WHET_FATE_REJECTED);
    const int same = count(s, NULL, WHET_FATE_SAME_BITS);
    const int within = count(s, NULL, WHET_FATE_WITHIN), hole = count(s, NULL, WHET_FATE_HOLE);
    const int refused = count(s, NULL, WHET_FATE_REFUSED);
    const int original = count(s, NULL, WHET_FATE_ORIGINAL);
    const int n = rejected + same + within + hole + original;
    if (r->is_json) {
        printf("{\"type\":\"score\",\"mutants\":%d,\"rejected\":%d,\"same_bits\":%d,\"within\":%d,"
               "\"holes\":%d,\"original_rejected\":%d,\"possible\":%d,\"no_build\":%d,\"twins\":%d,"
               "\"honest\":%d,"
               "\"refused\":%d,\"seconds\":%.0f}\n",
               n, rejected, same, within, hole, original, s->n_possible, s->n_no_build, s->n_twins,
               s->n_items - n, refused, seconds);
        return;
    }
    if (n) print_table(s);
    if (n)
        printf("\n%d of %d mutants rejected; %d give the same bits, %d stay within the tolerance, "
               "%d holes, of %d the original is rejected\n%d possible mutants; of those tried %d "
               "did not build, %d were an object "
               "that had been there\n",
               rejected, n, same, within, hole, original, s->n_possible, s->n_no_build, s->n_twins);
    if (s->n_items > n) print_calibration(s);
    if (s->n_items > n)
        printf("\n%d of %d judgements of honest kernels refused\n", refused, s->n_items - n);
    printf("%.0f s\n", seconds);
}

static whet_status read_texts(whet_ctx *ctx, const judge_score *r, whet_buf *buffers,
                              whet_score_text *texts) {
    for (int i = 0; i < r->n_files; i++) {
        const int fd = open(r->files[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0) return cli_usage("%s: %s", r->files[i], strerror(errno));
        const whet_status st = whet_fd_read(ctx, fd, r->files[i], MAX_FILE_BYTES, &buffers[i]);
        close(fd);
        if (st != WHET_OK) return st;
        if (!buffers[i].text || memchr(buffers[i].text, '\0', buffers[i].len))
            return cli_usage("%s: no source text", r->files[i]);
        const char *slash = strrchr(r->files[i], '/');
        texts[i] = (whet_score_text){ slash ? slash + 1 : r->files[i], buffers[i].text };
    }
    return WHET_OK;
}

whet_status judge_score_run(whet_ctx *ctx, const whet_judge_opts *judge, const judge_score *r,
                            bool *is_clean) {
    whet_buf buffers[CLI_MAX_ARGS] = { 0 };
    whet_score_text texts[CLI_MAX_ARGS];
    whet_machine machine;
    whet_score score = { 0 };
    const double start = seconds_now();
    teller t = { .score = r, .ctx = whet_ctx_open(NULL) };
    whet_status st = t.ctx ? whet_machine_read(ctx, &machine) : cli_usage("no memory");
    if (st == WHET_OK) st = read_texts(ctx, r, buffers, texts);
    if (st == WHET_OK) {
        const whet_score_opts opts = { .n_mutants = r->n_mutants,
                                       .n_honest = r->n_honest,
                                       .n_threads = r->n_jobs ? r->n_jobs : machine.n_threads,
                                       .seed = judge->seed,
                                       .tell = tell,
                                       .data = &t };
        st = whet_score_run(ctx, judge, texts, r->n_files, &opts, &score);
    }
    if (st == WHET_OK) st = t.status;
    if (st == WHET_OK) print_sum(r, &score, seconds_now() - start);
    *is_clean = true;
    for (int i = WHET_FATE_HOLE; i <= WHET_FATE_ORIGINAL; i++)
        *is_clean &= !count(&score, NULL, (whet_fate)i);
    whet_score_fini(ctx, &score);
    for (int i = 0; i < r->n_files; i++)
        whet_buf_fini(ctx, &buffers[i]);
    whet_ctx_close(t.ctx);
    return st;
}
