/* SPDX-License-Identifier: MIT */
/* What a checkpoint is, and everything that is wrong with it. */
#include <string.h>

#include <whet/tokenizer.h>

#include "base/file.h"
#include "kernels/attention.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/tensor_list.h"

/* A folder being checked. */
typedef struct checker {
    whet_ctx *ctx;
    const char *dir;
    const whet_checkpoint *checkpoint;
    whet_faults faults;
    double bytes_done, bytes_total;
} checker;

/* 16-bit floats are not finite when all exponent bits are set. Elements may be misaligned. */
static bool has_bad_16(const unsigned char *p, size_t n, uint16_t exponent) {
    bool is_bad = false; /* no early exit: the loop vectorises */
    for (size_t i = 0; i < n; i++) {
        uint16_t bits;
        memcpy(&bits, p + 2 * i, sizeof bits);
        is_bad |= (bits & exponent) == exponent;
    }
    return is_bad;
}

static bool has_bad_32(const unsigned char *p, size_t n) {
    bool is_bad = false;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, p + 4 * i, sizeof bits);
        is_bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return is_bad;
}

static bool is_finite(int32_t dtype, const unsigned char *p, size_t bytes) {
    switch (dtype) {
    case WHET_BF16: return !has_bad_16(p, bytes / 2, 0x7f80);
    case WHET_F16: return !has_bad_16(p, bytes / 2, 0x7c00);
    default: return !has_bad_32(p, bytes / 4);
    }
}

static whet_status check_weights(checker *c, const whet_tensor *t) {
    const size_t step = 16 << 20;
    bool is_fine = true;
    for (size_t at = 0; at < t->bytes; at += step) {
        WHET_TRY(whet_check_cancelled(c->ctx));
        const size_t n = t->bytes - at < step ? t->bytes - at : step;
        is_fine &= is_finite(t->dtype, (const unsigned char *)t->data + at, n);
        c->bytes_done += (double)n;
        whet_progress(c->ctx, "checking", "MB", c->bytes_done / 1e6, c->bytes_total / 1e6);
    }
    if (is_fine) return WHET_OK;
    return whet_fail(c->ctx, WHET_E_FORMAT, "%s: tensor %s holds NaN or infinities", c->dir,
                     t->name);
}

static whet_status check_tensor(checker *c, const whet_tensor_spec *spec) {
    whet_tensor t;
    whet_status st =
        whet_checkpoint_expect(c->ctx, c->checkpoint, spec->name, spec->n_rows, spec->n_cols, &t);
    /* While a file could not be read, nobody knows what is missing. */
    if (st == WHET_E_NOT_FOUND && !whet_checkpoint_is_whole(c->checkpoint)) return WHET_OK;
    if (st == WHET_OK) st = check_weights(c, &t);
    return whet_faults_add(c->ctx, &c->faults, st);
}

/* A tied model's own lm_head is used where there is one, so it must fit too. */
static whet_status check_tied_head(checker *c, const whet_config *config) {
    const whet_tensor_spec spec = { "lm_head.weight", WHET_TENSOR_HEAD, config->vocab_size,
                                    config->hidden_size };
    const bool has_head = whet_checkpoint_find(c->checkpoint, spec.name, NULL);
    return config->tie_word_embeddings && has_head ? check_tensor(c, &spec) : WHET_OK;
}

static whet_status check_tensors(checker *c, const whet_config *config) {
    const size_t n = whet_tensor_count(config);
    whet_tensor_spec spec;
    whet_tensor t;
    for (size_t i = 0; i < n; i++) {
        whet_tensor_spec_at(config, i, &spec);
        if (whet_checkpoint_find(c->checkpoint, spec.name, &t)) c->bytes_total += (double)t.bytes;
    }
    for (size_t i = 0; i < n; i++) {
        whet_tensor_spec_at(config, i, &spec);
        WHET_TRY(check_tensor(c, &spec));
    }
    return check_tied_head(c, config);
}

static whet_status check_eos(checker *c, const whet_config *config) {
    for (int i = 0; i < config->n_eos; i++)
        if (config->eos[i] >= config->vocab_size) {
            const whet_status st = whet_fail(c->ctx, WHET_E_FORMAT,
                                             "%s: eos_token_id %d is outside the vocabulary of %d",
                                             c->dir, config->eos[i], config->vocab_size);
            WHET_TRY(whet_faults_add(c->ctx, &c->faults, st));
        }
    return WHET_OK;
}

/* config is NULL when it could not be read. */
static whet_status check_tokenizer(checker *c, const whet_config *config) {
    whet_buf path = { 0 };
    whet_tokenizer *tokenizer = NULL;
    whet_status st = whet_buf_printf(c->ctx, &path, "%s/tokenizer.json", c->dir);
    const bool is_there = st == WHET_OK && whet_path_is_file(path.text);
    if (is_there) st = whet_tokenizer_open(c->ctx, path.text, &tokenizer);
    if (is_there && st == WHET_OK && config) {
        const size_t n = whet_tokenizer_size(tokenizer);
        if (n > (size_t)config->vocab_size)
            st = whet_fail(c->ctx, WHET_E_FORMAT,
                           "%s: ids up to %zu, vocab_size in config.json is %d", path.text, n - 1,
                           config->vocab_size);
    }
    whet_tokenizer_close(tokenizer);
    whet_buf_fini(c->ctx, &path);
    return whet_faults_add(c->ctx, &c->faults, st);
}

whet_status whet_checkpoint_check(whet_ctx *ctx, const char *dir, whet_fault_fn report,
                                  void *data) {
    checker c = { .ctx = ctx, .dir = dir, .faults = { report, data, 0 } };
    whet_config config;
    whet_checkpoint *checkpoint = NULL;
    whet_status st = whet_faults_add(ctx, &c.faults, whet_config_read(ctx, dir, &config));
    const bool has_config = st == WHET_OK && c.faults.n == 0;
    if (st == WHET_OK && has_config) st = check_eos(&c, &config);
    if (st == WHET_OK) st = whet_checkpoint_open_faulty(ctx, dir, &c.faults, &checkpoint);
    c.checkpoint = checkpoint;
    if (st == WHET_OK && has_config) st = check_tensors(&c, &config);
    if (st == WHET_OK) st = check_tokenizer(&c, has_config ? &config : NULL);
    whet_checkpoint_close(checkpoint);
    if (st != WHET_OK || c.faults.n == 0) return st;
    return whet_fail(ctx, WHET_E_FORMAT, "%s: %d fault%s", dir, c.faults.n,
                     c.faults.n == 1 ? "" : "s");
}

static whet_status add_tensor(whet_ctx *ctx, const whet_checkpoint *checkpoint,
                              const whet_tensor_spec *spec, whet_checkpoint_facts *f) {
    whet_tensor t;
    WHET_TRY(whet_checkpoint_expect(ctx, checkpoint, spec->name, spec->n_rows, spec->n_cols, &t));
    if (spec->role == WHET_TENSOR_EMBEDDING) f->weight_dtype = (whet_dtype)t.dtype;
    f->n_parameters += whet_tensor_elements(spec);
    f->weight_bytes += t.bytes;
    f->n_tensors++;
    return WHET_OK;
}

static whet_status add_files(whet_ctx *ctx, const whet_checkpoint *checkpoint,
                             whet_checkpoint_facts *f) {
    const whet_config *config = &f->config;
    whet_tensor_spec spec;
    for (size_t i = 0; i < whet_tensor_count(config); i++) {
        whet_tensor_spec_at(config, i, &spec);
        WHET_TRY(add_tensor(ctx, checkpoint, &spec, f));
    }
    if (config->tie_word_embeddings && whet_checkpoint_find(checkpoint, "lm_head.weight", NULL)) {
        spec = (whet_tensor_spec){ "lm_head.weight", WHET_TENSOR_HEAD, config->vocab_size,
                                   config->hidden_size };
        WHET_TRY(add_tensor(ctx, checkpoint, &spec, f));
    }
    f->n_files = (int32_t)whet_checkpoint_n_files(checkpoint);
    size_t n_all = 0;
    for (int32_t i = 0; i < f->n_files; i++) {
        const whet_safetensors *file = whet_checkpoint_file(checkpoint, (size_t)i);
        n_all += file->n_tensors;
        for (size_t k = 0; k < file->n_tensors; k++)
            f->other_bytes += file->tensors[k].bytes;
    }
    f->other_bytes -= f->weight_bytes;
    f->n_others = (int32_t)n_all - f->n_tensors;
    return WHET_OK;
}

whet_status whet_checkpoint_read_facts(whet_ctx *ctx, const char *dir,
                                       whet_checkpoint_facts *facts) {
    *facts = (whet_checkpoint_facts){ 0 };
    WHET_TRY(whet_config_read(ctx, dir, &facts->config));
    const whet_config *config = &facts->config;
    facts->kv_bytes_per_token = (uint64_t)config->n_layers * 2 * (uint64_t)config->n_kv_heads *
                                (uint64_t)config->head_dim * whet_dtype_bytes(WHET_BF16);
    whet_checkpoint *checkpoint;
    WHET_TRY(whet_checkpoint_open(ctx, dir, &checkpoint));
    whet_status st = add_files(ctx, checkpoint, facts);
    whet_checkpoint_close(checkpoint);
    whet_buf path = { 0 };
    if (st == WHET_OK) st = whet_buf_printf(ctx, &path, "%s/tokenizer.json", dir);
    facts->has_tokenizer = st == WHET_OK && whet_path_is_file(path.text);
    whet_buf_fini(ctx, &path);
    return st;
}
