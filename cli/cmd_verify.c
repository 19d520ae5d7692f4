/* SPDX-License-Identifier: MIT */
/* whet verify: an exported kernel against its receipt, judged and timed again on this machine. Exit
 * code 0: unchanged, and nothing was found against it; 2: changed, or rejected; 1: the question
 * could not be answered. */
#include <string.h>

#include <whet/winner.h>

#include "cli.h"
#include "receipt.h"

enum { EXIT_REJECTED = 2 };

typedef struct verify_opts {
    const char *cc;
    uint64_t seed;
    int n_threads;
    bool is_json, is_unsafe;
} verify_opts;

static void print_text(const char *file, const whet_receipt *there, const whet_receipt *here,
                       const whet_verdict *v) {
    printf("%s  unchanged; judged here by all gates: %s\n", file, whet_verdict_name(v->code));
    if (v->code != WHET_V_PASS)
        printf("gate %d, %s: %s\n%s", v->gate, whet_gate_name(v->gate), v->reason,
               v->compiler_text);
    if (strcmp(there->fingerprint, here->fingerprint) != 0)
        printf("the receipt is of another machine, %s (%s); this is %s (%s)\n", there->fingerprint,
               there->cpu, here->fingerprint, here->cpu);
    if (strcmp(there->object_sha256, here->object_sha256) != 0)
        printf("the object built here is another one than the receipt's, as another compiler or "
               "machine makes it\n");
    cli_print_measured(there, here);
}

static whet_status print_json(whet_ctx *ctx, const char *file, const whet_receipt *there,
                              const whet_receipt *here, const whet_verdict *v) {
    whet_buf line = { 0 };
    whet_status st = whet_buf_puts(ctx, &line, "{\"type\":\"verify\",\"file\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, file, strlen(file));
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, &line,
                             ",\"is_unchanged\":true,\"verdict\":\"%s\",\"gate\":%d,\"reason\":",
                             whet_verdict_name(v->code), v->gate);
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, v->reason, strlen(v->reason));
    if (st == WHET_OK) st = whet_buf_puts(ctx, &line, ",\"receipt\":");
    if (st == WHET_OK) st = cli_receipt_json(ctx, there, &line);
    if (st == WHET_OK) st = whet_buf_puts(ctx, &line, ",\"here\":");
    if (st == WHET_OK) st = cli_receipt_json(ctx, here, &line);
    if (st == WHET_OK) printf("%s}\n", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

/* A changed file is an answer: the sentence, and the exit code of a rejection. */
static whet_status tell_changed(whet_ctx *ctx, const cli_args *args) {
    const verify_opts *o = args->opts;
    whet_buf line = { 0 };
    const char *why = whet_ctx_message(ctx);
    *args->exit_code = EXIT_REJECTED;
    if (!o->is_json) {
        printf("%s\n", why);
        return WHET_OK;
    }
    whet_status st = whet_buf_puts(ctx, &line, "{\"type\":\"verify\",\"file\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, args->words[0], strlen(args->words[0]));
    if (st == WHET_OK) st = whet_buf_puts(ctx, &line, ",\"is_unchanged\":false,\"reason\":");
    if (st == WHET_OK) st = whet_json_quote(ctx, &line, why, strlen(why));
    if (st == WHET_OK) printf("%s}\n", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

extern const cli_command cli_verify;

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const verify_opts *o = args->opts;
    static whet_receipt there, here;
    whet_buf source = { 0 };
    whet_verdict verdict = { 0 };
    whet_rejudge_opts opts;
    if (o->n_threads < 0) return cli_usage("--threads takes 0 or more, not %d", o->n_threads);
    whet_status st =
        cli_rejudge(ctx, o->cc, o->seed, cli_is_given(&cli_verify, args, "seed"), &opts);
    if (st != WHET_OK) return st;
    opts.n_threads = o->n_threads;
    opts.is_unsafe = o->is_unsafe;
    cli_cancel_on_signal(ctx);
    st = whet_export_read(ctx, args->words[0], &there, &source);
    if (st == WHET_E_FORMAT) {
        st = tell_changed(ctx, args);
    } else if (st == WHET_OK) {
        st = whet_receipt_judge(ctx, &opts, &there, source.text, source.len, &here, NULL, &verdict);
        if (st == WHET_OK && o->is_json)
            st = print_json(ctx, args->words[0], &there, &here, &verdict);
        else if (st == WHET_OK)
            print_text(args->words[0], &there, &here, &verdict);
        if (verdict.code != WHET_V_PASS) *args->exit_code = EXIT_REJECTED;
    }
    whet_buf_fini(ctx, &source);
    return st;
}

#define OPT(field) offsetof(verify_opts, field)

static const cli_option options[] = {
    { "threads", CLI_INT, OPT(n_threads), "N", "workers; default: one a core", NULL },
    { "seed", CLI_U64, OPT(seed), "N", "of the inputs; default: a fresh one", NULL },
    { "cc", CLI_STRING, OPT(cc), "CC", "compiler; default cc", NULL },
    { "unsafe", CLI_FLAG, OPT(is_unsafe), NULL,
      "judge also where the system gives no seccomp (see whet doctor)", NULL },
    { "json", CLI_FLAG, OPT(is_json), NULL, "one line of JSON", NULL },
    { 0 },
};

const cli_command cli_verify = {
    .name = "verify",
    .summary = "check an exported kernel, and judge and time it again here",
    .usage = "[options] FILE.c",
    .options = options,
    .opts_bytes = sizeof(verify_opts),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
