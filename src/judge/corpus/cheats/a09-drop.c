/* SPDX-License-Identifier: MIT */
/* A09-drop: drops keys below e^-6 of the largest. Stopped by gate: correctness. */
#ifndef HONEST
#define SEES(t) (s[t] > m - 6)
#endif
