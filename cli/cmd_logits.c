/* SPDX-License-Identifier: MIT */
/* whet logits: the logits behind every id of a sequence, into a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "engine.h"

typedef struct logits_opts {
    cli_engine_opts engine;
    const char *ids, *out;
} logits_opts;

/* The file under its temporary name. */
typedef struct writer {
    FILE *file;
    size_t vocab;
} writer;

static whet_status write_rows(void *data, whet_ctx *ctx, const float *logits, size_t first,
                              size_t n_rows) {
    (void)ctx;
    (void)first;
    const writer *w = data;
    const size_t n = n_rows * w->vocab;
    return fwrite(logits, sizeof *logits, n, w->file) == n ? WHET_OK : WHET_E_IO;
}

/* Whole or not at all: written beside its place, synced, renamed. */
static whet_status write_logits(whet_ctx *ctx, cli_engine *e, const whet_ids *ids,
                                const char *path) {
    whet_buf tmp = { 0 };
    whet_status st = whet_buf_printf(ctx, &tmp, "%s.XXXXXX", path);
    if (st != WHET_OK) return st;
    const int fd = mkstemp(tmp.text);
    writer w = {
        .file = fd >= 0 ? fdopen(fd, "wb") : NULL,
        .vocab = (size_t)whet_model_config(e->model)->vocab_size,
    };
    if (!w.file) {
        st = cli_usage("%s: %s", path, strerror(errno));
    } else {
        st = whet_session_score(ctx, e->session, ids->ids, ids->n, write_rows, &w);
        const bool is_safe = fflush(w.file) == 0 && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
        if (fclose(w.file) != 0 || st == WHET_E_IO || (st == WHET_OK && !is_safe) ||
            (st == WHET_OK && rename(tmp.text, path) != 0))
            st = cli_usage("%s: %s", path, strerror(errno));
        if (st != WHET_OK) unlink(tmp.text);
    }
    whet_buf_fini(ctx, &tmp);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const logits_opts *o = args->opts;
    if (!o->ids || !o->out) return cli_usage("logits: --ids and --out are needed");
    cli_cancel_on_signal(ctx);
    cli_engine e = { 0 };
    whet_ids ids = { 0 };
    whet_status st = cli_check_out("--out", o->out);
    if (st == WHET_OK) st = cli_parse_ids(ctx, o->ids, &ids);
    if (st == WHET_OK) st = cli_engine_open(ctx, &e, &o->engine, CLI_TOKENIZER_NONE);
    if (st == WHET_OK) st = cli_engine_open_session(ctx, &e, &o->engine, ids.n);
    if (st == WHET_OK) st = write_logits(ctx, &e, &ids, o->out);
    whet_ids_fini(ctx, &ids);
    cli_engine_close(ctx, &e);
    return st;
}

#define AT(field) offsetof(logits_opts, field)
static const cli_option options[] = {
    CLI_ENGINE_OPTIONS(logits_opts, engine),
    { "ids", CLI_STRING, AT(ids), "\"1 2 3\"", "the token ids", NULL },
    { "out", CLI_STRING, AT(out), "FILE", "f32, little endian, [ids][vocab]", NULL },
    { 0 },
};

const cli_command cli_logits = {
    .name = "logits",
    .summary = "write the logits behind every id to a file",
    .usage = "--model DIR --ids \"1 2 3\" --out FILE",
    .options = options,
    .opts_bytes = sizeof(logits_opts),
    .run = run,
};
