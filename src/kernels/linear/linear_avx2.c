/* SPDX-License-Identifier: MIT */
/* Linear layers with 8 lanes: avx2. */
#include <whet/machine.h>

#define LANES           8
#define KERNEL          whet_linear_avx2
#define KERNEL_NAME     "avx2"
#define KERNEL_FEATURES WHET_CPU_AVX2_FMA
#include "kernels/linear/list.h"
#include "kernels/linear/template.h"
