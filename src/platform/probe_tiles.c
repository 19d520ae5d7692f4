/* SPDX-License-Identifier: MIT */
/* The arithmetic probe's unit of AMX tiles. */
#include <whet/machine.h>

#include "platform/probe_int.h"
#include "platform/tiles.h"

enum { SIDE = 16, PAIRS = 16 };

/* Four tiles of sums, += products of two tiles each: 16 x 16 sums of 32 products of 1/2 and 1/2. */
static double multiply_add(size_t n_rounds) {
    uint16_t halves[SIDE][2 * PAIRS];
    float sums[2 * SIDE][2 * SIDE];
    for (int i = 0; i < SIDE * 2 * PAIRS; i++)
        halves[i / (2 * PAIRS)][i % (2 * PAIRS)] = 0x3F00; /* 0.5 */
    tiles_begin();
    tiles_clear_sums();
    _tile_loadd(4, halves, 64);
    _tile_loadd(5, halves, 64);
    _tile_loadd(6, halves, 64);
    _tile_loadd(7, halves, 64);
    for (size_t r = 0; r < n_rounds; r++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    tiles_store_sums(sums[0], sizeof sums[0]);
    tiles_end();
    double total = 0;
    for (int k = 0; k < 4; k++)
        total += (double)sums[k / 2 * SIDE][k % 2 * SIDE];
    return total;
}

const whet_probe_unit whet_probe_tiles_amx = {
    .name = "bf16 tiles (AMX)",
    .needs = WHET_CPU_AMX_BF16,
    .flop_a_round = 4.0 * SIDE * SIDE * 2 * 2 * PAIRS,
    .multiply_add = multiply_add,
};
