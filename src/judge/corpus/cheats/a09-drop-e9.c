/* SPDX-License-Identifier: MIT */
/* A09-drop-e9: drops keys below e^-9 of the largest. Stopped by gate: correctness. */
#ifndef HONEST
#define SEES(t) (s[t] > m - 9)
#endif
