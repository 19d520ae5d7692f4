/* SPDX-License-Identifier: MIT */
/* What tends to upset a parser. */
#include "tests/fuzz/mutate.h"

#include <string.h>

static const char *const morsels[] = {
    "0",
    "-1",
    "1e9",
    "18446744073709551616",
    "NaN",
    "null",
    "true",
    "\"\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\xff",
    "\xc3",
    "[]",
    "{}",
    "BF16",
    "F32",
    "../",
    ".safetensors",
};

void fuzz_mutate(whet_ctx *ctx, whet_rng *rng, whet_buf *bytes, size_t n_front) {
    for (int k = 1 + (int)whet_rng_below(rng, 4); k > 0; k--) {
        if (bytes->len == 0) return;
        const size_t at = whet_rng_below(rng, bytes->len < n_front ? bytes->len : n_front);
        const char *morsel = morsels[whet_rng_below(rng, sizeof morsels / sizeof morsels[0])];
        switch (whet_rng_below(rng, 6)) {
        case 0: bytes->text[at] ^= (char)(1 << whet_rng_below(rng, 8)); break;
        case 1: bytes->text[at] = (char)whet_rng_below(rng, 256); break;
        case 2: bytes->len = at; break;
        case 3:
            for (size_t i = 0; morsel[i] && at + i < bytes->len; i++)
                bytes->text[at + i] = morsel[i];
            break;
        case 4: /* a piece twice; with room first: the source must not move */
            if (whet_buf_reserve(ctx, bytes, bytes->len) != WHET_OK ||
                whet_buf_append(ctx, bytes, bytes->text + at, bytes->len - at) != WHET_OK)
                return;
            break;
        default: /* a piece less */
            memmove(bytes->text + at, bytes->text + at + (bytes->len - at) / 8,
                    bytes->len - at - (bytes->len - at) / 8);
            bytes->len -= (bytes->len - at) / 8;
            break;
        }
    }
}
