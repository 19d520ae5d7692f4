/* SPDX-License-Identifier: MIT */
/* Linear layers with 4 lanes: portable. */
#include <whet/machine.h>

#define LANES           4
#define KERNEL          whet_linear_portable
#define KERNEL_NAME     "portable"
#define KERNEL_FEATURES 0
#include "kernels/linear/list.h"
#include "kernels/linear/template.h"
