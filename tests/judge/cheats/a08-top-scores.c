/* SPDX-License-Identifier: MIT */
/* A08-top-scores: keeps the largest scores only. Stopped by gate: correctness. */
#ifndef HONEST
#define SEES(t) (s[t] > m - 1.5f)
#endif
