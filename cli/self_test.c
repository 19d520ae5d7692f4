/* SPDX-License-Identifier: MIT */
/* The judge's own test: a table of what it was asked, or JSON Lines. */
#include "self_test.h"

#include <string.h>

/* What has been shown so far. */
typedef struct shown {
    whet_ctx *ctx;
    whet_status status;
    bool is_json;
} shown;

static whet_status put(whet_ctx *ctx, whet_buf *line, const char *key, const char *text) {
    whet_status st = whet_buf_printf(ctx, line, ",\"%s\":", key);
    return st == WHET_OK ? whet_json_quote(ctx, line, text, strlen(text)) : st;
}

static whet_status put_item(whet_ctx *ctx, const whet_self_item *item, whet_buf *line) {
    const whet_verdict *v = &item->verdict;
    whet_status st = whet_buf_printf(
        ctx, line,
        "{\"type\":\"self_test\",\"kind\":\"%s\",\"name\":\"%s\",\"right\":%s,"
        "\"verdict\":\"%s\",\"gate\":%d,\"gate_name\":\"%s\",\"seconds\":%.3f",
        item->kind, item->name, item->is_right ? "true" : "false", whet_verdict_name(v->code),
        v->gate, whet_gate_name(v->gate), item->seconds);
    if (st == WHET_OK && strcmp(item->kind, "timing") == 0)
        st = whet_buf_printf(ctx, line, ",\"slower\":%.5f,\"low\":%.5f,\"high\":%.5f",
                             item->ratio.ratio, item->ratio.low, item->ratio.high);
    if (st == WHET_OK) st = put(ctx, line, "reason", v->reason);
    if (st == WHET_OK) st = put(ctx, line, "fault", item->fault);
    return st == WHET_OK ? whet_buf_putc(ctx, line, '}') : st;
}

static void print_item(const whet_self_item *item) {
    const whet_verdict *v = &item->verdict;
    printf("%-9s %-13s %-24s ", item->is_right ? "right" : "NOT RIGHT", item->kind, item->name);
    if (strcmp(item->kind, "timing") == 0)
        printf("%.3f [%.3f, %.3f] times slower", item->ratio.ratio, item->ratio.low,
               item->ratio.high);
    else if (v->code == WHET_V_PASS)
        printf("%s", whet_verdict_name(v->code));
    else
        printf("%-14s gate %d %s: %s", whet_verdict_name(v->code), v->gate, whet_gate_name(v->gate),
               v->reason);
    printf("%s%s\n", *item->fault ? "\n          " : "", item->fault);
}

static void show(void *data, const whet_self_item *item) {
    shown *s = data;
    whet_buf line = { 0 };
    if (s->is_json && s->status == WHET_OK) s->status = put_item(s->ctx, item, &line);
    if (s->is_json && s->status == WHET_OK) printf("%s\n", line.text);
    if (!s->is_json) print_item(item);
    fflush(stdout);
    whet_buf_fini(s->ctx, &line);
}

static whet_status print_end(whet_ctx *ctx, const whet_self_test *r, bool is_json) {
    if (!is_json) {
        printf("\n%d of %d right, %.0f s\n", r->n_items - r->n_wrong, r->n_items, r->seconds);
        if (r->n_wrong) printf("the judge is not to be trusted here: %s\n", r->fault);
        return WHET_OK;
    }
    whet_buf line = { 0 };
    whet_status st = whet_buf_printf(
        ctx, &line, "{\"type\":\"self_test_end\",\"items\":%d,\"wrong\":%d,\"seconds\":%.1f",
        r->n_items, r->n_wrong, r->seconds);
    if (st == WHET_OK) st = put(ctx, &line, "fault", r->fault);
    if (st == WHET_OK) printf("%s}\n", line.text);
    whet_buf_fini(ctx, &line);
    return st;
}

whet_status cli_self_test(whet_ctx *ctx, const whet_self_test_opts *given, bool is_json,
                          bool *is_right) {
    shown s = { .ctx = ctx, .is_json = is_json };
    whet_self_test_opts opts = *given;
    whet_self_test result;
    opts.on_item = show;
    opts.data = &s;
    whet_status st = whet_self_test_run(ctx, &opts, &result);
    if (st == WHET_OK) st = s.status;
    *is_right = st == WHET_OK && result.n_wrong == 0;
    return st == WHET_OK ? print_end(ctx, &result, is_json) : st;
}
