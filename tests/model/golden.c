/* SPDX-License-Identifier: MIT */
/* The acceptance rule of tests/data's golden models. */
#include "tests/model/golden.h"

#include "base/file.h"
#include "tests/test.h"

static size_t read_ids(const whet_json *list, int32_t *ids) {
    const size_t n = whet_json_len(list);
    for (size_t i = 0; i < n && i < GOLDEN_MAX_IDS; i++) {
        int64_t id = -1;
        whet_json_integer(whet_json_at(list, i), &id);
        ids[i] = (int32_t)id;
    }
    return n <= GOLDEN_MAX_IDS ? n : 0;
}

static void read_numbers(const whet_json *list, double *numbers) {
    for (size_t i = 0; i < whet_json_len(list) && i < GOLDEN_MAX_IDS; i++)
        whet_json_number(whet_json_at(list, i), &numbers[i]);
}

static void read_prompts(const whet_json *root, golden *g) {
    const whet_json *prompts = whet_json_get(root, "prompt_ids");
    g->n_prompts = whet_json_len(prompts);
    g->prompts = calloc(g->n_prompts, sizeof *g->prompts);
    for (size_t i = 0; i < g->n_prompts; i++) {
        golden_prompt *p = &g->prompts[i];
        p->n_ids = read_ids(whet_json_at(prompts, i), p->ids);
        p->n_greedy = read_ids(whet_json_at(whet_json_get(root, "greedy"), i), p->greedy);
        read_numbers(whet_json_at(whet_json_get(root, "margins"), i), p->margins);
        read_numbers(whet_json_at(whet_json_get(root, "ranges"), i), p->ranges);
    }
}

bool golden_open(whet_ctx *ctx, const char *dir, const char *golden_dir, golden *g) {
    *g = (golden){ 0 };
    snprintf(g->dir, sizeof g->dir, "%s", dir);
    char path[600];
    snprintf(path, sizeof path, "%s/golden.json", golden_dir);
    whet_json *root;
    whet_buf logits = { 0 };
    whet_status st = whet_json_read(ctx, path, 1 << 24, &root);
    if (st == WHET_OK) {
        const whet_json *bar = whet_json_get(root, "bar");
        g->n_sequence = read_ids(whet_json_get(root, "sequence"), g->sequence);
        whet_json_number(whet_json_get(bar, "max"), &g->bar_max);
        whet_json_number(whet_json_get(bar, "mean"), &g->bar_mean);
        read_prompts(root, g);
        snprintf(path, sizeof path, "%s/logits_f32.bin", golden_dir);
        st = whet_file_read(ctx, path, 1 << 28, &logits);
    }
    whet_json_close(root);
    if (st == WHET_OK && g->n_sequence) {
        g->vocab = logits.len / 4 / g->n_sequence;
        g->logits = malloc(logits.len);
        memcpy(g->logits, logits.text, logits.len);
    }
    whet_buf_fini(ctx, &logits);
    const bool ok = g->logits && g->n_prompts && g->bar_max > 0 && g->bar_mean > 0;
    if (!ok) TEST_FAIL("%s: %s", golden_dir, whet_ctx_message(ctx));
    return ok;
}

void golden_close(golden *g) {
    free(g->prompts);
    free(g->logits);
    *g = (golden){ 0 };
}

void golden_check(whet_ctx *ctx, const golden *g, const whet_session_opts *opts, int n_threads,
                  golden_check_fn fn) {
    whet_model *model = NULL;
    whet_team *team = NULL;
    whet_session *session = NULL;
    whet_status st = whet_model_open(ctx, g->dir, &model);
    if (st == WHET_OK) st = whet_team_open(ctx, n_threads, &team);
    if (st == WHET_OK) st = whet_session_open(ctx, model, team, opts, &session);
    if (st == WHET_OK) {
        fn(ctx, session, g);
        CHECK(whet_session_kernel_calls(session) > 0);
    } else {
        TEST_FAIL("%s: %s", g->dir, whet_ctx_message(ctx));
    }
    whet_session_close(session);
    whet_team_close(team);
    whet_model_close(model);
}

typedef struct comparison {
    const golden *g;
    double worst, sum;
    size_t n;
} comparison;

static whet_status compare_rows(void *data, whet_ctx *ctx, const float *logits, size_t first,
                                size_t n_rows) {
    (void)ctx;
    comparison *c = data;
    const float *want = c->g->logits + first * c->g->vocab;
    for (size_t i = 0; i < n_rows * c->g->vocab; i++) {
        const double error = fabs((double)logits[i] - (double)want[i]);
        if (!(error <= c->worst)) c->worst = error; /* a NaN stays */
        c->sum += error;
        c->n++;
    }
    return WHET_OK;
}

static comparison compare(whet_ctx *ctx, whet_session *session, const golden *g) {
    comparison c = { .g = g };
    whet_session_truncate(session, 0);
    CHECK_STATUS(ctx,
                 whet_session_score(ctx, session, g->sequence, g->n_sequence, compare_rows, &c),
                 WHET_OK);
    CHECK_INT(c.n, g->n_sequence * g->vocab);
    return c;
}

void golden_check_logits(whet_ctx *ctx, whet_session *session, const golden *g) {
    const comparison c = compare(ctx, session, g);
    if (!(c.worst <= g->bar_max) || !(c.sum / (double)c.n <= g->bar_mean))
        TEST_FAIL("%s: logits off by %.4g at most, %.4g in the mean; allowed %.4g, %.4g", g->dir,
                  c.worst, c.sum / (double)c.n, g->bar_max, g->bar_mean);
}

void golden_check_logits_closely(whet_ctx *ctx, whet_session *session, const golden *g) {
    const comparison c = compare(ctx, session, g);
    if (!(c.worst <= 5e-4)) TEST_FAIL("%s: precise logits off by %.4g", g->dir, c.worst);
}

static int32_t top(const float *logits, size_t vocab) {
    size_t best = 0;
    for (size_t i = 1; i < vocab; i++)
        if (logits[i] > logits[best]) best = i;
    return (int32_t)best;
}

void golden_check_decided(whet_ctx *ctx, whet_session *session, const golden *g) {
    for (size_t i = 0; i < g->n_prompts; i++) {
        const golden_prompt *p = &g->prompts[i];
        whet_session_truncate(session, 0);
        CHECK_STATUS(ctx, whet_session_feed(ctx, session, p->ids, p->n_ids), WHET_OK);
        for (size_t t = 0; t < p->n_greedy; t++) {
            const int32_t got = top(whet_session_logits(session), g->vocab);
            if (p->margins[t] > g->bar_max && got != p->greedy[t])
                TEST_FAIL("%s: prompt %zu, token %zu is %d, not %d (margin %.4g)", g->dir, i, t,
                          got, p->greedy[t], p->margins[t]);
            CHECK_STATUS(ctx, whet_session_feed(ctx, session, &p->greedy[t], 1), WHET_OK);
        }
    }
}

static void check_greedy(whet_ctx *ctx, whet_session *session, const golden *g, double bar,
                         double range_part) {
    for (size_t i = 0; i < g->n_prompts; i++) {
        const golden_prompt *p = &g->prompts[i];
        whet_session_truncate(session, 0);
        CHECK_STATUS(ctx, whet_session_feed(ctx, session, p->ids, p->n_ids), WHET_OK);
        for (size_t t = 0; t < p->n_greedy; t++) {
            const int32_t got = top(whet_session_logits(session), g->vocab);
            if (got != p->greedy[t]) {
                if (p->margins[t] > bar + range_part * p->ranges[t])
                    TEST_FAIL("%s: prompt %zu leaves the golden tokens at %zu (margin %.4g)",
                              g->dir, i, t, p->margins[t]);
                break;
            }
            CHECK_STATUS(ctx, whet_session_feed(ctx, session, &got, 1), WHET_OK);
        }
    }
}

void golden_check_greedy(whet_ctx *ctx, whet_session *session, const golden *g) {
    check_greedy(ctx, session, g, g->bar_max, 0);
}

void golden_check_greedy_closely(whet_ctx *ctx, whet_session *session, const golden *g) {
    check_greedy(ctx, session, g, 0, 1e-3);
}
