/* SPDX-License-Identifier: MIT */
/* whet runs: the run files of a folder. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <whet/report.h>

#include "cli.h"
#include "winner.h"

typedef struct runs_opts {
    bool is_json;
} runs_opts;

static int is_run_name(const struct dirent *entry) {
    static const char *const ends[] = { ".sqlite", ".db", ".run" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t n = strlen(entry->d_name), n_end = strlen(ends[i]);
        if (n > n_end && strcmp(entry->d_name + n - n_end, ends[i]) == 0) return 1;
    }
    return 0;
}

static void print_text(const char *name, const whet_report_brief *b) {
    char best[80] = "-";
    if (b->ratio > 0)
        snprintf(best, sizeof best, "%.2fx [%.2f, %.2f] %s", b->ratio, b->low, b->high, b->rival);
    printf("%-20s  %-17s %5" PRId64 "  %5" PRId64 "  %-10s  %-30s  %s\n", b->started, b->problem,
           b->n_programs, b->n_steps, b->state, best, name);
}

static whet_status print_json(whet_ctx *ctx, const char *name, const whet_report_brief *b) {
    const char *const keys[] = { "file", "started", "problem", "state", "shape", "rival" };
    const char *const values[] = { name, b->started, b->problem, b->state, b->shape, b->rival };
    whet_buf line = { 0 };
    whet_status st = whet_buf_puts(ctx, &line, "{\"type\":\"run\"");
    for (int i = 0; i < 6 && st == WHET_OK; i++) {
        st = whet_buf_printf(ctx, &line, ",\"%s\":", keys[i]);
        if (st == WHET_OK) st = whet_json_quote(ctx, &line, values[i], strlen(values[i]));
    }
    if (st == WHET_OK)
        printf("%s,\"programs\":%" PRId64 ",\"steps\":%" PRId64 ",\"best\":[%.5f,%.5f,%.5f]}\n",
               line.text, b->n_programs, b->n_steps, b->ratio, b->low, b->high);
    whet_buf_fini(ctx, &line);
    return st;
}

/* A file that cannot be read is a sentence on stderr and no end of the list. */
static whet_status show(whet_ctx *ctx, const char *folder, const char *name, bool is_json) {
    whet_buf path = { 0 };
    whet_report_brief brief;
    whet_status st = whet_buf_printf(ctx, &path, "%s/%s", folder, name);
    if (st != WHET_OK) return st;
    st = whet_report_read_brief(ctx, path.text, &brief);
    if (st == WHET_E_NOMEM) {
        whet_buf_fini(ctx, &path);
        return st;
    }
    if (st != WHET_OK) {
        fprintf(stderr, "whet: %s\n", whet_ctx_message(ctx));
        st = WHET_OK;
    } else if (is_json) {
        st = print_json(ctx, path.text, &brief);
    } else {
        print_text(name, &brief);
    }
    whet_buf_fini(ctx, &path);
    return st;
}

/* Our own folder is made by the first run. */
static whet_status list(whet_ctx *ctx, const char *folder, bool is_own, bool is_json) {
    struct dirent **names = NULL;
    int n = scandir(folder, &names, is_run_name, alphasort);
    if (n < 0 && is_own && errno == ENOENT) n = 0;
    if (n < 0) return cli_usage("%s is not a folder that can be read", folder);
    whet_status st = WHET_OK;
    if (n == 0 && !is_json)
        printf("no run files in %s; whet evolve makes them\n", folder);
    else if (!is_json)
        printf("%-20s  %-17s %5s  %5s  %-10s  %-30s  %s\n", "began", "problem", "progs", "steps",
               "state", "best", "file");
    for (int i = 0; i < n; i++) {
        if (st == WHET_OK) st = show(ctx, folder, names[i]->d_name, is_json);
        free(names[i]);
    }
    free(names);
    return st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const runs_opts *o = args->opts;
    if (args->n_words) return list(ctx, args->words[0], false, o->is_json);
    whet_buf folder = { 0 };
    whet_status st = cli_data_folder(ctx, &folder);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &folder, "/runs");
    if (st == WHET_OK) st = list(ctx, folder.text, true, o->is_json);
    whet_buf_fini(ctx, &folder);
    return st;
}

static const cli_option options[] = {
    { "json", CLI_FLAG, offsetof(runs_opts, is_json), NULL, "JSON Lines", NULL },
    { 0 },
};

const cli_command cli_runs = {
    .name = "runs",
    .summary = "list the run files of a folder",
    .usage = "[--json] [DIR]",
    .options = options,
    .opts_bytes = sizeof(runs_opts),
    .max_words = 1,
    .run = run,
};
