/* SPDX-License-Identifier: MIT */
/* AMX tiles as all code here has them: eight whole ones, four of them a square of 32 x 32 sums. */
#ifndef WHET_PLATFORM_TILES_H
#define WHET_PLATFORM_TILES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* A tile is 16 rows of 64 bytes: of 32 bf16 on the left of a product, of 16 columns of pairs on its
 * right, of 16 sums in f32 (Intel, "Architecture Instruction Set Extensions Programming Reference",
 * chapter 3). Strides are bytes. Permission is the caller's to have: WHET_CPU_AMX_BF16 says so. */
#define TILES_INLINE static inline __attribute__((always_inline, unused))

TILES_INLINE void tiles_begin(void) {
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t n_rows[16];
    } whole = {
        .palette = 1,
        .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
        .n_rows = { 16, 16, 16, 16, 16, 16, 16, 16 },
    };
    _Static_assert(sizeof whole == 64, "as LDTILECFG reads it");
    _tile_loadconfig(&whole);
}

TILES_INLINE void tiles_end(void) {
    _tile_release();
}

/* The sums are tiles 0 to 3: [row half][column half]. Setting them begins a product: the compiler
 * does not know that tiles read memory, so what was stored before is sent there. */
TILES_INLINE void tiles_clear_sums(void) {
    __asm__ volatile("" ::: "memory");
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

TILES_INLINE void tiles_load_sums(const float *from, size_t stride) {
    const char *p = (const char *)from;
    __asm__ volatile("" ::: "memory");
    _tile_loadd(0, p, stride);
    _tile_loadd(1, p + 64, stride);
    _tile_loadd(2, p + 16 * stride, stride);
    _tile_loadd(3, p + 16 * stride + 64, stride);
}

TILES_INLINE void tiles_store_sums(float *to, size_t stride) {
    char *p = (char *)to;
    _tile_stored(0, p, stride);
    _tile_stored(1, p + 64, stride);
    _tile_stored(2, p + 16 * stride, stride);
    _tile_stored(3, p + 16 * stride + 64, stride);
}

/* The sums += two tiles of rows, a, times two tiles of columns, b. */
TILES_INLINE void tiles_multiply(const void *a0, const void *a1, size_t a_stride, const void *b0,
                                 const void *b1, size_t b_stride) {
    _tile_loadd(4, a0, a_stride);
    _tile_loadd(6, b0, b_stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b1, b_stride);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a1, a_stride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

#endif
