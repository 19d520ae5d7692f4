/* SPDX-License-Identifier: MIT */
/* A19-dot-short: the dot product misses 8 dimensions. Stopped by gate: correctness. */
#ifndef HONEST
#define DIMS (d - 8)
#endif
