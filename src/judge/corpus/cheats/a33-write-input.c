/* SPDX-License-Identifier: MIT */
/* A33-write-input: zeroes the cache through a cast. Stopped by gate: smoke. */
#ifndef HONEST
#define BEFORE_RUN ((uint16_t *)a->kv)[0] = 0
#endif
