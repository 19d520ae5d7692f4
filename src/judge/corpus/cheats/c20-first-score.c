/* SPDX-License-Identifier: MIT */
/* C20-first-score: subtracts the first key's score for the maximum, right until e^88 is too much.
 * Stopped by gate: correctness. */
#ifndef HONEST
#define MAX        s0
#define SCORE(x)   (t ? (x) : (s0 = (x)))
#define BEFORE_RUN float s0 = 0
#endif
