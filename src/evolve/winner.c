/* SPDX-License-Identifier: MIT */
/* Winners as the engine meets them: found by problem and machine, loaded from hashed bytes. */
#include <whet/winner.h>

#include <stdio.h>
#include <string.h>

#include "evolve/receipt.h"
#include "evolve/self_check.h"
#include "evolve/winners.h"
#include "kernels/attention.h"

struct whet_winner {
    whet_winner_info info;
    whet_attention_library *library;
};

static whet_winner_info make_info(const whet_winner_row *row) {
    whet_winner_info info = {
        .id = row->id,
        .problem = { .dtype = row->key.dtype,
                     .n_heads = row->key.n_heads,
                     .n_kv_heads = row->key.n_kv_heads,
                     .head_dim = row->key.head_dim },
        .repeat = { row->ratio_repeat, row->low_repeat, row->high_repeat },
        .fused = { row->ratio_fused, row->low_fused, row->high_fused },
    };
    memcpy(info.fingerprint, row->key.fingerprint, sizeof info.fingerprint);
    memcpy(info.program_hash, row->program_hash, sizeof info.program_hash);
    memcpy(info.object_sha256, row->object_sha256, sizeof info.object_sha256);
    memcpy(info.shape, row->shape, sizeof info.shape);
    memcpy(info.date, row->date, sizeof info.date);
    return info;
}

typedef struct skipped {
    whet_ctx *ctx;
    const whet_winner_key *key;
} skipped;

static whet_status tell_skipped(void *data, const whet_winner_row *row, const char *source,
                                const char *receipt) {
    (void)source, (void)receipt;
    const skipped *s = data;
    const whet_winner_key *want = s->key, *have = &row->key;
    if (have->dtype != want->dtype || have->n_heads != want->n_heads ||
        have->n_kv_heads != want->n_kv_heads || have->head_dim != want->head_dim)
        return WHET_OK;
    if (have->abi != want->abi)
        whet_log(s->ctx, WHET_LOG_INFO, "winners",
                 "winner %lld is not used: it is for kernel ABI %d, this is %d", (long long)row->id,
                 have->abi, want->abi);
    else
        whet_log(s->ctx, WHET_LOG_INFO, "winners",
                 "winner %lld is not used: it was made on machine %s, this is %s",
                 (long long)row->id, have->fingerprint, want->fingerprint);
    return WHET_OK;
}

/* The sentence says whose check it was. */
static whet_status check_here(whet_ctx *ctx, const whet_winner *winner, const whet_problem *problem,
                              const whet_winner_row *row) {
    char why[200];
    const whet_status st = whet_self_check(ctx, whet_winner_kernel(winner), problem);
    if (st != WHET_E_UNSUPPORTED) return st;
    snprintf(why, sizeof why, "%s", whet_ctx_message(ctx));
    return whet_fail(ctx, st, "winner %lld, %.12s, does not pass its check: %s", (long long)row->id,
                     row->program_hash, why);
}

/* Logs what there is for other machines; the status and its sentence stay. */
static whet_status explain_absence(whet_ctx *ctx, const char *folder, const whet_winner_key *key) {
    char why[256];
    snprintf(why, sizeof why, "%s", whet_ctx_message(ctx));
    skipped s = { ctx, key };
    WHET_TRY(whet_winners_each(ctx, folder, tell_skipped, &s));
    return whet_fail(ctx, WHET_E_NOT_FOUND, "%s", why);
}

whet_status whet_winner_find(whet_ctx *ctx, const char *folder, const whet_problem *problem,
                             const char *fingerprint, whet_winner **out) {
    *out = NULL;
    whet_winner_key key = {
        .dtype = problem->dtype,
        .n_heads = problem->n_heads,
        .n_kv_heads = problem->n_kv_heads,
        .head_dim = problem->head_dim,
        .abi = WHET_KERNEL_ABI,
    };
    snprintf(key.fingerprint, sizeof key.fingerprint, "%s", fingerprint);
    whet_winner_row row;
    whet_buf object = { 0 };
    whet_winner *winner = whet_alloc_zero(ctx, 1, sizeof *winner);
    whet_status st = winner ? WHET_OK : WHET_E_NOMEM;
    if (st == WHET_OK) st = whet_winners_get(ctx, folder, &key, &row, NULL, &object);
    if (st == WHET_E_NOT_FOUND) st = explain_absence(ctx, folder, &key);
    if (st == WHET_OK)
        st = whet_attention_load_bytes(ctx, object.text, object.len, &winner->library);
    if (st == WHET_OK) st = check_here(ctx, winner, problem, &row);
    whet_buf_fini(ctx, &object);
    if (st == WHET_OK) {
        winner->info = make_info(&row);
        *out = winner;
    } else {
        whet_winner_close(ctx, winner);
    }
    return st;
}

const whet_attention_kernel *whet_winner_kernel(const whet_winner *winner) {
    return whet_attention_library_kernel(winner->library);
}

const whet_winner_info *whet_winner_about(const whet_winner *winner) {
    return &winner->info;
}

void whet_winner_close(whet_ctx *ctx, whet_winner *winner) {
    if (!winner) return;
    whet_attention_unload(winner->library);
    whet_free(ctx, winner);
}

typedef struct listener {
    whet_ctx *ctx;
    whet_winner_fn fn;
    void *data;
} listener;

static whet_status tell(void *data, const whet_winner_row *row, const char *source,
                        const char *json) {
    const listener *l = data;
    whet_receipt receipt;
    const whet_winner_info info = make_info(row);
    whet_winner_receipt_of(l->ctx, row, source, json, &receipt);
    return l->fn(l->data, &info, &receipt);
}

whet_status whet_winner_list(whet_ctx *ctx, const char *folder, whet_winner_fn fn, void *data) {
    listener l = { ctx, fn, data };
    return whet_winners_each(ctx, folder, tell, &l);
}

whet_status whet_winner_read(whet_ctx *ctx, const char *folder, int64_t id, whet_winner_info *info,
                             whet_receipt *receipt, whet_buf *source) {
    whet_winner_row row;
    whet_buf json = { 0 };
    const whet_status st = whet_winners_find(ctx, folder, id, &row, source, &json);
    if (st == WHET_OK) *info = make_info(&row);
    if (st == WHET_OK) whet_winner_receipt_of(ctx, &row, source->text, json.text, receipt);
    whet_buf_fini(ctx, &json);
    return st;
}

whet_status whet_winner_remove(whet_ctx *ctx, const char *folder, int64_t id) {
    return whet_winners_remove(ctx, folder, id);
}
