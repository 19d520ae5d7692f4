/* SPDX-License-Identifier: MIT */
/* Measuring the limits, and keeping them as JSON. */
#include "evolve/limits.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "judge/intrinsics.h"

static const double probe_seconds = 0.2;

/* ---- measuring ---- */

static whet_status put_probes(whet_ctx *ctx, whet_team *team, uint64_t cache_bytes,
                              whet_buf *json) {
    whet_prober *prober = NULL;
    whet_probe read = { 0 }, arithmetic = { 0 };
    whet_status st = whet_prober_open(ctx, team, cache_bytes, &prober);
    if (st == WHET_OK) st = whet_prober_bandwidth(prober, probe_seconds, &read);
    if (st == WHET_OK) st = whet_prober_flops(prober, probe_seconds / 2, &arithmetic);
    if (st == WHET_OK)
        st = whet_buf_printf(ctx, json,
                             ",\"bytes_per_second\":%.4g,\"way\":\"%s\",\"flop_per_second\":%.4g,"
                             "\"unit\":\"%s\"",
                             read.median, whet_prober_way(prober), arithmetic.median,
                             whet_prober_unit(prober));
    whet_prober_close(prober);
    return st;
}

static whet_status put_features(whet_ctx *ctx, uint32_t features, whet_buf *json) {
    const char *separator = "";
    WHET_TRY(whet_buf_puts(ctx, json, ",\"features\":["));
    for (uint32_t bit = 1; bit && bit <= features; bit <<= 1) {
        const char *name = features & bit ? whet_cpu_feature_name((whet_cpu_feature)bit) : NULL;
        if (!name) continue;
        WHET_TRY(whet_buf_printf(ctx, json, "%s\"%s\"", separator, name));
        separator = ",";
    }
    return whet_buf_putc(ctx, json, ']');
}

static whet_status put_machine(whet_ctx *ctx, const whet_machine *m, int n_threads,
                               whet_buf *json) {
    WHET_TRY(whet_buf_puts(ctx, json, "{\"cpu\":"));
    WHET_TRY(whet_json_quote(ctx, json, m->cpu, strlen(m->cpu)));
    WHET_TRY(whet_buf_puts(ctx, json, ",\"system\":"));
    WHET_TRY(whet_json_quote(ctx, json, m->system, strlen(m->system)));
    WHET_TRY(put_features(ctx, m->features, json));
    return whet_buf_printf(ctx, json,
                           ",\"usable\":%d,\"threads\":%d,\"memory\":%" PRIu64 ",\"l1d\":%" PRIu64
                           ",\"l2\":%" PRIu64 ",\"l3\":%" PRIu64,
                           m->n_usable, n_threads, m->memory_bytes, m->l1d_bytes, m->l2_bytes,
                           m->l3_bytes);
}

whet_status whet_limits_measure(whet_ctx *ctx, const whet_machine *machine, int n_threads,
                                uint64_t cache_bytes, whet_buf *json) {
    whet_team *team = NULL;
    whet_status st = whet_team_open(ctx, n_threads, &team);
    if (st == WHET_OK) st = put_machine(ctx, machine, whet_team_size(team), json);
    if (st == WHET_OK) st = put_probes(ctx, team, cache_bytes, json);
    if (st == WHET_OK) st = whet_buf_putc(ctx, json, '}');
    whet_team_close(team);
    return st;
}

/* ---- reading ---- */

static whet_status parse(whet_ctx *ctx, const whet_buf *json, whet_json **root) {
    return whet_json_parse(ctx, "the run's machine", json->text, json->len, false, root);
}

static double number(const whet_json *from, const char *key) {
    double x;
    return whet_json_number(whet_json_get(from, key), &x) && x > 0 ? x : 0;
}

whet_status whet_limits_read(whet_ctx *ctx, const whet_buf *json, whet_limits *limits) {
    whet_json *root = NULL;
    *limits = (whet_limits){ 0 };
    WHET_TRY(parse(ctx, json, &root));
    limits->bytes_per_second = number(root, "bytes_per_second");
    limits->flop_per_second = number(root, "flop_per_second");
    whet_json_close(root);
    return WHET_OK;
}

static const char *word(const whet_json *from, const char *key) {
    const char *text = whet_json_string(whet_json_get(from, key), NULL);
    return text ? text : "unknown";
}

static whet_status tell_features(whet_ctx *ctx, const whet_json *features, whet_buf *text) {
    for (size_t i = 0; i < whet_json_len(features); i++) {
        const char *name = whet_json_string(whet_json_at(features, i), NULL);
        const whet_intrinsics *brings = name ? whet_intrinsics_of(name) : NULL;
        if (!name) continue;
        WHET_TRY(whet_buf_printf(ctx, text, "\n- %s", name));
        if (!brings) continue;
        WHET_TRY(whet_buf_printf(ctx, text, ": %s (<%s>: %s and their like)", brings->what,
                                 brings->header, brings->names));
    }
    return WHET_OK;
}

static whet_status tell(whet_ctx *ctx, const whet_json *from, const whet_limits *largest,
                        whet_buf *text) {
    WHET_TRY(whet_buf_printf(ctx, text, "%s, %s, %.0f cores with a worker each; it has",
                             word(from, "cpu"), word(from, "system"), number(from, "threads")));
    WHET_TRY(tell_features(ctx, whet_json_get(from, "features"), text));
    WHET_TRY(whet_buf_printf(ctx, text, "\nL1 %.0f KiB and L2 %.0f KiB a core, L3 %.0f MiB",
                             number(from, "l1d") / 1024, number(from, "l2") / 1024,
                             number(from, "l3") / 1048576));
    if (!(largest->bytes_per_second > 0)) return WHET_OK;
    return whet_buf_printf(ctx, text,
                           "\nall workers together read memory at P = %.1f GB/s (%s) and calculate "
                           "at F = %.0f GFLOP/s (%s)",
                           largest->bytes_per_second * 1e-9, word(from, "way"),
                           largest->flop_per_second * 1e-9, word(from, "unit"));
}

whet_status whet_limits_tell(whet_ctx *ctx, const whet_buf *json, const whet_limits *largest,
                             whet_buf *text) {
    whet_json *root = NULL;
    if (!json->len) return whet_buf_puts(ctx, text, "not known");
    WHET_TRY(parse(ctx, json, &root));
    const whet_status st = tell(ctx, root, largest, text);
    whet_json_close(root);
    return st;
}
