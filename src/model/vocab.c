/* SPDX-License-Identifier: MIT */
/* A hash table of texts. */
#include "model/vocab.h"

#include <string.h>

#include "base/clock.h"
#include "model/bpe.h"

typedef struct whet_vocab_slot {
    uint32_t hash;
    int32_t id; /* WHET_NO_TOKEN where free */
} whet_vocab_slot;

/* FNV-1a with a start that differs from process to process, so that no file can be made whose
 * tokens all collide. */
static uint64_t hash_more(uint64_t hash, whet_text_ref text) {
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.text[i]) * 0x100000001B3u;
    return hash;
}

static uint32_t hash_of(const whet_vocab *vocab, whet_text_ref left, whet_text_ref right) {
    const uint64_t hash = hash_more(hash_more(vocab->seed, left), right);
    return (uint32_t)(hash ^ hash >> 32);
}

whet_status whet_vocab_init(whet_ctx *ctx, whet_vocab *vocab, size_t n_tokens, size_t n_ids) {
    size_t n_slots = 16;
    while (n_slots < n_tokens * 2)
        n_slots *= 2;
    *vocab = (whet_vocab){
        .n_ids = n_ids,
        .mask = n_slots - 1,
        .seed = ((uint64_t)whet_clock_ns() ^ (uintptr_t)vocab) * 0x9E3779B97F4A7C15u,
    };
    vocab->texts = whet_alloc_zero(ctx, n_ids, sizeof *vocab->texts);
    vocab->slots = whet_alloc(ctx, n_slots * sizeof *vocab->slots);
    if (!vocab->texts || !vocab->slots) return WHET_E_NOMEM;
    memset(vocab->slots, 0xFF, n_slots * sizeof *vocab->slots);
    return WHET_OK;
}

void whet_vocab_fini(whet_ctx *ctx, whet_vocab *vocab) {
    whet_free(ctx, vocab->texts);
    whet_free(ctx, vocab->slots);
    *vocab = (whet_vocab){ 0 };
}

static bool is_joined(whet_text_ref text, whet_text_ref left, whet_text_ref right) {
    return text.len == left.len + right.len && memcmp(text.text, left.text, left.len) == 0 &&
           (right.len == 0 || memcmp(text.text + left.len, right.text, right.len) == 0);
}

bool whet_vocab_add(whet_vocab *vocab, whet_text_ref text, int32_t id) {
    const whet_text_ref nothing = { 0 };
    const uint32_t hash = hash_of(vocab, text, nothing);
    size_t i = hash & vocab->mask;
    for (; vocab->slots[i].id != WHET_NO_TOKEN; i = (i + 1) & vocab->mask) {
        const whet_vocab_slot slot = vocab->slots[i];
        if (slot.hash == hash && is_joined(vocab->texts[slot.id], text, nothing)) return false;
    }
    vocab->slots[i] = (whet_vocab_slot){ .hash = hash, .id = id };
    vocab->texts[id] = text;
    return true;
}

int32_t whet_vocab_find(const whet_vocab *vocab, whet_text_ref left, whet_text_ref right) {
    const uint32_t hash = hash_of(vocab, left, right);
    for (size_t i = hash & vocab->mask;; i = (i + 1) & vocab->mask) {
        const whet_vocab_slot slot = vocab->slots[i];
        if (slot.id == WHET_NO_TOKEN) return WHET_NO_TOKEN;
        if (slot.hash == hash && is_joined(vocab->texts[slot.id], left, right)) return slot.id;
    }
}
