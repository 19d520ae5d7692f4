/* SPDX-License-Identifier: MIT */
/* The safetensors header is a stranger's word: every number is checked before it is used. */
#include "model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

/* Real headers take about 130 bytes a tensor: 100 kB for the largest dense model. */
enum { LENGTH_BYTES = 8, MAX_HEADER_BYTES = 8 << 20, MAX_NAME_BYTES = 512 };

static const struct dtype_row {
    const char *name;
    int32_t dtype;
    int bits;
} dtypes[] = {
    { "BF16", WHET_BF16, 16 },
    { "F16", WHET_F16, 16 },
    { "F32", WHET_F32, 32 },
    { "F64", WHET_DTYPE_OTHER, 64 },
    { "I64", WHET_DTYPE_OTHER, 64 },
    { "U64", WHET_DTYPE_OTHER, 64 },
    { "C64", WHET_DTYPE_OTHER, 64 },
    { "I32", WHET_DTYPE_OTHER, 32 },
    { "U32", WHET_DTYPE_OTHER, 32 },
    { "I16", WHET_DTYPE_OTHER, 16 },
    { "U16", WHET_DTYPE_OTHER, 16 },
    { "I8", WHET_DTYPE_OTHER, 8 },
    { "U8", WHET_DTYPE_OTHER, 8 },
    { "BOOL", WHET_DTYPE_OTHER, 8 },
    { "F8_E5M2", WHET_DTYPE_OTHER, 8 },
    { "F8_E4M3", WHET_DTYPE_OTHER, 8 },
    { "F8_E8M0", WHET_DTYPE_OTHER, 8 },
    { "F8_E5M2FNUZ", WHET_DTYPE_OTHER, 8 },
    { "F8_E4M3FNUZ", WHET_DTYPE_OTHER, 8 },
    { "F6_E2M3", WHET_DTYPE_OTHER, 6 },
    { "F6_E3M2", WHET_DTYPE_OTHER, 6 },
    { "F4", WHET_DTYPE_OTHER, 4 },
};

/* A header being read. */
typedef struct reader {
    whet_ctx *ctx;
    const char *file;
    const unsigned char *data; /* where the tensors' bytes start */
    size_t data_bytes;
} reader;

static whet_status read_dtype(const reader *r, const whet_json *entry, whet_tensor *t, int *bits) {
    const char *name = whet_json_string(whet_json_get(entry, "dtype"), NULL);
    if (!name)
        return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensor %s has no dtype", r->file, t->name);
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(name, dtypes[i].name) == 0) {
            t->dtype = dtypes[i].dtype;
            t->dtype_name = dtypes[i].name;
            *bits = dtypes[i].bits;
            return WHET_OK;
        }
    char word[40];
    snprintf(word, sizeof word, "%s", name);
    whet_utf8_make_printable(word);
    return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensor %s has dtype \"%s\", which is not known",
                     r->file, t->name, word);
}

/* Reads the shape; *bytes is what it takes. */
static whet_status read_shape(const reader *r, const whet_json *entry, int bits, whet_tensor *t,
                              uint64_t *bytes) {
    const whet_json *shape = whet_json_get(entry, "shape");
    if (!whet_json_is(shape, WHET_JSON_ARRAY))
        return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensor %s has no shape", r->file, t->name);
    const size_t n = whet_json_len(shape);
    if (n > WHET_MAX_DIMS)
        return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensor %s has %zu dimensions, at most %d fit",
                         r->file, t->name, n, WHET_MAX_DIMS);
    t->n_dims = (int32_t)n;
    uint64_t total_bits = (uint64_t)bits;
    for (size_t i = 0; i < n; i++) {
        if (!whet_json_integer(whet_json_at(shape, i), &t->shape[i]) || t->shape[i] < 0)
            return whet_fail(r->ctx, WHET_E_FORMAT,
                             "%s: tensor %s has a dimension that is not a whole number from 0 on",
                             r->file, t->name);
        if (__builtin_mul_overflow(total_bits, (uint64_t)t->shape[i], &total_bits))
            return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensor %s has a shape past 64 bits",
                             r->file, t->name);
    }
    if (total_bits % 8 != 0)
        return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensor %s ends within a byte", r->file,
                         t->name);
    *bytes = total_bits / 8;
    return WHET_OK;
}

static whet_status read_offsets(const reader *r, const whet_json *entry, uint64_t bytes,
                                whet_tensor *t) {
    const whet_json *offsets = whet_json_get(entry, "data_offsets");
    int64_t begin, end;
    if (whet_json_len(offsets) != 2 || !whet_json_integer(whet_json_at(offsets, 0), &begin) ||
        !whet_json_integer(whet_json_at(offsets, 1), &end))
        return whet_fail(r->ctx, WHET_E_FORMAT,
                         "%s: tensor %s has no data_offsets of two whole numbers", r->file,
                         t->name);
    if (begin < 0 || end < begin || (uint64_t)end > r->data_bytes)
        return whet_fail(r->ctx, WHET_E_FORMAT,
                         "%s: tensor %s has data_offsets %lld to %lld outside the file's %zu bytes "
                         "of data",
                         r->file, t->name, (long long)begin, (long long)end, r->data_bytes);
    if ((uint64_t)(end - begin) != bytes)
        return whet_fail(r->ctx, WHET_E_FORMAT,
                         "%s: tensor %s takes %llu bytes by its shape and dtype, %lld by its "
                         "data_offsets",
                         r->file, t->name, (unsigned long long)bytes, (long long)(end - begin));
    t->data = r->data + begin;
    t->bytes = (size_t)bytes;
    return WHET_OK;
}

/* Names are shown in messages and compared as C strings: no control characters, no NUL. */
static whet_status check_name(const reader *r, const char *name, size_t len) {
    bool is_fine = len > 0 && len <= MAX_NAME_BYTES;
    for (size_t i = 0; is_fine && i < len; i++)
        is_fine = (unsigned char)name[i] >= 0x20 && name[i] != 0x7f;
    if (is_fine) return WHET_OK;
    return whet_fail(r->ctx, WHET_E_FORMAT,
                     "%s: the header has a tensor name that is empty, longer than %d bytes, or "
                     "holds control characters",
                     r->file, MAX_NAME_BYTES);
}

static whet_status read_entry(const reader *r, const whet_json *entry, whet_tensor *t) {
    int bits = 0;
    uint64_t bytes = 0;
    if (!whet_json_is(entry, WHET_JSON_OBJECT))
        return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensor %s is not described by an object",
                         r->file, t->name);
    WHET_TRY(read_dtype(r, entry, t, &bits));
    WHET_TRY(read_shape(r, entry, bits, t, &bytes));
    return read_offsets(r, entry, bytes, t);
}

static bool is_metadata(const char *name) {
    return strcmp(name, "__metadata__") == 0;
}

/* Room for the tensors and the text of their names, which must outlive the JSON. */
static whet_status reserve(const reader *r, const whet_json *header, whet_safetensors *st) {
    size_t n = 0, text_bytes = 0;
    for (void *it = whet_json_begin(header); it; it = whet_json_next(header, it)) {
        size_t len;
        const char *name = whet_json_key(it, &len);
        WHET_TRY(check_name(r, name, len));
        if (is_metadata(name)) continue;
        n++;
        text_bytes += len + 1;
    }
    if (n == 0) return whet_fail(r->ctx, WHET_E_FORMAT, "%s: the header names no tensor", r->file);
    st->tensors = whet_alloc_zero(r->ctx, n, sizeof *st->tensors);
    st->names = whet_alloc(r->ctx, text_bytes);
    return st->tensors && st->names ? WHET_OK : WHET_E_NOMEM;
}

static whet_status read_entries(const reader *r, const whet_json *header, whet_safetensors *st) {
    if (!whet_json_is(header, WHET_JSON_OBJECT))
        return whet_fail(r->ctx, WHET_E_FORMAT, "%s: the header is not a JSON object", r->file);
    WHET_TRY(reserve(r, header, st));
    char *text = st->names;
    for (void *it = whet_json_begin(header); it; it = whet_json_next(header, it)) {
        size_t len;
        const char *name = whet_json_key(it, &len);
        if (is_metadata(name)) continue;
        whet_tensor *t = &st->tensors[st->n_tensors++];
        t->name = memcpy(text, name, len + 1);
        text += len + 1;
        WHET_TRY(read_entry(r, whet_json_value(it), t));
    }
    return WHET_OK;
}

static int by_place(const void *a, const void *b) {
    const whet_tensor *x = a, *y = b;
    if (x->data != y->data) return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes); /* empty ones first */
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const whet_tensor *)a)->name, ((const whet_tensor *)b)->name);
}

/* The format wants the data covered by the tensors, once and without holes. */
static whet_status check_cover(const reader *r, whet_safetensors *st) {
    qsort(st->tensors, st->n_tensors, sizeof *st->tensors, by_place);
    const unsigned char *end = r->data;
    const char *before = NULL;
    for (size_t i = 0; i < st->n_tensors; i++) {
        const whet_tensor *t = &st->tensors[i];
        const unsigned char *begin = t->data;
        if (begin < end)
            return whet_fail(r->ctx, WHET_E_FORMAT, "%s: tensors %s and %s overlap", r->file,
                             before, t->name);
        if (begin > end)
            return whet_fail(r->ctx, WHET_E_FORMAT,
                             "%s: %zu bytes before tensor %s belong to no tensor", r->file,
                             (size_t)(begin - end), t->name);
        end = begin + t->bytes;
        before = t->name;
    }
    const size_t rest = (size_t)(r->data + r->data_bytes - end);
    if (rest > 0)
        return whet_fail(r->ctx, WHET_E_FORMAT,
                         "%s: %zu bytes behind the last tensor belong to no tensor", r->file, rest);
    qsort(st->tensors, st->n_tensors, sizeof *st->tensors, by_name);
    return WHET_OK;
}

static uint64_t little_endian_64(const unsigned char *p) {
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--)
        n = n << 8 | p[i];
    return n;
}

static whet_status parse(whet_ctx *ctx, const char *name, const unsigned char *bytes, size_t len,
                         whet_safetensors *st) {
    if (len < LENGTH_BYTES)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: %zu bytes, too short for a safetensors file",
                         name, len);
    const uint64_t n = little_endian_64(bytes);
    if (n > MAX_HEADER_BYTES)
        return whet_fail(ctx, WHET_E_FORMAT, "%s: a header of %llu bytes, at most %d are allowed",
                         name, (unsigned long long)n, MAX_HEADER_BYTES);
    if (n > len - LENGTH_BYTES)
        return whet_fail(ctx, WHET_E_FORMAT,
                         "%s: a header of %llu bytes in a file of %zu bytes (cut short?)", name,
                         (unsigned long long)n, len);
    st->header_bytes = LENGTH_BYTES + (size_t)n;
    const reader r = { ctx, name, bytes + st->header_bytes, len - st->header_bytes };
    whet_json *header;
    WHET_TRY(whet_json_parse(ctx, name, bytes + LENGTH_BYTES, (size_t)n, true, &header));
    whet_status status = read_entries(&r, header, st);
    whet_json_close(header);
    return status == WHET_OK ? check_cover(&r, st) : status;
}

whet_status whet_safetensors_parse(whet_ctx *ctx, const char *name, const void *bytes, size_t len,
                                   whet_safetensors *st) {
    *st = (whet_safetensors){ 0 };
    const whet_status status = parse(ctx, name, bytes, len, st);
    if (status != WHET_OK) whet_safetensors_close(ctx, st);
    return status;
}

whet_status whet_safetensors_open(whet_ctx *ctx, const char *path, whet_safetensors *st) {
    *st = (whet_safetensors){ 0 };
    WHET_TRY(whet_file_map(ctx, path, &st->map));
    const whet_status status = parse(ctx, path, st->map.bytes, st->map.len, st);
    if (status != WHET_OK) whet_safetensors_close(ctx, st);
    return status;
}

void whet_safetensors_close(whet_ctx *ctx, whet_safetensors *st) {
    whet_free(ctx, st->tensors);
    whet_free(ctx, st->names);
    whet_file_unmap(&st->map);
    *st = (whet_safetensors){ 0 };
}

static int name_against(const void *name, const void *tensor) {
    return strcmp(name, ((const whet_tensor *)tensor)->name);
}

const whet_tensor *whet_safetensors_find(const whet_safetensors *st, const char *name) {
    if (st->n_tensors == 0) return NULL;
    return bsearch(name, st->tensors, st->n_tensors, sizeof *st->tensors, name_against);
}
