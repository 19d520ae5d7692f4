/* SPDX-License-Identifier: MIT */
/* Verdicts: names, rejection, evidence. */
#include "judge/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

#define NAME(code, meaning) #code,
static const char *const names[] = { WHET_VERDICT_LIST(NAME) };
#undef NAME
#define MEANING(code, meaning) meaning,
static const char *const meanings[] = { WHET_VERDICT_LIST(MEANING) };
#undef MEANING
_Static_assert(sizeof names / sizeof *names == WHET_N_VERDICTS, "the enum follows the list");

const char *whet_verdict_name(whet_verdict_code code) {
    return code >= 0 && code < WHET_N_VERDICTS ? names[code] : "?";
}

const char *whet_verdict_meaning(whet_verdict_code code) {
    return code >= 0 && code < WHET_N_VERDICTS ? meanings[code] : "?";
}

const char *whet_gate_name(whet_gate gate) {
    switch (gate) {
    case WHET_GATE_SOURCE: return "source";
    case WHET_GATE_BUILD: return "build";
    case WHET_GATE_OBJECT: return "object";
    case WHET_GATE_SMOKE: return "smoke";
    case WHET_GATE_CORRECTNESS: return "correctness";
    case WHET_GATE_PROPERTY: return "property";
    case WHET_GATE_SANITIZER: return "sanitizer";
    case WHET_GATE_RACE: return "race";
    case WHET_GATE_DUEL: return "duel";
    case WHET_GATE_SANITY: return "sanity";
    case WHET_GATE_CHAMPION: return "champion";
    }
    return "?";
}

void whet_verdict_reject(whet_verdict *verdict, whet_verdict_code code, whet_gate gate,
                         const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->reason, sizeof verdict->reason, format, args);
    va_end(args);
    verdict->code = code;
    verdict->gate = gate;
}

/* JSON has no NaN and no infinity. */
static whet_status put_number(whet_ctx *ctx, whet_buf *json, const char *key, double x) {
    if (!isfinite(x)) return whet_buf_printf(ctx, json, ",\"%s\":\"%f\"", key, x);
    return whet_buf_printf(ctx, json, ",\"%s\":%.17g", key, x);
}

static whet_status put_jail(whet_ctx *ctx, whet_buf *json, uint32_t layers) {
    bool is_first = true;
    WHET_TRY(whet_buf_puts(ctx, json, ",\"jail\":["));
    for (uint32_t layer = 1; layer; layer <<= 1) {
        if (!(layers & layer) || !whet_jail_layer_name(layer)) continue;
        WHET_TRY(whet_buf_printf(ctx, json, "%s\"%s\"", is_first ? "" : ",",
                                 whet_jail_layer_name(layer)));
        is_first = false;
    }
    return whet_buf_putc(ctx, json, ']');
}

whet_status whet_verdict_evidence(whet_ctx *ctx, const whet_verdict *v, whet_buf *json) {
    WHET_TRY(whet_buf_printf(ctx, json, "{\"checked\":%" PRId64, v->n_checked));
    WHET_TRY(put_number(ctx, json, "worst", v->worst));
    if (*v->family)
        WHET_TRY(whet_buf_printf(ctx, json,
                                 ",\"family\":\"%s\",\"seed\":%" PRIu64
                                 ",\"context\":%d,\"rows\":%d,\"workers\":%d",
                                 v->family, v->seed, v->n_context, v->n_rows, v->n_workers));
    if (v->code == WHET_V_WRONG || v->code == WHET_V_NOT_A_NUMBER ||
        v->code == WHET_V_INCONSISTENT) {
        WHET_TRY(whet_buf_printf(ctx, json, ",\"row\":%d,\"head\":%d,\"dim\":%d", v->row, v->head,
                                 v->dim));
        WHET_TRY(put_number(ctx, json, "expected", v->expected));
        WHET_TRY(put_number(ctx, json, "got", v->got));
        WHET_TRY(put_number(ctx, json, "tolerance", v->tolerance));
    }
    if (*v->object_sha256)
        WHET_TRY(whet_buf_printf(ctx, json, ",\"object\":\"%s\"", v->object_sha256));
    if (v->spoiled)
        WHET_TRY(whet_buf_printf(ctx, json, ",\"spoiled\":\"%s\"", whet_verdict_name(v->spoiled)));
    if (v->jail) WHET_TRY(put_jail(ctx, json, v->jail));
    return whet_buf_putc(ctx, json, '}');
}
