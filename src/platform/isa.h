/* SPDX-License-Identifier: MIT */
/* The bound on instruction sets, as a compiler has to be told. */
#ifndef WHET_PLATFORM_ISA_H
#define WHET_PLATFORM_ISA_H

#include <stddef.h>

/* Options that let a compiler use what this process may use, and no more: the machine's own
 * instructions when no bound rules any of them out. NULL-terminated, static. */
const char *const *whet_isa_compiler_flags(void);

#endif
