/* SPDX-License-Identifier: MIT */
/* Undefined behaviour: a build that traps at it goes through the cases. */
#include "judge/cover.h"
#include "base/clock.h"
#include "judge/trial.h"

static whet_status walk(whet_ctx *ctx, const whet_judge *judge, const whet_bank_case *c,
                        whet_link *link, whet_verdict *v) {
    whet_trial t;
    const whet_memory memory = { .seed = c->seed, .place = WHET_PLACE_END };
    WHET_TRY(whet_trial_open(ctx, judge, c, link, v, &t));
    if (!whet_trial_is_over(&t)) WHET_TRY(whet_trial_lay_out(ctx, &t, &memory));
    return whet_trial_play(ctx, &t);
}

whet_status whet_trap_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                            const char *source, size_t n_bytes, whet_verdict *verdict) {
    (void)object; /* that it judges is built with traps */
    whet_object trapping;
    whet_link link = { 0 };
    whet_link_end end;
    whet_reply reply;
    whet_verdict found = { 0 };
    const double start_ns = whet_clock_ns();
    WHET_TRY(whet_build_trapping(ctx, judge, source, n_bytes, &trapping, verdict));
    if (verdict->code != WHET_V_PASS) return WHET_OK;
    whet_status st = whet_link_open(ctx, judge->opts.worker, &trapping, &judge->opts.problem, &link,
                                    &end, &reply);
    if (st == WHET_OK) whet_link_blame(end, &reply, WHET_GATE_SANITIZER, &found);
    for (int i = 0; i < judge->bank->n_cases && st == WHET_OK && found.code == WHET_V_PASS; i++)
        st = walk(ctx, judge, &judge->bank->cases[i], &link, &found);
    if (st == WHET_OK && found.code != WHET_V_PASS) {
        const bool is_undefined = found.code == WHET_V_CRASHED;
        whet_verdict_reject(verdict, found.code, WHET_GATE_SANITIZER, "%s%s",
                            is_undefined ? "undefined behaviour: an index out of an array, a null "
                                           "pointer, an overflow or a division by 0; "
                                         : "compiled with traps: ",
                            found.reason);
    }
    whet_link_close(&link);
    whet_object_fini(ctx, &trapping);
    whet_log(ctx, WHET_LOG_DEBUG, "judge", "traps: %s in %.0f ms", whet_verdict_name(found.code),
             (whet_clock_ns() - start_ns) * 1e-6);
    return st;
}
