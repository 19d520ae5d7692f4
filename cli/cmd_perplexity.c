/* SPDX-License-Identifier: MIT */
/* whet perplexity: how well a model predicts a text. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "engine.h"

enum { MAX_TEXT_BYTES = 1 << 30 };

typedef struct perplexity_opts {
    cli_engine_opts engine;
    const char *file;
    int context;
    bool json;
} perplexity_opts;

/* The sum of -log p(next id) over what was scored so far. */
typedef struct score {
    const int32_t *ids; /* of the window */
    size_t n_ids, vocab;
    double nats;
    size_t n_scored;
} score;

static double log_sum_exp(const float *x, size_t n) {
    float max = x[0];
    for (size_t i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - (double)max);
    return (double)max + log(sum);
}

static whet_status add_rows(void *data, whet_ctx *ctx, const float *logits, size_t first,
                            size_t n_rows) {
    (void)ctx;
    score *s = data;
    for (size_t i = 0; i < n_rows && first + i + 1 < s->n_ids; i++) {
        const float *row = logits + i * s->vocab;
        s->nats += log_sum_exp(row, s->vocab) - (double)row[s->ids[first + i + 1]];
        s->n_scored++;
    }
    return WHET_OK;
}

/* Windows side by side; the first id of each is not predicted. */
static whet_status score_windows(whet_ctx *ctx, cli_engine *e, const whet_ids *ids, score *s) {
    const size_t window = whet_session_capacity(e->session);
    for (size_t at = 0; at < ids->n; at += window) {
        s->ids = ids->ids + at;
        s->n_ids = ids->n - at < window ? ids->n - at : window;
        whet_session_truncate(e->session, 0);
        const whet_status st = whet_session_score(ctx, e->session, s->ids, s->n_ids, add_rows, s);
        if (st != WHET_OK) return st;
        cli_progress(NULL, "perplexity", "tokens", (double)(at + s->n_ids), (double)ids->n);
    }
    cli_progress_end();
    return s->n_scored ? WHET_OK : cli_usage("perplexity: a text of 2 tokens or more is needed");
}

static void print_score(const score *s, const char *kernel, size_t n_bytes, size_t window,
                        bool is_json) {
    const double nats = s->nats / (double)s->n_scored;
    const double bits = s->nats / log(2.0) / (double)n_bytes;
    if (is_json)
        printf("{\"type\":\"perplexity\",\"perplexity\":%.6f,\"nats_per_token\":%.6f,"
               "\"bits_per_byte\":%.6f,\"tokens\":%zu,\"bytes\":%zu,\"window\":%zu,"
               "\"kernel\":\"%s\"}\n",
               exp(nats), nats, bits, s->n_scored, n_bytes, window, kernel);
    else
        printf("Perplexity: %.4f (%.4f nats per token, %.4f bits per byte) over %zu tokens in "
               "windows of %zu, kernel %s\n",
               exp(nats), nats, bits, s->n_scored, window, kernel);
}

static whet_status read_text(whet_ctx *ctx, const char *path, whet_buf *text) {
    if (strcmp(path, "-") == 0)
        return whet_fd_read(ctx, STDIN_FILENO, "stdin", MAX_TEXT_BYTES, text);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cli_usage("%s: %s", path, strerror(errno));
    const whet_status st = whet_fd_read(ctx, fd, path, MAX_TEXT_BYTES, text);
    close(fd);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const perplexity_opts *o = args->opts;
    if (!o->file) return cli_usage("perplexity: --file is needed");
    if (o->context < 2) return cli_usage("--context is %d, not 2 or more", o->context);
    cli_cancel_on_signal(ctx);
    cli_engine e = { 0 };
    whet_buf text = { 0 };
    whet_ids ids = { 0 };
    score s = { 0 };
    whet_status st = read_text(ctx, o->file, &text);
    if (st == WHET_OK) st = cli_engine_open(ctx, &e, &o->engine, CLI_TOKENIZER);
    if (st == WHET_OK)
        st = whet_tokenizer_encode(ctx, e.tokenizer, text.text ? text.text : "", text.len, &ids);
    if (st == WHET_OK) {
        const whet_config *c = whet_model_config(e.model);
        const int most =
            o->context < c->max_position_embeddings ? o->context : c->max_position_embeddings;
        s.vocab = (size_t)c->vocab_size;
        st = cli_engine_open_session(ctx, &e, &o->engine, (size_t)most);
    }
    if (st == WHET_OK) st = score_windows(ctx, &e, &ids, &s);
    if (st == WHET_OK)
        print_score(&s, whet_session_kernel(e.session)->name, text.len,
                    whet_session_capacity(e.session), o->json);
    whet_ids_fini(ctx, &ids);
    whet_buf_fini(ctx, &text);
    cli_engine_close(ctx, &e);
    return st;
}

#define AT(field) offsetof(perplexity_opts, field)
static const cli_option options[] = {
    CLI_ENGINE_OPTIONS(perplexity_opts, engine),
    { "file", CLI_STRING, AT(file), "FILE", "the text; - reads stdin", NULL },
    { "context", CLI_INT, AT(context), "N", "tokens of a window, at most the model's", "2048" },
    { "json", CLI_FLAG, AT(json), NULL, "one JSON line", NULL },
    { 0 },
};

const cli_command cli_perplexity = {
    .name = "perplexity",
    .summary = "how well a model predicts a text",
    .usage = "--model DIR --file FILE",
    .options = options,
    .opts_bytes = sizeof(perplexity_opts),
    .run = run,
};
