/* SPDX-License-Identifier: MIT */
/* What the search writes into the run file. */
#include "evolve/search.h"

#include <inttypes.h>
#include <string.h>
#include <stdio.h>

#include <whet/machine.h>

static whet_status put_machine(whet_ctx *ctx, const whet_machine *m, whet_buf *json) {
    WHET_TRY(whet_buf_puts(ctx, json, "{\"cpu\":"));
    WHET_TRY(whet_json_quote(ctx, json, m->cpu, strlen(m->cpu)));
    WHET_TRY(whet_buf_puts(ctx, json, ",\"system\":"));
    WHET_TRY(whet_json_quote(ctx, json, m->system, strlen(m->system)));
    return whet_buf_printf(ctx, json,
                           ",\"features\":%u,\"usable\":%d,\"threads\":%d,\"memory\":%" PRIu64
                           ",\"l3\":%" PRIu64 "}",
                           m->features, m->n_usable, m->n_threads, m->memory_bytes, m->l3_bytes);
}

static whet_status put_problem(whet_ctx *ctx, const whet_problem *p, whet_buf *json) {
    return whet_buf_printf(ctx, json,
                           "{\"dtype\":%d,\"heads\":%d,\"kv_heads\":%d,\"head_dim\":%d,"
                           "\"rows\":%d,\"context\":%d}",
                           p->dtype, p->n_heads, p->n_kv_heads, p->head_dim, p->n_rows,
                           p->n_context);
}

whet_status whet_record_run(whet_ctx *ctx, whet_search *s) {
    whet_machine machine;
    whet_buf problem = { 0 }, about = { 0 };
    char compiler[512] = "";
    whet_status st = whet_machine_read(ctx, &machine);
    if (st == WHET_OK) st = put_machine(ctx, &machine, &about);
    if (st == WHET_OK) st = put_problem(ctx, &s->opts->problem, &problem);
    if (st == WHET_OK) st = whet_judge_compiler(ctx, s->judge, compiler, sizeof compiler);
    const whet_store_run run = {
        .seed = s->opts->seed,
        .version = WHET_VERSION,
        .problem = problem.text,
        .options = s->opts->options ? s->opts->options : "{}",
        .machine = about.text,
        .fingerprint = s->fingerprint,
        .compiler = compiler,
    };
    if (st == WHET_OK) st = whet_store_put_run(ctx, s->store, &run);
    whet_buf_fini(ctx, &problem);
    whet_buf_fini(ctx, &about);
    return st;
}

whet_status whet_record_verdict(whet_ctx *ctx, whet_search *s, const whet_member *m) {
    whet_buf evidence = { 0 };
    whet_status st = whet_verdict_evidence(ctx, &m->verdict, &evidence);
    const whet_store_verdict verdict = {
        .program = m->id,
        .gate = (int)m->verdict.gate,
        .code = whet_verdict_name(m->verdict.code),
        .reason = m->verdict.reason,
        .evidence = evidence.text,
    };
    if (st == WHET_OK) st = whet_store_put_verdict(ctx, s->store, &verdict);
    whet_buf_fini(ctx, &evidence);
    return st;
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
    return st;
}

whet_status whet_record_duel(whet_ctx *ctx, whet_search *s, const whet_member *m, const char *kind,
                             const char *rival, const whet_duel_opts *opts, const whet_duel *duel) {
    if (duel->n_samples == 0) return WHET_OK;
    char shape[48];
    whet_judge_shape_name(s->judge, opts->shape, shape, sizeof shape);
    const whet_store_duel row = {
        .program = m->id,
        .kind = kind,
        .rival = rival,
        .shape = shape,
        .seed = opts->seed,
        .n_pairs = duel->n_pairs,
        .n_blocks = duel->n_blocks,
        .n_calls = duel->n_calls,
        .ratio = duel->result.ratio,
        .low = duel->result.low,
        .high = duel->result.high,
    };
    whet_store_sample *samples = whet_alloc(ctx, duel->n_samples * sizeof *samples);
    if (!samples) return WHET_E_NOMEM;
    for (size_t i = 0; i < duel->n_samples; i++) {
        const whet_duel_sample *d = &duel->samples[i];
        samples[i] = (whet_store_sample){ d->pair, d->block, d->is_rival, d->order, d->ns };
    }
    const whet_status st = whet_store_put_duel(ctx, s->store, &row, samples, duel->n_samples);
    whet_free(ctx, samples);
    return st;
}

whet_status whet_record_event(whet_ctx *ctx, whet_search *s, const char *what, const char *detail) {
    char rng[4 * 16 + 1];
    for (int i = 0; i < 4; i++)
        snprintf(rng + 16 * i, 17, "%016" PRIx64, s->rng.s[i]);
    return whet_store_put_event(ctx, s->store, s->step, what, detail, rng);
}
