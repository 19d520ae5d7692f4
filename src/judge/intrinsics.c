/* SPDX-License-Identifier: MIT */
/* The table of intrinsics by processor feature. */
#include "judge/intrinsics.h"

#include <string.h>

static const whet_intrinsics rows[] = {
    { "avx2", "immintrin.h", "vectors of 256 bits",
      "_mm256_fmadd_ps _mm256_permutevar8x32_ps _mm256_cvtepu16_epi32" },
    { "avx512", "immintrin.h", "vectors of 512 bits, with masks",
      "_mm512_fmadd_ps _mm512_maskz_loadu_ps _mm512_permutex2var_ps _mm512_roundscale_ps "
      "_mm512_scalef_ps _mm512_cvtepu16_epi32" },
    { "avx512-bf16", "immintrin.h", "dot products of bf16 pairs, added up in f32",
      "_mm512_dpbf16_ps _mm512_cvtne2ps_pbh _mm512_cvtneps_pbh" },
    { "amx-bf16", "immintrin.h",
      "tiles of 16 rows of 64 bytes, products of two of them added up in f32; after "
      "__atomic_signal_fence(__ATOMIC_SEQ_CST) they see what was stored",
      "_tile_loadconfig _tile_zero _tile_loadd _tile_dpbf16ps _tile_stored _tile_release" },
    { "neon", "arm_neon.h", "vectors of 128 bits", "vfmaq_f32 vfmaq_laneq_f32 vcvtq_s32_f32" },
    { "neon-bf16", "arm_neon.h", "dot and matrix products of bf16, added up in f32",
      "vbfdotq_f32 vbfmmlaq_f32 vcvtq_low_f32_bf16" },
    { "sve", "arm_sve.h", "vectors of the machine's length",
      "svmla_f32_x svld1_f32 svwhilelt_b32" },
};

const whet_intrinsics *whet_intrinsics_of(const char *feature) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].feature, feature) == 0) return &rows[i];
    return NULL;
}
