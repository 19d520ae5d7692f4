/* SPDX-License-Identifier: MIT */
/* The byte-level alphabet. */
#include "model/byte_level.h"

#include "base/utf8.h"

int whet_byte_level_byte(uint32_t c) {
    if ((c >= '!' && c <= '~') || (c >= 0xA1 && c <= 0xAC) || (c >= 0xAE && c <= 0xFF))
        return (int)c;
    if (c < 0x100 || c > 0x143) return -1;
    c -= 0x100;
    if (c <= ' ') return (int)c;
    c -= ' ' + 1; /* the rest: 7F .. A0, then AD */
    return c <= 0xA0 - 0x7F ? (int)c + 0x7F : 0xAD;
}

whet_status whet_byte_level_append(whet_ctx *ctx, const char *text, size_t bytes, whet_buf *out) {
    const size_t start = out->len;
    WHET_TRY(whet_buf_reserve(ctx, out, bytes));
    for (size_t i = 0, n; i < bytes; i += n) {
        uint32_t c;
        whet_utf8_decode(text + i, bytes - i, &c, &n);
        const int byte = whet_byte_level_byte(c);
        if (byte < 0) {
            out->len = start;
            return whet_buf_append(ctx, out, text, bytes);
        }
        out->text[out->len++] = (char)byte;
    }
    out->text[out->len] = '\0';
    return WHET_OK;
}
