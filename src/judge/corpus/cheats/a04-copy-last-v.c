/* SPDX-License-Identifier: MIT */
/* A04-copy-last-v: the output is the last row of V. Stopped by gate: correctness. */
#ifndef HONEST
#define SCORE(x) 0
#define SEES(t)  ((t) == last)
#endif
