/* SPDX-License-Identifier: MIT */
/* A07-stride: attends to every other key. Stopped by gate: correctness. */
#ifndef HONEST
#define SEES(t) ((last - (t)) % 2 == 0)
#endif
