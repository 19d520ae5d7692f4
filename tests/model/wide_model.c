/* SPDX-License-Identifier: MIT */
/* Writes the wide golden model: the same bytes as tools/golden/wide.py, which explains the formula.
 */
#include "tests/model/wide_model.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SEED = 6, N_TENSORS = 24 };

typedef struct wide_tensor {
    char name[64];
    size_t rows, columns; /* columns 0: a vector */
    int multiplier;
} wide_tensor;

static void list_tensors(wide_tensor tensors[N_TENSORS]) {
    static const wide_tensor layer[] = {
        { "input_layernorm", 1024, 0, 2 },          { "mlp.down_proj", 1024, 3072, 48 },
        { "mlp.gate_proj", 3072, 1024, 28 },        { "mlp.up_proj", 3072, 1024, 28 },
        { "post_attention_layernorm", 1024, 0, 2 }, { "self_attn.k_norm", 128, 0, 3 },
        { "self_attn.k_proj", 1024, 1024, 28 },     { "self_attn.o_proj", 1024, 2048, 59 },
        { "self_attn.q_norm", 128, 0, 3 },          { "self_attn.q_proj", 2048, 1024, 28 },
        { "self_attn.v_proj", 1024, 1024, 28 },
    };
    const size_t n_layer = sizeof layer / sizeof *layer;
    tensors[0] = (wide_tensor){ "model.embed_tokens.weight", 2048, 1024, 88 };
    for (size_t i = 0; i < 2 * n_layer; i++) {
        tensors[1 + i] = layer[i % n_layer];
        snprintf(tensors[1 + i].name, sizeof tensors->name, "model.layers.%zu.%s.weight",
                 i / n_layer, layer[i % n_layer].name);
    }
    tensors[N_TENSORS - 1] = (wide_tensor){ "model.norm.weight", 1024, 0, 2 };
}

static size_t n_values(const wide_tensor *t) {
    return t->rows * (t->columns ? t->columns : 1);
}

static uint64_t key_of(const char *name) {
    uint64_t key = 0xcbf29ce484222325;
    for (; *name; name++)
        key = (key ^ (uint8_t)*name) * 0x100000001b3;
    return key ^ SEED;
}

static uint64_t word_of(uint64_t key, uint64_t i) {
    uint64_t z = key + (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* The products are exact in f32; only the step to bf16 rounds. */
static uint16_t value_of(const wide_tensor *t, uint64_t word) {
    const int low = word & 0xffff;
    const int sum =
        low + (int)(word >> 16 & 0xffff) + (int)(word >> 32 & 0xffff) + (int)(word >> 48);
    const float exact = t->columns ? (float)((sum - 131070) * t->multiplier) * 0x1p-25f
                                   : (float)((32768 + low) * t->multiplier) * 0x1p-17f;
    uint32_t bits;
    memcpy(&bits, &exact, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void write_header(FILE *file, const wide_tensor tensors[N_TENSORS]) {
    static char text[8192];
    size_t at = 0,
           used = (size_t)snprintf(text, sizeof text, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (int i = 0; i < N_TENSORS; i++) {
        const wide_tensor *t = &tensors[i];
        char shape[32];
        snprintf(shape, sizeof shape, t->columns ? "%zu,%zu" : "%zu", t->rows, t->columns);
        used += (size_t)snprintf(
            text + used, sizeof text - used,
            ",\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", t->name,
            shape, at, at + 2 * n_values(t));
        at += 2 * n_values(t);
    }
    text[used++] = '}';
    while (used % 8)
        text[used++] = ' ';
    const uint64_t n_bytes = used;
    fwrite(&n_bytes, sizeof n_bytes, 1, file);
    fwrite(text, 1, used, file);
}

bool write_wide_model(const char *dir) {
    static uint16_t block[4096];
    char path[4096], temporary[4096];
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    snprintf(temporary, sizeof temporary, "%s/model.safetensors.%ld", dir, (long)getpid());
    FILE *file = fopen(temporary, "wb");
    if (!file) return false;

    wide_tensor tensors[N_TENSORS];
    list_tensors(tensors);
    write_header(file, tensors);
    for (int i = 0; i < N_TENSORS; i++) {
        const uint64_t key = key_of(tensors[i].name);
        size_t n = 0;
        for (size_t j = 0; j < n_values(&tensors[i]); j++) {
            block[n++] = value_of(&tensors[i], word_of(key, j));
            if (n == sizeof block / sizeof *block || j + 1 == n_values(&tensors[i])) {
                fwrite(block, sizeof *block, n, file);
                n = 0;
            }
        }
    }
    const bool is_written = !ferror(file);
    const bool is_whole = fclose(file) == 0 && is_written && rename(temporary, path) == 0;
    if (!is_whole) remove(temporary);
    return is_whole;
}
