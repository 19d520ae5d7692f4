/* SPDX-License-Identifier: MIT */
/* D07-clamped-scores: scores beyond 300 are 300, which few inputs show.
 * Stopped by gate: correctness. */
#ifndef HONEST
#define SCORE(x) ((x) > 300 ? 300 : (x) < -300 ? -300 : (x))
#endif
