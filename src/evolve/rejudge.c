/* SPDX-License-Identifier: MIT */
/* A winner's source judged once more, here: built, all gates, timed over the baselines. */
#include <whet/winner.h>

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "evolve/genome.h"
#include "evolve/receipt.h"
#include "kernels/attention.h"
#include "kernels/programs.h"

static const char *const rivals[] = { "repeat", "fused", "grouped" };

/* As the search has them: from source where the library carries it, else built in. Leaves *object
 * empty where this machine has none. */
static whet_status open_rival(whet_ctx *ctx, const whet_judge *judge, const char *name,
                              const char *measured, const whet_problem *problem,
                              whet_object *object) {
    const char *source = whet_program_text(name);
    whet_verdict verdict;
    *object = (whet_object){ 0 };
    if (source) return whet_judge_build(ctx, judge, source, strlen(source), object, &verdict);
    whet_problem one = *problem;
    one.n_rows = 1;
    const whet_attention_kernel *engine = whet_attention_choose(&one, measured);
    const bool is_engine = strncmp(engine->name, name, strlen(name)) == 0;
    const whet_attention_kernel *kernel = is_engine ? engine : whet_attention_find(name);
    if (kernel && kernel->supports(&one)) object->built_in = kernel->name;
    return WHET_OK;
}

static whet_status time_over(whet_ctx *ctx, whet_judge *judge, const whet_object *object,
                             const whet_object *rival, const char *name, whet_shape shape,
                             whet_receipt *here, whet_verdict *verdict) {
    const whet_duel_opts opts = { .shape = shape, .seed = here->seed + (uint64_t)here->n_measured };
    whet_duel duel;
    WHET_TRY(whet_judge_duel(ctx, judge, object, rival, &opts, &duel));
    whet_measured m = { .seed = opts.seed,
                        .n_pairs = duel.n_pairs,
                        .ratio = duel.result,
                        .ns = duel.ns,
                        .rival_ns = duel.rival_ns,
                        .kv_bytes = duel.kv_bytes };
    whet_judge_shape_name(judge, shape, m.shape, sizeof m.shape);
    snprintf(m.rival, sizeof m.rival, "%s", name);
    if (duel.verdict.code == WHET_V_PASS)
        whet_receipt_add(here, &m);
    else
        *verdict = duel.verdict;
    whet_duel_fini(ctx, &duel);
    return WHET_OK;
}

static whet_status time_all(whet_ctx *ctx, whet_judge *judge, const char *measured,
                            const whet_object *object, whet_receipt *here, whet_verdict *verdict) {
    whet_object them[3] = { 0 };
    whet_status st = WHET_OK;
    for (int i = 0; i < 3 && st == WHET_OK; i++)
        st = open_rival(ctx, judge, rivals[i], measured, &here->problem, &them[i]);
    for (int shape = 0; shape < WHET_N_SHAPES; shape++)
        for (int i = 0; i < 3 && st == WHET_OK && verdict->code == WHET_V_PASS; i++)
            if (them[i].bytes || them[i].built_in)
                st = time_over(ctx, judge, object, &them[i], rivals[i], (whet_shape)shape, here,
                               verdict);
    for (int i = 0; i < 3; i++)
        whet_object_fini(ctx, &them[i]);
    if (verdict->code != WHET_V_PASS) here->n_measured = 0;
    return st;
}

static whet_status judge_it(whet_ctx *ctx, whet_judge *judge, const char *measured,
                            const char *source, size_t n_bytes, whet_receipt *here,
                            whet_object *object, whet_verdict *verdict) {
    WHET_TRY(whet_judge_compiler(ctx, judge, here->compiler, sizeof here->compiler));
    WHET_TRY(whet_judge_source(ctx, judge, source, n_bytes, object, verdict));
    memcpy(here->object_sha256, object->sha256, sizeof here->object_sha256);
    if (verdict->code != WHET_V_PASS) return WHET_OK;
    return time_all(ctx, judge, measured, object, here, verdict);
}

whet_status whet_receipt_judge(whet_ctx *ctx, const whet_rejudge_opts *opts,
                               const whet_receipt *there, const char *source, size_t n_bytes,
                               whet_receipt *here, whet_object *object, whet_verdict *verdict) {
    whet_object own = { 0 };
    whet_judge *judge = NULL;
    *here = *there; /* what it is for, and its lineage */
    here->n_measured = 0;
    here->abi = WHET_KERNEL_ABI;
    here->seed = opts->seed;
    snprintf(here->version, sizeof here->version, "%s", WHET_VERSION);
    const whet_judge_opts judge_opts = {
        .problem = there->problem,
        .n_threads = opts->n_threads,
        .seed = opts->seed,
        .worker = opts->worker,
        .cc = opts->cc,
        .is_full = true,
        .is_unsafe = opts->is_unsafe,
    };
    whet_sha256_hex(source, n_bytes, here->source_sha256);
    WHET_TRY(whet_genome_hash(ctx, source, n_bytes, here->program_hash));
    WHET_TRY(whet_receipt_sign(ctx, here));
    WHET_TRY(whet_judge_open(ctx, &judge_opts, &judge));
    whet_status st = judge_it(ctx, judge, opts->measured_attention, source, n_bytes, here,
                              object ? object : &own, verdict);
    if (st != WHET_OK && object) whet_object_fini(ctx, object);
    whet_object_fini(ctx, &own);
    whet_judge_close(ctx, judge);
    return st;
}
