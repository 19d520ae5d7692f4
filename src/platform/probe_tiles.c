/* SPDX-License-Identifier: MIT */
/* The arithmetic probe's unit of AMX tiles. */
#include <immintrin.h>
#include <string.h>
#include <whet/machine.h>

#include "platform/probe_int.h"

enum { SIDE = 16, PAIRS = 16 };

/* Four tiles of sums, += products of two tiles each: 16 x 16 sums of 32 products of 1/2 and 1/2. */
static double multiply_add(size_t n_rounds) {
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t n_rows[16];
    } tiles = { .palette = 1,
                .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
                .n_rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };
    uint16_t halves[SIDE][2 * PAIRS];
    float sums[4][SIDE][SIDE];
    for (int i = 0; i < SIDE * 2 * PAIRS; i++)
        halves[i / (2 * PAIRS)][i % (2 * PAIRS)] = 0x3F00; /* 0.5 */
    _tile_loadconfig(&tiles);
    __asm__ volatile("" ::: "memory"); /* the compiler does not know what a tile reads */
    _tile_loadd(4, halves, 64);
    _tile_loadd(5, halves, 64);
    _tile_loadd(6, halves, 64);
    _tile_loadd(7, halves, 64);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t r = 0; r < n_rounds; r++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums[0], 64);
    _tile_stored(1, sums[1], 64);
    _tile_stored(2, sums[2], 64);
    _tile_stored(3, sums[3], 64);
    _tile_release();
    double total = 0;
    for (int k = 0; k < 4; k++)
        total += (double)sums[k][SIDE - 1][SIDE - 1];
    return total;
}

const whet_probe_unit whet_probe_tiles_amx = {
    .name = "bf16 tiles (AMX)",
    .needs = WHET_CPU_AMX_BF16,
    .flop_a_round = 4.0 * SIDE * SIDE * 2 * 2 * PAIRS,
    .multiply_add = multiply_add,
};
