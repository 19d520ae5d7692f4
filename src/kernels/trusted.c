/* SPDX-License-Identifier: MIT */
/* Which way of the trusted attention runs here. */
#include "kernels/trusted.h"

#include "platform/cpu.h"

extern const whet_trusted_way whet_trusted_portable;
#if defined(__x86_64__)
extern const whet_trusted_way whet_trusted_avx2, whet_trusted_avx512;
#endif

size_t whet_trusted_bytes(const whet_problem *p) {
    const size_t dim =
        ((size_t)p->head_dim + WHET_TRUSTED_WIDEST - 1) / WHET_TRUSTED_WIDEST * WHET_TRUSTED_WIDEST;
    const size_t n_keys = ((size_t)p->n_context + 2 * WHET_TRUSTED_WIDEST - 1) /
                          WHET_TRUSTED_WIDEST * WHET_TRUSTED_WIDEST;
    return ((WHET_TRUSTED_TILE + 4 * WHET_TRUSTED_QUERIES) * dim +
            (WHET_TRUSTED_QUERIES + 1) * n_keys) *
           sizeof(float);
}

void whet_trusted_run(const whet_trusted *task, void *scratch, int worker, int n_workers) {
    static const whet_trusted_way *const ways[] = {
#if defined(__x86_64__)
        &whet_trusted_avx512,
        &whet_trusted_avx2,
#endif
        &whet_trusted_portable
    };
    const whet_trusted_way *const *way = ways;
    while (((*way)->needs & whet_cpu_features()) != (*way)->needs)
        way++;
    (*way)->run(task, scratch, worker, n_workers);
}
