/* SPDX-License-Identifier: MIT */
/* A06-sink-window: attends to the first 4 and the last 256 keys. Stopped by gate: correctness. */
#ifndef HONEST
#define SEES(t) ((t) < 4 || (t) > last - 256)
#endif
