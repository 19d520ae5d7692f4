/* SPDX-License-Identifier: MIT */
/* Sums of a tile to their places: a part of many_neon_bf16.c, which includes it. */

/* Writes a tile of n_rows outputs x n_tokens tokens, transposed. */
INLINE void store_tile(const whet_linear_args *a, int32_t n, int n_rows, int32_t t0, int n_tokens,
                       bool is_added, vf acc[N_BROADCAST][N_VECTORS]) {
    float tile[N_BROADCAST][PANEL];
    memcpy(tile, acc, sizeof tile);
    for (int t = 0; t < n_tokens; t++)
        for (int r = 0; r < n_rows; r++)
            put(&a->out[(t0 + t) * a->out_stride + n + r], tile[r][t], is_added);
}
