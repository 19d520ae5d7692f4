/* SPDX-License-Identifier: MIT */
/* A square of LANES x LANES floats transposed in registers: a part of many_f32.c, which includes
 * it. */

#if LANES == 4
#define EVEN_HALVES 0, 4, 1, 5
#define ODD_HALVES  2, 6, 3, 7
#elif LANES == 8
#define EVEN_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define ODD_HALVES  4, 12, 5, 13, 6, 14, 7, 15
#else
#define EVEN_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ODD_HALVES  8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#endif

/* rows[i][j] becomes rows[j][i]: each round interleaves row i with row i + LANES / 2, which moves
 * one bit of the index of a row to that of a column. */
INLINE void transpose(vf rows[LANES]) {
#pragma GCC unroll 4
    for (int n = 1; n < LANES; n *= 2) {
        vf next[LANES];
#pragma GCC unroll 8
        for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], EVEN_HALVES);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], ODD_HALVES);
        }
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            rows[i] = next[i];
    }
}
