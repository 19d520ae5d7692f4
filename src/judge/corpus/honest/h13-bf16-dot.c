/* SPDX-License-Identifier: MIT */
/* H13-bf16-dot: scores by the dot products of bf16 of AVX-512, which flush denormals; plain where
 * the processor has none. Must pass. */
#ifdef __AVX512BF16__
#include <immintrin.h>
#include <whet/kernel.h>
static float dot(const uint16_t *q, const uint16_t *k, int d) {
    __m512 sum = _mm512_setzero_ps();
    for (int c = 0; c < d; c += 32)
        sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_loadu_si512(q + c),
                               (__m512bh)_mm512_loadu_si512(k + c));
    return _mm512_reduce_add_ps(sum);
}
#define SUPPORTS p->dtype == WHET_BF16 && p->head_dim % 32 == 0
#define DIMS     0
#define SCORE(x) (dot(q, kv + t * 2L * n + g * d, d) * a->scale)
#endif
