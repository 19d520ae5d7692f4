/* SPDX-License-Identifier: MIT */
/* UTF-8 by the table of well-formed byte sequences (Unicode 16.0, table 3-7). */
#include "base/utf8.h"

#include <string.h>

/* Length by the lead byte, and the range of the second byte; later ones are 80..BF. */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xBF;
    if (c < 0x80) return 1;
    if (c < 0xC2) return 0;
    if (c < 0xE0) return 2;
    if (c < 0xF0) {
        if (c == 0xE0) *low = 0xA0;
        if (c == 0xED) *high = 0x9F;
        return 3;
    }
    if (c > 0xF4) return 0;
    if (c == 0xF0) *low = 0x90;
    if (c == 0xF4) *high = 0x8F;
    return 4;
}

bool whet_utf8_decode(const char *text, size_t bytes, uint32_t *code_point, size_t *n) {
    *n = 0;
    if (bytes == 0) return false;
    const unsigned char *p = (const unsigned char *)text;
    unsigned char low, high;
    const size_t len = lead(p[0], &low, &high);
    *n = 1;
    if (len == 0) return false;
    uint32_t c = len == 1 ? p[0] : p[0] & (0x7Fu >> len);
    for (; *n < len; (*n)++) {
        if (*n == bytes || p[*n] < low || p[*n] > high) return false;
        c = c << 6 | (p[*n] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    if (code_point) *code_point = c;
    return true;
}

size_t whet_utf8_encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)((0xF00u >> len & 0xFF) | c);
    return len;
}

void whet_utf8_make_printable(char *text) {
    const size_t len = strlen(text);
    for (size_t i = 0, n; i < len; i += n) {
        uint32_t c = 0;
        const bool is_valid = whet_utf8_decode(text + i, len - i, &c, &n);
        if (!is_valid || c < 0x20 || (c >= 0x7f && c < 0xa0)) memset(text + i, '?', n);
    }
}
