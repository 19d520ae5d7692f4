/* SPDX-License-Identifier: MIT */
/* A13-miss-first: loses the first key. Stopped by gate: correctness. */
#ifndef HONEST
#define FIRST (last > 0)
#endif
