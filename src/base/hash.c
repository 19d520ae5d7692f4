/* SPDX-License-Identifier: MIT */
/* FNV-1a by hand, SHA-256 by libmd. */
#include "base/hash.h"

#include <sys/types.h>

#include <sha2.h>

uint64_t whet_hash64(const void *data, size_t bytes) {
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

void whet_sha256_hex(const void *data, size_t bytes, char hex[WHET_SHA256_HEX]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX state;
    SHA256Init(&state);
    SHA256Update(&state, data, bytes);
    SHA256Final(digest, &state);
    for (size_t i = 0; i < sizeof digest; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * sizeof digest] = '\0';
}
