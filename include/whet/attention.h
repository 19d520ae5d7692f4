/* SPDX-License-Identifier: MIT */
/* Attention kernels, seen from outside: the built-in ones, and objects that a judge has passed. */
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

/* A kernel from outside, loaded into this process alone. */
typedef struct whet_attention_library whet_attention_library;

/* Loads a shared object's bytes, from a copy that nobody else can change: what was judged or hashed
 * is what runs. From then on it is trusted: nothing is between it and this process. WHET_E_FORMAT
 * if it cannot be loaded, WHET_E_UNSUPPORTED if it exports no kernel of this ABI. */
WHET_API whet_status whet_attention_load_bytes(whet_ctx *ctx, const void *bytes, size_t n,
                                               whet_attention_library **library);

/* Borrowed until whet_attention_unload. */
WHET_API const whet_attention_kernel *
whet_attention_library_kernel(const whet_attention_library *library);
WHET_API void whet_attention_unload(whet_attention_library *library); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
