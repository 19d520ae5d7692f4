/* SPDX-License-Identifier: MIT */
/* The linear kernels of this build, best first: the one list that feeds all. */
#ifndef WHET_KERNELS_LINEAR_LIST_H
#define WHET_KERNELS_LINEAR_LIST_H

#include "kernels/linear.h"

#if defined(__x86_64__)
#define LINEAR_KERNELS(X)                                                                          \
    X(whet_linear_amx_bf16)                                                                        \
    X(whet_linear_zen5_avx512_bf16)                                                                \
    X(whet_linear_avx512_bf16) X(whet_linear_avx512) X(whet_linear_avx2) X(whet_linear_portable)
#elif defined(__aarch64__)
#define LINEAR_KERNELS(X) X(whet_linear_neon_bf16) X(whet_linear_neon) X(whet_linear_portable)
#else
#define LINEAR_KERNELS(X) X(whet_linear_portable)
#endif

#define DECLARE(kernel) extern const whet_linear_kernel kernel;
LINEAR_KERNELS(DECLARE)
#undef DECLARE

#endif
