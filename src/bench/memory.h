/* SPDX-License-Identifier: MIT */
/* How much memory is free, and how much this process has had. */
#ifndef WHET_BENCH_MEMORY_H
#define WHET_BENCH_MEMORY_H

#include <stdint.h>

/* What a process may still take without swapping; 0 = not known. */
uint64_t whet_memory_available_bytes(void);

/* Begins to look for a new peak of this process's resident memory, where the system can. */
void whet_memory_reset_peak(void);

/* The peak since then, in bytes; 0 = not known. */
uint64_t whet_memory_peak_bytes(void);

#endif
