/* SPDX-License-Identifier: MIT */
/* Hashes: FNV-1a for tables, SHA-256 for content addresses. */
#ifndef WHET_BASE_HASH_H
#define WHET_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bit (Fowler, Noll, Vo). For tables of trusted data, not against collisions on purpose.
 */
uint64_t whet_hash64(const void *data, size_t bytes);

enum { WHET_SHA256_HEX = 65 };

/* SHA-256 in lower-case hexadecimal, with a terminating NUL. */
void whet_sha256_hex(const void *data, size_t bytes, char hex[WHET_SHA256_HEX]);

#endif
