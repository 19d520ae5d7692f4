/* SPDX-License-Identifier: MIT */
/* The built-in attention kernels, seen from outside. */
#ifndef WHET_ATTENTION_H
#define WHET_ATTENTION_H

#include <whet/kernel.h>
#include <whet/whet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kernel that the engine takes for a problem when none is named: the first of the list, best
 * first, that supports the problem on this processor. Never NULL for a valid problem. Static. */
WHET_API const whet_attention_kernel *whet_attention_default(const whet_problem *problem);

/* The kernel that the engine takes where there is no winner: the measured one of a profile
 * (whet/profile.h), by name, where that does what the problem asks for, else the default. NULL =
 * nothing was measured. */
WHET_API const whet_attention_kernel *whet_attention_choose(const whet_problem *problem,
                                                            const char *measured);

/* A built-in kernel by name, or NULL. Static. */
WHET_API const whet_attention_kernel *whet_attention_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
