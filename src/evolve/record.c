/* SPDX-License-Identifier: MIT */
/* What the search writes into the run file. */
#include "evolve/search.h"

whet_status whet_record_verdict(whet_ctx *ctx, whet_search *s, const whet_member *m, int64_t duel,
                                const whet_verdict *verdict, const char *evidence) {
    const whet_store_verdict row = {
        .program = m->id,
        .duel = duel,
        .gate = (int)verdict->gate,
        .code = whet_verdict_name(verdict->code),
        .reason = verdict->reason,
        .evidence = evidence,
    };
    return whet_store_put_verdict(ctx, s->store, &row);
}

static int64_t id_of(const whet_search *s, int member) {
    return member < 0 ? 0 : s->members[member].id;
}

whet_status whet_record_member(whet_ctx *ctx, whet_search *s, whet_member *m) {
    whet_buf knobs = { 0 };
    whet_status st = whet_genome_knobs_json(ctx, &m->genome, &knobs);
    const whet_store_program program = {
        .hash = m->hash,
        .source = m->text.text,
        .operator_name = m->operator_name,
        .change = m->change,
        .knobs = knobs.text,
        .parent = id_of(s, m->parent),
        .parent2 = id_of(s, m->parent2),
        .step = s->step,
    };
    if (st == WHET_OK) st = whet_store_put_program(ctx, s->store, &program, &m->id);
    whet_buf_fini(ctx, &knobs);
    const whet_store_build build = {
        .program = m->id,
        .object_sha256 = m->object.sha256,
        .object = m->object.bytes,
        .object_bytes = m->object.n_bytes,
        .compiler_text = m->verdict.compiler_text,
        .wall_ns = m->verdict.build_ns,
    };
    if (st == WHET_OK) st = whet_store_put_build(ctx, s->store, &build);
    if (st == WHET_OK) st = whet_record_verdict(ctx, s, m, 0, &m->verdict, m->evidence.text);
    return st;
}

whet_status whet_record_duel(whet_ctx *ctx, whet_search *s, const whet_member *m, const char *kind,
                             const char *rival, const whet_duel_opts *opts, const whet_duel *duel,
                             int64_t *id) {
    const whet_store_duel row = {
        .program = m->id,
        .kind = kind,
        .rival = rival,
        .shape = s->shape_names[opts->shape],
        .seed = opts->seed,
        .n_pairs = duel->n_pairs,
        .n_blocks = duel->n_blocks,
        .n_calls = duel->n_calls,
        .ratio = duel->result.ratio,
        .low = duel->result.low,
        .high = duel->result.high,
        .ns = duel->ns,
        .rival_ns = duel->rival_ns,
        .kv_bytes = duel->kv_bytes,
    };
    whet_store_sample *samples = whet_alloc(ctx, (duel->n_samples + 1) * sizeof *samples);
    if (!samples) return WHET_E_NOMEM;
    for (size_t i = 0; i < duel->n_samples; i++) {
        const whet_duel_sample *d = &duel->samples[i];
        samples[i] = (whet_store_sample){ d->pair, d->block, d->is_rival, d->order, d->ns };
    }
    const whet_status st = whet_store_put_duel(ctx, s->store, &row, samples, duel->n_samples, id);
    whet_free(ctx, samples);
    return st;
}
