/* SPDX-License-Identifier: MIT */
/* A03-mean-v: averages V and reads neither Q nor K. Stopped by gate: correctness. */
#ifndef HONEST
#define SCORE(x) 0
#endif
