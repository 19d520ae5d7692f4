/* SPDX-License-Identifier: MIT */
/* One safetensors file: mapped, checked whole, its tensors used in place. */
#ifndef WHET_MODEL_SAFETENSORS_H
#define WHET_MODEL_SAFETENSORS_H

#include <whet/kernel.h>
#include <whet/whet.h>

#include "base/file.h"

enum { WHET_MAX_DIMS = 8, WHET_DTYPE_OTHER = -1 };

/* A view of one tensor, row-major. All pointers are borrowed until the file's (or the checkpoint's)
 * close. `data` may stand at any byte: an f32 or bf16 there may be misaligned (MLX writes such
 * files). */
typedef struct whet_tensor {
    const char *name;
    int32_t dtype;          /* whet_dtype, or WHET_DTYPE_OTHER */
    const char *dtype_name; /* as the file spells it: "BF16"; static */
    int32_t n_dims;         /* 0 = a scalar */
    int64_t shape[WHET_MAX_DIMS];
    const void *data;
    size_t bytes;
} whet_tensor;

/* The format: https://huggingface.co/docs/safetensors (8 bytes of length, little endian, then so
 * many bytes of JSON, then the data). */
typedef struct whet_safetensors {
    whet_mapping map;     /* owned */
    whet_tensor *tensors; /* owned; ascending by name */
    size_t n_tensors;
    size_t header_bytes; /* length prefix included: the data start here */
    char *names;         /* owned: the names' text */
} whet_safetensors;

/* Maps and checks a file: length of the header, JSON, dtypes, shape x dtype = bytes, every offset
 * within the data, no overlap, no hole, nothing behind the last tensor, no name twice.
 * The bytes of the tensors themselves are not looked at. On failure nothing needs closing.
 * The file is trusted to keep its length: one that another process cuts short while it is mapped
 * ends the program with SIGBUS at the next read of the lost part, as any mapped file would. */
whet_status whet_safetensors_open(whet_ctx *ctx, const char *path, whet_safetensors *st);

/* The same for bytes in memory, borrowed until close; `name` is for messages. */
whet_status whet_safetensors_parse(whet_ctx *ctx, const char *name, const void *bytes, size_t len,
                                   whet_safetensors *st);

/* A zeroed or closed one is fine. */
void whet_safetensors_close(whet_ctx *ctx, whet_safetensors *st);

/* Binary search by name; NULL when there is no such tensor. */
const whet_tensor *whet_safetensors_find(const whet_safetensors *st, const char *name);

#endif
