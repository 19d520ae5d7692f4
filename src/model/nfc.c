/* SPDX-License-Identifier: MIT */
/* Normalization: stable text is copied, what lies between is decomposed, ordered and composed. */
#include "model/nfc.h"

#include <string.h>

#include "base/utf8.h"
#include "model/unicode_data.h"

/* Hangul by arithmetic (Unicode 9.0, section 3.12). */
enum {
    L_FIRST = 0x1100,
    V_FIRST = 0x1161,
    T_BEFORE = 0x11A7,
    S_FIRST = 0xAC00,
    N_L = 19,
    N_V = 21,
    N_T = 28,
    N_S = N_L * N_V * N_T,
};

/* The code points between two stable ones, each with its combining class in the top byte. */
typedef struct run {
    uint32_t *items;
    uint32_t *spare; /* as large, for sorting */
    size_t n;
    size_t cap;
} run;

static uint32_t code_point_of(uint32_t item) {
    return item & 0x1FFFFF;
}

static uint8_t class_of(uint32_t item) {
    return (uint8_t)(item >> 24);
}

size_t whet_nfc_prefix(const char *text, size_t bytes) {
    size_t last_stable = 0;
    for (size_t i = 0, n; i < bytes; i += n) {
        uint32_t c = (unsigned char)text[i];
        n = 1;
        if (c >= 0x80) {
            whet_utf8_decode(text + i, bytes - i, &c, &n);
            if (whet_unicode_row_of(c)->is_unstable) return last_stable;
        }
        last_stable = i;
    }
    return bytes;
}

static whet_status run_grow(whet_ctx *ctx, run *r) {
    const size_t cap = r->cap ? r->cap * 2 : 64;
    uint32_t *items = whet_realloc(ctx, r->items, cap * sizeof *items);
    if (!items) return WHET_E_NOMEM;
    r->items = items;
    uint32_t *spare = whet_realloc(ctx, r->spare, cap * sizeof *spare);
    if (!spare) return WHET_E_NOMEM;
    r->spare = spare;
    r->cap = cap;
    return WHET_OK;
}

static whet_status run_push(whet_ctx *ctx, run *r, uint32_t c) {
    if (r->n == r->cap) WHET_TRY(run_grow(ctx, r));
    r->items[r->n++] = c | (uint32_t)whet_unicode_row_of(c)->combining_class << 24;
    return WHET_OK;
}

static const whet_decomposition *find_decomposition(uint32_t c) {
    size_t low = 0, high = whet_n_decompositions;
    while (low + 1 < high) {
        const size_t middle = low + (high - low) / 2;
        if (whet_decompositions[middle].code_point <= c)
            low = middle;
        else
            high = middle;
    }
    return &whet_decompositions[low];
}

static whet_status run_push_decomposed(whet_ctx *ctx, run *r, uint32_t c) {
    if (c - S_FIRST < N_S) {
        const uint32_t s = c - S_FIRST;
        WHET_TRY(run_push(ctx, r, L_FIRST + s / (N_V * N_T)));
        WHET_TRY(run_push(ctx, r, V_FIRST + s % (N_V * N_T) / N_T));
        return s % N_T ? run_push(ctx, r, T_BEFORE + s % N_T) : WHET_OK;
    }
    if (!whet_unicode_row_of(c)->decomposes) return run_push(ctx, r, c);
    const whet_decomposition *d = find_decomposition(c);
    for (size_t i = 0; i < d->n; i++)
        WHET_TRY(run_push(ctx, r, whet_decomposed[d->at + i]));
    return WHET_OK;
}

/* Stable sort of n marks by combining class: insertion for the usual few, counting for many. */
static void sort_marks(uint32_t *marks, uint32_t *spare, size_t n) {
    if (n <= 16) {
        for (size_t i = 1; i < n; i++) {
            const uint32_t mark = marks[i];
            size_t j = i;
            for (; j > 0 && class_of(marks[j - 1]) > class_of(mark); j--)
                marks[j] = marks[j - 1];
            marks[j] = mark;
        }
        return;
    }
    size_t at[257] = { 0 };
    for (size_t i = 0; i < n; i++)
        at[class_of(marks[i]) + 1]++;
    for (size_t i = 0; i < 256; i++)
        at[i + 1] += at[i];
    for (size_t i = 0; i < n; i++)
        spare[at[class_of(marks[i])]++] = marks[i];
    memcpy(marks, spare, n * sizeof *marks);
}

static void run_order(run *r) {
    for (size_t i = 0; i < r->n;) {
        size_t end = i;
        while (end < r->n && class_of(r->items[end]) != 0)
            end++;
        sort_marks(r->items + i, r->spare, end - i);
        i = end + 1;
    }
}

/* 0 when the two do not compose. */
static uint32_t compose(uint32_t first, uint32_t second) {
    if (first - L_FIRST < N_L && second - V_FIRST < N_V)
        return S_FIRST + ((first - L_FIRST) * N_V + (second - V_FIRST)) * N_T;
    if (first - S_FIRST < N_S && (first - S_FIRST) % N_T == 0 && second - T_BEFORE - 1 < N_T - 1)
        return first + (second - T_BEFORE);
    const uint64_t key = (uint64_t)first << 32 | second;
    size_t low = 0, high = whet_n_compositions;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const whet_composition *c = &whet_compositions[middle];
        const uint64_t here = (uint64_t)c->first << 32 | c->second;
        if (here == key) return c->composed;
        if (here < key)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* A mark joins the last starter unless another starter, or a mark of its class or a higher one,
 * stands between (UAX #15, D115 to D117). */
static void run_compose(run *r) {
    size_t n = 0, starter = SIZE_MAX;
    int class_between = -1; /* nothing stands between */
    for (size_t i = 0; i < r->n; i++) {
        const uint32_t item = r->items[i];
        const int class = class_of(item);
        if (starter != SIZE_MAX && class_between < class) {
            const uint32_t c = compose(code_point_of(r->items[starter]), code_point_of(item));
            if (c) {
                r->items[starter] = c;
                continue;
            }
        }
        if (class == 0) starter = n;
        class_between = class == 0 ? -1 : class;
        r->items[n++] = item;
    }
    r->n = n;
}

static whet_status run_append(whet_ctx *ctx, const run *r, whet_buf *out) {
    WHET_TRY(whet_buf_reserve(ctx, out, r->n * 4));
    for (size_t i = 0; i < r->n; i++)
        out->len += whet_utf8_encode(code_point_of(r->items[i]), out->text + out->len);
    out->text[out->len] = '\0';
    return WHET_OK;
}

/* Normalizes from text[0] to the next stable code point behind the unstable ones; *n bytes. */
static whet_status normalize_run(whet_ctx *ctx, run *r, const char *text, size_t bytes, size_t *n,
                                 whet_buf *out) {
    r->n = 0;
    bool has_unstable = false;
    for (size_t i = 0, step; i <= bytes; i += step) {
        uint32_t c = 0;
        *n = i;
        if (i == bytes) break;
        whet_utf8_decode(text + i, bytes - i, &c, &step);
        const bool is_unstable = whet_unicode_row_of(c)->is_unstable;
        if (has_unstable && !is_unstable) break;
        has_unstable |= is_unstable;
        WHET_TRY(run_push_decomposed(ctx, r, c));
    }
    run_order(r);
    run_compose(r);
    return run_append(ctx, r, out);
}

whet_status whet_nfc_append(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out) {
    run r = { 0 };
    whet_status st = WHET_OK;
    for (size_t i = 0; i < bytes && st == WHET_OK;) {
        const size_t stable = whet_nfc_prefix(text + i, bytes - i);
        st = whet_buf_append(ctx, out, text + i, stable);
        i += stable;
        size_t n = 0;
        if (st == WHET_OK && i < bytes) st = normalize_run(ctx, &r, text + i, bytes - i, &n, out);
        i += n;
    }
    whet_free(ctx, r.items);
    whet_free(ctx, r.spare);
    return st;
}
