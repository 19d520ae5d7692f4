/* SPDX-License-Identifier: MIT */
/* Linear layers with 16 lanes: avx512. */
#include <whet/machine.h>

#define LANES           16
#define KERNEL          whet_linear_avx512
#define KERNEL_NAME     "avx512"
#define KERNEL_FEATURES WHET_CPU_AVX512
#include "kernels/linear/list.h"
#include "kernels/linear/template.h"
