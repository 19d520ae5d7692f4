/* SPDX-License-Identifier: MIT */
/* H07-lazy-skip: skips keys below e^-20 of the largest. Must pass. */
#define SEES(t) (s[t] > m - 20)
